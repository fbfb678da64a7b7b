"""The rules of the verdict: a truth table, laws that hold for every run, and the seed report's averages."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from certify.model.fold import weakest_assurance, worst_outcome
from certify.model.ids import (
    Assurance,
    ComponentId,
    ExitCode,
    Grade,
    Outcome,
    PhaseId,
    Severity,
    StopReason,
)
from certify.model.judgement import AcceptedFailure, VerdictPolicy
from certify.model.measure import Bound, Measurement
from certify.model.results import (
    CheckResult,
    GeneratorFitness,
    LoadResult,
    Percentiles,
    PhaseResult,
    ProfileRef,
    RunResult,
    Scope,
    Subject,
)
from certify.model.score import check_score, phase_score
from certify.verdict import RULES, WORST_FIRST, exit_code, judge

START_NS = 1_767_225_600_000_000_000
GOOD, CONDITIONAL, OPEN, BAD = (
    Grade.CERTIFIED,
    Grade.CONDITIONAL,
    Grade.INCONCLUSIVE,
    Grade.NOT_CERTIFIED,
)
CERTIFIED_MODE = VerdictPolicy(mode="certified")


def check(name: str, outcome: Outcome = Outcome.PASSED, **changes) -> CheckResult:
    values = {
        "id": name,
        "title": name,
        "phase": PhaseId.TRADING,
        "component": ComponentId.EXECUTION,
        "severity": Severity.CRITICAL,
        "outcome": outcome,
        "message": "",
        "assurance": Assurance.PAPER,
    }
    made = CheckResult(**{**values, **changes})
    return replace(made, score=check_score(made.outcome, made.measurements, made.limits))


def result(*checks: CheckResult, **changes) -> RunResult:
    phases = []
    for phase in PhaseId:
        own = tuple(check for check in checks if check.phase is phase)
        if own:
            worst = worst_outcome(check.outcome for check in own)
            phases.append(PhaseResult(id=phase, outcome=worst, score=phase_score(own), checks=own))
    values = {
        "run_id": "r1",
        "profile": ProfileRef(name="p", digest="sha256:1"),
        "plan_digest": "sha256:2",
        "subject": Subject(name="s", version="1", digest="sha256:3"),
        "assurance": weakest_assurance(checks),
        "stop": StopReason.COMPLETED,
        "started_at": "2026-01-01T00:00:00.000Z",
        "finished_at": "2026-01-01T00:00:00.000Z",
        "started_at_ns": START_NS,
        "finished_at_ns": START_NS,
        "seed": 1,
        "scope": Scope(components={"execution": "mock"}),
        "phases": tuple(phases),
    }
    return RunResult(**{**values, **changes})


def broken(verdict) -> set[str]:
    return {rule.id for rule in verdict.rules if not rule.held}


def grade(*checks: CheckResult, policy: VerdictPolicy = VerdictPolicy(), **changes) -> Grade:  # noqa: B008
    return judge(result(check("fine"), *checks, **changes), policy).grade


# --------------------------------------------------------------------------------- the truth table

CRITICAL, MAJOR, MINOR = Severity.CRITICAL, Severity.MAJOR, Severity.MINOR
TABLE = [
    (Outcome.PASSED, CRITICAL, False, GOOD),
    (Outcome.PASSED, CRITICAL, True, GOOD),
    (Outcome.PASSED, MINOR, False, GOOD),
    (Outcome.FAILED, CRITICAL, False, BAD),
    (Outcome.FAILED, MAJOR, False, BAD),
    (Outcome.FAILED, MINOR, False, CONDITIONAL),
    (Outcome.FAILED, CRITICAL, True, CONDITIONAL),
    (Outcome.FAILED, MAJOR, True, CONDITIONAL),
    (Outcome.FAILED, MINOR, True, CONDITIONAL),
    (Outcome.ERROR, CRITICAL, False, OPEN),
    (Outcome.ERROR, MAJOR, False, OPEN),
    (Outcome.ERROR, MINOR, False, CONDITIONAL),
    (Outcome.ERROR, CRITICAL, True, CONDITIONAL),
    (Outcome.ERROR, MAJOR, True, CONDITIONAL),
    (Outcome.ERROR, MINOR, True, CONDITIONAL),
    (Outcome.INCONCLUSIVE, CRITICAL, False, OPEN),
    (Outcome.INCONCLUSIVE, MAJOR, False, OPEN),
    (Outcome.INCONCLUSIVE, MINOR, False, CONDITIONAL),
    (Outcome.INCONCLUSIVE, MAJOR, True, CONDITIONAL),
    (Outcome.SKIPPED, CRITICAL, False, GOOD),
    (Outcome.NOT_APPLICABLE, CRITICAL, False, GOOD),
]


@pytest.mark.parametrize(("outcome", "severity", "waived", "expected"), TABLE)
def test_one_check_beside_a_good_one(outcome, severity, waived, expected):
    assert grade(check("x", outcome, severity=severity, waived=waived)) is expected


@pytest.mark.parametrize(("outcome", "severity", "waived", "expected"), TABLE)
@pytest.mark.parametrize("stop", [stop for stop in StopReason if stop is not StopReason.COMPLETED])
def test_a_run_that_was_not_completed_is_never_certified(outcome, severity, waived, expected, stop):
    found = grade(check("x", outcome, severity=severity, waived=waived), stop=stop)
    assert found is (BAD if expected is BAD else OPEN)


@pytest.mark.parametrize(
    ("severity", "waived", "expected"),
    [(CRITICAL, False, OPEN), (MAJOR, False, OPEN), (MINOR, False, CONDITIONAL), (MAJOR, True, CONDITIONAL)],
)
def test_mode_certified_allows_no_skip(severity, waived, expected):
    skipped = check("x", Outcome.SKIPPED, severity=severity, waived=waived)
    assert grade(skipped, policy=CERTIFIED_MODE) is expected
    assert grade(check("x", Outcome.NOT_APPLICABLE), policy=CERTIFIED_MODE) is GOOD


def test_a_retry_that_passes_is_never_certified():
    assert grade(check("x", flaky=True)) is CONDITIONAL
    assert grade(check("x", flaky=True), policy=CERTIFIED_MODE) is CONDITIONAL


# ------------------------------------------------------------------------------------- single rules


def test_an_empty_plan_certifies_nothing():
    verdict = judge(result(scope=Scope()), VerdictPolicy())
    assert verdict.grade is OPEN
    assert broken(verdict) == {"plan_not_empty"}
    assert (verdict.score, verdict.certificate) == (None, False)


def test_nothing_that_passed_certifies_nothing():
    for outcome in (Outcome.FAILED, Outcome.ERROR, Outcome.INCONCLUSIVE):
        verdict = judge(result(check("x", outcome, severity=MINOR)), VerdictPolicy())
        assert verdict.grade is OPEN
        assert "plan_not_empty" in broken(verdict)


def test_nothing_but_skips_certifies_nothing():
    skipped = result(check("x", Outcome.SKIPPED), check("y", Outcome.NOT_APPLICABLE), scope=Scope())
    assert judge(skipped, VerdictPolicy()).grade is OPEN


def test_every_component_in_scope_has_to_be_evaluated():
    scope = Scope(components={"execution": "mock", "risk": "mock"})
    verdict = judge(result(check("x"), scope=scope), VerdictPolicy())
    assert verdict.grade is OPEN
    assert [rule.because for rule in verdict.rules if not rule.held] == [("risk",)]
    seen = check("y", component=ComponentId.RISK)
    assert judge(result(check("x"), seen, scope=scope), VerdictPolicy()).grade is GOOD
    skipped = replace(seen, outcome=Outcome.SKIPPED, score=None)
    assert judge(result(check("x"), skipped, scope=scope), VerdictPolicy()).grade is OPEN


def test_the_assurance_asked_for_has_to_be_reached():
    live = VerdictPolicy(min_assurance=Assurance.LIVE)
    assert grade(policy=live) is OPEN
    assert grade(policy=VerdictPolicy(min_assurance=Assurance.PAPER)) is GOOD
    run = result(check("x", assurance=Assurance.LIVE))
    assert judge(run, live).grade is GOOD


def test_a_low_score_leaves_conditions():
    policy = VerdictPolicy(min_phase_score={"trading": 95.0})
    limits = (Bound(name="p99", op="<", value=50.0, unit="ms"),)
    measured = (Measurement(name="p99", value=45.0, unit="ms"),)
    verdict = judge(result(check("x", measurements=measured, limits=limits)), policy)
    assert (verdict.grade, verdict.phase_scores) == (CONDITIONAL, {"trading": 70.0})
    assert verdict.conditions == ("Bring the score of phase trading from 70 to at least 95.",)
    assert grade(policy=policy) is GOOD


def test_a_phase_with_a_minimum_has_to_be_evaluated():
    policy = VerdictPolicy(min_phase_score={"performance": 70.0})
    verdict = judge(result(check("x")), policy)
    assert verdict.grade is CONDITIONAL
    assert broken(verdict) == {"phase_minima"}
    assert judge(result(check("x"), partial_selection=True), policy).grade is GOOD


def test_averages_cannot_rescue():
    many = [check(f"c{number}", severity=MINOR) for number in range(500)]
    one = check("x", Outcome.FAILED, severity=MAJOR)
    verdict = judge(result(*many, one), VerdictPolicy())
    assert verdict.score is not None
    assert verdict.score > 99
    assert verdict.grade is BAD


def test_a_part_is_judged_and_gets_no_certificate():
    run = result(check("x"), partial_selection=True, scope=Scope(components={"risk": "m", "execution": "m"}))
    verdict = judge(run, VerdictPolicy())
    assert (verdict.grade, verdict.certificate) == (GOOD, False)
    assert (verdict.valid_from, verdict.expires_at) == (None, None)
    assert broken(verdict) == {"whole_plan"}


# ---------------------------------------------------------------------------------------- evidence


def load(**changes) -> LoadResult:
    values = {
        "level": "light",
        "stream": "orders",
        "offered_per_s": 5.0,
        "achieved_per_s": 5.0,
        "duration_s": 2.0,
        "sent": 1000,
        "completed": 1000,
        "errors": 0,
        "error_rate": 0.0,
        "error_rate_interval": (0.0, 0.01),
    }
    return LoadResult(**{**values, **changes})


def histogram_ms(*values_ms: float) -> str:
    histogram = HdrHistogram(1, 60_000_000, 3)
    for value in values_ms:
        histogram.record_value(round(value * 1000))
    return histogram.encode().decode()


RECORDED = histogram_ms(*range(1, 1001))
CLAIMED = Percentiles(p50=500.0, p90=900.0, p99=990.0, max=1000.0, samples=1000)


def test_a_level_that_the_generator_could_not_hold_is_inconclusive():
    limited = load(generator=GeneratorFitness(late_p99_ms=90.0, dropped=3, limited=True))
    assert grade(load=(load(),)) is GOOD
    assert grade(load=(limited,)) is OPEN


def test_percentiles_agree_with_their_histogram():
    assert grade(load=(load(histogram=RECORDED, latency_ms=CLAIMED),)) is GOOD
    assert grade(load=(load(service_histogram=RECORDED, service_ms=CLAIMED),)) is GOOD


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"histogram": RECORDED, "latency_ms": replace(CLAIMED, p99=49.0)}, "p99: expected 990"),
        ({"histogram": RECORDED, "latency_ms": replace(CLAIMED, samples=999)}, "expected 1000 samples"),
        ({"service_histogram": RECORDED, "service_ms": replace(CLAIMED, p50=1.0)}, "service p50"),
        ({"latency_ms": CLAIMED}, "expected a histogram behind its percentiles, was none"),
        ({"histogram": "nonsense", "latency_ms": CLAIMED}, "expected a histogram, was not one"),
        ({"histogram": "aGVsbG8=", "latency_ms": CLAIMED}, "expected a histogram, was not one"),
        ({"errors": 5}, "error rate 0 does not go with 5 errors"),
        ({"errors": 5, "error_rate": 1.5}, "error rate 1.5"),
    ],
)
def test_figures_without_the_evidence_for_them_are_not_certified(changes, because):
    verdict = judge(result(check("x"), load=(load(**changes),)), VerdictPolicy())
    assert verdict.grade is OPEN
    (rule,) = (rule for rule in verdict.rules if not rule.held)
    assert rule.id == "evidence_consistent"
    assert because in " ".join(rule.because)


LIMIT = Bound(name="p99", op="<", value=50.0, unit="ms")


@pytest.mark.parametrize(
    ("forged", "because"),
    [
        (check("x", limits=(LIMIT,)), "passed, but expected p99 < 50 ms, was not measured"),
        (
            check("x", limits=(LIMIT,), measurements=(Measurement(name="p99", value=80.0, unit="ms"),)),
            "passed, but expected p99 < 50 ms, was 80",
        ),
        (
            check("x", limits=(LIMIT,), measurements=(Measurement(name="p99", value=20.0, unit="s"),)),
            "p99 is in s, its limit in ms",
        ),
        (check("x", measurements=(Measurement(name="n", value=float("nan"), unit=""),)), "to be a number"),
        (replace(check("x"), score=50.0), "expected score 100.0 by its headroom, was 50.0"),
    ],
)
def test_a_check_that_contradicts_itself_is_not_certified(forged, because):
    verdict = judge(result(forged), VerdictPolicy())
    assert verdict.grade is OPEN
    assert because in " ".join(reason for rule in verdict.rules for reason in rule.because)


def test_a_phase_or_a_run_that_contradicts_itself_is_not_certified():
    run = result(check("x"))
    (phase,) = run.phases
    forgeries = [
        replace(run, phases=(replace(phase, outcome=Outcome.SKIPPED),)),
        replace(run, phases=(replace(phase, score=12.0),)),
        replace(run, phases=(replace(phase, id=PhaseId.RISK),)),
        replace(run, phases=(phase, phase)),
        replace(run, assurance=Assurance.LIVE),
    ]
    for forged in forgeries:
        verdict = judge(forged, VerdictPolicy())
        assert verdict.grade is OPEN
        assert broken(verdict) == {"evidence_consistent"}


# ------------------------------------------------------------------------------ dates, words, exits


@pytest.mark.parametrize(
    ("days", "conditional_days", "good_until", "conditional_until"),
    [
        (90, 30, "2026-04-01", "2026-01-31"),
        (1000, 900, "2027-01-01", "2027-01-01"),
        (10, 30, "2026-01-11", "2026-01-11"),
    ],
)
def test_validity_comes_from_the_run_and_the_profile(days, conditional_days, good_until, conditional_until):
    policy = VerdictPolicy(validity_days=days, conditional_validity_days=conditional_days)
    good = judge(result(check("x")), policy)
    assert good.valid_from == "2026-01-01T00:00:00.000Z"
    assert good.expires_at == f"{good_until}T00:00:00.000Z"
    minor = check("y", Outcome.FAILED, severity=MINOR)
    assert judge(result(check("x"), minor), policy).expires_at == f"{conditional_until}T00:00:00.000Z"


def test_a_certificate_does_not_outlive_the_waiver_it_hangs_on():
    waiver = AcceptedFailure(check="y", reason="known", approved_by="Ada", expires="2026-01-05")
    other = replace(waiver, check="x", expires="2026-01-02")
    policy = VerdictPolicy(waivers=(waiver, other))
    failed = check("y", Outcome.FAILED, severity=MAJOR, waived=True)
    verdict = judge(result(check("x", waived=True), failed), policy)
    assert verdict.grade is CONDITIONAL
    assert verdict.expires_at == "2026-01-06T00:00:00.000Z"
    assert verdict.waivers == (waiver,)
    passed = judge(result(check("x", waived=True), check("y", waived=True)), policy)
    assert (passed.grade, passed.waivers) == (GOOD, ())


def test_no_dates_without_a_certificate():
    verdict = judge(result(check("x", Outcome.FAILED)), VerdictPolicy())
    assert (verdict.valid_from, verdict.expires_at, verdict.conditions) == (None, None, ())
    assert not verdict.certificate


def test_conditions_are_sentences():
    verdict = judge(
        result(
            check("a"),
            check("b", Outcome.FAILED, severity=MINOR, message="expected 1, was 2"),
            check("c", Outcome.FAILED, severity=MAJOR, waived=True),
            check("d", Outcome.ERROR, severity=MINOR, message="it raised."),
            check("e", Outcome.INCONCLUSIVE, severity=MINOR),
            check("f", Outcome.SKIPPED, severity=MINOR),
            check("g", flaky=True),
        ),
        CERTIFIED_MODE,
    )
    assert verdict.conditions == (
        "Put right b (minor), which failed: expected 1, was 2.",
        "Put right c (major, waived), which failed.",
        "Run d (minor) again, which broke: it raised.",
        "Measure e (minor) again, which was inconclusive.",
        "Run f (minor), which was skipped.",
        "Make g (critical) pass at the first try; it passed only when tried again.",
    )


def test_every_rule_speaks_once_and_says_which_grade_it_leaves():
    verdict = judge(result(check("x", Outcome.FAILED)), VerdictPolicy())
    assert len({rule.id for rule in verdict.rules}) == len(RULES)
    for rule in verdict.rules:
        assert rule.text.endswith((".", ")"))
        assert rule.held == (rule.because == ())
        assert rule.cap is None or not rule.held


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (GOOD, ExitCode.CERTIFIED),
        (BAD, ExitCode.NOT_CERTIFIED),
        (OPEN, ExitCode.INCONCLUSIVE),
        (CONDITIONAL, ExitCode.CONDITIONAL),
    ],
)
def test_exit_codes(found, code):
    verdict = replace(judge(result(check("x")), VerdictPolicy()), grade=found)
    assert exit_code(verdict) is code
    accepted = ExitCode.CERTIFIED if found is CONDITIONAL else code
    assert exit_code(verdict, accept_conditional=True) is accepted
    assert exit_code(verdict, stop=StopReason.INTERRUPTED) is ExitCode.INTERRUPTED
    assert exit_code(verdict, stop=StopReason.BROKEN) is ExitCode.INTERNAL
    assert exit_code(verdict, stop=StopReason.UNAVAILABLE) is code


def test_exit_codes_are_those_of_the_manual():
    assert [int(code) for code in ExitCode] == [0, 1, 2, 3, 4, 5, 6, 130]


# -------------------------------------------------------------------------------------------- laws

BETTER_FIRST = (Outcome.PASSED, Outcome.INCONCLUSIVE, Outcome.ERROR, Outcome.FAILED)


@st.composite
def runs(draw, outcomes, assurances=(Assurance.PAPER,)):
    """Return a run, one of its checks made worse, and a policy."""
    drawn = st.builds(
        lambda number, outcome, severity, waived, flaky, component, value, assurance: check(
            f"c{number}",
            outcome,
            severity=severity,
            waived=waived,
            flaky=flaky,
            component=component,
            phase=PhaseId.RISK if component is ComponentId.RISK else PhaseId.TRADING,
            measurements=(Measurement(name="p99", value=value, unit="ms"),),
            limits=(LIMIT,),
            assurance=assurance,
        ),
        st.integers(0, 10**9),
        st.sampled_from(outcomes),
        st.sampled_from(Severity),
        st.booleans(),
        st.booleans(),
        st.sampled_from([ComponentId.RISK, ComponentId.EXECUTION]),
        st.sampled_from([10.0, 35.0, 45.0]),
        st.sampled_from(assurances),
    )
    checks = draw(st.lists(drawn, min_size=1, max_size=6, unique_by=lambda made: made.id))
    at = draw(st.integers(0, len(checks) - 1))
    rank = outcomes.index(checks[at].outcome)
    worse = draw(st.sampled_from(outcomes[rank:]))
    changed = replace(checks[at], outcome=worse, score=check_score(worse, checks[at].measurements, (LIMIT,)))
    facts = {
        "stop": draw(st.sampled_from([StopReason.COMPLETED] * 4 + [StopReason.INTERRUPTED])),
        "partial_selection": draw(st.booleans()),
        "scope": Scope(
            components=draw(st.sampled_from([{}, {"risk": "m"}, {"risk": "m", "execution": "m"}]))
        ),
    }
    minima = draw(st.sampled_from([{}, {"risk": 80.0}, {"trading": 90.0, "risk": 60.0}]))
    assurance = draw(st.sampled_from([Assurance.SIMULATED, Assurance.PAPER]))
    policy = {"min_phase_score": minima, "min_assurance": assurance}
    before = result(*checks, **facts)
    after = result(*checks[:at], changed, *checks[at + 1 :], **facts)
    return before, after, policy


@given(runs(BETTER_FIRST, tuple(Assurance)), st.sampled_from(["quick", "standard", "certified"]))
def test_a_worse_outcome_never_makes_a_better_grade(drawn, mode):
    before, after, policy = drawn
    judged = VerdictPolicy(mode=mode, **policy)
    assert WORST_FIRST.index(judge(after, judged).grade) <= WORST_FIRST.index(judge(before, judged).grade)


@given(runs((Outcome.PASSED, Outcome.SKIPPED)))
def test_a_skip_never_makes_a_better_grade_in_mode_certified(drawn):
    before, after, policy = drawn
    judged = VerdictPolicy(mode="certified", **policy)
    assert WORST_FIRST.index(judge(after, judged).grade) <= WORST_FIRST.index(judge(before, judged).grade)


@given(runs(tuple(Outcome)), st.sampled_from(["standard", "certified"]))
def test_certified_means_that_nothing_evaluated_failed(drawn, mode):
    run, _, policy = drawn
    verdict = judge(run, VerdictPolicy(mode=mode, **policy))
    bad = {Outcome.FAILED, Outcome.ERROR, Outcome.INCONCLUSIVE}
    if verdict.grade is GOOD:
        assert not bad & {check.outcome for check in run.checks}
        assert any(check.outcome is Outcome.PASSED for check in run.checks)
    if any(c.outcome is Outcome.FAILED and c.severity is not MINOR and not c.waived for c in run.checks):
        assert verdict.grade is BAD
    assert verdict.certificate == (verdict.expires_at is not None)
    assert (verdict.grade is CONDITIONAL) == bool(verdict.conditions)
