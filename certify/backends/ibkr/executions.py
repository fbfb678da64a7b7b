"""Executions as IB numbers them: a correction has the id of what it corrects but for the last part."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from certify.clock import NS_PER_S
from certify.model.trading import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One execution of one order."""

    exec_id: str
    order_id: int
    perm_id: int
    order_ref: str
    account: str
    side: Side
    qty: Decimal
    price: Decimal
    cum_qty: Decimal
    ts_event_ns: int

    @property
    def base(self) -> str:
        """Return the part of the id that a correction shares with what it corrects."""
        return base_of(self.exec_id)

    @property
    def revision(self) -> int:
        """Return the number of the correction; the first report is 1."""
        last = self.exec_id.rpartition(".")[2]
        return int(last) if last.isdigit() else 1


def base_of(exec_id: str) -> str:
    """Return an execution's id without the number of its correction."""
    head, dot, last = exec_id.rpartition(".")
    return head if dot and last.isdigit() else exec_id


def decimal(value: Any) -> Decimal:
    """Return a number of the library exactly as the wire had it (the shortest text of a float)."""
    number = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
    whole = number.to_integral_value()
    return whole if whole == number else number


def from_wire(execution: Any) -> Execution:
    """Return an execution of the library's message."""
    return Execution(
        exec_id=execution.execId,
        order_id=execution.orderId,
        perm_id=execution.permId,
        order_ref=execution.orderRef,
        account=execution.acctNumber,
        side=Side.BUY if execution.side.upper().startswith("B") else Side.SELL,
        qty=decimal(execution.shares),
        price=decimal(execution.price),
        cum_qty=decimal(execution.cumQty),
        ts_event_ns=int(execution.time.timestamp()) * NS_PER_S,
    )
