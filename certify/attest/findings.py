"""What speaks against a certificate: what, where, and in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One reason for refusing a certificate."""

    what: str
    """form, signature, key, expired, not_yet_valid, subject, profile, assurance, digest, journal, plan,
    result, verdict, certificate."""
    where: str
    """The file, with line or path inside: `events.jsonl:12`, `result.json: phases[2].checks[4].outcome`."""
    text: str

    def __str__(self) -> str:
        """Return as `result.json: phases[0].score: expected 100.0, was 90.0`."""
        return f"{self.where}: {self.text}"


def differences(expected: Any, found: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each path at which two JSON values differ, with `expected …, was …`, in the order of the file."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted({*expected, *found}):
            yield from _member(expected, found, key, f"{path}.{key}" if path else str(key))
    elif isinstance(expected, list) and isinstance(found, list):
        for index, (one, other) in enumerate(zip(expected, found, strict=False)):
            yield from differences(one, other, f"{path}[{index}]")
        if len(expected) != len(found):
            yield path, f"expected {len(expected)} entries, was {len(found)}"
    elif type(expected) is not type(found) or expected != found:
        yield path, f"expected {_short(expected)}, was {_short(found)}"


def _member(
    expected: dict[str, Any], found: dict[str, Any], key: str, path: str
) -> Iterator[tuple[str, str]]:
    if key not in found:
        yield path, f"expected {_short(expected[key])}, was missing"
    elif key not in expected:
        yield path, f"expected nothing, was {_short(found[key])}"
    else:
        yield from differences(expected[key], found[key], path)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
