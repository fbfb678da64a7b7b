"""Ticks of the past: one for each second in which something traded."""

from __future__ import annotations

from decimal import Decimal

from certify.clock import NS_PER_S
from certify.gateway.contracts.listing import Listing
from certify.gateway.history.path import Bar, PricePath
from certify.gateway.wire import answers
from certify.gateway.wire.answers import HistoricalTick, HistoricalTickBidAsk, HistoricalTickLast
from certify.gateway.wire.market_requests import ReqHistoricalTicks

KINDS = ("TRADES", "MIDPOINT", "BID_ASK")
MOST = 1000
"""An answer has at most so many ticks, but for those of its last second."""
_CHUNK_S = 900


def seconds(
    path: PricePath, after: tuple[int, int] | None, end_s: int, count: int, *, regular: bool
) -> list[Bar]:
    """Return `count` seconds: the last before `end_s`, or the first from `after` (start, now) on."""
    if after is not None:
        return _first(path, *after, count, regular=regular)
    found: list[Bar] = []
    for day in path.sessions_before(end_s):
        for part in reversed(path.segments(day)):
            if part.start >= end_s or (regular and not part.regular):
                continue
            found = _last_of(path, day, part, end_s, count - len(found)) + found
        if len(found) >= count:
            break
    return found[-count:]


def _last_of(path: PricePath, day: Bar, part: Bar, end_s: int, count: int) -> list[Bar]:
    """Return the last `count` seconds of a part of a day before `end_s`."""
    found: list[Bar] = []
    until = min(end_s, part.end)
    while until > part.start and len(found) < count:
        since = max(part.start, until - _CHUNK_S)
        found = list(path.cut(day, since, until, 1)) + found
        until = since
    return found


def _first(path: PricePath, start_s: int, now_s: int, count: int, *, regular: bool) -> list[Bar]:
    """Return the first `count` seconds from `start_s` on."""
    days = []
    for day in path.sessions_before(now_s):
        if day.end <= start_s:
            break
        days.append(day)
    found: list[Bar] = []
    for day in reversed(days):
        since = max(day.start, start_s)
        while since < min(day.end, now_s) and len(found) < count:
            until = min(since + _CHUNK_S, day.end, now_s)
            found += [bar for bar in path.cut(day, since, until, 1) if bar.regular or not regular]
            since = until
    return found[:count]


def frame_of(version: int, request: ReqHistoricalTicks, listing: Listing, made: list[Bar]) -> bytes:
    """Return the answer of the kind that was asked for."""
    tick, req_id = listing.instrument.tick, request.req_id
    if request.what_to_show == "MIDPOINT":
        middles = [
            HistoricalTick(time_ns=bar.start * NS_PER_S, price=(bar.close + Decimal("0.5")) * tick)
            for bar in made
        ]
        return answers.historical_ticks(version, req_id=req_id, ticks=middles, done=True)
    if request.what_to_show == "BID_ASK":
        size = Decimal(0) if request.ignore_size else 100 * listing.instrument.lot
        quotes = [
            HistoricalTickBidAsk(
                time_ns=bar.start * NS_PER_S,
                price_bid=bar.close * tick,
                price_ask=(bar.close + 1) * tick,
                size_bid=size,
                size_ask=size,
            )
            for bar in made
        ]
        return answers.historical_ticks_bid_ask(version, req_id=req_id, ticks=quotes, done=True)
    exchange = listing.primary_exchange or listing.exchange
    trades = [
        HistoricalTickLast(
            time_ns=bar.start * NS_PER_S,
            price=bar.close * tick,
            size=Decimal(max(1, bar.volume)),
            exchange=exchange,
        )
        for bar in made
    ]
    return answers.historical_ticks_last(version, req_id=req_id, ticks=trades, done=True)
