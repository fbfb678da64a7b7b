"""Shapes made of kinds: records, maps and lists, each read strictly and told to JSON Schema alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from certify.profile import yaml
from certify.profile.kinds import Kind
from certify.profile.near import unknown
from certify.profile.yaml import Mark, Node


class Shape(Protocol):
    """Whatever can be read from a node and described by JSON Schema."""

    def read(self, node: Node) -> Any:
        """Return the value of `node`; ProfileError at the place of the first mistake."""

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema."""


@dataclass(frozen=True, slots=True)
class Values:
    """What a record or map held, with the places; a null is kept apart: it counts as not given."""

    mark: Mark
    data: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, Mark] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)
    nulls: dict[str, Mark] = field(default_factory=dict)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of `name`, or `default`."""
        return self.data.get(name, default)

    def at(self, name: str) -> Mark:
        """Return the place of the value of `name`, else of the whole."""
        return self.marks.get(name, self.mark)

    def given(self, *names: str) -> dict[str, Any]:
        """Return those of `names` that were given: keyword arguments over a dataclass's defaults."""
        return {name: self.data[name] for name in names if name in self.data}


EMPTY = Values(Mark("", 0, 0))
Find = Callable[[str], Shape | None]


def _read_entries(node: Node, what: str, find: Find, key_error: Callable[[str], str]) -> Values:
    if not isinstance(node, yaml.Mapping):
        raise node.mark.error(f"expected {what} as a mapping, was {yaml.describe(node)}")
    values = Values(node.mark)
    for name, item in node.entries.items():
        shape = find(name)
        if shape is None:
            raise node.keys[name].error(key_error(name))
        values.keys[name] = node.keys[name]
        if yaml.is_null(item):
            values.nulls[name] = item.mark
        else:
            values.data[name] = shape.read(item)
            values.marks[name] = item.mark
    return values


def _optional(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with known keys."""

    what: str
    fields: Mapping[str, Shape]
    required: Sequence[str] = ()

    def read(self, node: Node) -> Values:
        """Return the values; an unknown key is refused with the nearest, a missing one by name."""
        values = _read_entries(
            node, self.what, self.fields.get, lambda name: unknown(f"key in {self.what}", name, self.fields)
        )
        for name in self.required:
            if name not in values.data:
                raise node.mark.error(f"{self.what}: expected the key {name!r}")
        return values

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of an object without further properties."""
        properties = {
            name: shape.schema() if name in self.required else _optional(shape.schema())
            for name, shape in self.fields.items()
        }
        required = {"required": list(self.required)} if self.required else {}
        return {"type": "object", "properties": properties, "additionalProperties": False, **required}


@dataclass(frozen=True, slots=True)
class MapOf:
    """A mapping from free names to one shape."""

    what: str
    item: Shape

    def read(self, node: Node) -> Values:
        """Return the values by name."""
        return _read_entries(node, self.what, lambda _name: self.item, lambda name: name)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of an object whose properties are all alike."""
        return {"type": "object", "additionalProperties": _optional(self.item.schema())}


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of one shape; each item keeps its place."""

    what: str
    item: Shape

    def read(self, node: Node) -> list[tuple[Any, Mark]]:
        """Return the items with their places."""
        if not isinstance(node, yaml.Listing):
            raise node.mark.error(f"expected {self.what} as a list, was {yaml.describe(node)}")
        return [(self.item.read(item), item.mark) for item in node.items]

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of an array."""
        return {"type": "array", "items": self.item.schema()}


@dataclass(frozen=True, slots=True)
class OneOrMany:
    """One value, or a list of them."""

    what: str
    item: Kind

    def read(self, node: Node) -> list[tuple[Any, Mark]]:
        """Return the values with their places."""
        if isinstance(node, yaml.Listing):
            return ListOf(self.what, self.item).read(node)
        return [(self.item.read(node), node.mark)]

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of one or several."""
        return {"anyOf": [self.item.schema(), ListOf(self.what, self.item).schema()]}


@dataclass(frozen=True, slots=True)
class Data:
    """A mapping of anything: handed on as it is."""

    what: str

    def read(self, node: Node) -> dict[str, Any]:
        """Return plain data, JSON-ready."""
        if not isinstance(node, yaml.Mapping):
            raise node.mark.error(f"expected {self.what} as a mapping, was {yaml.describe(node)}")
        found: dict[str, Any] = yaml.plain(node)
        return found

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of any object."""
        return {"type": "object"}
