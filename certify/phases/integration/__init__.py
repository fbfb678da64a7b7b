"""Market data and broker connectivity: is what arrives right, and does it come back after a fault?"""

from __future__ import annotations

from certify.phases.api import Check
from certify.phases.integration import aftermath, feed, registry, session_checks, tape_checks

CHECKS: tuple[Check, ...] = (
    *feed.CHECKS[:1],
    *tape_checks.CHECKS,
    *feed.CHECKS[1:],
    *session_checks.CHECKS,
    *registry.CHECKS,
    *aftermath.CHECKS,
)
"""In the order in which they run: the tape is taken first, before anything is disturbed."""
