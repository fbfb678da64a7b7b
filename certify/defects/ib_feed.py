"""Defects of market data over an Interactive Brokers connection, on the client's side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from certify.clock import NS_PER_S
from certify.defects.api import rewrite_events
from certify.defects.ib_wrap import Collected, drop, is_trouble, seems_connected
from certify.defects.trading_wrap import wrap
from certify.model.trading import Alert, AlertKind, ConnectionChange, Quote

planted = Collected()

THIN_NS = 2 * NS_PER_S


@planted("ib_stale_data_unsaid", "market data that has stopped is never said")
def _ib_stale_data_unsaid(platform: Any) -> None:
    def unsaid(event: Any) -> bool:
        stale = isinstance(event, Alert) and event.kind == AlertKind.STALE_DATA.value
        return stale or (isinstance(event, ConnectionChange) and event.component == "market_data")

    drop(platform, unsaid)


@planted("ib_trouble_unsaid", "nothing is ever said of a link or of data that fail")
def _ib_trouble_unsaid(platform: Any) -> None:
    drop(platform, is_trouble)
    seems_connected(platform)


@planted("ib_quotes_repeated_in_silence", "while nothing comes, the last quotes are published again as new")
def _ib_quotes_repeated_in_silence(platform: Any) -> None:
    last: dict[str, Quote] = {}
    heard: dict[str, int] = {}
    emit, now_ns = platform.kernel.emit, platform.kernel.now_ns

    def noted(event: Any) -> None:
        if isinstance(event, Quote):
            last[event.instrument], heard[event.instrument] = event, now_ns()
        emit(event)

    def advanced(advance: Any) -> Any:
        def also() -> None:
            advance()
            for name, quote in list(last.items()):
                if name in platform.market_data.wanted and now_ns() - heard[name] > NS_PER_S // 2:
                    heard[name] = now_ns()
                    emit(replace(quote, ts_event_ns=now_ns()))

        return also

    platform.kernel.emit = noted
    wrap(platform.connection, "advance", advanced)


@planted("ib_delayed_unmarked", "delayed quotes are passed on as live ones")
def _ib_delayed_unmarked(platform: Any) -> None:
    rewrite_events(platform, lambda e: (replace(e, delayed=False) if isinstance(e, Quote) else e,))


@planted("ib_once_delayed_always_delayed", "after delayed data live quotes are marked as delayed too")
def _ib_once_delayed_always_delayed(platform: Any) -> None:
    delayed: set[str] = set()

    def rewrite(event: Any) -> Iterator[Any]:
        if isinstance(event, Quote):
            if event.delayed:
                delayed.add(event.instrument)
            event = replace(event, delayed=event.instrument in delayed)
        yield event

    rewrite_events(platform, rewrite)


@planted("ib_quotes_thinned", "of quotes that come quickly the last is left out, not the first")
def _ib_quotes_thinned(platform: Any) -> None:
    said: dict[str, int] = {}

    def rewrite(event: Any) -> Iterator[Any]:
        if isinstance(event, Quote):
            now = platform.kernel.now_ns()
            if now - said.get(event.instrument, 0) < THIN_NS:
                return
            said[event.instrument] = now
        yield event

    rewrite_events(platform, rewrite)


@planted("ib_sizes_of_before", "a quote has the new prices and the sizes of the quote before")
def _ib_sizes_of_before(platform: Any) -> None:
    sizes: dict[str, tuple[Any, Any]] = {}

    def rewrite(event: Any) -> Iterator[Any]:
        if isinstance(event, Quote):
            bid_size, ask_size = sizes.get(event.instrument, (event.bid_size, event.ask_size))
            sizes[event.instrument] = (event.bid_size, event.ask_size)
            event = replace(event, bid_size=bid_size, ask_size=ask_size)
        yield event

    rewrite_events(platform, rewrite)


@planted("ib_quotes_half_moved", "a quote is published after each tick, the new bid with the old ask first")
def _ib_quotes_half_moved(platform: Any) -> None:
    asks: dict[str, Any] = {}

    def rewrite(event: Any) -> Iterator[Any]:
        if isinstance(event, Quote):
            before = asks.get(event.instrument)
            if before is not None and before != event.ask:
                yield replace(event, ask=before)
            asks[event.instrument] = event.ask
        yield event

    rewrite_events(platform, rewrite)


@planted("ib_lines_never_given_back", "unsubscribing stops the events and leaves the request at the gateway")
def _ib_lines_never_given_back(platform: Any) -> None:
    def opened(open_feed: Any) -> Any:
        def kept(listener: Any) -> Any:
            link = open_feed(listener)
            link.unsubscribe = lambda _instrument: None
            return link

        return kept

    wrap(platform.connection, "open_feed", opened)


@planted("ib_lines_forgotten_after_login", "after a new login nothing is subscribed again")
def _ib_lines_forgotten_after_login(platform: Any) -> None:
    platform.market_data.resubscribe = lambda: None


@planted("ib_lines_all_after_login", "after a new login everything is subscribed, wanted or not")
def _ib_lines_all_after_login(platform: Any) -> None:
    system = platform.market_data

    def resubscribe() -> None:
        for instrument in platform.instruments:
            system._link.subscribe(instrument, {"QUOTE", "TRADE"})

    system.resubscribe = resubscribe


@planted("ib_bid_of_the_old_connection", "after a new login the bid stays what it was on the old connection")
def _ib_bid_of_the_old_connection(platform: Any) -> None:
    bids: dict[str, Any] = {}
    logins: list[int] = []

    def opened(open_feed: Any) -> Any:
        def counted(listener: Any) -> Any:
            if listener is platform.market_data:
                logins.append(1)
            return open_feed(listener)

        return counted

    def rewrite(event: Any) -> Iterator[Any]:
        if isinstance(event, Quote) and len(logins) > 1:
            event = replace(event, bid=bids.get(event.instrument, event.bid))
        elif isinstance(event, Quote):
            bids[event.instrument] = event.bid
        yield event

    wrap(platform.connection, "open_feed", opened)
    rewrite_events(platform, rewrite)


DEFECTS = tuple(planted.defects)
