"""Orders that wait for a price of some contract or for a time, and those that are cancelled by one.

Simulated are conditions of price (type 1) and of time (type 3), joined by "and" and "or"; an order with any
other is refused. A price is the last trade's, or with triggerMethod 1, 4, 7 and 8 that of the quotes: the bid
where the price has to be above, the ask where it has to be below.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from certify.gateway.contracts import Listing
from certify.gateway.orders.records import OrderRecord, Wait
from certify.gateway.orders.shapes import time_ns
from certify.gateway.wire.contract import WireContract
from certify.gateway.wire.order import WireCondition, WireOrder
from certify.model.trading import Quote

if TYPE_CHECKING:
    from certify.gateway.house import Gateway
    from certify.gateway.orders.desk import OrderDesk

_PRICE, _TIME = 1, 3
_BY_QUOTES = frozenset({"1", "4", "7", "8"})


def problem(order: WireOrder, gateway: Gateway) -> str:
    """Return what is wrong with the conditions of an order; empty when nothing is."""
    for each in order.conditions:
        if each.kind == _TIME:
            if time_ns(each.texts[2]) is None:
                return f"Invalid time of a condition: {each.texts[2]}"
        elif each.kind != _PRICE:
            return "Only conditions of price and time are simulated"
        elif not _is_price(each.texts[2]):
            return f"Invalid price of a condition: {each.texts[2]}"
        elif _instrument(each, gateway) is None:
            return "Invalid contract of a price condition"
    return ""


def _is_price(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _instrument(condition: WireCondition, gateway: Gateway) -> str | None:
    """Return the instrument that a price condition looks at, whose market moves from now on."""
    _, _, _, con_id, exchange, _ = condition.texts
    listing = gateway.contracts.find(WireContract(con_id=int(con_id or 0), exchange=exchange))
    return listing.instrument.id if isinstance(listing, Listing) else None


class Conditions:
    """Knows which orders wait for what, and lets them go."""

    def __init__(self, gateway: Gateway, desk: OrderDesk) -> None:
        """Watch for the orders of `desk`."""
        self._gateway = gateway
        self._desk = desk
        self._waiting: list[OrderRecord] = []
        self._last: dict[str, Decimal] = {}
        self._quotes: dict[str, Quote] = {}

    def begin(self, record: OrderRecord) -> None:
        """Watch for a new order; it is held unless its conditions are to cancel it."""
        if not record.terms.conditions:
            return
        if not record.terms.conditions_cancel_order:
            record.waits.add(Wait.CONDITION)
        self._waiting.append(record)
        for each in record.terms.conditions:
            if each.kind == _TIME:
                self._desk.at(max(time_ns(each.texts[2]) or 0, self._gateway.now_ns()), _look, record)
            else:
                self._desk.triggers.follow(_instrument(each, self._gateway) or "", "TRADE", "QUOTE")

    def renew(self, record: OrderRecord) -> None:
        """Watch for an order by the conditions that it has been given since, or no more when it has none."""
        self._waiting = [each for each in self._waiting if each is not record]
        record.waits.discard(Wait.CONDITION)
        self.begin(record)

    def forget_ended(self) -> None:
        """Watch no more for orders that have ended."""
        self._waiting = [each for each in self._waiting if each.working]

    def traded(self, instrument: str, price: Decimal) -> None:
        """Hear of a trade."""
        self._last[instrument] = price
        self._look_at_all()

    def quoted(self, quote: Quote) -> None:
        """Hear of a quote."""
        self._quotes[quote.instrument] = quote
        self._look_at_all()

    def _look_at_all(self) -> None:
        if self._waiting:
            self.forget_ended()
            for record in tuple(self._waiting):
                self.look(record)

    def look(self, record: OrderRecord) -> bool:
        """Let an order go, or cancel it, if its conditions are met; one not sent yet, or a child, waits.

        Returns whether they are met.
        """
        held = {Wait.TRANSMIT, Wait.CHILD} & record.waits
        if held or record not in self._waiting or not record.working or not self._met(record.terms):
            return False
        self._waiting.remove(record)
        if record.terms.conditions_cancel_order:
            self._desk.cancel_at_ib(record, "Conditions for cancelling are met")
        else:
            record.waits.discard(Wait.CONDITION)
            self._desk.proceed(record)
        return True

    def _met(self, terms: WireOrder) -> bool:
        """Whether all of a run joined by "and" hold; "or" begins another run."""
        runs = [[True]]
        for each in terms.conditions:
            runs[-1].append(self._holds(each))
            if each.conjunction == "o":
                runs.append([True])
        return any(len(run) > 1 and all(run) for run in runs) or not terms.conditions

    def _holds(self, condition: WireCondition) -> bool:
        more = condition.texts[1] == "1"
        if condition.kind == _TIME:
            return (self._gateway.now_ns() >= (time_ns(condition.texts[2]) or 0)) is more
        seen, wanted = self._price(condition, more=more), Decimal(condition.texts[2])
        return seen is not None and (seen >= wanted if more else seen <= wanted)

    def _price(self, condition: WireCondition, *, more: bool) -> Decimal | None:
        instrument = _instrument(condition, self._gateway) or ""
        if condition.texts[5] not in _BY_QUOTES:
            return self._last.get(instrument)
        quote = self._quotes.get(instrument)
        return None if quote is None else quote.bid if more else quote.ask


def _look(desk: OrderDesk, record: OrderRecord) -> None:
    desk.conditions.look(record)
