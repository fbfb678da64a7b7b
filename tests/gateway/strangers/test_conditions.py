"""Conditional orders, as ib_insync's users write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from ib_insync import LimitOrder, MarketOrder, PriceCondition, TimeCondition, VolumeCondition

from tests.gateway.strangers.conftest import APPLE


def above(price, contract, conjunction="a"):
    return PriceCondition(
        conjunction=conjunction, isMore=True, price=price, conId=contract.conId, exch="SMART"
    )


def soon(seconds):
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    return TimeCondition(isMore=True, time=f"{moment:%Y%m%d %H:%M:%S} UTC")


def place(ib, contract, *conditions, order=None, **more):
    order = order or MarketOrder("BUY", 10)
    order.conditions = list(conditions)
    for name, value in more.items():
        setattr(order, name, value)
    return ib.placeOrder(contract, order)


def is_(trade, status):
    return lambda: trade.orderStatus.status == status


def test_an_order_waits_for_a_price_and_then_goes(gateway, ib, apple):
    trade = place(ib, apple, above(235, apple))
    ib.until(is_(trade, "PreSubmitted"))
    gateway.do("print_trade", instrument=APPLE, price="234.99")
    [echoed] = [each.order for each in ib.reqAllOpenOrders()]
    assert [each.price for each in echoed.conditions] == [235]
    assert trade.orderStatus.status == "PreSubmitted"
    gateway.do("print_trade", instrument=APPLE, price="235.00")
    ib.until(is_(trade, "Filled"))


def test_an_order_waits_for_its_time(ib, apple):
    trade = place(ib, apple, soon(1))
    ib.until(is_(trade, "PreSubmitted"))
    ib.until(is_(trade, "Filled"))


@pytest.mark.parametrize(("conjunction", "status"), [("a", "PreSubmitted"), ("o", "Filled")])
def test_two_conditions_are_joined(gateway, ib, apple, conjunction, status):
    trade = place(ib, apple, above(235, apple, conjunction), above(300, apple))
    ib.until(is_(trade, "PreSubmitted"))
    gateway.do("print_trade", instrument=APPLE, price="235.00")
    ib.until(is_(trade, status))
    ib.reqCurrentTime()
    assert trade.orderStatus.status == status


def test_conditions_can_cancel_what_works(gateway, ib, apple):
    resting = LimitOrder("BUY", 10, 200)
    trade = place(ib, apple, above(235, apple), order=resting, conditionsCancelOrder=True)
    ib.until(is_(trade, "Submitted"))
    gateway.do("print_trade", instrument=APPLE, price="235.00")
    ib.until(is_(trade, "Cancelled"))


def test_a_condition_on_another_contract_and_one_that_is_not_simulated(gateway, ib, apple):
    trade = place(ib, apple, PriceCondition(isMore=False, price=400, conId=272093, exch="SMART"))
    ib.until(is_(trade, "PreSubmitted"))
    gateway.do("print_trade", instrument="MSFT.NASDAQ", price="399.00")
    ib.until(is_(trade, "Filled"))
    refused = place(ib, apple, VolumeCondition(isMore=True, volume=1000, conId=apple.conId, exch="SMART"))
    ib.until(lambda: ib.codes(refused.order.orderId))
    assert ib.codes(refused.order.orderId) == [201]


def test_a_held_order_with_a_condition_can_be_cancelled_and_moved(ib, apple):
    order = LimitOrder("BUY", 10, 200)
    trade = place(ib, apple, above(500, apple), order=order)
    ib.until(is_(trade, "PreSubmitted"))
    order.lmtPrice = 201
    ib.placeOrder(apple, order)
    ib.reqAllOpenOrders()
    assert (trade.orderStatus.status, trade.order.lmtPrice) == ("PreSubmitted", 201)
    ib.cancelOrder(order)
    ib.until(is_(trade, "Cancelled"))


def test_a_condition_added_to_a_working_order_holds_it(gateway, ib, apple):
    order = LimitOrder("BUY", 10, 200)
    trade = place(ib, apple, order=order)
    ib.until(is_(trade, "Submitted"))
    place(ib, apple, above(235, apple), order=order, lmtPrice=231)
    ib.until(is_(trade, "PreSubmitted"), "the order to be held, though it could trade")
    gateway.do("print_trade", instrument=APPLE, price="235.00")
    ib.until(is_(trade, "Filled"))


def test_a_condition_that_is_met_already_holds_nothing(gateway, ib, apple):
    gateway.do("print_trade", instrument=APPLE, price="235.00")
    order = LimitOrder("BUY", 10, 200)
    trade = place(ib, apple, above(500, apple), order=order)
    ib.until(is_(trade, "PreSubmitted"))
    gateway.do("print_trade", instrument=APPLE, price="235.00")
    place(ib, apple, above(234, apple), order=order)
    ib.until(is_(trade, "Submitted"))


def test_a_condition_taken_off_lets_an_order_go(ib, apple):
    order = LimitOrder("BUY", 10, 231)
    trade = place(ib, apple, above(500, apple), order=order)
    ib.until(is_(trade, "PreSubmitted"))
    place(ib, apple, order=order)
    ib.until(is_(trade, "Filled"))


def test_a_condition_can_be_changed_and_the_former_one_does_nothing(gateway, ib, apple):
    order = LimitOrder("BUY", 10, 231)
    trade = place(ib, apple, above(235, apple), order=order)
    ib.until(is_(trade, "PreSubmitted"))
    place(ib, apple, above(240, apple), order=order)
    ib.reqCurrentTime()
    gateway.do("print_trade", instrument=APPLE, price="236.00")
    [echoed] = [each.order for each in ib.reqAllOpenOrders()]
    assert ([each.price for each in echoed.conditions], trade.orderStatus.status) == ([240], "PreSubmitted")
    gateway.do("print_trade", instrument=APPLE, price="240.00")
    ib.until(is_(trade, "Filled"))


def test_a_condition_that_cancels_can_be_added(gateway, ib, apple):
    order = LimitOrder("BUY", 10, 200)
    trade = place(ib, apple, order=order)
    ib.until(is_(trade, "Submitted"))
    place(ib, apple, above(235, apple), order=order, conditionsCancelOrder=True)
    ib.reqCurrentTime()
    assert trade.orderStatus.status == "Submitted"
    gateway.do("print_trade", instrument=APPLE, price="235.00")
    ib.until(is_(trade, "Cancelled"))


def test_a_condition_that_is_not_simulated_is_refused_and_the_order_stays(gateway, ib, apple):
    order = LimitOrder("BUY", 10, 200)
    trade = place(ib, apple, order=order)
    ib.until(is_(trade, "Submitted"))
    place(ib, apple, VolumeCondition(isMore=True, volume=1, conId=apple.conId, exch="SMART"), order=order)
    ib.until(lambda: ib.codes(order.orderId))
    [kept] = gateway.do("orders")
    assert (ib.codes(order.orderId), kept["status"]) == ([201], "Submitted")
    [echoed] = [each.order for each in ib.reqAllOpenOrders()]
    assert echoed.lmtPrice == 200
