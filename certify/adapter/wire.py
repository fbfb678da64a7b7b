"""The pipe between the tool and the system's process: frames, and values on them.

A frame is a 4-byte big-endian length, one byte of kind (`J` JSON, `B` binary) and the body.
A value is JSON with three tags: `@type` for dataclasses of the vocabulary, `Decimal` and `set`.

Runs in the system's own interpreter too: standard library only, Python 3.8 or newer.
"""

from __future__ import annotations

import json
import os
import struct
from dataclasses import is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, BinaryIO, Dict, Iterator, List, Tuple

from certify.model import codec, trading

MAX_FRAME_BYTES = 64 * 1024 * 1024
HEADER = struct.Struct(">IB")
JSON, BINARY = ord("J"), ord("B")
KNOWN: Dict[str, type] = {
    name: item for name, item in vars(trading).items() if isinstance(item, type) and is_dataclass(item)
}


class WireError(Exception):
    """The other side sent something that is no frame, or the pipe is closed."""


def to_wire(value: Any) -> Any:
    """Return a value of the vocabulary as JSON-ready data; raises TypeError for anything else."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, Decimal):
        return {codec.TAG: "Decimal", "v": str(value)}
    if isinstance(value, dict):
        return {str(key): to_wire(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_wire(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return {codec.TAG: "set", "v": sorted(to_wire(item) for item in value)}
    if type(value).__name__ in KNOWN:
        return codec.encode(value)
    raise TypeError(f"cannot be put on the wire: {type(value).__name__}")


def from_wire(data: Any) -> Any:
    """Return the value that `to_wire` made `data` from; raises ValueError where it does not fit."""
    if isinstance(data, list):
        return [from_wire(item) for item in data]
    if not isinstance(data, dict):
        return data
    tag = data.get(codec.TAG)
    if tag is None:
        return {key: from_wire(item) for key, item in data.items()}
    if tag == "Decimal":
        return Decimal(data["v"])
    if tag == "set":
        return {from_wire(item) for item in data["v"]}
    return codec.decode_tagged(KNOWN, data)


def json_frame(message: Dict[str, Any]) -> bytes:
    """Return one message as a frame."""
    return frame(json.dumps(message, separators=(",", ":")).encode())


def frame(body: bytes) -> bytes:
    """Return JSON bytes as a frame; raises ValueError for more than a frame may hold."""
    if len(body) > MAX_FRAME_BYTES:
        raise ValueError(f"expected at most {MAX_FRAME_BYTES} bytes, was {len(body)}")
    return HEADER.pack(len(body), JSON) + body


def binary_frame(body: bytes) -> bytes:
    """Return raw bytes as a frame."""
    return HEADER.pack(len(body), BINARY) + body


def read_frames(pipe: BinaryIO) -> Iterator[Tuple[int, bytes]]:
    """Yield `(kind, body)` until the other side closes; a torn frame raises `WireError`."""
    while True:
        header = pipe.read(HEADER.size)
        if not header:
            return
        if len(header) < HEADER.size:
            raise WireError("the pipe ended inside a frame")
        length, kind = HEADER.unpack(header)
        if length > MAX_FRAME_BYTES or kind not in (JSON, BINARY):
            raise WireError(f"expected a frame, was length {length} kind {kind}")
        body = pipe.read(length)
        if len(body) < length:
            raise WireError("the pipe ended inside a frame")
        yield kind, body


def write_all(fd: int, data: bytes) -> None:
    """Write every byte of `data` to a file descriptor; raises `WireError` when nobody reads."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(fd, view) :]
    except OSError as error:
        raise WireError(f"the pipe is closed: {error}") from error


_DECIMAL_FIELDS: Dict[type, Tuple[str, ...]] = {}
_INT_FIELDS: Dict[type, Tuple[str, ...]] = {}


def _fields_annotated(cls: type, word: str) -> Tuple[str, ...]:
    notes = cls.__annotations__
    return tuple(name for name, note in notes.items() if word in str(note) and "Tuple" not in str(note))


def contract_breaches(value: Any) -> List[str]:
    """Return how a value departs from the contract's types: float money, times that are no int.

    An `int` where a `Decimal` is asked for is exact and let pass.
    """
    if isinstance(value, (list, tuple)):
        return [text for item in value for text in contract_breaches(item)]
    cls = type(value)
    if cls.__name__ not in KNOWN:
        return []
    if cls not in _DECIMAL_FIELDS:
        _DECIMAL_FIELDS[cls] = _fields_annotated(cls, "Decimal")
        _INT_FIELDS[cls] = tuple(name for name in _fields_annotated(cls, "int") if name.endswith("_ns"))
    return _wrong(value, _DECIMAL_FIELDS[cls], (Decimal, int), "Decimal") + _wrong(
        value, _INT_FIELDS[cls], (int,), "int nanoseconds"
    )


def _wrong(value: Any, names: Tuple[str, ...], kinds: Tuple[type, ...], word: str) -> List[str]:
    found = []
    for name in names:
        item = getattr(value, name)
        if item is not None and (not isinstance(item, kinds) or isinstance(item, bool)):
            found.append(f"{type(value).__name__}.{name}: expected {word}, was {type(item).__name__}")
    return found
