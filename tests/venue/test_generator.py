"""The generated market: what `docs/venue.md` says about its statistics, and what can never happen."""

from __future__ import annotations

import math
import statistics
import tracemalloc
from collections import Counter, deque
from decimal import Decimal
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certify import clock
from certify.errors import UsageError
from certify.model.trading import Instrument, Quote, Trade
from certify.venue import MarketGenerator, MarketShape, SimulatedVenue, default_price

PAIR = (Instrument("ACME.SIM"), Instrument("GLOBEX.SIM", tick=Decimal("0.25"), lot=Decimal(10)))
SESSION_S = 1200.0


@pytest.fixture(scope="module")
def events():
    """Several short sessions of two instruments."""
    shape = MarketShape(session_s=SESSION_S)
    return list(islice(MarketGenerator(PAIR, 11, shape=shape), 100_000))


def quotes_of(events, name="ACME.SIM"):
    return [(at, e) for at, e in events if isinstance(e, Quote) and e.instrument == name]


def per_second(events):
    last = events[-1][0] // clock.NS_PER_S
    counts = Counter(at // clock.NS_PER_S for at, _ in events)
    return [counts[second] for second in range(last)]


def changes(events, name, step_s):
    """Return the changes of the log mid price from one multiple of `step_s` to the next."""
    mids, mid, edge = [], None, 0
    for at, quote in quotes_of(events, name):
        while at >= edge:
            if mid is not None:
                mids.append(mid)
            edge += int(step_s * clock.NS_PER_S)
        mid = math.log(float(quote.bid + quote.ask) / 2)
    return [after - before for before, after in pairwise(mids)]


def test_the_same_seed_gives_the_same_market_and_another_another():
    first, again, other = (list(islice(MarketGenerator(PAIR, seed), 500)) for seed in (1, 1, 2))
    assert first == again != other


@given(st.integers(0, 1000), st.sampled_from(["0.05", "1", "500"]))
@settings(max_examples=20)
def test_no_quote_is_ever_crossed_locked_off_grid_or_not_positive(seed, start):
    prices = {each.id: max(Decimal(start), each.tick * 5) // each.tick * each.tick for each in PAIR}
    wild = MarketShape(volatility=0.05)
    seen: dict[str, int] = Counter()
    last = 0
    for at, event in islice(MarketGenerator(PAIR, seed, start_prices=prices, shape=wild), 1000):
        assert at >= last
        last = at
        grid = next(each for each in PAIR if each.id == event.instrument)
        if isinstance(event, Quote):
            seen[event.instrument] += 1
            assert 0 < event.bid < event.ask
            assert event.bid % grid.tick == event.ask % grid.tick == 0
            assert event.bid_size > 0 == event.bid_size % grid.lot
            assert event.seq == seen[event.instrument]
        else:
            assert event.size > 0 == event.size % grid.lot


def test_trades_happen_inside_what_is_displayed(events):
    shown: dict[tuple[str, Decimal], Decimal] = {}
    for _, event in events:
        if isinstance(event, Quote):
            shown = {key: size for key, size in shown.items() if key[0] != event.instrument}
            shown[event.instrument, event.bid] = event.bid_size
            shown[event.instrument, event.ask] = event.ask_size
        else:
            shown[event.instrument, event.price] -= event.size
            assert shown[event.instrument, event.price] >= 0


def test_instruments_open_with_a_quote_stamped_from_the_start():
    market = MarketGenerator(PAIR, 3, start_ns=1000)
    first = list(islice(market, 200))
    assert [at for at, _ in first[:2]] == [0, 0]
    assert {e.instrument for _, e in first[:2]} == {each.id for each in PAIR}
    assert all(event.ts_event_ns == 1000 + at for at, event in first)


def test_spreads_are_mostly_one_to_three_ticks(events):
    for each in PAIR:
        spreads = [int((q.ask - q.bid) / each.tick) for _, q in quotes_of(events, each.id)]
        shares = {ticks: count / len(spreads) for ticks, count in Counter(spreads).items()}
        assert set(shares) == {1, 2, 3, 4, 5}
        assert shares[1] == pytest.approx(0.50, abs=0.04)
        assert shares[1] + shares[2] + shares[3] == pytest.approx(0.93, abs=0.02)


def test_sizes_are_log_normal_lots(events):
    logs = [math.log(float(q.bid_size)) for _, q in quotes_of(events)]
    assert math.exp(statistics.median(logs)) == pytest.approx(200, rel=0.03)
    assert statistics.stdev(logs) == pytest.approx(0.8, rel=0.03)
    middle, width = statistics.fmean(logs), statistics.stdev(logs)
    skew = statistics.fmean(((x - middle) / width) ** 3 for x in logs)
    assert abs(skew) < 0.15


def test_rate_and_share_of_trades(events):
    whole = events[-1][0] // int(SESSION_S * clock.NS_PER_S) * int(SESSION_S * clock.NS_PER_S)
    inside = [event for at, event in events if at < whole]
    assert len(inside) / 2 / (whole / clock.NS_PER_S) == pytest.approx(10, rel=0.05)
    assert sum(isinstance(e, Trade) for e in inside) / len(inside) == pytest.approx(0.2, abs=0.01)


def test_arrivals_cluster_and_without_clustering_are_poisson():
    for clustering, low, high in ((0.0, 0.85, 1.15), (0.5, 1.8, 4.5)):
        shape = MarketShape(clustering=clustering, u_shape=0.0)
        counts = per_second(list(islice(MarketGenerator(PAIR[:1], 5, shape=shape), 30_000)))
        assert low < statistics.variance(counts) / statistics.fmean(counts) < high


def test_open_and_close_are_busier_than_noon(events):
    tenths = Counter(int(at / clock.NS_PER_S % SESSION_S / SESSION_S * 10) for at, _ in events[:46_000])
    noon = (tenths[4] + tenths[5]) / 2
    assert 1.8 < tenths[0] / noon < 3.6
    assert 1.8 < tenths[9] / noon < 3.6
    shape = MarketShape()
    mean = statistics.fmean(shape.activity(second) for second in range(int(shape.session_s)))
    assert mean == pytest.approx(1, abs=0.001)


def test_instruments_move_together():
    # Fine ticks and a narrow spread, so that what is measured is the price and not its rounding.
    pair = [Instrument(name, tick=Decimal("0.0001")) for name in ("ACME.SIM", "GLOBEX.SIM")]
    events = list(islice(MarketGenerator(pair, 11), 80_000))
    ours, theirs = (changes(events, each.id, 10) for each in pair)
    pairs = min(len(ours), len(theirs))
    assert statistics.correlation(ours[:pairs], theirs[:pairs]) == pytest.approx(0.5, abs=0.15)
    assert statistics.stdev(ours) / math.sqrt(10) == pytest.approx(1e-4, rel=0.25)


def test_the_price_comes_back():
    """The stationary standard deviation is `volatility * sqrt(reversion_s / 2)`: 0.3 % of the price here."""
    shape = MarketShape(rate_per_s=0.5, reversion_s=1800.0, u_shape=0.0, correlation=0.0)
    start = default_price(PAIR[0])
    market = MarketGenerator(PAIR[:1], 4, shape=shape)
    away = [
        math.log(float(event.bid / start)) for _, event in islice(market, 60_000) if isinstance(event, Quote)
    ]
    assert max(map(abs, away)) < 6 * 0.003
    assert statistics.stdev(away) == pytest.approx(0.003, rel=0.35)
    assert abs(statistics.fmean(away)) < 0.0015


def test_another_instrument_changes_nothing_in_the_arrivals():
    alone = [at for at, _ in islice(MarketGenerator(PAIR[:1], 9), 200)]
    beside = [at for at, e in islice(MarketGenerator(PAIR, 9), 600) if e.instrument == PAIR[0].id]
    assert beside[:200] == alone


def test_default_prices_are_stable():
    assert default_price(Instrument("AAPL.NASDAQ")) == default_price(Instrument("AAPL.NASDAQ"))
    for each in PAIR:
        assert Decimal(20) <= default_price(each) <= Decimal(501)
        assert default_price(each) % each.tick == 0
    assert default_price(Instrument("BIG.TICK", tick=Decimal(10))) >= 1000


def test_memory_does_not_grow_with_the_stream():
    market = MarketGenerator(PAIR, 1)
    deque(islice(market, 5_000), maxlen=0)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        deque(islice(market, 20_000), maxlen=0)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 1_000_000  # remembered conversions, which have a limit


@pytest.mark.parametrize(
    "bad",
    [{"rate_per_s": 0}, {"trade_share": 1.5}, {"clustering": 1.0}, {"u_shape": 3.0}, {"size_sigma": -1}],
)
def test_impossible_shapes_are_refused(bad):
    with pytest.raises(UsageError):
        MarketShape(**bad)


@pytest.mark.parametrize("price", ["0", "-1", "10.005", "0.02"])
def test_impossible_start_prices_are_refused(price):
    with pytest.raises(UsageError):
        MarketGenerator(PAIR[:1], 0, start_prices={PAIR[0].id: Decimal(price)})


def test_the_venue_takes_the_whole_stream():
    venue = SimulatedVenue(PAIR, threaded=False, now_ns=lambda: 0)
    for _, event in islice(MarketGenerator(PAIR, 21), 5_000):
        if isinstance(event, Quote):
            venue.set_market(event)
        else:
            venue.print_trade(event)


def test_no_instruments_no_events():
    assert list(MarketGenerator((), 0)) == []
