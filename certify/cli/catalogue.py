"""Cards of the catalogue as a person asks for them."""

from __future__ import annotations

from typing import Any

from certify.errors import UsageError
from certify.model import codec
from certify.model.card import CheckCard
from certify.model.ids import PhaseId
from certify.phases.catalogue import cards
from certify.profile.near import unknown


def select(check: str | None, phases: tuple[str, ...]) -> list[CheckCard]:
    """Return one card by its id, or those of the phases; all without either.

    Raises:
        UsageError: there is no such check or phase; names the nearest.
    """
    for phase in phases:
        if phase not in tuple(PhaseId):
            raise UsageError(unknown("phase", phase, tuple(PhaseId)))
    every = cards()
    if check is not None and check not in {card.id for card in every}:
        raise UsageError(unknown("check", check, sorted(card.id for card in every)))
    ordered = [card for phase in PhaseId for card in every if card.phase is phase]
    return [c for c in ordered if (check in (None, c.id)) and (not phases or c.phase.value in phases)]


def card_json(card: CheckCard) -> dict[str, Any]:
    """Return a card for programs."""
    data = codec.encode(card, tag=False)
    assert isinstance(data, dict)  # noqa: S101 - a dataclass is encoded as an object
    return data
