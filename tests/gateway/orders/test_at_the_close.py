"""Orders for the close, and orders whose limit comes from the market."""

from __future__ import annotations

import pytest

from tests.client_library import ib


def order(kind, side="BUY", qty=100, **more):
    return ib.Order(action=side, totalQuantity=qty, orderType=kind, **more)


def price(bench, order_id):
    return float(bench.orders()[order_id]["price"])


# -- MOC and LOC


@pytest.mark.parametrize("ends", ["closing_auction", "new_day"])
def test_an_order_at_the_close_waits_and_then_fills_whatever_its_size(bench, client, ends):
    bench.market("229.99", "230.00", size=100)
    order_id = client.place(order("MOC", qty=450))
    assert client.take() == [f"open {order_id} PreSubmitted", f"status {order_id} PreSubmitted 0/450"]
    bench.market("231.99", "232.00", size=100)
    assert client.take() == []
    bench.gateway.do(ends)
    assert client.statuses(order_id)[-1] == "Filled"
    fills = client.all("execDetails")
    assert [(fill[2].shares, fill[2].price) for fill in fills] == [(100, 232.0), (350, 232.0)]
    assert bench.position() == 450


@pytest.mark.parametrize(
    ("side", "limit", "status"),
    [
        ("BUY", 230.00, "Filled"),
        ("BUY", 229.99, "Cancelled"),
        ("SELL", 229.99, "Filled"),
        ("SELL", 230, "Cancelled"),
    ],
)
def test_a_limit_at_the_close_fills_there_or_ends(bench, client, side, limit, status):
    order_id = client.place(order("LOC", side, lmtPrice=limit))
    assert client.statuses(order_id) == ["PreSubmitted"]
    assert bench.gateway.do("closing_auction") == 1
    assert client.statuses(order_id)[-1] == status
    assert bench.gateway.do("closing_auction") == 0


def test_an_order_at_the_close_can_be_cancelled_moved_and_made_another(bench, client):
    first, second = client.place(order("MOC")), client.place(order("LOC", lmtPrice=200))
    client.cancel(first)
    assert client.statuses(first) == ["PreSubmitted", "Cancelled"]
    client.place(order("LOC", lmtPrice=230), order_id=second)
    assert price(bench, second) == 230
    client.place(order("LMT", lmtPrice=220), order_id=second)
    assert client.statuses(second)[-1] == "Submitted"
    client.place(order("LOC", lmtPrice=240), order_id=second)
    assert client.statuses(second)[-1] == "PreSubmitted"
    bench.gateway.do("closing_auction")
    assert client.statuses(second)[-1] == "Filled"


def test_a_child_for_the_close_waits_for_its_parent_first(bench, client):
    client.place(ib.LimitOrder("BUY", 100, 220, transmit=False), order_id=1)
    client.place(order("MOC", "SELL", parentId=1), order_id=2)
    assert bench.gateway.do("closing_auction") == 0
    bench.market("219.99", "220.00")
    assert client.statuses(1)[-1] == "Filled"
    bench.gateway.do("closing_auction")
    assert client.statuses(2)[-1] == "Filled"
    assert bench.position() == 0


def test_no_other_time_in_force_goes_with_the_close(bench, client):
    client.place(order("MOC", tif="IOC"))
    assert client.take()[-1] == "error 1 201"


def test_an_order_at_the_close_without_a_market_ends(bench, client):
    bench.gateway.do("set_market", instrument="AAPL.NASDAQ")
    order_id = client.place(order("MOC"))
    bench.gateway.do("closing_auction")
    assert client.statuses(order_id)[-1] == "Cancelled"


# -- MTL


def test_market_to_limit_rests_where_it_has_traded(bench, client):
    bench.market("229.99", "230.00", size=40)
    order_id = client.place(order("MTL"))
    assert client.statuses(order_id)[-1] == "Submitted"
    assert (bench.orders()[order_id]["filled"], price(bench, order_id)) == ("40", 230)
    bench.market("229.99", "230.01", size=40)
    assert bench.orders()[order_id]["filled"] == "40"
    client.place(order("MTL", qty=90), order_id=order_id)
    assert price(bench, order_id) == 230
    bench.market("229.98", "230.00", size=60)
    assert client.statuses(order_id)[-1] == "Filled"
    assert bench.position() == 90


# -- REL, MIDPRICE, PEG MID


@pytest.mark.parametrize(
    ("wanted", "first", "then"),
    [
        (order("REL", auxPrice=0.02), 229.92, 230.02),
        (order("REL", "SELL", auxPrice=0.02), 230.08, 230.18),
        (order("REL"), 229.9, 230),
        (order("REL", auxPrice=0.02, lmtPrice=229.95), 229.92, 229.95),
        (order("MIDPRICE"), 230, 230.1),
        (order("MIDPRICE", "SELL", lmtPrice=230.05), 230.05, 230.1),
        (order("PEG MID", auxPrice=0.03), 229.97, 230.07),
        (order("PEG MID", "SELL", auxPrice=0.03), 230.03, 230.13),
    ],
)
def test_an_order_follows_the_market_and_not_itself(bench, client, wanted, first, then):
    bench.market("229.90", "230.10")
    order_id = client.place(wanted)
    assert client.statuses(order_id) == ["Submitted"]
    assert price(bench, order_id) == first
    for _ in range(3):
        bench.market("229.90", "230.10")
    assert price(bench, order_id) == first
    client.take()
    bench.market("230.00", "230.20")
    assert price(bench, order_id) == then
    assert client.take() == [], "the client is not told of every move"
    client.ask("reqOpenOrders")
    [echoed] = [arguments[2] for arguments in client.all("openOrder")]
    assert echoed.orderType == wanted.orderType
    assert echoed.lmtPrice == wanted.lmtPrice or not 0 < wanted.lmtPrice < 1e300


def test_an_order_in_the_middle_fills_when_the_market_comes_to_it(bench, client):
    bench.market("229.90", "230.10")
    order_id = client.place(order("MIDPRICE", lmtPrice=230))
    bench.market("229.80", "230.02")
    assert price(bench, order_id) == 229.91
    bench.market("229.80", "229.91", size=60)
    assert bench.orders()[order_id]["filled"] == "60"
    bench.market("229.70", "229.80", size=60)
    assert client.statuses(order_id)[-1] == "Filled"


def test_an_order_that_goes_by_the_market_waits_until_there_is_one(bench, client):
    bench.gateway.do("set_market", instrument="AAPL.NASDAQ")
    order_id = client.place(order("MIDPRICE"))
    assert client.statuses(order_id) == ["PreSubmitted"]
    bench.market("229.90", "230.10")
    assert client.statuses(order_id) == ["PreSubmitted", "Submitted"]
    client.cancel(order_id)
    assert client.statuses(order_id)[-1] == "Cancelled"


def test_how_far_an_order_follows_can_be_changed(bench, client):
    bench.market("229.90", "230.10")
    order_id = client.place(order("REL", auxPrice=0.02))
    client.place(order("REL", auxPrice=0.02, lmtPrice=229.91), order_id=order_id)
    assert price(bench, order_id) == 229.91
    client.place(order("REL", auxPrice=0.05), order_id=order_id)
    assert price(bench, order_id) == 229.95
    client.place(order("LMT", lmtPrice=229), order_id=order_id)
    bench.market("229.80", "230.00")
    assert price(bench, order_id) == 229
    client.place(order("REL", qty=50, auxPrice=0.05), order_id=order_id)
    assert (price(bench, order_id), bench.orders()[order_id]["qty"]) == (229.85, "50")
