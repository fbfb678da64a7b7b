"""What comes in with an action as text, and what goes out as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any

from certify.errors import UsageError

_TRUE, _FALSE = ("on", "true", "yes", "1"), ("off", "false", "no", "0")


def decimal(value: object, name: str) -> Decimal:
    """Read a finite decimal from a number or a text; raises `UsageError`."""
    try:
        read = Decimal(str(value))
    except InvalidOperation:
        read = Decimal("NaN")
    if not read.is_finite():
        raise UsageError(f"{name}: expected a number, was {value!r}")
    return read


def switch(value: object, name: str) -> bool:
    """Read `true`, `false` or a word such as `on`; raises `UsageError`."""
    word = str(value).lower()
    if word not in _TRUE + _FALSE:
        raise UsageError(f"{name}: expected on or off, was {value!r}")
    return word in _TRUE


def whole(value: object, name: str) -> int:
    """Read a whole number; raises `UsageError`."""
    read = decimal(value, name)
    if read != int(read):
        raise UsageError(f"{name}: expected a whole number, was {value!r}")
    return int(read)


def seconds(value: object, name: str, most: float = 86_400.0) -> float:
    """Read a time of 0 to `most` seconds; raises `UsageError`."""
    read = float(decimal(value, name))
    if not 0 <= read <= most:
        raise UsageError(f"{name}: expected 0 to {most:g} seconds, was {value}")
    return read


def plain(value: Any) -> Any:
    """Return `value` as what JSON can hold: decimals as text, dataclasses and mappings as objects."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key if isinstance(key, int) else str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    return str(value)
