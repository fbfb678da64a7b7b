"""What becomes of orders when the link, the gateway or the process fails."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from certify.backends.ibkr import create
from certify.errors import CertifyError

AAPL = "AAPL.NASDAQ"


def connected(rig):
    rig.until(lambda: rig.platform.health().connected, "connected")


def down(rig):
    rig.until(lambda: not rig.platform.health().connected, "not connected")


def no_false_alarm(rig):
    assert rig.alerts("ILLEGAL_TRANSITION") == rig.alerts("POSITION_BREAK") == []


def test_broken_session_closes_its_socket_and_finds_everything_again(rig):
    resting, trading = rig.send(10, "99.00"), rig.send(10, "99.50")
    for sent in (resting, trading):
        rig.wait(sent, "NEW")
    rig.platform.broker.disconnect()
    rig.until(lambda: 101 not in {c["client_id"] for c in rig.gateway.do("clients")}, "the socket is closed")
    rig.gateway.do("set_market", instrument=AAPL, bid="99.00", bid_size="5", ask="99.40", ask_size="100")
    rig.platform.broker.reconnect()
    connected(rig)
    fill = rig.wait(trading, "TRADE")
    assert fill.commission == 1
    assert [u.client_order_id for u in rig.platform.broker.open_orders()] == [resting]
    assert rig.kinds(resting) == ["NEW"]
    assert rig.position() == rig.position("broker") == 10
    no_false_alarm(rig)


def test_order_is_refused_while_there_is_no_link(rig):
    rig.platform.broker.disconnect()
    sent = rig.send(10, "99.00")
    assert rig.wait(sent, "REJECTED").code == "DISCONNECTED"


@pytest.mark.parametrize("state", ["restored", "restored_data_lost"])
def test_fills_while_ib_is_out_of_reach_are_found(rig, state):
    resting, trading = rig.send(10, "99.00"), rig.send(10, "99.50")
    for sent in (resting, trading):
        rig.wait(sent, "NEW")
    rig.gateway.do("connectivity", state="lost")
    down(rig)
    rig.gateway.do("set_market", instrument=AAPL, bid="99.00", bid_size="5", ask="99.40", ask_size="100")
    rig.gateway.do("connectivity", state=state)
    connected(rig)
    assert rig.wait(trading, "TRADE").last_qty == 10
    assert rig.kinds(trading) == ["NEW", "TRADE"]
    rig.platform.execution.cancel(resting, AAPL)
    rig.wait(resting, "CANCELED")
    assert rig.position() == rig.position("broker") == 10
    no_false_alarm(rig)


def test_half_open_link_is_found(build):
    rig = build(heartbeat_s=0.1, silence_s=0.4, connect_timeout_s=0.5, answer_timeout_s=0.5)
    rig.market()
    sent = rig.send(10, "99.00")
    rig.wait(sent, "NEW")
    begin = time.monotonic()
    rig.gateway.do("half_open", on=True)
    down(rig)
    assert time.monotonic() - begin < 3
    rig.gateway.do("half_open", on=False)
    rig.until(lambda: rig.platform.health().connected, "back", 15)
    assert [u.client_order_id for u in rig.platform.broker.open_orders()] == [sent]
    no_false_alarm(rig)


@pytest.mark.parametrize("mid_message", [False, True])
def test_reset_connections_come_back(rig, mid_message):
    sent = rig.send(10, "99.00")
    rig.wait(sent, "NEW")
    rig.gateway.do("reset", mid_message=mid_message)
    down(rig)
    connected(rig)
    rig.platform.execution.cancel(sent, AAPL)
    rig.wait(sent, "CANCELED")
    no_false_alarm(rig)


def placed(rig):
    """Return how many orders have come to the gateway."""
    return sum(counts.get("PlaceOrder", 0) for counts in rig.gateway.do("requests").values())


def test_order_that_is_acknowledged_after_the_link_broke_is_not_said_to_be_dead(rig):
    rig.gateway.do("behaviour", name="acknowledge_late", delay_ms=600)
    before = placed(rig)
    sent = rig.send(10, "99.00")
    rig.until(lambda: placed(rig) > before, "the order at the gateway")
    rig.gateway.do("reset", client_id=101)
    down(rig)
    connected(rig)
    rig.wait(sent, "NEW")
    assert rig.kinds(sent) == ["NEW"]


def test_order_that_lives_after_it_was_said_to_be_dead_is_cancelled(build):
    rig = build(answer_wait_ms=100)
    rig.market()
    rig.gateway.do("behaviour", name="acknowledge_late", delay_ms=900)
    sent = rig.send(10, "99.00")
    rig.wait(sent, "REJECTED")
    rig.until(lambda: [o["status"] for o in rig.gateway.do("orders")] == ["Cancelled"], "cancelled")
    assert rig.kinds(sent) == ["REJECTED"]


def test_gateway_that_restarts_is_found_again(rig):
    sent = rig.send(10, "99.00")
    rig.wait(sent, "NEW")
    rig.gateway.do("restart", down_s=0.5)
    down(rig)
    rig.until(lambda: rig.platform.health().connected, "back", 15)
    assert [u.client_order_id for u in rig.platform.broker.open_orders()] == [sent]


def test_fragmented_and_late_frames_change_nothing(rig):
    rig.gateway.do("frames", fragment=7, delay_ms=0)
    sent = rig.send(10)
    rig.wait(sent, "TRADE")
    assert rig.kinds(sent) == ["NEW", "TRADE"]


def test_restart_finds_orders_fills_and_positions_again(rig):
    done, part, resting = rig.send(10), rig.send(50, "99.50"), rig.send(10, "99.00")
    rig.wait(done, "TRADE")
    for sent in (part, resting):
        rig.wait(sent, "NEW")
    rig.platform.stop()
    rig.gateway.do("set_market", instrument=AAPL, bid="99.40", bid_size="5", ask="99.50", ask_size="20")
    again = rig.restart()
    try:
        fill = again.wait(part, "TRADE")
        assert (fill.last_qty, fill.qty, fill.leaves_qty) == (20, 50, 30)
        assert {u.client_order_id for u in again.platform.execution.open_orders()} == {part, resting}
        assert again.position() == again.position("broker") == 30
        assert again.kinds(done) == again.kinds(resting) == []
        again.market("100.00", "100.10")
        fresh = again.send(10)
        again.wait(fresh, "TRADE")
        ids = [order["order_id"] for order in again.gateway.do("orders")]
        assert len(ids) == len(set(ids))
        again.platform.execution.cancel(resting, AAPL)
        again.wait(resting, "CANCELED")
        again.platform.execution.modify(part, qty=Decimal(60))
        assert again.wait(part, "REPLACED").leaves_qty == 40
        no_false_alarm(again)
    finally:
        again.platform.stop()


def test_restart_finds_the_orders_of_the_paper_account_in_use(rig):
    rig.platform.paper_trading.open_account(Decimal(50_000), "USD")
    sent = rig.send(10, "99.00", port="paper_trading")
    rig.wait(sent, "NEW")
    again = rig.restart()
    try:
        assert [u.client_order_id for u in again.platform.paper_trading.open_orders()] == [sent]
        again.platform.paper_trading.cancel(sent, AAPL)
        again.wait(sent, "CANCELED")
    finally:
        again.platform.stop()


def test_order_that_ended_while_the_process_was_down_is_said_to_have_ended(rig):
    sent = rig.send(10, "99.00")
    rig.wait(sent, "NEW")
    rig.platform.stop()
    (order,) = [each for each in rig.gateway.do("orders") if each["order_ref"] == sent]
    rig.gateway.do("cancel_order", perm_id=order["perm_id"])
    again = rig.restart()
    try:
        assert again.wait(sent, "CANCELED").code == "NOT_WORKING"
    finally:
        again.platform.stop()


def test_platform_can_be_started_again(rig):
    rig.platform.stop()
    rig.platform.start()
    connected(rig)
    rig.market()
    rig.wait(rig.send(10), "TRADE")


def test_client_id_in_use_is_said_in_one_line(rig, build):
    with pytest.raises((ConnectionError, CertifyError), match="client id 103 is in use"):
        build()


def test_closed_port_is_said_in_one_line(rig, tmp_path):
    host = rig.gateway.host
    config = {"host": host, "port": 1, "account": "DU1"}
    context = type(rig.context)(config, tmp_path / "other")
    platform = create(context)
    with pytest.raises(ConnectionError, match=r"nothing listens on 127\.0\.0\.1:1: start TWS"):
        platform.start()
    platform.stop()


def test_foreign_account_is_said_in_one_line(rig, tmp_path):
    host, port, _ = rig.gateway.address
    config = {"host": host, "port": port, "account": "DU7654321", "client_id": 401, "simulated": True}
    platform = create(type(rig.context)(config, tmp_path / "other"))
    with pytest.raises(ConnectionError, match=r"account DU\*\*\*321 is not under this login"):
        platform.start()
    platform.stop()


def test_gateway_is_not_asked_too_often(rig):
    for _ in range(30):
        rig.send(1, "99.00")
    rig.until(lambda: len(rig.platform.broker.open_orders()) == 30, "all working")
    time.sleep(0.5)
    for seen in rig.gateway.do("pacing").values():
        assert seen["violations"] == 0
        assert seen["most_in_window"] <= 45
