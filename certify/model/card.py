"""A check's card: everything about a check but its code."""

from __future__ import annotations

from dataclasses import dataclass

from certify.model.ids import ComponentId, Outcome, PhaseId, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A value of a check that a profile may set."""

    name: str
    default: str
    """As written in a profile, with its unit: `5s`, `2%`, `20`."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckCard:
    """Identity, meaning and limits of one check."""

    id: str
    """Dotted and stable: `component.what`."""
    title: str
    """What is true of the system when it passes, in one sentence."""
    phase: PhaseId
    component: ComponentId
    severity: Severity
    steps: tuple[str, ...]
    passes_when: str
    remedy: str
    """What to do when it fails, in one line."""
    needs: tuple[str, ...] = ()
    """Capability flags (`orders.modify`) without which it is not applicable."""
    ports: tuple[str, ...] = ()
    """Ports that must be there; default: the component's own."""
    methods: tuple[str, ...] = ()
    """Optional methods (`market_data.inject`) without which it is not applicable."""
    parameters: tuple[Parameter, ...] = ()
    not_applicable_when: str = "the system declares, with a reason, that it cannot do this"
    references: tuple[str, ...] = ()
    """Rules, specifications and catalogue rows that it is evidence for."""
    defects: tuple[str, ...] = ()
    """Planted defects that turn it red."""
    red: Outcome = Outcome.FAILED
    """What a defect turns it into: `inconclusive` where it judges the tool's fitness, not the system."""
    modes: tuple[str, ...] = ("quick", "standard", "certified")
    destructive: bool = False
    """Whether it breaks links or kills processes on purpose: never against a live account."""
    gateway: str = ""
    """`any`: only where an Interactive Brokers gateway stands behind its ports, a real or a simulated one;
    `simulated`: only the simulated one, whose faults it commands; empty: wherever its component is."""
