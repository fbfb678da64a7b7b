"""Market data lines: what is sent, when, and what stops it; heard with ib_insync's decoder."""

from __future__ import annotations

import pytest

from tests.client_library import ib
from tests.gateway.orders.conftest import AAPL, Bench, TestClient


@pytest.fixture
def bench() -> Bench:
    return Bench(max_tickers=4)


@pytest.fixture
def client(bench: Bench) -> TestClient:
    return bench.client()


def stream(client: TestClient, req_id: int = 1, generic: str = "", *, snapshot: bool = False) -> None:
    client.ask("reqMktData", req_id, client.bench.stock, generic, snapshot, False, [])


def prices(client: TestClient) -> list[tuple[int, float, float]]:
    """Return (tick type, price, size) of every price that was heard."""
    return [(a[1], a[2], a[3]) for a in client.all("priceSizeTick")]


def sizes(client: TestClient) -> list[tuple[int, float]]:
    return [(a[1], a[2]) for a in client.all("tickSize")]


def last_prices(client: TestClient) -> dict[int, float]:
    return {tick_type: price for tick_type, price, _ in prices(client)}


def test_a_stream_begins_with_parameters_type_and_the_whole_market(bench, client):
    stream(client)
    names = [name for name, _ in client.heard.calls]
    assert names[:2] == ["tickReqParams", "marketDataType"]
    assert client.all("tickReqParams")[0][:2] == (1, 0.01)
    assert client.all("marketDataType") == [(1, 1)]
    known = last_prices(client)
    assert (known[1], known[2]) == (229.99, 230.00)
    assert set(known) == {1, 2, 4, 6, 7, 9, 14}
    assert dict(sizes(client))[0] == 1000
    assert known[7] <= known[4] <= known[6]


def test_only_changes_are_sent_and_once_for_all_of_a_turn(bench, client):
    stream(client)
    client.take()
    bench.market("229.99", "230.00")
    bench.pass_time(1)
    assert client.take() == []
    bench.market("229.98", "230.00")
    bench.market("229.97", "230.00", size=700)
    bench.pass_time(1)
    assert prices(client) == [(1, 229.97, 700)]
    assert sizes(client) == [(0, 700), (3, 700)]


def test_a_side_without_orders_has_no_quote(bench, client):
    stream(client)
    client.take()
    bench.gateway.do("set_market", instrument=AAPL, bid="229.99", bid_size="1000")
    bench.pass_time(1)
    assert prices(client) == [(2, -1, 0)]


def test_a_trade_brings_last_volume_high_and_rt_volume(bench, client):
    stream(client, generic="233")
    before = dict(sizes(client))[8]
    client.take()
    bench.gateway.do("print_trade", instrument=AAPL, price="400.00", size="7")
    bench.pass_time(1)
    assert last_prices(client) == {4: 400.0, 6: 400.0}
    assert (5, 7) in sizes(client)
    assert (8, before + 7) in sizes(client)
    [text] = [a[2] for a in client.all("tickString") if a[1] == 48]
    price, size, _, volume, _, _ = text.split(";")
    assert (price, size, float(volume)) == ("400", "7", before + 7)


def test_a_snapshot_ends_and_takes_no_line(bench, client):
    for req_id in range(6):
        stream(client, req_id, snapshot=True)
    assert client.all("error") == []
    bench.pass_time(500)
    assert [a[0] for a in client.all("tickSnapshotEnd")] == [*range(6)]
    client.take()
    bench.market("220.00", "220.01")
    bench.pass_time(1)
    assert client.take() == []


def test_lines_are_limited_and_given_back(bench, client):
    for req_id in range(5):
        stream(client, req_id)
    assert [a[:2] for a in client.all("error")] == [(4, 101)]
    client.ask("cancelMktData", 0)
    client.take()
    stream(client, 5)
    assert client.all("error") == []
    other = bench.client(2)
    stream(other, 1)
    assert other.take() == ["error 1 101"]
    bench.gateway.leave(client.session)
    stream(other, 1)
    assert other.all("error") == []


@pytest.mark.parametrize(
    ("method", "code"),
    [("cancelMktData", 300), ("cancelTickByTickData", 300), ("cancelRealTimeBars", 300)],
)
def test_a_cancel_of_nothing_is_an_error(client, method, code):
    client.ask(method, 77)
    assert client.take() == [f"error 77 {code}"]


def test_bad_requests_are_refused(bench, client):
    stream(client)
    client.take()
    stream(client)
    stream(client, 2, "999999")
    stream(client, 3, "233", snapshot=True)
    client.ask("reqMktData", 4, ib.Stock("NOSUCH", "SMART", "USD"), "", False, False, [])
    client.ask("reqMarketDataType", 9)
    codes = [a[:2] for a in client.all("error")]
    assert codes == [(1, 322), (2, 321), (3, 321), (4, 200), (-1, 321)]


def test_generic_ticks_are_sent_on_request(client):
    stream(client, generic="165,221,236")
    assert {15, 16, 19, 20, 37} <= set(last_prices(client))
    assert 46 in [a[1] for a in client.all("tickGeneric")]


def test_an_option_has_a_computation(client):
    option = ib.Option("AAPL", "", 230, "C", "SMART")
    [expiration, *_] = client.bench.gateway.contracts.book.chain("AAPL").expirations[3:]
    option.lastTradeDateOrContractMonth = expiration
    client.ask("reqMktData", 1, option, "", False, False, [])
    [computed] = client.all("tickOptionComputation")
    volatility, delta = computed[3:5]
    assert volatility == 0.25
    assert 0.4 < delta < 0.7


def test_an_index_has_no_quotes_and_a_pair_no_trades(client):
    client.ask("reqMktData", 1, ib.Index("SPX", "CBOE"), "", False, False, [])
    assert not {1, 2} & set(last_prices(client))
    client.take()
    client.ask("reqMktData", 2, ib.Forex("EURUSD"), "", False, False, [])
    assert {1, 2} <= set(last_prices(client))
    assert 4 not in last_prices(client)


# -- what stops it


@pytest.mark.parametrize(
    ("stop", "go"),
    [
        (("farm", {"kind": "market", "state": "broken"}), ("farm", {"kind": "market", "state": "ok"})),
        (("connectivity", {"state": "lost"}), ("connectivity", {"state": "restored"})),
        (("half_open", {"on": True}), ("half_open", {"on": False})),
    ],
)
def test_no_ticks_while_no_data_flows_and_the_market_of_now_afterwards(bench, client, stop, go):
    stream(client)
    bench.gateway.do(stop[0], **stop[1])
    client.take()
    bench.market("220.00", "220.01")
    bench.pass_time(1)
    assert prices(client) == []
    bench.gateway.do(go[0], **go[1])
    bench.market("220.00", "220.02")
    bench.pass_time(1)
    assert last_prices(client)[2] == 220.02
    assert last_prices(client)[1] == 220.00


def test_1101_drops_the_lines(bench, client):
    stream(client)
    bench.gateway.do("connectivity", state="lost")
    bench.gateway.do("connectivity", state="restored_data_lost")
    assert [a[1] for a in client.all("error")] == [1100, 1101]
    client.take()
    bench.market("220.00", "220.01")
    bench.pass_time(1)
    assert client.take() == []
    assert bench.gateway.do("subscriptions") == []
    stream(client)
    assert last_prices(client)[1] == 220.00


def test_a_competing_session_takes_the_data_away(bench, client):
    stream(client)
    client.take()
    bench.gateway.do("competing_session", on=True)
    assert client.take() == ["error 1 10197"]
    stream(client, 2)
    bench.market("220.00", "220.01")
    bench.pass_time(1)
    assert client.take() == ["error 2 10197"]
    bench.gateway.do("competing_session", on=False)
    assert last_prices(client)[1] == 220.00


def test_without_a_subscription_there_is_nothing_or_delayed_data(bench, client):
    bench.gateway.do("subscribed", instrument=AAPL, on=False)
    stream(client)
    assert client.take() == ["error 1 354"]
    client.ask("reqMarketDataType", 3)
    stream(client, 2)
    assert client.take()[0] == "error 2 10167"
    bench.market("220.00", "220.01")
    bench.pass_time(1)
    assert last_prices(client) == {66: 220.0, 67: 220.01}


def test_a_stream_becomes_delayed_and_live_again(bench, client):
    stream(client)
    client.take()
    bench.gateway.do("delayed", on=True)
    assert [a[:2] for a in client.all("error")] == [(1, 10167)]
    assert client.all("marketDataType") == [(1, 3)]
    assert set(last_prices(client)) <= set(range(66, 77))
    client.take()
    bench.gateway.do("delayed", on=False)
    assert client.all("marketDataType") == [(1, 1)]
    assert last_prices(client)[1] == 229.99


def test_delayed_wanted_but_live_entitled_is_live(client):
    client.ask("reqMarketDataType", 3)
    stream(client)
    assert client.all("marketDataType") == [(1, 1)]


def test_frozen_data_where_the_market_stands(bench, client):
    client.ask("reqMarketDataType", 2)
    stream(client)
    assert client.all("marketDataType") == [(1, 2)]


def test_a_client_that_does_not_read_gets_the_market_of_later(bench, client):
    stream(client)
    client.take()
    client.congested = True
    bench.market("220.00", "220.01")
    bench.pass_time(1)
    assert client.take() == []
    assert client.session.dropped_ticks == 1
    client.congested = False
    bench.market("220.00", "220.02")
    bench.pass_time(1)
    assert last_prices(client) == {1: 220.00, 2: 220.02}


def test_a_replaced_method_is_used(bench, client):
    """Planted defects replace a method from outside, on a gateway that runs."""
    stream(client)
    client.take()
    bench.gateway.market_data.send_ticks = lambda _client, frames: client.write(frames[0])
    bench.market("220.00", "220.01")
    bench.pass_time(1)
    assert [name for name, _ in client.heard.calls] == ["priceSizeTick", "tickSize"]


def test_sizes_are_whole_for_old_clients(bench):
    client = bench.client(version=157)
    client.ask("reqMktData", 1, ib.Crypto("BTC", "PAXOS", "USD"), "", False, False, [])
    texts = [frame.split(b"\0") for frame in client.frames if frame.startswith((b"1\0", b"2\0"))]
    assert texts
    for fields in texts:
        size = fields[5] if fields[0] == b"1" else fields[4]
        assert size.isdigit()
