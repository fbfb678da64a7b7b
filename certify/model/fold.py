"""The journal's events → the result of the run: the only way in which a result is ever made.

Pure: the same events give the same result, on any machine, at any time. Nothing that was planned
is silently missing. A planned check without an end is `skipped` where the run ended early (with
the reason), and `error` where the run claims to be complete. A check that passed although its own
measurements break its own limits is `failed`, whatever it said of itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from certify import clock
from certify.errors import EvidenceError
from certify.model.events import (
    CheckFinished,
    CheckStarted,
    Event,
    LawBroken,
    LoadFinished,
    Note,
    PhaseFinished,
    PhaseStarted,
    PlannedRef,
    RunFinished,
    RunStarted,
    SystemStarted,
    SystemStopped,
)
from certify.model.ids import Assurance, ComponentId, Outcome, PhaseId, Severity, StopReason
from certify.model.measure import broken_bounds
from certify.model.results import CheckResult, LoadResult, PhaseResult, RunResult
from certify.model.score import check_score, phase_score

_WORST_FIRST = (
    Outcome.FAILED,
    Outcome.ERROR,
    Outcome.INCONCLUSIVE,
    Outcome.SKIPPED,
    Outcome.PASSED,
)

_NOT_RUN = {
    StopReason.COMPLETED: "expected an outcome, was none: planned, but never reported",
    StopReason.INTERRUPTED: "not run: the run was interrupted",
    StopReason.PARTIAL: "not run: the run was interrupted",
    StopReason.UNAVAILABLE: "not run: the system was not available",
    StopReason.BROKEN: "not run: the tool broke",
}

_MOST_LAW_NOTES = 20
"""One broken law tends to break at every order: the first ones tell."""


def fold(events: Iterable[Event]) -> RunResult:
    """Return what the events of one journal, from its first line on, amount to.

    Raises:
        EvidenceError: the events are not those of one run; says which line.
    """
    folding = _Folding()
    for line, event in enumerate(events, start=1):
        folding.take(line, event)
    return folding.result()


def worst_outcome(outcomes: Iterable[Outcome]) -> Outcome:
    """Return failed > error > inconclusive > skipped > passed; not applicable when nothing else is there."""
    found = set(outcomes)
    return next((outcome for outcome in _WORST_FIRST if outcome in found), Outcome.NOT_APPLICABLE)


def weakest_assurance(checks: Iterable[CheckResult]) -> Assurance:
    """Return the weakest assurance of the evaluated checks of the system; `simulated` when there is none.

    Checks of the tool itself say nothing of what the system was measured on.
    """
    ranks = [
        check.assurance
        for check in checks
        if check.outcome.evaluated and check.component is not ComponentId.CERTIFY
    ]
    return min(ranks, key=lambda assurance: assurance.rank, default=Assurance.SIMULATED)


class _Folding:
    """What is known after the lines taken so far."""

    def __init__(self) -> None:
        self.start: RunStarted | None = None
        self.end: RunFinished | None = None
        self.last_at_ns = 0
        self.current_phase = PhaseId.FRAMEWORK
        self.started_on: dict[str, int] = {}
        self.checks: dict[str, CheckResult] = {}
        self.took_ms: dict[PhaseId, float] = {}
        self.loads: dict[tuple[str, str], LoadResult] = {}
        self.systems: dict[str, str] = {}
        self.notes: list[str] = []
        self.laws_broken = 0

    def take(self, line: int, event: Event) -> None:
        self._hold_order(line, event)
        self.last_at_ns = max(self.last_at_ns, event.at_ns)
        match event:
            case RunStarted():
                self._run_started(line, event)
            case RunFinished():
                self.end = event
            case PhaseStarted():
                self.current_phase = event.phase
                self.took_ms.setdefault(event.phase, 0.0)
            case PhaseFinished():
                self.took_ms[event.phase] = self.took_ms.get(event.phase, 0.0) + event.took_ms
            case CheckStarted():
                self.started_on[event.id] = line
            case CheckFinished():
                self._check_finished(line, event)
            case LoadFinished():
                self.loads[event.load.level, event.load.stream] = event.load
            case _:
                self._remark(event)

    def _hold_order(self, line: int, event: Event) -> None:
        if self.start is None and not isinstance(event, RunStarted):
            raise EvidenceError(f"events.jsonl:{line}: expected RunStarted, was {type(event).__name__}")
        if self.end is not None and not isinstance(event, RunStarted):
            raise EvidenceError(
                f"events.jsonl:{line}: expected nothing after RunFinished, was {type(event).__name__}"
            )

    def _run_started(self, line: int, event: RunStarted) -> None:
        if self.start is None:
            self.start = event
            return
        if (event.run_id, event.plan_digest) != (self.start.run_id, self.start.plan_digest):
            raise EvidenceError(
                f"events.jsonl:{line}: expected run {self.start.run_id} of plan {self.start.plan_digest},"
                f" was run {event.run_id} of plan {event.plan_digest}"
            )
        if self.end is not None and self.end.stop is StopReason.COMPLETED:
            raise EvidenceError(
                f"events.jsonl:{line}: expected nothing after a completed run, was RunStarted"
            )
        self.end = None
        self.notes.append(f"resumed at {clock.iso(event.at_ns)}")

    def _check_finished(self, line: int, event: CheckFinished) -> None:
        check = _check_result(event, (self.started_on.pop(event.id, line), line))
        if broken := broken_bounds(check.measurements, check.limits) if _claims_pass(check) else ():
            check = _contradicted(check, broken[0][0].name, broken[0][1], str(broken[0][0]))
            self.notes.append(f"{check.id}: reported passed, counted as failed: {check.message}")
        earlier = self.checks.pop(check.id, None)
        if (
            earlier is not None
            and _claims_pass(check)
            and (earlier.flaky or earlier.outcome in _WORST_FIRST[:3])
        ):
            check = replace(check, flaky=True)
        self.checks[check.id] = check

    def _remark(self, event: Event) -> None:
        match event:
            case SystemStarted():
                self.systems[event.backend] = f"{event.name} {event.version}".strip()
            case SystemStopped(expected=False):
                self.notes.append(f"system {event.backend} ended unexpectedly: {event.reason}")
            case LawBroken():
                self.laws_broken += 1
                if self.laws_broken <= _MOST_LAW_NOTES:
                    self.notes.append(
                        f"law of orders broken: {event.law} by {event.client_order_id}: {event.text}"
                    )
            case Note():
                self.notes.append(event.text)

    def result(self) -> RunResult:
        if self.start is None:
            raise EvidenceError("events.jsonl:1: expected RunStarted, was an empty journal")
        start, stop = self.start, self.end.stop if self.end else StopReason.PARTIAL
        checks = (*self.checks.values(), *self._never_finished(start, stop))
        finished_at_ns = self.end.at_ns if self.end else self.last_at_ns
        return RunResult(
            run_id=start.run_id,
            profile=start.profile,
            plan_digest=start.plan_digest,
            subject=start.subject,
            assurance=weakest_assurance(checks),
            stop=stop,
            started_at=clock.iso(start.at_ns),
            finished_at=clock.iso(finished_at_ns),
            started_at_ns=start.at_ns,
            finished_at_ns=finished_at_ns,
            seed=start.seed,
            partial_selection=start.partial_selection,
            scope=start.scope,
            phases=tuple(self._phases(checks)),
            load=tuple(self.loads.values()),
            environment=start.environment,
            systems=self.systems,
            notes=tuple(self._closing_notes()),
            tool_version=start.tool_version,
            fingerprint=start.fingerprint,
        )

    def _never_finished(self, start: RunStarted, stop: StopReason) -> Iterable[CheckResult]:
        known = {ref.id: ref for ref in start.planned_checks}
        outcome = Outcome.ERROR if stop is StopReason.COMPLETED else Outcome.SKIPPED
        for check_id in dict.fromkeys((*start.planned, *known, *self.started_on)):
            if check_id not in self.checks:
                ref = known.get(check_id) or _unknown(check_id, self.current_phase)
                began = self.started_on.get(check_id, 0)
                yield _placeholder(ref, outcome, _NOT_RUN[stop], (began, began))

    def _phases(self, checks: tuple[CheckResult, ...]) -> Iterable[PhaseResult]:
        for phase in PhaseId:
            own = tuple(check for check in checks if check.phase is phase)
            if own or phase in self.took_ms:
                yield PhaseResult(
                    id=phase,
                    outcome=worst_outcome(check.outcome for check in own),
                    score=phase_score(own),
                    checks=own,
                    took_ms=self.took_ms.get(phase, 0.0),
                )

    def _closing_notes(self) -> Iterable[str]:
        yield from self.notes
        if self.laws_broken > _MOST_LAW_NOTES:
            yield f"laws of orders were broken {self.laws_broken} times in all"
        if self.end is None:
            yield "the journal ends without saying why: the run was killed"
        elif self.end.text:
            yield f"the run ended ({self.end.stop}): {self.end.text}"


def _claims_pass(check: CheckResult) -> bool:
    return check.outcome is Outcome.PASSED


def _check_result(event: CheckFinished, evidence: tuple[int, int]) -> CheckResult:
    return CheckResult(
        id=event.id,
        title=event.title,
        phase=event.phase,
        component=event.component,
        severity=event.severity,
        outcome=event.outcome,
        message=event.message,
        measurements=event.measurements,
        limits=event.limits,
        assurance=event.assurance,
        took_ms=event.took_ms,
        score=check_score(event.outcome, event.measurements, event.limits),
        waived=event.waived,
        flaky=event.flaky,
        evidence=evidence,
    )


def _contradicted(check: CheckResult, name: str, value: float | None, bound: str) -> CheckResult:
    """Turn a pass that its own figures deny into the failure that it is."""
    found = f"was {value:g}" if value is not None else "was not measured"
    message = f"expected {bound}, {name} {found}"
    return replace(check, outcome=Outcome.FAILED, message=message, score=0.0)


def _unknown(check_id: str, phase: PhaseId) -> PlannedRef:
    """Stand in for a check of which the journal holds the id only: assumed to matter most."""
    return PlannedRef(
        id=check_id,
        title=check_id,
        phase=phase,
        component=ComponentId.CERTIFY,
        severity=Severity.CRITICAL,
    )


def _placeholder(ref: PlannedRef, outcome: Outcome, message: str, evidence: tuple[int, int]) -> CheckResult:
    return CheckResult(
        id=ref.id,
        title=ref.title,
        phase=ref.phase,
        component=ref.component,
        severity=ref.severity,
        outcome=outcome,
        message=message,
        waived=ref.waived,
        evidence=evidence,
    )
