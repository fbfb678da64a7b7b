"""An order port as the trading checks use it: paced by the limits, judged against the market shown."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

from certify import clock
from certify.model.ids import Assurance
from certify.model.trading import (
    ExecType,
    Order,
    OrderUpdate,
    OrdStatus,
    Quote,
    Side,
    TimeInForce,
)
from certify.phases.api import Unmet, expect, expect_equal
from certify.phases.ledger import Entry
from certify.phases.orders import ENDED, OrderDesk, said, to_tick
from certify.phases.trial import PATIENCE_S, QUICK_LOOK_S

RATE_SHARE = 0.6
"""Share of the profile's message rates that these checks use, so that they never meet a rate limit."""
SHARE_OF_LIMITS = Decimal("0.9")
"""Share of the profile's size limits that these checks use."""
SLACK = Decimal("0.001")
"""How far beyond the quote a price is marketable where the market moves by itself: 0.1 %."""
SLACK_TICKS = 3
SETTLE_S = 2.0
"""How long a position may lag behind its fills before a check begins."""
STILL_S, MOST_LOOKS = 0.15, 10
WORTH = Decimal(2000)
"""Money that a trade must move, where the caps let it, so that a commission is more than a rounding."""
DEEP = 1000
"""Lots that the tool shows where size must not matter."""
ENDS_UNFILLED = frozenset({ExecType.CANCELED, ExecType.EXPIRED})


class Desk(OrderDesk):
    """One order port in the hands of a trading check."""

    @property
    def simulated(self) -> bool:
        """Whether no real account, not even a paper one, stands behind the port."""
        return self.trial.session(self.port).assurance is Assurance.SIMULATED

    def claims(self, capability: str) -> bool:
        """Return whether the system claims a capability: one that is not mentioned is claimed."""
        info = self.trial.session(self.port).info
        return info is None or not isinstance(info.capabilities.get(capability, True), str)

    # sizes and prices

    @property
    def tick(self) -> Decimal:
        """Return the price step of the instrument that is traded."""
        return self.trial.instrument.tick

    def lots(self, count: int) -> Decimal:
        """Return a quantity of so many lots."""
        return self.trial.instrument.lot * count

    def worth(self, least: int) -> int:
        """Return so many lots that trading them moves some money; at least `least`, if there is room."""
        instrument = self.trial.instrument
        lot = self.trial.centre() * instrument.multiplier * instrument.lot
        return self.room(max(least, math.ceil(WORTH / lot)))

    def market(self, *, ask_lots: int = DEEP, bid_lots: int = DEEP, shift: int = 0) -> Quote:
        """Set the market where that is possible, `shift` ticks off its centre, else return it as it is."""
        if not self.trial.can_set_market:
            return self.trial.quote()
        # Each quote differs from the one before by its bid size: a feed may leave out what has not changed.
        settings = cast("int", self.trial.shared.facts.get("trading.markets", 0)) + 1
        self.trial.shared.facts["trading.markets"] = settings
        bid = self.trial.centre() + (shift - 1) * self.tick
        bid_size = max(DEEP, bid_lots) + settings % DEEP
        return self.trial.set_market(
            bid, bid + 2 * self.tick, size=self.lots(bid_size), ask_size=self.lots(ask_lots)
        )

    def push(self, bid: Decimal, ask: Decimal, *, lots: int = DEEP) -> None:
        """Set the market without waiting to be shown it: resting orders may take part of it at once."""
        size, name = self.lots(lots), self.trial.instrument.id
        self.trial.call("market_data", "inject", Quote(name, bid, size, ask, size, clock.now_ns()))

    def through(self, side: Side, quote: Quote) -> Decimal:
        """Return a limit at which an order trades at once: the other side, or beyond where it moves."""
        far = cast("Decimal", quote.ask if side is Side.BUY else quote.bid)
        if self.trial.can_set_market:
            return far
        slack = max(far * SLACK, self.tick * SLACK_TICKS)
        return to_tick(far + slack if side is Side.BUY else far - slack, self.tick, down=side is Side.SELL)

    def room(self, count: int) -> int:
        """Return so many lots, or as many as the profile's caps and limits leave room for (at least 1)."""
        plan, price = self.trial.plan, self.trial.centre()
        value = price * self.trial.instrument.multiplier
        limits = plan.limits | (self.trial.limits() if self.trial.has("risk", "limits") else {})
        qtys = [plan.safety.max_order_qty, plan.safety.max_order_notional / price]
        for name in ("max_order_qty", "max_position_qty"):
            qtys.append(limits.get(name, qtys[0]))
        for name in ("max_order_notional", "max_position_notional"):
            qtys.append(limits[name] / value if name in limits else qtys[0])
        return max(1, min(count, int(min(qtys) * SHARE_OF_LIMITS / self.lots(1))))

    # orders

    def submit(self, order: Order) -> Order:
        """Send an order, not faster than the profile's limits let it."""
        self._pace()
        return super().submit(order)

    def modify(
        self,
        order: Order,
        qty: Decimal | int | None = None,
        price: Decimal | None = None,
        *,
        within_s: float = PATIENCE_S,
    ) -> OrderUpdate:
        """Ask for a change, not faster than the profile's limits let it, and return the answer."""
        self._pace()
        return super().modify(order, qty, price, within_s=within_s)

    def _pace(self) -> None:
        plan = self.trial.plan
        named = (plan.limits.get("max_order_rate"), plan.safety.max_messages_per_s)
        rates = [float(rate) for rate in named if rate]
        if not rates:
            return
        sent = cast("deque[int]", self.trial.shared.facts.setdefault("trading.sent_ns", deque()))
        while sent and sent[0] <= clock.monotonic_ns() - clock.NS_PER_S:
            sent.popleft()
        if len(sent) >= max(1, int(min(rates) * RATE_SHARE)):
            clock.sleep_s(max(0.0, (sent.popleft() + clock.NS_PER_S - clock.monotonic_ns()) / clock.NS_PER_S))
        sent.append(clock.monotonic_ns())

    def marketable(
        self, side: Side, qty: Decimal, quote: Quote, tif: TimeInForce = TimeInForce.DAY, **terms: Any
    ) -> Order:
        """Return a limit order that trades at once."""
        return self.order(side, qty, price=self.through(side, quote), tif=tif, **terms)

    def trade(self, side: Side, qty: Decimal, quote: Quote | None = None) -> Order:
        """Trade by a marketable limit order and return it once all of it is filled."""
        order = self.marketable(side, qty, quote or self.market())
        self.submit(order)
        self.filled(order)
        return order

    def refused(self, order: Order, why: str) -> OrderUpdate:
        """Send an order that must be refused with a reason; fails when it is taken, or nothing is said."""
        answer = self.place(order)
        expect(
            answer.exec_type is ExecType.REJECTED,
            f"expected an order with {why} to be REJECTED, was {said(answer)}{self._held(order, answer)}",
        )
        self.expect_reason(answer)
        expect_equal(answer.cum_qty, Decimal(0), f"filled of a rejected order with {why}")
        self.not_listed(order, "after it was rejected")
        return answer

    @staticmethod
    def _held(order: Order, answer: OrderUpdate) -> str:
        changed = (answer.qty, answer.price) != (order.qty, order.price)
        return f", held as {answer.qty} @ {answer.price}" if changed else ""

    @staticmethod
    def expect_reason(answer: OrderUpdate) -> None:
        """Fail unless a refusal says why, by a code or in words."""
        given = (answer.code or "").strip() or (answer.reason or "").strip()
        expect(given, f"expected a code or a reason with {answer.exec_type.value}, was neither")

    # what became of an order

    def entry(self, order: Order) -> Entry:
        """Return what the ledger knows of an order."""
        return self.trial.ledger.entries[order.client_order_id]

    def ended(self, order: Order, *, within_s: float = PATIENCE_S) -> OrderUpdate:
        """Return the update that ended an order; fails when it goes on working."""

        def look() -> OrderUpdate | None:
            over = (u for u in self.updates(order) if u.status.terminal and u.exec_type not in ANSWERS)
            return next(over, None)

        return self.trial.until(self.port, look, f"expected {order.client_order_id} to end", within_s)

    def expect_unfilled_end(self, order: Order, filled: Decimal = Decimal(0)) -> OrderUpdate:
        """Fail unless an order ends canceled or expired with exactly `filled` traded."""
        end = self.ended(order)
        expect(
            end.exec_type in ENDS_UNFILLED,
            f"expected the rest of {order.tif.value} to be CANCELED or EXPIRED, was {said(end)}",
        )
        expect_equal(self.entry(order).cum_qty, filled, "filled by the fills")
        expect_equal(end.cum_qty, filled, "filled by the report of the end")
        self.not_listed(order, f"after {end.exec_type.value}")
        return end

    def filled_end(self, order: Order) -> None:
        """Fail unless all of an order is filled and the system says FILLED."""
        self.filled(order)
        end = self.ended(order)
        expect(end.status is OrdStatus.FILLED, f"expected FILLED with the last fill, was {end.status.value}")

    def untouched(self, order: Order, what: str, *, for_s: float = QUICK_LOOK_S) -> None:
        """Fail when an order trades or ends within a short while."""
        seen = len(self.updates(order))
        kinds = ENDED | {ExecType.TRADE}
        expect(
            self.silent(order, kinds, since=seen, for_s=for_s),
            f"expected {what}, was {', '.join(said(u) for u in self.updates(order)[seen:])}",
        )

    def becomes(self, look: Callable[[], bool], *, within_s: float = PATIENCE_S) -> bool:
        """Return whether asking again and again makes `look` true in time."""
        try:
            return self.trial.poll(look, "expected so", within_s)
        except Unmet:
            return False

    def held(self) -> Decimal:
        """Return the position of the instrument that is traded, once the port shows all fills so far.

        A position may lag behind its fills. What the account held before the run is its base; where the
        port never comes to base plus fills, what it shows is taken, and becomes the base.
        """
        facts, name = self.trial.shared.facts, self.trial.instrument.id
        key = f"trading.base.{self.port}.{name}"
        fills = self.trial.ledger.position(self.port, name)
        if key not in facts:
            facts[key] = self._still_position() - fills
        expected = cast("Decimal", facts[key]) + fills
        if self.becomes(lambda: self.position() == expected, within_s=SETTLE_S):
            return expected
        shown = self._still_position()
        facts[key] = shown - fills
        return shown

    @property
    def at_broker(self) -> Desk | None:
        """Return the broker's own port, where this is the system's order path and both are in scope.

        What a system has dropped or not understood shows there only.
        """
        both = self.port == "execution" and self.trial.has("broker", "open_orders")
        return Desk(self.trial, "broker") if both else None

    def broker_holds(self) -> Decimal | None:
        """Return what the broker itself says is held, where it can be asked."""
        return self.at_broker._still_position() if self.at_broker is not None else None

    def _still_position(self) -> Decimal:
        """Return the position once it has not changed for a short while."""
        seen = [self.position()]
        for _ in range(MOST_LOOKS):
            clock.sleep_s(STILL_S)
            seen.append(self.position())
            if seen[-1] == seen[-2]:
                break
        return seen[-1]

    # what the port lists

    def listing(self, order: Order, *, within_s: float = PATIENCE_S) -> OrderUpdate:
        """Return an order as `open_orders` lists it; fails when it is not there in time."""

        def look() -> OrderUpdate | None:
            mine = (u for u in self.listed("open_orders") if u.client_order_id == order.client_order_id)
            return next(mine, None)

        return self.trial.poll(look, f"expected {order.client_order_id} in open_orders", within_s)

    def not_listed(self, order: Order, when: str, *, within_s: float = PATIENCE_S) -> None:
        """Fail unless an order is (soon) not among the working ones, here and at the broker itself."""
        name, at_broker = order.client_order_id, self.at_broker
        text = f"expected {name} gone from open_orders {when}"
        self.trial.poll(lambda: name not in self.open_ids(), text, within_s)
        if at_broker is not None:
            text = f"expected {name} gone from the broker's own open_orders {when}"
            self.trial.poll(lambda: name not in at_broker.open_ids(), text, within_s)

    def listed_with(
        self,
        order: Order,
        *,
        qty: Decimal | None = None,
        price: Decimal | None = None,
        cum: Decimal | int = 0,
    ) -> OrderUpdate:
        """Fail unless `open_orders` lists an order with exactly its terms (or those given)."""
        wanted = (order.qty if qty is None else qty, order.price if price is None else price)

        def look() -> OrderUpdate | None:
            listed = self.listing(order)
            same = (listed.qty, listed.price, listed.cum_qty) == (*wanted, Decimal(cum))
            return listed if same else None

        try:
            listed = self.trial.poll(look, "the listing")
        except Unmet:
            listed = self.listing(order)
        expect_equal((listed.instrument, listed.side), (order.instrument, order.side), "listed as")
        expect_equal(listed.qty, wanted[0], "quantity listed")
        expect_equal(listed.price, wanted[1], "price listed")
        expect_equal(listed.cum_qty, Decimal(cum), "filled listed")
        expect_equal(listed.leaves_qty, wanted[0] - cum, "leaves listed")
        for what, said_term, term in (
            ("type", listed.type, order.type),
            ("time in force", listed.tif, order.tif),
        ):
            expect(said_term in (None, term), f"{what} listed: expected {term.value}, was {said_term}")
        return listed

    def paid(self, orders: Collection[Order]) -> list[OrderUpdate]:
        """Return the fills of orders with their costs: as reported, else as `executions` lists them later."""
        fills = [fill for order in orders for fill in self.entry(order).fills.values()]
        told = all(fill.commission is not None for fill in fills)
        claimed = self.claims("orders.commission") and self.claims("orders.executions")
        return fills if told or not claimed else self.fills_listed(orders)

    def fills_listed(self, orders: Collection[Order], *, within_s: float = PATIENCE_S) -> list[OrderUpdate]:
        """Return the fills of these orders that `executions` lists, once they add up to the ledger's."""
        ids = {order.client_order_id for order in orders}
        wanted = sum((self.entry(order).cum_qty for order in orders), Decimal(0))
        found: list[OrderUpdate] = []

        def look() -> bool:
            found[:] = [
                u
                for u in self.listed("executions")
                if u.client_order_id in ids and u.exec_type is ExecType.TRADE
            ]
            return sum((u.last_qty for u in found), Decimal(0)) == wanted

        try:
            self.trial.poll(look, "the executions", within_s)
        except Unmet:
            total = sum((u.last_qty for u in found), Decimal(0))
            raise Unmet(
                f"executions listed: expected fills of {wanted}, was {total} in {len(found)} lines"
            ) from None
        return found


ANSWERS = frozenset({ExecType.CANCEL_REJECTED, ExecType.REPLACE_REJECTED, ExecType.STATUS})
"""Reports that change no state: the status in them may be old."""


def without(order: Order, **terms: Any) -> Order:
    """Return an order with terms that `Desk.order` would not give it, as a limit order without a price."""
    return replace(order, **terms)
