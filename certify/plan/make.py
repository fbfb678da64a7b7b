"""Makes the plan: which checks, in which order, with which parameters, held to which policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from certify.errors import UsageError
from certify.model.card import CheckCard
from certify.model.ids import ComponentId, PhaseId, Severity
from certify.model.judgement import AcceptedFailure, VerdictPolicy
from certify.model.results import ProfileRef, Scope, Subject
from certify.plan.backends import backend_plans
from certify.plan.decide import Ground, decision, gateways_of
from certify.plan.facts import SystemFacts
from certify.plan.model import Plan, PlannedCheck
from certify.profile.model import Profile
from certify.profile.near import unknown


def make_plan(
    profile: Profile,
    cards: Sequence[CheckCard],
    facts: Mapping[str, SystemFacts],
    *,
    phases: Sequence[str] = (),
    only: Sequence[str] = (),
    subject: Subject,
    today: date,
) -> Plan:
    """Return the plan of a run.

    Args:
        profile: what to certify and how.
        cards: the catalogue, in its order.
        facts: key of a `BackendPlan` → what was found of it; a backend that is missing here was not
            looked at, and nothing is decided by what it cannot do.
        phases: the phases asked for; none: all of the profile.
        only: the checks asked for; none: all.
        subject: what is certified.
        today: the day that waivers are held against.

    Raises:
        UsageError: an unknown or excluded phase or check, an expired waiver, nothing in scope.
    """
    backends = backend_plans(profile)
    ground = Ground(
        profile=profile,
        facts=facts,
        backend_of={port: b.key for b in backends for port in b.ports},
        gateways={port: b.gateway for b in backends for port in b.ports if b.gateway is not None},
    )
    whole = _in_scope(ground, cards)
    chosen = _chosen(profile, cards, whole, phases, only)
    waived = _waived(profile, today)
    return Plan(
        profile=ProfileRef(name=profile.name, digest=profile.digest),
        subject=subject,
        seed=profile.seed,
        mode=profile.mode.value,
        scope=_scope(profile),
        backends=backends,
        instruments=profile.instruments,
        checks=tuple(_planned(card, ground, waived) for card in chosen),
        performance=profile.performance,
        safety=profile.safety,
        limits=dict(profile.limits),
        policy=_policy(profile),
        partial_selection=len(chosen) < len(whole),
    )


def _in_scope(ground: Ground, cards: Sequence[CheckCard]) -> list[CheckCard]:
    """Return the cards of the profile's phases and components: phases in order, then the catalogue's.

    Those of a broker's gateway only where one stands behind their ports.
    """
    profile = ground.profile
    scope = {*profile.components, ComponentId.CERTIFY.value}
    return [
        card
        for phase in PhaseId
        if phase.value in profile.phases
        for card in cards
        if card.phase is phase
        and card.component.value in scope
        and (not card.gateway or any(True for _ in gateways_of(card, ground)))
    ]


def _chosen(
    profile: Profile,
    cards: Sequence[CheckCard],
    whole: list[CheckCard],
    phases: Sequence[str],
    only: Sequence[str],
) -> list[CheckCard]:
    """Return what was asked for; a name that would select nothing is refused."""
    for phase in phases:
        if phase not in tuple(PhaseId):
            raise UsageError(unknown("phase", phase, tuple(PhaseId)))
        if phase not in profile.phases:
            raise UsageError(f"phase {phase} is not run by profile {profile.name!r}")
    ids = {card.id for card in whole}
    for name in only:
        if name not in {card.id for card in cards}:
            raise UsageError(unknown("check", name, sorted(card.id for card in cards)))
        if name not in ids:
            raise UsageError(
                f"check {name} is out of scope: its phase, component or gateway is not in the profile"
            )
    chosen = [
        card for card in whole if (not phases or card.phase in phases) and (not only or card.id in only)
    ]
    if (phases or only) and not chosen:
        raise UsageError("no check belongs to the phases and checks asked for")
    return chosen


def _waived(profile: Profile, today: date) -> frozenset[str]:
    """Return the checks under a waiver that still holds; an expired one is refused, not overlooked."""
    for waiver in profile.policy.waivers:
        if date.fromisoformat(waiver.expires) < today:
            raise UsageError(
                f"the waiver of {waiver.check!r} expired on {waiver.expires}: renew it or take it out"
            )
    return frozenset(waiver.check for waiver in profile.policy.waivers)


def _planned(card: CheckCard, ground: Ground, waived: frozenset[str]) -> PlannedCheck:
    override = ground.profile.policy.checks.get(card.id)
    severity = Severity(override.severity) if override and override.severity else card.severity
    decided, reason = decision(card, ground) or (None, "")
    return PlannedCheck(
        id=card.id,
        title=card.title,
        phase=card.phase,
        component=card.component,
        severity=severity,
        parameters=_parameters(card, ground.profile),
        decided=decided,
        reason=reason,
        waived=card.id in waived,
    )


def _parameters(card: CheckCard, profile: Profile) -> dict[str, str]:
    """Return the card's defaults, overlaid by the profile's for phase and component, then for the check."""
    override = profile.policy.checks.get(card.id)
    given = {
        **profile.parameters.get(f"{card.phase}.{card.component}", {}),
        **(override.parameters if override else {}),
    }
    return {parameter.name: given.get(parameter.name, parameter.default) for parameter in card.parameters}


def _scope(profile: Profile) -> Scope:
    components = {port: spec.backend for port, spec in profile.components.items()}
    return Scope(components=components, out_of_scope=dict(profile.out_of_scope))


def _policy(profile: Profile) -> VerdictPolicy:
    policy = profile.policy
    return VerdictPolicy(
        mode=profile.mode.value,
        validity_days=policy.validity_days,
        conditional_validity_days=policy.conditional_validity_days,
        min_assurance=policy.min_assurance,
        min_phase_score=dict(policy.min_phase_score),
        waivers=tuple(
            AcceptedFailure(
                check=waiver.check,
                reason=waiver.reason,
                approved_by=waiver.approved_by,
                expires=waiver.expires,
            )
            for waiver in policy.waivers
        ),
    )
