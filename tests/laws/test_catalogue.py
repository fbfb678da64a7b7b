"""The catalogue as a whole: every card complete, checks and planted defects paired."""

from __future__ import annotations

import re

import pytest

from certify.defects import all_defects
from certify.model.capabilities import CAPABILITIES
from certify.model.ids import ComponentId, PhaseId
from certify.phases.api import Check
from certify.phases.catalogue import CATALOGUE
from certify.profile.kinds import ANY_TEXT, like

DEFECTS = all_defects()
FAMILIES = {
    "ledger": {"execution"},  # the laws of orders, over every port
    "paper": {"paper_trading"},
    "performance": {"execution", "market_data", "certify"},
}
"""Names that begin with something else than their component."""
NEVER_RED = {"performance.null_test"}
"""It measures the tool alone, and ends `inconclusive` where the machine is not fit: never a failure."""


def of_each_card(test: object) -> object:
    return pytest.mark.parametrize("check", CATALOGUE, ids=lambda check: check.card.id)(test)


@of_each_card
def test_its_card_says_all_that_a_reader_needs(check: Check) -> None:
    card = check.card
    texts = [card.title, card.passes_when, card.remedy, card.not_applicable_when]
    texts += [*card.steps, *card.references]
    assert card.steps
    assert card.references
    assert all(text.strip() for text in texts)
    assert "\n" not in card.remedy


@of_each_card
def test_its_name_is_dotted_and_begins_with_its_component(check: Check) -> None:
    family, _, what = check.card.id.partition(".")
    assert re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)*", what)
    assert check.card.component in FAMILIES.get(family, {family})


@of_each_card
def test_a_planted_defect_that_there_is_turns_it_red(check: Check) -> None:
    assert check.card.defects or check.card.id in NEVER_RED
    assert set(check.card.defects) <= set(DEFECTS)


@of_each_card
def test_it_needs_only_capabilities_that_a_system_can_declare(check: Check) -> None:
    assert set(check.card.needs) <= set(CAPABILITIES)


@of_each_card
def test_its_parameters_can_be_read_as_they_are_written(check: Check) -> None:
    for parameter in check.card.parameters:
        pattern = like(parameter.default).json.get("pattern")
        assert pattern is None or re.fullmatch(pattern, parameter.default), parameter
        assert parameter.text.strip()
        counted = re.fullmatch(r"[0-9.]+[a-z%/]+", parameter.default)
        assert counted is None or like(parameter.default) is not ANY_TEXT, parameter


def test_every_name_is_used_once() -> None:
    names = [check.card.id for check in CATALOGUE]
    assert len(names) == len(set(names))


def test_every_defect_is_claimed_by_a_card() -> None:
    claimed = {name for check in CATALOGUE for name in check.card.defects}
    assert sorted(set(DEFECTS) - claimed) == []


def test_every_component_and_every_phase_is_looked_at() -> None:
    assert len(CATALOGUE) >= 50
    assert {check.card.component for check in CATALOGUE} == set(ComponentId)
    assert {check.card.phase for check in CATALOGUE} == set(PhaseId)
