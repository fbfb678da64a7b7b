"""Requests for history, asked and heard with ib_insync."""

from __future__ import annotations

from typing import Any

import pytest

from tests.client_library import ib
from tests.gateway.orders.conftest import AAPL, Bench, TestClient

FOREX = ib.Forex("EURUSD")
COIN = ib.Crypto("BTC", "PAXOS", "USD")


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def client(bench: Bench, request: pytest.FixtureRequest) -> TestClient:
    return bench.client(version=getattr(request, "param", 176))


def ask(
    client: TestClient,
    req_id: int = 1,
    *,
    contract: Any = None,
    end: str = "",
    length: str = "2 D",
    size: str = "1 hour",
    what: str = "TRADES",
    rth: bool = True,
    date: int = 1,
    keep: bool = False,
) -> list[Any]:
    """Ask for bars; return what was heard of them."""
    stock = contract or client.bench.stock
    client.ask("reqHistoricalData", req_id, stock, end, length, size, what, rth, date, keep, [])
    client.bench.pass_time(1)
    return [bar for heard, bar in client.all("historicalData") if heard == req_id]


def codes(client: TestClient) -> list[int]:
    return [a[1] for a in client.all("error")]


@pytest.mark.parametrize("client", [157, 176, 178], indirect=True)
def test_bars_come_oldest_first_and_end(client):
    made = ask(client, length="5 D", size="1 day")
    assert len(made) == 5
    assert [a[0] for a in client.all("historicalDataEnd")] == [1]
    dates = [bar.date for bar in made]
    assert dates == sorted(dates)
    for bar in made:
        assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert bar.volume > 0
        assert bar.low <= bar.average <= bar.high


def test_dates_are_texts_or_seconds(client):
    [first, *_] = ask(client, date=1)
    assert first.date.endswith("US/Eastern")
    [second, *_] = ask(client, 2, date=2)
    assert int(second.date) % 1800 == 0
    [day] = ask(client, 3, date=2, length="1 D", size="1 day")
    assert len(day.date) == 8


def test_quotes_have_no_volume_and_bid_lies_below_ask(client):
    bids = ask(client, 1, what="BID")
    asks = ask(client, 2, what="ASK")
    middles = ask(client, 3, what="MIDPOINT")
    assert {bar.volume for bar in bids} == {-1}
    for bid, middle, offer in zip(bids, middles, asks, strict=True):
        assert bid.close < middle.close < offer.close


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"size": "7 mins"}, 321),
        ({"length": "1 fortnight"}, 321),
        ({"length": "400 D"}, 321),
        ({"what": "GOSSIP"}, 321),
        ({"end": "tomorrow"}, 10314),
        ({"end": "20250107 10:00:00", "keep": True}, 321),
        ({"contract": ib.Stock("NOSUCH", "SMART", "USD")}, 200),
        ({"contract": FOREX}, 162),
        ({"contract": COIN}, 10299),
        ({"end": "20010102 10:00:00"}, 162),
        ({"length": "10 Y", "size": "1 min"}, 162),
    ],
)
def test_what_cannot_be_had_is_refused(client, wanted, code):
    assert ask(client, **wanted) == []
    assert codes(client) == [code]


def test_small_bars_are_paced(client):
    assert ask(client, 1, length="60 S", size="5 secs")
    assert ask(client, 2, length="60 S", size="5 secs") == []
    [(_, code, text, *_)] = client.all("error")
    assert (code, "pacing violation" in text) == (162, True)
    client.take()
    for req_id, seconds in enumerate((70, 80, 90, 100), 10):
        ask(client, req_id, length=f"{seconds} S", size="5 secs")
    assert codes(client) == [162]  # the sixth within two seconds
    client.take()
    for req_id in range(20, 24):
        assert ask(client, req_id)
    assert codes(client) == []


def test_fifty_requests_may_be_open(client):
    for req_id in range(52):
        client.ask(
            "reqHistoricalData", req_id, client.bench.stock, "", "1 D", "1 day", "TRADES", True, 1, False, []
        )
    assert [a[:2] for a in client.all("error")] == [(50, 322), (51, 322)]
    client.bench.pass_time(1)
    assert len(client.all("historicalDataEnd")) == 50


def test_a_request_can_be_cancelled_once(client):
    ask(client)
    client.take()
    client.ask("cancelHistoricalData", 1)
    assert client.take() == ["error 1 366"]
    ask(client, 2, keep=True)
    client.take()
    client.ask("cancelHistoricalData", 2)
    client.ask("cancelHistoricalData", 2)
    assert client.take() == ["error 2 162", "error 2 366"]


def test_bars_are_kept_up_to_date(bench, client):
    made = ask(client, contract=COIN, what="AGGTRADES", size="1 min", length="600 S", rth=False, keep=True)
    coin = "BTC.USD.PAXOS"
    before = made[-1]
    client.take()
    for price in ("95500", "94500", "95000.25"):
        bench.gateway.do("print_trade", instrument=coin, price=price, size="0.5")
    bench.pass_time(1)
    bench.pass_time(300)
    [(_, update)] = client.all("historicalDataUpdate")
    assert (update.high, update.low, update.close) == (95500, 94500, 95000.25)
    if update.date == before.date:
        assert update.open == before.open
        assert update.volume == before.volume + 1.5
    client.take()
    bench.pass_time(1000)
    assert client.take() == []


@pytest.mark.parametrize(
    ("action", "arguments"),
    [("farm", {"kind": "history", "state": "broken"}), ("connectivity", {"state": "lost"})],
)
def test_kept_bars_die_with_their_connection(bench, client, action, arguments):
    ask(client, keep=True)
    client.take()
    bench.gateway.do(action, **arguments)
    assert [a[:2] for a in client.all("error")][-1] == (1, 10182)
    client.take()
    bench.gateway.do("print_trade", instrument=AAPL, price="231", size="1")
    bench.pass_time(1000)
    assert client.take() == []
    assert ask(client, 2) == []
    assert codes(client) == [162]


def test_without_a_subscription_there_is_no_history(bench, client):
    bench.gateway.do("subscribed", instrument=AAPL, on=False)
    ask(client)
    [(_, code, text, *_)] = client.all("error")
    assert (code, "No market data permissions" in text) == (162, True)


def test_where_the_data_begins(bench, client):
    client.ask("reqHeadTimeStamp", 1, bench.stock, "TRADES", True, 1)
    client.ask("reqHeadTimeStamp", 2, bench.stock, "TRADES", True, 2)
    bench.pass_time(1)
    assert client.all("headTimestamp") == [(1, "20040123-14:30:00"), (2, "1074868200")]


def test_the_schedule_lists_sessions(client):
    client.ask("reqHistoricalData", 1, client.bench.stock, "", "3 D", "1 day", "SCHEDULE", True, 1, False, [])
    client.bench.pass_time(1)
    [(_, start, end, zone, sessions)] = client.all("historicalSchedule")
    assert (len(sessions), zone) == (3, "US/Eastern")
    assert (start, end) == (sessions[0].startDateTime, sessions[-1].endDateTime)
    assert sessions[0].startDateTime.endswith("09:30:00")


def test_the_histogram_holds_the_volume_of_its_period(client):
    client.ask("reqHistogramData", 1, client.bench.stock, True, "3 days")
    client.bench.pass_time(1)
    [(_, rows)] = client.all("histogramData")
    levels = [row.price for row in rows]
    assert levels == sorted(set(levels))
    assert sum(row.count for row in rows) > 0


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("TRADES", "historicalTicksLast"),
        ("MIDPOINT", "historicalTicks"),
        ("BID_ASK", "historicalTicksBidAsk"),
    ],
)
def test_ticks_of_the_past(client, what, name):
    end = "20250107 12:00:00 US/Eastern"
    client.ask("reqHistoricalTicks", 1, client.bench.stock, "", end, 20, what, True, False, [])
    client.ask("reqHistoricalTicks", 2, client.bench.stock, end, "", 20, what, True, False, [])
    client.bench.pass_time(1)
    (_, before, done), (_, after, _) = client.all(name)
    assert done
    assert len(before) == len(after) == 20
    noon = 1736269200
    assert before[-1].time.timestamp() < noon <= after[0].time.timestamp()


def test_ticks_need_a_start_or_an_end(client):
    client.ask("reqHistoricalTicks", 1, client.bench.stock, "", "", 20, "TRADES", True, False, [])
    client.bench.pass_time(1)
    assert codes(client) == [321]


def test_the_day_so_far_is_the_history_of_the_day(bench, client):
    """What a stream says of yesterday's close is what the daily bars say."""
    client.ask("reqMktData", 9, bench.stock, "", False, False, [])
    close = next(a[2] for a in client.all("priceSizeTick") if a[1] == 9)
    days = ask(client, length="3 D", size="1 day", rth=False)
    assert close in [bar.close for bar in days]
