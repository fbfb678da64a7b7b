"""The matrix of the self-test as plain values: what was planted, what turned red, what it amounts to.

Pure: no run, no terminal. Only `failed` counts as caught: a check that broke, could not measure or was
not run has not seen the defect.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from certify.errors import UsageError
from certify.model.card import CheckCard
from certify.model.ids import Outcome
from certify.model.results import RunResult
from certify.profile.near import unknown

ALARMS = (Outcome.FAILED, Outcome.ERROR)
"""What no check may say of a healthy system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One defect, and the checks whose cards say that it turns them red."""

    defect: str
    text: str
    where: str
    """What it is planted in: `system`, `venue`, `ib`, `gateway` or `tool`."""
    claimed_by: tuple[str, ...]
    profile: str = ""
    """The profile whose systems it is planted in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A defect that was not tried, or not with all the checks that claim it."""

    defect: str
    why: str
    checks: tuple[str, ...] = ()
    """The claims that were not tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a check said."""

    check: str
    outcome: Outcome
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """What became of one planted defect."""

    case: Case
    said: tuple[Said, ...] = ()
    """Of every check that was run, in the order of the plan."""
    problem: str = ""
    """Why the run did not come to its end; empty when it did."""
    took_s: float = 0.0
    unfit: frozenset[str] = frozenset()
    """Claiming checks of the tool's own fitness: their red is `inconclusive`."""

    @property
    def caught_by(self) -> tuple[str, ...]:
        """The claiming checks that turned red."""
        red = {
            said.check
            for said in self.said
            if said.outcome is (Outcome.INCONCLUSIVE if said.check in self.unfit else Outcome.FAILED)
        }
        return tuple(check for check in self.case.claimed_by if check in red)

    @property
    def missed_by(self) -> tuple[Said, ...]:
        """The claiming checks that did not, with what they said instead."""
        known = {said.check: said for said in self.said}
        return tuple(
            known.get(check) or Said(check=check, outcome=Outcome.SKIPPED, message=self.problem or "not run")
            for check in self.case.claimed_by
            if check not in self.caught_by
        )

    @property
    def also_red(self) -> tuple[str, ...]:
        """Checks that turned red without claiming the defect; known only where all checks were run."""
        claimed = set(self.case.claimed_by)
        return tuple(s.check for s in self.said if s.outcome is Outcome.FAILED and s.check not in claimed)

    @property
    def unmeasured(self) -> bool:
        """Whether a claiming check could not measure: worth another try on a quieter machine."""
        return any(said.outcome is Outcome.INCONCLUSIVE for said in self.missed_by)

    @property
    def ok(self) -> bool:
        """Whether the defect is claimed, and every claim came true."""
        return bool(self.caught_by) and not self.missed_by


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedResult:
    """The healthy system under one seed."""

    seed: int
    profile: str = ""
    checks: int = 0
    """How many checks were evaluated."""
    alarms: tuple[Said, ...] = ()
    problem: str = ""
    took_s: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether something was evaluated and nothing was said against the system."""
        return not self.alarms and not self.problem and self.checks > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The whole self-test."""

    cases: tuple[CaseResult, ...] = ()
    seeds: tuple[SeedResult, ...] = ()
    never_red: tuple[str, ...] = ()
    """Checks whose card names no planted defect: nobody has seen them fail."""
    without_defect: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Defect that a card names and that is not there → those cards."""
    left_out: tuple[LeftOut, ...] = ()
    """What the profile that was asked for cannot show."""
    whole: bool = False
    """Whether everything was asked for: then nothing may be left out."""

    @property
    def caught(self) -> int:
        """How many defects at least one claiming check has caught."""
        return sum(bool(result.caught_by) for result in self.cases)

    @property
    def proven(self) -> frozenset[str]:
        """The checks that were seen red."""
        return frozenset(check for result in self.cases for check in result.caught_by)

    @property
    def ok(self) -> bool:
        """Whether every claim came true, every check can go red, and no healthy run was failed."""
        complete = not self.never_red and not self.without_defect and not (self.whole and self.left_out)
        return complete and all(r.ok for r in self.cases) and all(s.ok for s in self.seeds)


def make_cases(
    defects: Mapping[str, tuple[str, str]],
    cards: Sequence[CheckCard],
    *,
    only: Iterable[str],
    checks: Iterable[str],
) -> tuple[Case, ...]:
    """Return what is to be planted, in the order of the defects.

    Args:
        defects: name → (text, where).
        cards: the catalogue.
        only: the defects asked for; none: all.
        checks: the checks asked for; none: all. A defect that none of them claims is left out.

    Raises:
        UsageError: no such defect, no such check.
    """
    wanted, held = set(only), set(checks)
    _refuse_unknown("defect", wanted, defects)
    _refuse_unknown("check", held, [card.id for card in cards])
    found = []
    for name, (text, where) in defects.items():
        claims = tuple(card.id for card in cards if name in card.defects and (not held or card.id in held))
        if (not wanted or name in wanted) and (claims or not held):
            found.append(Case(defect=name, text=text, where=where, claimed_by=claims))
    return tuple(found)


def _refuse_unknown(what: str, wanted: Iterable[str], known: Iterable[str]) -> None:
    names = sorted(known)
    for name in sorted(wanted):
        if name not in names:
            raise UsageError(unknown(what, name, names))


def gaps(
    defects: Iterable[str], cards: Sequence[CheckCard]
) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Return the checks without any planted defect, and the defects that only cards know."""
    known = set(defects)
    never_red = tuple(card.id for card in cards if not known & set(card.defects))
    missing = sorted({name for card in cards for name in card.defects} - known)
    return never_red, {name: tuple(c.id for c in cards if name in c.defects) for name in missing}


def said_in(result: RunResult) -> tuple[Said, ...]:
    """Return what every check of a run said."""
    return tuple(Said(check=c.id, outcome=c.outcome, message=c.message) for c in result.checks)


def seed_result(seed: int, profile: str, result: RunResult, problem: str) -> SeedResult:
    """Return what a healthy run amounts to."""
    said = said_in(result)
    return SeedResult(
        seed=seed,
        profile=profile,
        checks=sum(s.outcome.evaluated for s in said),
        alarms=tuple(s for s in said if s.outcome in ALARMS),
        problem=problem,
    )


def as_json(matrix: Matrix) -> dict[str, Any]:
    """Return the matrix for programs, schema `certify/self-test/1`."""
    return {
        "schema": "certify/self-test/1",
        "ok": matrix.ok,
        "totals": {
            "defects": len(matrix.cases),
            "caught": matrix.caught,
            "checks_seen_red": len(matrix.proven),
            "checks_never_red": len(matrix.never_red),
            "healthy_runs": len(matrix.seeds),
            "false_alarms": sum(len(seed.alarms) for seed in matrix.seeds),
            "left_out": len(matrix.left_out),
        },
        "defects": [_case_json(result) for result in matrix.cases],
        "left_out": [
            {"defect": left.defect, "why": left.why, "checks": list(left.checks)} for left in matrix.left_out
        ],
        "never_red": list(matrix.never_red),
        "defects_not_there": {name: list(cards) for name, cards in matrix.without_defect.items()},
        "healthy": [
            {
                "seed": s.seed,
                "profile": s.profile,
                "ok": s.ok,
                "checks": s.checks,
                "problem": s.problem,
                "alarms": _said_json(s.alarms),
            }
            for s in matrix.seeds
        ],
    }


def _case_json(result: CaseResult) -> dict[str, Any]:
    return {
        "defect": result.case.defect,
        "text": result.case.text,
        "where": result.case.where,
        "profile": result.case.profile,
        "ok": result.ok,
        "claimed_by": list(result.case.claimed_by),
        "caught_by": list(result.caught_by),
        "missed_by": _said_json(result.missed_by),
        "also_red": list(result.also_red),
        "problem": result.problem,
    }


def _said_json(said: Iterable[Said]) -> list[dict[str, str]]:
    return [{"check": s.check, "outcome": s.outcome.value, "message": s.message} for s in said]
