"""A strict reader for YAML: every value knows its place, nothing is guessed.

Scalars follow the core schema of YAML 1.2 (section 10.3.2): `yes`, `no`, `on` and `off` are text,
there are no base-60 numbers and no dates. Refused with their place: duplicate keys, tabs in the
indentation, tags, times without quotes, numbers that are not finite, a second document, and
whatever is too large or too deep once its aliases are followed.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from certify.errors import ProfileError
from certify.profile.near import profile_error, shown

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_NODES = 200_000
_MAX_DIGITS = 100

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAB = re.compile(r"^ *(\t)[ \t]*\S", re.MULTILINE)
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt]|[ ]+))?[0-9]+(:[0-9]+)+(\.[0-9]*)?"
    r" *([Zz]|[+-][0-9]{1,2}(:?[0-9]{2})?|[AaPp][Mm])?"
)
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def error(self, text: str) -> ProfileError:
        """Return the error that says `text` about this place."""
        return profile_error(text, file=self.file, line=self.line, column=self.column)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """One value: as written, and as what it stands for."""

    mark: Mark
    text: str
    value: str | int | float | bool | None
    quoted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A sequence of nodes."""

    mark: Mark
    items: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """Names and their nodes; the place of each name is in `keys`."""

    mark: Mark
    entries: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Mark] = field(default_factory=dict)


Node = Scalar | Listing | Mapping


def is_null(node: Node) -> bool:
    """Return whether the node is an explicit null."""
    return isinstance(node, Scalar) and node.value is None


def describe(node: Node) -> str:
    """Return what a node is, for a message: its text in quotes, `a list`, `a mapping`, `nothing`."""
    if isinstance(node, Scalar):
        return "nothing" if node.value is None else shown(node.text)
    return "a list" if isinstance(node, Listing) else "a mapping"


def plain(node: Node) -> Any:
    """Return the node as JSON-ready data; entries that are null are left out of mappings."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Listing):
        return [plain(item) for item in node.items]
    return {key: plain(item) for key, item in node.entries.items() if not is_null(item)}


def parse_mapping(data: bytes | str, file: str) -> Mapping:
    """Return the one mapping that a document holds.

    Raises:
        ProfileError: with the place of the first mistake.
    """
    node = parse(data, file)
    if isinstance(node, Mapping):
        return node
    if is_null(node):
        raise Mark(file, 1, 1).error("empty: expected a mapping")
    raise node.mark.error(f"expected a mapping, was {describe(node)}")


def parse(data: bytes | str, file: str, *, shift: int = 0) -> Node:
    """Return the document's node; `shift` is added to the columns of the first line.

    Raises:
        ProfileError: with the place of the first mistake.
    """
    text = _decoded(data, file)
    tab = _TAB.search(text)
    if tab:
        raise _mark_at(text, tab.start(1), file).error("tab in the indentation: use spaces")
    composer = _Composer(file, shift)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            composer.feed(event)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise _syntax_error(error, text, file, shift) from None
    return composer.root or Scalar(mark=Mark(file, 1, 1 + shift), text="", value=None)


def _decoded(data: bytes | str, file: str) -> str:
    """Return the text, checked to be of bearable size and encodable as UTF-8."""
    raw = data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
    if len(raw) > MAX_BYTES:
        raise profile_error(f"too large: expected at most {MAX_BYTES} bytes", file=file)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        raise _mark_at(before, len(before), file).error("not UTF-8: expected a text file in UTF-8") from None


def _mark_at(text: str, offset: int, file: str) -> Mark:
    line_start = text.rfind("\n", 0, offset) + 1
    return Mark(file, text.count("\n", 0, offset) + 1, offset - line_start + 1)


def _syntax_error(error: Exception, text: str, file: str, shift: int) -> ProfileError:
    """Return what the parser says, in one line and with its place where it has one."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
    if mark is not None and mark.line <= text.count("\n"):
        return _mark(mark, file, shift).error(f"not YAML: {problem}")
    # The parser's own position, or, when it only missed something at the end, the end.
    position = getattr(error, "position", None) if mark is None else None
    offset = min(position, len(text)) if isinstance(position, int) else len(text)
    return _mark_at(text, offset, file).error(f"not YAML: {problem}")


def _mark(mark: Any, file: str, shift: int) -> Mark:
    return Mark(file, mark.line + 1, mark.column + 1 + (shift if mark.line == 0 else 0))


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not been read yet."""

    mark: Mark
    anchor: str | None
    mapping: bool
    items: list[Node] = field(default_factory=list)
    weight: int = 1
    height: int = 0


class _Composer:
    """Builds nodes from parser events, without recursion, counting what aliases multiply."""

    def __init__(self, file: str, shift: int) -> None:
        self.root: Node | None = None
        self._file, self._shift = file, shift
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int, int]] = {}

    def feed(self, event: Any) -> None:
        """Take the next event of the parser."""
        if isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            raise self._place(event).error("a second document: expected one")
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
            raise self._place(event).error(
                f"tag {shown(event.tag)}: expected a plain value, tags are refused"
            )
        if isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.ScalarEvent):
            self._add(_scalar(event, self._place(event)), 1, 1, event.anchor)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._start(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._end()

    def _place(self, event: Any) -> Mark:
        return _mark(event.start_mark, self._file, self._shift)

    def _start(self, event: Any) -> None:
        mark = self._place(event)
        if len(self._open) >= MAX_DEPTH:
            raise mark.error(f"too deep: expected at most {MAX_DEPTH} levels")
        self._open.append(_Open(mark, event.anchor, isinstance(event, yaml.MappingStartEvent)))

    def _alias(self, event: Any) -> None:
        mark = self._place(event)
        if event.anchor in {frame.anchor for frame in self._open}:
            raise mark.error(f"alias {shown(event.anchor)} stands inside what it names")
        if event.anchor not in self._anchors:
            raise mark.error(f"unknown alias {shown(event.anchor)}: expected an anchor before it")
        node, weight, height = self._anchors[event.anchor]
        if len(self._open) + height > MAX_DEPTH:
            raise mark.error(f"too deep: expected at most {MAX_DEPTH} levels")
        self._add(node, weight, height, None)

    def _add(self, node: Node, weight: int, height: int, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = (node, weight, height)
        if not self._open:
            self.root = node
            return
        frame = self._open[-1]
        frame.items.append(node)
        frame.weight += weight
        frame.height = max(frame.height, height)
        if frame.weight > MAX_NODES:
            raise frame.mark.error(f"too large: expected at most {MAX_NODES} values, aliases followed")

    def _end(self) -> None:
        frame = self._open.pop()
        node: Node
        if frame.mapping:
            node = _mapping(frame)
        else:
            node = Listing(mark=frame.mark, items=tuple(frame.items))
        self._add(node, frame.weight, frame.height + 1, frame.anchor)


def _mapping(frame: _Open) -> Mapping:
    """Return the mapping of alternating keys and values; keys are text, each once."""
    entries: dict[str, Node] = {}
    keys: dict[str, Mark] = {}
    for key, value in zip(frame.items[::2], frame.items[1::2], strict=True):
        if not isinstance(key, Scalar) or not isinstance(key.value, str):
            raise key.mark.error(f"expected a name as key, was {describe(key)}")
        if key.value in entries:
            first = keys[key.value].line
            raise key.mark.error(f"duplicate key {shown(key.value)}: first given in line {first}")
        entries[key.value], keys[key.value] = value, key.mark
    return Mapping(mark=frame.mark, entries=entries, keys=keys)


def _scalar(event: Any, mark: Mark) -> Scalar:
    text: str = event.value
    if event.style:  # plain scalars have none: None or "", by parser
        return Scalar(mark=mark, text=text, value=text, quoted=True)
    return Scalar(mark=mark, text=text, value=_resolved(text, mark))


def _resolved(text: str, mark: Mark) -> str | int | float | bool | None:
    """Return what a scalar without quotes stands for."""
    if text in _WORDS:
        return _WORDS[text]
    if _TIME.fullmatch(text):
        raise mark.error(f"time {shown(text)} without quotes: quote it")
    if _INTEGER.fullmatch(text) or _BASED.fullmatch(text) or _FLOAT.fullmatch(text):
        return _number(text, mark)
    if _NOT_FINITE.fullmatch(text):
        raise mark.error(f"expected a finite number, was {shown(text)}")
    return text


def _number(text: str, mark: Mark) -> int | float:
    if len(text) > _MAX_DIGITS:
        raise mark.error(f"number too long: expected at most {_MAX_DIGITS} digits")
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _INTEGER.fullmatch(text):
        return int(text)
    number = float(text)
    if not math.isfinite(number):
        raise mark.error(f"expected a finite number, was {shown(text)}")
    return number
