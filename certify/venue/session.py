"""A logged-in connection: what a customer can ask of the venue and what it hears."""

from __future__ import annotations

from collections.abc import Callable, Collection
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from certify.errors import SystemUnavailable
from certify.model.trading import AccountState, BookUpdate, Order, OrderUpdate, Position, Quote, Trade

if TYPE_CHECKING:
    from certify.venue.accounts import Account
    from certify.venue.exchange import SimulatedVenue


class VenueListener(Protocol):
    """Hears about one account's orders and the feeds it subscribed to; called without any lock held."""

    def on_report(self, update: OrderUpdate) -> None:
        """Take an execution report or a cancel reject of this account."""

    def on_quote(self, quote: Quote) -> None:
        """Take a change of the best bid or ask."""

    def on_trade(self, trade: Trade) -> None:
        """Take a trade print."""

    def on_book(self, book: BookUpdate) -> None:
        """Take a snapshot of the visible depth."""


class VenueSession:
    """One connection of one account; every method but `close` raises `SystemUnavailable` once closed."""

    __slots__ = (
        "_account", "_venue", "account_id", "connected", "on_book", "on_quote", "on_report", "on_trade",
    )  # fmt: skip

    def __init__(self, venue: SimulatedVenue, account: Account, listener: VenueListener) -> None:
        """Made by `SimulatedVenue.login`."""
        self._venue = venue
        self._account = account
        self.account_id = account.id
        self.connected = True
        self.on_report: Callable[[OrderUpdate], None] = listener.on_report
        self.on_quote: Callable[[Quote], None] = listener.on_quote
        self.on_trade: Callable[[Trade], None] = listener.on_trade
        self.on_book: Callable[[BookUpdate], None] = listener.on_book

    def submit(self, order: Order) -> None:
        """Send a new order; a bad one is answered by a REJECTED report, never by an exception."""
        self._check()
        self._venue.submit(self._account, order)

    def cancel(self, client_order_id: str, instrument: str) -> None:
        """Ask for a cancel; answered by CANCELED or CANCEL_REJECTED (UNKNOWN_ORDER, TOO_LATE)."""
        self._check()
        self._venue.cancel(self._account, client_order_id, instrument)

    def modify(self, client_order_id: str, qty: Decimal | None = None, price: Decimal | None = None) -> None:
        """Ask for a new total quantity or limit price; answered by REPLACED or REPLACE_REJECTED."""
        self._check()
        self._venue.modify(self._account, client_order_id, qty, price)

    def cancel_all(self) -> None:
        """Cancel every working order of the account, oldest first."""
        self._check()
        self._venue.cancel_all(self._account)

    def open_orders(self) -> list[OrderUpdate]:
        """Return the account's working orders as STATUS reports, oldest first."""
        self._check()
        return self._venue.open_orders(self._account)

    def executions(self) -> list[OrderUpdate]:
        """Return every TRADE and TRADE_CANCEL of the account since the start, oldest first."""
        self._check()
        return self._venue.executions(self._account)

    def positions(self) -> list[Position]:
        """Return a position for every instrument the account has ever traded, flat ones too."""
        self._check()
        return self._venue.positions(self._account)

    def account(self) -> AccountState:
        """Return the account's money, positions valued at the middle of the quote or the last trade."""
        self._check()
        return self._venue.account_state(self._account)

    def subscribe(self, instrument: str, kinds: Collection[str]) -> None:
        """Start feeds (`QUOTE`, `TRADE`, `BOOK`); quote and book answer at once with the current state.

        Raises `UsageError` for an instrument or a feed that does not exist.
        """
        self._check()
        self._venue.subscribe(self, instrument, kinds)

    def unsubscribe(self, instrument: str) -> None:
        """Stop every feed of an instrument."""
        self._check()
        self._venue.unsubscribe(self, instrument)

    def close(self) -> None:
        """Drop the link: orders stay, subscriptions end; what happens meanwhile is not reported later."""
        if self.connected:
            self._venue.logout(self, self._account)

    def _check(self) -> None:
        if not self.connected:
            raise SystemUnavailable(f"the session of {self.account_id} is closed")
