"""Times as a TWS writes them: in the zone of the TWS, with its name since server version 174."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

__all__ = ["DEFAULT_ZONE", "bar_time", "clock_minute", "connection_time", "stamp"]

DEFAULT_ZONE = "US/Eastern"
"""The zone that a TWS for American accounts writes."""

NS_PER_S = 1_000_000_000


def _local(time_s: int, zone: str) -> datetime:
    return datetime.fromtimestamp(time_s, UTC).astimezone(ZoneInfo(zone))


def stamp(version: int, time_ns: int, zone: str = DEFAULT_ZONE) -> str:
    """Write an execution's or a bar's time: `20250718 10:00:00 US/Eastern`; below 174 two spaces, no zone."""
    return _stamp(time_ns // NS_PER_S, zone, version >= 174)


@lru_cache(maxsize=4096)
def _stamp(time_s: int, zone: str, zoned: bool) -> str:
    """Write a second once: the executions of one second have it in common."""
    local = _local(time_s, zone)
    return f"{local:%Y%m%d %H:%M:%S} {zone}" if zoned else f"{local:%Y%m%d  %H:%M:%S}"


def bar_time(version: int, time_ns: int, *, format_date: int, daily: bool, zone: str = DEFAULT_ZONE) -> str:
    """Write a bar's beginning: a day bar by its date; format 2 as seconds since 1970; else like `stamp`."""
    if daily:
        return f"{_local(time_ns // NS_PER_S, zone):%Y%m%d}"
    if format_date == 2:
        return str(time_ns // NS_PER_S)
    return stamp(version, time_ns, zone)


def clock_minute(time_ns: int, zone: str = DEFAULT_ZONE) -> str:
    """Write hours and minutes, as accountUpdateTime has them."""
    return f"{_local(time_ns // NS_PER_S, zone):%H:%M}"


def connection_time(time_ns: int, zone: str = DEFAULT_ZONE) -> str:
    """Write the time of the handshake's answer: date, time and the zone's short name."""
    return f"{_local(time_ns // NS_PER_S, zone):%Y%m%d %H:%M:%S %Z}"
