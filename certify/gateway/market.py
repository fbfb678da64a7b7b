"""The market that moves by itself: a generated one for each instrument that somebody follows or trades.

Nothing is generated for an instrument before somebody asks for it; the first time gives a quote at once. It
stands still while nobody listens to it, has an order in it or ever traded it.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from certify import clock
from certify.clock import NS_PER_S
from certify.errors import UsageError
from certify.gateway.values import decimal, switch
from certify.model.trading import Instrument, Quote, Trade
from certify.venue import HouseFeed, MarketShape, TickGenerator

if TYPE_CHECKING:
    from certify.gateway.client import ClientSession
    from certify.gateway.house import Gateway
    from certify.gateway.tape import Feed

PAUSE_NS = 2_500_000_000
"""How long the generated market leaves an instrument alone after `set_market`, nanoseconds."""
_MOST_PER_TURN = 512
"""Events shown in one turn of the loop: a gateway that was held up does not make up for all of it at once."""
_GRID_NS = 20_000_000
"""Turns are at multiples of this: one awakening serves all instruments, and it costs more than an event."""
_ASLEEP_NS = 100_000_000
"""So often it is looked whether a market that nobody notices has to go on."""

_MEDIAN_LOTS = {"CASH": 2_000_000.0, "CRYPTO": 20_000.0, "FUT": 60.0, "OPT": 60.0}
"""Displayed size by kind of instrument, where it is not a stock's."""


class _Source:
    """One instrument's generated events."""

    __slots__ = (
        "_events", "_gateway", "_house", "_instrument", "_start_ns", "due_ns", "paused_until_ns", "pending",
    )  # fmt: skip

    def __init__(self, gateway: Gateway, instrument: Instrument, start: Decimal | None) -> None:
        """Open with a quote at the time of making."""
        settings = gateway.settings
        self._gateway, self._instrument = gateway, instrument.id
        self._house = HouseFeed(gateway.venue, instrument.id)
        shape = MarketShape(
            rate_per_s=settings.market_rate_per_s or 1.0,
            median_lots=_MEDIAN_LOTS.get(instrument.kind, 200.0),
        )
        self._events = TickGenerator(instrument, settings.seed, shape=shape, start_price=start)
        self._start_ns = clock.monotonic_ns()
        self.paused_until_ns = 0
        self.pending = next(self._events)
        self.due_ns = self._start_ns
        """When the pending event is due, by the monotonic clock."""
        self.show(gateway.now_ns())

    def show(self, now_ns: int) -> None:
        """Let the venue see the pending event, stamped `now_ns`, and take the next one."""
        event = self._events.event(self.pending[1], now_ns)
        self.skip()
        if isinstance(event, Quote):
            self._gateway.venue.set_market(event, now_ns)
        else:
            self._gateway.venue.print_trade(event, now_ns)

    def show_quickly(self, feed: Feed, now_ns: int) -> None:
        """Do the same while only the market desks listen: tell them, and have the venue note it.

        To be called within `together()` of the venue and `at_once()` of the feed.
        """
        step = self.pending[1]
        if len(step) == 4:
            if not (number := self._house.quote(step, feed.listening)):
                self.show(now_ns)
                return
            feed.take_quote(self._instrument, step, now_ns, number)
        else:
            if not (number := self._house.trade(step[0], feed.listening)):
                self.show(now_ns)
                return
            feed.take_trade(self._instrument, step, self._events.trade_id, now_ns, number)
        self.skip()

    @property
    def unnoticed(self) -> bool:
        """Whether nobody would notice if time did not pass here."""
        return self._house.unnoticed

    def skip(self) -> None:
        """Take the next event."""
        self.pending = next(self._events)
        self.due_ns = self._start_ns + self.pending[0]

    def requote(self) -> None:
        """Show the next quote at once, without the trades before it."""
        while len(self.pending[1]) != 4:
            self.skip()
        self.show(self._gateway.now_ns())

    def put_off(self, until_ns: int) -> None:
        """Show what is pending, and everything after it, so much later that it is due at `until_ns`."""
        self._start_ns += until_ns - self.due_ns
        self.due_ns = until_ns


class Market:
    """Shows prices to the venue: generated ones, and those that an action asks for."""

    def __init__(self, gateway: Gateway) -> None:
        """Begin with nobody following anything."""
        self._gateway = gateway
        self.on = gateway.settings.market_rate_per_s > 0
        """Whether the generated market moves."""
        self._feeds: dict[str, _Source] = {}
        self._waiting: list[tuple[int, int, _Source]] = []
        """Feeds by when their next event is due; a heap. The number in the middle decides between equals."""
        self._timer: asyncio.TimerHandle | None = None
        self._running = False
        self._prints = 0

    def handlers(self) -> Mapping[type[Any], Callable[[ClientSession, Any], None]]:
        """Answer no request."""
        return {}

    def actions(self) -> Mapping[str, Callable[..., Any]]:
        """Return the actions of the market."""
        return {"set_market": self.set_market, "print_trade": self.print_trade, "market": self.switch}

    def touch(self, instrument: str) -> None:
        """Have a market for `instrument` from now on: a quote at once, then events; to be called freely.

        Raises `UsageError` for an instrument that is not traded.
        """
        if instrument in self._feeds:
            return
        listed, start = self._gateway.listed(instrument)
        feed = self._feeds[instrument] = _Source(self._gateway, listed, start)
        if self._running and self._gateway.settings.market_rate_per_s:
            self._await(feed)

    def start(self) -> None:
        """Let time pass for what is followed already."""
        self._running = True
        if self._gateway.settings.market_rate_per_s:
            for feed in self._feeds.values():
                self._await(feed)

    def new_day(self) -> None:
        """Show a market again: the end of the session took the house's prices away."""
        for feed in self._feeds.values():
            feed.requote()

    # -- time

    def _await(self, feed: _Source) -> None:
        """Show the events of one feed more."""
        heapq.heappush(self._waiting, (feed.due_ns, len(self._waiting), feed))
        if self._waiting[0][2] is feed:
            self._wait()

    def _wait(self) -> None:
        """Come back at the first point of the grid at which an event is due, and not at this one."""
        now_ns = clock.monotonic_ns()
        due_ns = max(self._waiting[0][0], now_ns + 1)
        if self._timer is not None:
            self._timer.cancel()
        delay_ns = -(-due_ns // _GRID_NS) * _GRID_NS - now_ns
        self._timer = self._gateway.later(delay_ns / NS_PER_S, self.turn)

    def turn(self) -> None:
        """Show what is due; the clients hear every event, in one write."""
        try:
            feed = self._gateway.market_data.feed
            with feed.at_once(), self._gateway.venue.together():
                self._show_due(feed, clock.monotonic_ns())
        finally:
            self._wait()

    def _show_due(self, heard: Feed, now_ns: int) -> None:
        waiting, stamp_ns = self._waiting, self._gateway.now_ns()
        for _ in range(_MOST_PER_TURN):
            due_ns, number, feed = waiting[0]
            if due_ns > now_ns:
                return
            if not self.on or now_ns < feed.paused_until_ns:
                feed.skip()
            elif feed.unnoticed:
                feed.put_off(now_ns + _ASLEEP_NS)
            else:
                feed.show_quickly(heard, stamp_ns)
            heapq.heapreplace(waiting, (feed.due_ns, number, feed))
        for _, _, feed in waiting:
            if feed.due_ns < now_ns:
                feed.put_off(now_ns)
        self._waiting = [(feed.due_ns, number, feed) for _, number, feed in waiting]
        heapq.heapify(self._waiting)

    # -- actions

    def switch(self, on: object) -> None:
        """Let the generated market move, or stand still with the prices it shows."""
        self.on = switch(on, "on")

    def set_market(
        self,
        instrument: str,
        bid: object = None,
        bid_size: object = None,
        ask: object = None,
        ask_size: object = None,
    ) -> None:
        """Show exactly this, whatever orders it meets; a side left out is empty; the generator pauses.

        A size left out is 100. Raises `UsageError` for prices that are crossed or off the grid.
        """
        self.touch(instrument)
        quote = Quote(
            instrument,
            _price(bid, "bid"),
            _size(bid, bid_size, "bid_size"),
            _price(ask, "ask"),
            _size(ask, ask_size, "ask_size"),
            self._gateway.now_ns(),
        )
        self._feeds[instrument].paused_until_ns = clock.monotonic_ns() + PAUSE_NS
        self._gateway.venue.set_market(quote)

    def print_trade(self, instrument: str, price: object, size: object = 100) -> None:
        """Print a trade made elsewhere; stops that it reaches are triggered. Raises `UsageError`."""
        self.touch(instrument)
        self._prints += 1
        paid, done = decimal(price, "price"), decimal(size, "size")
        if done <= 0:
            raise UsageError(f"size: expected more than 0, was {done}")
        self._gateway.venue.print_trade(
            Trade(instrument, paid, done, self._gateway.now_ns(), trade_id=f"P{self._prints:09d}")
        )


def _price(value: object, name: str) -> Decimal | None:
    return None if value is None else decimal(value, name)


def _size(price: object, value: object, name: str) -> Decimal | None:
    """Return the size of a side that has a price."""
    if price is None:
        return None
    return Decimal(100) if value is None else decimal(value, name)
