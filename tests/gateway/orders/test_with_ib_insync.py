"""Orders through the unmodified ib_insync over a real socket."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from certify.gateway.embed import EmbeddedGateway
from certify.gateway.settings import GatewaySettings
from tests.client_library import ib as library

IB, LimitOrder, MarketOrder, Stock = library.IB, library.LimitOrder, library.MarketOrder, library.Stock

STOCK = Stock("AAPL", "SMART", "USD")


@pytest.fixture
def gateway():
    with EmbeddedGateway(GatewaySettings(market_rate_per_s=0)) as running:
        running.do(
            "set_market",
            instrument="AAPL.NASDAQ",
            bid="229.99",
            bid_size="1000",
            ask="230.00",
            ask_size="1000",
        )
        yield running
        assert running.gateway.failures == []


@asynccontextmanager
async def connected(gateway, client_id=1):
    ib = IB()
    try:
        await ib.connectAsync(gateway.host, gateway.port, clientId=client_id, timeout=5)
        yield ib
    finally:
        ib.disconnect()
        await until(lambda: not gateway.do("clients", client_id=client_id))


async def until(condition, timeout_s=5.0):
    """Wait until `condition` holds, looking after each turn of the loop."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - the other side has no event to wait for
            await asyncio.sleep(0.005)


def test_a_market_order_is_filled_with_execution_and_commission(gateway):
    async def main():
        async with connected(gateway) as ib:
            heard = []
            ib.commissionReportEvent += lambda trade, fill, report: heard.append(report)
            trade = ib.placeOrder(STOCK, MarketOrder("BUY", 100))
            await until(lambda: heard)
            assert [entry.status for entry in trade.log] == [
                "PendingSubmit", "PreSubmitted", "PreSubmitted", "Filled",
            ]  # fmt: skip
            assert (trade.filled(), trade.remaining(), trade.orderStatus.avgFillPrice) == (100, 0, 230)
            assert heard[0].commission == 1
            assert trade.fills[0].execution.time.tzinfo is not None

    asyncio.run(main())


def test_a_limit_order_is_modified_and_cancelled(gateway):
    async def main():
        async with connected(gateway) as ib:
            order = LimitOrder("BUY", 100, 200)
            trade = ib.placeOrder(STOCK, order)
            await until(lambda: trade.orderStatus.status == "Submitted")
            order.lmtPrice = 201
            ib.placeOrder(STOCK, order)
            await until(lambda: trade.log[-1].message == "Modified")
            assert gateway.do("orders")[0]["price"] == "201"
            ib.cancelOrder(order)
            await until(lambda: trade.orderStatus.status == "Cancelled")

    asyncio.run(main())


def test_a_bracket_takes_its_profit(gateway):
    async def main():
        async with connected(gateway) as ib:
            legs = ib.bracketOrder("BUY", 100, limitPrice=231, takeProfitPrice=235, stopLossPrice=220)
            parent, profit, stop = [ib.placeOrder(STOCK, leg) for leg in legs]
            await until(lambda: parent.orderStatus.status == "Filled" and len(ib.openTrades()) == 2)
            await until(lambda: profit.orderStatus.status == "Submitted")
            gateway.do(
                "set_market",
                instrument="AAPL.NASDAQ",
                bid="235.00",
                bid_size="1000",
                ask="235.01",
                ask_size="1000",
            )
            await until(lambda: profit.orderStatus.status == "Filled")
            await until(lambda: stop.orderStatus.status == "Cancelled")
            assert ib.openTrades() == []

    asyncio.run(main())


def test_what_if_and_the_questions(gateway):
    async def main():
        async with connected(gateway) as ib:
            state = await ib.whatIfOrderAsync(STOCK, MarketOrder("BUY", 100))
            assert float(state.initMarginChange) == 11_500
            ib.placeOrder(STOCK, MarketOrder("SELL", 10))
            resting = ib.placeOrder(STOCK, LimitOrder("SELL", 10, 250))
            await until(lambda: resting.orderStatus.status == "Submitted")
            assert len(await ib.reqExecutionsAsync()) == 1
            assert len(await ib.reqAllOpenOrdersAsync()) == 1
            assert [each.orderStatus.status for each in await ib.reqCompletedOrdersAsync(False)] == ["Filled"]

    asyncio.run(main())


def test_orders_and_fills_of_an_absence_are_there_after_a_reconnect(gateway):
    async def main():
        async with connected(gateway) as ib:
            gone = ib.placeOrder(STOCK, LimitOrder("BUY", 10, 229))
            kept = ib.placeOrder(STOCK, LimitOrder("BUY", 10, 200))
            await until(lambda: kept.orderStatus.status == "Submitted")
            perm_ids = gone.orderStatus.permId, kept.orderStatus.permId
        await until(lambda: gateway.do("clients") == [])
        gateway.do(
            "set_market",
            instrument="AAPL.NASDAQ",
            bid="228.99",
            bid_size="1000",
            ask="229.00",
            ask_size="1000",
        )
        async with connected(gateway) as ib:
            assert [trade.order.permId for trade in ib.openTrades()] == [perm_ids[1]]
            assert [fill.execution.permId for fill in ib.fills()] == [perm_ids[0]]
            assert ib.client.getReqId() > kept.order.orderId

    asyncio.run(main())


def test_a_cancel_that_loses_its_race_finds_the_order_filled(gateway):
    async def main():
        async with connected(gateway) as ib:
            codes = []
            ib.errorEvent += lambda req_id, code, text, contract: codes.append(code)
            gateway.do("behaviour", name="fill_on_cancel")
            trade = ib.placeOrder(STOCK, LimitOrder("BUY", 10, 200))
            await until(lambda: trade.orderStatus.status == "Submitted")
            ib.cancelOrder(trade.order)
            await until(lambda: 10148 in codes)
            assert (trade.filled(), trade.orderStatus.status) == (10, "Filled")
            assert gateway.do("orders")[0]["status"] == "Filled"

    asyncio.run(main())
