"""The checks of the phase `integration`."""

from __future__ import annotations

from certify.phases.api import Check

CHECKS: tuple[Check, ...] = ()
"""In the order in which they run."""
