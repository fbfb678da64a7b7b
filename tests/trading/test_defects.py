"""Every planted defect of the phase turns the checks red that claim it."""

from __future__ import annotations

from pathlib import Path

import pytest

from certify.defects.api import Defect
from certify.defects.trading import DEFECTS
from certify.model.ids import Outcome
from certify.phases.trading import CHECKS

from .conftest import Setup, run_checks


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_planted_defect_is_caught_by_each_check_that_claims_it(tmp_path: Path, defect: Defect) -> None:
    claims = [check.card.id for check in CHECKS if defect.name in check.card.defects]
    assert claims
    run = run_checks(tmp_path, Setup(options={"defect": defect.name}), claims)
    missed = {name: run.outcome(name) for name in claims if run.outcome(name) is not Outcome.FAILED}
    assert missed == {}
