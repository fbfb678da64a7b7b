"""The tool's own ledger of every order, and the laws of order state that it holds at all times.

The laws follow FIX 4.4 volume 4 (order state changes, appendix D): one terminal state; legal
transitions; cum = sum of fills; cum + leaves = quantity while working; no fill after the end
except a bust; execution ids unique; terms as accepted; no fill worse than the limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from certify.model.trading import ExecType, Order, OrderType, OrderUpdate, OrdStatus, Side
from certify.phases.bulk import BulkOrders

LAWS: dict[str, str] = {
    "one_terminal": "an order ends once, and nothing but a bust follows",
    "transitions": "an order moves only along legal states",
    "quantities": "filled is the sum of the fills, and filled plus leaves is the quantity while it works",
    "exec_ids": "every fill has an id of its own",
    "terms": "an order is held with the terms that were asked for and accepted",
    "prices": "no fill is worse than the limit, and the average price is that of the fills",
    "known": "every report is about an order that somebody sent",
}
AVERAGE_TOLERANCE = Decimal("0.0001")
"""Relative, for average prices that a system keeps rounded (0.01 %)."""

REPORTS_ONLY = (ExecType.CANCEL_REJECTED, ExecType.REPLACE_REJECTED, ExecType.STATUS)
PENDING = (ExecType.PENDING_NEW, ExecType.PENDING_CANCEL, ExecType.PENDING_REPLACE)
ENDS = {
    ExecType.CANCELED: OrdStatus.CANCELED,
    ExecType.REJECTED: OrdStatus.REJECTED,
    ExecType.EXPIRED: OrdStatus.EXPIRED,
}


@dataclass(slots=True)
class Entry:
    """One order as the tool knows it."""

    order: Order
    port: str
    updates: list[OrderUpdate] = field(default_factory=list)
    fills: dict[str, OrderUpdate] = field(default_factory=dict)
    """Execution id → fill, busted ones taken out."""
    seen_exec_ids: set[str] = field(default_factory=set)
    status: OrdStatus | None = None
    qty: Decimal = Decimal(0)
    price: Decimal | None = None
    asked: list[tuple[Decimal | None, Decimal | None]] = field(default_factory=list)
    """Quantities and prices asked for by modifies that are not answered yet."""
    repeats: int = 0
    """How often its id was sent again on purpose and not refused yet: that refusal is not its end."""
    broken: bool = False
    """Whether a law was broken already: what follows from it is not reported again."""

    @property
    def cum_qty(self) -> Decimal:
        """What was filled, by the fills themselves."""
        return sum((fill.last_qty for fill in self.fills.values()), Decimal(0))

    @property
    def working(self) -> bool:
        """Whether it was sent and has not ended, as far as is known."""
        return self.status is None or not self.status.terminal

    @property
    def signed_qty(self) -> Decimal:
        """The position that its fills make."""
        return self.cum_qty if self.order.side is Side.BUY else -self.cum_qty


@dataclass(frozen=True, slots=True)
class Breach:
    """A law that was broken."""

    law: str
    client_order_id: str
    text: str


class Ledger:
    """Every order that the tool sent, and what was said of it."""

    def __init__(self) -> None:
        """Begin empty."""
        self.entries: dict[str, Entry] = {}
        self.breaches: list[Breach] = []
        self.foreign: list[OrderUpdate] = []
        self.updates = 0
        self._left: dict[tuple[str, str], Decimal] = {}
        """Port and instrument → the position that stayed behind on accounts no longer in use."""
        self.bulks: list[BulkOrders] = []
        """Orders of loads, known by rule; those that have ended lawfully are forgotten but for their sum."""

    def sent(self, port: str, order: Order) -> Entry:
        """Note an order before it is sent; an id that is sent again keeps its first entry."""
        entry = self.entries.get(order.client_order_id)
        if entry is None:
            entry = Entry(order, port, qty=order.qty, price=order.price)
            self.entries[order.client_order_id] = entry
        else:
            entry.repeats += 1
        return entry

    def expect(self, bulk: BulkOrders) -> None:
        """Note a load before it is sent."""
        self.bulks.append(bulk)

    def _bulk_of(self, client_order_id: str) -> BulkOrders | None:
        return next((bulk for bulk in reversed(self.bulks) if client_order_id.startswith(bulk.prefix)), None)

    def asked(self, client_order_id: str, qty: Decimal | None, price: Decimal | None) -> None:
        """Note that a change of terms is asked for."""
        entry = self.entries.get(client_order_id)
        if entry is not None:
            entry.asked.append((qty, price))

    def take(self, update: OrderUpdate) -> list[Breach]:
        """Take one report and return the laws it breaks."""
        self.updates += 1
        bulk = self._bulk_of(update.client_order_id) if self.bulks else None
        entry = self.entries.get(update.client_order_id)
        if entry is None and bulk is not None:
            if bulk.has_ended(update.client_order_id):
                return self._take_ended(bulk, update)
            order = bulk.order(update.client_order_id)
            entry = self.sent(bulk.port, order) if order else None
        if entry is None:
            return self._take_foreign(update)
        found = self._take_known(entry, update)
        if bulk is not None and not entry.working and not entry.broken:
            bulk.end(update.client_order_id, entry.signed_qty)
            del self.entries[update.client_order_id]
        return found

    def _take_ended(self, bulk: BulkOrders, update: OrderUpdate) -> list[Breach]:
        if update.exec_type is ExecType.TRADE_CANCEL:
            bulk.bust(update)
        if update.exec_type in (*REPORTS_ONLY, *PENDING, ExecType.TRADE_CANCEL):
            return []
        text = f"expected nothing after its end, was {update.exec_type.value} {update.status.value}"
        breach = Breach("one_terminal", update.client_order_id, text)
        self.breaches.append(breach)
        return [breach]

    def _take_known(self, entry: Entry, update: OrderUpdate) -> list[Breach]:
        if _refuses_repeat(entry, update):
            entry.repeats -= 1
            entry.updates.append(update)
            return []
        if _acknowledges_late(entry, update):
            entry.updates.append(update)
            return []
        texts = list(_judge(entry, update))
        _apply(entry, update)
        found = [Breach(law, update.client_order_id, text) for law, text in texts]
        if entry.broken:
            return []
        entry.broken = bool(found)
        self.breaches.extend(found)
        return found

    def _take_foreign(self, update: OrderUpdate) -> list[Breach]:
        self.foreign.append(update)
        if update.exec_type in REPORTS_ONLY:
            return []
        breach = Breach(
            "known", update.client_order_id, f"a {update.exec_type.value} for an order nobody sent"
        )
        self.breaches.append(breach)
        return [breach]

    def working(self, port: str | None = None) -> list[Entry]:
        """Return the orders that have not ended, of one port or all."""
        return [e for e in self.entries.values() if e.working and port in (None, e.port)]

    def forget(self, ports: Iterable[str]) -> None:
        """Drop the orders of ports whose system was replaced by a fresh one."""
        gone = set(ports)
        self.entries = {name: entry for name, entry in self.entries.items() if entry.port not in gone}
        self._left = {place: qty for place, qty in self._left.items() if place[0] not in gone}

    def leave_account(self, port: str) -> None:
        """Let a port's positions count from zero: it has a fresh account, what was held stays behind."""
        for instrument in {e.order.instrument for e in self.entries.values() if e.port == port}:
            held = self.position(port, instrument)
            self._left[port, instrument] = self._left.get((port, instrument), Decimal(0)) + held

    def position(self, port: str, instrument: str) -> Decimal:
        """Return the signed sum of fills of one port and instrument."""
        entries = (e for e in self.entries.values() if e.port == port and e.order.instrument == instrument)
        bulks = (b.position for b in self.bulks if (b.port, b.instrument) == (port, instrument))
        total = sum((entry.signed_qty for entry in entries), Decimal(0)) + sum(bulks, Decimal(0))
        return total - self._left.get((port, instrument), Decimal(0))


def _refuses_repeat(entry: Entry, update: OrderUpdate) -> bool:
    return update.exec_type is ExecType.REJECTED and entry.repeats > 0 and entry.status is not None


def _acknowledges_late(entry: Entry, update: OrderUpdate) -> bool:
    """Return whether this is the first NEW, overtaken by fills: true when it was said, and no step back."""
    filled = entry.status in (OrdStatus.PARTIALLY_FILLED, OrdStatus.FILLED)
    return (
        filled
        and update.exec_type is ExecType.NEW
        and all(u.exec_type is not ExecType.NEW for u in entry.updates)
    )


def _judge(entry: Entry, update: OrderUpdate) -> Iterator[tuple[str, str]]:
    if update.exec_type in REPORTS_ONLY or update.exec_type in PENDING:
        return
    yield from _judge_identity(entry, update)
    if entry.status is not None and entry.status.terminal:
        yield from _judge_after_end(entry, update)
        return
    yield from _judge_transition(entry, update)
    if update.exec_type is ExecType.TRADE:
        yield from _judge_fill(entry, update)
    if update.exec_type is not ExecType.REJECTED:
        yield from _judge_quantities(entry, update)
        yield from _judge_terms(entry, update)


def _judge_identity(entry: Entry, update: OrderUpdate) -> Iterator[tuple[str, str]]:
    sent = (entry.order.instrument, entry.order.side)
    if (update.instrument, update.side) != sent:
        yield "terms", f"expected {sent[0]} {sent[1].value}, was {update.instrument} {update.side.value}"


def _judge_after_end(entry: Entry, update: OrderUpdate) -> Iterator[tuple[str, str]]:
    if update.exec_type is ExecType.TRADE_CANCEL:
        return
    if update.exec_id and update.exec_id in entry.seen_exec_ids:
        yield "exec_ids", f"the fill {update.exec_id} was reported twice"
        return
    was = entry.status.value if entry.status else "-"
    yield "one_terminal", f"expected nothing after {was}, was {update.exec_type.value} {update.status.value}"


def _judge_transition(entry: Entry, update: OrderUpdate) -> Iterator[tuple[str, str]]:
    end = ENDS.get(update.exec_type)
    if end is not None and update.status is not end:
        yield "transitions", f"expected {end.value} with {update.exec_type.value}, was {update.status.value}"
    back = entry.status is OrdStatus.PARTIALLY_FILLED and update.status is OrdStatus.NEW
    if back and update.exec_type is not ExecType.TRADE_CANCEL:
        yield "transitions", "expected no way back, was PARTIALLY_FILLED → NEW"
    if update.exec_type is ExecType.REJECTED and entry.status is not None:
        yield "transitions", f"expected no reject after {entry.status.value}, was REJECTED"
    if update.exec_type is ExecType.NEW and update.status is not OrdStatus.NEW and not entry.fills:
        yield "transitions", f"expected NEW with NEW, was {update.status.value}"


def _judge_fill(entry: Entry, update: OrderUpdate) -> Iterator[tuple[str, str]]:
    if not update.exec_id:
        yield "exec_ids", "expected an execution id with a fill, was none"
    elif update.exec_id in entry.seen_exec_ids:
        yield "exec_ids", f"the fill {update.exec_id} was reported twice"
        return
    if update.last_qty <= 0 or update.last_px is None:
        yield (
            "quantities",
            f"expected a quantity and a price with a fill, was {update.last_qty} @ {update.last_px}",
        )
        return
    yield from _judge_price(entry, update)


def _judge_price(entry: Entry, update: OrderUpdate) -> Iterator[tuple[str, str]]:
    limits = [entry.price] + [price for _, price in entry.asked if price is not None]
    price = update.last_px
    if (
        entry.order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
        and entry.price is not None
        and price is not None
    ):
        buys = entry.order.side is Side.BUY
        bound = max(p for p in limits if p is not None) if buys else min(p for p in limits if p is not None)
        if price > bound if buys else price < bound:
            yield "prices", f"expected no fill worse than {bound}, was {price}"
    yield from _judge_average(entry, update)


def _judge_average(entry: Entry, update: OrderUpdate) -> Iterator[tuple[str, str]]:
    fills = [*entry.fills.values(), update]
    total = sum((fill.last_qty for fill in fills), Decimal(0))
    if update.avg_px is None or not total or any(fill.last_px is None for fill in fills):
        return
    mean = sum((fill.last_qty * (fill.last_px or 0) for fill in fills), Decimal(0)) / total
    if abs(update.avg_px - mean) > abs(mean) * AVERAGE_TOLERANCE:
        yield "prices", f"expected the average price {mean:f} of the fills, was {update.avg_px:f}"


def _judge_quantities(entry: Entry, update: OrderUpdate) -> Iterator[tuple[str, str]]:
    new_fill = update.exec_type is ExecType.TRADE and update.exec_id not in entry.seen_exec_ids
    busted = entry.fills.get(update.exec_ref_id or "") if update.exec_type is ExecType.TRADE_CANCEL else None
    expected = entry.cum_qty + (update.last_qty if new_fill else 0) - (busted.last_qty if busted else 0)
    if update.cum_qty != expected:
        yield "quantities", f"expected {expected} filled by the sum of the fills, was {update.cum_qty}"
    elif update.cum_qty > update.qty:
        yield "quantities", f"expected at most {update.qty} filled, was {update.cum_qty}"
    if update.status.terminal:
        if update.leaves_qty != 0:
            yield "quantities", f"expected no leaves after {update.status.value}, was {update.leaves_qty}"
        if update.status is OrdStatus.FILLED and update.cum_qty != update.qty:
            yield "quantities", f"expected {update.qty} filled with FILLED, was {update.cum_qty}"
    elif update.cum_qty + update.leaves_qty != update.qty:
        yield (
            "quantities",
            f"expected filled + leaves = {update.qty}, was {update.cum_qty} + {update.leaves_qty}",
        )
    elif update.exec_type is ExecType.TRADE and update.leaves_qty == 0:
        yield "transitions", f"expected FILLED with nothing left, was {update.status.value}"


def _judge_terms(entry: Entry, update: OrderUpdate) -> Iterator[tuple[str, str]]:
    qtys = {entry.qty} | {qty for qty, _ in entry.asked if qty is not None}
    prices = {entry.price} | {price for _, price in entry.asked if price is not None}
    if update.qty not in qtys:
        yield "terms", f"expected to be held with quantity {entry.qty}, was {update.qty}"
    limited = entry.order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
    if limited and update.price is not None and update.price not in prices:
        yield "terms", f"expected to be held with price {entry.price}, was {update.price}"


def _apply(entry: Entry, update: OrderUpdate) -> None:
    entry.updates.append(update)
    if update.exec_type is ExecType.TRADE:
        identity = update.exec_id or f"?{len(entry.updates)}"
        if identity not in entry.seen_exec_ids:
            entry.seen_exec_ids.add(identity)
            entry.fills[identity] = update
    elif update.exec_type is ExecType.TRADE_CANCEL:
        entry.fills.pop(update.exec_ref_id or "", None)
    elif update.exec_type is ExecType.REPLACED:
        entry.qty, entry.price = update.qty, update.price if update.price is not None else entry.price
        entry.asked = entry.asked[1:]
    elif update.exec_type is ExecType.REPLACE_REJECTED:
        entry.asked = entry.asked[1:]
    if update.exec_type not in REPORTS_ONLY and (entry.status is None or not entry.status.terminal):
        entry.status = update.status
