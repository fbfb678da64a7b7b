"""Healthy systems are never failed: the reference platform, and systems that work quite differently."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from certify.model.ids import Outcome
from certify.model.trading import Instrument
from certify.profile.model import Safety

from .conftest import Setup, run_checks

HERE = str(Path(__file__).parent)
TIGHT = {
    "max_order_qty": Decimal(500),
    "max_order_notional": Decimal(100_000),
    "max_position_qty": Decimal(1000),
    "max_order_rate": Decimal(50),
    "max_daily_loss": Decimal(2500),
    "price_band": Decimal(5),
}
CAPS = Safety(
    max_order_qty=Decimal(100), max_order_notional=Decimal(25_000), max_orders=5000, max_messages_per_s=45.0
)


WIDE = Safety(max_order_qty=Decimal(10_000), max_order_notional=Decimal(10_000_000))


def toy(style: str, instrument: Instrument, price: str) -> Setup:
    return Setup(
        backend="python",
        adapter="toys:create",
        options={"style": style, "price": price},
        instruments=(instrument,),
        ports=("market_data", "execution"),
        search_paths=(HERE,),
        safety=WIDE,
    )


SETTABLE = toy("settable", Instrument("ES.CME", "STK", "USD", Decimal("0.25"), Decimal(1)), "4000")
LIVE = toy("live", Instrument("BTC.X", "CRYPTO", "USD", Decimal("0.1"), Decimal("0.001")), "300")
ROUND_LOTS = toy("settable", Instrument("7203.TSE", "STK", "JPY", Decimal(5), Decimal(100)), "2000")


def test_every_check_passes_on_the_reference_platform(tmp_path: Path) -> None:
    run = run_checks(tmp_path, Setup(seed=11))
    assert run.not_passed() == {}
    assert run.notes == []


def test_tight_limits_and_a_slow_venue_fail_nothing(tmp_path: Path) -> None:
    setup = Setup(options={"order_latency_ms": 20}, limits=TIGHT, safety=CAPS, seed=12)
    assert run_checks(tmp_path, setup).not_passed() == {}


@pytest.mark.parametrize("setup", [SETTABLE, LIVE, ROUND_LOTS], ids=["settable", "live", "round_lots"])
def test_no_false_alarm_on_a_system_that_does_things_its_own_way(tmp_path: Path, setup: Setup) -> None:
    run = run_checks(tmp_path, setup)
    odd = {
        name: text
        for name, text in run.not_passed().items()
        if run.outcome(name) is not Outcome.NOT_APPLICABLE
    }
    assert odd == {}
    passed = sum(finished.outcome is Outcome.PASSED for finished in run.finished.values())
    assert passed > 20
