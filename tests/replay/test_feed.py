"""The port over a recording: plays all of it, in order, and says when it ends."""

from __future__ import annotations

import logging
import threading
from types import SimpleNamespace

import pytest

from certify.backends.replay import create
from certify.backends.replay.feed import END
from certify.errors import UsageError
from certify.model.trading import ConnectionChange, Environment, Quote, Trade

T = 1_767_623_400_000_000_000
QUOTES = ("ts_event", "seq", "instrument", "bid", "bid_size", "ask", "ask_size")
TRADES = ("ts_event", "seq", "instrument", "price", "size", "trade_id")


class Ear:
    def __init__(self):
        self.events = []
        self.ended = threading.Event()

    def emit(self, event):
        self.events.append(event)
        if isinstance(event, ConnectionChange):
            self.ended.set()


@pytest.fixture
def ear():
    return Ear()


@pytest.fixture
def make(write_csv, ear):
    systems = []

    def build(rows=600, *, bad_row=None, trades=True, **options):
        quotes = [[T + 10 * i, i + 1, "AB"[i % 2], "10.00", 5, "10.02", 5] for i in range(rows)]
        if bad_row is not None:
            quotes[bad_row][3] = "ten"
        config = {"quotes": {"path": str(write_csv("q.csv", QUOTES, quotes))}, **options}
        if trades:
            prints = [[T + 10 * i + 5, i + 1, "A", "10.01", 1, f"t{i}"] for i in range(rows // 3)]
            config["trades"] = {"path": str(write_csv("t.csv.gz", TRADES, prints))}
        system = create(SimpleNamespace(config=config, emit=ear.emit, log=logging.getLogger("replay")))
        systems.append(system)
        return system

    yield build
    for system in systems:
        system.stop()


def test_everything_is_played_in_order_and_the_end_is_said(make, ear):
    system = make()
    system.start()
    feed = system.market_data
    assert [instrument.id for instrument in feed.instruments()] == ["A", "B"]
    assert system.health().queue_depth == 800
    feed.subscribe("*", {"QUOTE", "TRADE"})
    assert ear.ended.wait(10)
    *events, end = ear.events
    assert (sum(isinstance(e, Quote) for e in events), sum(isinstance(e, Trade) for e in events)) == (
        600,
        200,
    )
    assert [e.ts_event_ns for e in events] == sorted(e.ts_event_ns for e in events)
    assert end == ConnectionChange(component="market_data", connected=False, reason=END)
    assert system.health().queue_depth == 0


def test_only_what_is_subscribed_is_heard(make, ear):
    system = make()
    system.start()
    system.market_data.subscribe("B", {"QUOTE"})
    assert ear.ended.wait(10)
    assert {(type(e).__name__, e.instrument) for e in ear.events[:-1]} == {("Quote", "B")}
    assert len(ear.events) == 301


def test_it_plays_again_from_the_beginning(make, ear):
    system = make()
    system.start()
    for _ in range(2):
        system.market_data.subscribe("*", {"TRADE"})
        assert ear.ended.wait(10)
        system.market_data.unsubscribe("*")
        ear.ended.clear()
    assert len(ear.events) == 2 * 201


def test_nothing_plays_before_the_start(make, ear):
    system = make()
    with pytest.raises(UsageError, match="no instrument 'A'"):
        system.market_data.subscribe("A", {"QUOTE"})
    system.market_data.subscribe("*", {"QUOTE"})
    assert not ear.events


def test_an_unreadable_row_ends_it_with_file_and_row(make, ear):
    system = make(bad_row=500)
    system.start()
    system.market_data.subscribe("*", {"QUOTE"})
    assert ear.ended.wait(10)
    assert "q.csv: row 501: expected a number" in ear.events[-1].reason
    assert not system.health().alive


def test_it_says_what_it_cannot_do(make):
    info = make(trades=False, sequence="none").describe()
    assert info.environment is Environment.SIMULATED
    assert all(isinstance(info.capabilities[f"market_data.{what}"], str) for what in ("inject", "disconnect"))
    assert info.capabilities["market_data.trades"] == "no trades file is given"
    assert info.capabilities["market_data.sequence"] == "the profile declares sequence: none"
    assert "market_data.trades" not in make().describe().capabilities


def test_the_profile_lends_its_ticks(make):
    system = make(instruments=[{"id": "A", "tick": "0.05"}])
    system.start()
    assert [str(instrument.tick) for instrument in system.market_data.instruments()] == ["0.05", "0.01"]
