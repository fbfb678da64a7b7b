"""Every check that there is."""

from __future__ import annotations

from certify.model.card import CheckCard
from certify.phases import (
    broker_session,
    certification,
    framework,
    integration,
    performance,
    risk,
    trading,
)
from certify.phases.api import Check

CATALOGUE: tuple[Check, ...] = (
    *framework.CHECKS,
    *integration.CHECKS,
    *broker_session.INTEGRATION,
    *broker_session.TRADING,
    *trading.CHECKS,
    *performance.CHECKS,
    *risk.CHECKS,
    *certification.CHECKS,
)
"""In the order of the phases, and in each phase in the order in which they run."""

BY_ID: dict[str, Check] = {check.card.id: check for check in CATALOGUE}


def cards() -> tuple[CheckCard, ...]:
    """Return every card, in order."""
    return tuple(check.card for check in CATALOGUE)
