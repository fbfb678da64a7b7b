"""Tick-by-tick data, five-second bars and market depth, heard with ib_insync's decoder."""

from __future__ import annotations

import random

import pytest

from tests.client_library import ib
from tests.gateway.orders.conftest import AAPL, Bench, TestClient


@pytest.fixture
def bench() -> Bench:
    return Bench(max_tickers=4)


@pytest.fixture
def client(bench: Bench) -> TestClient:
    return bench.client()


def ticks(client: TestClient, kind: str, req_id: int = 1, *, ignore_size: bool = False) -> None:
    client.ask("reqTickByTickData", req_id, client.bench.stock, kind, 0, ignore_size)


@pytest.mark.parametrize(("kind", "name"), [("Last", "Last"), ("AllLast", "Last")])
def test_every_trade_is_a_tick(bench, client, kind, name):
    ticks(client, kind)
    client.take()
    for price in ("230.01", "230.01", "230.02"):
        bench.gateway.do("print_trade", instrument=AAPL, price=price, size="3")
    bench.pass_time(1)
    told = client.all("tickByTickAllLast")
    assert [(a[3], a[4], a[6]) for a in told] == [
        (230.01, 3, "NASDAQ"),
        (230.01, 3, "NASDAQ"),
        (230.02, 3, "NASDAQ"),
    ]


def test_every_quote_is_a_tick_and_midpoints_only_when_they_move(bench, client):
    ticks(client, "BidAsk", 1)
    ticks(client, "BidAsk", 2, ignore_size=True)
    ticks(client, "MidPoint", 3)
    client.take()
    for bid, size in (("229.98", 1000), ("229.98", 900), ("229.96", 900)):
        bench.market(bid, "230.00", size)
    bench.pass_time(1)
    told = [(a[0], a[2], a[4]) for a in client.all("tickByTickBidAsk")]
    assert [(bid, size) for req_id, bid, size in told if req_id == 1] == [
        (229.98, 1000),
        (229.98, 900),
        (229.96, 900),
    ]
    assert [bid for req_id, bid, _ in told if req_id == 2] == [229.98, 229.96]
    assert [a[2] for a in client.all("tickByTickMidPoint")] == [229.99, 229.98]


def test_tick_by_tick_is_limited_and_refused(bench, client):
    for req_id in range(4):
        ticks(client, "Last", req_id)
    assert client.take() == ["error 3 10190"]
    ticks(client, "Everything", 9)
    assert client.take() == ["error 9 321"]
    client.ask("cancelTickByTickData", 0)
    bench.gateway.do("subscribed", instrument=AAPL, on=False)
    ticks(client, "Last", 5)
    assert client.take() == ["error 5 10189"]


def test_bars_of_five_seconds_hold_what_happened(bench, client):
    client.ask("reqRealTimeBars", 1, bench.stock, 5, "TRADES", False, [])
    client.ask("reqRealTimeBars", 2, bench.stock, 5, "MIDPOINT", False, [])
    for price in ("230.05", "229.90", "230.01"):
        bench.gateway.do("print_trade", instrument=AAPL, price=price, size="10")
    bench.market("229.80", "229.82")
    bench.pass_time(5001)
    told = {a[0]: a for a in reversed(client.all("realtimeBar"))}  # the first: a second may just have ended
    start, _, high, low, close, volume, average, count = told[1][1:]
    assert start % 5 == 0
    assert (high, low, close, volume, count) == (230.05, 229.90, 230.01, 30, 3)
    assert average == pytest.approx((230.05 + 229.90 + 230.01) / 3)
    assert told[2][5] == 229.81
    client.ask("cancelRealTimeBars", 1)
    client.take()
    bench.pass_time(5001)
    assert {a[0] for a in client.all("realtimeBar")} == {2}


# -- depth


class Dom:
    """A client's book, kept as the protocol says."""

    def __init__(self):
        self.sides: dict[int, list[tuple[float, float]]] = {0: [], 1: []}

    def take(self, client: TestClient) -> Dom:
        for name, a in client.heard.calls:
            if name == "updateMktDepthL2":
                _, position, _, operation, side, price, size, *_ = a
            elif name == "updateMktDepth":
                _, position, operation, side, price, size = a
            else:
                continue
            rows = self.sides[side]
            if operation == 0:
                rows.insert(position, (price, size))
            elif operation == 1:
                rows[position] = (price, size)
            else:
                del rows[position]
        client.heard.calls.clear()
        return self


def depth(client: TestClient, req_id: int = 1, rows: int = 5, *, smart: bool = True) -> None:
    client.ask("reqMktDepth", req_id, client.bench.stock, rows, smart, [])


def test_a_book_follows_every_change(bench, client):
    depth(client)
    dom = Dom().take(client)
    source = random.Random(4)
    for _ in range(60):
        bid = source.randrange(22990, 23010)
        bench.market(
            f"{bid / 100:.2f}", f"{(bid + source.randrange(1, 5)) / 100:.2f}", source.randrange(1, 9)
        )
        bench.pass_time(1)
        dom.take(client)
        asks, bids = dom.sides[0], dom.sides[1]
        assert bids[0][0] == bid / 100
        assert len(asks) == len(bids) == 5
        assert asks == sorted(asks)
        assert [price for price, _ in bids] == sorted((price for price, _ in bids), reverse=True)
        assert bids[0][0] < asks[0][0]


def test_customers_orders_are_in_the_book(bench, client):
    depth(client)
    dom = Dom().take(client)
    client.place(ib.LimitOrder("BUY", 33, 229.995 - 0.005))
    bench.pass_time(1)
    dom.take(client)
    assert dom.sides[1][0] == (229.99, 1033)


def test_one_exchange_has_rows_without_market_makers(bench, client):
    client.ask("reqMktDepth", 1, ib.Stock("AAPL", "NASDAQ", "USD"), 3, False, [])
    assert len(client.all("updateMktDepth")) == 6
    assert client.all("updateMktDepthL2") == []


def test_depth_is_limited_and_refused(bench, client):
    depth(client, 1, smart=False)
    assert client.take() == ["error 1 10092"]
    for req_id in range(4):
        depth(client, req_id)
    assert [a[:2] for a in client.all("error")] == [(3, 309)]
    client.ask("cancelMktDepth", 0, True)
    client.take()
    client.ask("cancelMktDepth", 0, True)
    assert client.take() == ["error 0 310"]


def test_the_book_is_reset_when_data_flows_again(bench, client):
    depth(client)
    bench.gateway.do("farm", kind="market", state="broken")
    client.take()
    bench.market("220.00", "220.01")
    bench.pass_time(1)
    assert client.take() == []
    bench.gateway.do("farm", kind="market", state="ok")
    assert [a[:2] for a in client.all("error")] == [(-1, 2104), (1, 317)]
    assert Dom().take(client).sides[1][0][0] == 220.00
    bench.gateway.do("connectivity", state="lost")
    bench.gateway.do("connectivity", state="restored_data_lost")
    client.take()
    bench.market("221.00", "221.01")
    bench.pass_time(1)
    assert client.take() == []


def test_exchanges_with_books_are_listed(client):
    client.ask("reqMktDepthExchanges")
    [(rows,)] = client.all("mktDepthExchanges")
    assert "NASDAQ" in [row.exchange for row in rows]
