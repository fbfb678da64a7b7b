"""Which planted defects turn which check of a broker session red, as proved by the self-test."""

from __future__ import annotations

_TABLE = """
"""


def _parse(table: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    last = ""
    for line in table.strip().splitlines():
        head, colon, rest = line.partition(":")
        if colon:
            last = head.strip()
        found[last] = (*found.get(last, ()), *(rest if colon else line).split())
    return found


TURNS_RED: dict[str, tuple[str, ...]] = _parse(_TABLE)
"""Check → the defects that its card names."""
