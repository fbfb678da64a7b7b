"""Market data over a simulated gateway."""

from __future__ import annotations

from decimal import Decimal

import pytest

from certify.errors import CertifyError
from certify.model.trading import BookUpdate, Environment, Quote, Trade

AAPL, MSFT = "AAPL.NASDAQ", "MSFT.NASDAQ"
FEED_ID = 102


def shown(quote):
    return (quote.bid, quote.bid_size, quote.ask, quote.ask_size)


def quoted(rig, bid, ask, size="1000", instrument=AAPL):
    """Wait for exactly this quote."""
    wanted = tuple(None if each is None else Decimal(each) for each in (bid, bid and size, ask, ask and size))
    return rig.until(
        lambda: next((q for q in reversed(rig.events(Quote, instrument)) if shown(q) == wanted), None),
        f"quote {wanted}",
    )


def requests(rig):
    return rig.gateway.do("requests", client_id=FEED_ID).get(FEED_ID, {})


def test_quotes_are_passed_on_as_they_are_shown(rig):
    rig.platform.market_data.subscribe(AAPL, {"QUOTE"})
    quoted(rig, "100.00", "100.10")
    rig.market("90.01", "90.02", size="7")
    quoted(rig, "90.01", "90.02", "7")
    rig.market("120.00", "120.01", size="8")
    last = quoted(rig, "120.00", "120.01", "8")
    quotes = rig.events(Quote)
    assert [shown(q)[0] for q in quotes] == [100, Decimal("90.01"), 120]
    assert [q.seq for q in quotes] == [1, 2, 3]
    assert all(q.bid < q.ask and not q.delayed for q in quotes)
    assert last.ts_event_ns <= last.ts_recv_ns


def test_a_side_that_nobody_shows_is_none(rig):
    rig.platform.market_data.subscribe(AAPL, {"QUOTE"})
    quoted(rig, "100.00", "100.10")
    rig.market("100.00", None)
    assert quoted(rig, "100.00", None).ask_size is None


def test_prints_come_once_with_their_size(rig):
    rig.platform.market_data.subscribe(AAPL, {"TRADE"})
    rig.until(lambda: rig.gateway.do("subscriptions", client_id=FEED_ID), "the subscription")
    for price, size in (("100.05", 3), ("100.06", 4), ("100.06", 4)):
        rig.platform.market_data.inject(Trade(AAPL, Decimal(price), Decimal(size), 0))
    rig.until(lambda: len(rig.events(Trade)) == 3, "three prints")
    assert [(t.price, t.size, t.seq) for t in rig.events(Trade)] == [
        (Decimal("100.05"), 3, 1),
        (Decimal("100.06"), 4, 2),
        (Decimal("100.06"), 4, 3),
    ]
    assert rig.events(Quote) == []


def test_book_shows_its_levels_best_first(rig):
    rig.platform.market_data.subscribe(AAPL, {"BOOK"})
    sent = rig.send(5, "99.50")
    rig.wait(sent, "NEW")

    def found():
        books = rig.events(BookUpdate)
        return books and books[-1].bids and books[-1].asks and books[-1]

    book = rig.until(found, "a book with both sides")
    assert book.bids[0][0] == 100
    assert book.asks[0][0] == Decimal("100.10")
    assert list(book.bids) == sorted(book.bids, reverse=True)


def test_nothing_comes_after_unsubscribe(rig):
    rig.platform.market_data.subscribe(AAPL, {"QUOTE"})
    quoted(rig, "100.00", "100.10")
    rig.platform.market_data.unsubscribe(AAPL)
    rig.until(lambda: requests(rig).get("CancelMktData") == 1, "the cancel")
    before = len(rig.events(Quote))
    rig.market("100.01", "100.11")
    assert len(rig.events(Quote)) == before


def test_second_kind_uses_the_same_subscription(rig):
    rig.platform.market_data.subscribe(AAPL, {"QUOTE"})
    quoted(rig, "100.00", "100.10")
    rig.platform.market_data.subscribe(AAPL, {"TRADE"})
    rig.platform.market_data.inject(Trade(AAPL, Decimal("100.05"), Decimal(3), 0))
    rig.until(lambda: rig.events(Trade), "a print")
    assert requests(rig)["ReqMktData"] == 1


def test_broken_line_comes_back_with_what_was_wanted(rig):
    feed = rig.platform.market_data
    feed.subscribe(AAPL, {"QUOTE"})
    feed.subscribe(MSFT, {"QUOTE"})
    quoted(rig, "100.00", "100.10")
    feed.disconnect()
    rig.until(
        lambda: FEED_ID not in {c["client_id"] for c in rig.gateway.do("clients")}, "the socket is closed"
    )
    feed.unsubscribe(MSFT)
    rig.market("101.00", "101.10")
    feed.reconnect()
    quoted(rig, "101.00", "101.10")
    (only,) = rig.gateway.do("subscriptions", client_id=FEED_ID)
    assert only["instrument"] == AAPL
    numbers = [q.seq for q in rig.events(Quote)]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(("state", "again"), [("restored", 0), ("restored_data_lost", 1)])
def test_only_lost_subscriptions_are_made_again(rig, state, again):
    rig.platform.market_data.subscribe(AAPL, {"QUOTE"})
    quoted(rig, "100.00", "100.10")
    rig.gateway.do("connectivity", state="lost")
    rig.until(lambda: not rig.platform.health().connected, "1100 is noticed")
    assert rig.alerts("DISCONNECT")
    rig.gateway.do("connectivity", state=state)
    rig.until(lambda: rig.platform.health().connected, "back")
    rig.market("102.00", "102.10")
    quoted(rig, "102.00", "102.10")
    assert requests(rig)["ReqMktData"] == 1 + again
    assert len(rig.gateway.do("subscriptions", client_id=FEED_ID)) == 1


def test_what_is_not_wanted_any_more_is_cancelled_when_ib_is_back(rig):
    feed = rig.platform.market_data
    feed.subscribe(AAPL, {"QUOTE"})
    feed.subscribe(MSFT, {"QUOTE"})
    quoted(rig, "100.00", "100.10")
    rig.gateway.do("connectivity", state="lost")
    rig.until(lambda: not rig.platform.health().connected, "1100 is noticed")
    feed.unsubscribe(MSFT)
    rig.gateway.do("connectivity", state="restored")
    rig.until(lambda: len(rig.gateway.do("subscriptions", client_id=FEED_ID)) == 1, "one is left")


def test_delayed_data_says_so(rig):
    rig.gateway.do("delayed", on=True)
    rig.platform.market_data.subscribe(AAPL, {"QUOTE"})
    assert quoted(rig, "100.00", "100.10").delayed


def test_data_that_stop_are_stale(build):
    rig = build(max_stale_ms=300)
    rig.market()
    rig.platform.market_data.subscribe(AAPL, {"QUOTE"})
    quoted(rig, "100.00", "100.10")
    rig.until(lambda: rig.alerts("STALE_DATA"), "an alert")


def test_real_gateway_has_no_market_to_set_and_no_account_to_open(build, monkeypatch):
    monkeypatch.setattr("certify.backends.ibkr.connection.BRAND", "somebody else")
    rig = build(connection={"control_port": None, "simulated": False})
    info = rig.platform.describe()
    assert info.environment is Environment.PAPER
    assert rig.platform.paper_trading is None
    for flag in ("market_data.inject", "paper.open_account", "paper.go_live"):
        assert isinstance(info.capabilities[flag], str)
    with pytest.raises(CertifyError, match="real broker"):
        rig.platform.market_data.inject(Quote(AAPL, Decimal(1), Decimal(1), Decimal(2), Decimal(1), 0))


def test_simulated_gateway_is_not_taken_for_a_real_one(build):
    with pytest.raises(CertifyError, match="is a simulated one"):
        build(connection={"control_port": None, "simulated": False})


def test_real_gateway_is_not_taken_for_a_simulated_one(build, monkeypatch):
    monkeypatch.setattr("certify.backends.ibkr.connection.BRAND", "somebody else")
    with pytest.raises(CertifyError, match="does not say that it is a simulated one"):
        build()


def test_reference_prices_come_back_by_themselves(rig):
    rig.gateway.do("reset", client_id=103)
    rig.until(
        lambda: not rig.platform.prices.lost and 103 in {c["client_id"] for c in rig.gateway.do("clients")},
        "103",
    )
    rig.market("103.00", "103.10")
