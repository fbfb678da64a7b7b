"""The way to the simulated exchange, which remembers itself across a restart of its process.

What goes into the venue is written down before it is done, with its time. The venue is deterministic,
so that doing it all again at the same times gives the same books, accounts, executions and ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any

from certify.errors import UsageError
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
from certify.reference.connection import FeedListener, OrderListener
from certify.reference.journal import ORDERS, QUOTES, TRADES, Journal, Row
from certify.venue import SimulatedVenue, VenueSession

FEED_ACCOUNT = "MARKET-DATA"


class OperationClock:
    """Stands still during an operation, so that it can be repeated at the same time."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        """Follow `now_ns` between operations."""
        self._now_ns = now_ns
        self._fixed: int | None = None

    def __call__(self) -> int:
        """Return the time."""
        return self._now_ns() if self._fixed is None else self._fixed

    def stop(self, ns: int | None) -> int | None:
        """Stand still at `ns`, or go on with `None`; return what it did before."""
        before, self._fixed = self._fixed, ns
        return before

    @contextmanager
    def at(self, ns: int) -> Iterator[None]:
        """Stand still at `ns` for a while."""
        before = self.stop(ns)
        try:
            yield
        finally:
            self.stop(before)


class Deaf:
    """A listener for operations that are repeated: everything was said the first time."""

    def on_report(self, update: OrderUpdate) -> None:
        """Take nothing."""

    def on_quote(self, quote: Quote) -> None:
        """Take nothing."""

    def on_trade(self, trade: Trade) -> None:
        """Take nothing."""

    def on_book(self, book: BookUpdate) -> None:
        """Take nothing."""


class _Listener(Deaf):
    """What a session calls; only what it was given is passed on."""

    def __init__(self, *, orders: OrderListener | None = None, feed: FeedListener | None = None) -> None:
        if orders is not None:
            self.on_report = orders.on_report  # type: ignore[method-assign]
        if feed is not None:
            self.on_quote = feed.on_quote  # type: ignore[method-assign]
            self.on_trade = feed.on_trade  # type: ignore[method-assign]
            self.on_book = feed.on_book  # type: ignore[method-assign]


class SimulatedOrderLink:
    """An order session whose requests are written down first."""

    def __init__(self, owner: SimulatedConnection, session: VenueSession) -> None:
        """Pass everything on to `session`."""
        self._owner = owner
        self._session = session
        self._account = session.account_id
        self.open_orders: Callable[[], list[OrderUpdate]] = session.open_orders
        self.executions: Callable[[], list[OrderUpdate]] = session.executions
        self.positions: Callable[[], list[Position]] = session.positions
        self.account: Callable[[], AccountState] = session.account
        self.close: Callable[[], None] = session.close

    def submit(self, order: Order) -> None:
        """Send a new order."""
        with self._owner.operation("submit", self._account, ORDERS.pack(order)):
            self._session.submit(order)

    def cancel(self, client_order_id: str, instrument: str) -> None:
        """Send a cancel."""
        with self._owner.operation("cancel", self._account, client_order_id, instrument):
            self._session.cancel(client_order_id, instrument)

    def modify(self, client_order_id: str, qty: Decimal | None, price: Decimal | None) -> None:
        """Send a change."""
        with self._owner.operation("modify", self._account, client_order_id, qty, price):
            self._session.modify(client_order_id, qty, price)

    def cancel_all(self) -> None:
        """Cancel every working order of the account."""
        with self._owner.operation("cancel_all", self._account):
            self._session.cancel_all()


class SimulatedConnection:
    """A `VenueConnection` to a simulated exchange in this process."""

    def __init__(
        self, venue: SimulatedVenue, clock: OperationClock, instruments: list[Instrument], journal: Journal
    ) -> None:
        """Bring `venue`, which must be fresh and tell time by `clock`, to where `journal` left it."""
        self.venue = venue
        self._clock = clock
        self._instruments = instruments
        self._journal = journal
        self._accounts: set[str] = set()
        self._bids: dict[str, Decimal] = {}
        self._repeat(journal.load())

    # -- what is written down ------------------------------------------------------------------

    @contextmanager
    def operation(self, kind: str, *args: Any) -> Iterator[None]:
        """Write an operation down and let time stand still while it is done."""
        now = self._clock()
        self._journal.append(now, kind, *args)
        before = self._clock.stop(now)
        try:
            yield
        finally:
            self._clock.stop(before)

    def _repeat(self, rows: list[Row]) -> None:
        sessions: dict[str, VenueSession] = {}
        for now, kind, *args in rows:
            with self._clock.at(now):
                self.venue.advance()
                # What the venue refused with an error the first time it refuses again.
                with suppress(UsageError):
                    self._repeat_one(sessions, kind, args)
        for session in sessions.values():
            session.close()

    def _repeat_one(self, sessions: dict[str, VenueSession], kind: str, args: Row) -> None:
        if kind in ("quote", "trade", "account"):
            self._repeat_venue(kind, args)
        else:
            self._repeat_order(sessions, kind, args)

    def _repeat_venue(self, kind: str, args: Row) -> None:
        if kind == "quote":
            self._set_market(QUOTES.unpack(args[0]))
        elif kind == "trade":
            self.venue.print_trade(TRADES.unpack(args[0]))
        else:
            self._accounts.add(args[0])
            self.venue.open_account(args[0], Decimal(args[1]), args[2])

    def _repeat_order(self, sessions: dict[str, VenueSession], kind: str, args: Row) -> None:
        account, *rest = args
        session = sessions.get(account)
        if session is None:
            session = sessions[account] = self.venue.login(account, Deaf())
        if kind == "submit":
            session.submit(ORDERS.unpack(rest[0]))
        elif kind == "cancel":
            session.cancel(rest[0], rest[1])
        elif kind == "modify":
            session.modify(rest[0], _decimal(rest[1]), _decimal(rest[2]))
        else:
            session.cancel_all()

    # -- the connection ------------------------------------------------------------------------

    def instruments(self) -> list[Instrument]:
        """Return what is traded."""
        return list(self._instruments)

    def ensure_account(self, account: str, cash: Decimal, currency: str) -> None:
        """Open an account unless it exists."""
        if account not in self._accounts:
            self._accounts.add(account)
            with self.operation("account", account, cash, currency):
                self.venue.open_account(account, cash, currency)

    def login(self, account: str, listener: OrderListener) -> SimulatedOrderLink:
        """Open an order session; what is due by the clock has happened by then."""
        self.venue.advance()
        return SimulatedOrderLink(self, self.venue.login(account, _Listener(orders=listener)))

    def open_feed(self, listener: FeedListener) -> VenueSession:
        """Open a market data line."""
        self.ensure_account(FEED_ACCOUNT, Decimal(0), "USD")
        return self.venue.login(FEED_ACCOUNT, _Listener(feed=listener))

    def set_market(self, quote: Quote) -> None:
        """Set the best bid and ask of the house."""
        with self.operation("quote", QUOTES.pack(quote)):
            self._set_market(quote)

    def _set_market(self, quote: Quote) -> None:
        self.venue.set_market(quote)
        if quote.bid is not None:
            self._bids[quote.instrument] = quote.bid

    def last_bids(self) -> dict[str, Decimal]:
        """Return the last bid that the house has shown, by instrument."""
        return dict(self._bids)

    def print_trade(self, trade: Trade) -> None:
        """Print a trade."""
        with self.operation("trade", TRADES.pack(trade)):
            self.venue.print_trade(trade)

    def advance(self) -> None:
        """Expire and deliver what is due."""
        self.venue.advance()

    def close(self) -> None:
        """Close the journal; the venue lives on with this process."""
        self._journal.close()


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
