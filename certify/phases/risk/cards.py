"""How the cards of the phase `risk` are made, and the parameters that they share."""

from __future__ import annotations

from typing import Any

from certify.model.card import CheckCard, Parameter
from certify.model.ids import ComponentId, PhaseId, Severity
from certify.phases.risk.red import TURNS_RED

CRITICAL, MAJOR, MINOR = Severity.CRITICAL, Severity.MAJOR, Severity.MINOR
SLOW = ("standard", "certified")
SET_MARKET = ("market_data.inject",)

ALERT_WITHIN = Parameter(
    name="alert_within", default="5s", text="from the event to its alert; prescribed by RTS 6 Art. 16(5)"
)
KILL_WITHIN = Parameter(
    name="kill_within", default="5s", text="from the kill to the end of the last working order; ours"
)
READY_WITHIN = Parameter(name="ready_within", default="15s", text="how long trading may take to come back")
REACT_WITHIN = Parameter(
    name="react_within", default="5s", text="how long after a loss new orders may still be taken; ours"
)


def risk_card(
    name: str,
    title: str,
    severity: Severity,
    *,
    steps: tuple[str, ...],
    passes_when: str,
    remedy: str,
    ports: tuple[str, ...] = ("risk", "execution"),
    **more: Any,
) -> CheckCard:
    """Return the card `risk.name`."""
    return _card(ComponentId.RISK, name, title, severity, steps, passes_when, remedy, ports=ports, **more)


def monitor_card(
    name: str,
    title: str,
    severity: Severity,
    *,
    steps: tuple[str, ...],
    passes_when: str,
    remedy: str,
    ports: tuple[str, ...] = ("trade_monitor",),
    **more: Any,
) -> CheckCard:
    """Return the card `trade_monitor.name`."""
    return _card(
        ComponentId.TRADE_MONITOR, name, title, severity, steps, passes_when, remedy, ports=ports, **more
    )


def _card(
    component: ComponentId,
    name: str,
    title: str,
    severity: Severity,
    steps: tuple[str, ...],
    passes_when: str,
    remedy: str,
    **more: Any,
) -> CheckCard:
    full = f"{component.value}.{name}"
    return CheckCard(
        id=full,
        title=title,
        phase=PhaseId.RISK,
        component=component,
        severity=severity,
        steps=steps,
        passes_when=passes_when,
        remedy=remedy,
        defects=TURNS_RED.get(full, ()),
        **more,
    )
