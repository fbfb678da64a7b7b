"""Systems over the TWS API that no check was tuned to: no false alarm, and defects of theirs are caught.

The whole table is `python tests/unseen/ib_systems/run_ib.py`; what it showed is in `docs/detection.md`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("ib_insync")
sys.path.insert(0, str(Path(__file__).parent / "ib_systems"))

import ib_lab
import ib_mutants
import lab

HEALTHY = {  # a selection that takes seconds
    "bot": (
        "broker.account_adds_up",
        "broker.missed_fill_recovered",
        "broker.warnings_harmless",
        "broker.corrected_execution",
        "execution.average_price",
        "execution.fills_through_silence",
    ),
    "mill": (
        "market_data.same_as_gateway",
        "broker.order_survives_reset",
        "broker.pacing_kept",
        "broker.refused_change_keeps_order",
        "broker.duplicate_execution",
        "execution.cash",
    ),
    "warden": ("risk.max_order_qty", "risk.kill_blocks_orders", "trade_monitor.resolve"),
}
SAMPLE = {  # mutant -> the check that must turn red
    "status_of_the_library_believed": "broker.reject_is_reject",
    "local_times": "broker.execution_times",
    "every_notice_alarms": "market_data.good_news",
    "cancels_everybodys": "execution.others_left_alone",
    "no_throttle": "broker.pacing_kept",
}


@pytest.mark.parametrize("name", sorted(HEALTHY))
def test_a_healthy_system_raises_no_alarm(name: str, tmp_path: Path) -> None:
    checks = lab.outcomes(ib_lab.certify(name, tmp_path, checks=HEALTHY[name]))
    words = {what: f"{check['outcome']}: {check['message']}" for what, check in checks.items()}
    assert set(HEALTHY[name]) <= set(checks)
    assert {what: text for what, text in words.items() if not text.startswith("passed")} == {}


@pytest.mark.parametrize("name", sorted(SAMPLE))
def test_a_mutant_is_caught(name: str, tmp_path: Path) -> None:
    asked = SAMPLE[name]
    checks = lab.outcomes(ib_lab.certify(ib_mutants.MUTANTS[name][0], tmp_path, mutant=name, checks=(asked,)))
    assert checks[asked]["outcome"] == "failed", checks[asked]


def test_every_mutant_says_what_is_wrong_and_where_it_must_show() -> None:
    assert len(ib_mutants.MUTANTS) >= 50
    for name, (system, _, text, group) in ib_mutants.MUTANTS.items():
        assert system in ib_lab.SYSTEMS, name
        assert text, name
        assert ib_mutants.GROUPS[group].split(), name
