"""The journal → the result: pure, complete, and not to be talked into a pass."""

from __future__ import annotations

import pytest

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
from certify.model.fold import fold, worst_outcome
from certify.model.ids import Assurance, ComponentId, Outcome, PhaseId, Severity, StopReason
from certify.model.measure import Bound, Measurement
from certify.model.results import LoadResult, ProfileRef, Scope, Subject

START_NS = 1_767_225_600_000_000_000


def started(*planned: str, at_ns: int = START_NS, run_id: str = "r1", refs: bool = True) -> RunStarted:
    return RunStarted(
        run_id=run_id,
        at_ns=at_ns,
        seed=1,
        profile=ProfileRef(name="p", digest="sha256:1"),
        plan_digest="sha256:2",
        subject=Subject(name="s", version="1", digest="sha256:3"),
        scope=Scope(components={"risk": "mock"}),
        partial_selection=False,
        planned=planned,
        tool_version="0",
        planned_checks=tuple(
            PlannedRef(
                id=name,
                title=f"Title of {name}",
                phase=PhaseId.RISK,
                component=ComponentId.RISK,
                severity=Severity.MAJOR,
                waived=True,
            )
            for name in planned
        )
        if refs
        else (),
    )


def finished(name: str, outcome: Outcome = Outcome.PASSED, **changes) -> CheckFinished:
    values = {
        "at_ns": START_NS + 5,
        "id": name,
        "title": f"Title of {name}",
        "phase": PhaseId.RISK,
        "component": ComponentId.RISK,
        "severity": Severity.MAJOR,
        "outcome": outcome,
        "message": "",
    }
    return CheckFinished(**{**values, **changes})


def ended(stop: StopReason = StopReason.COMPLETED, text: str = "") -> RunFinished:
    return RunFinished(at_ns=START_NS + 1_500_000_000, stop=stop, text=text)


def run(*events: Event, planned: tuple[str, ...] = ("a",), stop: StopReason | None = StopReason.COMPLETED):
    return fold([started(*planned), *events, *([] if stop is None else [ended(stop)])])


def test_identity_and_times_come_from_the_first_and_last_event():
    result = run(finished("a"))
    assert (result.run_id, result.plan_digest, result.seed) == ("r1", "sha256:2", 1)
    assert result.started_at == "2026-01-01T00:00:00.000Z"
    assert result.finished_at == "2026-01-01T00:00:01.500Z"
    assert result.stop is StopReason.COMPLETED


def test_phases_stand_in_their_order_and_checks_in_the_order_of_finishing():
    result = run(
        finished("z"),
        finished("a"),
        finished("f", phase=PhaseId.FRAMEWORK),
        planned=("a", "z", "f"),
    )
    assert [phase.id for phase in result.phases] == [PhaseId.FRAMEWORK, PhaseId.RISK]
    assert [check.id for check in result.checks] == ["f", "z", "a"]


def test_evidence_is_the_lines_of_a_check():
    result = run(CheckStarted(at_ns=1, id="a"), Note(at_ns=2, text="n"), finished("a"), finished("b"))
    assert [check.evidence for check in result.checks] == [(2, 4), (5, 5)]


@pytest.mark.parametrize(
    ("stop", "outcome", "message"),
    [
        (None, Outcome.SKIPPED, "not run: the run was interrupted"),
        (StopReason.INTERRUPTED, Outcome.SKIPPED, "not run: the run was interrupted"),
        (StopReason.UNAVAILABLE, Outcome.SKIPPED, "not run: the system was not available"),
        (StopReason.BROKEN, Outcome.SKIPPED, "not run: the tool broke"),
        (StopReason.COMPLETED, Outcome.ERROR, "expected an outcome, was none: planned, but never reported"),
    ],
)
def test_what_was_planned_and_never_ended_is_named(stop, outcome, message):
    result = run(CheckStarted(at_ns=1, id="a"), finished("b"), planned=("a", "b", "c"), stop=stop)
    assert [(check.id, check.outcome) for check in result.checks] == [
        ("b", Outcome.PASSED),
        ("a", outcome),
        ("c", outcome),
    ]
    never = result.checks[2]
    assert (never.message, never.title) == (message, "Title of c")
    assert (never.phase, never.severity, never.waived) == (PhaseId.RISK, Severity.MAJOR, True)


def test_a_killed_run_is_partial_and_says_so():
    result = run(finished("a"), Note(at_ns=START_NS + 9_000_000, text="last words"), stop=None)
    assert result.stop is StopReason.PARTIAL
    assert result.finished_at_ns == START_NS + 9_000_000
    assert result.notes == ("last words", "the journal ends without saying why: the run was killed")


def test_a_check_known_by_its_id_alone_counts_as_critical():
    result = fold(
        [started("x.y", refs=False), PhaseStarted(at_ns=1, phase=PhaseId.TRADING, checks=1), ended()]
    )
    (check,) = result.checks
    assert (check.id, check.title, check.phase) == ("x.y", "x.y", PhaseId.TRADING)
    assert (check.severity, check.outcome) == (Severity.CRITICAL, Outcome.ERROR)


def test_a_pass_that_breaks_its_own_limit_is_a_failure():
    limit = Bound(name="p99", op="<", value=50.0, unit="ms")
    slow = Measurement(name="p99", value=80.0, unit="ms")
    result = run(finished("a", measurements=(slow,), limits=(limit,)))
    (check,) = result.checks
    assert (check.outcome, check.score) == (Outcome.FAILED, 0.0)
    assert check.message == "expected p99 < 50 ms, p99 was 80"
    assert "a: reported passed, counted as failed" in result.notes[0]


def test_a_pass_without_the_measurement_that_its_limit_asks_for_is_a_failure():
    result = run(finished("a", limits=(Bound(name="p99", op="<", value=50.0, unit="ms"),)))
    assert result.checks[0].outcome is Outcome.FAILED
    assert result.checks[0].message == "expected p99 < 50 ms, p99 was not measured"


def test_a_name_measured_twice_has_to_keep_its_limit_twice():
    values = tuple(Measurement(name="p99", value=value, unit="ms") for value in (80.0, 10.0))
    limit = Bound(name="p99", op="<", value=50.0, unit="ms")
    assert run(finished("a", measurements=values, limits=(limit,))).checks[0].outcome is Outcome.FAILED


@pytest.mark.parametrize("outcome", [Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.SKIPPED])
def test_other_outcomes_keep_what_they_are(outcome):
    limit = Bound(name="p99", op="<", value=50.0, unit="ms")
    assert run(finished("a", outcome, limits=(limit,))).checks[0].outcome is outcome


def test_passing_after_failing_is_flaky():
    result = run(finished("a", Outcome.FAILED), finished("a"))
    assert [(check.outcome, check.flaky) for check in result.checks] == [(Outcome.PASSED, True)]
    result = run(finished("a", Outcome.FAILED), finished("a"), finished("a"))
    assert result.checks[0].flaky


def test_failing_after_passing_is_failed():
    result = run(finished("a"), finished("a", Outcome.FAILED))
    assert [(check.outcome, check.flaky) for check in result.checks] == [(Outcome.FAILED, False)]


@pytest.mark.parametrize(
    ("outcomes", "worst"),
    [
        ((), Outcome.NOT_APPLICABLE),
        ((Outcome.NOT_APPLICABLE,), Outcome.NOT_APPLICABLE),
        ((Outcome.NOT_APPLICABLE, Outcome.PASSED), Outcome.PASSED),
        ((Outcome.PASSED, Outcome.SKIPPED), Outcome.SKIPPED),
        ((Outcome.SKIPPED, Outcome.INCONCLUSIVE, Outcome.PASSED), Outcome.INCONCLUSIVE),
        ((Outcome.INCONCLUSIVE, Outcome.ERROR), Outcome.ERROR),
        ((Outcome.ERROR, Outcome.FAILED, Outcome.PASSED), Outcome.FAILED),
    ],
)
def test_a_phase_is_as_good_as_its_worst_check(outcomes, worst):
    assert worst_outcome(outcomes) is worst
    names = [f"c{number}" for number in range(len(outcomes))]
    events = [finished(name, outcome) for name, outcome in zip(names, outcomes, strict=True)]
    begun = PhaseStarted(at_ns=1, phase=PhaseId.RISK, checks=len(names))
    result = run(begun, *events, planned=tuple(names))
    assert [phase.outcome for phase in result.phases] == [worst]


def test_the_result_is_worth_its_weakest_evaluated_check():
    live, paper = Assurance.LIVE, Assurance.PAPER
    assert run(finished("a", assurance=live)).assurance is live
    assert run(finished("a", assurance=live), finished("b", assurance=paper)).assurance is paper
    assert run(finished("a", assurance=live), finished("b", Outcome.SKIPPED)).assurance is live
    own = finished("b", component=ComponentId.CERTIFY)
    assert run(finished("a", assurance=live), own).assurance is live
    assert run(own, planned=()).assurance is Assurance.SIMULATED


def load(level: str, sent: int) -> LoadFinished:
    return LoadFinished(
        at_ns=1,
        load=LoadResult(
            level=level,
            stream="orders",
            offered_per_s=1.0,
            achieved_per_s=1.0,
            duration_s=1.0,
            sent=sent,
            completed=sent,
            errors=0,
            error_rate=0.0,
            error_rate_interval=(0.0, 0.1),
        ),
    )


def test_loads_notes_systems_and_laws_are_kept():
    result = run(
        SystemStarted(at_ns=1, backend="mock", name="acme", version="2", assurance=Assurance.PAPER, pid=1),
        load("light", 1),
        load("heavy", 2),
        load("light", 3),
        Note(at_ns=1, text="a note"),
        SystemStopped(at_ns=1, backend="mock", reason="signal 9", expected=False),
        SystemStopped(at_ns=1, backend="mock", reason="asked to"),
        *[LawBroken(at_ns=1, law="one terminal state", client_order_id=f"o{n}", text="x") for n in range(25)],
        PhaseFinished(at_ns=1, phase=PhaseId.RISK, took_ms=2.5),
        finished("a"),
    )
    assert [(found.level, found.sent) for found in result.load] == [("light", 3), ("heavy", 2)]
    assert result.systems == {"mock": "acme 2"}
    assert result.notes[:2] == ("a note", "system mock ended unexpectedly: signal 9")
    assert result.notes[2] == "law of orders broken: one terminal state by o0: x"
    assert len(result.notes) == 2 + 20 + 1
    assert result.notes[-1] == "laws of orders were broken 25 times in all"
    assert result.phases[0].took_ms == 2.5


def test_an_interrupted_run_can_be_taken_up_again():
    events = [
        started("a", "b"),
        finished("a"),
        ended(StopReason.INTERRUPTED, "Ctrl-C"),
        started("a", "b", at_ns=START_NS + 2_000_000_000),
        finished("b"),
        RunFinished(at_ns=START_NS + 3_000_000_000, stop=StopReason.COMPLETED),
    ]
    result = fold(events)
    assert result.stop is StopReason.COMPLETED
    assert [check.outcome for check in result.checks] == [Outcome.PASSED, Outcome.PASSED]
    assert result.started_at_ns == START_NS
    assert result.notes == ("resumed at 2026-01-01T00:00:02.000Z",)
    assert fold(events[:3]).notes == ("the run ended (interrupted): Ctrl-C",)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([], r"events\.jsonl:1: expected RunStarted, was an empty journal"),
        ([Note(at_ns=1, text="")], r"events\.jsonl:1: expected RunStarted, was Note"),
        ([started(), ended(), finished("a")], r"events\.jsonl:3: expected nothing after RunFinished"),
        ([started(), ended(), ended()], r"events\.jsonl:3: expected nothing after RunFinished"),
        ([started(), ended(), started()], r"events\.jsonl:3: expected nothing after a completed run"),
        ([started(), started(run_id="r2")], r"events\.jsonl:2: expected run r1 of plan sha256:2, was run r2"),
    ],
)
def test_what_is_not_one_run_is_refused(events, message):
    with pytest.raises(EvidenceError, match=message):
        fold(events)


def test_the_same_events_give_the_same_result():
    events = [started("a", "b"), finished("a"), Note(at_ns=3, text="n")]
    assert fold(events) == fold(iter(events))
