"""A gateway that runs for weeks keeps what works and what is held, and forgets the rest with each day."""

from __future__ import annotations

import gc
from collections import Counter

from certify.gateway.orders.groups import OcaGroup
from certify.gateway.orders.records import Execution, OrderRecord
from certify.model.trading import OrderUpdate
from certify.venue.accounts import Execution as VenueExecution
from certify.venue.orders import VenueOrder
from tests.client_library import ib

KEPT = (OrderRecord, Execution, OcaGroup, OrderUpdate, VenueExecution, VenueOrder)


def trade_a_day(bench, client):
    """Place orders of every fate: filled, cancelled, refused, grouped, expired, conditional."""
    market = ("229.99", "230.00")
    bench.market(*market)
    for side in ("BUY", "SELL"):
        for _ in range(5):
            client.place(ib.MarketOrder(side, 100))
        client.place(ib.Order(action=side, totalQuantity=10, orderType="MOC"))
        client.place(ib.Order(action=side, totalQuantity=10, orderType="MIDPRICE"))
        client.place(ib.Order(action=side, totalQuantity=10, orderType="TRAIL", auxPrice=5))
        client.place(ib.StopOrder(side, 10, 260 if side == "BUY" else 200))
    parent = client.place(ib.LimitOrder("BUY", 10, 230, transmit=False))
    client.place(ib.LimitOrder("SELL", 10, 250, parentId=parent, transmit=False, tif="GTC"))
    child = client.place(ib.StopOrder("SELL", 10, 210, parentId=parent, tif="GTC"))
    client.place(ib.LimitOrder("BUY", 100_000, 230))  # beyond the buying power
    client.place(ib.MarketOrder("BUY", 10, tif="OPG"))
    client.place(ib.LimitOrder("BUY", 10, 200, ocaGroup=f"of {parent}", ocaType=1))
    above = ib.PriceCondition(isMore=True, price=400, conId=265598, exch="SMART")
    client.place(ib.LimitOrder("BUY", 10, 200, conditions=[above]))
    client.place(ib.LimitOrder("BUY", 10, 200, goodAfterTime="20991231-10:00:00"))
    client.place(ib.LimitOrder("BUY", 10, 200, conditions=[ib.TimeCondition(time="20991231-10:00:00")]))
    gone = client.place(ib.LimitOrder("BUY", 10, 200, tif="GTD", goodTillDate="20991231 23:59:59 UTC"))
    client.cancel(gone)
    client.cancel(child)
    bench.gateway.do("new_day")
    bench.market(*market)
    bench.pass_time(24 * 3_600_000)
    client.frames.clear()
    client.heard.calls.clear()


def alive():
    """Count what there is of each kind, and of everything."""
    gc.collect()
    counts = Counter(type(each) for each in gc.get_objects())
    return {kind.__name__: counts[kind] for kind in KEPT}, counts.total()


def test_nothing_of_past_days_is_kept(bench, client):
    seen = []
    for _ in range(20):
        trade_a_day(bench, client)
        seen.append(alive())
    kinds, totals = [each[0] for each in seen], [each[1] for each in seen]
    assert kinds[19] == kinds[3], f"{kinds[3]} on the fourth day, {kinds[19]} on the twentieth"
    assert totals[19] - totals[3] < 200, totals
    assert bench.executions() == [] or len(bench.executions()) < 5  # those of the opening
    assert bench.position() == sum(float(each["qty"]) for each in bench.gateway.do("positions"))


def test_what_works_goes_on_after_many_days(bench, client):
    order_id = client.place(ib.LimitOrder("BUY", 100, 200, tif="GTC"))
    bench.market("199.98", "200.00", size=40)
    for _ in range(20):
        bench.gateway.do("new_day")
        bench.market("229.99", "230.00")
    assert bench.orders()[order_id]["filled"] == "40"
    client.place(ib.LimitOrder("BUY", 100, 201, tif="GTC"), order_id=order_id)
    bench.market("200.99", "201.00")
    assert client.statuses(order_id)[-1] == "Filled"
    assert bench.position() == 100


def test_an_execution_of_today_is_busted_and_those_of_yesterday_stay(bench, client):
    client.place(ib.MarketOrder("BUY", 100))
    before = bench.gateway.do("account")
    bench.gateway.do("new_day")
    bench.market("239.99", "240.00")
    client.place(ib.MarketOrder("SELL", 50))
    [execution] = bench.executions()
    bench.gateway.do("bust", exec_id=execution["exec_id"])
    [position] = bench.gateway.do("positions")
    after = bench.gateway.do("account")
    assert (position["qty"], after["cash"]) == ("100", before["cash"])
    assert float(position["average_cost"]) == 230.01
