"""Where orders and executions are kept, and what each fill realised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from certify.errors import UsageError
from certify.gateway.orders.records import ZERO, Execution, OrderRecord
from certify.model.trading import Side


@dataclass(slots=True)
class Holding:
    """The position of one account in one instrument at average cost, commissions in it, as IB counts."""

    qty: Decimal = ZERO
    cost: Decimal = ZERO
    """In money, signed as `qty`."""
    realized: Decimal = ZERO
    """What it has realised so far, after commissions."""

    def apply(self, qty: Decimal, value: Decimal, commission: Decimal) -> Decimal | None:
        """Book a trade of signed `qty` worth signed `value`; return what it realised, None when it opens."""
        realized = self._apply(qty, value, commission)
        self.realized += realized or ZERO
        return realized

    def _apply(self, qty: Decimal, value: Decimal, commission: Decimal) -> Decimal | None:
        held = self.qty
        if held * qty >= 0:
            self.qty, self.cost = held + qty, self.cost + value + commission
            return None
        if abs(qty) <= abs(held):
            released = self.cost * -qty / held
            self.qty, self.cost = held + qty, self.cost - released
            return -value - released - commission
        closing = -held / qty
        realized = -value * closing - self.cost - commission * closing
        self.qty, self.cost = held + qty, (value + commission) * (1 - closing)
        return realized


class Ledger:
    """All orders of the day and those that still work, with their executions."""

    __slots__ = (
        "_holdings", "_morning", "by_exec", "by_perm", "by_venue", "by_venue_exec", "executions", "orders",
    )  # fmt: skip

    def __init__(self) -> None:
        """Start empty."""
        self.orders: dict[tuple[int, int], OrderRecord] = {}
        """By client id and order id."""
        self.by_perm: dict[int, OrderRecord] = {}
        self.by_venue: dict[str, OrderRecord] = {}
        """By the client order id of each order that it has had at the venue."""
        self.executions: list[Execution] = []
        """The day's executions, corrections at the place of what they correct."""
        self.by_exec: dict[str, Execution] = {}
        """By execution id; superseded ones too."""
        self.by_venue_exec: dict[str, Execution] = {}
        """By the venue's execution id, as it stands now."""
        self._holdings: dict[tuple[str, str], Holding] = {}
        self._morning: dict[tuple[str, str], Holding] = {}
        """The positions with which the day began."""

    def holding(self, account: str, instrument: str) -> Holding | None:
        """Return the position of an account in an instrument; None where it never traded."""
        return self._holdings.get((account, instrument))

    def add(self, record: OrderRecord) -> None:
        """Keep a new order."""
        self.orders[record.client_id, record.order_id] = record
        self.by_perm[record.perm_id] = record

    def record(self, perm_id: int) -> OrderRecord:
        """Return the order with this permId; raises `UsageError`."""
        record = self.by_perm.get(perm_id)
        if record is None:
            raise UsageError(f"no order with permId {perm_id}")
        return record

    def execution(self, exec_id: str) -> Execution:
        """Return the execution with this id as it stands; raises `UsageError`."""
        execution = self.by_exec.get(exec_id)
        if execution is None:
            raise UsageError(f"no execution {exec_id}")
        if execution.superseded:
            raise UsageError(f"execution {exec_id} was corrected or busted already")
        return execution

    def book(self, execution: Execution) -> None:
        """Keep a new fill and work out what it realised."""
        record = execution.record
        execution.realized_pnl = self._realize(execution)
        record.executions.append(execution)
        self.executions.append(execution)
        self.by_exec[execution.exec_id] = execution
        self.by_venue_exec[execution.venue_exec_id] = execution

    def replace(self, old: Execution, new: Execution) -> None:
        """Let a correction or bust take the place of an execution."""
        old.superseded = True
        for kept in (self.executions, old.record.executions):
            if old in kept:
                kept[kept.index(old)] = new
        self.by_exec[new.exec_id] = new
        self.by_venue_exec[new.venue_exec_id] = new
        self._rebook(old.record.account, old.record.instrument.id)

    def working(self) -> Iterator[OrderRecord]:
        """Return the orders that still work, oldest first."""
        return (record for record in list(self.orders.values()) if record.working and not record.silent)

    def completed(self) -> Iterator[OrderRecord]:
        """Return the day's orders that have ended, oldest first."""
        ended = (record for record in self.orders.values() if not record.working and not record.silent)
        return iter(sorted(ended, key=lambda record: record.done_ns))

    def forget_day(self) -> None:
        """Forget orders that have ended and all executions; positions stay."""
        for record in [each for each in self.orders.values() if not each.working]:
            del self.orders[record.client_id, record.order_id]
            del self.by_perm[record.perm_id]
        self.by_venue = {key: record for key, record in self.by_venue.items() if record.venue_id == key}
        for kept in (self.executions, self.by_exec, self.by_venue_exec):
            kept.clear()
        for record in self.orders.values():
            record.executions.clear()
            record.children[:] = [child for child in record.children if child.working]
        self._morning = {key: replace(holding) for key, holding in self._holdings.items()}

    def _realize(self, execution: Execution) -> Decimal | None:
        record = execution.record
        key = (record.account, record.instrument.id)
        holding = self._holdings.get(key)
        if holding is None:
            holding = self._holdings[key] = Holding()
        qty = execution.shares if record.side is Side.BUY else -execution.shares
        value = qty * execution.price * record.instrument.multiplier
        return holding.apply(qty, value, execution.commission)

    def _rebook(self, account: str, instrument: str) -> None:
        """Make a position from the day's executions, after what was held before, when one has changed."""
        key = (account, instrument)
        mine = [each for each in self.executions if (each.record.account, each.record.instrument.id) == key]
        self._holdings[key] = replace(self._morning.get(key, Holding()))
        for execution in mine:
            if execution.shares:
                execution.realized_pnl = self._realize(execution)
