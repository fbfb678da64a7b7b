"""Evidence played again by someone who does not trust us: journal → result → verdict, and what differs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from certify.attest.findings import Finding, differences
from certify.errors import EvidenceError
from certify.evidence.files import JOURNAL_FILE, PLAN_FILE, RESULT_FILE, VERDICT_FILE, read_json, value_bytes
from certify.evidence.journal import JournalReader
from certify.model.fold import fold
from certify.model.ids import Outcome
from certify.model.results import CheckResult, RunResult
from certify.plan import Plan, PlannedCheck, plan_digest
from certify.verdict import judge

T = TypeVar("T")


def replay(run_dir: Path) -> tuple[Finding, ...]:
    """Return each place where the files of a run do not follow from its journal and its plan."""
    findings: list[Finding] = []
    result = _replayed(run_dir, findings)
    plan = _read(run_dir / PLAN_FILE, Plan, "plan", findings)
    if result is not None:
        findings += _differs(run_dir / RESULT_FILE, result, "result")
    if plan is not None and value_bytes(plan) != (run_dir / PLAN_FILE).read_bytes():
        findings.append(Finding(what="plan", where=PLAN_FILE, text="expected as it was written, was changed"))
    result = result or _read(run_dir / RESULT_FILE, RunResult, "result", findings)
    if plan is not None and result is not None:
        findings += _against_plan(plan, result)
        findings += _differs(run_dir / VERDICT_FILE, judge(result, plan.policy), "verdict")
    return tuple(findings)


def _replayed(run_dir: Path, findings: list[Finding]) -> RunResult | None:
    reader = JournalReader(run_dir / JOURNAL_FILE)
    try:
        result = fold(reader)
    except EvidenceError as error:
        where, _, text = str(error).partition(": ")
        findings.append(Finding(what="journal", where=where, text=text))
        return None
    if reader.torn:
        where = f"{JOURNAL_FILE}:{reader.lines + 1}"
        findings.append(Finding(what="journal", where=where, text="expected a whole line, was cut off"))
    return result


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
    if planned.decided is not None and check.outcome not in (planned.decided, Outcome.SKIPPED):
        text = f"expected {planned.decided} as decided in {PLAN_FILE}, was {check.outcome}"
        yield Finding(what="plan", where=where, text=text)
