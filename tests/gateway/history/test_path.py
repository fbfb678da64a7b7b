"""The generated past: the same for the same seed, and bars of all sizes agree."""

from __future__ import annotations

from datetime import date, datetime
from itertools import pairwise

import pytest

from certify.gateway.contracts import ContractBook
from certify.gateway.history.bars import Span, bars
from certify.gateway.history.path import PricePath
from certify.gateway.history.wanted import Unacceptable, duration, moment
from certify.gateway.trading_calendar import HOURS, ZONE, holidays, hours_text, session

NOW = int(datetime(2026, 11, 24, 12, 34, 56, tzinfo=ZONE).timestamp())
BOOK = ContractBook([], date(2026, 11, 24))
NAMES = ["AAPL.NASDAQ", "ESZ6.CME", "EUR.USD.IDEALPRO", "SPX.CBOE", "BTC.USD.PAXOS"]


def path(name: str, seed: int = 1, anchor: int = NOW) -> PricePath:
    return PricePath(BOOK.listing(name), seed, anchor)


def whole(parts):
    return (
        parts[0].open,
        max(part.high for part in parts),
        min(part.low for part in parts),
        parts[-1].close,
        sum(part.volume for part in parts),
    )


@pytest.mark.parametrize("name", NAMES)
def test_bars_of_every_size_make_the_bars_above_them(name):
    made = path(name)
    span = Span(0, NOW, 3)
    days = bars(made, span, 86_400, regular=False)
    for size_s in (3600, 900, 300, 60):
        parts = bars(made, span, size_s, regular=False)
        assert whole(parts) == whole(days)
        for part in parts:
            assert part.low <= min(part.open, part.close) <= max(part.open, part.close) <= part.high
            assert part.volume >= 0
        for before, after in pairwise(parts):
            assert before.end <= after.start
            assert before.close == after.open or before.end < after.start
    hour = Span(NOW - NOW % 3600 - 3600, NOW - NOW % 3600)
    assert whole(bars(made, hour, 1, regular=False)) == whole(bars(made, hour, 900, regular=False))


@pytest.mark.parametrize("name", NAMES)
def test_the_path_meets_the_live_market(name):
    made, listing = path(name), BOOK.listing(name)
    last = made.last_before(NOW)
    assert last.end <= NOW
    assert abs(last.close * listing.instrument.tick / listing.start_price - 1) < 0.001


def test_the_same_seed_is_the_same_past_and_another_is_not():
    span = Span(0, NOW, 2)
    first, again, other = (bars(path("AAPL.NASDAQ", seed), span, 300, regular=True) for seed in (1, 1, 2))
    assert first == again
    assert [bar.close for bar in first] != [bar.close for bar in other]


def test_a_bar_that_goes_on_is_cut_at_the_end():
    made = path("AAPL.NASDAQ")
    [last] = bars(made, Span(NOW - 60, NOW), 300, regular=True)[-1:]
    assert last.start == NOW - NOW % 300
    assert last.end == NOW
    later = bars(made, Span(0, NOW + 600, 1), 300, regular=True)
    full = next(bar for bar in later if bar.start == last.start)
    assert full.high >= last.high
    assert full.volume > last.volume
    assert full.open == last.open


def test_regular_hours_are_a_part_of_all_hours():
    made = path("AAPL.NASDAQ")
    regular = bars(made, Span(0, NOW, 1), 1800, regular=True)
    assert [datetime.fromtimestamp(regular[0].start, tz=ZONE).strftime("%H:%M")] == ["09:30"]
    everything = bars(made, Span(0, NOW, 1), 1800, regular=False)
    assert set(regular) < set(everything)
    assert datetime.fromtimestamp(everything[0].start, tz=ZONE).hour == 4


def test_too_many_bars_are_refused_before_they_are_made():
    with pytest.raises(Unacceptable, match="Time length exceed max"):
        bars(path("AAPL.NASDAQ"), Span(NOW - 20 * 365 * 86_400, NOW), 60, regular=True)


def test_days_of_trading():
    assert date(2026, 7, 3) in holidays(2026)  # the 4th is a Saturday
    assert date(2026, 4, 3) in holidays(2026)  # Good Friday
    assert date(2027, 1, 1) in holidays(2027)
    assert len(holidays(2026)) == 10
    assert session(HOURS["STK"], date(2026, 11, 26), regular=True) is None
    assert session(HOURS["STK"], date(2026, 11, 28), regular=False) is None
    text = hours_text(HOURS["FUT"], date(2026, 11, 24), regular=False)
    assert text.startswith("20261123:1800-20261124:1700;")
    assert "20261128:CLOSED" in text


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("20261123 15:59:00 US/Eastern", "2026-11-23T15:59:00-05:00"),
        ("20261123 15:59:00", "2026-11-23T15:59:00-05:00"),
        ("20261123  15:59:00", "2026-11-23T15:59:00-05:00"),
        ("20261123-20:59:00", "2026-11-23T20:59:00+00:00"),
        ("20261123 15:59:00 UTC", "2026-11-23T15:59:00+00:00"),
        ("20260701 12:00:00 Europe/Berlin", "2026-07-01T12:00:00+02:00"),
    ],
)
def test_moments_are_understood(text, at):
    assert moment(text) == int(datetime.fromisoformat(at).timestamp())


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-11-23", "20261323 00:00:00", "20261123 15:59:00 No/Where"]
)
def test_moments_that_are_none_are_refused(text):
    with pytest.raises(Unacceptable) as refused:
        moment(text)
    assert refused.value.code == 10314


@pytest.mark.parametrize("text", ["", "1", "D", "0 D", "-1 D", "366 D", "13 M", "1 X", "1.5 D"])
def test_durations_that_are_none_are_refused(text):
    with pytest.raises(Unacceptable) as refused:
        duration(text)
    assert refused.value.code == 321
