"""One profile from several: deep merge, later wins, lists replaced, an explicit null removes."""

from __future__ import annotations

from certify.profile.near import profile_error, shown
from certify.profile.yaml import Mapping, Mark, Node, parse

SET = "--set"
_CHECK_KEYS = ("severity", "skip", "parameters")


def merged(base: Mapping, over: Mapping) -> Mapping:
    """Return `base` with `over` laid upon it; every node keeps the place it was written at."""
    entries, keys = dict(base.entries), {**base.keys, **over.keys}
    for name, node in over.entries.items():
        under = entries.get(name)
        both = isinstance(under, Mapping) and isinstance(node, Mapping)
        entries[name] = merged(under, node) if both else node  # type: ignore[arg-type]
    return Mapping(mark=over.mark, entries=entries, keys=keys)


def without(mapping: Mapping, *names: str) -> Mapping:
    """Return the mapping without these keys."""
    entries = {name: node for name, node in mapping.entries.items() if name not in names}
    return Mapping(mark=mapping.mark, entries=entries, keys=mapping.keys)


def replaced(mapping: Mapping, path: tuple[str, ...], node: Node) -> Mapping:
    """Return the mapping with the node at `path` replaced; the path must lead through mappings."""
    name, rest = path[0], path[1:]
    inner = mapping.entries[name]
    value = replaced(inner, rest, node) if rest and isinstance(inner, Mapping) else node
    return Mapping(mark=mapping.mark, entries={**mapping.entries, name: value}, keys=mapping.keys)


def override(text: str) -> Mapping:
    """Return `key.path=value` as a mapping to be merged; the value is YAML.

    Raises:
        ProfileError: as `--set:1:column`.
    """
    path, equals, value = text.partition("=")
    names = _names(path)
    if not equals or not all(names):
        expected = "expected key.path=value, as phases.risk.limits.max_order_qty=500"
        raise profile_error(f"{expected}, was {shown(text)}", file=SET, line=1, column=1)
    node = parse(value, SET, shift=len(path) + 1)
    for name in reversed(names):
        node = Mapping(mark=Mark(SET, 1, 1), entries={name: node}, keys={name: Mark(SET, 1, 1)})
    assert isinstance(node, Mapping)  # noqa: S101 - there is at least one name
    return node


def _names(path: str) -> list[str]:
    """Return the names of a dotted path; the id of a check has dots of its own."""
    names = path.strip().split(".")
    if names[:2] != ["policy", "checks"]:
        return names
    tail = names[2:]
    end = next((at for at, name in enumerate(tail) if at and name in _CHECK_KEYS), len(tail))
    return ["policy", "checks", *([".".join(tail[:end])] if tail else []), *tail[end:]]
