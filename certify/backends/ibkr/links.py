"""What the platform holds of a connection: an order session, and a market data line."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from certify.backends.ibkr.desk import OrderDesk
from certify.backends.ibkr.feed import Event, Feed
from certify.backends.ibkr.gateway_socket import GatewaySocket
from certify.backends.ibkr.safety import CODE
from certify.model.trading import (
    AccountState,
    BookUpdate,
    ExecType,
    Order,
    OrderUpdate,
    Position,
    Quote,
    Source,
    Trade,
)
from certify.reference.connection import FeedListener, OrderListener
from certify.reference.orders import OrderRecord, refuse

if TYPE_CHECKING:
    from certify.backends.ibkr.connection import IbConnection


class _Link:
    """A link of one listener; what is said after `close` is not heard any more."""

    def __init__(self, owner: IbConnection, socket: GatewaySocket, link_lost: Callable[[str], None]) -> None:
        self._owner = owner
        self.socket = socket
        self.closed = False
        self.lost = ""
        """Why it is gone by itself."""
        self._link_lost = link_lost

    def is_lost(self, reason: str) -> None:
        """Take note on the loop that it is gone, and say so once."""
        if not self.lost and not self.closed:
            self.lost = reason
            self._owner.deliver(self._say_lost)

    def _say_lost(self) -> None:
        if not self.closed:
            self._link_lost(self.lost)


class IbOrderLink(_Link):
    """A logged-in order session of one account."""

    def __init__(
        self,
        owner: IbConnection,
        socket: GatewaySocket,
        listener: OrderListener,
        desk: OrderDesk,
        found: tuple[list[OrderUpdate], list[OrderUpdate]],
    ) -> None:
        """Report to `listener`; `found` are the executions and open orders of the login.

        What the platform asks for first is answered with those: what happens after the login is reported, and
        must not be in an answer too.
        """
        super().__init__(owner, socket, listener.link_lost)
        self.desk = desk
        self._on_report = listener.on_report
        self._first_executions: list[OrderUpdate] | None = found[0]
        self._first_orders: list[OrderUpdate] | None = found[1]

    def say(self, update: OrderUpdate) -> None:
        """Report, from the thread that delivers."""
        self._owner.deliver(lambda: self._deliver(update))

    def _deliver(self, update: OrderUpdate) -> None:
        if not self.closed:
            self._on_report(update)

    def submit(self, order: Order) -> None:
        """Send a new order, if it is within the caps and its id is new."""
        text = self._owner.refuse(order)
        if text is not None:
            self.say(OrderRecord(order).update(ExecType.REJECTED, Source.BROKER, refuse(CODE, text)))
        elif self._owner.sent.get(order.client_order_id) is not None:
            reason = refuse("DUPLICATE_ORDER_ID", f"{order.client_order_id} has been used")
            self.say(OrderRecord(order).update(ExecType.REJECTED, Source.BROKER, reason))
        else:
            self._owner.sent.add(order)
            self._owner.post(self.desk.submit, order)

    def modify(self, client_order_id: str, qty: Decimal | None, price: Decimal | None) -> None:
        """Send a change, if it is within the caps."""
        order = self._owner.sent.get(client_order_id)
        text = None
        if order is not None:
            text = self._owner.safety.refuse_size(order, qty or order.qty, price or order.price)
        if order is not None and text is not None:
            reason = refuse(CODE, text)
            self.say(OrderRecord(order).update(ExecType.REPLACE_REJECTED, Source.BROKER, reason))
            return
        self._owner.sent.change(client_order_id, qty, price)
        self._owner.post(self.desk.modify, client_order_id, qty, price)

    def cancel(self, client_order_id: str, instrument: str) -> None:
        """Send a cancel."""
        self._owner.post(self.desk.cancel, client_order_id, instrument)

    def cancel_all(self) -> None:
        """Cancel every working order that we have sent."""
        self._owner.post(self.desk.cancel_all)

    def open_orders(self) -> list[OrderUpdate]:
        """Return our working orders, as STATUS."""
        found, self._first_orders = self._first_orders, None
        return found if found is not None else self._owner.ask(self, self.desk.ask_open_orders())

    def executions(self) -> list[OrderUpdate]:
        """Return our executions of the day, oldest first."""
        found, self._first_executions = self._first_executions, None
        return found if found is not None else self._owner.ask(self, self.desk.ask_executions())

    def positions(self) -> list[Position]:
        """Return what the account holds."""
        return self._owner.ask(self, self.desk.positions())

    def account(self) -> AccountState:
        """Return the account's money."""
        return self._owner.ask(self, self.desk.money())

    def close(self) -> None:
        """End the session and its socket."""
        if not self.closed:
            self.closed = True
            self._owner.post(self._owner.end_orders, self)


class IbFeedLink(_Link):
    """A market data line."""

    def __init__(
        self, owner: IbConnection, socket: GatewaySocket, listener: FeedListener, feed: Feed
    ) -> None:
        """Pass events on to `listener`, whose methods are looked up now."""
        super().__init__(owner, socket, listener.link_lost)
        self.feed = feed
        self._on_quote = listener.on_quote
        self._on_trade = listener.on_trade
        self._on_book = listener.on_book

    def say(self, event: Event) -> None:
        """Pass an event on, from the thread that delivers."""
        self._owner.deliver(lambda: self._deliver(event))

    def _deliver(self, event: Event) -> None:
        if self.closed:
            return
        if isinstance(event, Quote):
            self._on_quote(event)
        elif isinstance(event, Trade):
            self._on_trade(event)
        elif isinstance(event, BookUpdate):
            self._on_book(event)

    def subscribe(self, instrument: str, kinds: set[str]) -> None:
        """Ask for more kinds of events of one instrument."""
        self._owner.post(self.feed.subscribe, instrument, set(kinds))

    def unsubscribe(self, instrument: str) -> None:
        """Stop one instrument."""
        self._owner.post(self.feed.unsubscribe, instrument)

    def close(self) -> None:
        """End the line and its socket."""
        if not self.closed:
            self.closed = True
            self._owner.post(self._owner.end_feed, self)
