"""Times as people and files write them, to nanoseconds since the epoch and back."""

from __future__ import annotations

from datetime import UTC, datetime

from certify import clock

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ns_of(text: str) -> int:
    """Return the nanoseconds since the epoch of an RFC 3339 time, exact to the microsecond.

    Raises:
        ValueError: it is no such time, or says no zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"expected a time with its zone, was {text!r}")
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * clock.NS_PER_S + since.microseconds * 1000


def given_ns(text: str) -> int:
    """Return the nanoseconds since the epoch of what a person gave: a day (its begin, UTC) or a time.

    Raises:
        ValueError: it is neither.
    """
    return ns_of(f"{text}T00:00:00Z" if len(text) == len("2026-01-31") else text)
