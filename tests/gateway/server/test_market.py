"""The market that moves by itself, and the one that an action shows."""

from __future__ import annotations

from decimal import Decimal

import pytest

from certify.errors import UsageError
from certify.gateway.settings import FEED_ACCOUNT


class Ear:
    """Hears everything of some instruments."""

    def __init__(self, house, *instruments: str) -> None:
        self.quotes, self.trades = [], []
        session = house.venue.login(FEED_ACCOUNT, self)
        for instrument in instruments:
            session.subscribe(instrument, ["QUOTE", "TRADE"])

    def on_quote(self, quote) -> None:
        self.quotes.append(quote)

    def on_trade(self, trade) -> None:
        self.trades.append(trade)

    def on_report(self, update) -> None: ...

    def on_book(self, book) -> None: ...


def listen(gateway, *instruments: str) -> Ear:
    return gateway.call(lambda house: Ear(house, *instruments))


def test_an_instrument_that_nobody_touches_has_no_market(gateway_with, eventually):
    gateway = gateway_with(market_rate_per_s=200)
    ear = listen(gateway, "AAPL.NASDAQ", "MSFT.NASDAQ")
    gateway.call(lambda house: house.market.touch("AAPL.NASDAQ"))
    assert eventually(lambda: len(ear.quotes) > 20 and len(ear.trades) > 5)
    assert {quote.instrument for quote in ear.quotes if quote.bid} == {"AAPL.NASDAQ"}


def test_the_first_touch_gives_a_quote_at_once_and_the_second_changes_nothing(gateway):
    ear = listen(gateway, "AAPL.NASDAQ")

    def touch_twice(house) -> int:
        house.market.touch("AAPL.NASDAQ")
        house.market.touch("AAPL.NASDAQ")
        return len([quote for quote in ear.quotes if quote.bid])

    assert gateway.call(touch_twice) == 1


def test_the_same_seed_gives_the_same_market(gateway_with, eventually):
    def prices(seed: int) -> list[Decimal]:
        gateway = gateway_with(seed=seed, market_rate_per_s=500)
        ear = listen(gateway, "AAPL.NASDAQ")
        gateway.call(lambda house: house.market.touch("AAPL.NASDAQ"))
        assert eventually(lambda: len(ear.quotes) > 30)
        return [(quote.bid, quote.ask, quote.bid_size) for quote in ear.quotes[1:21]]

    assert prices(1) == prices(1) != prices(2)


def test_set_market_shows_exactly_this_and_holds_the_generator_back(gateway_with, eventually):
    gateway = gateway_with(market_rate_per_s=200)
    ear = listen(gateway, "AAPL.NASDAQ", "MSFT.NASDAQ")
    gateway.call(lambda house: house.market.touch("MSFT.NASDAQ"))
    gateway.do("set_market", instrument="AAPL.NASDAQ", bid="9.99", bid_size="300", ask="10.00", ask_size=200)
    seen = len(ear.quotes)
    shown = [quote for quote in ear.quotes if quote.instrument == "AAPL.NASDAQ"][-1]
    assert (shown.bid, shown.bid_size, shown.ask, shown.ask_size) == (
        Decimal("9.99"), Decimal(300), Decimal("10.00"), Decimal(200)
    )  # fmt: skip
    assert eventually(lambda: len(ear.quotes) > seen + 50)
    assert {quote.instrument for quote in ear.quotes[seen:]} == {"MSFT.NASDAQ"}


def test_a_side_left_out_is_empty_and_a_size_left_out_is_a_hundred(gateway):
    ear = listen(gateway, "AAPL.NASDAQ")
    gateway.do("set_market", instrument="AAPL.NASDAQ", bid="9.99")
    assert (ear.quotes[-1].bid_size, ear.quotes[-1].ask) == (Decimal(100), None)


def test_a_print_is_heard_as_a_trade(gateway):
    ear = listen(gateway, "AAPL.NASDAQ")
    gateway.do("print_trade", instrument="AAPL.NASDAQ", price="10.03", size=7)
    assert [(trade.price, trade.size) for trade in ear.trades] == [(Decimal("10.03"), Decimal(7))]


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("set_market", {"instrument": "NO.WHERE", "bid": "1"}),
        ("set_market", {"instrument": "AAPL.NASDAQ", "bid": "10", "ask": "9"}),
        ("set_market", {"instrument": "AAPL.NASDAQ", "bid": "1.001"}),
        ("set_market", {"instrument": "AAPL.NASDAQ", "bid": "ten"}),
        ("print_trade", {"instrument": "AAPL.NASDAQ", "price": "0"}),
        ("print_trade", {"instrument": "AAPL.NASDAQ", "price": "5", "size": -1}),
        ("market", {"on": 7}),
    ],
)
def test_a_market_that_cannot_be_is_refused(gateway, action, arguments):
    with pytest.raises(UsageError):
        gateway.do(action, **arguments)


def test_the_market_can_stand_still(gateway_with, eventually):
    gateway = gateway_with(market_rate_per_s=500)
    ear = listen(gateway, "AAPL.NASDAQ")
    gateway.call(lambda house: house.market.touch("AAPL.NASDAQ"))
    assert eventually(lambda: len(ear.quotes) > 3)
    gateway.do("market", on=False)
    seen = len(ear.quotes) + len(ear.trades)
    fired = gateway.call(lambda house: house.market._feeds["AAPL.NASDAQ"].pending[0])
    assert eventually(
        lambda: gateway.call(lambda house: house.market._feeds["AAPL.NASDAQ"].pending[0]) > fired + 10**8
    )
    assert len(ear.quotes) + len(ear.trades) == seen
    gateway.do("market", on=True)
    assert eventually(lambda: len(ear.quotes) + len(ear.trades) > seen)


def test_there_is_a_market_on_the_new_day(gateway):
    ear = listen(gateway, "AAPL.NASDAQ")
    gateway.call(lambda house: house.market.touch("AAPL.NASDAQ"))
    gateway.do("new_day")
    assert ear.quotes[-1].bid is not None
    assert ear.quotes[-1].ask is not None


def test_fresh_begins_the_market_again(gateway_with, eventually):
    gateway = gateway_with(market_rate_per_s=200)
    gateway.call(lambda house: house.market.touch("AAPL.NASDAQ"))
    gateway.fresh()
    assert gateway.call(lambda house: house.market._feeds) == {}
    ear = listen(gateway, "AAPL.NASDAQ")
    gateway.call(lambda house: house.market.touch("AAPL.NASDAQ"))
    assert eventually(lambda: len(ear.quotes) > 5)


def test_an_instrument_of_the_universe_trades_once_it_is_touched(gateway):
    gateway.do("set_market", instrument="KO.NYSE", bid="60.00", ask="60.01")
    assert "KO.NYSE" in gateway.do("describe")["instruments"]
