"""Markets to audit, ways to spoil them, and the shared recordings where they are."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from certify.model.ids import Outcome
from certify.model.trading import Instrument, Quote, Trade
from certify.phases.tape import TAPE_CHECKS, Judgement, TapeAuditor, TapeReport, settings_from
from certify.venue.generator import MarketGenerator

Event = Quote | Trade
NAMES = ("AAPL.NASDAQ", "MSFT.NASDAQ", "SPY.ARCA")
START_NS = 1_767_623_400_000_000_000
SHARED = Path(__file__).parents[3] / "shared" / "data"


def generated(seed: int, count: int = 4_000) -> list[Event]:
    generator = MarketGenerator([Instrument(id=name) for name in NAMES], seed, start_ns=START_NS)
    return [event for _, event in itertools.islice(generator, count)]


@dataclass
class Audit:
    report: TapeReport
    judged: dict[str, Judgement]

    def outcome(self, name: str) -> Outcome:
        return self.judged[f"market_data.{name}"].outcome

    def message(self, name: str) -> str:
        return self.judged[f"market_data.{name}"].message

    @property
    def failed(self) -> set[str]:
        return {
            name.removeprefix("market_data.")
            for name, j in self.judged.items()
            if j.outcome is Outcome.FAILED
        }


def audited(
    events: Iterable[Event], options: dict | None = None, ticks: dict | None = None, **parameters: str
):
    auditor = TapeAuditor(settings_from(options or {}, parameters, ticks=ticks))
    for event in events:
        auditor.on_event(event)
    report = auditor.report()
    return Audit(report, {card.id: judge(report, parameters) for card, judge in TAPE_CHECKS})


OWNERS = {"drop": "sequence", "swap": "out_of_order", "duplicate": "duplicates", "cross": "crossed"}


class Spoil:
    """Four ways to damage rows, one row in a hundred, by seed."""

    def __init__(self):
        self.owners = OWNERS

    @staticmethod
    def places(rows: list, seed: int, share: float = 0.01) -> list[int]:
        return sorted(random.Random(seed).sample(range(1, len(rows) - 1), max(1, int(len(rows) * share))))

    def drop(self, rows: list, seed: int) -> list:
        gone = set(self.places(rows, seed))
        return [row for place, row in enumerate(rows) if place not in gone]

    def swap(self, rows: list, seed: int) -> list:
        rows = list(rows)
        for place in self.places(rows, seed):
            rows[place], rows[place - 1] = rows[place - 1], rows[place]
        return rows

    def duplicate(self, rows: list, seed: int) -> list:
        twice = set(self.places(rows, seed))
        return [row for place, one in enumerate(rows) for row in ((one, one) if place in twice else (one,))]

    def cross(self, rows: list, seed: int) -> list:
        """Cross one single quote."""
        rows = list(rows)
        sided = [place for place, row in enumerate(rows) if isinstance(row, Quote) and row.bid and row.ask]
        place = random.Random(seed).choice(sided)
        rows[place] = replace(rows[place], bid=rows[place].ask + rows[place].ask / 100)
        return rows


@pytest.fixture(name="generated")
def _generated() -> Callable[..., list[Event]]:
    return generated


@pytest.fixture(name="audited")
def _audited() -> Callable[..., Audit]:
    return audited


@pytest.fixture
def spoil() -> Spoil:
    return Spoil()


@pytest.fixture
def shared_data() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the shared recordings (../shared/data) are not here")
    return SHARED


@pytest.fixture
def write_csv(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, header: Iterable[str], rows: Iterable[Iterable[object]]) -> Path:
        path = tmp_path / name
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(list(header))
        writer.writerows(rows)
        content = text.getvalue().encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write
