"""The cards are complete, and cards and planted defects know each other."""

from __future__ import annotations

import pytest

from certify.defects import all_defects
from certify.defects.trading import DEFECTS
from certify.model.capabilities import CAPABILITIES
from certify.model.ids import PhaseId
from certify.phases.api import Check
from certify.phases.trading import CHECKS, ORDER_BEHAVIOURS, order_checks
from certify.phases.trading.family import BROKER, EXECUTION
from certify.phases.trading.red import TURNS_RED

NAMES = {check.card.id for check in CHECKS}
CLAIMED = {name for names in TURNS_RED.values() for name in names}
METHODS = ("inject", "disconnect", "reconnect")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.card.id)
def test_every_card_is_complete(check: Check) -> None:
    card = check.card
    assert card.phase is PhaseId.TRADING
    assert card.steps
    assert all(
        text.strip() for text in (card.title, card.passes_when, card.remedy, *card.steps, *card.references)
    )
    assert card.references
    assert set(card.needs) <= set(CAPABILITIES)
    assert all(name.partition(".")[2] in METHODS for name in card.methods)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.card.id)
def test_every_check_names_a_defect_that_turns_it_red(check: Check) -> None:
    assert check.card.defects
    assert set(check.card.defects) <= set(all_defects())


def test_every_id_is_used_once() -> None:
    assert len(NAMES) == len(CHECKS)


def test_the_table_names_checks_that_there_are() -> None:
    assert set(TURNS_RED) <= NAMES


def test_every_planted_defect_of_the_phase_is_claimed() -> None:
    assert [defect.name for defect in DEFECTS if defect.name not in CLAIMED] == []


def test_what_breaks_links_or_kills_is_marked() -> None:
    cutting = [
        check.card
        for check in CHECKS
        if any(name.endswith("disconnect") for name in check.card.methods)
        or "orders.restart" in check.card.needs
    ]
    assert cutting
    assert all(card.destructive for card in cutting)


def test_a_family_asks_its_own_port_for_its_methods() -> None:
    on_broker = {check.card.id: check.card for check in order_checks(BROKER, ORDER_BEHAVIOURS)}
    on_execution = {check.card.id: check.card for check in order_checks(EXECUTION, ORDER_BEHAVIOURS)}
    assert "broker.disconnect" in on_broker["broker.fill_while_down"].methods
    assert "execution.disconnect" in on_execution["execution.fill_while_down"].methods
