"""The orders that people place: brackets, groups, large, odd and late ones, over the real library."""

from __future__ import annotations

from ib_insync import LimitOrder, MarketOrder, Order, StopOrder, TagValue

from tests.gateway.strangers.conftest import APPLE, quote


def statuses(trades):
    return [trade.orderStatus.status for trade in trades]


def bracket(ib, apple, limit=230.01):
    trades = [ib.placeOrder(apple, each) for each in ib.bracketOrder("BUY", 100, limit, 250, 210)]
    ib.until(lambda: statuses(trades) == ["Filled", "Submitted", "PreSubmitted"], "the bracket")
    return trades


def test_a_bracket_from_entry_to_its_target(gateway, ib, apple):
    parent, target, stop = bracket(ib, apple)
    assert (target.orderStatus.parentId, stop.orderStatus.whyHeld) == (parent.order.orderId, "trigger")
    quote(gateway, "250.00", "250.02")
    ib.until(lambda: statuses([target, stop]) == ["Filled", "Cancelled"], "the target")
    ib.until(lambda: not ib.positions(), "the position to be flat")
    assert ib.codes(stop.order.orderId) == [202]


def test_a_bracket_from_entry_to_its_stop(gateway, ib, apple):
    _, target, stop = bracket(ib, apple)
    quote(gateway, "209.00", "209.02")
    gateway.do("print_trade", instrument=APPLE, price="209.90")
    ib.until(lambda: statuses([target, stop]) == ["Cancelled", "Filled"], "the stop")
    assert stop.orderStatus.avgFillPrice == 209


def test_cancelling_one_side_of_a_bracket_cancels_the_other(ib, apple):
    _, target, stop = bracket(ib, apple)
    ib.cancelOrder(target.order)
    ib.until(lambda: statuses([target, stop]) == ["Cancelled", "Cancelled"], "both sides to end")


def test_moving_the_stop_of_a_bracket_leaves_the_rest(ib, apple):
    _, target, stop = bracket(ib, apple)
    for price in (211, 212.5, 220):
        stop.order.auxPrice = price
        ib.placeOrder(apple, stop.order)
    ib.reqAllOpenOrders()
    told = {trade.order.orderId: trade.order for trade in ib.openTrades()}
    assert told[stop.order.orderId].auxPrice == 220
    assert statuses([target, stop]) == ["Submitted", "PreSubmitted"]


def test_one_cancels_all(ib, apple):
    orders = [LimitOrder("BUY", 10, price) for price in (200, 210, 231)]
    trades = [ib.placeOrder(apple, each) for each in ib.oneCancelsAll(orders, "group", 1)]
    ib.until(lambda: statuses(trades) == ["Cancelled", "Cancelled", "Filled"], "the group to end")
    ib.until(lambda: [held.position for held in ib.positions()] == [10], "the position")


def test_a_market_order_larger_than_what_is_shown_goes_on_until_it_has_filled(gateway, ib, apple):
    quote(gateway, "229.99", "230.01", "100")
    trade = ib.placeOrder(apple, MarketOrder("BUY", 250))
    ib.until(lambda: trade.orderStatus.filled == 100, "the first part")
    assert (trade.orderStatus.status, trade.orderStatus.remaining) == ("Submitted", 150)
    quote(gateway, "230.09", "230.11", "100")
    ib.until(lambda: trade.orderStatus.filled == 200, "the second part")
    quote(gateway, "230.19", "230.21", "100")
    ib.until(trade.isDone, "the rest")
    assert statuses([trade]) == ["Filled"]
    assert [fill.execution.cumQty for fill in trade.fills] == [100, 200, 250]
    ib.until(lambda: sum(fill.commissionReport.commission for fill in trade.fills) >= 1, "commissions")


def test_what_if_places_nothing_and_says_what_it_would_cost(ib, apple):
    state = ib.whatIfOrder(apple, MarketOrder("BUY", 100))
    assert float(state.initMarginAfter) == float(state.initMarginChange) == 11_500.5
    assert state.commission == 1
    assert ib.reqAllOpenOrders() == []


def test_part_of_a_share_cannot_be_ordered(ib, apple):
    trade = ib.placeOrder(apple, LimitOrder("BUY", 0.5, 200))
    ib.until(trade.isDone)
    assert ib.codes(trade.order.orderId) == [10243]


def test_orders_with_algorithms_and_dates_rest_and_end(ib, apple):
    adaptive = LimitOrder("BUY", 10, 200, algoStrategy="Adaptive")
    adaptive.algoParams = [TagValue("adaptivePriority", "Normal")]
    trades = [
        ib.placeOrder(apple, adaptive),
        ib.placeOrder(apple, LimitOrder("BUY", 10, 200, tif="GTD", goodTillDate="20991231 23:59:59 UTC")),
        ib.placeOrder(apple, MarketOrder("BUY", 10, tif="OPG")),
        ib.placeOrder(apple, Order(action="SELL", totalQuantity=10, orderType="TRAIL", auxPrice=5)),
        ib.placeOrder(apple, StopOrder("SELL", 10, 200, outsideRth=True, tif="GTC")),
        ib.placeOrder(apple, LimitOrder("BUY", 10, 200, goodAfterTime="20991231-10:00:00")),
    ]
    wanted = ["Submitted", "Submitted", "PreSubmitted", "PreSubmitted", "PreSubmitted", "PreSubmitted"]
    ib.until(lambda: statuses(trades) == wanted, "all to rest")
    echoed = {each.order.orderId: each.order for each in ib.reqAllOpenOrders()}
    assert echoed[adaptive.orderId].algoParams == adaptive.algoParams
    ib.reqGlobalCancel()
    ib.until(lambda: all(trade.isDone() for trade in trades), "all to end")
    assert [trade for trade in ib.openTrades() if not trade.isDone()] == []


def test_many_orders_at_once_and_their_end(ib, apple):
    ib.client.MaxRequests = 0
    gone = [ib.placeOrder(apple, LimitOrder("BUY", 1, 150 + step / 100)) for step in range(40)]
    ib.until(lambda: set(statuses(gone)) == {"Submitted"}, "all to work")
    assert len({trade.order.permId for trade in gone}) == 40
    ib.reqGlobalCancel()
    ib.until(lambda: set(statuses(gone)) == {"Cancelled"}, "all to be cancelled")


def test_a_cancel_that_comes_too_late_changes_nothing(ib, apple):
    trade = ib.placeOrder(apple, MarketOrder("BUY", 1))
    ib.cancelOrder(trade.order)
    ib.until(lambda: ib.codes(trade.order.orderId), "the answer to the cancel")
    assert ib.codes(trade.order.orderId) == [10148]
    assert sum(fill.execution.shares for fill in trade.fills) == 1


def test_a_market_order_without_a_market_waits_and_costs_nothing_meanwhile(gateway, ib, apple):
    gateway.do("set_market", instrument=APPLE, bid="229.99", bid_size="100")
    trade = ib.placeOrder(apple, MarketOrder("BUY", 100))
    ib.until(lambda: trade.orderStatus.status == "PreSubmitted", "the order to be taken")
    ib.sleep(0.4)
    assert gateway.call(lambda house: len(house.orders.ledger.by_venue)) == 1
    quote(gateway, "229.99", "230.01")
    ib.until(lambda: trade.orderStatus.status == "Filled", "the fill")
    again = ib.placeOrder(apple, MarketOrder("BUY", 100))
    ib.until(lambda: again.orderStatus.status == "Filled", "another fill")
