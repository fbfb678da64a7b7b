"""`certify self-test`."""

from __future__ import annotations


def self_test() -> None:
    """Being written."""
