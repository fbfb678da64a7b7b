"""The one place that reads a clock: wall time, monotonic time and waiting.

Everything else asks here, so that a test can replace time and a run can be replayed.
Runs in the system's own interpreter too: standard library only, Python 3.8 or newer.
"""

from __future__ import annotations

import time
from datetime import datetime, timezone

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


def now_ns() -> int:
    """Return the wall-clock time in integer nanoseconds since the epoch, UTC."""
    return time.time_ns()


def monotonic_ns() -> int:
    """Return the monotonic clock in integer nanoseconds; shared by all processes of one machine."""
    return time.monotonic_ns()


def sleep_s(seconds: float) -> None:
    """Wait for at least `seconds`; a negative wait is no wait."""
    if seconds > 0:
        time.sleep(seconds)


def utc(ns: int) -> datetime:
    """Return the aware UTC datetime of `ns` nanoseconds since the epoch, to the microsecond."""
    return datetime.fromtimestamp(ns // NS_PER_S, tz=timezone.utc).replace(microsecond=ns % NS_PER_S // 1000)


def iso(ns: int) -> str:
    """Return `ns` since the epoch as RFC 3339 UTC with milliseconds, as `2026-01-31T09:30:00.000Z`."""
    return utc(ns).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ns % NS_PER_S // NS_PER_MS:03d}Z"
