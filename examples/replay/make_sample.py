"""Write the small recording that ships with the profile `replay`: a generated market, nobody's data.

    python examples/replay/make_sample.py profiles/data

Some two and a half minutes of three instruments from the simulated venue's generator, as a recorder
would have written them: one file of quotes, one of trades, event time, receive time, sequence number.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from certify.model.trading import Instrument, Quote, Trade
from certify.venue.generator import MarketGenerator

INSTRUMENTS = ("AAPL.NASDAQ", "MSFT.NASDAQ", "SPY.ARCA")
START_NS = 1_767_623_400_000_000_000  # 2026-01-05 09:30 New York
EVENTS = 8_000
SEED = 20260105

QUOTES = ("ts_event", "ts_recv", "seq", "instrument", "bid", "bid_size", "ask", "ask_size")
TRADES = ("ts_event", "ts_recv", "seq", "instrument", "price", "size", "trade_id")


def events(seed: int, count: int) -> Iterator[tuple[Quote | Trade, int]]:
    """Yield the events with the time at which a recorder received them, which never goes back."""
    generator = MarketGenerator([Instrument(id=name) for name in INSTRUMENTS], seed, start_ns=START_NS)
    delays = random.Random(f"delays/{seed}")
    received = 0
    for _, event in itertools.islice(generator, count):
        received = max(received + 1, event.ts_event_ns + int(delays.lognormvariate(13.0, 0.7)))
        yield event, received


def write(path: Path, header: tuple[str, ...], rows: list[list[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    path.write_bytes(gzip.compress(text.getvalue().encode(), 9, mtime=0))  # the same bytes every time


def main(directory: Path) -> None:
    quotes: list[list[object]] = []
    trades: list[list[object]] = []
    for event, received in events(SEED, EVENTS):
        row: list[object] = [event.ts_event_ns, received, event.seq, event.instrument]
        if isinstance(event, Quote):
            quotes.append([*row, event.bid, event.bid_size, event.ask, event.ask_size])
        else:
            trades.append([*row, event.price, event.size, event.trade_id])
    directory.mkdir(parents=True, exist_ok=True)
    write(directory / "sample-quotes.csv.gz", QUOTES, quotes)
    write(directory / "sample-trades.csv.gz", TRADES, trades)
    print(f"{directory}: {len(quotes)} quotes, {len(trades)} trades")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "profiles/data"))
