"""Which planted defects turn which check of the phase `trading` red, as proved by the self-test."""

from __future__ import annotations

TURNS_RED: dict[str, tuple[str, ...]] = {}
"""Check id → names in `certify.defects.trading`."""
