"""Turn frozen dataclasses into JSON-ready values and back, exactly.

Decimals travel as strings, enums as their values, tuples and sets as lists. A tagged dataclass
carries its class name as `@type`, so that a union of dataclasses can be told apart; files for
people and programs are written without tags. Decoding follows the annotations of the fields.

Runs in the system's own interpreter: standard library only, Python 3.8 or newer.
"""

from __future__ import annotations

import dataclasses
import typing
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, Callable, Dict, List, Optional, Tuple, Type, TypeVar, Union

T = TypeVar("T")
Decoder = Callable[[Any], Any]

try:
    from types import UnionType as _UnionType

    _UNIONS: Tuple[Any, ...] = (Union, _UnionType)
except ImportError:  # before Python 3.10
    _UNIONS = (Union,)

Encoder = Callable[[Any, bool], Any]
_PLAIN = frozenset((str, int, float, bool, type(None)))
_ENCODERS: Dict[type, Encoder] = {}
_FIELDS: Dict[type, Tuple[str, ...]] = {}
_DECODERS: Dict[Any, Decoder] = {}

TAG = "@type"
"""The key that carries the class name."""
LATER = {"later": True}
"""Metadata of a field that earlier versions did not write: left out while it is `None`."""


def fields_of(cls: type) -> Tuple[str, ...]:
    """Return the field names of a dataclass (cached)."""
    names = _FIELDS.get(cls)
    if names is None:
        names = _FIELDS[cls] = tuple(f.name for f in dataclasses.fields(cls))
    return names


def encode(value: Any, tag: bool = True) -> Any:
    """Return `value` as JSON-ready data; with `tag`, dataclasses carry their class name."""
    kind = value.__class__
    if kind in _PLAIN:
        return value
    found = _ENCODERS.get(kind)
    if found is None:
        found = _ENCODERS[kind] = _make_encoder(kind)
    return found(value, tag)


def _make_encoder(kind: type) -> Encoder:
    """Return the function that encodes every value of one class."""
    if issubclass(kind, Enum):
        return lambda value, _: value._value_
    if issubclass(kind, Decimal):
        return lambda value, _: str(value)
    if issubclass(kind, dict):
        return lambda value, tag: {str(key): encode(item, tag) for key, item in value.items()}
    if issubclass(kind, (list, tuple)):
        return lambda value, tag: [encode(item, tag) for item in value]
    if issubclass(kind, (set, frozenset)):
        return lambda value, tag: sorted(encode(item, tag) for item in value)
    if dataclasses.is_dataclass(kind):
        return _dataclass_encoder(kind)
    raise TypeError(f"cannot be put on the wire: {kind.__name__}")


def _dataclass_encoder(cls: type) -> Encoder:
    names, name, known = fields_of(cls), cls.__name__, _ENCODERS.get
    later = {field.name for field in dataclasses.fields(cls) if field.metadata.get("later")}

    def write(value: Any, tag: bool) -> Dict[str, Any]:
        data: Dict[str, Any] = {TAG: name} if tag else {}
        for field in names:
            item = getattr(value, field)
            kind = item.__class__
            if kind not in _PLAIN:
                found = known(kind)
                item = encode(item, tag) if found is None else found(item, tag)
            data[field] = item
        return data

    def write_without(value: Any, tag: bool) -> Dict[str, Any]:
        data = write(value, tag)
        return {key: item for key, item in data.items() if item is not None or key not in later}

    return write_without if later else write


def decode(cls: Type[T], data: Any) -> T:
    """Return the `cls` that `encode` made `data` from; unknown keys are refused.

    Raises:
        ValueError: `data` is not an encoded `cls`.
    """
    try:
        return typing.cast(T, decoder(cls)(data))
    except (TypeError, KeyError, AttributeError, InvalidOperation) as error:
        raise ValueError(f"expected an encoded {getattr(cls, '__name__', cls)}: {error}") from error


def decoder(kind: Any) -> Decoder:
    """Return the function that decodes one annotation (cached)."""
    found = _DECODERS.get(kind)
    if found is None:
        found = _DECODERS[kind] = _make_decoder(kind)
    return found


def _make_decoder(kind: Any) -> Decoder:
    origin = typing.get_origin(kind)
    if origin in _UNIONS:
        return _union_decoder(typing.get_args(kind))
    if origin in (tuple, list, set, frozenset):
        return _sequence_decoder(origin, typing.get_args(kind))
    if origin is dict:
        item = decoder(typing.get_args(kind)[1])
        return lambda data: {key: item(value) for key, value in data.items()}
    if dataclasses.is_dataclass(kind):
        return _dataclass_decoder(kind)
    if kind is Any:
        return lambda data: data
    return _scalar_decoder(kind)


def _scalar_decoder(kind: Any) -> Decoder:
    if kind is Decimal:
        return _decimal
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _enum_decoder(kind)
    if kind is float:
        return lambda data: float(data) if isinstance(data, int) else _exactly(float, data)
    return lambda data: data if data.__class__ is kind else _exactly(kind, data)


def _decimal(data: Any) -> Decimal:
    if data.__class__ is str:
        return Decimal(data)
    return data if isinstance(data, Decimal) else Decimal(str(data))


def _enum_decoder(kind: Type[Enum]) -> Decoder:
    members = {member.value: member for member in kind}

    def read(data: Any) -> Any:
        found = members.get(data)
        return kind(data) if found is None else found

    return read


def _exactly(kind: type, data: Any) -> Any:
    if not isinstance(data, kind) or (kind is int and isinstance(data, bool)):
        raise TypeError(f"expected {kind.__name__}, was {type(data).__name__}")
    return data


def _union_decoder(kinds: Tuple[Any, ...]) -> Decoder:
    plain = [kind for kind in kinds if kind is not type(None)]
    dataclass_kinds = (kind for kind in plain if isinstance(kind, type) and dataclasses.is_dataclass(kind))
    classes = {kind.__name__: kind for kind in dataclass_kinds}
    others = [kind for kind in plain if not dataclasses.is_dataclass(kind)]
    if not classes and len(others) == 1:
        only = decoder(others[0])
        return lambda data: None if data is None else only(data)

    def pick(data: Any) -> Any:
        if data is None:
            return None
        if isinstance(data, dict) and classes:
            name = data.get(TAG) or next(iter(classes))
            return decoder(classes[name])(data)
        return _first_that_fits(others, data)

    return pick


def _first_that_fits(kinds: List[Any], data: Any) -> Any:
    problem: Optional[Exception] = None
    for kind in kinds:
        try:
            return decoder(kind)(data)
        except (TypeError, ValueError, InvalidOperation) as error:
            problem = error
    raise TypeError(f"expected one of {kinds}: {problem}")


def _sequence_decoder(origin: type, args: Tuple[Any, ...]) -> Decoder:
    if origin is tuple and args and args[-1] is not Ellipsis:
        parts = [decoder(arg) for arg in args]
        return lambda data: tuple(part(item) for part, item in zip(parts, data))
    item = decoder(args[0]) if args else decoder(Any)
    return lambda data: origin(item(entry) for entry in data)


def _dataclass_decoder(cls: Any) -> Decoder:
    parts: Dict[str, Decoder] = {}

    def build(data: Any) -> Any:
        if not parts:  # late, so that a class may mention itself; at once, for other threads
            hints = typing.get_type_hints(cls)
            parts.update({name: decoder(hints[name]) for name in fields_of(cls)})
        if data.get(TAG, cls.__name__) != cls.__name__:
            raise TypeError(f"expected {cls.__name__}, was {data[TAG]}")
        if len(data) == len(parts) + 1 and TAG in data:  # every field and the tag, as `encode` writes them
            return cls(**{name: part(data[name]) for name, part in parts.items()})
        return cls(**{name: parts[name](value) for name, value in data.items() if name != TAG})

    return build


def registry(*classes: type) -> Dict[str, type]:
    """Return the classes by name, for decoding by tag."""
    return {cls.__name__: cls for cls in classes}


def decode_tagged(known: Dict[str, type], data: Dict[str, Any]) -> Any:
    """Return the dataclass that `data` says it is by its tag.

    Raises:
        ValueError: the class is unknown or the data does not fit it.
    """
    cls = known.get(str(data.get(TAG)))
    if cls is None:
        raise ValueError(f"unknown {TAG} {data.get(TAG)!r}")
    return decode(cls, data)
