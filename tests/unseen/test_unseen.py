"""Systems that no check was tuned to: no false alarm on the healthy ones, and their mutants are caught.

The whole table is `python tests/unseen/run_all.py`; what it showed is in `docs/detection.md`.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import lab  # noqa: E402
import mutants  # noqa: E402

SAMPLE = {  # mutant -> the checks that are run, the last of which must turn red
    "unsubscribe_ignored": ("market_data.unsubscribe",),
    "time_in_milliseconds": ("market_data.clock",),
    "price_rounded": ("execution.off_tick",),
    "leaves_never_change": ("execution.displayed_size", "ledger.quantities"),
    "exec_id_of_the_order": ("execution.displayed_size", "ledger.exec_ids"),
    "ioc_rests": ("execution.ioc_unfilled",),
    "cash_without_commission": ("execution.cash",),
    "size_off_by_one": ("risk.max_order_qty",),
    "kill_does_not_block": ("risk.kill_blocks_orders",),
    "trail_rewritten": ("trade_monitor.resolve",),
}


@pytest.mark.parametrize("name", [name for name, system in lab.SYSTEMS.items() if not system.elsewhere])
def test_a_healthy_system_raises_no_alarm(name: str, tmp_path: Path) -> None:
    checks = lab.outcomes(lab.certify(name, tmp_path, mode="quick", load=False))
    unwanted = {
        what: f"{check['outcome']}: {check['message']}"
        for what, check in checks.items()
        if check["outcome"] not in ("passed", "not_applicable", "skipped")
    }
    assert unwanted == {}
    assert sum(check["outcome"] == "passed" for check in checks.values()) > 20


@pytest.mark.parametrize("name", sorted(SAMPLE))
def test_a_mutant_is_caught(name: str, tmp_path: Path) -> None:
    asked = SAMPLE[name]
    system = mutants.MUTANTS[name][0]
    checks = lab.outcomes(lab.certify(system, tmp_path, mutant=name, load=False, checks=asked))
    assert checks[asked[-1]]["outcome"] == "failed", checks[asked[-1]]


def test_every_mutant_says_what_is_wrong_and_where_it_must_show() -> None:
    for name, (system, _, text, where) in mutants.MUTANTS.items():
        assert system in lab.SYSTEMS, name
        assert text, name
        assert where, name


def test_the_systems_are_there() -> None:
    for system in lab.SYSTEMS.values():
        place = HERE / "systems" / system.adapter
        spec = importlib.util.spec_from_file_location(place.stem, place)
        assert spec is not None
        assert "def create(ctx)" in place.read_text(encoding="utf-8")
