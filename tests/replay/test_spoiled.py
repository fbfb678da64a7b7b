"""Rows dropped, swapped, duplicated, or one quote crossed: caught by the check that owns it."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tuned
from hypothesis import strategies as st

from certify.backends.replay.options import read_options
from certify.backends.replay.reader import RecordedFile, merged
from certify.model.ids import Outcome
from certify.model.trading import Quote
from certify.phases.tape.report import Kind

WAYS = ("drop", "swap", "duplicate", "cross")
IEX = "iex-tops-2017-07-10"
TAQ = "nyse-taq-xxx-2018-01"
FX = "truefx-usdjpy-2013-01-01"


class Rows:
    """Stands for a file whose rows are at hand."""

    def __init__(self, events):
        self._events = events

    def events(self):
        yield from self._events


def files_of(directory, **paths):
    config = {kind: {"path": str(directory / path)} for kind, path in paths.items()}
    return [RecordedFile(spec) for spec in read_options(config).files]


def read(directory, **paths):
    return [list(file.events()) for file in files_of(directory, **paths)]


@pytest.fixture(scope="module")
def kept():
    return {}


@pytest.fixture
def iex(shared_data, kept):
    if "iex" not in kept:
        kept["iex"] = read(shared_data, quotes=f"{IEX}-quotes.csv.gz", trades=f"{IEX}-trades.csv.gz")
    return kept["iex"]


@pytest.fixture
def taq(shared_data, kept):
    if "taq" not in kept:
        (rows,) = files_of(shared_data, quotes=f"{TAQ}-quotes.csv.gz")
        kept["taq"] = list(itertools.islice(rows.events(), 40_000))
    return kept["taq"]


@pytest.fixture
def fx(shared_data):
    return read(shared_data, quotes=f"{FX}-quotes.csv.gz")[0]


@pytest.mark.parametrize("seed", range(20))
def test_a_healthy_market_is_never_failed(generated, audited, seed):
    audit = audited(generated(seed), order_scope="feed")
    assert audit.failed == set()
    assert audit.outcome("sequence") is Outcome.PASSED
    assert audit.report.sequence.scope == "stream"


@pytest.mark.parametrize("way", WAYS)
@given(market=st.integers(0, 10_000), place=st.integers(0, 10_000))
@tuned(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_spoiled_generated_market_is_caught_by_its_owner(generated, audited, spoil, way, market, place):
    quotes = [row for row in generated(market, 2_000) if isinstance(row, Quote)]
    one = [row for row in quotes if row.instrument == quotes[0].instrument]
    assert audited(one).failed == set()
    audit = audited(getattr(spoil, way)(one, place))
    assert audit.failed - {"trades_through_quote"} == {spoil.owners[way]}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", range(3))
def test_a_spoiled_generated_recording_of_many_instruments_is_caught(generated, audited, spoil, way, seed):
    """Rows of different instruments may change places without anyone being wrong, so half the swaps count."""
    audit = audited(getattr(spoil, way)(generated(seed, 6_000), seed))
    assert audit.failed == {spoil.owners[way]}


def test_the_clean_iex_recording_has_no_failure_and_its_lateness_is_reported(iex, audited):
    audit = audited(merged([Rows(rows) for rows in iex]), sequence="shared")
    assert audit.failed == set()
    assert (audit.report.quotes, audit.report.trades) == (27_217, 6_390)
    assert audit.outcome("lateness") is Outcome.PASSED
    assert audit.report.finding(Kind.EVENT_BEFORE_PREVIOUS).count == 27
    assert "27 of 33,607" in audit.message("lateness")
    assert audit.report.lateness.max_ms == pytest.approx(1_173.05, abs=0.01)
    assert audit.report.finding(Kind.ONE_SIDED).hint == "note"


@pytest.mark.parametrize("sequence", ["shared", "auto"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", range(2))
def test_the_spoiled_iex_recording_is_caught_by_its_owner(iex, audited, spoil, way, seed, sequence):
    quotes, trades = iex
    files = [Rows(getattr(spoil, way)(quotes, seed)), Rows(trades)]
    audit = audited(merged(files), sequence=sequence, sequence_scope="feed")
    assert spoil.owners[way] in audit.failed


@pytest.mark.parametrize("seed", range(2))
def test_dropped_trades_of_iex_are_caught(iex, audited, spoil, seed):
    quotes, trades = iex
    audit = audited(
        merged([Rows(quotes), Rows(spoil.drop(trades, seed))]), sequence="shared", sequence_scope="feed"
    )
    assert audit.failed == {"sequence"}


@pytest.mark.parametrize("way", ["clean", *WAYS])
def test_the_iex_quotes_alone_are_judged_alike(iex, audited, spoil, way):
    rows = iex[0] if way == "clean" else getattr(spoil, way)(iex[0], 1)
    audit = audited(rows, sequence="shared", sequence_scope="feed")
    assert audit.failed == (set() if way == "clean" else {spoil.owners[way]})


@pytest.mark.parametrize("way", ["swap", "cross"])
def test_taq_per_venue_hides_nothing_but_drops_and_duplicates(taq, audited, spoil, way):
    rows = [replace(row, bid=row.bid or None, ask=row.ask or None) for row in taq]
    rows = [
        replace(row, bid_size=row.bid_size if row.bid else None, ask_size=row.ask_size if row.ask else None)
        for row in rows
    ]
    rows = getattr(spoil, way)(rows, 1)
    audit = audited(rows, sequence="none", order_scope="feed", max_repeat_share="10%", max_stub_share="0.2%")
    assert audit.failed == {spoil.owners[way]}


@pytest.mark.parametrize("way", ["drop", "duplicate"])
def test_a_declared_number_of_rows_shows_what_taq_cannot(taq, audited, spoil, way):
    audit = audited(getattr(spoil, way)(taq, 1), sequence="none", expected_quotes="40000")
    assert "completeness" in audit.failed


def test_the_busted_trade_of_taq_is_in_no_volume(shared_data, audited):
    (trades,) = read(shared_data, trades=f"{TAQ}-trades.csv.gz")
    audit = audited(trades, sequence="none")
    assert audit.failed == set()
    assert audit.report.finding(Kind.BUSTED).count == 1
    assert "correction 8" in audit.report.finding(Kind.BUSTED).first
    assert audit.report.busted_volume == "127300"
    assert audit.report.finding(Kind.EQUAL_PRINT).count == 5_850
    assert int(audit.report.volume) == sum(int(t.size) for t in trades) - 2 * 127_300


@pytest.mark.parametrize("way", ["clean", "swap", "duplicate", "cross"])
def test_truefx_is_clean_but_for_a_silence(fx, audited, spoil, way):
    rows = fx if way == "clean" else getattr(spoil, way)(fx, 3)
    audit = audited(rows, sequence="none", order_scope="feed", expected_quotes="1000")
    wanted = {"clean": set(), "duplicate": {"duplicates", "completeness"}}.get(way, {spoil.owners.get(way)})
    assert audit.failed == wanted
    silence = audit.report.finding(Kind.TAPE_SILENCE)
    assert silence.longest_s == pytest.approx(155.6, abs=0.1)
    assert silence.hint == "warn"
