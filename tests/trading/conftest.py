"""Running checks of the phase `trading` for real: a system in its own process, the engine, the journal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from certify.engine.bench import Bench
from certify.engine.runner import execute
from certify.model.events import CheckFinished, Event, Note
from certify.model.ids import Mode, Outcome, PhaseId
from certify.model.results import Subject
from certify.model.trading import Instrument
from certify.phases.trading import CHECKS
from certify.plan.backends import backend_plans
from certify.plan.facts import SystemFacts
from certify.plan.make import make_plan
from certify.profile.model import ComponentSpec, Profile, Safety, SubjectSpec

BY_ID = {check.card.id: check for check in CHECKS}
RUN_ID = "20260105T000000Z-test-0000"
PORTS = ("market_data", "broker", "execution", "paper_trading", "risk", "trade_monitor")


@dataclass
class Run:
    """What became of the checks of one run."""

    events: list[Event] = field(default_factory=list)

    @property
    def finished(self) -> dict[str, CheckFinished]:
        return {e.id: e for e in self.events if isinstance(e, CheckFinished)}

    @property
    def notes(self) -> list[str]:
        return [e.text for e in self.events if isinstance(e, Note)]

    def outcome(self, name: str) -> Outcome:
        return self.finished[name].outcome

    def not_passed(self) -> dict[str, str]:
        return {
            e.id: f"{e.outcome.value}: {e.message}"
            for e in self.finished.values()
            if e.outcome is not Outcome.PASSED
        }


@dataclass(frozen=True)
class Setup:
    """A system to try the checks on."""

    backend: str = "mock"
    adapter: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    instruments: tuple[Instrument, ...] = (Instrument("AAPL.NASDAQ"), Instrument("MSFT.NASDAQ"))
    ports: tuple[str, ...] = PORTS
    seed: int = 1
    limits: Mapping[str, Decimal] = field(default_factory=dict)
    safety: Safety = Safety()
    search_paths: tuple[str, ...] = ()

    def profile(self) -> Profile:
        spec = ComponentSpec(backend=self.backend, adapter=self.adapter, options=dict(self.options))
        return Profile(
            name="test",
            path="test.yaml",
            digest="sha256:0",
            subject=SubjectSpec(name="test"),
            components=dict.fromkeys(self.ports, spec),
            instruments=self.instruments,
            mode=Mode.CERTIFIED,
            seed=self.seed,
            phases=(PhaseId.TRADING.value,),
            limits=dict(self.limits),
            safety=self.safety,
        )


def run_checks(place: Path, setup: Setup, only: Iterable[str] = ()) -> Run:
    """Run the trading checks, or some, on a system in its own process."""
    profile = setup.profile()
    with Bench(backend_plans(profile), place / "logs", setup.search_paths) as bench:
        bench.launch()
        facts = {
            session.backend.key: SystemFacts(info=session.info, methods=session.facts.methods)
            for session in bench.sessions
        }
        plan = make_plan(
            profile,
            [check.card for check in CHECKS],
            facts,
            only=tuple(only),
            subject=Subject(name="test", version="1", digest="sha256:0"),
            today=dt.date(2026, 1, 5),
        )
        place.mkdir(parents=True, exist_ok=True)
        return Run(list(execute(plan, bench, run_id=RUN_ID, run_dir=place, catalogue=BY_ID)))


@pytest.fixture
def try_checks(tmp_path: Path) -> Callable[..., Run]:
    """Run checks on a system and return what became of them."""

    def run(setup: Setup = Setup(), only: Iterable[str] = ()) -> Run:
        return run_checks(tmp_path, setup, only)

    return run
