"""The cards of the checks of a broker session: one shape, and the parameters that they share."""

from __future__ import annotations

from functools import partial
from typing import Any

from certify.model.card import CheckCard, Parameter
from certify.model.ids import ComponentId, PhaseId, Severity
from certify.phases.broker_session.red import TURNS_RED

CRITICAL, MAJOR, MINOR = Severity.CRITICAL, Severity.MAJOR, Severity.MINOR
SLOW = ("standard", "certified")
NO_GATEWAY = (
    "no simulated gateway runs behind the system (`gateway: embedded`), "
    "or it declares, with a reason, that it cannot do this"
)

SAID_WITHIN = Parameter(name="said_within", default="15s", text="how long a system may take to say it")
BACK_WITHIN = Parameter(
    name="back_within", default="30s", text="how long a session or its data may take to come back"
)
FOUND_WITHIN = Parameter(
    name="found_within",
    default="45s",
    text="how long a silent link may be taken for a live one",
)
SILENT_FOR = Parameter(name="silent_for", default="2s", text="how long to look for what must not come")


def session_card(
    component: ComponentId,
    phase: PhaseId,
    name: str,
    title: str,
    severity: Severity,
    *,
    steps: tuple[str, ...],
    passes_when: str,
    remedy: str,
    **more: Any,
) -> CheckCard:
    """Return the card `component.name` of a check that needs a simulated gateway to command."""
    full = f"{component.value}.{name}"
    return CheckCard(
        id=full,
        title=title,
        phase=phase,
        component=component,
        severity=severity,
        steps=steps,
        passes_when=passes_when,
        remedy=remedy,
        defects=TURNS_RED.get(full, ()),
        gateway="simulated",
        **{"modes": SLOW, "not_applicable_when": NO_GATEWAY, **more},
    )


feed_card = partial(session_card, ComponentId.MARKET_DATA, PhaseId.INTEGRATION)
"""Makes the card `market_data.…` of the phase `integration`."""
link_card = partial(session_card, ComponentId.BROKER, PhaseId.INTEGRATION)
"""Makes the card `broker.…` of the phase `integration`."""
framework_card = partial(session_card, ComponentId.BROKER_FRAMEWORK, PhaseId.INTEGRATION)
"""Makes the card `broker_framework.…` of the phase `integration`."""
order_card = partial(session_card, ComponentId.BROKER, PhaseId.TRADING)
"""Makes the card `broker.…` of the phase `trading`: what is said of one order."""
path_card = partial(session_card, ComponentId.EXECUTION, PhaseId.TRADING)
"""Makes the card `execution.…` of the phase `trading`: orders through restarts and broken links."""
monitor_card = partial(session_card, ComponentId.TRADE_MONITOR, PhaseId.TRADING)
"""Makes the card `trade_monitor.…` of the phase `trading`."""
