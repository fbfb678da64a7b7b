"""Reads a run directory: the only thing a report knows of a run."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from certify.errors import EvidenceError
from certify.model import codec
from certify.model.comparison import COMPARISON_FILE, Comparison
from certify.model.ids import Outcome
from certify.model.judgement import Verdict
from certify.model.results import RunResult
from certify.plan import Plan

T = TypeVar("T")

QUIET_EVENTS = frozenset({"LoadProgress", "CheckStarted", "CheckFinished", "PhaseStarted", "PhaseFinished"})
"""What an excerpt leaves out: the report says it elsewhere."""

HEAD, TAIL = 4, 8
"""How many lines an excerpt shows from the start and from the end of a check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """One line of the journal that belongs to a check."""

    number: int
    """Counted from 1."""
    event: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """The beginning and the end of what the journal holds about one check."""

    lines: tuple[JournalLine, ...]
    omitted: int = 0
    """How many lines lie between the head and the tail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What a certificate says; whether it may be believed is the business of `certify verify`."""

    statement: dict[str, Any]
    """The in-toto statement of the envelope."""
    key_ids: tuple[str, ...]

    @property
    def predicate(self) -> dict[str, Any]:
        """What is stated about the subject."""
        found = self.statement.get("predicate")
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFiles:
    """Everything of a run directory that a report is made from."""

    plan: Plan
    result: RunResult
    verdict: Verdict
    certificate: Certificate | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    """File name → `sha256:…` of its bytes, for every file of the evidence that is there."""
    comparison: Comparison | None = None
    """What differs from the certificate before, where there was one."""
    excerpts: Mapping[str, Excerpt] = field(default_factory=dict)
    """Check → its lines of the journal, for checks that did not pass."""


EVIDENCE_FILES = ("plan.json", "events.jsonl", "result.json", "verdict.json", "certificate.json")


def load_run(run_dir: Path) -> RunFiles:
    """Return what the run directory holds.

    Raises:
        EvidenceError: a file is missing, damaged, or belongs to another run.
    """
    result = _decode(run_dir / "result.json", RunResult)
    verdict = _decode(run_dir / "verdict.json", Verdict)
    if verdict.run_id != result.run_id:
        raise EvidenceError(f"verdict.json is of run {verdict.run_id}, result.json of run {result.run_id}")
    return RunFiles(
        plan=_decode(run_dir / "plan.json", Plan),
        result=result,
        verdict=verdict,
        certificate=_certificate(run_dir / "certificate.json"),
        digests={name: _digest(run_dir / name) for name in EVIDENCE_FILES if (run_dir / name).is_file()},
        comparison=_comparison(run_dir / COMPARISON_FILE, result),
        excerpts=_excerpts(run_dir / "events.jsonl", result),
    )


def _comparison(path: Path, result: RunResult) -> Comparison | None:
    """Return what was compared when the run ended; of another run's it is nothing."""
    found = _decode(path, Comparison) if path.is_file() else None
    return found if found is not None and found.after.run_id == result.run_id else None


def _decode(path: Path, kind: type[T]) -> T:
    try:
        return codec.decode(kind, json.loads(path.read_bytes()))
    except FileNotFoundError as error:
        raise EvidenceError(f"{path} is missing: not the directory of a finished run") from error
    except ValueError as error:
        raise EvidenceError(f"{path} is damaged: {error}") from error


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def _certificate(path: Path) -> Certificate | None:
    """Open the DSSE envelope, without judging its signature."""
    if not path.is_file():
        return None
    try:
        envelope = json.loads(path.read_bytes())
        statement = json.loads(base64.b64decode(envelope["payload"]))
        keys = tuple(str(entry.get("keyid", "")) for entry in envelope.get("signatures", ()))
        if not isinstance(statement, dict):
            raise EvidenceError(f"{path} is damaged: its payload is not an object")
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise EvidenceError(f"{path} is damaged: {error}") from error
    return Certificate(statement=statement, key_ids=keys)


def _excerpts(path: Path, result: RunResult) -> dict[str, Excerpt]:
    """Collect the journal lines of every check that did not pass, in one reading."""
    wanted = [
        check
        for check in result.checks
        if check.evidence != (0, 0) and check.outcome in (Outcome.FAILED, Outcome.ERROR, Outcome.INCONCLUSIVE)
    ]
    found = {check.id: _Window() for check in wanted}
    for line in _journal(path) if wanted else ():
        for check in wanted:
            if check.evidence[0] <= line.number <= check.evidence[1]:
                found[check.id].add(line)
    return {check: window.excerpt() for check, window in found.items() if window.head}


class _Window:
    """The first and the last lines of a stretch, however long it is."""

    def __init__(self) -> None:
        self.head: list[JournalLine] = []
        self.tail: deque[JournalLine] = deque(maxlen=TAIL)
        self.seen = 0

    def add(self, line: JournalLine) -> None:
        self.seen += 1
        if len(self.head) < HEAD:
            self.head.append(line)
        else:
            self.tail.append(line)

    def excerpt(self) -> Excerpt:
        lines = (*self.head, *self.tail)
        return Excerpt(lines=lines, omitted=self.seen - len(lines))


def _journal(path: Path) -> Iterator[JournalLine]:
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line_number, line in enumerate(file, start=1):
            event = _event_of(line)
            if event is not None and event[codec.TAG] not in QUIET_EVENTS:
                yield JournalLine(number=line_number, event=event)


def _event_of(line: bytes) -> dict[str, Any] | None:
    """Return the event of a journal line, which may wrap it; `None` for a torn line."""
    try:
        data = json.loads(line)
    except ValueError:
        return None
    if not isinstance(data, dict):
        return None
    if codec.TAG in data:
        return data
    inner = (value for value in data.values() if isinstance(value, dict) and codec.TAG in value)
    return next(inner, None)
