"""Which contract a description means, and what is told about it; asked and heard with ib_insync."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from certify.gateway.contracts import ContractBook, Listing, Refusal
from certify.gateway.wire.contract import WireContract
from certify.model.trading import Instrument
from tests.client_library import ib
from tests.gateway.orders.conftest import Bench, TestClient

TODAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def book() -> ContractBook:
    mine = [
        Instrument("AAPL.NASDAQ", tick=Decimal("0.05")),
        Instrument("ACME.SIM"),
        Instrument("TEA.X", "FUT"),
    ]
    return ContractBook(mine, TODAY)


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


@pytest.fixture
def client(bench: Bench, request: pytest.FixtureRequest) -> TestClient:
    return bench.client(version=getattr(request, "param", 176))


def found(book: ContractBook, **asked: object) -> str:
    """Return the id of the contract that is found, or the code of the refusal."""
    result = book.find(WireContract(**asked))
    return result.instrument.id if isinstance(result, Listing) else str(result.code)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"con_id": 265598, "exchange": "SMART"}, "AAPL.NASDAQ"),
        ({"con_id": 265598, "exchange": "ISLAND"}, "AAPL.NASDAQ"),
        ({"con_id": 265598, "exchange": "CME"}, "200"),
        ({"con_id": 265598}, "321"),
        ({"con_id": 1, "exchange": "SMART"}, "200"),
        ({"symbol": "AAPL", "sec_type": "STK", "exchange": "SMART", "currency": "USD"}, "AAPL.NASDAQ"),
        ({"symbol": "AAPL", "sec_type": "STK", "exchange": "SMART", "currency": "EUR"}, "200"),
        ({"symbol": "AAPL", "sec_type": "STK", "exchange": "SMART", "primary_exchange": "NYSE"}, "200"),
        ({"symbol": "BRK B", "sec_type": "STK", "exchange": "SMART"}, "BRK.B.NYSE"),
        ({"symbol": "AAPL", "exchange": "SMART"}, "321"),
        ({"symbol": "AAPL", "sec_type": "SHARE", "exchange": "SMART"}, "321"),
        ({"symbol": "ACME", "sec_type": "STK", "exchange": "SMART"}, "ACME.SIM"),
        ({"symbol": "TEA", "sec_type": "FUT", "exchange": "X"}, "TEA.X"),
        ({"symbol": "ES", "sec_type": "FUT", "exchange": "CME"}, "200"),
        ({"symbol": "ES", "sec_type": "CONTFUT", "exchange": "CME"}, "ESZ6.CME"),
        ({"symbol": "ES", "sec_type": "FUT", "exchange": "GLOBEX", "last_trade_date": "202703"}, "ESH7.CME"),
        ({"symbol": "ES", "sec_type": "FUT", "exchange": "CME", "last_trade_date": "20261218"}, "ESZ6.CME"),
        ({"local_symbol": "NQZ6", "sec_type": "FUT", "exchange": "CME"}, "NQZ6.CME"),
        ({"symbol": "ES", "sec_type": "FUT", "exchange": "CME", "last_trade_date": "202609"}, "200"),
        (
            {"symbol": "EUR", "sec_type": "CASH", "exchange": "IDEALPRO", "currency": "USD"},
            "EUR.USD.IDEALPRO",
        ),
        ({"symbol": "USD", "sec_type": "CASH", "exchange": "IDEALPRO"}, "200"),
        ({"symbol": "SPX", "sec_type": "IND", "exchange": "CBOE"}, "SPX.CBOE"),
        ({"symbol": "BTC", "sec_type": "CRYPTO", "exchange": "PAXOS"}, "BTC.USD.PAXOS"),
    ],
)
def test_a_description_means_one_contract_or_is_refused(book, asked, expected):
    assert found(book, **asked) == expected


def test_the_profiles_tick_comes_before_the_tables(book):
    listing = book.listing("AAPL.NASDAQ")
    assert (listing.instrument.tick, listing.con_id) == (Decimal("0.05"), 265598)
    assert not listing.start_price % listing.instrument.tick


def test_ambiguous_and_unknown_are_told_apart_by_their_text(book):
    texts = []
    for symbol in ("ES", "NOSUCH"):
        refusal = book.find(WireContract(symbol=symbol, sec_type="FUT", exchange="CME"))
        assert isinstance(refusal, Refusal)
        texts.append(refusal.text)
    assert "ambiguous" in texts[0]
    assert texts[1] == "No security definition has been found for the request"


def test_contract_ids_are_unique_and_the_same_for_everyone(book):
    other = ContractBook([], TODAY)
    listings = [*book._by_id.values(), *book.chain("SPY").options()]
    ids = [each.con_id for each in listings]
    assert len(ids) == len(set(ids))
    assert other.listing("ESZ6.CME").con_id == book.listing("ESZ6.CME").con_id


def test_an_option_is_found_by_terms_local_symbol_and_id(book):
    asked = {"symbol": "AAPL", "sec_type": "OPT", "exchange": "SMART", "last_trade_date": "20261218"}
    option = book.find(WireContract(**asked, strike=Decimal(230), right="C"))
    assert option.local_symbol == "AAPL  261218C00230000"
    by_symbol = WireContract(local_symbol=option.local_symbol, sec_type="OPT", exchange="SMART")
    assert book.find(by_symbol) is option
    fresh = ContractBook([], TODAY)
    assert fresh.by_con_id(option.con_id).local_symbol == option.local_symbol
    assert found(book, **asked, strike=Decimal("230.13"), right="C") == "200"


@pytest.mark.parametrize("client", [157, 163, 176, 178], indirect=True)
def test_details_are_decoded_whole(client):
    client.ask("reqContractDetails", 5, ib.Stock("AAPL", "SMART", "USD"))
    assert client.all("contractDetailsEnd") == [(5,)]
    [(_, details)] = client.all("contractDetails")
    assert (details.contract.conId, details.contract.primaryExchange) == (265598, "NASDAQ")
    assert (details.longName, details.minTick, details.stockType) == ("APPLE INC", 0.01, "COMMON")
    assert details.timeZoneId == "US/Eastern"
    assert "SMART" in details.validExchanges.split(",")
    assert len(details.marketRuleIds.split(",")) == len(details.validExchanges.split(","))
    assert details.tradingHours.count(";") == details.liquidHours.count(";") == 5


def test_every_future_is_listed_and_described(client):
    client.ask("reqContractDetails", 6, ib.Future("ES", exchange="CME"))
    details = [each for _, each in client.all("contractDetails")]
    assert len(details) == 5
    assert [each.contract.lastTradeDateOrContractMonth for each in details] == sorted(
        each.realExpirationDate for each in details
    )
    assert {(each.contract.multiplier, each.minTick, each.underSecType) for each in details} == {
        ("50", 0.25, "IND")
    }


@pytest.mark.parametrize(
    ("contract", "code"),
    [(ib.Stock("NOSUCH", "SMART", "USD"), 200), (ib.Contract(symbol="AAPL"), 321)],
)
def test_nothing_found_is_an_error(client, contract, code):
    client.ask("reqContractDetails", 7, contract)
    assert client.take() == [f"error 7 {code}"]


@pytest.mark.parametrize("client", [157, 176], indirect=True)
def test_symbols_are_searched_by_beginning_and_name(client):
    client.ask("reqMatchingSymbols", 8, "app")
    [(_, rows)] = client.all("symbolSamples")
    assert "AAPL" in [each.contract.symbol for each in rows]
    client.ask("reqMatchingSymbols", 9, "SPY")
    assert client.all("symbolSamples")[-1][1][0].contract.symbol == "SPY"


def test_the_option_chain_has_what_can_be_resolved(client):
    client.ask("reqSecDefOptParams", 10, "AAPL", "", "STK", 265598)
    chains = client.all("securityDefinitionOptionParameter")
    assert client.take()[-1] == "securityDefinitionOptionParameterEnd"
    exchange, under, _, multiplier, expirations, strikes = chains[0][1:]
    assert (exchange, int(under), multiplier) == ("SMART", 265598, "100")
    client.ask("reqContractDetails", 11, ib.Option("AAPL", expirations[0], strikes[0], "P", "SMART"))
    assert len(client.all("contractDetails")) == 1
    client.ask("reqSecDefOptParams", 12, "F", "", "STK", 9599491)
    assert client.take()[-1] == "securityDefinitionOptionParameterEnd"


def test_the_market_rule_of_a_contract_is_its_tick(bench, client):
    front = bench.gateway.contracts.book.under(0, "ES")[0].instrument.id
    for name in ("AAPL.NASDAQ", front, "EUR.USD.IDEALPRO", "BTC.USD.PAXOS", "USD.JPY.IDEALPRO"):
        listing = bench.gateway.contracts.listing(name)
        client.ask("reqMarketRule", listing.rule_id)
        [(_, (step,))] = client.all("marketRule")
        assert step.increment == float(listing.instrument.tick)
        client.take()
    client.ask("reqMarketRule", 4242)
    assert client.take() == ["error -1 321"]


def test_what_is_touched_is_traded(bench, client):
    """A contract outside the profile gets a market when data or an order wants it."""
    ford = WireContract(symbol="F", sec_type="STK", exchange="SMART", currency="USD")
    listing = bench.gateway.contracts.resolve(ford)
    assert bench.gateway.contracts.resolve(ford) is listing
    bench.gateway.do("set_market", instrument="F.NYSE", bid="10.99", ask="11.00")
    assert bench.gateway.contracts.resolve(WireContract(symbol="F", sec_type="STK")) is None
