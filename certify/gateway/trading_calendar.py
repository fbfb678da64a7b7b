"""Days and hours of trading: New York's calendar, its holidays, and the hours of each kind of contract.

Hours are those of the real exchanges (NYSE 9:30-16:00 with extended hours 4:00-20:00, CME Globex, forex);
shortened sessions before holidays are left out. The live market of the simulated exchange never closes;
these hours are what contract details say and what history is made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from certify.clock import NS_PER_S

ZONE = ZoneInfo("America/New_York")
ZONE_NAME = "US/Eastern"
"""As TWS writes it."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """When one kind of contract trades, New York time; a session from the evening on is the next day's."""

    opens: time
    closes: time
    regular_opens: time
    regular_closes: time
    holidays: bool = True
    """Whether New York's holidays are off."""
    weekend: bool = False
    """Whether it trades on Saturdays and Sundays."""

    @property
    def overnight(self) -> bool:
        """Whether the session opens on the evening before."""
        return self.opens >= self.closes


HOURS = {
    "STK": Hours(opens=time(4), closes=time(20), regular_opens=time(9, 30), regular_closes=time(16)),
    "OPT": Hours(opens=time(9, 30), closes=time(16), regular_opens=time(9, 30), regular_closes=time(16)),
    "IND": Hours(opens=time(9, 30), closes=time(16), regular_opens=time(9, 30), regular_closes=time(16)),
    "FUT": Hours(opens=time(18), closes=time(17), regular_opens=time(9, 30), regular_closes=time(16)),
    "CASH": Hours(
        opens=time(17, 15),
        closes=time(17),
        regular_opens=time(17, 15),
        regular_closes=time(17),
        holidays=False,
    ),
    "CRYPTO": Hours(
        opens=time(0),
        closes=time(0),
        regular_opens=time(0),
        regular_closes=time(0),
        holidays=False,
        weekend=True,
    ),
}
"""Hours by security type."""


def hours_of(sec_type: str) -> Hours:
    """Return the hours of a security type; a stock's for one that is not listed."""
    return HOURS.get(sec_type, HOURS["STK"])


def local(at_ns: int) -> datetime:
    """Return New York's time at `at_ns` nanoseconds UTC."""
    return datetime.fromtimestamp(at_ns // NS_PER_S, tz=UTC).astimezone(ZONE)


def epoch_s(day: date, at: time) -> int:
    """Return New York's `at` on `day` as seconds since the epoch."""
    return int(datetime.combine(day, at, tzinfo=ZONE).timestamp())


def is_open_day(hours: Hours, day: date) -> bool:
    """Whether there is a session that counts as `day`'s."""
    if hours.weekend:
        return True
    return day.weekday() < 5 and not (hours.holidays and day in holidays(day.year))


@lru_cache(maxsize=8192)
def session(hours: Hours, day: date, *, regular: bool) -> tuple[int, int] | None:
    """Return start and end of `day`'s session, seconds since the epoch; `None` when there is none."""
    if not is_open_day(hours, day):
        return None
    opens = hours.regular_opens if regular else hours.opens
    closes = hours.regular_closes if regular else hours.closes
    if opens < closes:
        return epoch_s(day, opens), epoch_s(day, closes)
    if hours.weekend:
        return epoch_s(day, opens), epoch_s(day + _DAY, closes)
    return epoch_s(day - _DAY, opens), epoch_s(day, closes)


def hours_text(hours: Hours, today: date, *, regular: bool, days: int = 6) -> str:
    """Return `tradingHours` or `liquidHours`: `20261123:0400-20261123:2000;20261126:CLOSED`."""
    parts = []
    for ahead in range(days):
        day = today + ahead * _DAY
        span = session(hours, day, regular=regular)
        if span is None:
            parts.append(f"{day:%Y%m%d}:CLOSED")
            continue
        start, end = (datetime.fromtimestamp(each, tz=ZONE) for each in span)
        parts.append(f"{start:%Y%m%d:%H%M}-{end:%Y%m%d:%H%M}")
    return ";".join(parts)


@lru_cache(maxsize=256)
def holidays(year: int) -> frozenset[date]:
    """Return the days on which NYSE does not open (its rule 7.2, as observed since 2022)."""
    fixed = [date(year, 1, 1), date(year, 6, 19), date(year, 7, 4), date(year, 12, 25)]
    days = {_observed(day) for day in fixed if not (day.month == 1 and day.weekday() == 5)}
    days |= {nth_weekday(year, 1, 0, 3), nth_weekday(year, 2, 0, 3), nth_weekday(year, 9, 0, 1)}
    days |= {nth_weekday(year, 11, 3, 4), _last_monday_of_may(year), _easter(year) - 2 * _DAY}
    return frozenset(days)


def nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    """Return the `nth` (from 1) `weekday` (0 is Monday) of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def _last_monday_of_may(year: int) -> date:
    last = date(year, 5, 31)
    return last - timedelta(days=last.weekday())


def _observed(day: date) -> date:
    """Return Friday for a Saturday and Monday for a Sunday."""
    return day + {5: -_DAY, 6: _DAY}.get(day.weekday(), timedelta())


def _easter(year: int) -> date:
    """Return Easter Sunday (the anonymous Gregorian computus)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    correction = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * correction) // 451
    month, day = divmod(h + correction - 7 * m + 114, 31)
    return date(year, month, day + 1)
