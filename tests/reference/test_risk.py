"""Port `risk`: limits at their edge, the kill switch, the loss of the day."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest

from certify.model.trading import ExecType, Limit, OrderType, OrdStatus, Side, Source

D = Decimal
AAPL, MSFT = "AAPL.NASDAQ", "MSFT.NASDAQ"


def limit(rig, name, value, instrument=None):
    assert rig.platform.risk.set_limit(Limit(name, D(value), instrument), "R. Isk").accepted


def refused(rig, sent, code):
    update = rig.last(sent)
    return (update.exec_type, update.source, update.code) == (ExecType.REJECTED, Source.RISK, code)


@pytest.mark.parametrize("port", ["execution", "paper_trading"])
@pytest.mark.parametrize(
    ("name", "value", "at", "above"),
    [
        ("max_order_qty", "100", {"qty": 100, "price": "99"}, {"qty": 101, "price": "99"}),
        ("max_order_notional", "9900", {"qty": 100, "price": "99"}, {"qty": 100, "price": "99.01"}),
        ("max_order_notional", "1001", {"qty": 10}, {"qty": 11}),
        ("max_position_qty", "100", {"qty": 100}, {"qty": 101}),
        ("max_position_notional", "1001", {"qty": 10}, {"qty": 11}),
        ("price_band", "5", {"qty": 1, "price": "105.05"}, {"qty": 1, "price": "105.06"}),
        ("price_band", "10", {"qty": 1, "price": "90.05"}, {"qty": 1, "price": "90.04"}),
    ],
)
def test_at_the_limit_is_allowed_above_is_refused(rig, port, name, value, at, above):
    limit(rig, name, value)
    too_much = rig.send(port=port, **above)
    assert refused(rig, too_much, name.upper())
    assert "limit" in rig.last(too_much).reason
    assert rig.last(rig.send(port=port, **at)).exec_type is not ExecType.REJECTED


def test_stops_are_valued_at_their_stop(rig):
    limit(rig, "max_order_notional", "1010")
    at = rig.send(10, type=OrderType.STOP, stop_price=D("101.00"))
    above = rig.send(10, type=OrderType.STOP, stop_price=D("101.01"))
    assert rig.last(at).exec_type is ExecType.NEW
    assert refused(rig, above, "MAX_ORDER_NOTIONAL")


def test_without_a_price_nothing_is_valued(rig):
    assert refused(rig, rig.send(10, instrument=MSFT), "NO_REFERENCE")
    assert refused(rig, rig.send(10, "50.00", instrument=MSFT), "NO_REFERENCE")


def test_positions_count_working_orders_of_the_same_side(rig):
    limit(rig, "max_position_qty", "100")
    rig.send(40)
    rig.send(60, "99.00")
    assert refused(rig, rig.send(1, "98.00"), "MAX_POSITION_QTY")
    assert rig.last(rig.send(140, "101.00", side=Side.SELL)).exec_type is ExecType.NEW
    assert refused(rig, rig.send(1, "101.00", side=Side.SELL), "MAX_POSITION_QTY")


def test_a_position_above_a_lowered_limit_can_be_reduced(rig):
    rig.send(100)
    limit(rig, "max_position_qty", "10")
    assert refused(rig, rig.send(1), "MAX_POSITION_QTY")
    assert rig.last(rig.send(50, side=Side.SELL)).status is OrdStatus.FILLED


def test_a_change_counts_instead_of_the_order_it_changes(rig):
    limit(rig, "max_position_qty", "100")
    sent = rig.send(60, "99.00")
    rig.platform.execution.modify(sent, qty=D(101))
    assert rig.last(sent).code == "MAX_POSITION_QTY"
    rig.platform.execution.modify(sent, qty=D(100))
    assert rig.last(sent).exec_type is ExecType.REPLACED
    assert refused(rig, rig.send(1, "98.00"), "MAX_POSITION_QTY")
    rig.platform.execution.cancel(sent, AAPL)
    assert rig.last(rig.send(100, "98.00")).exec_type is ExecType.NEW


def test_open_orders(rig):
    limit(rig, "max_open_orders", "2")
    first = rig.send(1, "99.00")
    rig.send(1, "99.00")
    assert refused(rig, rig.send(1, "99.00"), "MAX_OPEN_ORDERS")
    rig.platform.execution.modify(first, qty=D(2))
    assert rig.last(first).exec_type is ExecType.REPLACED
    rig.platform.execution.cancel(first, AAPL)
    assert rig.last(rig.send(1, "99.00")).exec_type is ExecType.NEW


def test_rate_slides_and_cancels_are_free(rig):
    limit(rig, "max_order_rate", "3")
    sent = rig.send(1, "99.00")
    rig.platform.execution.modify(sent, qty=D(2))
    rig.send(1, "99.00")
    rig.platform.execution.modify(sent, qty=D(3))
    assert (rig.last(sent).exec_type, rig.last(sent).code) == (ExecType.REPLACE_REJECTED, "MAX_ORDER_RATE")
    assert refused(rig, rig.send(1, "99.00"), "MAX_ORDER_RATE")
    rig.platform.execution.cancel(sent, AAPL)
    assert rig.last(sent).status is OrdStatus.CANCELED
    rig.pass_time(0.999)
    assert refused(rig, rig.send(1, "99.00"), "MAX_ORDER_RATE")
    rig.pass_time(0.001)
    assert rig.last(rig.send(1, "99.00")).exec_type is ExecType.NEW


def test_an_instrument_may_have_its_own_limit(rig):
    rig.quote("50.00", "50.05", instrument=MSFT)
    limit(rig, "max_order_qty", "20", MSFT)
    assert refused(rig, rig.send(30, instrument=MSFT), "MAX_ORDER_QTY")
    assert rig.last(rig.send(30)).status is OrdStatus.FILLED


def test_two_threads_cannot_both_take_what_is_left(rig):
    limit(rig, "max_position_qty", "100")
    barrier = threading.Barrier(8)
    orders = [[rig.order(10, "99.00") for _ in range(10)] for _ in range(8)]

    def trade(mine):
        barrier.wait()
        for order in mine:
            rig.platform.execution.submit(order)

    threads = [threading.Thread(target=trade, args=(mine,)) for mine in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(update.leaves_qty for update in rig.platform.broker.open_orders()) == 100
    assert rig.platform.trade_monitor.metrics()["orders_rejected"] == 70


def test_precheck_says_the_same_and_does_nothing(rig):
    limit(rig, "max_position_qty", "100")
    said = len(rig.events)
    assert rig.platform.risk.precheck(rig.order(100)).accepted
    decision = rig.platform.risk.precheck(rig.order(101))
    assert (decision.code, decision.observed, decision.limit) == ("MAX_POSITION_QTY", 101, 100)
    assert len(rig.events) == said
    assert rig.last(rig.send(100)).status is OrdStatus.FILLED


@pytest.mark.parametrize(
    ("changed", "by", "code"),
    [
        (Limit("max_order_qty", D(1)), " ", "NAME_REQUIRED"),
        (Limit("max_everything", D(1)), "me", "UNKNOWN_LIMIT"),
        (Limit("max_order_qty", D(-1)), "me", "INVALID_VALUE"),
        (Limit("max_order_qty", D(1), "NONE.X"), "me", "UNKNOWN_INSTRUMENT"),
    ],
)
def test_limits_that_are_not_set(rig, changed, by, code):
    before = rig.platform.risk.limits()
    assert rig.platform.risk.set_limit(changed, by).code == code
    assert rig.platform.risk.limits() == before
    assert rig.platform.risk.audit() == []


def test_who_changed_what_is_kept(rig):
    limit(rig, "max_order_qty", "5")
    rig.platform.risk.kill("HALT", "me", "drill")
    rig.platform.risk.resume("me", "over")
    assert [(e.by, e.action) for e in rig.platform.risk.audit()] == [
        ("R. Isk", "set_limit"),
        ("me", "kill HALT"),
        ("me", "resume"),
    ]


def test_halt_refuses_everything_but_cancels(rig):
    kept = rig.send(10, "99.00")
    rig.platform.risk.kill("HALT", "me", "drill", cancel_open=False)
    assert refused(rig, rig.send(1), "HALT")
    assert refused(rig, rig.send(1, port="paper_trading"), "HALT")
    rig.platform.execution.modify(kept, qty=D(5))
    assert (rig.last(kept).exec_type, rig.last(kept).code) == (ExecType.REPLACE_REJECTED, "HALT")
    rig.platform.execution.cancel(kept, AAPL)
    assert rig.last(kept).status is OrdStatus.CANCELED


def test_a_kill_cancels_through_every_door(rig):
    sent = [rig.send(10, "99.00", port=port) for port in ("execution", "broker", "paper_trading")]
    rig.platform.risk.kill("HALT", "me", "drill")
    assert {rig.last(one).status for one in sent} == {OrdStatus.CANCELED}
    assert rig.alerts("KILL_SWITCH")


def test_a_kill_without_a_link_cancels_when_it_is_back(rig):
    sent = rig.send(10, "99.00")
    rig.platform.execution.disconnect()
    rig.platform.risk.kill("HALT", "me", "drill")
    assert rig.last(sent).exec_type is ExecType.NEW
    rig.platform.execution.reconnect()
    assert rig.last(sent).status is OrdStatus.CANCELED


def test_reduce_only_lets_positions_shrink_and_never_turn(rig):
    rig.send(10)
    rig.platform.risk.kill("REDUCE_ONLY", "me", "drill")
    assert refused(rig, rig.send(1), "REDUCE_ONLY")
    assert refused(rig, rig.send(11, side=Side.SELL), "REDUCE_ONLY")
    assert rig.last(rig.send(6, "101.00", side=Side.SELL)).exec_type is ExecType.NEW
    assert refused(rig, rig.send(5, side=Side.SELL), "REDUCE_ONLY")
    assert rig.last(rig.send(4, side=Side.SELL)).status is OrdStatus.FILLED


def test_a_halt_is_weakened_only_by_a_named_resume(rig):
    risk = rig.platform.risk
    risk.kill("HALT", "me", "drill")
    risk.kill("REDUCE_ONLY", "me", "softer")
    assert risk.state() == "HALT"
    assert risk.resume("", "because").code == "NAME_REQUIRED"
    assert risk.resume("me", " ").code == "REASON_REQUIRED"
    assert risk.state() == "HALT"
    assert risk.resume("me", "over").accepted
    assert rig.last(rig.send(1)).status is OrdStatus.FILLED
    with pytest.raises(ValueError, match="expected HALT or REDUCE_ONLY"):
        risk.kill("PAUSE", "me", "?")


def test_the_loss_of_the_day_halts_and_stays(rig):
    limit(rig, "max_daily_loss", "100")
    rig.send(100)
    working = rig.send(1, "90.00")
    rig.quote("99.05", "99.15")
    rig.pass_time(0.1)
    assert rig.platform.risk.state() == "ACTIVE"
    rig.quote("99.00", "99.08")
    rig.pass_time(0.1)
    assert rig.platform.risk.state() == "HALT"
    assert len(rig.alerts("DAILY_LOSS")) == 1
    assert rig.last(working).status is OrdStatus.CANCELED
    assert refused(rig, rig.send(1), "MAX_DAILY_LOSS")
    rig.quote()
    rig.pass_time(24 * 3600)
    assert rig.platform.risk.state() == "HALT"
    assert rig.platform.risk.resume("me", "seen").accepted
    assert rig.last(rig.send(1)).status is OrdStatus.FILLED


def test_the_loss_is_checked_before_an_order_too(rig):
    limit(rig, "max_daily_loss", "100")
    rig.send(100)
    rig.quote("95.00", "95.10")
    assert refused(rig, rig.send(1), "MAX_DAILY_LOSS")
    assert rig.platform.risk.state() == "HALT"


def test_a_new_day_starts_afresh(rig):
    limit(rig, "max_daily_loss", "100")
    rig.send(100)
    rig.quote("99.20", "99.30")
    rig.pass_time(24 * 3600)
    rig.quote("98.50", "98.60")
    rig.pass_time(1)
    assert rig.platform.risk.state() == "ACTIVE"
    rig.quote("98.00", "98.10")
    rig.pass_time(1)
    assert rig.platform.risk.state() == "HALT"
