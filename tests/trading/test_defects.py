"""Every planted defect of the phase turns the checks red that claim it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from certify.defects.api import Defect
from certify.defects.trading import DEFECTS
from certify.model.ids import Outcome
from certify.phases.inbox import Inbox
from certify.phases.trading import CHECKS
from certify.phases.trial import Trial

from .conftest import Setup, run_checks

LONG_ENOUGH_S = 2.0
"""The platform answers at once: who has said nothing by then will not."""


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    wait, poll = Inbox.wait, Trial.poll

    def short_wait(self: Inbox, look: Callable[[], Any], within_s: float) -> Any:
        return wait(self, look, min(within_s, LONG_ENOUGH_S))

    def short_poll(self: Trial, look: Callable[[], Any], text: str, within_s: float = LONG_ENOUGH_S) -> Any:
        return poll(self, look, text, min(within_s, LONG_ENOUGH_S))

    monkeypatch.setattr(Inbox, "wait", short_wait)
    monkeypatch.setattr(Trial, "poll", short_poll)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_planted_defect_is_caught_by_each_check_that_claims_it(tmp_path: Path, defect: Defect) -> None:
    claims = [check.card.id for check in CHECKS if defect.name in check.card.defects]
    assert claims
    run = run_checks(tmp_path, Setup(options={"defect": defect.name}), claims)
    missed = {name: run.finished[name].message for name in claims if run.outcome(name) is not Outcome.FAILED}
    assert missed == {}
