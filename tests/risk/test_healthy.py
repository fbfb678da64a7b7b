"""No healthy system is failed: over seeds, with late answers, other words, other sizes and small caps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from certify.model.ids import Outcome
from certify.phases.risk import CHECKS

ALL = [check.card.id for check in CHECKS]
SLOW = (
    "trade_monitor.alert_stale_data",
    "risk.max_order_rate_recovers",
    "risk.cancels_never_throttled",
)
QUICK = [name for name in ALL if name not in SLOW]


def outcomes(found: dict[str, Any], *expected: Outcome) -> dict[str, tuple[str, str]]:
    """Return what did not come out as expected."""
    return {
        name: (event.outcome.value, event.message)
        for name, event in found.items()
        if event.outcome not in expected
    }


@pytest.mark.parametrize("seed", [2, 3, 4, 5, 6])
def test_the_reference_platform_passes_whatever_the_seed(seed: int, run_checks: Any) -> None:
    found = run_checks(ALL if seed == 2 else QUICK, seed=seed)
    assert outcomes(found, Outcome.PASSED) == {}


def test_a_system_of_other_habits_is_not_failed(run_checks: Any) -> None:
    adapter = f"{Path(__file__).with_name('other_system.py')}:create"
    found = run_checks(ALL, backend="python", adapter=adapter, settings=NO_PAPER)
    assert outcomes(found, Outcome.PASSED, Outcome.NOT_APPLICABLE) == {}
    assert sum(event.outcome is Outcome.PASSED for event in found.values()) > 40


NO_PAPER = ("components.paper_trading=null", "components.broker_framework=null")

FUTURES = (
    "instruments=[{id: ESZ6.CME, kind: FUT, currency: USD, tick: '0.25', lot: 1, multiplier: 50}]",
    "phases.risk.limits.max_order_notional=5000000",
)
COINS = ("instruments=[{id: XRPEUR.HOUSE, kind: CRYPTO, currency: USD, tick: '0.0001', lot: '0.001'}]",)
ROUND_LOTS = ("instruments=[{id: HK5.HKEX, kind: STK, currency: USD, tick: '0.05', lot: 100}]",)
SMALL_CAPS = ("safety.max_order_qty=100", "safety.max_order_notional=25000", "safety.max_messages_per_s=45")


@pytest.mark.parametrize(
    "settings", [FUTURES, COINS, ROUND_LOTS, SMALL_CAPS], ids=["futures", "coins", "lots", "caps"]
)
def test_other_instruments_and_caps_fail_nothing(settings: tuple[str, ...], run_checks: Any) -> None:
    found = run_checks(QUICK, settings=settings)
    bad = outcomes(found, Outcome.PASSED, Outcome.NOT_APPLICABLE, Outcome.INCONCLUSIVE)
    assert bad == {}
    assert sum(event.outcome is Outcome.PASSED for event in found.values()) > 40
