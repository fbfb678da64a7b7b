"""Which checks of the plan are decided before it runs, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from certify.adapter.contract import PORTS
from certify.model.card import CheckCard
from certify.model.ids import ComponentId, Outcome, PhaseId
from certify.model.trading import Environment
from certify.plan.facts import SystemFacts
from certify.plan.model import GatewayPlan
from certify.profile.model import Profile

Decision = tuple[Outcome, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What decisions are made on."""

    profile: Profile
    facts: Mapping[str, SystemFacts]
    backend_of: Mapping[str, str]
    """Port in scope → key of the backend that answers for it."""
    gateways: Mapping[str, GatewayPlan] = field(default_factory=dict)
    """Port in scope → the gateway behind it; a port that is missing has none."""

    def of(self, port: str) -> SystemFacts | None:
        """Return the facts of the system behind a port, when it was looked at."""
        return self.facts.get(self.backend_of.get(port, ""))


def decision(card: CheckCard, ground: Ground) -> Decision | None:
    """Return the outcome that is already known, with its reason; `None`: the check is run.

    What a system cannot do comes before what the profile leaves out: it says more. The checks of
    the framework phase always look for the ports themselves: a missing one is their finding.
    """
    rules: tuple[Callable[[CheckCard, Ground], Decision | None], ...] = (
        _out_of_scope,
        _real_gateway,
        _missing_port,
        _declared,
        _missing_method,
        _mode,
        _skipped,
        _destructive,
        _load,
    )
    return next((found for rule in rules if (found := rule(card, ground)) is not None), None)


def ports_of(card: CheckCard) -> tuple[str, ...]:
    """Return the ports that a check works with: those of its card, else its component's own."""
    if card.ports:
        return card.ports
    return () if card.component is ComponentId.CERTIFY else (card.component.value,)


def gateways_of(card: CheckCard, ground: Ground) -> Iterator[GatewayPlan]:
    """Yield the gateways behind a check's ports; behind everything, for a check of the tool's own."""
    for port in ports_of(card) or PORTS:
        if port in ground.gateways:
            yield ground.gateways[port]


def _real_gateway(card: CheckCard, ground: Ground) -> Decision | None:
    if card.gateway != "simulated" or any(plan.embedded for plan in gateways_of(card, ground)):
        return None
    return (
        Outcome.NOT_APPLICABLE,
        "it commands faults of a simulated gateway, and this one is not the tool's own",
    )


def _out_of_scope(card: CheckCard, ground: Ground) -> Decision | None:
    for port in ports_of(card):
        if port not in ground.profile.components:
            why = ground.profile.out_of_scope.get(port, "not in the profile")
            return Outcome.NOT_APPLICABLE, f"needs {port}, which is out of scope: {why}"
    return None


def _missing_port(card: CheckCard, ground: Ground) -> Decision | None:
    if card.phase is PhaseId.FRAMEWORK:
        return None
    for port in ports_of(card):
        facts = ground.of(port)
        if facts is not None and not facts.has(port):
            return Outcome.NOT_APPLICABLE, f"the system has no port {port}"
    return None


def _systems(card: CheckCard, ground: Ground) -> Iterator[SystemFacts]:
    """Yield what stands behind the check's ports; behind everything, for a check of the tool's own."""
    for port in ports_of(card) or PORTS:
        facts = ground.of(port)
        if facts is not None:
            yield facts


def _declared(card: CheckCard, ground: Ground) -> Decision | None:
    for facts in _systems(card, ground):
        for capability in card.needs:
            reason = facts.reason_against(capability)
            if reason is not None:
                return Outcome.NOT_APPLICABLE, f"the system declares {capability}: {reason}"
    return None


def _missing_method(card: CheckCard, ground: Ground) -> Decision | None:
    for name in card.methods:
        port, _, method = name.partition(".")
        facts = ground.of(port)
        if port not in ground.profile.components:
            return Outcome.NOT_APPLICABLE, f"needs {name}, and {port} is out of scope"
        if facts is not None and method not in facts.methods.get(port, ()):
            return Outcome.NOT_APPLICABLE, f"the system has no method {name}"
    return None


def _mode(card: CheckCard, ground: Ground) -> Decision | None:
    mode = ground.profile.mode.value
    return None if mode in card.modes else (Outcome.SKIPPED, f"not in mode {mode}")


def _skipped(card: CheckCard, ground: Ground) -> Decision | None:
    override = ground.profile.policy.checks.get(card.id)
    if override is None or override.skip is None:
        return None
    return Outcome.SKIPPED, f"the profile skips it: {override.skip}"


def _destructive(card: CheckCard, ground: Ground) -> Decision | None:
    if card.destructive and _live(card, ground):
        return Outcome.SKIPPED, "it breaks links on purpose: never against a live account"
    return None


def _load(card: CheckCard, ground: Ground) -> Decision | None:
    if card.phase is PhaseId.PERFORMANCE and _live(card, ground):
        return Outcome.SKIPPED, "it puts load on the system: never against a live account"
    return None


def _live(card: CheckCard, ground: Ground) -> bool:
    return any(facts.info.environment is Environment.LIVE for facts in _systems(card, ground))
