"""What the cards of the broker session say, and that each check can be seen red."""

from __future__ import annotations

import pytest

from certify.defects import all_defects
from certify.model.ids import PhaseId
from certify.phases.api import Check
from certify.phases.broker_session import CHECKS, INTEGRATION, TRADING
from certify.phases.catalogue import BY_ID


@pytest.mark.parametrize("each", CHECKS, ids=lambda each: str(each.card.id))
def test_each_check_commands_a_simulated_gateway_and_names_a_defect(each: Check) -> None:
    assert each.card.gateway == "simulated"
    assert each.card.references
    assert each.card.defects
    assert set(each.card.defects) <= set(all_defects())
    assert BY_ID[each.card.id] is each


def test_phases_are_kept_apart() -> None:
    assert {each.card.phase for each in INTEGRATION} == {PhaseId.INTEGRATION}
    assert {each.card.phase for each in TRADING} == {PhaseId.TRADING}
    assert len({each.card.id for each in CHECKS}) == len(CHECKS) >= 42
