"""Same seed, same profile: the same journal, but for times and what was measured."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from certify.evidence.journal import read_journal
from certify.model import codec
from certify.model.events import Event, LoadFinished, LoadProgress, Note

from .conftest import certify, run_of

MEASURED = {"took_ms", "pid", "measurements", "limits", "run_id", "environment"}
NUMBERED_BY_THE_MARKET = {"broker_order_id"}
"""The venue numbers the orders of its own market too, and how many came before depends on the time of day."""
FIGURE = re.compile(r"\d+(\.\d+)?")


def normal(event: Event) -> Any:
    """An event without what differs from run to run by right."""
    return _without(codec.encode(event))


def _without(data: Any) -> Any:
    if isinstance(data, dict):
        dropped = MEASURED | NUMBERED_BY_THE_MARKET | {key for key in data if key.endswith("_ns")}
        kept = {key: _without(value) for key, value in data.items() if key not in dropped}
        if data.get("@type") == "CheckFinished":
            kept["message"] = FIGURE.sub("#", kept["message"])
        return kept
    return [_without(item) for item in data] if isinstance(data, list) else data


def journal_of(home: Path) -> list[Any]:
    events = read_journal(run_of(home) / "events.jsonl").events
    return [normal(e) for e in events if not isinstance(e, LoadFinished | LoadProgress | Note)]


def test_the_same_seed_gives_the_same_journal(tmp_path) -> None:
    only = ("--phase", "framework", "--phase", "trading", "--progress", "none")
    journals = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        done = certify("run", "--profile", "quick", "--seed", 7, *only, cwd=tmp_path / name)
        assert done.returncode in (0, 3), done.stderr
        journals.append(journal_of(tmp_path / name))
    first, second = journals
    assert len(first) > 200
    assert first == second
