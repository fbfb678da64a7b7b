"""Port `execution`: the order path."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from certify.model.trading import ExecType, OrderType, OrdStatus, Side, Source, TimeInForce

D = Decimal
AAPL, MSFT = "AAPL.NASDAQ", "MSFT.NASDAQ"


def test_market_order_fills_and_makes_a_position(rig):
    sent = rig.send(10)
    assert rig.kinds(sent) == [ExecType.NEW, ExecType.TRADE]
    fill = rig.last(sent)
    assert (fill.status, fill.last_px, fill.cum_qty, fill.leaves_qty) == (
        OrdStatus.FILLED,
        D("100.10"),
        10,
        0,
    )
    (position,) = rig.platform.execution.positions()
    assert (position.instrument, position.qty, position.avg_px) == (AAPL, 10, D("100.10"))
    assert [update.exec_id for update in rig.platform.execution.executions()] == [fill.exec_id]


def test_positions_are_the_signed_sum_of_fills_and_profit_is_realised_at_average_cost(rig):
    rig.send(10)
    rig.quote("102.00", "102.10")
    rig.send(10)
    rig.send(15, side=Side.SELL)
    (position,) = rig.platform.execution.positions()
    assert (position.qty, position.avg_px) == (5, D("101.10"))
    assert position.realized_pnl == 15 * (D("102.00") - D("101.10"))
    rig.send(20, side=Side.SELL)
    (position,) = rig.platform.execution.positions()
    assert (position.qty, position.avg_px) == (-15, D("102.00"))
    theirs = {p.instrument: (p.qty, p.realized_pnl) for p in rig.platform.broker.positions()}
    assert theirs == {AAPL: (position.qty, position.realized_pnl)}


def test_partial_fills_then_cancel(rig):
    rig.quote(size="4")
    sent = rig.send(10, "100.10")
    assert rig.last(sent).status is OrdStatus.PARTIALLY_FILLED
    (working,) = rig.platform.execution.open_orders()
    assert (working.exec_type, working.cum_qty, working.leaves_qty) == (ExecType.STATUS, 4, 6)
    rig.platform.execution.cancel(sent, AAPL)
    assert (rig.last(sent).status, rig.last(sent).cum_qty) == (OrdStatus.CANCELED, 4)
    assert rig.platform.execution.open_orders() == []


def test_an_id_is_used_once(rig):
    order = rig.order(10, "90.00")
    rig.platform.execution.submit(order)
    rig.platform.execution.submit(order)
    again = rig.last(order.client_order_id)
    assert (again.exec_type, again.source, again.code) == (
        ExecType.REJECTED,
        Source.ENGINE,
        "DUPLICATE_ORDER_ID",
    )
    assert len(rig.platform.execution.open_orders()) == 1


def test_an_id_of_the_other_port_is_not_taken_over(rig):
    sent = rig.order(10, "90.00")
    rig.platform.broker.submit(sent)
    rig.platform.execution.submit(sent)
    assert rig.last(sent.client_order_id).code == "DUPLICATE_ORDER_ID"
    own = rig.order(10, "90.00")
    rig.platform.execution.submit(own)
    rig.platform.broker.submit(own)
    assert rig.last(own.client_order_id).code == "DUPLICATE_ORDER_ID"
    assert len(rig.platform.broker.open_orders()) == 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"price": D("99.995")}, "OFF_TICK"),
        ({"price": D("-1.00")}, "INVALID_PRICE"),
        ({"price": D("NaN")}, "INVALID_PRICE"),
        ({"price": None}, "MISSING_PRICE"),
        ({"qty": D(0)}, "INVALID_QTY"),
        ({"qty": D("1.5")}, "OFF_LOT"),
        ({"qty": D("Infinity")}, "INVALID_QTY"),
        ({"instrument": "NONE.X"}, "UNKNOWN_INSTRUMENT"),
        ({"account": "SOMEBODY"}, "UNKNOWN_ACCOUNT"),
        ({"type": OrderType.STOP, "stop_price": None}, "MISSING_PRICE"),
        ({"tif": TimeInForce.GTD, "expire_at_ns": 1}, "INVALID_EXPIRY"),
    ],
)
def test_what_is_not_valid_is_refused_never_rounded(rig, change, code):
    order = replace(rig.order(10, "99.00"), **change)
    rig.platform.execution.submit(order)
    (update,) = rig.updates(order.client_order_id)
    assert (update.exec_type, update.source, update.code) == (ExecType.REJECTED, Source.ENGINE, code)
    assert rig.platform.broker.open_orders() == []


def test_cancel_and_modify_of_an_unknown_order_are_refused(rig):
    rig.platform.execution.cancel("nobody", AAPL)
    rig.platform.execution.modify("nobody", qty=D(1))
    first, second = rig.updates("nobody")
    assert (first.exec_type, first.code) == (ExecType.CANCEL_REJECTED, "UNKNOWN_ORDER")
    assert (second.exec_type, second.code) == (ExecType.REPLACE_REJECTED, "UNKNOWN_ORDER")


def test_what_is_over_cannot_be_changed(rig):
    sent = rig.send(10)
    rig.platform.execution.cancel(sent, AAPL)
    rig.platform.execution.modify(sent, qty=D(20))
    assert [u.code for u in rig.updates(sent)[-2:]] == ["TOO_LATE", "TOO_LATE"]
    assert rig.last(sent).status is OrdStatus.FILLED


def test_modify_changes_the_order_and_is_checked_like_one(rig):
    sent = rig.send(10, "99.00")
    rig.platform.execution.modify(sent, qty=D(20), price=D("99.50"))
    assert (rig.last(sent).exec_type, rig.last(sent).qty, rig.last(sent).price) == (
        ExecType.REPLACED,
        20,
        D("99.50"),
    )
    rig.platform.execution.modify(sent, price=D("99.505"))
    assert (rig.last(sent).exec_type, rig.last(sent).code) == (ExecType.REPLACE_REJECTED, "OFF_TICK")
    rig.platform.execution.modify(sent, qty=D(10_001))
    refused = rig.last(sent)
    assert (refused.source, refused.code, refused.qty) == (Source.RISK, "MAX_ORDER_QTY", 20)
    (working,) = rig.platform.execution.open_orders()
    assert (working.qty, working.price) == (20, D("99.50"))


def test_cancel_all_ends_every_order_of_the_engine_alone(rig):
    own = [rig.send(10, "99.00") for _ in range(3)]
    other = rig.send(10, "98.00", port="broker")
    rig.platform.execution.cancel_all()
    assert {rig.last(sent).status for sent in own} == {OrdStatus.CANCELED}
    assert [update.client_order_id for update in rig.platform.broker.open_orders()] == [other]


def test_a_fill_that_was_seen_is_ignored(rig):
    sent = rig.send(10)
    fill, said = rig.last(sent), len(rig.events)
    rig.platform.execution.on_report(fill)
    assert rig.platform.execution.book.qty(AAPL) == 10
    assert len(rig.events) == said


@pytest.mark.parametrize("exec_type", [ExecType.NEW, ExecType.CANCELED, ExecType.REPLACED, ExecType.TRADE])
def test_an_illegal_report_is_dropped_and_said(rig, exec_type):
    sent = rig.send(10)
    rig.platform.execution.on_report(replace(rig.last(sent), exec_type=exec_type, exec_id="X-other"))
    assert rig.kinds(sent) == [ExecType.NEW, ExecType.TRADE]
    assert rig.platform.execution.book.qty(AAPL) == 10
    assert [alert.severity.value for alert in rig.alerts("ILLEGAL_TRANSITION")] == ["CRITICAL"]


def test_a_busted_trade_is_taken_back(rig):
    sent = rig.send(10)
    rig.connection.venue.bust(rig.last(sent).exec_id)
    assert rig.last(sent).exec_type is ExecType.TRADE_CANCEL
    assert rig.platform.execution.positions() == []
    assert rig.platform.execution.book.pnl() == 0


def test_orders_straight_to_the_broker_count_in_the_same_positions(rig):
    rig.send(10)
    sent = rig.send(5, side=Side.SELL, port="broker")
    assert rig.last(sent).status is OrdStatus.FILLED
    assert rig.platform.execution.book.qty(AAPL) == 5
    assert rig.platform.trade_monitor.metrics()["fills"] == 1


def test_gtd_expires(rig):
    sent = rig.send(10, "99.00", tif=TimeInForce.GTD, expire_at_ns=rig.now_ns + 10**9)
    rig.pass_time(2)
    assert rig.last(sent).status is OrdStatus.EXPIRED


def test_instruments_have_their_own_grid(rig):
    rig.quote("50.00", "50.05", instrument=MSFT)
    good = rig.send(20, "50.05", instrument=MSFT)
    bad = rig.send(5, "50.05", instrument=MSFT)
    assert rig.last(good).status is OrdStatus.FILLED
    assert rig.last(bad).code == "OFF_LOT"
