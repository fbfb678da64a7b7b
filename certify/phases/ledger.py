"""The tool's own ledger of every order, and the laws of order state that it holds at all times.

The laws follow FIX 4.4 volume 4 (order state changes, appendix D): one terminal state; legal
transitions; cum = sum of fills; cum + leaves = quantity while working; no fill after the end
except a bust; execution ids unique; terms as accepted; no fill worse than the limit. Each law is
asked of each report in `certify.phases.statutes`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from certify.model.trading import ExecType, Order, OrderUpdate, OrdStatus, Source
from certify.phases.bulk import BulkOrders
from certify.phases.entry import PENDING, REPORTS_ONLY, Entry
from certify.phases.statutes import breaches_of

LAWS: dict[str, str] = {
    "one_terminal": "an order ends once, and nothing but a bust follows",
    "transitions": "an order moves only along legal states",
    "quantities": "filled is the sum of the fills, and filled plus leaves is the quantity while it works",
    "exec_ids": "every fill has an id of its own",
    "terms": "an order is held with the terms that were asked for and accepted",
    "prices": "no fill is worse than the limit, and the average price is that of the fills",
    "known": "every report is about an order that somebody sent",
}
MOST_EVIDENCE = 100
"""How many orders of a load that broke a law are kept with all their reports."""
MOST_FOREIGN = 10_000
"""How many reports about orders that nobody sent are kept."""


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
        self.refused_outside = 0
        """Orders that a venue or broker refused, rightly or not."""
        self._exec_ids: dict[str, set[int]] = {}
        self.earlier: set[str] = set()
        """Orders of earlier runs that the tool takes away: no law of this run's is held over them."""
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
        if update.client_order_id in self.earlier:
            return []
        self.updates += 1
        if update.exec_type is ExecType.REJECTED and update.source in (Source.VENUE, Source.BROKER):
            self.refused_outside += 1
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
        if bulk is not None and not entry.working and not self._evidence(bulk, entry):
            bulk.end(update.client_order_id, entry.signed_qty, broken=entry.broken)
            del self.entries[update.client_order_id]
        return found

    def _evidence(self, bulk: BulkOrders, entry: Entry) -> bool:
        """Return whether an order of a load is kept whole: one of the first that broke a law."""
        if not entry.broken or len(bulk.broken) >= MOST_EVIDENCE:
            return False
        bulk.broken.add(entry.order.client_order_id)
        return True

    def _take_ended(self, bulk: BulkOrders, update: OrderUpdate) -> list[Breach]:
        name = update.client_order_id
        if update.exec_type is ExecType.TRADE_CANCEL:
            bulk.bust(update)
            if not update.status.terminal:
                self._reopen(bulk, update)
        if name in bulk.broken or update.exec_type in (*REPORTS_ONLY, *PENDING, ExecType.TRADE_CANCEL):
            return []
        bulk.broken.add(name)
        text = f"expected nothing after its end, was {update.exec_type.value} {update.status.value}"
        breach = Breach("one_terminal", name, text)
        self.breaches.append(breach)
        return [breach]

    def _reopen(self, bulk: BulkOrders, update: OrderUpdate) -> None:
        """Keep an order again that works on after a bust; its earlier fills are known as a sum only."""
        order = bulk.reopen(update)
        if order is not None:
            entry = self.sent(bulk.port, order)
            entry.carried, entry.status, entry.acknowledged = update.cum_qty, update.status, True

    def _take_known(self, entry: Entry, update: OrderUpdate) -> list[Breach]:
        if _refuses_repeat(entry, update):
            entry.repeats -= 1
            entry.updates.append(update)
            return []
        if _overtaken(entry, update):
            entry.acknowledged = True
            entry.updates.append(update)
            return []
        texts = [*breaches_of(entry, update), *self._used_elsewhere(entry, update)]
        entry.apply(update)
        found = [Breach(law, update.client_order_id, text) for law, text in texts]
        if entry.broken:
            return []
        entry.broken = bool(found)
        self.breaches.extend(found)
        return found

    def _used_elsewhere(self, entry: Entry, update: OrderUpdate) -> list[tuple[str, str]]:
        """Hold execution ids of fills apart over all orders of a port; hashes of them are kept."""
        if update.exec_type is not ExecType.TRADE or not update.exec_id:
            return []
        seen, key = self._exec_ids.setdefault(entry.port, set()), hash(update.exec_id)
        if key in seen and update.exec_id not in entry.seen_exec_ids:
            return [("exec_ids", f"the fill {update.exec_id} was another order's before")]
        seen.add(key)
        return []

    def _take_foreign(self, update: OrderUpdate) -> list[Breach]:
        if len(self.foreign) < MOST_FOREIGN:
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
        self._exec_ids = {port: ids for port, ids in self._exec_ids.items() if port not in gone}

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
    """Return whether a refusal is that of an id sent again, whichever of the two was answered first."""
    return update.exec_type is ExecType.REJECTED and entry.repeats > 0


def _overtaken(entry: Entry, update: OrderUpdate) -> bool:
    """Return whether the first acknowledgement was made before the fills that arrived before it."""
    early = update.exec_type is ExecType.NEW and update.status is OrdStatus.NEW and not update.cum_qty
    return early and bool(entry.fills) and not entry.acknowledged


__all__ = ["LAWS", "Breach", "Entry", "Ledger"]
