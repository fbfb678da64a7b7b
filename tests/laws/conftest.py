"""One real run of the profile `quick`, shared by the laws that look at a whole run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from certify.cli.pipeline import certify_run
from certify.cli.request import Selection
from certify.evidence.journal import read_journal
from certify.model.events import Event
from certify.store.runs import RunStore


@dataclass(frozen=True)
class QuickRun:
    """A run's directory, what its listener heard, and what its journal holds."""

    run_dir: Path
    heard: tuple[Event, ...]
    journal: tuple[Event, ...]


def run_quick(place: Path, seed: int, phases: tuple[str, ...] = ()) -> QuickRun:
    """Do everything that `certify run --profile quick --seed SEED` does."""
    heard: list[Event] = []
    selection = Selection(profile="quick", seed=seed, phases=phases)
    outcome = certify_run(selection, RunStore(place), lambda stream, plan: heard.extend(stream))
    journal = read_journal(outcome.run_dir / "events.jsonl").events
    return QuickRun(outcome.run_dir, tuple(heard), journal)


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> QuickRun:
    return run_quick(tmp_path_factory.mktemp("quick"), 1)
