"""Bars of any size, cut from a path and put together, of trades, bid, ask, middle or volatility."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from certify.gateway.contracts.listing import Listing
from certify.gateway.contracts.options import VOLATILITY
from certify.gateway.history.path import SIZES_S, Bar, PricePath
from certify.gateway.history.wanted import DAY_S, Duration, Unacceptable, invalid
from certify.gateway.trading_calendar import ZONE
from certify.gateway.wire.answers import WireBar

MOST_BARS = 20_000
"""An answer of more bars is refused."""
_WEEK_S, _MONTH_S = 7 * DAY_S, 30 * DAY_S
_HALF = Decimal("0.5")
_NONE = Decimal(-1)
SHOWS = {
    "STK": ("TRADES", "MIDPOINT", "BID", "ASK", "BID_ASK", "ADJUSTED_LAST", "HISTORICAL_VOLATILITY",
            "OPTION_IMPLIED_VOLATILITY", "FEE_RATE", "SCHEDULE"),
    "FUT": ("TRADES", "MIDPOINT", "BID", "ASK", "BID_ASK", "SCHEDULE"),
    "OPT": ("TRADES", "MIDPOINT", "BID", "ASK", "BID_ASK"),
    "IND": ("TRADES", "HISTORICAL_VOLATILITY", "OPTION_IMPLIED_VOLATILITY", "SCHEDULE"),
    "CASH": ("MIDPOINT", "BID", "ASK", "BID_ASK", "SCHEDULE"),
    "CRYPTO": ("AGGTRADES", "MIDPOINT", "BID", "ASK", "BID_ASK", "SCHEDULE"),
}  # fmt: skip
"""What history shows of each security type."""
_LEGAL = frozenset(each for shows in SHOWS.values() for each in shows) | {"YIELD_BID", "YIELD_ASK"}


class Span(NamedTuple):
    """A stretch of history, seconds since the epoch; `days` limits it to so many sessions.

    `trading_s` says how much of it is trading, where that is known; else it is worked out roughly.
    """

    start: int
    end: int
    days: int = 0
    trading_s: int = 0


def check_shown(listing: Listing, what: str) -> None:
    """Check that there is such history of a contract; raises `Unacceptable`."""
    if what not in _LEGAL:
        raise invalid(f"Invalid what-to-show {what}")
    if listing.sec_type == "CRYPTO" and what == "TRADES":
        raise Unacceptable(10299, "Expected what to show is AGGTRADES, please use that instead of TRADES.")
    if what not in SHOWS.get(listing.sec_type, SHOWS["STK"]):
        name = f"{listing.symbol}/{listing.sec_type}@{listing.exchange}"
        text = f"No historical market data for {name} {what}"
        raise Unacceptable(162, f"Historical Market Data Service error message:{text}")


def span_of(path: PricePath, end_s: int, length: Duration, *, regular: bool) -> Span:
    """Return what a duration means at `end_s`: days are sessions, seconds count while trading goes on."""
    if length.unit == "D":
        return Span(0, end_s, length.count)
    if length.unit != "S":
        return Span(end_s - length.seconds, end_s)
    left, start = length.count, end_s
    for day in path.sessions_before(end_s):
        for part in reversed(path.segments(day)):
            if part.start >= end_s or (regular and not part.regular):
                continue
            start = max(part.start, min(part.end, end_s) - left)
            left -= min(part.end, end_s) - start
            if left <= 0:
                break
        if left <= 0:
            break
    return Span(start, end_s, trading_s=length.count)


def bars(path: PricePath, span: Span, size_s: int, *, regular: bool) -> list[Bar]:
    """Return the bars of a span, oldest first; raises `Unacceptable` when they are too many."""
    _refuse_too_many(path, span, size_s, regular=regular)
    if size_s <= 3600:
        span = span._replace(start=span.start // size_s * size_s)
    chunks: list[list[Bar]] = []
    for day in path.sessions_before(span.end):
        if day.end <= span.start or (span.days and len(chunks) >= span.days):
            break
        part = _bars_of_day(path, day, span, size_s, regular=regular)
        if part:
            chunks.append(part)
    flat = [bar for chunk in reversed(chunks) for bar in chunk]
    return _by_calendar(flat, size_s) if size_s > DAY_S else flat


def _refuse_too_many(path: PricePath, span: Span, size_s: int, *, regular: bool) -> None:
    """Refuse what would take long, before any work is done."""
    one = next(path.sessions_before(span.end))
    length = sum(part.end - part.start for part in path.segments(one) if part.regular or not regular)
    whole_s = span.trading_s or span.days * DAY_S or span.end - span.start
    sessions = span.days or whole_s / DAY_S * 5 / 7 + 1
    count = sessions if size_s >= DAY_S else min(sessions * length, whole_s) / size_s
    if count > MOST_BARS:
        raise Unacceptable(162, "Historical Market Data Service error message:Time length exceed max.")


def _bars_of_day(path: PricePath, day: Bar, span: Span, size_s: int, *, regular: bool) -> list[Bar]:
    unit = DAY_S if size_s >= DAY_S else next(each for each in SIZES_S if not size_s % each)
    start = span.start if size_s < DAY_S else 0
    parts = [bar for bar in path.cut(day, start, span.end, unit) if bar.regular or not regular]
    if not parts:
        return []
    if size_s >= DAY_S:
        return [joined(parts)]
    if size_s == unit and parts[-1].end - parts[-1].start == unit:
        return parts
    return [joined(group) for group in _groups(parts, day.start, size_s)]


def _groups(parts: list[Bar], day_start: int, size_s: int) -> Iterator[list[Bar]]:
    """Put parts together that lie in one step of the clock, or beyond an hour of the session."""
    base = 0 if size_s <= 3600 else day_start
    group: list[Bar] = []
    for bar in parts:
        same = group and (bar.start - base) // size_s == (group[-1].start - base) // size_s
        if group and not same:
            yield group
            group = []
        group.append(bar)
    if group:
        yield group


def _by_calendar(days: list[Bar], size_s: int) -> list[Bar]:
    """Put days together to weeks or months."""
    groups: dict[object, list[Bar]] = {}
    for bar in days:
        day = datetime.fromtimestamp(bar.end, tz=ZONE).date()
        key = day.isocalendar()[:2] if size_s == _WEEK_S else (day.year, day.month)
        groups.setdefault(key, []).append(bar)
    return [joined(group) for group in groups.values()]


def joined(group: list[Bar]) -> Bar:
    """Return the bar that its parts make."""
    if len(group) == 1:
        return group[0]
    return Bar(
        group[0].start,
        group[-1].end,
        group[0].open,
        max(bar.high for bar in group),
        min(bar.low for bar in group),
        group[-1].close,
        sum(bar.volume for bar in group),
        group[0].regular,
    )


def wire_bars(listing: Listing, what: str, made: Iterable[tuple[str, Bar]]) -> Iterator[WireBar]:
    """Yield bars, with the texts of their beginnings, as they are written."""
    tick = listing.instrument.tick
    if what in ("HISTORICAL_VOLATILITY", "OPTION_IMPLIED_VOLATILITY", "FEE_RATE"):
        yield from (_volatility(date, bar) for date, bar in made)
    elif what in ("TRADES", "AGGTRADES", "ADJUSTED_LAST"):
        yield from (_trades(date, bar, tick) for date, bar in made)
    else:
        yield from (_quotes(date, bar, tick, what) for date, bar in made)


def _trades(date: str, bar: Bar, tick: Decimal) -> WireBar:
    average = Decimal((bar.high + bar.low + 2 * bar.close) // 4) * tick
    return WireBar(
        date=date,
        open=bar.open * tick,
        high=bar.high * tick,
        low=bar.low * tick,
        close=bar.close * tick,
        volume=Decimal(bar.volume),
        wap=average,
        bar_count=(bar.volume + 99) // 100,
    )


def _quotes(date: str, bar: Bar, tick: Decimal, what: str) -> WireBar:
    """Show the bid at the path, the ask a tick above; BID_ASK as average and extremes of both."""
    up = {"ASK": Decimal(1), "MIDPOINT": _HALF}.get(what, Decimal(0))
    opens, high, low, close = ((up + each) * tick for each in (bar.open, bar.high, bar.low, bar.close))
    if what == "BID_ASK":
        average = (bar.open + bar.close) // 2
        opens, high, close = average * tick, (bar.high + 1) * tick, (average + 1) * tick
    return WireBar(
        date=date, open=opens, high=high, low=low, close=close, volume=_NONE, wap=_NONE, bar_count=-1
    )


def _volatility(date: str, bar: Bar) -> WireBar:
    base = Decimal(str(VOLATILITY))
    opens, high, low, close = (
        (base * each / bar.open).quantize(Decimal("0.000001"))
        for each in (bar.open, bar.high, bar.low, bar.close)
    )
    return WireBar(
        date=date, open=opens, high=high, low=low, close=close, volume=_NONE, wap=_NONE, bar_count=-1
    )
