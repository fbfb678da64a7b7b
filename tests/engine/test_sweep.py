"""What an earlier run left in a real account is taken away before the first check, and nothing else is."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from certify.engine.bench import Bench
from certify.engine.runner import execute
from certify.model.events import Event, LawBroken, Note
from certify.model.ids import ComponentId
from certify.model.trading import Side
from certify.phases.api import Check, Finding, passed
from certify.phases.orders import OrderDesk
from certify.phases.trial import Trial
from certify.plan import BackendPlan, Plan
from certify.profile.model import Safety
from tests.engine.bed import card, plan_of

ADAPTER = '''
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from certify.adapter import (
    AccountState, Environment, ExecType, Health, Instrument, OrderUpdate, OrdStatus, Position, Quote, Side,
    SystemInfo,
)

D = Decimal


class Broker:
    """An account in a file: it is there before a run and after it."""

    def __init__(self, ctx, path):
        self.ctx, self.path = ctx, path

    def read(self):
        return json.loads(self.path.read_text())

    def write(self, account):
        self.path.write_text(json.dumps(account))

    def say(self, row, exec_type, status, **more):
        side, qty = Side(row["side"]), D(row["qty"])
        return OrderUpdate(row["id"], row["instrument"], exec_type, status, side, qty, **more)

    def submit(self, order):
        account = self.read()
        row = dict(id=order.client_order_id, instrument=order.instrument)
        row.update(side=order.side.value, qty=str(order.qty))
        if order.price is not None:
            account["open"].append(row)
            self.write(account)
            self.ctx.emit(self.say(row, ExecType.NEW, OrdStatus.NEW, price=order.price, leaves_qty=order.qty))
            return
        row["exec"] = "E%d" % (len(account["fills"]) + 1)
        account["fills"].append(row)
        held = account["held"].get(order.instrument, "0")
        signed = order.qty if order.side is Side.BUY else -order.qty
        account["held"][order.instrument] = str(D(held) + signed)
        self.write(account)
        self.ctx.emit(self.say(row, ExecType.NEW, OrdStatus.NEW, leaves_qty=order.qty))
        self.ctx.emit(self.fill(row))

    def fill(self, row):
        qty = D(row["qty"])
        return self.say(row, ExecType.TRADE, OrdStatus.FILLED, last_qty=qty, last_px=D(10), cum_qty=qty,
                        avg_px=D(10), exec_id=row["exec"])

    def cancel(self, client_order_id, instrument):
        account = self.read()
        for row in list(account["open"]):
            if row["id"] == client_order_id and not row.get("stuck"):
                account["open"].remove(row)
                self.write(account)
                self.ctx.emit(self.say(row, ExecType.CANCELED, OrdStatus.CANCELED))

    def cancel_all(self):
        for row in self.read()["open"]:
            self.cancel(row["id"], row["instrument"])

    def open_orders(self):
        return [self.say(row, ExecType.STATUS, OrdStatus.NEW) for row in self.read()["open"]]

    def executions(self):
        return [self.fill(row) for row in self.read()["fills"]]

    def positions(self):
        return [Position(name, D(qty)) for name, qty in self.read()["held"].items()]

    def account(self):
        return AccountState("DU1", "USD", D(1000), D(1000))


class Feed:
    def __init__(self, ctx):
        self.ctx = ctx

    def subscribe(self, instrument, kinds):
        self.ctx.emit(Quote(instrument, D(10), D(5), D(11), D(5), 1))


class Sys:
    def __init__(self, ctx):
        self.environment = Environment(ctx.config["environment"])
        self.broker = self.execution = Broker(ctx, Path(ctx.config["path"]))
        self.market_data = Feed(ctx)

    def describe(self):
        return SystemInfo(name="toy", version="1", environment=self.environment)

    def health(self):
        return Health(alive=True, connected=True)

    def start(self):
        pass


def create(ctx):
    return Sys(ctx)
'''
OLD = "CT20260102T030405Z0a1b"


def order(name: str, side: str = "BUY", qty: str = "3", **more: Any) -> dict[str, Any]:
    return {"id": name, "instrument": "X", "side": side, "qty": qty, **more}


class Bed:
    """One account over several runs."""

    def __init__(self, home: Path) -> None:
        self.home, self.runs = home, 0
        (home / "toy_account.py").write_text(ADAPTER)
        self.path = home / "account.json"

    def account(self, **content: Any) -> None:
        self.path.write_text(json.dumps({"open": [], "fills": [], "held": {}, **content}))

    @property
    def left(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.path.read_text())
        return found

    def run(self, environment: str = "PAPER", **safety: Any) -> tuple[list[Event], list[str]]:
        self.runs += 1
        the_card = replace(card("looks"), component=ComponentId.BROKER)
        run_dir = self.home / f"run-{self.runs}"
        plan = self._plan(environment, safety)
        catalogue = {the_card.id: Check(the_card, _looks)}
        with Bench(plan.backends, self.home, (str(self.home),)) as bench:
            bench.launch()
            run_id = f"20260301T101010Z-p-000{self.runs}"
            events = list(execute(plan, bench, run_id=run_id, run_dir=run_dir, catalogue=catalogue))
        return events, [event.text for event in events if isinstance(event, Note)]

    def _plan(self, environment: str, safety: dict[str, Any]) -> Plan:
        backend = BackendPlan(
            key="toy",
            backend="python",
            ports=("market_data", "broker", "execution"),
            adapter="toy_account:create",
            options={"environment": environment, "path": str(self.path)},
        )
        plan = plan_of([replace(card("looks"), component=ComponentId.BROKER)], "create", "")
        return replace(plan, backends=(backend,), safety=Safety(**safety))


def _looks(trial: Trial) -> Finding:
    desk = OrderDesk(trial, "broker")
    seen = sorted(desk.open_ids())
    desk.rest(price=Decimal(9))
    desk.fill(Side.BUY, 2)
    return passed(
        f"open at the first check: {', '.join(seen) or 'none'}; ledger {trial.ledger.position('broker', 'X')}"
    )


@pytest.fixture
def bed(tmp_path: Path) -> Bed:
    return Bed(tmp_path)


def message(events: list[Event]) -> str:
    return next(str(event.message) for event in events if hasattr(event, "message"))


def test_tagged_orders_are_cancelled_and_tagged_positions_closed(bed: Bed) -> None:
    bed.account(
        open=[order(f"{OLD}-3"), order("CTA-mine")],
        fills=[
            order(f"{OLD}-1", exec="E1"),
            order(f"{OLD}-2", "SELL", "1", exec="E2"),
            order("mine", exec="E3"),
        ],
        held={"X": "5"},
    )
    events, notes = bed.run()
    assert notes == [
        f"swept: broker: cancelled what an earlier run left working: {OLD}-3",
        "swept: broker: sold 2 X that an earlier run left open",
    ]
    assert message(events) == "open at the first check: CTA-mine; ledger 2"
    assert bed.left["held"] == {"X": "3"}
    assert [row["id"] for row in bed.left["open"]] == ["CTA-mine"]
    assert not [event for event in events if isinstance(event, LawBroken)]
    _, again = bed.run()
    assert again == []


def test_a_short_position_is_bought_back_in_portions_within_the_caps(bed: Bed) -> None:
    bed.account(fills=[order(f"{OLD}-1", "SELL", "5", exec="E1")], held={"X": "-5"})
    _, notes = bed.run(max_order_qty=Decimal(2))
    assert notes == ["swept: broker: bought back 5 X that an earlier run left open"]
    assert bed.left["held"] == {"X": "0"}
    bought = [row["qty"] for row in bed.left["fills"] if row["side"] == "BUY"]
    assert bought[:3] == ["2", "2", "1"]


@pytest.mark.parametrize("held", ["0", "-4"])
def test_what_somebody_closed_already_is_not_traded(bed: Bed, held: str) -> None:
    bed.account(fills=[order(f"{OLD}-1", exec="E1")], held={"X": held})
    _, notes = bed.run()
    assert notes == []
    assert Decimal(bed.left["held"]["X"]) == Decimal(held)


def test_never_more_than_is_held(bed: Bed) -> None:
    bed.account(fills=[order(f"{OLD}-1", qty="9", exec="E1")], held={"X": "4"})
    _, notes = bed.run()
    assert notes == ["swept: broker: sold 4 X that an earlier run left open"]


def test_an_order_that_does_not_go_is_said(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certify.engine.sweep.TIDY_PATIENCE_S", 0.2)
    bed.account(open=[order(f"{OLD}-3", stuck=True)])
    events, notes = bed.run()
    assert f"swept: broker: still working since an earlier run: {OLD}-3" in notes
    assert message(events).startswith(f"open at the first check: {OLD}-3")


def test_a_simulated_account_is_left_alone(bed: Bed) -> None:
    bed.account(open=[order(f"{OLD}-3")], fills=[order(f"{OLD}-1", exec="E1")], held={"X": "3"})
    _, notes = bed.run("SIMULATED")
    assert not [note for note in notes if note.startswith("swept")]
    assert [row["id"] for row in bed.left["open"]] == [f"{OLD}-3"]
