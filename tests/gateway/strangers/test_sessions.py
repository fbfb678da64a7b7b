"""Sessions as scripts have them: two on one account, client 0, coming back, watched over, far too many."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import psutil
from ib_insync import LimitOrder, MarketOrder
from ib_insync.ibcontroller import Watchdog

from certify.gateway.wire.frames import frame, framed
from tests.gateway.strangers.conftest import APPLE, WAIT_S, Script


def test_two_clients_share_the_account_but_not_their_orders(connect, ib, apple):
    other = connect(2)
    resting = ib.placeOrder(apple, LimitOrder("BUY", 10, 200))
    ib.until(lambda: resting.orderStatus.status == "Submitted")
    assert other.reqOpenOrders() == []
    [seen] = other.reqAllOpenOrders()
    assert (seen.order.clientId, seen.order.permId) == (1, resting.order.permId)
    other.client.cancelOrder(resting.order.orderId, "")
    other.until(lambda: other.codes(resting.order.orderId) == [10147])
    ib.placeOrder(apple, MarketOrder("BUY", 10))
    other.until(other.positions, "the position at the other client")
    assert other.fills() == []
    assert [fill.execution.clientId for fill in other.reqExecutions()] == [1]
    assert resting.orderStatus.status == "Submitted"


def test_client_0_binds_what_is_entered_by_hand_and_may_change_and_cancel_it(gateway, connect):
    ib = connect(0)
    ib.reqAutoOpenOrders(True)
    made = gateway.do("manual_order", instrument=APPLE, side="BUY", qty=5, price="150", account="DU1000001")
    ib.until(ib.openTrades, "the order entered by hand")
    [trade] = ib.openTrades()
    assert (trade.order.orderId, trade.order.permId) == (made["order_id"], made["perm_id"])
    trade.order.lmtPrice = 151
    ib.placeOrder(trade.contract, trade.order)
    ib.reqAllOpenOrders()
    assert trade.order.lmtPrice == 151
    ib.cancelOrder(trade.order)
    ib.until(lambda: trade.orderStatus.status == "Cancelled")


def test_a_script_that_comes_back_finds_its_orders_fills_and_a_higher_id(connect, ib, apple):
    resting = ib.placeOrder(apple, LimitOrder("BUY", 10, 200, tif="GTC", orderRef="mine"))
    ib.placeOrder(apple, MarketOrder("BUY", 10))
    ib.until(lambda: resting.orderStatus.status == "Submitted" and ib.fills())
    used = ib.client._reqIdSeq
    ib.disconnect()
    again = connect(1)
    [trade] = again.openTrades()
    assert (trade.order.permId, trade.order.orderRef) == (resting.order.permId, "mine")
    assert (trade.order.orderId, trade.order.lmtPrice) == (resting.order.orderId, 200)
    assert again.client._reqIdSeq > resting.order.orderId
    assert used > resting.order.orderId
    [fill] = again.fills()
    assert fill.commissionReport.commission == 1
    trade.order.lmtPrice = 201
    again.placeOrder(trade.contract, trade.order)
    again.reqOpenOrders()
    again.cancelOrder(trade.order)
    again.until(trade.isDone)


class _NoProgram:
    """Stands in for the program that starts and ends a TWS."""

    async def startAsync(self) -> None:  # noqa: N802 - the library's name
        """Start nothing."""

    async def terminateAsync(self) -> None:  # noqa: N802 - the library's name
        """End nothing."""


def test_a_watchdog_brings_a_script_back_after_a_reset(gateway, loop):
    ib = Script()
    heard = []
    watchdog = Watchdog(_NoProgram(), ib, port=gateway.port, clientId=7, appStartupTime=0, retryDelay=0)
    watchdog.startedEvent += lambda _: heard.append("started")
    watchdog.stoppedEvent += lambda _: heard.append("stopped")

    async def watch() -> None:
        watchdog.start()
        async with asyncio.timeout(WAIT_S):
            while heard != ["started"]:  # noqa: ASYNC110 - nothing to wait for
                await asyncio.sleep(0.01)
            gateway.do("reset")
            while heard[1:] != ["stopped", "started"]:  # noqa: ASYNC110 - nothing to wait for
                await asyncio.sleep(0.01)
        watchdog.stop()
        while gateway.do("clients"):  # noqa: ASYNC110 - nothing to wait for
            await asyncio.sleep(0.01)

    loop.run_until_complete(watch())
    ib.disconnect()
    assert heard[:3] == ["started", "stopped", "started"]


def begin(gateway, client_id):
    """Begin a session by hand and return its socket."""
    line = socket.create_connection((gateway.host, gateway.port), timeout=WAIT_S)
    line.sendall(b"API\0" + framed("v157..176") + frame(71, 2, client_id, ""))
    return line


def test_forty_clients_and_two_hundred_visits_leave_nothing_behind(gateway, ib):
    before = psutil.Process().num_fds()
    with contextlib.ExitStack() as lines:
        for number in range(40):
            lines.enter_context(begin(gateway, 100 + number))
        ib.until(lambda: len(gateway.do("clients")) == 32, "32 clients")
        assert ib.reqCurrentTime()
    ib.until(lambda: len(gateway.do("clients")) == 1, "one client")
    for number in range(200):
        begin(gateway, 200 + number % 3).close()
    ib.until(lambda: psutil.Process().num_fds() <= before, "every connection to be closed")
    ib.until(lambda: len(gateway.do("clients")) == 1, "one client")
    assert ib.reqCurrentTime()


def test_a_client_that_does_not_read_a_hundred_lines_holds_nobody_up(gateway, ib, apple):
    with begin(gateway, 50) as deaf:
        for number in range(40):
            contract = [0, "AAPL", "STK", "", 0, "", "", "SMART", "", "USD", "", ""]
            deaf.sendall(frame(1, 11, 100 + number, *contract, 0, "", 0, 0, ""))
        ib.until(lambda: len(gateway.do("subscriptions", client_id=50)) == 40, "the lines")
        for step in range(200):
            gateway.do("set_market", instrument=APPLE, bid=f"{200 + step / 100:.2f}", ask="230.00")
        trade = ib.placeOrder(apple, MarketOrder("BUY", 10))
        ib.until(lambda: trade.orderStatus.status == "Filled")
