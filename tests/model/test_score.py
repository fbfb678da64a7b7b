"""Scores: by headroom, weighted by severity, and silent about what is not known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.model.ids import ComponentId, Outcome, PhaseId, Severity
from certify.model.measure import Bound, Measurement, headroom_score
from certify.model.results import CheckResult
from certify.model.score import check_score, phase_score, readiness_score


def check(score: float | None, severity: Severity) -> CheckResult:
    return CheckResult(
        id="a",
        title="t",
        phase=PhaseId.RISK,
        component=ComponentId.RISK,
        severity=severity,
        outcome=Outcome.PASSED,
        message="",
        score=score,
    )


def measured(**values: float) -> tuple[Measurement, ...]:
    return tuple(Measurement(name=name, value=value, unit="ms") for name, value in values.items())


@pytest.mark.parametrize(
    ("value", "op", "limit", "score"),
    [
        (25.0, "<", 50.0, 100.0),
        (40.0, "<", 50.0, 85.0),
        (49.9, "<", 50.0, 70.0),
        (50.0, "<", 50.0, 0.0),
        (50.0, "<=", 50.0, 70.0),
        (1000.0, ">", 500.0, 100.0),
        (625.0, ">", 500.0, 85.0),
        (501.0, ">", 500.0, 70.0),
        (500.0, ">", 500.0, 0.0),
        (0.0, "<=", 0.0, 100.0),
        (1.0, "==", 1.0, 100.0),
        (float("nan"), "<", 50.0, 0.0),
    ],
)
def test_headroom(value, op, limit, score):
    assert headroom_score(value, Bound(name="x", op=op, value=limit, unit="ms")) == score


def test_a_check_earns_by_its_tightest_limit():
    limits = tuple(Bound(name=name, op="<", value=100.0, unit="ms") for name in ("a", "b"))
    assert check_score(Outcome.PASSED, measured(a=10.0, b=75.0), limits) == 85.0
    assert check_score(Outcome.PASSED, measured(a=10.0, b=95.0), limits) == 70.0


def test_a_check_without_limits_is_all_or_nothing():
    assert check_score(Outcome.PASSED, measured(a=1.0), ()) == 100.0
    assert check_score(Outcome.FAILED, measured(a=1.0), ()) == 0.0


def test_a_failure_earns_nothing_even_within_its_limits():
    limits = (Bound(name="a", op="<", value=100.0, unit="ms"),)
    assert check_score(Outcome.FAILED, measured(a=1.0), limits) == 0.0


@pytest.mark.parametrize("outcome", [o for o in Outcome if not o.evaluated])
def test_what_was_not_evaluated_has_no_score(outcome):
    assert check_score(outcome, (), ()) is None


def test_a_phase_weighs_by_severity():
    checks = [check(100.0, Severity.CRITICAL), check(0.0, Severity.MAJOR), check(0.0, Severity.MINOR)]
    assert phase_score(checks) == 55.6
    assert phase_score([*checks, check(None, Severity.CRITICAL)]) == 55.6


def test_nothing_known_is_no_score():
    assert phase_score([]) is None
    assert phase_score([check(None, Severity.MAJOR)]) is None
    assert readiness_score([]) is None
    assert readiness_score([None, None]) is None


def test_readiness_is_the_mean_of_what_is_known():
    assert readiness_score([100.0, None, 50.0]) == 75.0


scores = st.lists(st.tuples(st.floats(0, 100), st.sampled_from(Severity)), min_size=1)


@given(scores)
def test_a_mean_lies_between_its_ends(rows):
    found = phase_score([check(score, severity) for score, severity in rows])
    assert found is not None
    assert min(row[0] for row in rows) - 0.05 <= found <= max(row[0] for row in rows) + 0.05
    assert found == round(found, 1)
