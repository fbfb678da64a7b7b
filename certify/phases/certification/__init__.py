"""Is the evidence complete, and is the system as it was found? The last look before the verdict."""

from __future__ import annotations

from certify.phases.api import Check
from certify.phases.certification import evidence, leftovers

CHECKS: tuple[Check, ...] = (*leftovers.CHECKS, *evidence.CHECKS)
"""In the order in which they run."""
