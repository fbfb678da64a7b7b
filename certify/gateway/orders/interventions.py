"""What happens to orders and executions without their client: IB cancels, busts, corrects; others trade.

How a bust is told: the TWS API has no message for it. Its reference says of executions only that a correction
has an execution id "which differs from a previous ExecId in only the digits after the final period"
(`Execution.ExecId`). So a bust is sent here as what it amounts to: the next revision of the execution, with 0
shares, the order's cumulative quantity without it and a commission report of 0 under the new id. Asking for
executions gives the revision only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from certify.errors import UsageError
from certify.gateway.orders.numbers import correction_id
from certify.gateway.orders.records import CANCELLED, FILLED, Execution, OrderRecord
from certify.gateway.values import decimal, whole
from certify.gateway.wire.order import WireOrder
from certify.model.trading import OrderUpdate
from certify.venue.corrections import correct

if TYPE_CHECKING:
    from certify.gateway.house import Gateway
    from certify.gateway.orders.desk import OrderDesk

MANUAL_CLIENT = 0
"""The client id of orders entered by hand."""


class Interventions:
    """Actions on orders and executions, from outside their clients."""

    def __init__(self, gateway: Gateway, desk: OrderDesk) -> None:
        """Act on the orders of `desk`."""
        self._gateway = gateway
        self._desk = desk

    def actions(self) -> Mapping[str, Callable[..., Any]]:
        """Return the actions."""
        return {
            "cancel_order": self.cancel_order,
            "bust": self.bust,
            "correct": self.correct,
            "manual_order": self.manual_order,
            "foreign_order": self.foreign_order,
        }

    # -- IB

    def cancel_order(self, perm_id: int | str, reason: str = "Cancelled by IB") -> None:
        """Let IB cancel a working order by itself; raises `UsageError` when it does not work."""
        record = self._desk.ledger.record(whole(perm_id, "perm_id"))
        if not record.working:
            raise UsageError(f"order {perm_id} is {record.status}")
        self._desk.cancel_at_ib(record, reason)

    def bust(self, exec_id: str) -> list[str]:
        """Take an execution back, on both sides; return the ids that now stand in its place on each side."""
        execution = self._desk.ledger.execution(exec_id)
        before = len(self._desk.ledger.by_exec)
        self._gateway.venue.bust(execution.venue_exec_id)
        return list(self._desk.ledger.by_exec)[before:]

    def busted(self, record: OrderRecord, update: OrderUpdate) -> None:
        """Tell that the venue has taken an execution back."""
        old = self._desk.ledger.by_venue_exec.get(update.exec_ref_id or "")
        if old is None or old.superseded:
            return
        record.filled -= old.shares
        record.notional -= old.shares * old.price
        if old.commission_known:
            record.commission -= old.commission
        new = self._revision(old, update.exec_id or "")
        new.price = old.price
        self._desk.ledger.replace(old, new)
        if record.status == FILLED:
            record.status = CANCELLED
            self._desk.done(record, "Execution busted")
        self._tell(record, new)

    def correct(self, exec_id: str, price: Decimal | str) -> str:
        """Send an execution again with another price, and book it so; return the revision's id."""
        old = self._desk.ledger.execution(exec_id)
        corrected = correct(self._gateway.venue, old.venue_exec_id, decimal(price, "price"))
        for venue_id in corrected:
            self._corrected(self._desk.ledger.by_venue_exec[venue_id], decimal(price, "price"))
        return correction_id(old.exec_id)

    def _corrected(self, old: Execution, price: Decimal) -> None:
        record = old.record
        record.notional += old.shares * (price - old.price)
        if record.last_price == old.price:
            record.last_price = price
        new = self._revision(old, old.venue_exec_id)
        new.shares, new.price, new.commission = old.shares, price, old.commission
        if not old.commission_known:
            record.commission += old.commission
        self._desk.ledger.replace(old, new)
        self._tell(record, new)

    def _revision(self, old: Execution, venue_exec_id: str) -> Execution:
        new = Execution(old.record, correction_id(old.exec_id), venue_exec_id, self._gateway.now_ns())
        new.cum_qty, new.avg_price = old.record.filled, old.record.avg_price
        new.liquidity = old.liquidity
        return new

    def _tell(self, record: OrderRecord, execution: Execution) -> None:
        record.changed()
        self._desk.send_execution(execution)
        self._desk.announce(record, again=True)
        self._desk.send_commission(execution)
        self._desk.executed(record.account)

    # -- others

    def manual_order(
        self,
        instrument: str,
        side: str,
        qty: Decimal | str,
        price: Decimal | str | None = None,
        account: str = "",
    ) -> dict[str, Any]:
        """Enter an order at the TWS: client 0, order id below zero; without a price at market."""
        order_id = self._desk.numbers.next_manual_order_id(MANUAL_CLIENT)
        order = self._order(instrument, side, qty, price, account)
        return self._enter(MANUAL_CLIENT, order_id, order)

    def foreign_order(
        self,
        instrument: str,
        side: str,
        qty: Decimal | str,
        price: Decimal | str | None = None,
        account: str = "",
        client_id: int | str = 99,
    ) -> dict[str, Any]:
        """Place an order as another client, which need not be connected."""
        client = whole(client_id, "client_id")
        order = self._order(instrument, side, qty, price, account)
        return self._enter(client, self._desk.next_valid_id(client), order)

    def _order(
        self, instrument: str, side: str, qty: Decimal | str, price: Decimal | str | None, account: str
    ) -> WireOrder:
        listing = self._gateway.contracts.known(instrument)
        if side not in ("BUY", "SELL"):
            raise UsageError(f"side: expected BUY or SELL, was {side}")
        return WireOrder(
            contract=listing.wire(),
            action=side,
            total_quantity=decimal(qty, "qty"),
            order_type="MKT" if price is None else "LMT",
            lmt_price=None if price is None else decimal(price, "price"),
            tif="DAY",
            account=account or self._desk.entry.accounts[0],
        )

    def _enter(self, client_id: int, order_id: int, order: WireOrder) -> dict[str, Any]:
        record = self._desk.placing.place(client_id, order_id, order)
        if record is None:
            raise UsageError(f"the order was refused: {self._desk.placing.last_refusal}")
        if record.manual and record.working:
            self._desk.send_bound(record)
        return {"perm_id": record.perm_id, "order_id": record.order_id, "client_id": client_id}
