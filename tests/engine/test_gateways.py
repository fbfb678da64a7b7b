"""A gateway that the tool runs: opened before its system, told to it, healed, refreshed, closed last."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from certify.engine.bench import Bench
from certify.engine.runner import execute
from certify.errors import SystemUnavailable, UsageError
from certify.model.events import CheckFinished, Event, Note, SystemStarted, SystemStopped
from certify.model.ids import ComponentId
from certify.phases import gateway as phases_gateway
from certify.phases.api import Check, Finding, passed
from certify.phases.gateway import GatewayAddress
from certify.phases.trial import Trial
from certify.plan import BackendPlan, GatewayPlan, Plan
from tests.engine.bed import card, plan_of

ADAPTER = """
from certify.adapter import Environment, Health, SystemInfo

class Broker:
    def __init__(self, ctx):
        self.ctx = ctx
    def open_orders(self): return []
    def cancel(self, name, instrument): return self.ctx.config.get("gateway")
    def modify(self, name, qty=None, price=None): (self.ctx.state_dir / "kept").write_text("x")
    def positions(self): return [p.name for p in self.ctx.state_dir.iterdir()]

class Sys:
    def __init__(self, ctx):
        self.broker, self.asked, self.away = Broker(ctx), 0, ctx.config.get("away", 0)
    def describe(self): return SystemInfo(name="toy", version="1", environment=Environment.SIMULATED)
    def health(self):
        self.asked += 1
        return Health(alive=True, connected=self.asked > self.away)

def create(ctx): return Sys(ctx)
"""


class Gateway:
    """Notes what is commanded."""

    def __init__(self, said: list[str], key: str) -> None:
        self.said, self.key = said, key
        self.address = GatewayAddress(host="127.0.0.1", port=4321, control_port=4322, account="DU1")

    def do(self, action: str, **arguments: Any) -> Any:
        self.said.append(" ".join([self.key, action, *map(str, arguments.values())]))
        if action == "nonsense":
            raise UsageError("no action nonsense")
        return {"done": action}

    def fresh(self) -> None:
        self.said.append(f"{self.key} fresh")

    def plant(self, name: str) -> None:
        self.said.append(f"{self.key} plant {name}")

    def close(self) -> None:
        self.said.append(f"{self.key} close")


class Bed:
    """Runs checks over toy systems with gateways that note what happens."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.said: list[str] = []
        (home / "toy_behind.py").write_text(ADAPTER)

    def open(self, backend: BackendPlan) -> Gateway:
        self.said.append(f"{backend.key} open")
        return Gateway(self.said, backend.key)

    def plan(self, *names: str, gateway: bool = True, **options: Any) -> Plan:
        backend = BackendPlan(
            key="toy",
            backend="python",
            ports=("broker",),
            adapter="toy_behind:create",
            options=options,
            gateway=GatewayPlan(kind="embedded") if gateway else None,
        )
        cards = [replace(card(name), component=ComponentId.BROKER) for name in names]
        return replace(plan_of(cards, "create", ""), backends=(backend,))

    def run(self, *bodies: Any, **options: Any) -> list[Event]:
        plan = self.plan(*(body.__name__ for body in bodies), **options)
        catalogue = {
            planned.id: Check(replace(card(body.__name__), component=ComponentId.BROKER), body)
            for planned, body in zip(plan.checks, bodies, strict=True)
        }
        bench = Bench(plan.backends, self.home, (str(self.home),), open_gateway=self.open)
        with bench:
            bench.launch()
            self.said.append("launched")
            return list(execute(plan, bench, run_id="r", run_dir=self.home / "run", catalogue=catalogue))


@pytest.fixture
def bed(tmp_path: Path) -> Bed:
    return Bed(tmp_path)


def outcomes(events: list[Event]) -> list[str]:
    return [f"{e.outcome.value}: {e.message}" for e in events if isinstance(e, CheckFinished)]


def told(trial: Trial) -> Finding:
    return passed(str(trial.call("broker", "cancel", "x", "X")))


def commands(trial: Trial) -> Finding:
    return passed(str(trial.gateway.do("connectivity", state="lost")))


def restarts(trial: Trial) -> Finding:
    trial.call("broker", "modify", "x")
    trial.session("broker").restart("kept")
    kept = trial.call("broker", "positions")
    trial.session("broker").restart("fresh", fresh=True)
    return passed(f"{kept} then {trial.call('broker', 'positions')}")


def nonsense(trial: Trial) -> Finding:
    trial.gateway.do("nonsense")
    return passed("not reached")


def test_the_system_is_told_where_its_gateway_is(bed: Bed) -> None:
    events = bed.run(told)
    address = {"host": "127.0.0.1", "port": 4321, "control_port": 4322, "account": "DU1", "simulated": True}
    assert outcomes(events) == [f"passed: {address}"]
    assert bed.said[:2] == ["toy open", "launched"]
    assert bed.said[-1] == "toy close"
    assert any(isinstance(event, SystemStopped) for event in events)


def test_after_each_check_the_gateway_is_healed(bed: Bed) -> None:
    events = bed.run(commands, told)
    assert outcomes(events)[0] == "passed: {'done': 'connectivity'}"
    work = [word for word in bed.said if word not in ("toy open", "launched")]
    assert work == ["toy connectivity lost", "toy heal", "toy heal", "toy heal", "toy close"]


def test_it_lives_on_over_restarts_and_forgets_only_for_a_fresh_one(bed: Bed) -> None:
    assert outcomes(bed.run(restarts)) == ["passed: ['kept'] then []"]
    assert bed.said.count("toy open") == 1
    assert bed.said.count("toy fresh") == 1


def test_a_command_that_makes_no_sense_breaks_the_check(bed: Bed) -> None:
    (text,) = outcomes(bed.run(nonsense))
    assert text.startswith("error: the check broke: certify.errors.UsageError: no action nonsense")


def test_a_system_that_comes_back_late_is_waited_for(bed: Bed) -> None:
    events = bed.run(told, away=5)
    assert not [event for event in events if isinstance(event, Note)]
    assert sum(isinstance(event, SystemStarted) for event in events) == 1


def test_a_system_that_stays_away_is_replaced(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phases_gateway, "BACK_WITHIN_S", 0.2)
    events = bed.run(told, away=10_000)
    notes = [event.text for event in events if isinstance(event, Note)]
    assert notes[0] == ("toy is replaced: toy is not connected within 0.2 s of its gateway's recovery")
    assert bed.said.count("toy fresh") == 1


def test_without_a_gateway_there_is_nothing_to_command(bed: Bed) -> None:
    (first, second) = outcomes(bed.run(commands, told, gateway=False))
    assert first == "inconclusive: expected a simulated gateway to command, was none in the profile"
    assert second == "passed: None"
    assert bed.said == ["launched"]


def test_a_bench_that_cannot_run_one_says_so(bed: Bed) -> None:
    bench = Bench(bed.plan("x").backends, bed.home, (str(bed.home),))
    with bench, pytest.raises(SystemUnavailable, match="expected a gateway to run"):
        bench.launch()
