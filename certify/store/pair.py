"""Which two runs a person means to compare."""

from __future__ import annotations

import json
from pathlib import Path

from certify.errors import UsageError
from certify.evidence.files import RESULT_FILE
from certify.store.runs import RunStore

LATEST = "latest"
PREVIOUS = "previous"


def pair_of(store: RunStore, before: str | None, after: str | None) -> tuple[Path, Path]:
    """Return the two runs; `previous` is the run of the same profile and subject before the other one.

    Without `after` it is the latest, without both the latest and the one before it.

    Raises:
        UsageError: there is no such run.
    """
    before, after = before or PREVIOUS, after or LATEST
    if before == after == PREVIOUS:
        raise UsageError("previous to what? expected one of the two runs by another name")
    if after == PREVIOUS:
        first = store.find(before)
        return first, _previous(store, first)
    last = store.find(after)
    return (_previous(store, last) if before == PREVIOUS else store.find(before)), last


def _previous(store: RunStore, run_dir: Path) -> Path:
    wanted = identity_of(run_dir)
    if wanted is None:
        raise UsageError(f"{run_dir.name}: no result yet; there is nothing to compare")
    for other in reversed(store.all()):
        if other.name < run_dir.name and identity_of(other) == wanted:
            return other
    profile, subject = wanted
    raise UsageError(f"{run_dir.name}: no run of profile {profile} and subject {subject} before it")


def identity_of(run_dir: Path) -> tuple[str, str] | None:
    """Return the names of a run's profile and subject; `None` where it has no result that can be read."""
    try:
        found = json.loads((run_dir / RESULT_FILE).read_bytes())
        return str(found["profile"]["name"]), str(found["subject"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
