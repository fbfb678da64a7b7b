"""The recipes of ib_insync's notebooks about contracts, tickers, bars and chains."""

from __future__ import annotations

import math

from ib_insync import ContFuture, Contract, Forex, Future, Index, Option, Stock


def test_the_option_chain_of_an_index_from_expirations_to_greeks(ib):
    spx = Index("SPX", "CBOE")
    ib.qualifyContracts(spx)
    ib.reqMarketDataType(4)
    [ticker] = ib.reqTickers(spx)
    price = ticker.marketPrice()
    chains = ib.reqSecDefOptParams(spx.symbol, "", spx.secType, spx.conId)
    assert {(chain.tradingClass, chain.exchange) for chain in chains} == {
        ("SPX", "SMART"), ("SPX", "CBOE"), ("SPXW", "SMART"), ("SPXW", "CBOE"),
    }  # fmt: skip
    for name in ("SPX", "SPXW"):
        chain = next(each for each in chains if each.tradingClass == name and each.exchange == "SMART")
        strikes = [each for each in chain.strikes if each % 5 == 0 and price - 20 < each < price + 20]
        assert len(strikes) >= 7
        wanted = [
            Option("SPX", expiration, strike, right, "SMART", tradingClass=name)
            for right in "PC"
            for expiration in sorted(chain.expirations)[:2]
            for strike in strikes[:2]
        ]
        found = ib.qualifyContracts(*wanted)
        assert len(found) == len(wanted) == 8
        tickers = ib.reqTickers(*found)
        assert all(each.modelGreeks and 0 < abs(each.modelGreeks.delta) < 1 for each in tickers)
        assert all(each.bid < each.ask for each in tickers)
        again = Contract(secType="OPT", localSymbol=found[0].localSymbol, exchange="SMART", currency="USD")
        assert ib.qualifyContracts(again)
        assert again.conId == found[0].conId


def test_a_portfolio_of_tickers_comes_at_once(ib):
    contracts = [Stock(symbol, "SMART", "USD") for symbol in ("AAPL", "MSFT", "SPY", "IBM")]
    contracts += [Forex("EURUSD"), Forex("USDJPY"), Index("VIX", "CBOE"), ContFuture("ES", "CME")]
    assert len(ib.qualifyContracts(*contracts)) == 8
    tickers = ib.reqTickers(*contracts)
    assert [each.contract for each in tickers] == contracts
    assert not any(math.isnan(each.marketPrice()) for each in tickers)


def test_the_front_month_by_continuous_future_by_month_and_by_hand(ib):
    front = ContFuture("ES", "CME")
    ib.qualifyContracts(front)
    details = ib.reqContractDetails(Future("ES", exchange="CME"))
    first = min(details, key=lambda each: each.contract.lastTradeDateOrContractMonth)
    assert first.contract.conId == front.conId
    [same] = ib.reqContractDetails(Future("ES", first.contractMonth, "GLOBEX"))
    assert same.contract == first.contract
    bars = ib.reqHistoricalData(front, "", "1 D", "1 hour", "TRADES", useRTH=False)
    assert bars
    assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)
