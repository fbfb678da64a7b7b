"""What the market does, once for everyone who watches.

What orders cause in one turn of the loop is told together; of the generated market every event is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Protocol

from certify.gateway.contracts.listing import Listing
from certify.gateway.wire.frames import number
from certify.model.trading import BookUpdate, OrderUpdate, Quote, Trade
from certify.venue.contract import Grid

if TYPE_CHECKING:
    from certify.gateway.house import Gateway
    from certify.venue import VenueSession
    from certify.venue.market import Top

MOST_EVENTS = 5000
"""Events kept for one turn; older ones are dropped if the loop is held up."""
_ZERO = Decimal(0)
_REMEMBERED = 1 << 14
"""Prices and sizes of which the text is kept."""


class _Shown(dict[int, tuple[Decimal, str]]):
    """Steps of a price or size: as a number, and as it is written."""

    def __init__(self, step: Decimal) -> None:
        super().__init__()
        self._steps = Grid(step).outside

    def __missing__(self, steps: int) -> tuple[Decimal, str]:
        if len(self) >= _REMEMBERED:
            self.clear()
        value = self._steps(steps)
        shown = self[steps] = (value, number(value))
        return shown


@cache
def _shown(step: Decimal) -> _Shown:
    """Return what is remembered for a step: instruments have few different ones, and share it."""
    return _Shown(step)


class Watcher(Protocol):
    """Hears of one tape."""

    needs_events: bool
    """Whether it looks at `tape.events`, or only at what the market is now."""

    def turn(self, tape: Tape) -> None:
        """Look at the tape: `tape.events` is what has happened since the last turn."""


class Tape:
    """One contract's market now and today."""

    __slots__ = (
        "_prices", "_sizes", "ask", "ask_size", "bid", "bid_size", "close", "events", "high", "last",
        "last_ns", "last_size", "listing", "low", "open", "texts", "trades", "value", "volume", "watchers",
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
        self._prices, self._sizes = _shown(listing.instrument.tick), _shown(listing.instrument.lot)
        self.texts = ("", "", "", "")
        """Bid, its size, ask and its size as they are written."""

    def quote(self, quote: Quote) -> None:
        """Take a change of the best bid or ask."""
        self.bid, self.ask = quote.bid, quote.ask
        self.bid_size, self.ask_size = quote.bid_size or _ZERO, quote.ask_size or _ZERO
        both = self.bid is not None and self.ask is not None
        self.texts = (
            number(self.bid or _ZERO), number(self.bid_size), number(self.ask or _ZERO), number(self.ask_size)
        ) if both else ("", "", "", "")  # fmt: skip

    def quote_in_ticks(self, top: Top) -> None:
        """Take a quote of both sides."""
        prices, sizes = self._prices, self._sizes
        bid, bid_lots, ask, ask_lots = top
        self.bid, bid_text = prices[bid]
        self.bid_size, bid_size_text = sizes[bid_lots]
        self.ask, ask_text = prices[ask]
        self.ask_size, ask_size_text = sizes[ask_lots]
        self.texts = (bid_text, bid_size_text, ask_text, ask_size_text)

    def trade(self, trade: Trade) -> None:
        """Take a trade."""
        self._traded(trade.price, trade.size, trade.ts_event_ns)

    def trade_in_ticks(self, price: int, lots: int, now_ns: int) -> None:
        """Take a trade of now."""
        self._traded(self._prices[price][0], self._sizes[lots][0], now_ns)

    def _traded(self, price: Decimal, size: Decimal, at_ns: int) -> None:
        self.last, self.last_size, self.last_ns = price, size, at_ns
        self.volume += size
        self.value += price * size
        self.trades += 1
        self.high, self.low = max(self.high, price), min(self.low, price)

    def events_wanted(self) -> bool:
        """Whether somebody who watches looks at the events."""
        return any([watcher.needs_events for watcher in self.watchers])  # noqa: C419 - a list is quicker

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
        self.telling_each = False
        """Whether everyone is told of each event by itself just now."""

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
        self.telling_each = True
        try:
            yield
        finally:
            self.telling_each = False
            self._gateway.market_data.send_held()

    @property
    def listening(self) -> VenueSession | None:
        """The session of the venue that everything is heard through, if anything is."""
        return self._session

    def take_quote(self, name: str, top: Top, now_ns: int, seq: int) -> None:
        """Take a quote, in ticks and lots, that the venue has noted."""
        tape = self._tapes.get(name)
        if tape is None:
            return
        tape.quote_in_ticks(top)
        if tape.watchers:
            if tape.events_wanted():
                sides = (tape.bid, tape.bid_size, tape.ask, tape.ask_size)
                tape.events.append(Quote(name, *sides, now_ns, seq=seq))
            self._tell(tape)

    def take_trade(self, name: str, step: tuple[int, int], trade_id: str, now_ns: int, seq: int) -> None:
        """Take a trade, in ticks and lots, that the venue has noted."""
        tape = self._tapes.get(name)
        if tape is None:
            return
        price, lots = step
        tape.trade_in_ticks(price, lots, now_ns)
        if tape.watchers:
            if tape.events_wanted():
                paid = tape.last or _ZERO
                tape.events.append(Trade(name, paid, tape.last_size, now_ns, trade_id=trade_id, seq=seq))
            self._tell(tape)

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
        if self.telling_each:
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
        if tape.events:
            tape.events = []
