"""Parameters as written in a profile (`5s`, `2%`, `10`) as numbers in the tape's units."""

from __future__ import annotations

import re

from certify.errors import UsageError

_NS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ns|us|ms|s|m|h)")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")


def duration_ns(text: str, name: str = "duration") -> int:
    """Return `2s`, `500ms`, `5m` in nanoseconds; UsageError when it is not a duration."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{name}: expected a duration as 500ms, 2s or 5m, found {text!r}")
    return round(float(match[1]) * _NS[match[2]])


def percent(text: str, name: str = "share") -> float:
    """Return `0.5%` as 0.5; UsageError when it is not a percentage."""
    match = _SHARE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{name}: expected a percentage as 0.5%, found {text!r}")
    return float(match[1])


def count(text: str, name: str = "count") -> int | None:
    """Return `27217` as a number and the empty text as None; UsageError for anything else."""
    text = text.strip().replace("_", "")
    if not text:
        return None
    if not text.isdigit():
        raise UsageError(f"{name}: expected a whole number, found {text!r}")
    return int(text)


def one_of(text: str, allowed: tuple[str, ...], name: str) -> str:
    """Return `text` when it is one of `allowed`; UsageError naming them otherwise."""
    if text not in allowed:
        raise UsageError(f"{name}: expected {', '.join(allowed)}, found {text!r}")
    return text
