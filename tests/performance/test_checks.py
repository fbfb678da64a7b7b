"""The checks of the phase on the mock in its own process, healthy and with each planted defect."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from certify.defects import all_defects
from certify.defects.performance import DEFECTS
from certify.model.card import CheckCard
from certify.model.events import LawBroken, LoadFinished, LoadProgress, Observed
from certify.model.ids import Outcome
from certify.phases.api import Stopped
from certify.phases.performance import CHECKS
from certify.profile.model import LoadLevel, Safety

QUICK = LoadLevel(name="quick", duration_s=1.0, warmup_s=0.2, orders_per_s=60.0, market_data_per_s=30.0)
NAMES = [check.card.id.split(".")[1] for check in CHECKS]
CAUGHT_BY = {defect: check.card for check in CHECKS for defect in check.card.defects}
PATIENCE_S = 0.7


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is found out sooner, so that the tests need not wait for it."""
    for module in ("levels", "aftermath"):
        monkeypatch.setattr(f"certify.phases.performance.{module}.TIMEOUT_S", PATIENCE_S)


@pytest.mark.alone
def test_a_healthy_system_passes_and_its_figures_are_published(bench: Any) -> None:
    levels = (QUICK, replace(QUICK, name="random", arrival="poisson", market_data_per_s=0.0))
    with bench(levels=levels) as made:
        found = {name: made.check(name) for name in NAMES}
        assert {name: f.message for name, f in found.items() if f.outcome is Outcome.FAILED} == {}
        assert found["no_lost_orders"].outcome is found["order_laws"].outcome is Outcome.PASSED
        assert found["flat_after_load"].outcome is Outcome.PASSED
        finished = [event.load for event in made.events if isinstance(event, LoadFinished)]
        assert [(load.level, load.stream) for load in finished] == [
            ("quick", "orders"), ("quick", "market_data"), ("random", "orders"),
        ]  # fmt: skip
        orders = finished[0]
        assert orders.sent == orders.completed == 60
        assert orders.histogram
        assert orders.resources.rss_mb > 1
        assert any(isinstance(event, LoadProgress) for event in made.events)
        assert not any(isinstance(event, LawBroken) for event in made.events)
        listed = [event for event in made.events if isinstance(event, Observed)]
        assert len(listed) < 30  # the load's own orders are in the ledger, not line by line in the journal
        assert made.ledger.bulks[0].ended_count == 72


@pytest.mark.alone
@pytest.mark.parametrize("name", [defect.name for defect in DEFECTS])
def test_every_planted_defect_turns_its_check_red(name: str, bench: Any, impatient: None) -> None:
    card = CAUGHT_BY[name]
    level = LEVELS.get(name, QUICK)
    with bench(levels=(level,), thresholds=THRESHOLDS, defect=name) as made:
        finding = made.check(card.id.split(".")[1])
    red = Outcome.INCONCLUSIVE if card.component.value == "certify" else Outcome.FAILED
    if "waiting for a processor" in finding.message or "could not hold" in finding.message:
        red = Outcome.INCONCLUSIVE  # this machine is too busy to blame the system: still no pass
    assert finding.outcome is red, finding.message


THRESHOLDS = ("orders.latency.p50 < 100ms", "orders.latency.p90 < 100ms")
BUSY = replace(QUICK, orders_per_s=200.0)
LEVELS = {
    "leak": replace(BUSY, duration_s=2.0),
    "quadratic_scan": replace(QUICK, orders_per_s=150.0),
    "periodic_stall": replace(BUSY, duration_s=2.0),
    "position_lost_under_load": BUSY,
    "interpreter_hog": replace(QUICK, duration_s=2.0),
}


@pytest.mark.alone
def test_a_crash_under_load_fails_the_checks_and_hangs_nothing(tmp_path: Any, bench: Any) -> None:
    adapter = tmp_path / "dying.py"
    adapter.write_text(
        "import os\n"
        "from certify.backends.mock import create as make\n"
        "def create(ctx):\n"
        "    platform = make(ctx)\n"
        "    submit, seen = platform.execution.submit, []\n"
        "    def dying(order):\n"
        "        seen.append(order)\n"
        "        os._exit(9) if len(seen) > 30 else submit(order)\n"
        "    platform.execution.submit = dying\n"
        "    return platform\n"
    )
    with bench(levels=(QUICK,), adapter=f"{adapter}:create") as made:
        first, second = made.check("orders_levels"), made.check("no_lost_orders")
        assert first.outcome is second.outcome is Outcome.FAILED
        assert "exit code 9" in first.message
        assert made.session.unwell
        assert not made.session.quiet


def test_a_stop_ends_the_load_in_order(bench: Any) -> None:
    with bench(levels=(replace(QUICK, duration_s=600.0),)) as made:
        made.shared.publish = Stopper(made)
        with pytest.raises(Stopped):
            made.check("orders_levels")
        made.stopping.clear()
        assert made.session.call("system", "health").alive  # the generator has let go of the worker
        assert made.session.binary_listener is None


class Stopper:
    """Asks for a stop as soon as the first figures of a load are there."""

    def __init__(self, made: Any) -> None:
        self.made = made

    def __call__(self, event: Any) -> None:
        if isinstance(event, LoadProgress):
            self.made.stopping.set()


def test_the_safety_caps_hold_for_loads_too(bench: Any) -> None:
    for safety in (
        Safety(max_orders=50), Safety(max_messages_per_s=20.0), Safety(max_order_notional=Decimal("0.5")),
    ):  # fmt: skip
        with bench(levels=(QUICK,), safety=safety) as made:
            finding = made.check("orders_levels")
            assert finding.outcome is Outcome.INCONCLUSIVE
            assert "cap" in finding.message
            assert made.ledger.bulks == []


def test_without_levels_there_is_nothing_to_say(bench: Any) -> None:
    with bench(levels=()) as made:
        assert {made.check(name).outcome for name in NAMES} == {Outcome.INCONCLUSIVE}


def test_every_card_is_whole() -> None:
    cards: list[CheckCard] = [check.card for check in CHECKS]
    assert len({card.id for card in cards}) == len(cards)
    for card in cards:
        assert card.steps
        assert card.passes_when
        assert card.remedy
        assert card.references
    assert set(CAUGHT_BY) >= {defect.name for defect in DEFECTS}
    assert set(CAUGHT_BY) <= set(all_defects())  # one of them is the tool's own
