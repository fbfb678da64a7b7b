"""Replaced orders and busted trades, by example."""

from decimal import Decimal

import pytest

from certify.errors import UsageError
from certify.model.trading import ExecType, OrdStatus


def queue_of(alice, bob, order):
    """Fill what rests at 10.00 one by one and return the ids in the order of their fills."""
    bob.buy(1000, "10.00")
    fills = [u.client_order_id for u in alice.reports if u.exec_type is ExecType.TRADE]
    return fills.index(order)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"qty": Decimal(50)}, 0),
        ({"qty": Decimal(50), "price": Decimal("10.00")}, 0),
        ({"qty": Decimal(100)}, 0),
        ({"qty": Decimal(101)}, 1),
        ({"price": Decimal("9.99")}, 0),
    ],
)
def test_only_less_quantity_keeps_the_place_in_the_queue(alice, bob, change, place):
    first = alice.sell(100, "10.00")
    alice.sell(100, "10.00")
    alice.session.modify(first, **change)
    assert alice.last(first).exec_type is ExecType.REPLACED
    assert queue_of(alice, bob, first) == place


def test_a_price_change_and_back_loses_the_place(alice, bob):
    first = alice.sell(100, "10.00")
    alice.sell(100, "10.00")
    alice.session.modify(first, price=Decimal("10.01"))
    alice.session.modify(first, price=Decimal("10.00"))
    assert queue_of(alice, bob, first) == 1


def test_a_replace_reports_what_is_held_now(floor, alice):
    floor.market("9.99", 100, "10.00", 30)
    order = alice.buy(100, "10.00")
    alice.session.modify(order, Decimal(80), Decimal("9.98"))
    update = alice.last(order)
    assert (update.status, update.qty, update.price) == (OrdStatus.PARTIALLY_FILLED, 80, Decimal("9.98"))
    assert (update.cum_qty, update.leaves_qty) == (30, 50)


def test_a_replace_to_a_crossing_price_trades(floor, alice):
    floor.market("9.99", 100, "10.00", 30)
    order = alice.buy(100, "9.99")
    alice.session.modify(order, price=Decimal("10.00"))
    assert alice.heard(order) == ["NEW", "REPLACED", "TRADE"]
    assert alice.last(order).leaves_qty == 70


def test_a_replace_to_the_traded_quantity_fills_the_order(floor, alice):
    floor.market("9.99", 100, "10.00", 30)
    order = alice.buy(100, "10.00")
    alice.session.modify(order, Decimal(30))
    update = alice.last(order)
    assert (update.exec_type, update.status) == (ExecType.REPLACED, OrdStatus.FILLED)
    assert (update.qty, update.cum_qty, update.leaves_qty) == (30, 30, 0)
    assert alice.session.open_orders() == []
    alice.session.subscribe("ACME.SIM", ["QUOTE"])
    assert alice.quotes[-1].bid == Decimal("9.99")


def test_a_waiting_stop_limit_can_be_replaced(floor, alice):
    order = alice.buy(10, "10.05", type="STOP_LIMIT", stop="10.00")
    alice.session.modify(order, Decimal(20), Decimal("10.02"))
    floor.market("9.99", 100, "10.02", 100)
    floor.trade("10.00")
    assert alice.fills(order) == [(20, Decimal("10.02"))]


def test_a_bust_reverses_both_sides_entirely(alice, bob):
    before = alice.session.account(), bob.session.account()
    sell, buy = alice.sell(100, "10.00"), bob.buy(100, "10.00")
    exec_id = bob.last(buy).exec_id
    alice.session._venue.bust(exec_id)
    for desk, order in ((alice, sell), (bob, buy)):
        fill, bust = desk.session.executions()
        assert (bust.exec_type, bust.exec_ref_id) == (ExecType.TRADE_CANCEL, fill.exec_id)
        assert (bust.last_qty, bust.last_px, bust.cum_qty) == (100, Decimal("10.00"), 0)
        assert (bust.status, bust.leaves_qty) == (OrdStatus.CANCELED, 0)
        assert bust.commission == -fill.commission
        assert desk.held() == 0
        assert desk.last(order) == bust
    assert (alice.session.account(), bob.session.account()) == before


def test_a_bust_of_a_working_order_puts_its_quantity_back(floor, alice, bob):
    floor.market("9.99", 100, "10.00", 30)
    order = alice.buy(100, "10.00")
    floor.venue.bust(alice.last(order).exec_id)
    update = alice.last(order)
    assert (update.status, update.cum_qty, update.leaves_qty) == (OrdStatus.NEW, 0, 100)
    bob.sell(100, "10.00")
    assert alice.last(order).status is OrdStatus.FILLED


def test_a_bust_restores_the_average_price_of_what_remains(floor, alice):
    floor.market("9.99", 100, "10.00", 100)
    alice.buy(10)
    floor.market("10.99", 100, "11.00", 100)
    alice.buy(10)
    second = alice.last().exec_id
    alice.sell(5)
    assert alice.session.positions()[0].avg_px == Decimal("10.5")
    floor.venue.bust(second)
    position = alice.session.positions()[0]
    assert (position.qty, position.avg_px) == (5, 10)
    assert position.realized_pnl == 5 * Decimal("0.99")


def test_an_execution_is_busted_once(floor, alice):
    floor.market("9.99", 100, "10.00", 30)
    alice.buy(10)
    exec_id = alice.last().exec_id
    floor.venue.bust(exec_id)
    with pytest.raises(UsageError):
        floor.venue.bust(exec_id)
