"""The names a profile may use that are not its own: checks and their parameters.

The catalogue lies above the profile in the layers; whoever loads a profile hands these in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from certify.model.card import CheckCard


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Known checks and parameters."""

    checks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Check → its parameters → default as written."""
    parameters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """`phase.component` → its parameters → default as written."""

    @classmethod
    def of(cls, cards: Iterable[CheckCard]) -> Vocabulary:
        """Return the vocabulary of a catalogue."""
        checks: dict[str, dict[str, str]] = {}
        parameters: dict[str, dict[str, str]] = {}
        for card in cards:
            defaults = {parameter.name: parameter.default for parameter in card.parameters}
            checks[card.id] = defaults
            parameters.setdefault(f"{card.phase}.{card.component}", {}).update(defaults)
        return cls(checks=checks, parameters=parameters)
