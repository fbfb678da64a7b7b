"""What the platform needs of a venue or broker: the border behind which a simulation or a real one stands.

The platform calls every method here under its own lock; a connection may call its listeners back
from within such a call, or later from a thread of its own. A link that is gone by itself is said to
the listener once, by `link_lost(reason)`; the listener then closes it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from certify.model.trading import (
    AccountState,
    BookUpdate,
    Instrument,
    Order,
    OrderUpdate,
    Position,
    Quote,
    Trade,
)


class OrderListener(Protocol):
    """Takes what a venue says about the orders of one account."""

    def on_report(self, update: OrderUpdate) -> None:
        """Take an execution report or a cancel reject."""

    def link_lost(self, reason: str) -> None:
        """Take note that the session is gone by itself."""


class FeedListener(Protocol):
    """Takes market data."""

    def on_quote(self, quote: Quote) -> None:
        """Take a quote."""

    def on_trade(self, trade: Trade) -> None:
        """Take a print."""

    def on_book(self, book: BookUpdate) -> None:
        """Take price levels."""

    def link_lost(self, reason: str) -> None:
        """Take note that the line is gone by itself."""


class OrderLink(Protocol):
    """A logged-in order session; gone for good after `close`."""

    def submit(self, order: Order) -> None:
        """Send a new order."""

    def cancel(self, client_order_id: str, instrument: str) -> None:
        """Send a cancel."""

    def modify(self, client_order_id: str, qty: Decimal | None, price: Decimal | None) -> None:
        """Send a change."""

    def cancel_all(self) -> None:
        """Cancel every working order of the account."""

    def open_orders(self) -> list[OrderUpdate]:
        """Return the account's working orders, as STATUS; unacknowledged ones, if known, as PENDING_NEW."""

    def executions(self) -> list[OrderUpdate]:
        """Return every TRADE and TRADE_CANCEL of the account, oldest first."""

    def positions(self) -> list[Position]:
        """Return what the account holds."""

    def account(self) -> AccountState:
        """Return the account's money."""

    def close(self) -> None:
        """End the session; later reports are found only by asking again."""


class FeedLink(Protocol):
    """A live market data line; gone for good after `close`."""

    def subscribe(self, instrument: str, kinds: set[str]) -> None:
        """Ask for exactly these kinds of events of one instrument."""

    def unsubscribe(self, instrument: str) -> None:
        """Stop one instrument."""

    def close(self) -> None:
        """End the line."""


class VenueConnection(Protocol):
    """The way to a venue. Every method may raise `ConnectionError` while the way is down."""

    def instruments(self) -> list[Instrument]:
        """Return what is traded there."""

    def ensure_account(self, account: str, cash: Decimal, currency: str) -> None:
        """Open an account with this cash unless it exists (a real broker: do nothing)."""

    def login(self, account: str, listener: OrderListener) -> OrderLink:
        """Open an order session of one account."""

    def open_feed(self, listener: FeedListener) -> FeedLink:
        """Open a market data line."""

    def set_market(self, quote: Quote) -> None:
        """Set the venue's best bid and ask (a simulation only)."""

    def print_trade(self, trade: Trade) -> None:
        """Let the venue print a trade (a simulation only)."""

    def advance(self) -> None:
        """Let time-driven work happen: expiries and delayed answers."""

    def close(self) -> None:
        """Let go of everything."""
