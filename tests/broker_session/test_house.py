"""What the checks read out of a gateway's answers."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from certify.model.trading import Order, Side
from certify.phases.api import Unmet
from certify.phases.broker_session.house import House
from certify.phases.gateway import GatewayAddress


class Answers:
    """A gateway that answers from a table and remembers what it was told."""

    address = GatewayAddress(host="127.0.0.1", port=1, control_port=2, account="DU1")

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.told: list[tuple[str, dict[str, Any]]] = []

    def do(self, action: str, **arguments: Any) -> Any:
        self.told.append((action, arguments))
        return self.answers.get(action)


def row(**changes: Any) -> dict[str, Any]:
    return {
        "order_id": 1,
        "perm_id": 11,
        "client_id": 5,
        "order_ref": "CT-1",
        "status": "Submitted",
        "instrument": "AAPL.NASDAQ",
        "side": "BUY",
        "qty": "2",
        "price": "9.90",
        "filled": "0",
        "working": True,
        "acknowledged": True,
    } | changes


def house(**answers: Any) -> tuple[House, Answers]:
    gateway = Answers(**answers)
    trial: Any = SimpleNamespace(
        gateway=gateway,
        instrument=SimpleNamespace(id="AAPL.NASDAQ"),
        shared=SimpleNamespace(facts={}),
        ledger=SimpleNamespace(entries={"CT-1": None, "CT-9": None}),
    )
    return House(trial), gateway


ORDER = Order("CT-1", "AAPL.NASDAQ", Side.BUY, Decimal(2), price=Decimal("9.90"))


def test_an_order_is_found_by_its_reference() -> None:
    here, _ = house(orders=[row(order_ref="CT-9", perm_id=1), row()])
    assert here.one(ORDER).perm_id == 11


def test_an_order_without_a_reference_is_found_by_its_terms_the_latest_first() -> None:
    nameless = [row(order_ref="", perm_id=1), row(order_ref="", perm_id=2), row(order_ref="", qty="3")]
    here, _ = house(orders=nameless)
    assert here.one(ORDER).perm_id == 2


def test_an_order_with_a_reference_of_the_system_is_found_by_its_terms_and_stays_found() -> None:
    own = [row(order_ref="desk/7", perm_id=1), row(order_ref="CT-9", perm_id=2)]
    here, gateway = house(orders=own)
    assert here.one(ORDER).perm_id == 1
    gateway.answers["orders"] = [row(order_ref="desk/7", perm_id=1, price="9.80"), own[1]]
    assert here.one(ORDER).perm_id == 1


def test_orders_with_the_same_terms_are_different_ones() -> None:
    here, _ = house(orders=[row(order_ref="a", perm_id=1), row(order_ref="b", perm_id=2)])
    found = [here.one(replace(ORDER, client_order_id=name)).perm_id for name in ("CT-1", "CT-2")]
    assert found == [2, 1]


def test_an_order_of_a_person_or_another_client_is_not_the_systems() -> None:
    made = {"perm_id": "5"}
    rows = [row(order_ref="", perm_id=5, client_id=77), row(order_ref="", perm_id=6, order_id=-3)]
    here, _ = house(orders=rows, foreign_order=made)
    assert here.foreign("foreign_order", Side.BUY, Decimal(2), Decimal("9.90"), client_id=77).perm_id == 5
    assert here.find(ORDER) == []


def test_a_gateway_that_began_anew_has_other_orders() -> None:
    here, gateway = house(orders=[row(order_ref="a", perm_id=1), row(order_ref="b", perm_id=2)])
    assert here.one(ORDER).perm_id == 2
    gateway.answers["orders"] = [row(order_ref="c", perm_id=2)]
    assert here.one(replace(ORDER, client_order_id="CT-2")).perm_id == 2


@pytest.mark.parametrize("rows", [[], [row(), row(perm_id=12)]])
def test_an_order_must_be_there_once(rows: list[dict[str, Any]]) -> None:
    here, _ = house(orders=rows)
    with pytest.raises(Unmet, match=f"was {len(rows)} times"):
        here.one(ORDER)


@pytest.mark.parametrize(
    ("changes", "works"), [({}, True), ({"working": False}, False), ({"acknowledged": False}, False)]
)
def test_an_order_that_was_lost_on_its_way_does_not_work(changes: dict[str, Any], works: bool) -> None:
    here, _ = house(orders=[row(**changes)])
    assert bool(here.working(ORDER)) is works


def test_lines_are_counted_by_instrument_and_kind() -> None:
    lines = [{"instrument": "A", "kind": "mkt_data"}] * 2 + [{"kind": "positions"}]
    here, _ = house(subscriptions=lines)
    assert here.lines() == {("A", "mkt_data"): 2}


def test_the_position_is_asked_for_the_account_in_use() -> None:
    here, gateway = house(positions=[{"instrument": "A", "qty": "3"}, {"instrument": "B", "qty": "9"}])
    assert here.position("A") == 3
    assert gateway.told == [("positions", {"account": "DU1"})]


def test_a_fault_ends_whatever_happens_meanwhile() -> None:
    here, gateway = house()
    with pytest.raises(Unmet), here.during("half_open", {"on": True}, {"on": False}):
        raise Unmet("something")
    assert gateway.told == [("half_open", {"on": True}), ("half_open", {"on": False})]


def test_executions_are_those_of_the_order() -> None:
    here, _ = house(orders=[row()], executions=[{"perm_id": 11, "qty": "1"}, {"perm_id": 12, "qty": "5"}])
    assert [each["qty"] for each in here.executions_of(ORDER)] == ["1"]


def test_requests_and_violations_are_summed_over_clients() -> None:
    here, _ = house(
        requests={"5": {"PlaceOrder": 2}, "6": {"PlaceOrder": 1, "ReqIds": 4}},
        pacing={"5": {"violations": 1}, "6": {"violations": 2}},
    )
    assert (here.requests("PlaceOrder"), here.violations()) == (3, 3)
