"""The trading session: is this moment inside it?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from certify.clock import NS_PER_S, utc
from certify.errors import UsageError

_TEXT = re.compile(r"(\d{2}):(\d{2})-(\d{2}):(\d{2})\s+(\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Daily trading hours in local time; `close` not after `open` means: over midnight."""

    open: time
    close: time
    zone: ZoneInfo

    def bounds_ns(self, day: date) -> tuple[int, int]:
        """Return opening and closing of the session that opens on `day`, nanoseconds UTC."""
        last = day if self.close > self.open else day + timedelta(days=1)
        return self._ns(day, self.open), self._ns(last, self.close)

    def _ns(self, day: date, at: time) -> int:
        local = datetime.combine(day, at, tzinfo=self.zone)
        return int(local.astimezone(UTC).timestamp()) * NS_PER_S


def parse_session(text: str) -> Session | None:
    """Return the session written as `09:30-16:00 America/New_York`; None for the empty text (always open).

    Raises:
        UsageError: the text has another form, no such hour, or an unknown time zone.
    """
    if not text.strip():
        return None
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"session: expected '09:30-16:00 America/New_York', found {text!r}")
    try:
        hours = time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))
        return Session(open=hours[0], close=hours[1], zone=ZoneInfo(match[5]))
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise UsageError(f"session: {text!r}: {error}") from error


class SessionClock:
    """Answers `inside` fast for times that mostly ascend: keeps the span of the last answer."""

    __slots__ = ("_from", "_inside", "_session", "_to")

    def __init__(self, session: Session | None) -> None:
        self._session = session
        self._from, self._to, self._inside = (0, 0, False) if session else (-(1 << 62), 1 << 62, True)

    def inside(self, at_ns: int) -> bool:
        """Return whether `at_ns` lies in a session."""
        if not self._from <= at_ns < self._to:
            self._look_up(at_ns)
        return self._inside

    def edge_ns(self, at_ns: int) -> int:
        """Return when the span that holds `at_ns` (session or pause) began."""
        self.inside(at_ns)
        return self._from

    def _look_up(self, at_ns: int) -> None:
        if self._session is None:
            return  # one span holds every time
        day = utc(at_ns).astimezone(self._session.zone).date()
        spans = [self._session.bounds_ns(day + timedelta(days=offset)) for offset in (-2, -1, 0, 1, 2)]
        for opened, closed in spans:
            if opened <= at_ns < closed:
                self._from, self._to, self._inside = opened, closed, True
                return
        self._from = max(closed for _, closed in spans if closed <= at_ns)
        self._to = min(opened for opened, _ in spans if opened > at_ns)
        self._inside = False
