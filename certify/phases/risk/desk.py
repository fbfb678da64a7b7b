"""The order path in the hands of a risk check: limits lowered, orders let through or refused."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from typing import Any, cast

from certify import clock
from certify.errors import CertifyError, SystemUnavailable
from certify.model.trading import ExecType, Order, OrderType, OrderUpdate, Quote, Side
from certify.phases.api import Unmeasurable, Unmet, expect
from certify.phases.orders import ACCEPTED, MODIFY_ANSWERS, OrderDesk, said, to_tick
from certify.phases.trial import PATIENCE_S, Trial

RATE_SHARE = 0.6
"""Share of a rate limit that checks of other limits use, so that they do not meet it."""
NO_CAP_PER_S = 500
"""Messages per second where the profile's safety says nothing."""
PRICE_ROOM = Decimal("1.05")
"""How much dearer than now an order may become while its check runs."""
MOST_LOTS = 10
MOST_ORDERS = 20
"""Orders by which a position is traded up to a limit that cannot be lowered."""
STOP_DISTANCE = Decimal("0.01")


def settable(trial: Trial) -> bool:
    """Return whether the system claims that its limits can be changed at run time."""
    return claims(trial, "risk", "risk.set_limit") and trial.has("risk", "set_limit")


def claims(trial: Trial, port: str, capability: str) -> bool:
    """Return whether the system behind a port claims a capability; only a stated reason is a no."""
    info = trial.session(port).info
    reason = info.capabilities.get(capability, True) if info is not None else True
    return not (isinstance(reason, str) and reason.strip())


def refuses(trial: Trial, port: str, method: str, *args: object) -> bool:
    """Call a method that must say no; return whether it did, by a decision or by raising."""
    try:
        answer = trial.call(port, method, *args)
    except SystemUnavailable:
        raise
    except CertifyError:
        return True
    return getattr(answer, "accepted", None) is False


class RiskDesk(OrderDesk):
    """The port `execution` with the limits that stand before it."""

    def __init__(self, trial: Trial) -> None:
        """Use the trial's order path, not faster than its rate limit lets it."""
        super().__init__(trial, "execution")
        declared = trial.limits().get("max_order_rate")
        share = float(declared) * RATE_SHARE if declared else float("inf")
        self._cap_per_s = float(trial.plan.safety.max_messages_per_s or NO_CAP_PER_S)
        self._most_per_s = max(1, int(min(share, self._cap_per_s)))

    # limits

    def lots(self, count: int) -> Decimal:
        """Return a quantity of so many lots."""
        return self.trial.instrument.lot * count

    def value(self, qty: Decimal, price: Decimal) -> Decimal:
        """Return what a quantity is worth."""
        return qty * price * self.trial.instrument.multiplier

    def declared(self, name: str) -> Decimal:
        """Return a limit as the system says it; one that is claimed and not there fails the check."""
        value = self.trial.limits().get(name)
        if value is None:
            raise Unmet(f"expected {name} among the limits in force, as risk.{name} is claimed, was none")
        return value

    def lower(self, name: str, value: Decimal) -> Decimal | None:
        """Set a limit for this check; `None` where the system cannot or does not let it be set."""
        if not settable(self.trial):
            return None
        decision = self.trial.set_limit(name, value)
        return value if decision.accepted else None

    def must_lower(self, name: str, value: Decimal) -> Decimal:
        """Set a limit for this check; inconclusive where that cannot be done."""
        if self.lower(name, value) is None:
            raise Unmeasurable(f"{name} cannot be set, and at its declared value it cannot be probed")
        return value

    def room(self, besides: str, times: int = 3) -> int:
        """Return how many lots an order may have by every limit but one, and by the safety caps.

        So that `times` orders of that many lots fit into the limits on positions.
        """
        price = (self.trial.quote().ask or Decimal(0)) * PRICE_ROOM
        each = self.value(Decimal(1), price)
        safety, limits = self.trial.plan.safety, self.trial.limits()
        caps = [Decimal(safety.max_order_qty), safety.max_order_notional / price]
        for name, per_unit in (
            ("max_order_qty", Decimal(1)),
            ("max_order_notional", each),
            ("max_position_qty", Decimal(times)),
            ("max_position_notional", times * each),
        ):
            if name in limits and name != besides:
                caps.append(limits[name] / per_unit)
        return int(min(caps) // self.trial.instrument.lot)

    def lots_limit(self, name: str, most: int = MOST_LOTS, *, spare: int = 1, times: int = 1) -> int:
        """Return a limit on quantity in whole lots, lowered to at most `most` where it can be set.

        An order of `spare` lots more than the limit must be possible by everything else; `times` of them
        where the limit cannot be set.
        """
        room = self.room(name)
        count = min(most, room - spare)
        if count < 1:
            raise Unmeasurable(f"other limits and the safety caps leave {room} lots: too few to try {name}")
        if self.lower(name, self.lots(count)) is not None:
            return count
        count = int((self.declared(name) / self.trial.instrument.lot).to_integral_value(ROUND_DOWN))
        room = self.room(name, times)
        if count + spare > room:
            raise Unmeasurable(f"{name} is {count} lots; other limits and the safety caps leave {room}")
        return count

    # orders

    def make(self, side: Side, lots: int, kind: OrderType = OrderType.LIMIT) -> Order:
        """Return an order of a kind that rests (or trades at once, when it is a market order)."""
        if kind is not OrderType.STOP:
            return self.order(side, self.lots(lots), type=kind)
        quote, tick = self.trial.quote(), self.trial.instrument.tick
        if side is Side.BUY:
            stop = to_tick((quote.ask or Decimal(0)) * (1 + STOP_DISTANCE), tick, down=False)
        else:
            stop = to_tick((quote.bid or Decimal(0)) * (1 - STOP_DISTANCE), tick, down=True)
        return self.order(side, self.lots(lots), type=kind, stop_price=stop)

    def submit(self, order: Order) -> Order:
        """Send an order, not faster than the limits let it."""
        self.pace(self._most_per_s)
        return super().submit(order)

    def modify(
        self,
        order: Order,
        qty: Decimal | int | None = None,
        price: Decimal | None = None,
        *,
        within_s: float = PATIENCE_S,
    ) -> OrderUpdate:
        """Ask for a change, not faster than the limits let it, and return the answer."""
        self.pace(self._most_per_s)
        return super().modify(order, qty, price, within_s=within_s)

    def burst(self, orders: list[Order]) -> float:
        """Send orders without waiting for answers; return the seconds it took. Only the safety cap paces."""
        began = clock.monotonic_ns()
        for order in orders:
            self.pace(max(1, int(self._cap_per_s)))
            super().submit(order)
        return (clock.monotonic_ns() - began) / clock.NS_PER_S

    def pace(self, most_per_s: int) -> None:
        """Wait until one more message keeps below `most_per_s` in any second."""
        sent = cast("deque[int]", self.trial.shared.facts.setdefault("risk.sent_ns", deque()))
        while sent and sent[0] <= clock.monotonic_ns() - clock.NS_PER_S:
            sent.popleft()
        if len(sent) >= most_per_s:
            due_ns = sent[len(sent) - most_per_s] + clock.NS_PER_S
            clock.sleep_s(max(0.0, (due_ns - clock.monotonic_ns()) / clock.NS_PER_S))
        sent.append(clock.monotonic_ns())

    # what must become of them

    def allowed(self, order: Order, why: str) -> OrderUpdate:
        """Send an order that must be let through; fails when it is refused, or nothing is said."""
        answer = self.place(order)
        expect(
            answer.exec_type in ACCEPTED,
            f"expected {terms(order)} to be let through {why}, was {said(answer)}",
        )
        return answer

    def refused(self, order: Order, why: str) -> OrderUpdate:
        """Send an order that must be refused with a reason; fails when it is taken, or nothing is said."""
        answer = self.place(order)
        expect(
            answer.exec_type is ExecType.REJECTED,
            f"expected {terms(order)} to be refused {why}, was {said(answer)}",
        )
        self.expect_reason(answer)
        return answer

    def change_allowed(
        self, order: Order, why: str, qty: Decimal | None = None, price: Decimal | None = None
    ) -> None:
        """Ask for a change that must be let through."""
        answer = self.modify(order, qty, price)
        expect(
            answer.exec_type is ExecType.REPLACED,
            f"expected a change to {changed(qty, price)} to be let through {why}, was {said(answer)}",
        )

    def change_refused(
        self, order: Order, why: str, qty: Decimal | None = None, price: Decimal | None = None
    ) -> None:
        """Ask for a change that must be refused with a reason; the order goes on as it was."""
        answer = self.modify(order, qty, price)
        expect(
            answer.exec_type is ExecType.REPLACE_REJECTED,
            f"expected a change to {changed(qty, price)} to be refused {why}, was {said(answer)}",
        )
        self.expect_reason(answer)

    @staticmethod
    def expect_reason(answer: OrderUpdate) -> None:
        """Fail unless a refusal says why, by a code or in words."""
        given = (answer.code or "").strip() or (answer.reason or "").strip()
        expect(given, f"expected a code or a reason with {answer.exec_type.value}, was neither")

    # clearing away

    def working(self, *orders: Order) -> list[Order]:
        """Return those of some orders that have not ended."""
        entries = self.trial.ledger.entries
        return [order for order in orders if entries[order.client_order_id].working]

    def clear(self, *orders: Order) -> None:
        """Cancel what still works of some orders and wait for their end."""
        for order in self.working(*orders):
            self.trial.call(self.port, "cancel", order.client_order_id, order.instrument)
        self.trial.until(self.port, lambda: not self.working(*orders), "expected the cancelled orders to end")

    def answers(self, orders: list[Order], within_s: float = PATIENCE_S) -> tuple[int, int]:
        """Wait until every order of a burst is answered; return how many were taken and refused."""
        entries = [self.trial.ledger.entries[order.client_order_id] for order in orders]
        self.trial.until(
            self.port,
            lambda: all(entry.status is not None for entry in entries),
            "expected every order of the burst to be answered",
            within_s,
        )
        refused = sum(any(u.exec_type is ExecType.REJECTED for u in entry.updates) for entry in entries)
        return len(entries) - refused, refused

    def ready(self, within_s: float) -> None:
        """Wait until an order is let through again, as after a restart or a broken link."""

        def look() -> bool:
            order = self.order()
            try:
                taken = self.place(order).exec_type in ACCEPTED
            except SystemUnavailable:
                raise
            except CertifyError:
                return False
            self.clear(order)
            return taken

        self.trial.poll(look, "expected an order to be let through again", within_s)

    def deep_market(self, qty: Decimal = Decimal(0)) -> Quote:
        """Return a market in which `qty` fills at once, where it can be set."""
        return self.trial.set_market(size=max(Decimal(10_000), 2 * qty, self.lots(1000)))

    def deeper(self, quote: Quote) -> Quote:
        """Return a quote with the same prices and size for everybody."""
        size = max(Decimal(10_000), self.lots(1000))
        return replace(quote, bid_size=size, ask_size=size, ts_event_ns=clock.now_ns())

    def position_limit(self, most: int, *, spare: int = 1) -> int:
        """Return max_position_qty in lots, lowered to `most` where it can be set.

        One that cannot be set may be larger than any order: then it is reached by several.
        """
        room = self.room("max_position_qty")
        if room <= spare:
            raise Unmeasurable(f"other limits and the safety caps leave {room} lots: too few")
        if self.lower("max_position_qty", self.lots(min(most, room - spare))) is not None:
            return min(most, room - spare)
        count = int((self.declared("max_position_qty") / self.lots(1)).to_integral_value(ROUND_DOWN))
        if count > room * MOST_ORDERS:
            raise Unmeasurable(f"max_position_qty is {count} lots; an order may have {room}: too many orders")
        return count

    def hold(self, lots: int, side: Side = Side.BUY) -> Decimal:
        """Trade into a position and wait until the system shows it; returns the signed quantity."""
        before = self.position()
        qty, most = self.lots(lots), self.room("max_position_qty")
        for done in range(0, lots, max(most, 1)):
            part = self.lots(min(most, lots - done)) if most else qty
            self.deep_market(part)
            self.fill(side, part)
        held = before + (qty if side is Side.BUY else -qty)
        self.position_is(held, "after trading into a position")
        return held


def money(value: Decimal) -> Decimal:
    """Return an amount rounded to cents, or to four figures where it is so small that cents are none."""
    places = max(2, 3 - value.adjusted()) if value else 2
    return round(value, places)


def changed(qty: Decimal | None, price: Decimal | None) -> str:
    """Return the terms of a change in a few words."""
    return " @ ".join(str(term) for term in (qty, price) if term is not None)


def terms(order: Order) -> str:
    """Return an order in a few words."""
    price: Any = order.price if order.price is not None else order.stop_price
    return f"{order.side.value} {order.qty} {order.type.value}" + (f" @ {price}" if price is not None else "")


__all__ = ["MODIFY_ANSWERS", "RiskDesk", "changed", "claims", "refuses", "settable", "terms"]
