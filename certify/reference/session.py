"""The session with one broker: its link, its reconnects and its reconciliation.

What a session missed while it was down is found by asking: executions by their id, each once, then
the orders that are still working. The answers are delivered as if they had just been reported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from certify.clock import NS_PER_MS, NS_PER_S
from certify.model.trading import (
    AccountState,
    ExecType,
    Order,
    OrderType,
    OrderUpdate,
    OrdStatus,
    Position,
    Source,
    TimeInForce,
)
from certify.reference.connection import OrderLink, VenueConnection
from certify.reference.kernel import Kernel, locked
from certify.reference.orders import OrderRecord, refuse, unknown_order
from certify.reference.positions import PositionBook

FIRST_BACKOFF_NS = 100 * NS_PER_MS
LAST_BACKOFF_NS = 5 * NS_PER_S
NO_LINK = refuse("DISCONNECTED", "no connection to the broker")

Reports = Callable[[OrderUpdate], None]


class BrokerSession:
    """One login to one account at one broker; usable again after every disconnect."""

    def __init__(
        self,
        kernel: Kernel,
        connection: VenueConnection,
        *,
        name: str,
        book: PositionBook,
        deliver: Reports,
        on_link: Callable[[BrokerSession, bool, str], None],
    ) -> None:
        """Hand reports to `deliver`, and ups and downs of the link to `on_link`."""
        self.kernel = kernel
        self.name = name
        self.book = book
        self.account_id = book.account
        self.deliver = deliver
        self.orders: dict[str, OrderRecord] = {}
        """Every order known to be working or on its way, by client order id."""
        self.down_since_ns: int | None = None
        self._connection = connection
        self._on_link = on_link
        self._link: OrderLink | None = None
        self._allowed = False
        self._in_use = False
        self.last_failure = ""
        """Why the last login failed."""
        self.broken = False
        """Whether the way to the broker is cut, so that no login can succeed."""
        self.on_reconnect: Callable[[], None] = lambda: None
        """Called when the way is allowed to come back."""
        self._backoff_ns = FIRST_BACKOFF_NS
        self._retry_at_ns = 0
        self._last_account: AccountState | None = None
        self._last_positions: list[Position] = []

    # -- the link ------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether the link to the broker is up."""
        return self._link is not None

    @property
    def ready(self) -> bool:
        """Whether it is time to try a login that may succeed."""
        return not self.broken and self.kernel.now_ns() >= self._retry_at_ns

    @locked
    def login(self) -> bool:
        """Use the session: open the link if need be, and reconcile; on failure `maintain` tries again."""
        if self._in_use and self._link is not None:
            return True
        self._in_use = True
        if not self.open_link():
            return False
        self.down_since_ns = None
        self.reconcile()
        self._on_link(self, True, "logged in")
        return True

    @locked
    def stand_by(self) -> None:
        """Keep the link open without using it: reports go to the session that is in use."""
        self.release()
        self.open_link()

    def release(self) -> None:
        """Use the session no longer."""
        self._in_use = False
        self.down_since_ns = None
        self.orders.clear()

    def open_link(self) -> bool:
        """Open the link unless it is open; when that fails, try less and less often."""
        self._allowed = True
        if self._link is not None:
            return True
        try:
            self._link = self._reach()
        except ConnectionError as error:
            self.kernel.log.warning("login to %s failed: %s", self.name, error)
            self.last_failure = str(error)
            self.back_off()
            return False
        self._backoff_ns = FIRST_BACKOFF_NS
        return True

    def _reach(self) -> OrderLink:
        if self.broken:
            raise ConnectionError("the link is broken")
        return self._connection.login(self.account_id, self)

    def back_off(self) -> None:
        """Wait twice as long before the next attempt, up to a limit."""
        self._retry_at_ns = self.kernel.now_ns() + self._backoff_ns
        self._backoff_ns = min(2 * self._backoff_ns, LAST_BACKOFF_NS)

    @locked
    def logout(self) -> None:
        """Close the session on purpose; no reconnect follows."""
        self._allowed = False
        self._drop("logged out")

    @locked
    def disconnect(self) -> None:
        """Break the link and keep it broken until `reconnect`."""
        self.broken = True
        self._drop("link broken")

    @locked
    def link_lost(self, reason: str) -> None:
        """Take note that the link is gone by itself; `maintain` brings it back."""
        self._drop(reason)
        self.back_off()

    def _drop(self, reason: str) -> None:
        if self._link is None:
            return
        self._remember()
        link, self._link = self._link, None
        link.close()
        if self._in_use:
            self.down_since_ns = self.kernel.now_ns()
            self._on_link(self, False, reason)

    @locked
    def reconnect(self) -> None:
        """Allow the link to come back, and try at once."""
        self.broken = False
        self.on_reconnect()
        self.login()

    @locked
    def maintain(self) -> None:
        """Try to reconnect when it is time."""
        if self._allowed and self._link is None and self.ready:
            if self._in_use:
                self.login()
            else:
                self.open_link()

    # -- reports -------------------------------------------------------------------------------

    def on_report(self, update: OrderUpdate) -> None:
        """Take a report of the broker."""
        if not self._in_use:
            return
        with self.kernel.lock:
            if self._link is not None and self._in_use:
                self.handle(update)

    def handle(self, update: OrderUpdate) -> None:
        """Follow the order and pass the report on."""
        self._follow(update)
        self.deliver(update)

    def _follow(self, update: OrderUpdate) -> None:
        record = self.orders.get(update.client_order_id)
        if record is None or (record.status is not None and update.exec_type is ExecType.REJECTED):
            return
        record.apply(update)
        if not record.open:
            del self.orders[update.client_order_id]

    # -- reconciliation ------------------------------------------------------------------------

    def reconcile(self) -> None:
        """Find out what happened while there was no link."""
        self.recover_executions()
        self.refresh_orders()

    def recover_executions(self) -> None:
        """Deliver the executions that were never seen, each once, oldest first."""
        link = self._link
        for update in link.executions() if link else []:
            if not self.book.knows(update.exec_id):
                self.handle(update)

    def refresh_orders(self) -> None:
        """Bring every order to the state that the broker holds."""
        link = self._link
        working = {update.client_order_id: update for update in (link.open_orders() if link else [])}
        for record in list(self.orders.values()):
            if record.order.client_order_id not in working:
                self.handle(self._ended(record))
        for client_order_id, update in working.items():
            known = self.orders.get(client_order_id)
            if update.exec_type is ExecType.PENDING_NEW:
                continue  # sent and not acknowledged: what becomes of it is still to be said
            if known is None:
                self.adopt(update)
            else:
                self._refresh(known, update)

    def _ended(self, record: OrderRecord) -> OrderUpdate:
        """Return the end of an order that is no longer working at the broker."""
        exec_type, status = ExecType.CANCELED, OrdStatus.CANCELED
        expires = record.order.expire_at_ns if record.order.tif is TimeInForce.GTD else None
        if expires is not None and expires <= self.kernel.now_ns():
            exec_type, status = ExecType.EXPIRED, OrdStatus.EXPIRED
        elif record.status is None:
            exec_type, status = ExecType.REJECTED, OrdStatus.REJECTED
        reason = refuse("NOT_WORKING", "found to be no longer working when the link came back")
        update = record.update(exec_type, Source.BROKER, reason)
        return replace(update, status=status, leaves_qty=Decimal(0), account=self.account_id)

    def _refresh(self, known: OrderRecord, update: OrderUpdate) -> None:
        if known.status is None:
            self.handle(replace(update, exec_type=ExecType.NEW))
        elif (known.qty, known.price) != (update.qty, update.price):
            self.handle(replace(update, exec_type=ExecType.REPLACED))

    def adopt(self, update: OrderUpdate) -> None:
        """Follow a working order that was sent through another login."""
        order = Order(
            client_order_id=update.client_order_id,
            instrument=update.instrument,
            side=update.side,
            qty=update.qty,
            price=update.price,
            stop_price=update.stop_price,
            type=update.type or OrderType.LIMIT,
            tif=update.tif or TimeInForce.DAY,
            account=update.account,
        )
        record = self.orders[update.client_order_id] = OrderRecord(order)
        record.apply(update)

    @locked
    def follow(self, record: OrderRecord) -> None:
        """Follow an order that was sent before the platform was started."""
        mine = self.orders[record.order.client_order_id] = OrderRecord(record.order)
        mine.status, mine.qty, mine.price = record.status, record.qty, record.price
        mine.cum_qty, mine.avg_px = record.cum_qty, record.avg_px

    # -- orders --------------------------------------------------------------------------------

    @locked
    def submit(self, order: Order) -> None:
        """Send an order; refused while there is no link, or when its id is in use."""
        record = OrderRecord(order)
        if self._link is None:
            self.deliver(record.update(ExecType.REJECTED, Source.BROKER, NO_LINK))
        elif order.client_order_id in self.orders:
            reason = refuse("DUPLICATE_ORDER_ID", f"{order.client_order_id} is in use")
            self.deliver(record.update(ExecType.REJECTED, Source.BROKER, reason))
        else:
            self.orders[order.client_order_id] = record
            self._link.submit(order)

    @locked
    def cancel(self, client_order_id: str, instrument: str) -> None:
        """Send a cancel; refused while there is no link."""
        if self._link is None:
            self.deliver(self._no_link(client_order_id, instrument, ExecType.CANCEL_REJECTED))
        else:
            self._link.cancel(client_order_id, instrument)

    @locked
    def modify(self, client_order_id: str, qty: Decimal | None = None, price: Decimal | None = None) -> None:
        """Send a change; refused while there is no link."""
        if self._link is None:
            self.deliver(self._no_link(client_order_id, "", ExecType.REPLACE_REJECTED))
        else:
            self._link.modify(client_order_id, qty, price)

    def _no_link(self, client_order_id: str, instrument: str, exec_type: ExecType) -> OrderUpdate:
        record = self.orders.get(client_order_id)
        if record is not None:
            return record.update(exec_type, Source.BROKER, NO_LINK)
        update = unknown_order(client_order_id, instrument, exec_type, Source.BROKER)
        return replace(update, code=NO_LINK.code, reason=NO_LINK.reason)

    @locked
    def cancel_all(self) -> bool:
        """Cancel every working order of the account; return whether none was out of reach."""
        if self._link is None:
            return not self.orders
        self._link.cancel_all()
        return True

    # -- questions: while there is no link, what was known last --------------------------------

    @locked
    def open_orders(self) -> list[OrderUpdate]:
        """Return the account's working orders."""
        if self._link is not None:
            return self._link.open_orders()
        return [record.status_update() for record in self.orders.values()]

    @locked
    def positions(self) -> list[Position]:
        """Return what the broker says the account holds."""
        self._remember_positions()
        return self._last_positions

    @locked
    def executions(self) -> list[OrderUpdate]:
        """Return every execution of the account."""
        return self._link.executions() if self._link is not None else self.book.executions()

    @locked
    def account(self) -> AccountState:
        """Return the account's money.

        Raises:
            ConnectionError: there has never been a link to ask over.
        """
        self._remember_account()
        if self._last_account is None:
            raise ConnectionError(f"{self.name} has not been connected yet")
        return self._last_account

    def _remember(self) -> None:
        self._remember_positions()
        self._remember_account()

    def _remember_positions(self) -> None:
        """Keep what the broker says now; when it cannot be asked, what it said before stands."""
        try:
            if self._link is not None:
                self._last_positions = [p for p in self._link.positions() if p.qty]
        except ConnectionError as error:
            self.kernel.log.warning("%s cannot be asked for positions: %s", self.name, error)

    def _remember_account(self) -> None:
        try:
            if self._link is not None:
                self._last_account = self._link.account()
        except ConnectionError as error:
            self.kernel.log.warning("%s cannot be asked for money: %s", self.name, error)
