"""The checks of the phase `risk`."""

from __future__ import annotations

from certify.phases.api import Check
from certify.phases.risk import (
    alert_life,
    alerts,
    figures,
    flow_limits,
    kill,
    loss,
    order_limits,
    position_limits,
    reduce_only,
    settings,
)

CHECKS: tuple[Check, ...] = (
    *alerts.CHECKS,
    *alert_life.CHECKS,
    *figures.CHECKS,
    *settings.CHECKS,
    *order_limits.CHECKS,
    *position_limits.CHECKS,
    *flow_limits.CHECKS,
    *kill.CHECKS,
    *reduce_only.CHECKS,
    *settings.SLOW_CHECKS,
    *kill.SLOW_CHECKS,
    *loss.SLOW_CHECKS,
    *alerts.SLOW_CHECKS,
    *alert_life.SLOW_CHECKS,
    *loss.LAST_CHECKS,
)
"""In the order in which they run."""
