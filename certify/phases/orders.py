"""An order port as the checks use it: place, cancel, modify, and wait for the answer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Any, cast

from certify import clock
from certify.errors import CertifyError, SystemUnavailable
from certify.model.trading import (
    AccountState,
    ExecType,
    Order,
    OrderType,
    OrderUpdate,
    Position,
    Side,
    TimeInForce,
    Trade,
)
from certify.phases.api import Unmet, expect
from certify.phases.trial import PATIENCE_S, QUICK_LOOK_S, Trial

ACCEPTED = frozenset({ExecType.NEW, ExecType.TRADE})
ENDED = frozenset({ExecType.CANCELED, ExecType.REJECTED, ExecType.EXPIRED})
ANSWERED = ACCEPTED | ENDED
CANCEL_ANSWERS = frozenset({ExecType.CANCELED, ExecType.CANCEL_REJECTED})
MODIFY_ANSWERS = frozenset({ExecType.REPLACED, ExecType.REPLACE_REJECTED})
CASH_KINDS = ("STK", "ETF", "CRYPTO")
"""Kinds of instruments that are paid for in full, so that cash moves by the notional."""
RESTING_DISTANCE = Decimal("0.01")
"""How far from the market a resting order lies: 1 % of the price, or half the price band if less."""


class OrderDesk:
    """One order port (`broker`, `execution` or `paper_trading`) in the hands of a check."""

    def __init__(self, trial: Trial, port: str) -> None:
        """Use one port of the trial's system."""
        self.trial = trial
        self.port = port

    # making orders

    def order(
        self,
        side: Side = Side.BUY,
        qty: Decimal | int | None = None,
        *,
        type: OrderType = OrderType.LIMIT,  # noqa: A002 - the field's own name
        price: Decimal | None = None,
        tif: TimeInForce = TimeInForce.DAY,
        **terms: Any,
    ) -> Order:
        """Return a new order with a fresh id; a LIMIT without a price rests away from the market."""
        shared = self.trial.shared
        instrument = self.trial.instrument
        if price is None and type in (OrderType.LIMIT, OrderType.STOP_LIMIT):
            price = self.resting_price(side)
        return Order(
            client_order_id=f"{shared.tag}-{next(shared.order_numbers)}",
            instrument=terms.pop("instrument", instrument.id),
            side=side,
            qty=Decimal(qty) if qty is not None else instrument.lot,
            type=type,
            price=price,
            tif=tif,
            **terms,
        )

    def resting_price(self, side: Side = Side.BUY) -> Decimal:
        """Return a price at which an order rests: off the market, inside the price band."""
        quote = self.trial.quote()
        tick = self.trial.instrument.tick
        band = self.trial.plan.limits.get("price_band")
        distance = min(RESTING_DISTANCE, band / 200) if band else RESTING_DISTANCE
        if side is Side.BUY:
            return to_tick((quote.bid or Decimal(0)) * (1 - distance), tick, down=True)
        return to_tick((quote.ask or Decimal(0)) * (1 + distance), tick, down=False)

    # doing things

    def print_trade(self, price: Decimal) -> None:
        """Let a trade be printed, where the system takes prints from outside."""
        instrument = self.trial.instrument
        trade = Trade(instrument.id, price, instrument.lot, clock.now_ns())
        try:
            self.trial.call("market_data", "inject", trade)
        except SystemUnavailable:
            raise
        except CertifyError as error:
            self.trial.note(f"no trade could be printed: {error}")

    def submit(self, order: Order) -> Order:
        """Send an order within the safety caps; the answer comes as an event."""
        reference = order.price or order.stop_price or self.trial.quote(order.instrument).ask
        self.trial.count_order(order.qty, reference)
        self.trial.ledger.sent(self.port, order)
        self.trial.call(self.port, "submit", order)
        return order

    def place(
        self, order: Order, *, until: Collection[ExecType] = ANSWERED, within_s: float = PATIENCE_S
    ) -> OrderUpdate:
        """Send an order and return the first answer of the kinds asked for."""
        self.submit(order)
        return self.answer(order, until, within_s=within_s)

    def rest(self, side: Side = Side.BUY, qty: Decimal | int | None = None, **terms: Any) -> Order:
        """Place a limit order that rests, and return it once it is accepted."""
        order = self.order(side, qty, **terms)
        answer = self.place(order)
        expect(answer.exec_type is ExecType.NEW, f"expected a resting order to be NEW, was {said(answer)}")
        return order

    def cancel(self, order: Order, *, within_s: float = PATIENCE_S) -> OrderUpdate:
        """Ask for a cancel and return CANCELED or CANCEL_REJECTED."""
        seen = len(self.updates(order))
        self.trial.call(self.port, "cancel", order.client_order_id, order.instrument)
        return self.answer(order, CANCEL_ANSWERS, since=seen, within_s=within_s)

    def modify(
        self,
        order: Order,
        qty: Decimal | int | None = None,
        price: Decimal | None = None,
        *,
        within_s: float = PATIENCE_S,
    ) -> OrderUpdate:
        """Ask for a change and return REPLACED or REPLACE_REJECTED (or the refusal of the order)."""
        amount = Decimal(qty) if qty is not None else None
        seen = len(self.updates(order))
        self.trial.count_order(amount or order.qty, price or order.price)
        self.trial.ledger.asked(order.client_order_id, amount, price)
        self.trial.call(self.port, "modify", order.client_order_id, amount, price)
        return self.answer(order, MODIFY_ANSWERS, since=seen, within_s=within_s)

    def cancel_all(self) -> None:
        """Ask for a cancel of everything on this port."""
        self.trial.call(self.port, "cancel_all")

    def fill(self, side: Side = Side.BUY, qty: Decimal | int | None = None) -> Order:
        """Trade at the market and return the order once all of it is filled."""
        order = self.order(side, qty, type=OrderType.MARKET)
        self.submit(order)
        self.filled(order)
        return order

    # looking

    def updates(self, order: Order) -> list[OrderUpdate]:
        """Return what was said about an order, oldest first."""
        return self.trial.session(self.port).inbox.updates(order.client_order_id)

    def answer(
        self, order: Order, kinds: Collection[ExecType], *, since: int = 0, within_s: float = PATIENCE_S
    ) -> OrderUpdate:
        """Return the first update of these kinds, after the first `since`; silence fails the check."""

        def look() -> OrderUpdate | None:
            return next((u for u in self.updates(order)[since:] if u.exec_type in kinds), None)

        words = "/".join(sorted(kind.value for kind in kinds))
        return self.trial.until(self.port, look, f"expected {words} for {order.client_order_id}", within_s)

    def filled(self, order: Order, qty: Decimal | None = None, *, within_s: float = PATIENCE_S) -> Decimal:
        """Wait until `qty` (default: all) of an order is filled; fails at once when it ends otherwise."""
        wanted = order.qty if qty is None else qty
        entry = self.trial.ledger.entries[order.client_order_id]

        def look() -> bool:
            return entry.cum_qty >= wanted or any(u.exec_type in ENDED for u in entry.updates)

        self.trial.wait(self.port, look, within_s)
        last = said(entry.updates[-1]) if entry.updates else "silence"
        if entry.cum_qty < wanted:
            raise Unmet(f"expected {wanted} of {order.client_order_id} filled, was {entry.cum_qty} ({last})")
        return entry.cum_qty

    def silent(
        self, order: Order, kinds: Collection[ExecType], *, since: int = 0, for_s: float = QUICK_LOOK_S
    ) -> bool:
        """Return whether no update of these kinds comes for a short while."""

        def look() -> OrderUpdate | None:
            return next((u for u in self.updates(order)[since:] if u.exec_type in kinds), None)

        return self.trial.wait(self.port, look, for_s) is None

    def open_ids(self) -> set[str]:
        """Return the client order ids that the port lists as working."""
        return {update.client_order_id for update in self.listed("open_orders")}

    def listed(self, method: str) -> list[OrderUpdate]:
        """Return `open_orders` or `executions` of the port."""
        return cast("list[OrderUpdate]", self.trial.call(self.port, method))

    def position(self, instrument: str | None = None) -> Decimal:
        """Return what the port says is held of an instrument, signed; nothing listed is zero."""
        name = instrument or self.trial.instrument.id
        positions = cast("list[Position]", self.trial.call(self.port, "positions"))
        return sum((p.qty for p in positions if p.instrument == name), Decimal(0))

    def account(self) -> AccountState:
        """Return the port's account."""
        return cast("AccountState", self.trial.call(self.port, "account"))

    def position_is(self, expected: Decimal, text: str, *, within_s: float = PATIENCE_S) -> None:
        """Fail unless the port's position becomes `expected` in time."""
        last: list[Decimal] = []

        def look() -> bool:
            last[:] = [self.position()]
            return last[0] == expected

        try:
            self.trial.poll(look, text, within_s)
        except Unmet:
            raise Unmet(f"{text}: expected a position of {expected}, was {last[0]}") from None


def to_tick(price: Decimal, tick: Decimal, *, down: bool) -> Decimal:
    """Return a price moved to the next tick below or above."""
    return (price / tick).to_integral_value(rounding=ROUND_DOWN if down else ROUND_UP) * tick


def said(update: OrderUpdate) -> str:
    """Return an update in a few words: what, by whom, why."""
    why = " ".join(part for part in (update.code, update.reason) if part)
    return f"{update.exec_type.value} by {update.source.value}" + (f" ({why})" if why else "")


def with_terms(order: Order, **terms: Any) -> Order:
    """Return a copy of an order with other terms."""
    return replace(order, **terms)
