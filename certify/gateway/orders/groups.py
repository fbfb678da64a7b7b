"""Brackets and OCA groups: what one order's fill or end does to others.

IB's types of an OCA group: 1 cancels the rest at any fill; 2 reduces the rest in proportion; 3 reduces it
too, but lets all orders be at the exchange at once. In groups of type 1 and 2 at most one limit order of an
instrument and side is at the exchange, the best placed: two could both fill before either was cancelled.
When a client cancels one order of a group, IB cancels the others too (TWS' help on OCA orders); one that ends
otherwise, as IOC does, leaves them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from certify.gateway.orders.records import BY_TRADER, FILLED, OrderRecord, Wait
from certify.model.trading import Side

if TYPE_CHECKING:
    from certify.gateway.orders.desk import OrderDesk

CANCEL_ALL, REDUCE_BLOCKED, REDUCE = 1, 2, 3


@dataclass(slots=True, eq=False)
class OcaGroup:
    """Orders of which one's fill cancels or reduces the others."""

    name: str
    kind: int
    members: list[OrderRecord] = field(default_factory=list)

    def others(self, record: OrderRecord) -> list[OrderRecord]:
        """Return the other members that still work."""
        return [other for other in self.members if other is not record and other.working]


class Groups:
    """Knows which orders belong together."""

    def __init__(self, desk: OrderDesk) -> None:
        """Act on the orders of `desk`."""
        self._desk = desk
        self._groups: dict[tuple[str, str], OcaGroup] = {}

    # -- belonging

    def join(self, record: OrderRecord) -> None:
        """Put a new order under its parent and into its OCA group; children of one parent are a group."""
        terms = record.terms
        name, kind = terms.oca_group, terms.oca_type or CANCEL_ALL
        if record.parent is not None:
            record.parent.children.append(record)
            if not name:
                # As a TWS does: the group is named after the parent's permId, and reduces.
                name, kind = str(record.parent.perm_id), REDUCE
                record.terms = replace(terms, oca_group=name, oca_type=kind)
                record.changed()
        if not name:
            return
        group = self._groups.setdefault((record.account, name), OcaGroup(name, kind))
        group.members = [member for member in group.members if member.working]
        group.members.append(record)
        record.group = group

    def forget_ended(self) -> None:
        """Forget groups of which nothing works any more, and members that do not."""
        for key, group in list(self._groups.items()):
            group.members = [member for member in group.members if member.working]
            if not group.members:
                del self._groups[key]

    def family(self, record: OrderRecord) -> list[OrderRecord]:
        """Return what is transmitted together with an order: its siblings, then its parent."""
        parent = record.parent
        if parent is None:
            return []
        return [*(child for child in parent.children if child is not record), parent]

    # -- places at the exchange

    def takes_bench(self, record: OrderRecord) -> bool:
        """Whether an order has to let a better placed one of its group go first; a worse one is withdrawn."""
        group = record.group
        if group is None or group.kind == REDUCE or record.limit is None:
            return False
        for rival in group.others(record):
            if not rival.venue_id or rival.limit is None or rival.stop is not None:
                continue
            if rival.instrument.id != record.instrument.id or rival.side is not record.side:
                continue
            if _better(rival, record):
                return True
            self._desk.pull(rival)
            rival.waits.add(Wait.BENCH)
        return False

    def _promote(self, group: OcaGroup) -> None:
        """Let the best order on the bench go to the exchange."""
        waiting = [member for member in group.members if member.working and Wait.BENCH in member.waits]
        for member in waiting:
            member.waits.discard(Wait.BENCH)
        for member in waiting:
            self._desk.proceed(member)

    # -- what follows

    def filled(self, record: OrderRecord, shares: Decimal) -> None:
        """Cancel or reduce the others of the group, and let the children of a filled parent go."""
        if record.group is not None:
            self._after_fill(record.group, record, shares)
        if record.status == FILLED:
            for child in list(record.children):
                if child.working and Wait.CHILD in child.waits:
                    child.waits.discard(Wait.CHILD)
                    self._desk.proceed(child)

    def _after_fill(self, group: OcaGroup, record: OrderRecord, shares: Decimal) -> None:
        cancel = record.status == FILLED or group.kind == CANCEL_ALL
        for other in group.others(record):
            rest = other.total if cancel else other.total - _share(other, record, shares)
            if cancel or rest <= other.filled:
                self._desk.cancel_at_ib(other)
            else:
                self._desk.resize(other, rest)

    def ended(self, record: OrderRecord) -> None:
        """Cancel the children of an order that ended without a fill, and see to the others of its group."""
        for child in list(record.children):
            if child.working and Wait.CHILD in child.waits:
                self._desk.cancel_at_ib(child)
        if record.group is None or record.status == FILLED:
            return
        if record.completed == BY_TRADER:
            for other in record.group.others(record):
                self._desk.cancel_at_ib(other)
        else:
            self._promote(record.group)


def _better(one: OrderRecord, other: OrderRecord) -> bool:
    """Whether the limit of `one` trades no later than that of `other`."""
    if one.limit is None or other.limit is None:
        return one.limit is None
    return one.limit >= other.limit if one.side is Side.BUY else one.limit <= other.limit


def _share(other: OrderRecord, record: OrderRecord, shares: Decimal) -> Decimal:
    """Return by how much a fill of `shares` reduces another order: the same part of its size, whole lots."""
    lot = other.instrument.lot
    return (other.total * shares / record.total / lot).to_integral_value(ROUND_FLOOR) * lot
