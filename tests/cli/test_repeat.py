"""Same seed, same profile: the same journal, but for times and what was measured."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from certify.evidence.journal import read_journal
from certify.model import codec
from certify.model.events import Event, LoadFinished, LoadProgress, Note

from .conftest import certify, run_of

MEASURED = {
    "at_ns",
    "took_ms",
    "pid",
    "measurements",
    "limits",
    "run_id",
    "environment",
    "ts_event_ns",
    "ts_recv_ns",
}
FIGURE = re.compile(r"\d+(\.\d+)?")


def normal(event: Event) -> Any:
    """An event without what differs from run to run by right."""
    return _without(codec.encode(event))


def _without(data: Any) -> Any:
    if isinstance(data, dict):
        kept = {key: _without(value) for key, value in data.items() if key not in MEASURED}
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
