"""The short way over the pipe for what a busy system says thousands of times a second.

An event whose every field has exactly the type of the vocabulary travels as a row of its fields; one
that departs from it in anything goes the long way (`certify.adapter.outbox`), where the departure is named.

Runs in the system's own interpreter too: standard library only, Python 3.8 or newer.
"""

from __future__ import annotations

import json
import typing
from decimal import Decimal
from enum import Enum
from operator import attrgetter
from typing import Any, Callable, Dict, FrozenSet, List, Optional, Tuple

from certify.model.codec import fields_of
from certify.model.trading import OrderUpdate, Quote, Trade

Row = Tuple[str, int, Tuple[Any, ...]]
Converter = Optional[Callable[[Any], Any]]


def _only_decimals(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"cannot be put on the wire: {type(value).__name__}")


encode_json = json.JSONEncoder(separators=(",", ":"), check_circular=False, default=_only_decimals).encode


class RowCodec:
    """One flat dataclass as a row of its fields, and back."""

    def __init__(self, cls: type) -> None:
        """Learn the fields and their exact types."""
        self._cls = cls
        self._names = fields_of(cls)
        self._get = attrgetter(*self._names)
        hints = typing.get_type_hints(cls)
        kinds = [_alternatives(hints[name]) for name in self._names]
        self._allowed: Tuple[FrozenSet[type], ...] = tuple(frozenset(kind) for kind in kinds)
        self._converters: Tuple[Converter, ...] = tuple(_converter(kind) for kind in kinds)

    def pack(self, event: Any) -> Optional[Tuple[Any, ...]]:
        """Return the fields, or None when one is not exactly of its type."""
        values: Tuple[Any, ...] = self._get(event)
        for value, allowed in zip(values, self._allowed):
            if value.__class__ not in allowed:
                return None
        return values

    def unpack(self, row: List[Any]) -> Any:
        """Return the event that `pack` was given; raises ValueError when the row is no such event."""
        if len(row) != len(self._names):
            raise ValueError(f"expected {len(self._names)} fields of a {self._cls.__name__}, was {len(row)}")
        event: Any = object.__new__(self._cls)
        try:
            values = [
                value if convert is None or value is None else convert(value)
                for value, convert in zip(row, self._converters)
            ]
        except (KeyError, TypeError, ArithmeticError) as error:
            raise ValueError(f"expected a {self._cls.__name__}: {error!r}") from error
        event.__dict__.update(zip(self._names, values))  # what its frozen __init__ does, field by field
        return event


def _alternatives(hint: Any) -> Tuple[type, ...]:
    return tuple(typing.get_args(hint)) or (hint,)


def _converter(kinds: Tuple[type, ...]) -> Converter:
    for kind in kinds:
        if kind is Decimal:
            return Decimal
        if issubclass(kind, Enum):
            return {member.value: member for member in kind}.__getitem__
    return None


CODECS: Dict[type, RowCodec] = {cls: RowCodec(cls) for cls in (OrderUpdate, Quote, Trade)}
BY_NAME: Dict[str, RowCodec] = {cls.__name__: codec for cls, codec in CODECS.items()}


def to_row(stamp_ns: int, event: Any) -> Optional[Row]:
    """Return (name, stamp, fields) of an event, or None when it must go the long way."""
    codec = CODECS.get(event.__class__)
    values = codec.pack(event) if codec is not None else None
    return None if values is None else (event.__class__.__name__, stamp_ns, values)


def rows_body(rows: List[Row]) -> bytes:
    """Return the body of one JSON frame for many rows."""
    return encode_json({"rows": rows}).encode()


def from_row(name: str, fields: List[Any]) -> Any:
    """Return the event of a row; raises ValueError when it is none."""
    codec = BY_NAME.get(name)
    if codec is None:
        raise ValueError(f"unknown event {name!r}")
    return codec.unpack(fields)
