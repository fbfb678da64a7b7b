"""The checks of the phase `risk`."""

from __future__ import annotations

from certify.phases.api import Check
from certify.phases.risk import order_limits, position_limits

CHECKS: tuple[Check, ...] = (
    *order_limits.CHECKS,
    *position_limits.CHECKS,
)
"""In the order in which they run."""
