"""Defects of market data: what comes out of the feed, when, and for whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from certify import clock
from certify.defects.api import Defect, defect, every, rewrite_events
from certify.model.trading import BookUpdate, ConnectionChange, Quote, Trade

PERIOD = 7
"""Every so many events go wrong."""
DARK_AFTER = 20
ZERO = Decimal(0)


def quotes(change: Callable[[Quote], Quote | None], *, period: int = PERIOD) -> Callable[[Any], None]:
    """Return a defect that changes (or drops) each `period`-th quote."""

    def plant(platform: Any) -> None:
        due = every(period)

        def rewrite(event: Any) -> Iterator[Any]:
            if isinstance(event, Quote) and event.bid and event.ask and due():
                event = change(event)
            if event is not None:
                yield event

        rewrite_events(platform, rewrite)

    return plant


def trades(change: Callable[[Trade], Trade]) -> Callable[[Any], None]:
    """Return a defect that changes each fifth trade."""

    def plant(platform: Any) -> None:
        due = every(5)

        def rewrite(event: Any) -> Iterator[Any]:
            yield change(event) if isinstance(event, Trade) and due() else event

        rewrite_events(platform, rewrite)

    return plant


def _spread(quote: Quote, bid: Decimal | None, ask: Decimal | None) -> Quote:
    return replace(quote, bid=bid, ask=ask)


def _twice(platform: Any, kind: type) -> None:
    due = every(PERIOD)

    def rewrite(event: Any) -> Iterator[Any]:
        yield event
        if isinstance(event, kind) and due():
            yield event

    rewrite_events(platform, rewrite)


@defect("feed_silent", "The feed accepts subscriptions and never sends a quote.")
def feed_silent(platform: Any) -> None:
    """Drop every quote and trade."""
    rewrite_events(platform, lambda e: () if isinstance(e, (Quote, Trade)) else (e,))


@defect("one_instrument_dark", "One subscribed instrument never ticks.")
def one_instrument_dark(platform: Any) -> None:
    """Drop everything of the last instrument."""
    dark = list(platform.instruments)[-1]
    rewrite_events(platform, lambda e: () if getattr(e, "instrument", "") == dark else (e,))


@defect("feed_dies_after_a_while", "The feed's thread dies after some events; nothing says so.")
def feed_dies_after_a_while(platform: Any) -> None:
    """Drop all market data after the first few."""
    left = iter(range(DARK_AFTER))
    data = (Quote, Trade)
    rewrite_events(platform, lambda e: () if isinstance(e, data) and next(left, None) is None else (e,))


@defect("feed_swaps_quotes", "Two neighbouring quotes change places.")
def feed_swaps_quotes(platform: Any) -> None:
    """Hold one quote back and send it after the next of its instrument."""
    due, held = every(PERIOD), dict[str, Quote]()

    def rewrite(event: Any) -> Iterator[Any]:
        if not isinstance(event, Quote):
            yield event
        elif event.instrument not in held and due():
            held[event.instrument] = event
        else:
            yield event
            late = held.pop(event.instrument, None)
            if late is not None:
                yield late

    rewrite_events(platform, rewrite)


@defect("feed_restarts_sequence", "The numbering starts over without a word.")
def feed_restarts_sequence(platform: Any) -> None:
    """Number anew after some quotes."""
    counts: dict[tuple[str, type], int] = {}

    def rewrite(event: Any) -> Iterator[Any]:
        if isinstance(event, (Quote, Trade)) and event.seq is not None:
            key = (event.instrument, type(event))
            counts[key] = counts.get(key, 0) + 1
            if counts[key] <= PERIOD:
                event = replace(event, seq=event.seq + 50_000)
        yield event

    rewrite_events(platform, rewrite)


@defect("feed_freezes_instrument", "An instrument stops ticking while others go on.")
def feed_freezes_instrument(platform: Any) -> None:
    """Let the last instrument tick a little, then never again."""
    frozen, left = list(platform.instruments)[-1], iter(range(3))

    def rewrite(event: Any) -> Iterator[Any]:
        if getattr(event, "instrument", "") != frozen or next(left, None) is not None:
            yield event

    rewrite_events(platform, rewrite)


@defect("feed_duplicates_quotes", "Some quotes arrive twice.")
def feed_duplicates_quotes(platform: Any) -> None:
    """Say a quote again now and then."""
    _twice(platform, Quote)


@defect("feed_duplicates_trades", "Some prints arrive twice, with the same trade id.")
def feed_duplicates_trades(platform: Any) -> None:
    """Say a print again now and then."""
    _twice(platform, Trade)


@defect("unsubscribe_ignored", "Unsubscribing does nothing.")
def unsubscribe_ignored(platform: Any) -> None:
    """Forget to unsubscribe."""
    platform.market_data.unsubscribe = lambda _instrument: None


@defect("resubscribe_ignored", "Who unsubscribed once can never subscribe again.")
def resubscribe_ignored(platform: Any) -> None:
    """Remember the leavers for ever."""
    left: set[str] = set()
    subscribe, unsubscribe = platform.market_data.subscribe, platform.market_data.unsubscribe

    def leave(instrument: str) -> None:
        left.add(instrument)
        unsubscribe(instrument)

    platform.market_data.unsubscribe = leave
    platform.market_data.subscribe = lambda name, kinds: None if name in left else subscribe(name, kinds)


@defect("feed_sends_everything", "A subscription to one instrument brings the quotes of all, wanted or not.")
def feed_sends_everything(platform: Any) -> None:
    """Name every third quote after another instrument."""
    names = list(platform.instruments)

    def rewrite(event: Any) -> Iterator[Any]:
        yield event
        if isinstance(event, Quote) and len(names) > 1:
            other = names[(names.index(event.instrument) + 1) % len(names)]
            if other not in platform.market_data.wanted:
                yield replace(event, instrument=other)

    rewrite_events(platform, rewrite)


@defect("unknown_instrument_invented", "A made-up quote answers a subscription to an unknown instrument.")
def unknown_instrument_invented(platform: Any) -> None:
    """Quote whatever is asked for."""
    subscribe = platform.market_data.subscribe

    def invent(name: str, kinds: set[str]) -> None:
        if name in platform.instruments:
            subscribe(name, kinds)
        else:
            platform.kernel.emit(Quote(name, Decimal(1), Decimal(1), Decimal(2), Decimal(1), clock.now_ns()))

    platform.market_data.subscribe = invent


@defect("unknown_instrument_kills_feed", "A subscription to an unknown instrument silences all others.")
def unknown_instrument_kills_feed(platform: Any) -> None:
    """Drop every subscription at the first unknown name."""
    subscribe = platform.market_data.subscribe

    def fragile(name: str, kinds: set[str]) -> None:
        if name in platform.instruments:
            subscribe(name, kinds)
        else:
            platform.market_data.wanted.clear()

    platform.market_data.subscribe = fragile


@defect("quote_sizes_stale", "Sizes of a quote are those of the quote before.")
def quote_sizes_stale(platform: Any) -> None:
    """Publish the last sizes with the new prices."""
    last: dict[str, Quote] = {}

    def rewrite(event: Any) -> Iterator[Any]:
        if isinstance(event, Quote):
            before = last.get(event.instrument, event)
            last[event.instrument] = event
            event = replace(event, bid_size=before.bid_size, ask_size=before.ask_size)
        yield event

    rewrite_events(platform, rewrite)


def books(change: Callable[[BookUpdate], BookUpdate | None]) -> Callable[[Any], None]:
    """Return a defect that changes (or drops) every book."""

    def plant(platform: Any) -> None:
        def rewrite(event: Any) -> Iterator[Any]:
            changed = change(event) if isinstance(event, BookUpdate) else event
            if changed is not None:
                yield changed

        rewrite_events(platform, rewrite)

    return plant


def _with_empty_level(book: BookUpdate) -> BookUpdate:
    price = (book.bids[-1][0] if book.bids else Decimal(1)) / 2
    return replace(book, bids=(*book.bids, (price, ZERO)))


def _unsorted(book: BookUpdate) -> BookUpdate:
    low = (book.bids[0][0] / 2, Decimal(1)) if book.bids else (Decimal(1), Decimal(1))
    return replace(book, bids=(low, *book.bids))


@defect("feed_link_loss_silent", "A broken feed is never said.")
def feed_link_loss_silent(platform: Any) -> None:
    """Drop the word on the feed's link."""

    def said(event: Any) -> bool:
        return isinstance(event, ConnectionChange) and event.component == "market_data"

    rewrite_events(platform, lambda e: () if said(e) else (e,))


@defect("reconnect_forgets_subscriptions", "After a broken link nothing is subscribed again.")
def reconnect_forgets_subscriptions(platform: Any) -> None:
    """Do not ask again."""
    platform.market_data.resubscribe = lambda: None


@defect("reconnect_revives_unsubscribed", "After a broken link what was unsubscribed comes back too.")
def reconnect_revives_unsubscribed(platform: Any) -> None:
    """Ask for everything that was ever wanted."""
    ever: dict[str, set[str]] = {}
    feed = platform.market_data
    subscribe, resubscribe = feed.subscribe, feed.resubscribe

    def remember(name: str, kinds: set[str]) -> None:
        ever.setdefault(name, set()).update(kinds)
        subscribe(name, kinds)

    def revive() -> None:
        feed.wanted.update({name: set(kinds) for name, kinds in ever.items()})
        resubscribe()

    feed.subscribe, feed.resubscribe = remember, revive


@defect("reconnect_never", "A broken feed never comes back.")
def reconnect_never(platform: Any) -> None:
    """Ignore the reconnect."""
    platform.market_data.reconnect = lambda: None


def _wider(quote: Quote) -> Quote:
    return _spread(quote, (quote.bid or ZERO) / 3, (quote.ask or ZERO) * 3)


def _off_tick(quote: Quote) -> Quote:
    return replace(quote, bid=(quote.bid or ZERO) - Decimal("0.0033"))


def _swapped_clocks(quote: Quote) -> Quote:
    late = quote.ts_event_ns + 5 * 60 * clock.NS_PER_S
    return replace(quote, ts_event_ns=late, ts_recv_ns=quote.ts_event_ns)


def _delayed(quote: Quote) -> Quote:
    return replace(quote, ts_event_ns=quote.ts_event_ns - 900 * clock.NS_PER_S)


def _busted(trade: Trade) -> Trade:
    return replace(trade, correction="8")


DEFECTS: tuple[Defect, ...] = (
    feed_silent,
    one_instrument_dark,
    feed_dies_after_a_while,
    feed_swaps_quotes,
    feed_restarts_sequence,
    feed_freezes_instrument,
    feed_duplicates_quotes,
    feed_duplicates_trades,
    unsubscribe_ignored,
    resubscribe_ignored,
    feed_sends_everything,
    unknown_instrument_invented,
    unknown_instrument_kills_feed,
    quote_sizes_stale,
    feed_link_loss_silent,
    reconnect_forgets_subscriptions,
    reconnect_revives_unsubscribed,
    reconnect_never,
    Defect("feed_drops_quotes", "Some quotes get lost.", quotes(lambda _: None)),
    Defect("feed_crosses_quotes", "Some quotes are crossed.", quotes(lambda q: _spread(q, q.ask, q.bid))),
    Defect("feed_locks_quotes", "Some quotes are locked.", quotes(lambda q: _spread(q, q.bid, q.bid))),
    Defect("feed_zero_prices", "A missing price arrives as 0.", quotes(lambda q: _spread(q, ZERO, q.ask))),
    Defect(
        "feed_negative_prices", "A price of −1 means none.", quotes(lambda q: _spread(q, Decimal(-1), q.ask))
    ),
    Defect("feed_zero_sizes", "A size arrives as 0.", quotes(lambda q: replace(q, bid_size=ZERO))),
    Defect("feed_stub_quotes", "Placeholder quotes look like real ones.", quotes(_wider)),
    Defect("feed_off_tick_quotes", "Prices are computed, off the tick.", quotes(_off_tick)),
    Defect(
        "feed_wrong_clock",
        "Event times are in microseconds.",
        quotes(lambda q: replace(q, ts_event_ns=q.ts_event_ns // 1000), period=1),
    ),
    Defect("feed_swaps_clocks", "Event and receive time are swapped.", quotes(_swapped_clocks, period=1)),
    Defect("feed_delays_quotes", "A delayed feed poses as real time.", quotes(_delayed, period=1)),
    Defect("feed_busts_trades", "Cancelled trades arrive as good ones.", trades(_busted)),
    Defect(
        "feed_misprices_trades",
        "Prints of another instrument's price slip in.",
        trades(lambda t: replace(t, price=t.price * 2)),
    ),
    Defect(
        "quote_sides_swapped",
        "Bid size and ask size are swapped.",
        quotes(lambda q: replace(q, bid_size=q.ask_size, ask_size=q.bid_size), period=1),
    ),
    Defect(
        "quote_rounds_price",
        "Prices are rounded to ten ticks.",
        quotes(lambda q: _spread(q, round(q.bid or ZERO, 1), q.ask), period=1),
    ),
    Defect(
        "quote_restamped",
        "The event time is overwritten on arrival.",
        quotes(lambda q: replace(q, ts_event_ns=clock.now_ns() + 1), period=1),
        "venue",
    ),
    Defect("book_unsorted", "A far level lies before the best.", books(_unsorted)),
    Defect("book_keeps_empty_levels", "Levels that are gone stay with size 0.", books(_with_empty_level)),
    Defect("book_silent", "Books are never sent.", books(lambda _: None)),
)
