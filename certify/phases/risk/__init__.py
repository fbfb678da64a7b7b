"""The checks of the phase `risk`."""

from __future__ import annotations

from certify.phases.api import Check
from certify.phases.risk import flow_limits, kill, order_limits, position_limits, settings

CHECKS: tuple[Check, ...] = (
    *settings.CHECKS,
    *order_limits.CHECKS,
    *position_limits.CHECKS,
    *flow_limits.CHECKS,
    *kill.CHECKS,
    *settings.SLOW_CHECKS,
    *kill.SLOW_CHECKS,
)
"""In the order in which they run."""
