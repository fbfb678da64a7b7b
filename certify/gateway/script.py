"""Scenario scripts: a YAML list of steps, each an action of the gateway at a time or at an event.

    - at: 5s
      do: connectivity
      with: {state: lost}
    - every: 30s
      do: farm
      with: {kind: market, state: broken}
    - on: {order: {instrument: AAPL.NASDAQ, side: BUY}}
      times: 1
      do: behaviour
      with: {name: reject, order_ref: $order_ref}

Reading is strict: whatever is not understood is refused with file, line and column, and with the known name
that is nearest. `certify.gateway.director` carries the steps out.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from certify.errors import ProfileError, UsageError

MAX_BYTES = 1 << 20
"""A longer script is refused."""
MAX_STEPS = 10_000
"""A script of more steps is refused."""
SHORTEST_PERIOD_S = 0.01
"""Nothing is repeated more often."""

_OF_A_CLIENT = ("client_id",)
_OF_AN_ORDER = ("client_id", "order_id", "instrument", "order_ref", "account")
_ORDER_FILTERS = (*_OF_AN_ORDER, "side", "type", "qty")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventKind:
    """What can be waited for: what it can be narrowed to, and what of it a step may refer to as `$name`."""

    says: str
    filters: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


EVENTS: Mapping[str, EventKind] = MappingProxyType(
    {
        "connect": EventKind(
            says="a client has begun its session", filters=_OF_A_CLIENT, names=_OF_A_CLIENT
        ),
        "disconnect": EventKind(says="a client has gone", filters=_OF_A_CLIENT, names=_OF_A_CLIENT),
        "order": EventKind(
            says="a client places an order; done before the gateway looks at it",
            filters=_ORDER_FILTERS,
            names=(*_OF_AN_ORDER, "perm_id", "exec_id"),
        ),
        "change": EventKind(
            says="a client changes an order of its own; done before the gateway looks at it",
            filters=_ORDER_FILTERS,
            names=(*_OF_AN_ORDER, "perm_id", "exec_id"),
        ),
        "cancel": EventKind(
            says="a client cancels an order; done before the gateway looks at it",
            filters=("client_id", "order_id"),
            names=("client_id", "order_id", "perm_id", "exec_id"),
        ),
        "request": EventKind(
            says="a client asks anything, by the name of the request; done before it is answered",
            filters=("client_id", "name"),
            names=_OF_A_CLIENT,
        ),
        "new_day": EventKind(says="a new trading day begins"),
    }
)  # fmt: skip
"""Every event a step can wait for."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a script; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def error(self, text: str) -> ProfileError:
        """Return the error that says `text` about this place."""
        return ProfileError(text, file=self.file, line=self.line, column=self.column)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE = Place("", 0, 0)
"""The place of a step that was not read from a script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event of some kind, narrowed to what has these values (as text)."""

    kind: str
    only: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One action and when it is done: at a time, again and again, or at an event. Times in seconds."""

    action: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    at_s: float | None = None
    every_s: float | None = None
    event: Event | None = None
    after_s: float = 0.0
    """How long after the event."""
    skip: int = 0
    """How many such events pass first."""
    times: int | None = None
    """How often at most; `None`: without end."""
    place: Place = NOWHERE
    places: Mapping[str, Place] = field(default_factory=dict)
    """The places of the arguments' names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """The steps of a script, as they stand in its file."""

    steps: tuple[Step, ...]

    def check(self, actions: Mapping[str, Iterable[str]]) -> None:
        """Compare with the actions there are, each with the names of its arguments (`*`: any other too).

        Raises:
            ProfileError: an action or an argument has an unknown name.
        """
        for step in self.steps:
            if step.action not in actions:
                raise step.place.error(unknown("action", step.action, actions))
            known = tuple(actions[step.action])
            for name in step.arguments:
                if name not in known and "*" not in known:
                    place = step.places.get(name, step.place)
                    raise place.error(unknown(f"argument of {step.action}", name, known))


def load_script(path: Path) -> Script:
    """Read a script from its file.

    Raises:
        UsageError: the file cannot be read; `ProfileError` with the place of the first mistake in it.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the script {path}: {error.strerror}") from None
    return read_script(data, str(path))


def read_script(data: bytes | str, file: str = "script") -> Script:
    """Read a script; `file` is what messages call it.

    Raises:
        ProfileError: with the place of the first mistake.
    """
    if len(data) > MAX_BYTES:
        raise ProfileError(f"too large: expected at most {MAX_BYTES} bytes", file=file)
    root = _composed(data, file)
    if not isinstance(root, yaml.SequenceNode):
        place = Place(file, 1, 1) if root is None else _place(root, file)
        raise place.error(f"expected a list of steps, was {_described(root)}")
    if len(root.value) > MAX_STEPS:
        raise _place(root, file).error(f"too long: expected at most {MAX_STEPS} steps")
    return Script(steps=tuple(_step(node, file) for node in root.value))


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Say that `name` is unknown, and which known name is nearest, or which there are."""
    names = sorted(known)
    near = difflib.get_close_matches(name[:60], names, n=1)
    if near:
        return f"unknown {what} {name[:60]!r}: did you mean {near[0]!r}?"
    return f"unknown {what} {name[:60]!r}: expected one of {', '.join(names) or 'none at all'}"


def _composed(data: bytes | str, file: str) -> yaml.Node | None:
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        root: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except UnicodeDecodeError:
        raise ProfileError("not UTF-8: expected a text file in UTF-8", file=file) from None
    except RecursionError:
        raise ProfileError("too deep: a step has names and values, and lists of values", file=file) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file, 1, 1)
        raise place.error(f"not YAML: {said}") from None
    return root


def _place(node: yaml.Node, file: str) -> Place:
    return Place(file, node.start_mark.line + 1, node.start_mark.column + 1)


def _described(node: yaml.Node | None) -> str:
    if node is None or (isinstance(node, yaml.ScalarNode) and not node.value):
        return "nothing"
    if isinstance(node, yaml.ScalarNode):
        return repr(node.value[:60])
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"


def _entries(node: yaml.Node, file: str, what: str) -> Iterator[tuple[str, Place, yaml.Node]]:
    """Yield name, place of the name and value of a mapping; every name is text, and there once."""
    if not isinstance(node, yaml.MappingNode):
        raise _place(node, file).error(f"expected {what}, was {_described(node)}")
    seen: set[str] = set()
    for key, value in node.value:
        place = _place(key, file)
        if not isinstance(key, yaml.ScalarNode):
            raise place.error(f"expected a name, was {_described(key)}")
        if key.value in seen:
            raise place.error(f"{key.value!r} is there twice")
        seen.add(key.value)
        yield key.value, place, value


# -- values

_DURATION = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(ms|s|m|h)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}


def _text(node: yaml.Node, file: str) -> str:
    if not isinstance(node, yaml.ScalarNode) or not node.value:
        raise _place(node, file).error(f"expected a name, was {_described(node)}")
    return str(node.value)


def _duration(node: yaml.Node, file: str) -> float:
    match = _DURATION.fullmatch(node.value) if isinstance(node, yaml.ScalarNode) else None
    if match is None:
        raise _place(node, file).error(f"expected a time such as 5s or 250ms, was {_described(node)}")
    return float(match[1]) * _SECONDS[match[2]]


def _period(node: yaml.Node, file: str) -> float:
    period_s = _duration(node, file)
    if period_s < SHORTEST_PERIOD_S:
        raise _place(node, file).error(f"expected {SHORTEST_PERIOD_S * 1000:g}ms or more")
    return period_s


def _count(node: yaml.Node, file: str) -> int:
    if not isinstance(node, yaml.ScalarNode) or not re.fullmatch(r"\d{1,9}", node.value):
        raise _place(node, file).error(f"expected a whole number, was {_described(node)}")
    return int(node.value)


def _value(node: yaml.Node, file: str) -> object:
    """Return an argument: text, but whole numbers, `true`, `false` and nothing as what they are."""
    if isinstance(node, yaml.SequenceNode):
        return [_value(each, file) for each in node.value if isinstance(each, yaml.ScalarNode)]
    if not isinstance(node, yaml.ScalarNode):
        raise _place(node, file).error(f"expected a value, was {_described(node)}")
    text = str(node.value)
    if node.style in ("'", '"'):
        return text
    if re.fullmatch(r"-?\d{1,18}", text):
        return int(text)
    return {"true": True, "false": False, "null": None, "": None}.get(text, text)


def _event(node: yaml.Node, file: str) -> Event:
    """Read `connect` or `{order: {side: BUY}}`."""
    if isinstance(node, yaml.ScalarNode):
        kind, place, filters = node.value, _place(node, file), None
    else:
        entries = list(_entries(node, file, "an event such as connect or {order: {side: BUY}}"))
        if len(entries) != 1:
            raise _place(node, file).error(f"expected one event, were {len(entries)}")
        kind, place, filters = entries[0]
    if kind not in EVENTS:
        raise place.error(unknown("event", kind, EVENTS))
    if filters is None or _described(filters) == "nothing":
        return Event(kind=kind)
    only = {}
    for name, where, value in _entries(filters, file, "what the event is narrowed to"):
        if name not in EVENTS[kind].filters:
            raise where.error(unknown(f"filter of {kind}", name, EVENTS[kind].filters))
        only[name] = _text(value, file)
    return Event(kind=kind, only=only)


_KEYS: Mapping[str, tuple[str, Callable[[yaml.Node, str], Any]]] = {
    "at": ("at_s", _duration),
    "every": ("every_s", _period),
    "on": ("event", _event),
    "after": ("after_s", _duration),
    "skip": ("skip", _count),
    "times": ("times", _count),
    "do": ("action", _text),
}
"""Key of a step → attribute of `Step`, and what reads it; `with` stands apart."""


def _step(node: yaml.Node, file: str) -> Step:
    given: dict[str, Any] = {"place": _place(node, file)}
    for key, place, value in _entries(node, file, "a step"):
        if key == "with":
            entries = list(_entries(value, file, "arguments by name"))
            given["arguments"] = {name: _value(each, file) for name, _, each in entries}
            given["places"] = {name: where for name, where, _ in entries}
        elif key in _KEYS:
            attribute, read = _KEYS[key]
            given[attribute] = read(value, file)
        else:
            raise place.error(unknown("key of a step", key, (*_KEYS, "with")))
    return _sensible(given)


def _sensible(given: Mapping[str, Any]) -> Step:
    """Make the step; refuses one that says nothing to do, or not when."""
    place: Place = given["place"]
    if "action" not in given:
        raise place.error("nothing to do: expected do: and the name of an action")
    if "event" in given and ("at_s" in given or "every_s" in given):
        raise place.error("on: stands for itself, without at: and every:")
    if not {"event", "at_s", "every_s"} & given.keys():
        raise place.error("no time: expected at:, every: or on:")
    if "event" not in given and {"after_s", "skip"} & given.keys():
        raise place.error("after: and skip: go with on: only")
    step = Step(**given)
    names = EVENTS[step.event.kind].names if step.event else ()
    for name, value in step.arguments.items():
        if isinstance(value, str) and value.startswith("$") and value[1:] not in names:
            raise step.places[name].error(unknown("reference", value, [f"${each}" for each in names]))
    return step
