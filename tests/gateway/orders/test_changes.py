"""Orders that are changed by placing them again, and those that depend on others."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.client_library import ib

D = Decimal


def test_another_limit_is_told_as_openorder_and_submitted_and_holds_at_the_venue(bench, client):
    order = ib.LimitOrder("BUY", 100, 200)
    client.place(order)
    client.take()
    order.lmtPrice = 201
    client.place(order, order_id=1)
    assert client.all("openOrder")[0][2].lmtPrice == 201
    assert client.take() == ["open 1 Submitted", "status 1 Submitted 0/100"]
    bench.market("200.50", "201.00")
    assert bench.executions()[0]["price"] == "201.00"
    assert len(bench.orders()) == 1


def test_a_change_that_crosses_the_market_fills(bench, client):
    order = ib.LimitOrder("BUY", 100, 200)
    client.place(order)
    order.lmtPrice = 231
    client.take()
    client.place(order, order_id=1)
    assert client.take()[:4] == [
        "open 1 Submitted", "status 1 Submitted 0/100", "exec 1 BOT 100@230", "open 1 Filled",
    ]  # fmt: skip


def test_a_change_that_is_refused_leaves_the_order_as_it_was(bench, client):
    order = ib.LimitOrder("BUY", 100, 229.5)
    client.place(order)
    bench.market("229.40", "229.50", size=40)
    client.take()
    for change, code in (
        ({"lmtPrice": 200.001}, 110),
        ({"totalQuantity": 0}, 434),
        ({"action": "SELL"}, 105),
        ({"account": "DU1"}, 105),
    ):
        client.place(ib.LimitOrder("BUY", 100, 229.5).__class__(**{**_terms(order), **change}), order_id=1)
        assert client.take() == [f"error 1 {code}"]
    client.place(order, contract=ib.Stock("MSFT", "SMART", "USD"), order_id=1)
    assert client.take() == ["error 1 105"]
    client.place(ib.LimitOrder("BUY", 30, 229.5), order_id=1)
    assert client.take() == ["error 1 201", "open 1 Submitted", "status 1 Submitted 40/60"]
    assert bench.orders()[1]["price"] == "229.5"
    assert bench.orders()[1]["qty"] == "100"


def _terms(order):
    return {"action": order.action, "totalQuantity": order.totalQuantity, "lmtPrice": order.lmtPrice}


def test_down_to_what_has_filled_makes_it_filled(bench, client):
    client.place(ib.LimitOrder("BUY", 100, 229.5))
    bench.market("229.40", "229.50", size=40)
    client.take()
    client.place(ib.LimitOrder("BUY", 40, 229.5), order_id=1)
    assert client.take() == ["open 1 Filled", "status 1 Filled 40/0"]


def test_a_finished_order_cannot_be_changed(bench, client):
    client.place(ib.MarketOrder("BUY", 10))
    client.place(ib.LimitOrder("BUY", 10, 200))
    client.cancel(2)
    client.take()
    client.place(ib.MarketOrder("BUY", 20), order_id=1)
    client.place(ib.LimitOrder("BUY", 10, 201), order_id=2)
    assert client.take() == ["error 1 104", "error 2 103"]


def test_an_id_below_the_last_is_a_duplicate(bench, client):
    client.place(ib.LimitOrder("BUY", 10, 200), order_id=10)
    client.take()
    client.place(ib.LimitOrder("BUY", 10, 200), order_id=9)
    assert client.take() == ["error 9 103"]


def test_a_limit_order_may_become_a_market_order_or_a_stop_with_another_trigger(bench, client):
    client.place(ib.LimitOrder("BUY", 10, 200))
    client.place(ib.MarketOrder("BUY", 10), order_id=1)
    assert bench.orders()[1]["status"] == "Filled"
    client.place(ib.StopOrder("SELL", 10, 220))
    client.take()
    client.place(ib.StopOrder("SELL", 10, 225), order_id=2)
    assert client.take() == ["open 2 PreSubmitted", "status 2 PreSubmitted 0/10"]
    bench.print("224.00")
    assert bench.orders()[2]["status"] == "Filled"


# -- brackets


def bracket(client, quantity=100):
    """Place a bracket as ib_insync's `bracketOrder` makes it; return the three ids."""
    parent = client.place(ib.LimitOrder("BUY", quantity, 229.5, transmit=False))
    profit = client.place(ib.LimitOrder("SELL", quantity, 235, parentId=parent, transmit=False))
    stop = client.place(ib.StopOrder("SELL", quantity, 220, parentId=parent, transmit=True))
    return parent, profit, stop


def test_nothing_of_a_bracket_is_told_or_listed_before_its_last_order_is_transmitted(bench, client):
    client.place(ib.LimitOrder("BUY", 100, 231, transmit=False))
    client.place(ib.LimitOrder("SELL", 100, 235, parentId=1, transmit=False))
    client.ask("reqOpenOrders")
    assert client.take() == ["openOrderEnd"]
    assert bench.position() == 0


def test_children_are_held_until_their_parent_has_filled(bench, client):
    bracket(client)
    held = {a[0]: (a[1], a[9]) for a in client.all("orderStatus")}
    assert held == {1: ("Submitted", ""), 2: ("PreSubmitted", "child"), 3: ("PreSubmitted", "child,trigger")}
    groups = {a[0]: (a[2].ocaGroup, a[2].ocaType) for a in client.all("openOrder")}
    parent_perm = client.all("openOrder")[-1][2].permId
    assert groups[2] == groups[3] == (str(parent_perm), 3)
    bench.market("229.40", "229.50")
    states = {key: (each["status"], each["why_held"]) for key, each in bench.orders().items()}
    assert states == {1: ("Filled", ""), 2: ("Submitted", ""), 3: ("PreSubmitted", "trigger")}


def test_one_child_that_fills_cancels_the_other(bench, client):
    bracket(client)
    bench.market("229.40", "229.50")
    client.take()
    bench.market("235.00", "235.10")
    heard = client.take()
    assert heard[0] == "exec 2 SLD 100@235"
    assert heard[-2:] == ["status 3 Cancelled 0/100", "error 3 202"]
    assert bench.position() == 0


def test_a_child_that_fills_in_part_reduces_the_other(bench, client):
    bracket(client)
    bench.market("229.40", "229.50")
    bench.market("235.00", "235.10", size=30)
    assert bench.orders()[3]["qty"] == "70"
    bench.market("219.90", "220.00")
    bench.print("219.95")
    assert bench.orders()[3]["status"] == "Filled"
    assert bench.orders()[2]["status"] == "Cancelled"
    assert bench.position() == 0


def test_children_end_with_a_parent_that_is_cancelled(bench, client):
    parent, _, _ = bracket(client)
    client.cancel(parent)
    assert {each["status"] for each in bench.orders().values()} == {"Cancelled"}


def test_a_held_order_is_transmitted_by_placing_it_again(bench, client):
    client.place(ib.LimitOrder("BUY", 10, 200, transmit=False))
    client.place(ib.LimitOrder("BUY", 10, 201, transmit=True), order_id=1)
    assert client.take() == ["open 1 Submitted", "status 1 Submitted 0/10"]
    assert bench.orders()[1]["price"] == "201"


def test_a_held_order_can_be_cancelled(bench, client):
    client.place(ib.LimitOrder("BUY", 10, 200, transmit=False))
    client.cancel(1)
    assert client.take() == ["open 1 Cancelled", "status 1 Cancelled 0/10", "error 1 202"]


# -- OCA groups


def test_type_one_cancels_the_rest_at_any_fill_and_never_fills_two(bench, client):
    for price in (228, 229, 227):
        client.place(ib.LimitOrder("BUY", 100, price, ocaGroup="g", ocaType=1))
    assert [each["status"] for each in bench.orders().values()] == ["Submitted"] * 3
    bench.market("220.00", "221.00", size=20)
    assert {key: each["status"] for key, each in bench.orders().items()} == {
        1: "Cancelled", 2: "Submitted", 3: "Cancelled",
    }  # fmt: skip
    assert bench.position() == 20


def test_when_one_of_a_group_is_cancelled_by_its_client_so_are_the_others(bench, client):
    client.place(ib.LimitOrder("BUY", 100, 229, ocaGroup="g", ocaType=1))
    client.place(ib.LimitOrder("BUY", 100, 228, ocaGroup="g", ocaType=1))
    client.cancel(1)
    assert [each["status"] for each in bench.orders().values()] == ["Cancelled"] * 2
    bench.market("227.00", "228.00")
    assert bench.executions() == []


def test_when_the_best_of_a_group_expires_the_next_takes_its_place(bench, client):
    client.place(ib.LimitOrder("BUY", 100, 228, ocaGroup="g", ocaType=1))
    client.place(ib.LimitOrder("BUY", 100, 229, tif="IOC", ocaGroup="g", ocaType=1))
    assert bench.orders()[2]["status"] == "Cancelled"
    bench.market("227.00", "228.00")
    assert bench.executions()[0]["price"] == "228.00"
    assert bench.orders()[1]["status"] == "Filled"


def test_type_two_reduces_in_proportion(bench, client):
    client.place(ib.LimitOrder("BUY", 100, 229, ocaGroup="g", ocaType=2))
    client.place(ib.LimitOrder("SELL", 50, 240, ocaGroup="g", ocaType=2))
    client.take()
    bench.market("228.90", "229.00", size=40)
    assert bench.orders()[2]["qty"] == "30"
    assert "open 2 Submitted" in client.take()


# -- triggers of the gateway


@pytest.mark.parametrize(
    ("order", "quiet", "loud"),
    [
        (ib.Order(action="BUY", orderType="MIT", auxPrice=225), ("225.00", "225.01"), ("224.99", "225.00")),
        (ib.Order(action="SELL", orderType="MIT", auxPrice=235), ("234.99", "235.00"), ("235.00", "235.01")),
        (
            ib.Order(action="BUY", orderType="LIT", auxPrice=225, lmtPrice=226),
            ("225.00", "225.01"), ("224.99", "225.00"),
        ),
    ],
)  # fmt: skip
def test_if_touched_orders_wait_for_a_better_price(bench, client, order, quiet, loud):
    order.totalQuantity = 10
    client.place(order)
    assert (client.all("orderStatus")[0][1], client.all("orderStatus")[0][9]) == ("PreSubmitted", "trigger")
    bench.market(*quiet)
    assert bench.orders()[1]["status"] == "PreSubmitted"
    bench.market(*loud)
    assert bench.orders()[1]["status"] == "Filled"


def test_a_limit_if_touched_order_rests_at_its_limit(bench, client):
    client.place(ib.Order(action="BUY", totalQuantity=10, orderType="LIT", auxPrice=225, lmtPrice=220))
    bench.print("225.00")
    assert bench.orders()[1]["status"] == "Submitted"
    bench.market("219.00", "220.00")
    assert bench.orders()[1]["status"] == "Filled"


def test_a_trail_follows_the_market_and_fires_when_it_turns(bench, client):
    client.place(ib.Order(action="SELL", totalQuantity=10, orderType="TRAIL", auxPrice=2))
    assert bench.orders()[1]["stop_price"] == "227.99"
    bench.market("235.00", "235.01")
    bench.market("234.00", "234.01")
    assert bench.orders()[1]["stop_price"] == "233.00"
    client.take()
    client.ask("reqOpenOrders")
    assert client.all("openOrder")[0][2].trailStopPrice == 233
    bench.market("232.99", "233.01")
    assert bench.executions()[0]["price"] == "232.99"


def test_a_trail_by_percent_with_a_first_stop(bench, client):
    client.place(
        ib.Order(action="BUY", totalQuantity=10, orderType="TRAIL", trailingPercent=1, trailStopPrice=240)
    )
    assert bench.orders()[1]["stop_price"] == "232.30"
    bench.market("219.99", "220.00")
    assert bench.orders()[1]["stop_price"] == "222.20"
    bench.print("222.20")
    assert bench.orders()[1]["status"] == "Filled"


def test_a_trailing_limit_rests_at_its_offset(bench, client):
    client.place(
        ib.Order(action="SELL", totalQuantity=10, orderType="TRAIL LIMIT", auxPrice=2, lmtPriceOffset=-1)
    )
    bench.market("227.00", "227.50")
    assert bench.orders()[1]["status"] == "Submitted"
    assert D(bench.orders()[1]["price"]) == D("228.99")
    bench.market("229.00", "229.10")
    assert bench.orders()[1]["status"] == "Filled"


def test_a_trigger_by_trades_only_ignores_quotes(bench, client):
    order = ib.Order(action="BUY", totalQuantity=10, orderType="MIT", auxPrice=225, triggerMethod=2)
    client.place(order)
    bench.market("224.00", "224.50")
    assert bench.orders()[1]["status"] == "PreSubmitted"
    bench.print("224.40")
    assert bench.orders()[1]["status"] == "Filled"
