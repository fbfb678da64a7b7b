"""What the market does, once for everyone who watches.

What orders cause in one turn of the loop is told together; of the generated market every event is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from certify.gateway.contracts.listing import Listing
from certify.model.trading import BookUpdate, OrderUpdate, Quote, Trade

if TYPE_CHECKING:
    from certify.gateway.house import Gateway
    from certify.venue import VenueSession

MOST_EVENTS = 5000
"""Events kept for one turn; older ones are dropped if the loop is held up."""


class Watcher(Protocol):
    """Hears of one tape."""

    def turn(self, tape: Tape) -> None:
        """Look at the tape: `tape.events` is what has happened since the last turn."""


class Tape:
    """One contract's market now and today."""

    __slots__ = (
        "ask", "ask_size", "bid", "bid_size", "close", "events", "high", "last", "last_ns", "last_size",
        "listing", "low", "open", "trades", "value", "volume", "watchers",
    )  # fmt: skip

    def __init__(self, listing: Listing) -> None:
        """Begin with nothing known but where the price starts."""
        start = listing.start_price
        self.listing = listing
        self.bid: Decimal | None = None
        self.ask: Decimal | None = None
        self.bid_size = self.ask_size = self.last_size = Decimal(0)
        self.last: Decimal | None = start
        self.last_ns = 0
        self.open = self.high = self.low = self.close = start
        self.volume = Decimal(0)
        self.trades = 0
        self.value = Decimal(0)
        """Price times size of the day's trades, for the average."""
        self.events: list[Quote | Trade] = []
        self.watchers: list[Watcher] = []

    def quote(self, quote: Quote) -> None:
        """Take a change of the best bid or ask."""
        self.bid, self.ask = quote.bid, quote.ask
        self.bid_size, self.ask_size = quote.bid_size or Decimal(0), quote.ask_size or Decimal(0)

    def trade(self, trade: Trade) -> None:
        """Take a trade."""
        price = self.last = trade.price
        self.last_size = trade.size
        self.last_ns = trade.ts_event_ns
        self.volume += trade.size
        self.value += price * trade.size
        self.trades += 1
        self.high, self.low = max(self.high, price), min(self.low, price)

    def new_day(self) -> None:
        """Begin the day's values at the last price."""
        price = self.last if self.last is not None else self.close
        self.open = self.high = self.low = self.close = price
        self.volume = self.value = Decimal(0)
        self.trades += 1

    @property
    def middle(self) -> Decimal | None:
        """The middle of the quote; `None` when a side is missing."""
        return None if self.bid is None or self.ask is None else (self.bid + self.ask) / 2


class Feed:
    """Listens to the venue and keeps a tape of each contract that somebody has watched."""

    def __init__(self, gateway: Gateway, begin: Callable[[Tape], None]) -> None:
        """`begin` fills in a new tape's day so far."""
        self._gateway = gateway
        self._begin = begin
        self._tapes: dict[str, Tape] = {}
        self._moved: dict[str, Tape] = {}
        self._session: VenueSession | None = None
        self._at_once = False

    def tape(self, listing: Listing) -> Tape:
        """Return the tape of a contract, which the venue trades."""
        name = listing.instrument.id
        tape = self._tapes.get(name)
        if tape is None:
            tape = self._tapes[name] = Tape(listing)
            self._begin(tape)
            self.session.subscribe(name, ["QUOTE", "TRADE"])
        return tape

    @property
    def session(self) -> VenueSession:
        """The session of the venue that everything is heard through."""
        if self._session is None:
            from certify.gateway.settings import FEED_ACCOUNT

            self._session = self._gateway.venue.login(FEED_ACCOUNT, self)
        return self._session

    def new_day(self) -> None:
        """Begin a day on every tape."""
        for tape in self._tapes.values():
            tape.new_day()

    def watch(self, listing: Listing, watcher: Watcher) -> Tape:
        """Let `watcher` hear of every turn in which the contract's market moves."""
        tape = self.tape(listing)
        tape.watchers.append(watcher)
        return tape

    def unwatch(self, tape: Tape, watcher: Watcher) -> None:
        """End it; nothing happens when it is not watching."""
        if watcher in tape.watchers:
            tape.watchers.remove(watcher)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Tell everyone of each event by itself and at once, instead of together in the next turn."""
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False

    def on_quote(self, quote: Quote) -> None:
        """Take a quote from the venue."""
        tape = self._tapes[quote.instrument]
        tape.quote(quote)
        if tape.watchers:
            self._note(tape, quote)

    def on_trade(self, trade: Trade) -> None:
        """Take a trade from the venue."""
        tape = self._tapes[trade.instrument]
        tape.trade(trade)
        if tape.watchers:
            self._note(tape, trade)

    def on_report(self, update: OrderUpdate) -> None:
        """Hear nothing: nobody trades in this account."""

    def on_book(self, book: BookUpdate) -> None:
        """Hear nothing: books have a desk of their own."""

    def _note(self, tape: Tape, event: Quote | Trade) -> None:
        events = tape.events
        events.append(event)
        if self._at_once:
            self._tell(tape)
            return
        if len(events) > MOST_EVENTS:
            del events[: MOST_EVENTS // 2]
        if not self._moved:
            self._gateway.later(0.0, self.flush)
        self._moved[tape.listing.instrument.id] = tape

    def flush(self) -> None:
        """Tell everyone who watches what has happened in this turn."""
        moved, self._moved = self._moved, {}
        for tape in moved.values():
            self._tell(tape)

    def _tell(self, tape: Tape) -> None:
        for watcher in tuple(tape.watchers):
            watcher.turn(tape)
        tape.events = []
