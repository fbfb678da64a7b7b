"""The journal of a run: one JSON object a line, each with the hash of the line before.

    {"seq": 12, "prev": "<SHA-256 of line 11's bytes without its newline>", "event": {"@type": …}}

The first line's `prev` is 64 zeros; the root hash of a journal is the hash of its last line. `seq`
is the line number, counted from 1, so `CheckResult.evidence` is found with `sed -n 12,40p`.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from certify.errors import EvidenceError
from certify.evidence.files import sync_directory
from certify.model import codec
from certify.model.events import EVENT_TYPES, Event, PhaseFinished, RunFinished

NO_LINE = "0" * 64
"""The hash before the first line."""

_KNOWN = codec.registry(*EVENT_TYPES)
_KEYS = {"seq", "prev", "event"}


def line_hash(line: bytes) -> str:
    """Return the SHA-256 of a line's bytes, its newline left out, in hexadecimal."""
    return hashlib.sha256(line).hexdigest()


def line_bytes(seq: int, prev: str, event: Event) -> bytes:
    """Return one line of the journal, without its newline.

    Raises:
        EvidenceError: the event holds a number that is not finite, which JSON cannot say.
    """
    data = {"seq": seq, "prev": prev, "event": codec.encode(event)}
    try:
        text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError as error:
        raise EvidenceError(f"expected finite numbers in {type(event).__name__}: {error}") from error
    return text.encode("utf-8", errors="backslashreplace")


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalReading:
    """A journal that was read and found unbroken."""

    events: tuple[Event, ...]
    root_hash: str
    torn: bool
    """Whether the last line was cut off in the middle of writing; it is not among the events."""


class JournalReader:
    """Iterates over the events of a journal, verifying each line; the attributes are those so far."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.lines = 0
        self.size_bytes = 0
        """Bytes of the unbroken lines: where a torn line begins."""
        self.root_hash = NO_LINE
        self.torn = False
        self._path = path

    def __iter__(self) -> Iterator[Event]:
        """Yield each event.

        Raises:
            EvidenceError: a line is not what was written; names it as `events.jsonl:LINE`.
        """
        try:
            with self._path.open("rb") as file:
                for raw in file:
                    if not raw.endswith(b"\n"):
                        self.torn = True
                        return
                    yield self._event(raw[:-1])
                    self.size_bytes += len(raw)
        except OSError as error:
            raise EvidenceError(f"{self.name}: expected a journal, was {error.strerror}") from error

    def _event(self, line: bytes) -> Event:
        data = self._parsed(line)
        number = self.lines + 1
        if data["seq"] != number:
            raise self._damaged(number, f"seq {number}", f"seq {data['seq']!r}")
        if data["prev"] != self.root_hash:
            self._refuse_chain(number, data["prev"])
        try:
            event = codec.decode_tagged(_KNOWN, data["event"])
        except (ValueError, AttributeError) as error:
            raise self._damaged(number, "an event", str(error)) from error
        self.lines, self.root_hash = number, line_hash(line)
        return cast(Event, event)

    def _parsed(self, line: bytes) -> dict[str, Any]:
        try:
            data = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise self._damaged(self.lines + 1, "one JSON object", str(error)) from error
        if not isinstance(data, dict) or set(data) != _KEYS:
            found = sorted(data) if isinstance(data, dict) else type(data).__name__
            raise self._damaged(self.lines + 1, f"the keys {sorted(_KEYS)}", str(found))
        return data

    def _refuse_chain(self, number: int, prev: Any) -> None:
        """Name the line that was changed: the one before, as the chain was made from its old bytes."""
        if number == 1:
            raise self._damaged(1, f"prev {NO_LINE}", f"prev {prev!r}")
        raise self._damaged(
            number - 1, f"sha256 {prev!r}, to which line {number} is chained", f"sha256 {self.root_hash!r}"
        )

    def _damaged(self, line: int, expected: str, was: str) -> EvidenceError:
        return EvidenceError(f"{self.name}:{line}: expected {expected}, was {was}")


def iter_journal(path: Path) -> Iterator[Event]:
    """Yield the events of a journal one by one, verifying as it goes; a torn last line is left out.

    Raises:
        EvidenceError: a line is not what was written.
    """
    return iter(JournalReader(path))


def read_journal(path: Path) -> JournalReading:
    """Return the events of a whole journal, verified.

    Raises:
        EvidenceError: there is no journal, or a line is not what was written.
    """
    reader = JournalReader(path)
    events = tuple(reader)
    return JournalReading(events=events, root_hash=reader.root_hash, torn=reader.torn)


class JournalWriter:
    """Appends events to a journal: flushed at each, on disk at the end of each phase and of the run.

    An existing journal is verified first, a torn last line is cut off, and the chain goes on.
    Appending is safe from any thread.

    Raises:
        EvidenceError: the existing journal is damaged.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        existing = JournalReader(path)
        if path.exists():
            for _ in existing:
                pass
        self.path = path
        self._lines, self._root_hash = existing.lines, existing.root_hash
        self._lock = threading.Lock()
        self._file = path.open("ab", buffering=0)
        if existing.torn:
            self._file.truncate(existing.size_bytes)
        sync_directory(path.parent)

    @property
    def lines(self) -> int:
        """How many lines the journal has."""
        return self._lines

    @property
    def root_hash(self) -> str:
        """The hash of the last line."""
        return self._root_hash

    def append(self, event: Event) -> int:
        """Write one event and return its line number.

        Raises:
            EvidenceError: the event cannot be written; the journal is as it was.
        """
        with self._lock:
            line = line_bytes(self._lines + 1, self._root_hash, event)
            self._write(line + b"\n")
            self._lines, self._root_hash = self._lines + 1, line_hash(line)
            if isinstance(event, PhaseFinished | RunFinished):
                os.fsync(self._file.fileno())
            return self._lines

    def _write(self, data: bytes) -> None:
        """Write all of `data` or, when the disk refuses, nothing."""
        begin = self._file.seek(0, os.SEEK_END)
        rest = memoryview(data)
        try:
            while rest:  # a raw file may take less at a time
                rest = rest[self._file.write(rest) or 0 :]
        except OSError as error:
            self._file.truncate(begin)
            raise EvidenceError(f"{self.path.name}: expected to write on, was {error.strerror}") from error

    def close(self) -> None:
        """Put everything on disk and close; closing twice is no error."""
        with self._lock:
            if not self._file.closed:
                os.fsync(self._file.fileno())
                self._file.close()

    def __enter__(self) -> JournalWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
