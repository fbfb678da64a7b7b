"""Text of a recording to values: prices as `Decimal`, exactly as written, times as integer nanoseconds."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from certify.clock import NS_PER_S

_PER_UNIT = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": NS_PER_S}
_ISO = re.compile(r"(.{19})(?:[.,](\d{1,9}))?\s*(Z|[+-]\d{2}:?\d{2})?$")
_ABSENT = frozenset({"", "nan", "NaN", "null", "NULL", "None", "NA"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TimeReader = Callable[[str], int]
PriceReader = Callable[[str], Decimal | None]


def time_reader(unit: str, zone: tzinfo | None) -> TimeReader:
    """Return the function that reads a time in `unit`; ISO times without offset are in `zone`, else UTC."""
    if unit == "iso":
        return lambda text: _iso(text, zone or UTC)
    factor = _PER_UNIT[unit]

    def read(text: str) -> int:
        if text.isdigit():
            return int(text) * factor
        return int(Decimal(text) * factor)

    return read


def _iso(text: str, zone: tzinfo) -> int:
    match = _ISO.match(text.strip())
    if match is None:
        raise ValueError(f"expected a time as 2026-01-31T09:30:00.123, found {text!r}")
    moment = datetime.fromisoformat(match[1] + (match[3] or "").replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * NS_PER_S + int((match[2] or "0").ljust(9, "0"))


def price_reader(scale: Decimal, *, zero_is_absent: bool) -> PriceReader:
    """Return the function that reads a price; an empty one is absent."""
    plain = scale == 1

    def read(text: str) -> Decimal | None:
        value = number(text)
        if value is None or (zero_is_absent and not value):
            return None
        return value if plain else value * scale

    return read


def number(text: str) -> Decimal | None:
    """Return a number exactly as written, None when absent; ArithmeticError when it is none."""
    if text in _ABSENT:
        return None
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError(f"expected a finite number, found {text!r}")
    return value


def sequence_number(text: str) -> int | None:
    """Return a sequence number, None when absent; ValueError when it is none."""
    return None if text in _ABSENT else int(text)
