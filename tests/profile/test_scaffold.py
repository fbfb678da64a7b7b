"""What `certify init` writes runs at once, and does what its capabilities claim."""

from __future__ import annotations

import ast
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from certify.adapter.process import HostFacts, LaunchSpec, Sink, SystemProcess
from certify.errors import UsageError
from certify.model.capabilities import CAPABILITIES
from certify.model.trading import (
    ExecType,
    Order,
    OrderType,
    OrderUpdate,
    OrdStatus,
    Quote,
    Side,
    SystemInfo,
    TimeInForce,
)
from certify.phases.ledger import Ledger
from certify.plan import backend_plans
from certify.profile import load_profile
from certify.profile.scaffold import scaffold

PATIENCE_S = 20.0
NAME = "AAPL.NASDAQ"


class Ear(Sink):
    """Keeps what the system says, and wakes whoever waits for it."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.breaches: list[str] = []
        self.news = threading.Condition()

    def event(self, stamp_ns: int, event: Any) -> None:
        with self.news:
            self.heard.append(event)
            self.news.notify_all()

    def breach(self, text: str) -> None:
        self.breaches.append(text)

    def wait(self, found: Callable[[], Any]) -> Any:
        with self.news:
            assert self.news.wait_for(found, PATIENCE_S), self.heard[-5:]
            return found()

    def updates(self, name: str) -> list[OrderUpdate]:
        return [e for e in self.heard if isinstance(e, OrderUpdate) and e.client_order_id == name]


class Desk:
    """The scaffolded system, started, with the ledger watching."""

    def __init__(self, process: SystemProcess, ear: Ear, facts: HostFacts) -> None:
        self.process, self.ear, self.facts = process, ear, facts
        self.ledger = Ledger()
        self.count = 0

    def call(self, port: str, method: str, *args: object) -> Any:
        return self.process.call(port, method, *args, timeout_s=PATIENCE_S)

    def send(self, side: Side, qty: int, price: str | None = None, **terms: Any) -> Order:
        self.count += 1
        kind = OrderType.LIMIT if price else OrderType.MARKET
        values = {"client_order_id": f"t-{self.count}", "instrument": NAME, "type": kind, **terms}
        order = Order(side=side, qty=Decimal(qty), price=Decimal(price) if price else None, **values)
        self.ledger.sent("execution", order)
        self.call("execution", "submit", order)
        return order

    def answer(self, order: Order, kind: ExecType) -> OrderUpdate:
        look = lambda: next((u for u in self.ear.updates(order.client_order_id) if u.exec_type is kind), None)  # noqa: E731
        found: OrderUpdate = self.ear.wait(look)
        return found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("init") / "acme"
    scaffold(directory, "acme")
    return directory


@pytest.fixture(scope="module")
def desk(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    (plan,) = backend_plans(load_profile("profile.yaml", cwd=project))
    base = tmp_path_factory.mktemp("system")
    ear = Ear()
    spec = LaunchSpec(
        adapter=plan.adapter,
        state_dir=base / "state",
        work_dir=base / "run",
        log_file=base / "log",
        config=plan.options,
    )
    process = SystemProcess(spec, ear)
    desk = Desk(process, ear, process.launch(PATIENCE_S))
    try:
        desk.call("system", "start")
        desk.call("market_data", "subscribe", NAME, {"QUOTE"})
        ear.wait(lambda: any(isinstance(e, Quote) for e in ear.heard))
        yield desk
    finally:
        process.close()


def test_both_files_are_written_with_the_name(tmp_path: Path) -> None:
    written = scaffold(tmp_path / "new/place", "my-desk")
    assert sorted(path.name for path in written) == ["adapter.py", "profile.yaml"]
    assert not any("@NAME@" in path.read_text() for path in written)
    profile = load_profile("profile.yaml", cwd=tmp_path / "new/place")
    assert (profile.name, profile.subject.name) == ("my-desk", "my-desk")
    assert list(profile.components) == ["market_data", "execution"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "profile.yaml").write_text("mine\n")
    with pytest.raises(UsageError, match="is there already: nothing was written"):
        scaffold(tmp_path, "acme")
    assert (tmp_path / "profile.yaml").read_text() == "mine\n"
    assert not (tmp_path / "adapter.py").exists()


@pytest.mark.parametrize("name", ["", "a b", "1st", "a/b", "x" * 80])
def test_a_name_must_be_one(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="expected a name"):
        scaffold(tmp_path / "d", name)
    assert not (tmp_path / "d").exists()


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot write to"):
        scaffold(tmp_path / "file/below", "acme")


def test_the_adapter_is_python_that_old_interpreters_read(project: Path) -> None:
    source = (project / "adapter.py").read_text()
    assert ast.parse(source, feature_version=(3, 8)).body
    assert len(source.splitlines()) < 200


def test_it_says_who_it_is_and_what_it_cannot_do(desk: Desk) -> None:
    info: SystemInfo = desk.call("system", "describe")
    assert info.name == "acme"
    assert set(info.capabilities) <= set(CAPABILITIES)
    assert all(isinstance(reason, str) and reason for reason in info.capabilities.values())
    assert {"market_data", "execution"} <= set(desk.facts.methods)
    assert desk.call("system", "health").connected


def test_quotes_are_sound(desk: Desk) -> None:
    ear = desk.ear
    ear.wait(lambda: len([e for e in ear.heard if isinstance(e, Quote)]) >= 5)
    quotes = [e for e in list(ear.heard) if isinstance(e, Quote)]
    assert {quote.instrument for quote in quotes} == {NAME}
    numbers = [quote.seq or 0 for quote in quotes]
    assert numbers == sorted(set(numbers))
    for quote in quotes:
        assert quote.bid is not None
        assert quote.ask is not None
        assert 0 < quote.bid < quote.ask
        assert quote.bid % Decimal("0.01") == 0


def test_orders_live_and_end_as_they_should(desk: Desk) -> None:
    before = {p.instrument: p.qty for p in desk.call("execution", "positions")}.get(NAME, Decimal(0))
    bought = desk.answer(desk.send(Side.BUY, 10), ExecType.TRADE)
    assert (bought.status, bought.cum_qty, bought.leaves_qty) == (OrdStatus.FILLED, 10, 0)
    resting = desk.send(Side.BUY, 5, "1.00")
    desk.answer(resting, ExecType.NEW)
    assert [u.client_order_id for u in desk.call("execution", "open_orders")] == [resting.client_order_id]
    desk.call("execution", "cancel", resting.client_order_id, NAME)
    desk.answer(resting, ExecType.CANCELED)
    desk.call("execution", "cancel", resting.client_order_id, NAME)
    assert desk.answer(resting, ExecType.CANCEL_REJECTED).status is OrdStatus.CANCELED
    desk.answer(desk.send(Side.SELL, 10), ExecType.TRADE)
    position = {p.instrument: p.qty for p in desk.call("execution", "positions")}[NAME]
    assert position == before
    ids = [fill.exec_id for fill in desk.call("execution", "executions")]
    assert len(ids) == len(set(ids)) >= 2


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"qty": 0}, "BAD_QUANTITY"),
        ({"qty": -1}, "BAD_QUANTITY"),
        ({"qty": 1, "price": "1.005"}, "BAD_PRICE"),
        ({"qty": 1, "price": "-1"}, "BAD_PRICE"),
        ({"qty": 1, "type": OrderType.LIMIT}, "BAD_PRICE"),
        ({"qty": 1, "instrument": "NO.WHERE"}, "UNKNOWN_INSTRUMENT"),
        ({"qty": 1, "type": OrderType.STOP}, "NOT_SUPPORTED"),
        ({"qty": 1, "tif": TimeInForce.IOC}, "NOT_SUPPORTED"),
    ],
)
def test_what_cannot_be_done_is_refused(desk: Desk, terms: dict[str, Any], code: str) -> None:
    refused = desk.answer(desk.send(Side.BUY, **terms), ExecType.REJECTED)
    assert (refused.code, refused.status, refused.leaves_qty) == (code, OrdStatus.REJECTED, 0)


def test_a_duplicate_leaves_the_first_order_as_it_is(desk: Desk) -> None:
    first = desk.send(Side.BUY, 5, "1.00")
    desk.answer(first, ExecType.NEW)
    desk.call("execution", "submit", replace(first, qty=Decimal(7)))
    assert desk.answer(first, ExecType.REJECTED).code == "DUPLICATE_ORDER_ID"
    working = {u.client_order_id: u.qty for u in desk.call("execution", "open_orders")}
    assert working[first.client_order_id] == 5
    desk.call("execution", "cancel_all")
    assert desk.call("execution", "open_orders") == []


def test_an_unknown_cancel_is_answered(desk: Desk) -> None:
    desk.call("execution", "cancel", "nobody", NAME)
    answer = desk.ear.wait(lambda: desk.ear.updates("nobody"))[0]
    assert (answer.exec_type, answer.status) == (ExecType.CANCEL_REJECTED, OrdStatus.REJECTED)


def test_it_stops_and_starts_again(project: Path, tmp_path: Path) -> None:
    (plan,) = backend_plans(load_profile("profile.yaml", cwd=project))
    ear = Ear()
    spec = LaunchSpec(
        adapter=plan.adapter, state_dir=tmp_path / "s", work_dir=tmp_path / "w", log_file=tmp_path / "l",
        config=plan.options,
    )  # fmt: skip
    process = SystemProcess(spec, ear)
    desk = Desk(process, ear, process.launch(PATIENCE_S))
    try:
        for _ in range(2):
            desk.call("system", "start")
            assert desk.call("system", "health").connected
            desk.call("system", "stop")
            assert not desk.call("system", "health").connected
        assert desk.answer(desk.send(Side.BUY, 1), ExecType.REJECTED).code == "NOT_RUNNING"
    finally:
        process.close()


def test_no_law_of_order_state_is_broken_and_no_type_of_the_contract(desk: Desk) -> None:
    orders = [desk.send(Side.BUY if n % 2 else Side.SELL, 1 + n) for n in range(20)]
    for order in orders:
        desk.answer(order, ExecType.TRADE)
    sent = {order.client_order_id for order in orders}
    for update in [
        u for u in list(desk.ear.heard) if isinstance(u, OrderUpdate) and u.client_order_id in sent
    ]:
        desk.ledger.take(update)
    assert desk.ledger.breaches == []
    assert desk.ear.breaches == []
