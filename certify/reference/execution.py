"""Port `execution`: the system's whole order path, from the risk check to the book of positions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from certify.model.trading import (
    AccountState,
    AlertSeverity,
    Decision,
    ExecType,
    Instrument,
    Order,
    OrderUpdate,
    OrdStatus,
    Position,
    Source,
)
from certify.reference.exposure import Desk, Proposal
from certify.reference.journal import ORDERS, UPDATES, Journal
from certify.reference.kernel import Kernel, locked
from certify.reference.orders import (
    OrderRecord,
    invalid,
    invalid_price,
    invalid_qty,
    refuse,
    unknown_order,
)
from certify.reference.risk import RiskManager
from certify.reference.session import BrokerSession
from certify.reference.trade_monitor import TradeMonitor

_FILLS = (ExecType.TRADE, ExecType.TRADE_CANCEL)


class ExecutionEngine:
    """Takes orders, holds their state, and keeps what it knows in a journal."""

    def __init__(
        self,
        kernel: Kernel,
        journal: Journal,
        *,
        desk: Desk,
        risk: RiskManager,
        monitor: TradeMonitor | None,
        alerts: TradeMonitor,
        instruments: Mapping[str, Instrument],
        session: Callable[[], BrokerSession],
    ) -> None:
        """Trade the account of `desk` over `session()`; count on `monitor`, alert on `alerts`."""
        self.kernel = kernel
        self.desk = desk
        self.book = desk.book
        self.records: dict[str, OrderRecord] = {}
        self.used_ids: set[str] = set()
        """Client order ids that were ever handed in, refused ones too."""
        self._open: dict[str, OrderRecord] = {}
        self._journal = journal
        self._risk = risk
        self._monitor = monitor
        self._alerts = alerts
        self._instruments = instruments
        self._session = session
        self._load()

    @property
    def session(self) -> BrokerSession:
        """Return the broker session in use."""
        return self._session()

    # -- restart -------------------------------------------------------------------------------

    def _load(self) -> None:
        """Take up the orders and fills of earlier processes; nothing is emitted."""
        for kind, content in self._journal.load():
            if kind == "order":
                self._remember(OrderRecord(ORDERS.unpack(content)))
            elif kind == "refused":
                self.used_ids.add(content)
            elif kind == "foreign":
                self._restore_foreign(UPDATES.unpack(content))
            else:
                self._restore(UPDATES.unpack(content))
        for record in self._open.values():
            self.desk.reserve(Proposal.of(record.order))
            self.desk.settle(record.order.client_order_id, record.leaves_qty)
            if self._monitor is not None:
                self._monitor.restore_open(record.order.client_order_id)

    def _restore(self, update: OrderUpdate) -> None:
        self._apply(self.records[update.client_order_id], update)
        if update.exec_type in _FILLS:
            self.book.book(update)

    def _restore_foreign(self, update: OrderUpdate) -> None:
        self.used_ids.add(update.client_order_id)
        self.book.book(update)

    def _remember(self, record: OrderRecord) -> None:
        client_order_id = record.order.client_order_id
        self.used_ids.add(client_order_id)
        self.records[client_order_id] = self._open[client_order_id] = record

    def hand_over(self, session: BrokerSession) -> None:
        """Tell a fresh session which orders to look for."""
        for record in self._open.values():
            session.follow(record)

    # -- new orders ----------------------------------------------------------------------------

    @locked
    def submit(self, order: Order) -> None:
        """Check an order and send it; a refusal is a REJECTED event."""
        if self._monitor is not None:
            self._monitor.on_submit()
        refusal = self.refuse_duplicate(order) or self.validate(order)
        if refusal is not None:
            self.reject(order, refusal, Source.ENGINE)
            return
        decision = self._risk.admit(Proposal.of(order), self.desk)
        if decision.accepted:
            self.send(order)
        else:
            self.reject(order, decision, Source.RISK)

    def refuse_duplicate(self, order: Order) -> Decision | None:
        """Refuse an id that was ever used before."""
        if order.client_order_id in self.used_ids or order.client_order_id in self.session.orders:
            return refuse("DUPLICATE_ORDER_ID", f"{order.client_order_id} has been used")
        return None

    def validate(self, order: Order) -> Decision | None:
        """Refuse what cannot be sent as it is."""
        if order.account not in (None, self.desk.account):
            return refuse("UNKNOWN_ACCOUNT", f"expected {self.desk.account}, was {order.account}")
        return invalid(order, self._instruments.get(order.instrument), self.kernel.now_ns())

    def send(self, order: Order) -> None:
        """Write the order down, then send it: an order that was sent is never unknown."""
        self._remember(OrderRecord(order))
        self._journal.append("order", ORDERS.pack(order))
        self.session.submit(order)

    def reject(self, order: Order, decision: Decision, source: Source) -> None:
        """Refuse an order that was not sent."""
        if order.client_order_id not in self.used_ids:
            self.used_ids.add(order.client_order_id)
            self._journal.append("refused", order.client_order_id)
        self.kernel.emit(OrderRecord(order).update(ExecType.REJECTED, source, decision))
        if self._monitor is not None:
            self._monitor.on_refused()

    # -- cancels and changes -------------------------------------------------------------------

    @locked
    def cancel(self, client_order_id: str, instrument: str) -> None:
        """Send a cancel; risk never stands in the way of one."""
        record = self.records.get(client_order_id)
        if record is None:
            self.kernel.emit(unknown_order(client_order_id, instrument, ExecType.CANCEL_REJECTED))
        elif not record.open:
            self._refuse_change(record, ExecType.CANCEL_REJECTED, Source.ENGINE, _too_late(record))
        else:
            self.session.cancel(client_order_id, record.order.instrument)

    @locked
    def modify(self, client_order_id: str, qty: Decimal | None = None, price: Decimal | None = None) -> None:
        """Check a change like a new order and send it."""
        record = self.records.get(client_order_id)
        if record is None:
            self.kernel.emit(unknown_order(client_order_id, "", ExecType.REPLACE_REJECTED))
            return
        refusal = self.validate_change(record, qty, price)
        source = Source.ENGINE
        if refusal is None:
            decision = self._risk.admit(self._changed(record, qty, price), self.desk)
            refusal, source = (None if decision.accepted else decision), Source.RISK
        if refusal is not None:
            self._refuse_change(record, ExecType.REPLACE_REJECTED, source, refusal)
        else:
            self.session.modify(client_order_id, qty, price)

    def validate_change(
        self, record: OrderRecord, qty: Decimal | None, price: Decimal | None
    ) -> Decision | None:
        """Refuse a change that cannot be sent as it is."""
        if not record.open:
            return _too_late(record)
        if qty is None and price is None:
            return refuse("NOTHING_TO_CHANGE", "expected a new quantity or price, was neither")
        instrument = self._instruments[record.order.instrument]
        found = invalid_qty(qty, instrument) if qty is not None else None
        if found is None and qty is not None and qty <= record.cum_qty:
            found = refuse("BELOW_CUM_QTY", f"expected more than the {record.cum_qty} traded, was {qty}")
        if found is None and price is not None:
            found = invalid_price(price, instrument, "limit price")
        return found

    @staticmethod
    def _changed(record: OrderRecord, qty: Decimal | None, price: Decimal | None) -> Proposal:
        new_qty = qty if qty is not None else record.qty
        return Proposal(
            client_order_id=record.order.client_order_id,
            instrument=record.order.instrument,
            side=record.order.side,
            type=record.order.type,
            qty=new_qty,
            leaves=new_qty - record.cum_qty,
            price=price if price is not None else record.price,
            stop_price=record.order.stop_price,
            price_changed=price is not None,
            is_change=True,
        )

    def _refuse_change(
        self, record: OrderRecord, exec_type: ExecType, source: Source, decision: Decision
    ) -> None:
        self.kernel.emit(record.update(exec_type, source, decision))

    @locked
    def cancel_all(self) -> bool:
        """Cancel every working order of the engine; return whether the broker could be told."""
        for record in list(self._open.values()):
            self.cancel(record.order.client_order_id, record.order.instrument)
        return self.session.connected

    # -- reports -------------------------------------------------------------------------------

    def owns(self, client_order_id: str) -> bool:
        """Whether an order went out through this engine."""
        return client_order_id in self.records

    @locked
    def on_report(self, update: OrderUpdate) -> None:
        """Take a report about an order of this engine."""
        record = self.records[update.client_order_id]
        if self.is_duplicate(update):
            self._alerts.count("duplicate_executions")
        elif not self.is_legal(record, update):
            self.on_illegal(record, update)
        else:
            self.accept(record, update)

    def is_duplicate(self, update: OrderUpdate) -> bool:
        """Whether this execution has been booked before."""
        return update.exec_type in _FILLS and self.book.knows(update.exec_id)

    def is_legal(self, record: OrderRecord, update: OrderUpdate) -> bool:
        """Whether the report may follow the order's state."""
        return record.legal(update)

    def on_illegal(self, record: OrderRecord, update: OrderUpdate) -> None:
        """Drop a report that cannot be true, and say so."""
        state = record.status.value if record.status is not None else "SENT"
        text = f"{update.client_order_id}: {update.exec_type.value} cannot follow {state}; dropped"
        self._alerts.raise_alert(
            "ILLEGAL_TRANSITION",
            text,
            severity=AlertSeverity.CRITICAL,
            key=update.client_order_id,
            component="execution",
        )

    def accept(self, record: OrderRecord, update: OrderUpdate) -> None:
        """Write a report down, book it, and pass it on."""
        self._journal.append("report", UPDATES.pack(update))
        first_answer = record.status is None
        self._apply(record, update)
        if update.exec_type in _FILLS:
            self.book.book(update)
        self.settle(record, update)
        self.kernel.emit(update)
        if self._monitor is not None:
            self._monitor.on_order(update, first_answer=first_answer)
        if update.exec_type in _FILLS:
            self._risk.check_losses()

    def _apply(self, record: OrderRecord, update: OrderUpdate) -> None:
        record.apply(update)
        if not record.open:
            self._open.pop(update.client_order_id, None)

    def settle(self, record: OrderRecord, update: OrderUpdate) -> None:
        """Let risk count what the order really has left."""
        if update.exec_type is ExecType.TRADE:
            self.desk.fill(update.client_order_id, record.leaves_qty)
        elif update.exec_type not in (
            ExecType.CANCEL_REJECTED,
            ExecType.PENDING_CANCEL,
            ExecType.PENDING_REPLACE,
        ):
            self.desk.settle(update.client_order_id, record.leaves_qty)

    @locked
    def on_foreign(self, update: OrderUpdate) -> None:
        """Take a report about an order of the same account that came from elsewhere; fills count."""
        if update.exec_type not in (ExecType.CANCEL_REJECTED, ExecType.REPLACE_REJECTED):
            self.used_ids.add(update.client_order_id)
        if update.exec_type in _FILLS:
            if self.is_duplicate(update):
                return
            self._journal.append("foreign", UPDATES.pack(update))
            self.book.book(update)
        self.kernel.emit(update)

    # -- questions -----------------------------------------------------------------------------

    @locked
    def open_orders(self) -> list[OrderUpdate]:
        """Return the working orders of this engine."""
        return [record.status_update() for record in self._open.values()]

    @locked
    def positions(self) -> list[Position]:
        """Return what the fills add up to."""
        return self.book.positions()

    @locked
    def executions(self) -> list[OrderUpdate]:
        """Return every execution of the account."""
        return self.book.executions()

    @locked
    def account(self) -> AccountState:
        """Return the account's money."""
        return self.session.account()

    @locked
    def disconnect(self) -> None:
        """Break the link to the broker."""
        self.session.disconnect()

    @locked
    def reconnect(self) -> None:
        """Allow the link to come back."""
        self.session.reconnect()

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()


def _too_late(record: OrderRecord) -> Decision:
    state = record.status or OrdStatus.NEW
    return refuse("TOO_LATE", f"the order is {state.value}")
