"""Which planted defects turn which check of the phase `risk` red, as proved by the tests."""

from __future__ import annotations

TURNS_RED: dict[str, tuple[str, ...]] = {}
"""Check id → names in `certify.defects.risk`."""
