"""Scores from 0 to 100: shown beside the verdict, never the verdict.

A check earns by the headroom to its limits, a phase is the severity-weighted mean of what was
evaluated in it, readiness is the mean of the phases. Every phase weighs the same: the six ask
different questions, and none of them may buy another off by having more checks.
"""

from __future__ import annotations

from collections.abc import Iterable

from certify.model.ids import Outcome
from certify.model.measure import Bound, Measurement, headroom_score
from certify.model.results import CheckResult


def check_score(
    outcome: Outcome, measurements: tuple[Measurement, ...], limits: tuple[Bound, ...]
) -> float | None:
    """Return the lowest headroom score over the limits, 100 without limits, 0 when failed.

    `None` when the check was not evaluated: nothing known is no score, neither a good nor a bad one.
    """
    if not outcome.evaluated:
        return None
    if outcome is Outcome.FAILED:
        return 0.0
    pairs = [(m.value, bound) for bound in limits for m in measurements if m.name == bound.name]
    return min((headroom_score(value, bound) for value, bound in pairs), default=100.0)


def phase_score(checks: Iterable[CheckResult]) -> float | None:
    """Return the severity-weighted mean over the evaluated checks, to 0.1; `None` when there is none."""
    scored = [(check.score, check.severity.weight) for check in checks if check.score is not None]
    weight = sum(weight for _, weight in scored)
    return round(sum(score * weight for score, weight in scored) / weight, 1) if weight else None


def readiness_score(phase_scores: Iterable[float | None]) -> float | None:
    """Return the mean of the phases that have a score, to 0.1; `None` when there is none."""
    scores = [score for score in phase_scores if score is not None]
    return round(sum(scores) / len(scores), 1) if scores else None
