"""What differs between two runs: the shape of `certify diff --json` (schema `certify/comparison/1`)."""

from __future__ import annotations

from dataclasses import dataclass

from certify.model.ids import Assurance, Grade, Severity
from certify.model.judgement import AcceptedFailure

COMPARISON_FILE = "comparison.json"
"""Beside a run: what differs from the certificate before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRun:
    """One of the two runs, as far as it is named in a comparison."""

    run_id: str
    finished_at: str
    subject: str
    subject_version: str
    subject_digest: str
    profile: str
    grade: Grade
    assurance: Assurance
    score: float | None
    partial_selection: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckChange:
    """One check whose outcome is other than it was, or still is what it must not be."""

    id: str
    title: str
    severity: Severity
    before: str
    """Its outcome, ` (flaky)` where it needed another try; `not planned` where it was not in the run."""
    after: str
    message: str
    """What the later run says of it; of the earlier one where it is not in the later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureChange:
    """One figure of the load that moved by more than noise explains."""

    level: str
    stream: str
    metric: str
    """`latency.p50`, `latency.p99`, `achieved` or `error_rate`."""
    unit: str
    before: float
    after: float
    before_interval: tuple[float, float] | None
    """Where the figure lies, by the samples that were recorded."""
    after_interval: tuple[float, float] | None
    p_value: float | None
    """That the seconds of both levels come from one distribution (Mann-Whitney, one-sided)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueChange:
    """Something that was said of a run and is said differently of the other."""

    name: str
    before: str
    """Empty where it was not said."""
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What differs between an earlier and a later run."""

    schema: str = "certify/comparison/1"
    before: ComparedRun
    after: ComparedRun
    newly_failing: tuple[CheckChange, ...] = ()
    still_failing: tuple[CheckChange, ...] = ()
    fixed: tuple[CheckChange, ...] = ()
    other_outcomes: tuple[CheckChange, ...] = ()
    worse: tuple[FigureChange, ...] = ()
    better: tuple[FigureChange, ...] = ()
    not_compared: tuple[str, ...] = ()
    """Levels of load whose figures cannot be held against each other, with the reason."""
    new_waivers: tuple[AcceptedFailure, ...] = ()
    ended_waivers: tuple[AcceptedFailure, ...] = ()
    scope: tuple[ValueChange, ...] = ()
    environment: tuple[ValueChange, ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether nothing that counts is other than it was; what was failing still may."""
        changed = (self.newly_failing, self.fixed, self.other_outcomes, self.worse, self.better)
        return not any((*changed, self.new_waivers, self.ended_waivers, self.scope, self.environment))
