"""The verdict on a run: the shape of `verdict.json`."""

from __future__ import annotations

from dataclasses import dataclass, field

from certify.model.ids import Assurance, Grade


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the verdict, whether it held, and because of what."""

    id: str
    held: bool
    text: str
    because: tuple[str, ...] = ()
    """What broke it: ids of checks, phases, components."""
    cap: Grade | None = None
    """The best grade that is left when it does not hold; `None`: it bears on no grade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedFailure:
    """A waiver as the verdict knows it: whose failure was accepted, why, by whom, until when."""

    check: str
    reason: str
    approved_by: str
    expires: str
    """ISO date, the last day (UTC) on which it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The grade and the rules that led to it."""

    schema: str = "certify/verdict/1"
    run_id: str
    grade: Grade
    assurance: Assurance
    score: float | None
    phase_scores: dict[str, float] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    conditions: tuple[str, ...] = ()
    """What must be put right, for CONDITIONAL."""
    waivers: tuple[AcceptedFailure, ...] = ()
    """The waivers that the grade hangs on: those of checks that did not pass."""
    valid_from: str | None = None
    expires_at: str | None = None
    certificate: bool = False
    """Whether a certificate may be issued: CERTIFIED or CONDITIONAL, and the whole plan was run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictPolicy:
    """What the verdict is held to; part of the plan, so that it can be recomputed."""

    mode: str = "standard"
    validity_days: int = 90
    conditional_validity_days: int = 30
    min_assurance: Assurance = Assurance.SIMULATED
    min_phase_score: dict[str, float] = field(default_factory=dict)
    waivers: tuple[AcceptedFailure, ...] = ()
    """Every waiver of the profile; which checks they waive is said by the checks themselves."""
