"""docs/checks.md says what the cards say, and every card names a defect that there is."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from certify.defects import all_defects
from certify.model.card import CheckCard
from certify.phases.catalogue import cards

ROOT = Path(__file__).parents[2]


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_made_from_the_cards() -> None:
    shown = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8").splitlines()
    made = script("make_checks").page().splitlines()
    different = [pair for pair in zip(shown, made, strict=False) if pair[0] != pair[1]][:1]
    assert (len(shown), different) == (len(made), []), "docs/checks.md is out of date: run `make docs`"


@pytest.mark.parametrize("page", ["README.md", "docs/adapter.md"])
def test_the_tables_are_made_from_the_code(page: str) -> None:
    shown = (ROOT / page).read_text(encoding="utf-8")
    tables = script("make_tables")
    assert len(tables.BLOCK.findall(shown)) == 3
    made = tables.filled(shown).splitlines()
    different = [line for line in made if line not in shown.splitlines()][:3]
    assert different == [], f"{page} is out of date: run `make docs`"
    assert shown.splitlines() == made


def test_there_are_checks() -> None:
    assert len(cards()) >= 50


@pytest.mark.parametrize("card", cards(), ids=lambda card: card.id)
def test_every_card_names_a_defect_that_there_is(card: CheckCard) -> None:
    assert card.defects, "a check that nobody has seen fail is not in the catalogue"
    assert set(card.defects) <= set(all_defects())
