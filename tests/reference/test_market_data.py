"""Port `market_data`: what is wanted, what arrives, what is missing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from certify.errors import UsageError
from certify.model.trading import BookUpdate, ConnectionChange, Quote, Trade

D = Decimal
AAPL, MSFT = "AAPL.NASDAQ", "MSFT.NASDAQ"


def seen(rig, kind, instrument=AAPL):
    return [event for event in rig.events if isinstance(event, kind) and event.instrument == instrument]


@pytest.fixture
def wire(rig):
    """Take down what is asked of the feed."""
    asked, open_feed = [], rig.connection.open_feed

    class Spy:
        def __init__(self, line):
            self.line, self.close = line, line.close

        def subscribe(self, instrument, kinds):
            asked.append((instrument, frozenset(kinds)))
            self.line.subscribe(instrument, kinds)

        def unsubscribe(self, instrument):
            asked.append((instrument, None))
            self.line.unsubscribe(instrument)

    rig.connection.open_feed = lambda listener: Spy(open_feed(listener))
    rig.platform.market_data.disconnect()
    rig.platform.market_data.reconnect()
    return asked


def test_an_injected_quote_comes_back_with_its_own_time(rig):
    rig.platform.market_data.subscribe(AAPL, {"QUOTE"})
    rig.platform.market_data.inject(Quote(AAPL, D("99.90"), D(5), D("99.95"), D(7), 123_456_789))
    quote = seen(rig, Quote)[-1]
    assert (quote.bid, quote.bid_size, quote.ask, quote.ask_size) == (D("99.90"), 5, D("99.95"), 7)
    assert (quote.ts_event_ns, quote.ts_recv_ns) == (123_456_789, rig.now_ns)


def test_only_what_was_asked_for_is_emitted(rig):
    rig.platform.market_data.subscribe(AAPL, {"TRADE"})
    rig.quote("99.00", "99.10")
    rig.quote("50.00", "50.05", instrument=MSFT)
    rig.platform.market_data.inject(Trade(AAPL, D("99.05"), D(3), 42))
    assert seen(rig, Quote) == seen(rig, Quote, MSFT) == []
    (trade,) = seen(rig, Trade)
    assert (trade.price, trade.size, trade.ts_event_ns) == (D("99.05"), 3, 42)


def test_kinds_add_up_until_unsubscribed(rig):
    feed = rig.platform.market_data
    feed.subscribe(AAPL, {"QUOTE"})
    feed.subscribe(AAPL, {"BOOK"})
    rig.quote("99.00", "99.10")
    assert seen(rig, Quote)
    assert seen(rig, BookUpdate)
    feed.unsubscribe(AAPL)
    said = len(rig.events)
    rig.quote("98.00", "98.10")
    feed.unsubscribe(AAPL)
    assert len(rig.events) == said


def test_exactly_what_is_wanted_is_asked_for_again(rig, wire):
    feed = rig.platform.market_data
    feed.subscribe(AAPL, {"QUOTE", "TRADE"})
    feed.subscribe(MSFT, {"QUOTE"})
    feed.disconnect()
    feed.unsubscribe(MSFT)
    feed.subscribe(AAPL, {"BOOK"})
    wire.clear()
    rig.quote("98.00", "98.10")
    before = len(seen(rig, Quote))
    feed.reconnect()
    assert wire == [(AAPL, frozenset({"QUOTE", "TRADE", "BOOK"}))]
    assert seen(rig, Quote)[before:][0].bid == D("98.00")
    rig.quote("97.00", "97.10")
    assert len(seen(rig, Quote)[before:]) == 2


def test_nothing_arrives_while_the_link_is_down(rig):
    feed = rig.platform.market_data
    feed.subscribe(AAPL, {"QUOTE"})
    feed.disconnect()
    said = len(seen(rig, Quote))
    rig.quote("98.00", "98.10")
    assert len(seen(rig, Quote)) == said
    changes = [
        e.connected for e in rig.events if isinstance(e, ConnectionChange) and e.component == "market_data"
    ]
    assert changes == [True, False]
    assert [alert.component for alert in rig.alerts("DISCONNECT")] == ["market_data"]
    feed.reconnect()
    assert rig.alerts("DATA_GAP") == []


def test_a_gap_is_said_and_what_was_seen_is_dropped(rig):
    feed = rig.platform.market_data
    feed.subscribe(AAPL, {"QUOTE"})
    rig.quote("99.00", "99.10")
    last = seen(rig, Quote)[-1]
    said = len(seen(rig, Quote))
    feed.on_quote(last)
    feed.on_quote(replace(last, seq=last.seq - 1))
    assert len(seen(rig, Quote)) == said
    assert rig.platform.trade_monitor.metrics()["market_data_dropped"] == 2
    feed.on_quote(replace(last, seq=last.seq + 3))
    assert len(seen(rig, Quote)) == said + 1
    (alert,) = rig.alerts("DATA_GAP")
    assert "2 of QUOTE missing" in alert.text


def test_silence_is_said_once_until_it_ends(rig):
    rig.platform.market_data.subscribe(AAPL, {"QUOTE"})
    rig.pass_time(3.5)
    assert rig.alerts("STALE_DATA") == []
    for _ in range(5):
        rig.pass_time(0.1)
    (alert,) = rig.alerts("STALE_DATA")
    assert (alert.instrument, alert.component) == (AAPL, "market_data")
    rig.quote()
    rig.pass_time(6)
    assert len(rig.alerts("STALE_DATA")) == 2


def test_what_does_not_exist_cannot_be_subscribed(rig):
    with pytest.raises(UsageError, match="no instrument"):
        rig.platform.market_data.subscribe("NONE.X", {"QUOTE"})
    with pytest.raises(UsageError, match="expected kinds"):
        rig.platform.market_data.subscribe(AAPL, {"NEWS"})
    with pytest.raises(UsageError, match="expected kinds"):
        rig.platform.market_data.subscribe(AAPL, set())


def test_before_the_first_quote_there_is_none(rig):
    rig.platform.market_data.subscribe(MSFT, {"QUOTE"})
    assert seen(rig, Quote, MSFT) == []
    assert [instrument.id for instrument in rig.platform.market_data.instruments()] == [AAPL, MSFT]


def test_a_feed_that_cannot_be_opened_is_tried_again(rig):
    feed, open_feed = rig.platform.market_data, rig.connection.open_feed

    def refuse(listener):
        raise ConnectionError("not now")

    rig.connection.open_feed = refuse
    feed.link_lost("reset by peer")
    feed.reconnect()
    assert not feed.connected
    rig.connection.open_feed = open_feed
    rig.pass_time(0.6)
    assert feed.connected
