"""Which defect is planted in which profile: the first that can carry it and holds a check that claims it.

Pure: what each profile can carry and which checks it holds are given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from certify.cli.selftest.matrix import Case, LeftOut
from certify.errors import UsageError
from certify.model.ids import Outcome
from certify.plan import Plan
from certify.profile.model import Profile

STANDARD = ("staging", "ibkr-sim")
"""The profiles that together carry every defect."""
CARRIED: Mapping[str, frozenset[str]] = {
    "mock": frozenset({"system", "venue", "tool"}),
    "ibkr": frozenset({"system", "gateway", "ib", "tool"}),
}
"""Backend → the kinds of defects that a profile with it alone can carry."""
NEEDS = {
    "system": "a reference platform",
    "venue": "a platform with the venue in its own process (backend mock)",
    "ib": "backend ibkr",
    "gateway": "backend ibkr with an embedded gateway",
    "tool": "any run",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A profile as the self-test sees it."""

    name: str
    carries: frozenset[str]
    out: Mapping[str, str]
    """Check → why this profile does not ask it."""


def carried(profile: Profile) -> frozenset[str]:
    """Return the kinds of defects that can be planted in a profile's systems.

    Raises:
        UsageError: a component is not a reference platform, or its gateway is not the tool's own.
    """
    backends = {
        spec.backend if spec.backend != "ibkr" or spec.gateway else "ibkr at a gateway of its own"
        for spec in profile.components.values()
    }
    if len(backends) == 1 and (kinds := CARRIED.get(next(iter(backends)))):
        return kinds
    raise UsageError(
        f"profile {profile.name!r}: defects are planted in the reference platform: expected backend mock "
        f"alone, or ibkr with an embedded gateway alone, was {', '.join(sorted(backends)) or 'none'}"
    )


def stage_of(profile: Profile, plan: Plan) -> Stage:
    """Return the stage that the plan of the healthy system shows: what it decides beforehand is not asked."""
    decided = {check.id: check.reason for check in plan.checks if check.decided in _NOT_ASKED}
    return Stage(name=profile.name, carries=carried(profile), out=decided)


_NOT_ASKED = (Outcome.NOT_APPLICABLE, Outcome.SKIPPED)


def share_out(
    cases: Sequence[Case], stages: Sequence[Stage], known: Mapping[str, frozenset[str]]
) -> tuple[tuple[Case, ...], tuple[LeftOut, ...]]:
    """Return the cases with the profile that each is tried in, and what is left out of all of them.

    A claim is tried once, in the first stage that carries the defect and asks the check. A defect that nobody
    claims stays with the first that carries it.

    Args:
        cases: what is to be planted, in the order of the defects.
        stages: the profiles, the preferred ones first.
        known: stage → the checks in its scope.
    """
    placed: list[Case] = []
    left: list[LeftOut] = []
    for case in cases:
        open_claims = list(case.claimed_by)
        for stage in (stage for stage in stages if case.where in stage.carries):
            here = tuple(c for c in open_claims if c in known[stage.name] and c not in stage.out)
            if here or not case.claimed_by:
                placed.append(replace(case, profile=stage.name, claimed_by=here))
                open_claims = [c for c in open_claims if c not in here]
            if not open_claims:
                break
        left.extend(_left(case, tuple(open_claims), stages))
    order = [stage.name for stage in stages]
    return tuple(sorted(placed, key=lambda case: order.index(case.profile))), tuple(left)


def _left(case: Case, claims: tuple[str, ...], stages: Sequence[Stage]) -> Iterator[LeftOut]:
    able = [stage for stage in stages if case.where in stage.carries]
    if not able:
        yield LeftOut(defect=case.defect, why=f"needs {NEEDS[case.where]}", checks=claims)
    elif claims:
        reasons = dict.fromkeys(_reason(check, able) for check in claims)
        yield LeftOut(defect=case.defect, why="; ".join(reasons), checks=claims)


def _reason(check: str, stages: Sequence[Stage]) -> str:
    said = next((stage.out[check] for stage in stages if check in stage.out), None)
    return f"{check}: {said or 'not in scope'}"
