"""Ports `broker` and `broker_framework`: links that break, and what is found out afterwards."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest

from certify.model.trading import ConnectionChange, ExecType, OrdStatus, Side, Source

D = Decimal
AAPL = "AAPL.NASDAQ"


@pytest.mark.parametrize("port", ["broker", "execution", "paper_trading"])
def test_without_a_link_orders_are_refused(rig, port):
    chosen = getattr(rig.platform, port)
    working = rig.send(10, "99.00", port=port)
    chosen.disconnect()
    sent = rig.send(10, port=port)
    refused = rig.last(sent)
    assert (refused.exec_type, refused.source, refused.code) == (
        ExecType.REJECTED,
        Source.BROKER,
        "DISCONNECTED",
    )
    chosen.cancel(working, AAPL)
    chosen.modify(working, qty=D(5))
    assert [(u.exec_type, u.code) for u in rig.updates(working)[-2:]] == [
        (ExecType.CANCEL_REJECTED, "DISCONNECTED"),
        (ExecType.REPLACE_REJECTED, "DISCONNECTED"),
    ]
    chosen.reconnect()
    assert [update.client_order_id for update in chosen.open_orders()] == [working]
    assert rig.last(rig.send(10, port=port)).status is OrdStatus.FILLED


@pytest.mark.parametrize("port", ["broker", "execution", "paper_trading"])
def test_fills_during_an_outage_are_recovered_once(rig, port):
    chosen = getattr(rig.platform, port)
    sent = rig.send(10, "99.00", port=port)
    chosen.disconnect()
    rig.quote("98.80", "98.90")
    assert rig.kinds(sent) == [ExecType.NEW]
    chosen.reconnect()
    assert rig.kinds(sent) == [ExecType.NEW, ExecType.TRADE]
    chosen.disconnect()
    chosen.reconnect()
    assert rig.kinds(sent) == [ExecType.NEW, ExecType.TRADE]
    assert chosen.positions()[0].qty == 10
    assert chosen.open_orders() == []


def test_an_end_during_an_outage_is_found(rig):
    sent = rig.send(10, "99.00")
    rig.platform.execution.disconnect()
    rig.connection.venue.close_session()
    rig.platform.execution.reconnect()
    assert rig.last(sent).status is OrdStatus.CANCELED
    assert rig.platform.execution.open_orders() == []
    assert rig.platform.execution.desk.open_orders == 0


def test_a_change_during_an_outage_is_found(rig):
    sent = rig.send(10, "99.00")
    session = rig.platform.broker.session
    rig.platform.execution.disconnect()
    other = rig.connection.login(session.account_id, session)
    other.modify(sent, D(6), None)
    other.close()
    rig.platform.execution.reconnect()
    assert (rig.last(sent).exec_type, rig.last(sent).qty) == (ExecType.REPLACED, 6)


def test_links_are_announced_and_alerted(rig):
    rig.platform.broker.disconnect()
    rig.platform.broker.reconnect()
    changes = [e.connected for e in rig.events if isinstance(e, ConnectionChange) and e.component == "broker"]
    assert changes == [True, False, True]
    assert len(rig.alerts("DISCONNECT")) == 1
    rig.platform.broker.disconnect()
    assert len(rig.alerts("DISCONNECT")) == 2
    assert not rig.platform.health().connected


def test_what_was_known_is_answered_while_there_is_no_link(rig):
    rig.send(10)
    working = rig.send(10, "99.00")
    before = rig.platform.broker.account()
    rig.platform.broker.disconnect()
    assert rig.platform.broker.account() == before
    assert [p.qty for p in rig.platform.broker.positions()] == [10]
    assert [u.client_order_id for u in rig.platform.broker.open_orders()] == [working]
    assert len(rig.platform.broker.executions()) == 1


def test_a_lost_link_comes_back_by_itself_less_and_less_eagerly(build):
    rig = build(failover_after_ns=10**15)
    session, tried = rig.platform.broker.session, []
    login = rig.connection.login

    def refuse(account, listener):
        tried.append(rig.now_ns)
        raise ConnectionError("not now")

    rig.connection.login = refuse
    session.link_lost("reset by peer")
    for _ in range(100):
        rig.pass_time(0.05)
    waits = [b - a for a, b in pairwise(tried)]
    assert len(waits) >= 3
    assert waits == sorted(waits)
    assert waits[-1] > waits[0]
    rig.connection.login = login
    rig.pass_time(6)
    assert session.connected


def test_whichever_broker_can_be_reached_first_is_used(rig):
    login = rig.connection.login

    def refuse(account, listener):
        raise ConnectionError("not now")

    rig.connection.login = refuse
    rig.platform.broker.session.link_lost("reset by peer")
    for _ in range(100):
        rig.pass_time(0.1)
    rig.connection.login = login
    for _ in range(100):
        rig.pass_time(0.1)
    assert rig.platform.health().connected
    assert rig.last(rig.send(1)).status is OrdStatus.FILLED


@pytest.mark.parametrize(
    ("name", "confirm", "code"),
    [
        ("NOWHERE", True, "UNKNOWN_BROKER"),
        ("LIVE-X", False, "CONFIRM_REQUIRED"),
        ("LIVE-X", True, "LIVE_NOT_APPROVED"),
    ],
)
def test_switches_that_are_refused(rig, name, confirm, code):
    framework = rig.platform.broker_framework
    decision = framework.switch(name, confirm=confirm)
    assert (decision.accepted, decision.code) == (False, code)
    assert framework.active() == "SIM-A"


def test_a_switch_waits_for_open_orders(rig):
    framework = rig.platform.broker_framework
    sent = rig.send(10, "99.00")
    assert framework.switch("SIM-B").code == "OPEN_ORDERS"
    rig.platform.execution.cancel(sent, AAPL)
    assert framework.switch("SIM-B").accepted
    assert [(b.name, b.connected, b.active) for b in framework.brokers()] == [
        ("SIM-A", True, False),
        ("SIM-B", True, True),
        ("LIVE-X", False, False),
    ]
    assert rig.last(rig.send(10)).status is OrdStatus.FILLED
    assert rig.platform.execution.book.qty(AAPL) == 10


def test_a_switch_that_cannot_connect_goes_back(rig):
    framework = rig.platform.broker_framework
    framework.switch("SIM-B")
    rig.platform.broker.disconnect()
    rig.pass_time(3)
    assert framework.active() == "SIM-A"
    assert framework.switch("SIM-B").code == "NOT_CONNECTED"
    assert framework.active() == "SIM-A"
    assert rig.platform.health().connected
    assert rig.last(rig.send(1)).status is OrdStatus.FILLED


def test_the_standby_says_nothing(rig):
    sent = rig.send(10)
    assert rig.kinds(sent) == [ExecType.NEW, ExecType.TRADE]
    rig.platform.broker_framework.switch("SIM-B")
    rig.platform.broker_framework.switch("SIM-A")
    sent = rig.send(10, side=Side.SELL)
    assert rig.kinds(sent) == [ExecType.NEW, ExecType.TRADE]
    assert rig.platform.execution.positions() == []


def test_the_backup_takes_over_with_the_orders(rig):
    sent = rig.send(10, "99.00")
    rig.platform.broker.disconnect()
    rig.pass_time(1)
    assert rig.platform.broker_framework.active() == "SIM-A"
    rig.quote("98.80", "98.90", size="4")
    rig.pass_time(1)
    assert rig.platform.broker_framework.active() == "SIM-B"
    assert rig.kinds(sent) == [ExecType.NEW, ExecType.TRADE]
    framework = rig.platform.broker_framework
    rig.platform.execution.cancel(sent, AAPL)
    assert (rig.last(sent).status, rig.last(sent).cum_qty) == (OrdStatus.CANCELED, 4)
    assert framework.switch("SIM-A").code == "NOT_CONNECTED"
    assert framework.active() == "SIM-B"
    rig.platform.broker.reconnect()
    assert framework.switch("SIM-A").accepted


def test_when_no_backup_can_be_reached_the_first_stays(rig):
    rig.platform.broker.disconnect()
    rig.pass_time(3)
    rig.platform.broker.disconnect()
    rig.pass_time(3)
    rig.pass_time(3)
    assert not rig.platform.health().connected
    rig.platform.broker.reconnect()
    assert rig.platform.health().connected
    assert rig.last(rig.send(1)).status is OrdStatus.FILLED


def test_the_broker_refuses_an_id_in_use(rig):
    order = rig.order(10, "99.00")
    rig.platform.broker.submit(order)
    rig.platform.broker.submit(replace(order, side=Side.SELL, price=D("101.00")))
    assert rig.last(order.client_order_id).code == "DUPLICATE_ORDER_ID"
    assert len(rig.platform.broker.open_orders()) == 1


def test_a_missing_fill_is_a_position_break(rig):
    rig.platform.on_report = lambda update: None
    rig.platform.broker.session.deliver = rig.platform.on_report
    rig.send(10)
    for _ in range(3):
        rig.pass_time(0.3)
    (alert,) = rig.alerts("POSITION_BREAK")
    assert "AAPL.NASDAQ -10" in alert.text
