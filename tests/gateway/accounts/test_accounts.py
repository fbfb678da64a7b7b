"""Account values, portfolio, positions and profit; after real fills, heard with ib_insync's decoder."""

from __future__ import annotations

from decimal import Decimal

import pytest

from certify.model.trading import Order, OrderType, Side, TimeInForce
from tests.client_library import ib
from tests.gateway.orders.conftest import Bench, TestClient

ACCOUNT = "DU1000001"


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def client(bench: Bench) -> TestClient:
    return bench.client()


def buy(client: TestClient, qty: float, contract: object = None) -> None:
    client.place(ib.MarketOrder("BUY" if qty > 0 else "SELL", abs(qty)), contract=contract)
    client.bench.pass_time(1)


def values(client: TestClient) -> dict[tuple[str, str], str]:
    """Return what is known by tag and currency after every accountValue heard."""
    return {(a[0], a[2]): a[1] for a in client.all("updateAccountValue")}


def money(text: str) -> Decimal:
    return Decimal(text)


def test_the_first_batch_is_whole_and_ends(client):
    buy(client, 100)
    client.take()
    client.ask("reqAccountUpdates", True, ACCOUNT)
    names = [name for name, _ in client.heard.calls]
    assert names[-3:] == ["updatePortfolio", "updateAccountTime", "accountDownloadEnd"]
    assert set(names[:-3]) == {"updateAccountValue"}
    assert client.all("accountDownloadEnd") == [(ACCOUNT,)]
    known = values(client)
    for tag in ("NetLiquidation", "BuyingPower", "AvailableFunds", "MaintMarginReq", "GrossPositionValue"):
        money(known[tag, "USD"])
    assert known["AccountCode", ""] == ACCOUNT
    assert {a[3] for a in client.all("updateAccountValue")} == {ACCOUNT}


@pytest.mark.parametrize("steps", [(100,), (100, -40), (100, -150), (-70, -30, 50), (33, -33)])
def test_net_liquidation_is_cash_and_positions(bench, client, steps):
    for qty in steps:
        buy(client, qty)
        bench.market("231.99", "232.01")
    client.take()
    client.ask("reqAccountUpdates", True, ACCOUNT)
    known = values(client)
    portfolio = client.all("updatePortfolio")
    cash, net = money(known["TotalCashValue", "USD"]), money(known["NetLiquidation", "USD"])
    worth = sum(Decimal(str(line[3])) for line in portfolio)
    assert abs(net - cash - worth) < Decimal("0.005")
    [(contract, position, price, value, average, unrealized, _, _)] = portfolio
    assert contract.conId == 265598
    assert position == sum(steps)
    assert value == pytest.approx(position * price)
    assert unrealized == pytest.approx(value - position * average)
    assert money(known["UnrealizedPnL", "USD"]) == pytest.approx(
        Decimal(str(unrealized)), abs=Decimal("0.01")
    )
    assert money(known["StockMarketValue", "USD"]) == pytest.approx(worth, abs=Decimal("0.01"))


def test_profit_adds_up_to_the_change_of_net_liquidation(bench, client):
    buy(client, 100)
    bench.market("231.99", "232.01")
    buy(client, -30)
    client.ask("reqPnL", 5, ACCOUNT, "")
    _, daily, unrealized, realized = client.all("pnl")[-1]
    net = Decimal(bench.gateway.do("account")["net_liquidation"])
    assert Decimal(str(daily)) == net - 1_000_000
    assert daily == pytest.approx(unrealized + realized)
    client.ask("reqPnLSingle", 6, ACCOUNT, "", 265598)
    _, position, _, single, closed, value = client.all("pnlSingle")[-1]
    assert (position, single) == (70, unrealized)
    assert closed == pytest.approx(realized)
    assert value == pytest.approx(70 * 232.00)


def test_profit_streams_once_a_second_when_it_has_changed(bench, client):
    buy(client, 100)
    client.ask("reqPnL", 5, ACCOUNT, "")
    client.ask("reqPnLSingle", 6, ACCOUNT, "", 265598)
    client.take()
    bench.pass_time(3000)
    assert client.take() == []
    bench.market("231.99", "232.01")
    bench.pass_time(1000)
    assert client.take() == ["pnl", "pnlSingle"]
    client.ask("cancelPnL", 5)
    client.ask("cancelPnLSingle", 6)
    bench.market("241.99", "242.01")
    bench.pass_time(3000)
    assert client.take() == []


def test_positions_are_told_and_pushed_after_each_fill(bench, client):
    buy(client, 100)
    listener = bench.client(2)
    listener.ask("reqPositions")
    [(account, contract, position, cost)] = listener.all("position")
    assert (account, contract.conId, contract.exchange, position, cost) == (ACCOUNT, 265598, "", 100, 230.01)
    assert listener.take()[-1] == "positionEnd"
    buy(client, 50)
    buy(client, -150)
    assert [a[2] for a in listener.all("position")] == [150, 0]
    listener.take()
    listener.ask("cancelPositions")
    buy(client, 1)
    assert listener.take() == []


def test_a_flat_position_is_not_listed_again(client):
    buy(client, 100)
    buy(client, -100)
    client.take()
    client.ask("reqPositions")
    assert client.take() == ["positionEnd"]


def test_values_and_portfolio_are_pushed_after_a_fill(bench, client):
    listener = bench.client(2)
    listener.ask("reqAccountUpdates", True, ACCOUNT)
    listener.take()
    buy(client, 100)
    assert [a[1] for a in listener.all("updatePortfolio")] == [100]
    bench.pass_time(600)
    told = values(listener)
    assert money(told["TotalCashValue", "USD"]) == 1_000_000 - 23_000 - 1
    assert ("AccountType", "") not in told
    listener.take()
    bench.pass_time(170_000)
    assert listener.take() == []
    bench.pass_time(15_000)
    assert listener.all("updatePortfolio")
    listener.ask("reqAccountUpdates", False, ACCOUNT)
    listener.take()
    buy(client, 100)
    bench.pass_time(600_000)
    assert listener.take() == []


def test_many_fills_of_a_turn_are_one_push(bench, client):
    listener = bench.client(2)
    listener.ask("reqPositions")
    listener.take()
    for _ in range(5):
        client.place(ib.MarketOrder("BUY", 10))
    bench.pass_time(1)
    assert [a[2] for a in listener.all("position")] == [50]


def test_nothing_is_pushed_while_ib_is_lost_and_it_follows_the_restore(bench, client):
    buy(client, 100)
    listener = bench.client(2)
    listener.ask("reqPositions")
    bench.gateway.do("connectivity", state="lost")
    listener.take()
    bench.gateway.accounts.books.session(ACCOUNT).submit(_venue_order())
    bench.gateway.accounts.on_execution(ACCOUNT)
    bench.pass_time(1000)
    assert listener.take() == []
    bench.gateway.do("connectivity", state="restored")
    bench.pass_time(1)
    assert [a[2] for a in listener.all("position")] == [107]


def _venue_order():
    return Order("behind", "AAPL.NASDAQ", Side.BUY, Decimal(7), type=OrderType.MARKET, tif=TimeInForce.IOC)


def test_the_summary_has_the_tags_asked_for_and_the_ledger(client):
    client.ask("reqAccountSummary", 1, "All", "NetLiquidation,Cushion,NoSuchTag,$LEDGER:ALL")
    rows = {(a[2], a[4]): a[3] for a in client.all("accountSummary")}
    assert client.take()[-1] == "accountSummaryEnd"
    assert rows["NetLiquidation", "USD"] == "1000000.00"
    assert rows["CashBalance", "BASE"] == rows["CashBalance", "USD"] == "1000000.00"
    assert not [tag for tag, _ in rows if tag == "NoSuchTag"]
    for req_id in (2, 3):
        client.ask("reqAccountSummary", req_id, "All", "NetLiquidation")
    assert [a[:2] for a in client.all("error")] == [(3, 322)]
    client.ask("cancelAccountSummary", 1)
    client.take()
    client.ask("reqAccountSummary", 4, "All", "NetLiquidation")
    assert client.all("error") == []


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("reqAccountUpdates", (True, "DU9")),
        ("reqAccountUpdatesMulti", (1, "DU9", "", False)),
        ("reqPositionsMulti", (1, "DU9", "")),
        ("reqPnL", (1, "DU9", "")),
    ],
)
def test_an_unknown_account_is_refused(client, method, arguments):
    client.ask(method, *arguments)
    assert [a[1] for a in client.all("error")] == [321]


def test_several_accounts_are_kept_apart(bench, client):
    bench.gateway.do("open_account", account="DU2000002", cash="5000")
    client.take()
    order = ib.MarketOrder("BUY", 10, account="DU2000002")
    client.place(order)
    bench.pass_time(1)
    client.ask("reqManagedAccts")
    assert client.all("managedAccounts") == [(f"{ACCOUNT},DU2000002",)]
    client.take()
    client.ask("reqPositionsMulti", 1, "DU2000002", "")
    assert [(a[1], a[4]) for a in client.all("positionMulti")] == [("DU2000002", 10)]
    client.ask("reqPositionsMulti", 2, ACCOUNT, "")
    assert client.take()[-1] == "positionMultiEnd"
    client.ask("reqAccountUpdatesMulti", 3, "DU2000002", "", True)
    told = {(a[3], a[5]): a[4] for a in client.all("accountUpdateMulti")}
    assert ("BuyingPower", "USD") not in told
    assert Decimal(told["NetLiquidation", "USD"]) < 5000
    assert [each["account"] for each in bench.gateway.do("positions")] == ["DU2000002"]


def test_a_new_day_counts_profit_anew(bench, client):
    buy(client, 100)
    bench.market("231.99", "232.01")
    client.ask("reqPnL", 4, ACCOUNT, "")
    assert client.all("pnl")[-1][1] == 199
    bench.gateway.do("new_day")
    client.ask("reqPnL", 5, ACCOUNT, "")
    assert client.all("pnl")[-1][1] == 0
    before = Decimal(bench.gateway.do("account")["net_liquidation"])
    bench.market("242.99", "243.01")
    bench.pass_time(1000)
    after = Decimal(bench.gateway.do("account")["net_liquidation"])
    assert client.all("pnl")[-1][1] == pytest.approx(float(after - before))


def test_a_future_counts_with_its_multiplier(bench, client):
    front = bench.gateway.contracts.book.under(0, "ES")[0]
    contract = ib.Future(conId=front.con_id, exchange="CME")
    bench.market("5999.75", "6000.00", 10, front.instrument.id)
    buy(client, 1, contract)
    client.take()
    client.ask("reqAccountUpdates", True, ACCOUNT)
    [line] = client.all("updatePortfolio")
    assert (line[0].localSymbol, line[4]) == (front.local_symbol, 300_002.25)
    assert line[3] == pytest.approx(line[2] * 50)


def test_subscriptions_are_listed(bench, client):
    client.ask("reqPositions")
    client.ask("reqPnL", 5, ACCOUNT, "")
    client.ask("reqMktData", 6, bench.stock, "", False, False, [])
    client.ask("reqMktDepth", 7, bench.stock, 5, True, [])
    kinds = {each["kind"]: each["req_id"] for each in bench.gateway.do("subscriptions")}
    assert kinds == {"positions": -1, "pnl": 5, "mkt_data": 6, "mkt_depth": 7}
    bench.gateway.leave(client.session)
    assert bench.gateway.do("subscriptions") == []
