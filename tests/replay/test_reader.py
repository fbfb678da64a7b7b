"""Files to events: columns, units, order, and mistakes named with file and row."""

from __future__ import annotations

import builtins
from decimal import Decimal

import pytest

from certify.backends.replay.options import read_options
from certify.backends.replay.reader import RecordedFile, merged
from certify.errors import UsageError
from certify.model.trading import Quote, Trade

QUOTES = ("ts_event", "ts_recv", "seq", "instrument", "bid", "bid_size", "ask", "ask_size")
TRADES = ("ts_event", "ts_recv", "seq", "instrument", "price", "size", "trade_id")
T = 1_767_623_400_000_000_000


def files(**config):
    return [RecordedFile(spec) for spec in read_options(config).files]


def events(**config):
    return list(merged(files(**config)))


@pytest.mark.parametrize("name", ["q.csv", "q.csv.gz", "q.dat"])
def test_values_come_exactly_as_written(write_csv, name):
    path = write_csv(name, QUOTES, [[T, T + 5, 7, "A", "10.10", "3", "", ""]])
    (quote,) = events(quotes={"path": str(path)})
    assert quote == Quote("A", Decimal("10.10"), Decimal(3), None, None, T, T + 5, 7)
    assert str(quote.bid) == "10.10"


def test_columns_units_scale_zone_and_instrument_are_mapped(write_csv):
    header = ["when", "b", "a", "x"]
    path = write_csv("q.csv", header, [["2026-01-05 09:30:00.000000001", "1001000", "0", "?"]])
    (quote,) = events(
        quotes={
            "path": str(path),
            "columns": {"ts_event": "when", "bid": "b", "ask": "a"},
            "time_unit": "iso",
            "time_zone": "America/New_York",
            "price_scale": "0.0001",
            "zero_is_absent": True,
            "instrument": "EUR.USD",
        }
    )
    assert (quote.instrument, quote.ts_event_ns, quote.bid, quote.ask) == (
        "EUR.USD", T + 1, Decimal("100.1000"), None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("s", "1767623400.25"),
        ("ms", "1767623400250"),
        ("us", "1767623400250000"),
        ("iso", "2026-01-05T14:30:00.25Z"),
        ("iso", "2026-01-05T15:30:00.25+01:00"),
    ],
)
def test_time_units_are_exact(write_csv, unit, text):
    path = write_csv("q.csv", ("ts_event", "instrument", "bid", "ask"), [[text, "A", 1, 2]])
    (quote,) = events(quotes={"path": str(path), "time_unit": unit})
    assert quote.ts_event_ns == T + 250_000_000


def test_files_are_merged_and_disorder_inside_a_file_stays(write_csv):
    rows = [[T, T + at, seq, "A", 1, 1, 2, 1] for at, seq in ((10, 1), (30, 4), (20, 3), (40, 6))]
    quotes = write_csv("q.csv", QUOTES, rows)
    trades = write_csv("t.csv", TRADES, [[T, T + at, seq, "A", 1, 1, ""] for at, seq in ((10, 2), (35, 5))])
    found = events(quotes={"path": str(quotes)}, trades={"path": str(trades)})
    assert [event.seq for event in found] == [1, 2, 4, 3, 5, 6]
    assert isinstance(found[1], Trade)
    assert found[1].trade_id is None


def test_parquet_gives_the_same_events(write_csv, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet needs pyarrow")
    import pyarrow.csv as pa_csv

    rows = [[T + i, T + i + 5, i, "A", "10.25", "3", "" if i % 2 else "10.5", "4"] for i in range(100)]
    path = write_csv("q.csv", QUOTES, rows)
    parquet.write_table(pa_csv.read_csv(path), tmp_path / "q.parquet")
    assert events(quotes={"path": str(tmp_path / "q.parquet")}) == events(quotes={"path": str(path)})


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "q.parquet").write_bytes(b"PAR1....PAR1")
    original = builtins.__import__

    def without_pyarrow(name, *more, **named):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return original(name, *more, **named)

    monkeypatch.setattr(builtins, "__import__", without_pyarrow)
    with pytest.raises(UsageError, match=r"Parquet needs pyarrow: pip install"):
        files(quotes={"path": str(tmp_path / "q.parquet")})


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([T, T, 1, "A", "ten", 1, 2, 1], "row 2: expected a number"),
        (["soon", T, 1, "A", 1, 1, 2, 1], "row 2: expected a number"),
        ([T, T, "one", "A", 1, 1, 2, 1], "row 2: invalid literal"),
        ([T, T, 1, "A", "Infinity", 1, 2, 1], "row 2: expected a finite number"),
        ([T, T, 1, "A", 1], "row 2: expected 8 columns, found 5"),
    ],
)
def test_a_bad_row_is_named(write_csv, row, message):
    path = write_csv("q.csv", QUOTES, [[T, T, 1, "A", 1, 1, 2, 1], row])
    with pytest.raises(UsageError, match=message) as caught:
        events(quotes={"path": str(path)})
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "expected the option quotes or trades"),
        ({"quotes": "q.csv"}, "expected a mapping with a path"),
        ({"quotes": {"path": "nowhere.csv"}}, "no such file nowhere.csv"),
        ({"qoutes": {"path": "nowhere.csv"}}, "unknown key 'qoutes'"),
        ({"quotes": {"path": __file__, "time_unit": "h"}}, "time_unit: expected ns, us"),
        ({"quotes": {"path": __file__, "time_zone": "Mars"}}, "no such zone 'Mars'"),
        ({"quotes": {"path": __file__, "price_scale": "x"}}, "price_scale: expected a number"),
        ({"quotes": {"path": __file__, "price_scale": "0"}}, "price_scale: expected a number above 0"),
        ({"quotes": {"path": __file__, "zero_is_absent": "maybe"}}, "expected true or false"),
        ({"quotes": {"path": __file__, "columns": {"bit": "b"}}}, "columns: unknown key 'bit'"),
        ({"quotes": {"path": __file__}, "scope": "world"}, "scope: expected venue, nbbo"),
    ],
)
def test_a_wrong_option_is_refused(config, message):
    with pytest.raises(UsageError, match=message):
        read_options(config)


def test_a_missing_column_is_named_with_those_there_are(write_csv):
    path = write_csv("q.csv", ("ts_event", "instrument", "bid"), [])
    with pytest.raises(UsageError, match="no column 'ask' for ask: the file has ts_event, instrument, bid"):
        files(quotes={"path": str(path)})
    with pytest.raises(UsageError, match="no column 'Ask' for ask"):
        files(quotes={"path": str(path), "columns": {"ask": "Ask"}})


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "q.csv").write_text("")
    with pytest.raises(UsageError, match="the file is empty"):
        files(quotes={"path": str(tmp_path / "q.csv")})


def test_a_cut_off_gzip_is_told_with_its_row(write_csv):
    path = write_csv("q.csv.gz", QUOTES, [[T + i, T + i, i, f"N{i}", 1, i, 2, 1] for i in range(5_000)])
    path.write_bytes(path.read_bytes()[:-2_000])
    with pytest.raises(UsageError, match=r"row \d+: Compressed file ended"):
        events(quotes={"path": str(path)})
