"""What a system was found to be, before the plan is made."""

from __future__ import annotations

from dataclasses import dataclass, field

from certify.model.ids import Assurance
from certify.model.trading import Environment, SystemInfo

_ASSURANCE = {
    Environment.SIMULATED: Assurance.SIMULATED,
    Environment.PAPER: Assurance.PAPER,
    Environment.LIVE: Assurance.LIVE,
}


def assurance_of(environment: Environment) -> Assurance:
    """Return what evidence from this environment is worth."""
    return _ASSURANCE[Environment(environment)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemFacts:
    """One backend's own words, and what its host found by inspection."""

    info: SystemInfo
    methods: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Port → the methods it has; a port that is missing is not there."""

    @property
    def assurance(self) -> Assurance:
        """What evidence from this system is worth."""
        return assurance_of(self.info.environment)

    def has(self, port: str) -> bool:
        """Return whether the system has this port."""
        return port in self.methods

    def reason_against(self, capability: str) -> str | None:
        """Return the system's reason for not having a capability; a bare `False` is no reason."""
        claim = self.info.capabilities.get(capability, True)
        return claim.strip() or None if isinstance(claim, str) else None
