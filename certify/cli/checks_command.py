"""`certify checks`."""

from __future__ import annotations


def checks() -> None:
    """Being written."""
