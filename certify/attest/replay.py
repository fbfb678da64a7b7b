"""Evidence played again by someone who does not trust us: journal → result → verdict, and what differs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from certify.attest.findings import Finding, differences
from certify.errors import EvidenceError
from certify.evidence.files import JOURNAL_FILE, PLAN_FILE, RESULT_FILE, VERDICT_FILE, read_json, value_bytes
from certify.evidence.journal import JournalReader, iter_journal
from certify.model.fold import fold
from certify.model.ids import Outcome
from certify.model.results import CheckResult, RunResult
from certify.plan import Plan, PlannedCheck, plan_digest
from certify.verdict import judge

T = TypeVar("T")


def replay(run_dir: Path, *, signed_root: tuple[int, str] | None = None) -> tuple[Finding, ...]:
    """Return each place where the files of a run do not follow from its journal and its plan.

    `signed_root` is the number of lines and the root hash that the journal is known to have had.
    """
    findings: list[Finding] = []
    _chain(run_dir, signed_root, findings)
    result = None if findings else _folded(run_dir, findings)
    if result is not None:
        findings += _differs(run_dir / RESULT_FILE, result, "result")
    result = result or _read(run_dir / RESULT_FILE, RunResult, "result", findings)
    plan = _read(run_dir / PLAN_FILE, Plan, "plan", findings)
    if plan is not None:
        findings += _differs(run_dir / PLAN_FILE, plan, "plan")
    if plan is not None and result is not None:
        findings += _against_plan(plan, result)
        findings += _judged(run_dir, plan, result)
    return tuple(findings)


def _chain(run_dir: Path, signed_root: tuple[int, str] | None, findings: list[Finding]) -> None:
    """Verify every line before anything is made of one of them."""
    reader = JournalReader(run_dir / JOURNAL_FILE)
    try:
        for _ in reader:
            pass
    except EvidenceError as error:
        findings.append(_in_journal(error))
        return
    if reader.torn:
        where = f"{JOURNAL_FILE}:{reader.lines + 1}"
        findings.append(Finding(what="journal", where=where, text="expected a whole line, was cut off"))
    if signed_root is not None and signed_root != (reader.lines, reader.root_hash):
        lines, root = signed_root
        text = f"expected {lines} lines that end in sha256 {root}, was {reader.lines} lines that end in"
        where = f"{JOURNAL_FILE}:{min(reader.lines, lines)}"
        findings.append(Finding(what="journal", where=where, text=f"{text} {reader.root_hash}"))


def _folded(run_dir: Path, findings: list[Finding]) -> RunResult | None:
    try:
        return fold(iter_journal(run_dir / JOURNAL_FILE))
    except EvidenceError as error:
        findings.append(_in_journal(error))
    except Exception as error:  # noqa: BLE001  # a chained journal may still hold values that nothing can be made of
        text = f"expected events that make a result, was {error!r}"
        findings.append(Finding(what="journal", where=JOURNAL_FILE, text=text))
    return None


def _judged(run_dir: Path, plan: Plan, result: RunResult) -> Iterator[Finding]:
    try:
        verdict = judge(result, plan.policy)
    except Exception as error:  # noqa: BLE001  # an edited policy or result may hold values no rule can be asked of
        text = f"expected a policy and a result that can be judged, was {error!r}"
        yield Finding(what="verdict", where=PLAN_FILE, text=text)
    else:
        yield from _differs(run_dir / VERDICT_FILE, verdict, "verdict")


def _in_journal(error: EvidenceError) -> Finding:
    where, _, text = str(error).partition(": ")
    return Finding(what="journal", where=where, text=text)


def _read(path: Path, cls: type[T], what: str, findings: list[Finding]) -> T | None:
    try:
        return read_json(path, cls)
    except EvidenceError as error:
        text = str(error).removeprefix(f"{path.name}: ")
        findings.append(Finding(what=what, where=path.name, text=text))
        return None


def _differs(path: Path, value: Any, what: str) -> Iterator[Finding]:
    """Yield the first place in the file that is not what `value` would have been written as."""
    expected = value_bytes(value)
    try:
        data = path.read_bytes()
        if data == expected:
            return
        found = json.loads(data)
    except OSError as error:
        yield Finding(what=what, where=path.name, text=f"expected a file, was {error.strerror}")
        return
    except ValueError as error:
        yield Finding(what=what, where=path.name, text=f"expected JSON, was not: {error}")
        return
    place, text = next(
        differences(json.loads(expected), found), ("", "expected as it was written, was reformatted")
    )
    yield Finding(what=what, where=f"{path.name}: {place}" if place else path.name, text=text)


def _against_plan(plan: Plan, result: RunResult) -> Iterator[Finding]:
    """Yield where a run is not the run of this plan."""
    for name, expected, was in (
        ("plan_digest", plan_digest(plan), result.plan_digest),
        ("profile", plan.profile, result.profile),
        ("subject", plan.subject, result.subject),
        ("scope", plan.scope, result.scope),
        ("seed", plan.seed, result.seed),
        ("partial_selection", plan.partial_selection, result.partial_selection),
    ):
        if expected != was:
            text = f"expected {expected} as in {PLAN_FILE}, was {was}"
            yield Finding(what="plan", where=f"{RESULT_FILE}: {name}", text=text)
    found = {check.id: check for check in result.checks}
    for planned in plan.checks:
        yield from _against_planned(planned, found.get(planned.id))


def _against_planned(planned: PlannedCheck, check: CheckResult | None) -> Iterator[Finding]:
    where = f"{RESULT_FILE}: {planned.id}"
    if check is None:
        yield Finding(what="plan", where=where, text=f"expected a check of {PLAN_FILE}, was missing")
        return
    for name in ("phase", "component", "severity", "waived"):
        expected, was = getattr(planned, name), getattr(check, name)
        if expected != was:
            text = f"expected {name} {expected} as in {PLAN_FILE}, was {was}"
            yield Finding(what="plan", where=where, text=text)
    if planned.decided is not None and check.outcome is Outcome.PASSED:
        text = f"expected {planned.decided} as decided in {PLAN_FILE}, was {check.outcome}"
        yield Finding(what="plan", where=where, text=text)
