"""How fast clients send: IB's 50 messages a second, judged with slack, and what each client asked for."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from certify.clock import NS_PER_S
from certify.gateway.settings import PacingSettings

_MAX_CLIENT_IDS = 1024
"""So many client ids are remembered; a client that never uses one twice cannot fill the memory."""


class Pace(Enum):
    """What a message does to its client's rate."""

    FINE = "fine"
    WARN = "warn"
    """The rate comes near the limit: a notice with code 0."""
    VIOLATION = "violation"
    """The first message of a window above the limit: error 100."""
    ABOVE = "above"
    """A further message above the limit, in the window of a violation that was told."""
    DROP = "drop"
    """Above the limit once too often: error 100, and the connection ends."""


@dataclass(slots=True)
class Tally:
    """What one client id has sent since the start."""

    requests: dict[str, int] = field(default_factory=dict)
    violations: int = 0
    """Windows above the limit."""
    above: int = 0
    """Messages above the limit."""
    warnings: int = 0
    most_in_window: int = 0


class PaceMeter:
    """One connection's messages in the last window (a sliding one).

    A gateway that was held up sees messages later than they came, and closer together. So each is taken to
    have come as early as it may have: only what certainly was too fast is a violation.
    """

    __slots__ = (
        "_settings",
        "_tally",
        "_told_ns",
        "_warn_at",
        "_warned_ns",
        "_window_ns",
        "sent_ns",
        "violations",
    )

    def __init__(self, settings: PacingSettings, tally: Tally) -> None:
        """Count into `tally`."""
        self._settings = settings
        self._window_ns = int(settings.window_s * NS_PER_S)
        self._warn_at = round(settings.limit * settings.warn_share)
        self._tally = tally
        self._told_ns = self._warned_ns = -self._window_ns - 1
        self.violations = 0
        """Windows above the limit of this connection."""
        self.sent_ns: deque[int] = deque(maxlen=20 * max(1, settings.limit))
        """When the messages in the window came at the earliest, monotonic; the count stops at the maximum."""

    def count(self, now_ns: int, lag_ns: int = 0) -> Pace:
        """Judge the rate with a message that is seen at `now_ns` and may have come `lag_ns` earlier."""
        limit = self._settings.limit
        if not limit:
            return Pace.FINE
        self._forget(now_ns)
        sent = self.sent_ns
        sent.append(now_ns - lag_ns)
        self._tally.most_in_window = max(self._tally.most_in_window, len(sent))
        if len(sent) > limit:
            return self._exceeded(now_ns)
        if len(sent) == self._warn_at and now_ns - self._warned_ns > self._window_ns:
            self._warned_ns = now_ns
            self._tally.warnings += 1
            return Pace.WARN
        return Pace.FINE

    def room_in_s(self, now_ns: int) -> float:
        """Return how long to wait until one more message keeps the limit."""
        limit = self._settings.limit
        if not limit:
            return 0.0
        self._forget(now_ns)
        if len(self.sent_ns) < limit:
            return 0.0
        return max(0, self.sent_ns[-limit] + self._window_ns - now_ns + 1) / NS_PER_S

    def _forget(self, now_ns: int) -> None:
        sent = self.sent_ns
        while sent and now_ns - sent[0] > self._window_ns:
            sent.popleft()

    def _exceeded(self, now_ns: int) -> Pace:
        self._tally.above += 1
        if now_ns - self._told_ns <= self._window_ns:
            return Pace.ABOVE
        self._told_ns = now_ns
        self.violations += 1
        self._tally.violations += 1
        return Pace.DROP if self.violations >= self._settings.violations else Pace.VIOLATION


class Traffic:
    """What every client id has sent, over all its connections."""

    def __init__(self, settings: PacingSettings) -> None:
        """Judge by `settings`."""
        self._settings = settings
        self._tallies: dict[int, Tally] = {}

    def tally(self, client_id: int) -> Tally:
        """Return the counters of a client id; the oldest are forgotten when there are too many."""
        tally = self._tallies.get(client_id)
        if tally is None:
            while len(self._tallies) >= _MAX_CLIENT_IDS:
                del self._tallies[next(iter(self._tallies))]
            tally = self._tallies[client_id] = Tally()
        return tally

    def meter(self, client_id: int) -> PaceMeter:
        """Return the meter for a new connection."""
        return PaceMeter(self._settings, self.tally(client_id))

    def requests(self, client_id: int | None = None) -> dict[int, dict[str, int]]:
        """Return how often each client id made each request, by the request's name."""
        return {key: dict(tally.requests) for key, tally in self._chosen(client_id)}

    def pacing(self, client_id: int | None = None) -> dict[int, dict[str, int]]:
        """Return how fast each client id sent."""
        return {
            key: {
                "violations": tally.violations,
                "messages_above": tally.above,
                "warnings": tally.warnings,
                "most_in_window": tally.most_in_window,
            }
            for key, tally in self._chosen(client_id)
        }

    def _chosen(self, client_id: int | None) -> list[tuple[int, Tally]]:
        return [(key, tally) for key, tally in self._tallies.items() if client_id in (None, key)]
