"""Orders over a simulated gateway: what a system hears of them, whatever the gateway does."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from certify.model.trading import OrderType, OrdStatus, Side, Source, TimeInForce, Trade

AAPL = "AAPL.NASDAQ"


def test_market_order_is_acknowledged_and_filled_with_its_commission(rig):
    sent = rig.send(10)
    fill = rig.wait(sent, "TRADE")
    assert rig.kinds(sent) == ["NEW", "TRADE"]
    assert (fill.status, fill.last_qty, fill.last_px) == (OrdStatus.FILLED, 10, Decimal("100.10"))
    assert fill.commission == 1
    assert fill.account == "DU1000001"
    assert rig.position() == rig.position("broker") == 10


def test_limit_order_rests_is_changed_and_cancelled(rig):
    sent = rig.send(10, "99.00")
    first = rig.wait(sent, "NEW")
    rig.platform.execution.modify(sent, qty=Decimal(20), price=Decimal("99.50"))
    changed = rig.wait(sent, "REPLACED")
    assert (changed.qty, changed.price, changed.leaves_qty) == (20, Decimal("99.50"), 20)
    assert changed.broker_order_id == first.broker_order_id
    (working,) = rig.platform.broker.open_orders()
    assert (working.client_order_id, working.qty, working.price) == (sent, 20, Decimal("99.50"))
    rig.platform.execution.cancel(sent, AAPL)
    assert rig.wait(sent, "CANCELED").status is OrdStatus.CANCELED
    assert rig.platform.broker.open_orders() == []


def test_order_is_filled_in_parts(rig):
    rig.market(size="30")
    sent = rig.send(100, "100.10")
    first = rig.wait(sent, "TRADE")
    assert (first.status, first.cum_qty, first.leaves_qty) == (OrdStatus.PARTIALLY_FILLED, 30, 70)
    rig.market(size="500")
    last = rig.wait(sent, "TRADE", 2)
    assert (last.status, last.cum_qty, last.leaves_qty) == (OrdStatus.FILLED, 100, 0)
    assert rig.position() == rig.position("broker") == 100


@pytest.mark.parametrize("tif", [TimeInForce.IOC, TimeInForce.FOK])
def test_immediate_order_that_cannot_trade_is_canceled(rig, tif):
    sent = rig.send(10, "99.00", tif=tif)
    rig.wait(sent, "CANCELED")
    assert "REJECTED" not in rig.kinds(sent)


def test_immediate_order_trades_what_there_is(rig):
    rig.market(size="40")
    sent = rig.send(100, "100.10", tif=TimeInForce.IOC)
    end = rig.wait(sent, "CANCELED")
    assert (end.cum_qty, end.leaves_qty) == (40, 0)
    assert rig.kinds(sent) == ["NEW", "TRADE", "CANCELED"]


def test_order_with_an_end_expires(rig):
    expire_at_ns = time.time_ns() + 1_200_000_000
    sent = rig.send(10, "99.00", tif=TimeInForce.GTD, expire_at_ns=expire_at_ns)
    rig.wait(sent, "NEW")
    assert rig.wait(sent, "EXPIRED").status is OrdStatus.EXPIRED
    assert time.time_ns() >= expire_at_ns


def test_day_order_expires_at_the_end_of_the_day(rig):
    sent, kept = rig.send(10, "99.00"), rig.send(10, "99.00", tif=TimeInForce.GTC)
    rig.wait(kept, "NEW")
    rig.gateway.do("new_day")
    rig.wait(sent, "EXPIRED")
    assert [u.client_order_id for u in rig.platform.broker.open_orders()] == [kept]


def test_stop_orders_wait_for_their_price(rig):
    stop = rig.send(10, type=OrderType.STOP, stop_price=Decimal("100.50"))
    limited = rig.send(10, "100.80", type=OrderType.STOP_LIMIT, stop_price=Decimal("100.50"))
    for sent in (stop, limited):
        assert rig.wait(sent, "NEW").stop_price == Decimal("100.50")
    rig.market("100.50", "100.60")
    rig.platform.market_data.inject(Trade(AAPL, Decimal("100.60"), Decimal(1), 0))
    for sent in (stop, limited):
        assert rig.wait(sent, "TRADE").status is OrdStatus.FILLED


def test_unknown_orders_cannot_be_changed_or_cancelled(rig):
    rig.platform.broker.cancel("nobody", AAPL)
    rig.platform.broker.modify("nobody", price=Decimal("99.00"))
    assert rig.wait("nobody", "CANCEL_REJECTED").code == "UNKNOWN_ORDER"
    assert rig.wait("nobody", "REPLACE_REJECTED").code == "UNKNOWN_ORDER"


def test_cancel_after_the_fill_is_refused(rig):
    sent = rig.send(10)
    rig.wait(sent, "TRADE")
    rig.platform.broker.cancel(sent, AAPL)
    rig.wait(sent, "CANCEL_REJECTED")
    assert rig.updates(sent)[-1].status is OrdStatus.FILLED


def test_cancel_all_leaves_other_peoples_orders_alone(rig):
    mine = [rig.send(10, "99.00") for _ in range(3)]
    for sent in mine:
        rig.wait(sent, "NEW")
    manual = rig.gateway.do(
        "manual_order", instrument=AAPL, side="BUY", qty=5, price="98.00", account="DU1000001"
    )
    foreign = rig.gateway.do(
        "foreign_order", instrument=AAPL, side="BUY", qty=5, price="98.00", account="DU1000001", client_id=55
    )
    rig.platform.broker.cancel_all()
    for sent in mine:
        rig.wait(sent, "CANCELED")
    assert rig.platform.broker.open_orders() == []
    left = {
        order["perm_id"]
        for order in rig.gateway.do("orders")
        if order["status"] in ("Submitted", "PreSubmitted")
    }
    assert left == {manual["perm_id"], foreign["perm_id"]}


# -- what IB may do with an order ----------------------------------------------------------------


def behave(rig, name, **more):
    rig.gateway.do("behaviour", name=name, **more)


def test_rejection_is_one_with_its_number(rig):
    behave(rig, "reject")
    sent = rig.send(10, "99.00")
    said = rig.wait(sent, "REJECTED")
    assert (said.code, said.source, said.status) == ("201", Source.VENUE, OrdStatus.REJECTED)
    assert "as commanded" in said.reason
    assert rig.kinds(sent) == ["REJECTED"]


def test_price_off_the_grid_at_the_broker_is_a_rejection_of_the_new_order(build):
    # Half a cent is on the grid that the platform was given, but not on IB's.
    rig = build(instruments=[{"id": AAPL, "tick": "0.005"}])
    rig.market()
    sent = rig.send(10, "99.005")
    said = rig.wait(sent, "REJECTED")
    assert (said.code, said.source) == ("110", Source.BROKER)


def test_refused_change_leaves_the_order_working(build):
    rig = build(instruments=[{"id": AAPL, "tick": "0.005"}])
    rig.market()
    sent = rig.send(10, "99.00")
    rig.wait(sent, "NEW")
    rig.platform.execution.modify(sent, price=Decimal("99.005"))
    said = rig.wait(sent, "REPLACE_REJECTED")
    assert (said.code, said.price, said.status) == ("110", Decimal("99.00"), OrdStatus.NEW)
    rig.platform.execution.cancel(sent, AAPL)
    rig.wait(sent, "CANCELED")


@pytest.mark.parametrize("name", ["held", "message_399"])
def test_notice_does_not_end_an_order(rig, name):
    behave(rig, name)
    sent = rig.send(10, "99.00")
    rig.wait(sent, "NEW")
    rig.platform.execution.cancel(sent, AAPL)
    rig.wait(sent, "CANCELED")
    assert rig.kinds(sent) == ["NEW", "CANCELED"]


@pytest.mark.parametrize("code", [2109, 2137, 2161, 10311, 10349, 399])
def test_notices_with_the_id_of_an_order_are_not_its_end(rig, code):
    sent = rig.send(10, "99.00")
    rig.wait(sent, "NEW")
    (order,) = [each for each in rig.gateway.do("orders") if each["order_ref"] == sent]
    rig.gateway.do("notice", code=code, req_id=order["order_id"])
    rig.platform.execution.modify(sent, price=Decimal("99.10"))
    rig.wait(sent, "REPLACED")
    assert rig.kinds(sent) == ["NEW", "REPLACED"]


def test_order_that_is_never_acknowledged_is_said_to_be_dead(build):
    rig = build(answer_wait_ms=200)
    rig.market()
    behave(rig, "never_acknowledge")
    sent = rig.send(10, "99.00")
    said = rig.wait(sent, "REJECTED")
    assert (said.code, said.source) == ("UNANSWERED", Source.BROKER)


def test_late_acknowledgement_is_waited_for(build):
    rig = build(answer_wait_ms=200)
    rig.market()
    behave(rig, "acknowledge_late", delay_ms=250)
    sent = rig.send(10, "99.00")
    rig.wait(sent, "NEW")
    assert rig.kinds(sent) == ["NEW"]


def test_fill_that_wins_against_a_cancel(rig):
    behave(rig, "fill_on_cancel")
    sent = rig.send(10, "99.00")
    rig.wait(sent, "NEW")
    rig.platform.execution.cancel(sent, AAPL)
    rig.wait(sent, "CANCEL_REJECTED")
    assert rig.kinds(sent) == ["NEW", "TRADE", "CANCEL_REJECTED"]
    assert rig.updates(sent)[-1].code == "10148"


def test_cancel_by_the_broker_says_why(rig):
    behave(rig, "cancel_unsolicited", delay_ms=20, reason="Margin")
    sent = rig.send(10, "99.00")
    said = rig.wait(sent, "CANCELED")
    assert said.code == "202"
    assert "Margin" in said.reason


@pytest.mark.parametrize("name", ["execution_first", "duplicate_execution", "status_lost", "commission_lost"])
def test_fills_are_counted_once_however_they_are_said(rig, name):
    behave(rig, name)
    sent = rig.send(10)
    fill = rig.wait(sent, "TRADE")
    assert fill.commission == 1
    assert rig.position("broker") == 10
    assert rig.kinds(sent) == ["NEW", "TRADE"]
    assert [u.exec_id for u in rig.platform.broker.executions()] == [fill.exec_id]
    assert rig.alerts("ILLEGAL_TRANSITION") == rig.alerts("POSITION_BREAK") == []


def test_fill_does_not_wait_for_ever_for_its_commission(build):
    rig = build(commission_wait_ms=100)
    rig.market()
    behave(rig, "commission_late", delay_ms=600)
    sent = rig.send(10)
    assert rig.wait(sent, "TRADE").commission is None
    rig.until(lambda: rig.platform.broker.executions()[0].commission == 1, "the commission, later")


def test_busted_execution_is_taken_back(rig):
    sent = rig.send(10)
    fill = rig.wait(sent, "TRADE")
    rig.gateway.do("bust", exec_id=fill.exec_id)
    said = rig.wait(sent, "TRADE_CANCEL")
    assert (said.exec_ref_id, said.last_qty, said.cum_qty) == (fill.exec_id, 10, 0)
    rig.until(lambda: rig.position() == rig.position("broker") == 0, "both flat")


def test_corrected_execution_is_not_counted_twice(rig):
    sent = rig.send(10)
    fill = rig.wait(sent, "TRADE")
    rig.gateway.do("correct", exec_id=fill.exec_id, price="100.20")
    again = rig.wait(sent, "TRADE", 2)
    assert rig.kinds(sent) == ["NEW", "TRADE", "TRADE_CANCEL", "TRADE"]
    assert (again.last_px, again.cum_qty, again.status) == (Decimal("100.20"), 10, OrdStatus.FILLED)
    assert rig.position() == rig.position("broker") == 10
    assert rig.alerts("ILLEGAL_TRANSITION") == []


def test_read_only_gateway_refuses_orders_and_changes_only(rig):
    before = rig.send(10, "99.00")
    rig.wait(before, "NEW")
    rig.gateway.do("read_only", on=True)
    sent = rig.send(10, "99.00")
    assert rig.wait(sent, "REJECTED").code == "321"
    rig.platform.execution.modify(before, price=Decimal("98.00"))
    assert rig.wait(before, "REPLACE_REJECTED").code == "321"
    rig.gateway.do("read_only", on=False)
    rig.platform.execution.cancel(before, AAPL)
    rig.wait(before, "CANCELED")


# -- money and paper -----------------------------------------------------------------------------


def test_money_follows_the_fills(rig):
    before = rig.platform.broker.account()
    sent = rig.send(10)
    rig.wait(sent, "TRADE")
    after = rig.platform.broker.account()
    assert before.cash - after.cash == 10 * Decimal("100.10") + 1
    assert after.commissions == 1
    assert after.equity == after.cash + 10 * Decimal("100.05")


def test_paper_account_is_one_of_its_own(rig):
    sent = rig.send(10, port="paper_trading")
    rig.wait(sent, "TRADE")
    assert rig.position("paper_trading") == 10
    assert rig.position() == rig.position("broker") == 0
    fresh = rig.platform.paper_trading.open_account(Decimal(5000), "USD")
    assert fresh.cash == 5000
    assert rig.position("paper_trading") == 0


def test_sale_of_what_is_not_held_is_short(rig):
    sent = rig.send(10, side=Side.SELL)
    rig.wait(sent, "TRADE")
    assert rig.position() == rig.position("broker") == -10
