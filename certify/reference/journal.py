"""Append-only files that survive a kill: one JSON array a line, written with one system call.

A line that was cut off by a crash is dropped when the file is opened again.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from typing import Any, Generic, TypeVar

from certify.model.codec import fields_of
from certify.model.trading import (
    ExecType,
    Order,
    OrderType,
    OrderUpdate,
    OrdStatus,
    Quote,
    Side,
    Source,
    TimeInForce,
    Trade,
)

T = TypeVar("T")
Row = list[Any]

_encode = json.JSONEncoder(
    default=str, separators=(",", ":"), check_circular=False, ensure_ascii=False
).encode


class Packer(Generic[T]):
    """Turns one kind of flat dataclass into a row of JSON values and back, field by field."""

    def __init__(self, cls: type[T], **convert: Callable[[str], Any]) -> None:
        """Read back with `convert`, by field name; what is not named is JSON already."""
        names = fields_of(cls)
        self._cls: Callable[..., T] = cls
        self._get = attrgetter(*names)
        self._convert = tuple((name, convert.get(name)) for name in names)

    def pack(self, value: T) -> tuple[Any, ...]:
        """Return the fields; decimals become text when the row is written."""
        fields: tuple[Any, ...] = self._get(value)
        return fields

    def unpack(self, row: Row) -> T:
        """Return what `pack` was given."""
        values = {
            name: value if convert is None or value is None else convert(value)
            for (name, convert), value in zip(self._convert, row, strict=True)
        }
        return self._cls(**values)


def _decimals(*names: str) -> dict[str, Callable[[str], Any]]:
    return dict.fromkeys(names, Decimal)


ORDERS = Packer(Order, side=Side, type=OrderType, tif=TimeInForce, **_decimals("qty", "price", "stop_price"))
UPDATES = Packer(
    OrderUpdate,
    side=Side,
    type=OrderType,
    tif=TimeInForce,
    exec_type=ExecType,
    status=OrdStatus,
    source=Source,
    **_decimals("qty", "price", "stop_price", "last_qty", "last_px", "cum_qty", "leaves_qty"),
    **_decimals("avg_px", "commission"),
)
QUOTES = Packer(Quote, **_decimals("bid", "bid_size", "ask", "ask_size"))
TRADES = Packer(Trade, **_decimals("price", "size"))


class Journal:
    """One append-only file."""

    def __init__(self, path: Path) -> None:
        """Use `path`; nothing is opened yet."""
        self.path = path
        self._file: io.FileIO | None = None

    def load(self) -> list[Row]:
        """Return every whole row, oldest first, and cut off a torn last line."""
        if not self.path.exists():
            return []
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            with self.path.open("r+b") as file:
                file.truncate(whole)
        return [json.loads(line) for line in content[:whole].splitlines()]

    def append(self, *row: Any) -> None:
        """Write one row; it is with the operating system when this returns."""
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab", buffering=0)
        self._file.write(_encode(row).encode() + b"\n")

    def close(self) -> None:
        """Close the file; the next `append` opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None
