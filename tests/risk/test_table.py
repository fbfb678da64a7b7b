"""The cards are complete, and cards and planted defects know each other."""

from __future__ import annotations

import pytest

from certify.defects import all_defects
from certify.defects.risk import DEFECTS
from certify.model.capabilities import CAPABILITIES
from certify.model.ids import PhaseId
from certify.phases.api import Check
from certify.phases.risk import CHECKS
from certify.phases.risk.red import TURNS_RED


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.card.id)
def test_every_card_is_complete(check: Check) -> None:
    card = check.card
    assert card.phase is PhaseId.RISK
    assert all(text.strip() for text in (card.title, card.passes_when, card.remedy, *card.steps))
    assert card.references
    assert card.defects
    assert set(card.needs) <= set(CAPABILITIES)
    assert set(card.defects) <= set(all_defects())


def test_every_id_is_used_once_and_the_table_knows_them_all() -> None:
    names = [check.card.id for check in CHECKS]
    assert len(set(names)) == len(names)
    assert set(TURNS_RED) == set(names)


def test_every_planted_defect_is_claimed() -> None:
    claimed = {name for names in TURNS_RED.values() for name in names}
    assert [defect.name for defect in DEFECTS if defect.name not in claimed] == []


def test_only_the_prescribed_limit_is_called_prescribed() -> None:
    texts = {p.name: p.text for check in CHECKS for p in check.card.parameters}
    assert [name for name, text in texts.items() if "prescribed" in text] == ["alert_within"]


def test_what_breaks_links_or_restarts_is_marked() -> None:
    for check in CHECKS:
        cuts = any(name.endswith("disconnect") for name in check.card.methods)
        restarts = "orders.restart" in check.card.needs
        assert check.card.destructive is (cuts or restarts), check.card.id
