"""The cards of this phase's checks: one shape for every component."""

from __future__ import annotations

from typing import Any

from certify.model.card import CheckCard
from certify.model.ids import ComponentId, PhaseId, Severity


def card(
    component: ComponentId,
    name: str,
    title: str,
    severity: Severity,
    steps: tuple[str, ...],
    passes_when: str,
    remedy: str,
    **more: Any,
) -> CheckCard:
    """Return the card `component.name` of this phase."""
    return CheckCard(
        id=f"{component.value}.{name}",
        title=title,
        phase=PhaseId.INTEGRATION,
        component=component,
        severity=severity,
        steps=steps,
        passes_when=passes_when,
        remedy=remedy,
        **more,
    )
