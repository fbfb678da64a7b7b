"""Each planted defect turns every check red that claims it, on the mock in its own process."""

from __future__ import annotations

from typing import Any

import pytest

from certify.defects.risk import DEFECTS
from certify.model.ids import Outcome
from certify.phases.orders import OrderDesk
from certify.phases.risk import CHECKS
from certify.phases.risk.desk import RiskDesk
from certify.phases.trial import Trial

CLAIMS: dict[str, list[str]] = {}
for _check in CHECKS:
    for _name in _check.card.defects:
        CLAIMS.setdefault(_name, []).append(_check.card.id)

IMPATIENT = {
    "react_within": "500ms",
    "ready_within": "2s",
    "kill_within": "1500ms",
    "alert_within": "1500ms",
    "max_stale": "1s",
}
PATIENCE_S = 1.5


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for in vain is waited for less long."""
    for function in (Trial.wait, Trial.until, Trial.poll):
        monkeypatch.setattr(function, "__defaults__", (PATIENCE_S,))
    for function in (OrderDesk.place, OrderDesk.cancel, OrderDesk.answer, OrderDesk.filled, RiskDesk.modify):
        monkeypatch.setitem(function.__kwdefaults__, "within_s", PATIENCE_S)


@pytest.mark.parametrize("name", [defect.name for defect in DEFECTS])
def test_a_planted_defect_turns_the_checks_red_that_claim_it(name: str, run_checks: Any) -> None:
    found = run_checks(CLAIMS[name], defect=name, parameters=IMPATIENT, max_stale_ms=500)
    wrong = {id_: (f.outcome.value, f.message) for id_, f in found.items() if f.outcome is not Outcome.FAILED}
    assert not wrong
    assert set(found) == set(CLAIMS[name])
