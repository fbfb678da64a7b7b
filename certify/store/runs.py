"""Run directories: `.certify/runs/<run_id>/` in the working directory, or where the user says.

`--out` wins over `CERTIFY_HOME`, which wins over `.certify`.
"""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path

from certify.errors import UsageError

HOME_VARIABLE = "CERTIFY_HOME"
DEFAULT_HOME = ".certify"


@dataclass(frozen=True, slots=True)
class RunStore:
    """The runs under one home directory."""

    home: Path

    @property
    def runs_dir(self) -> Path:
        """The directory that holds one directory for each run."""
        return self.home / "runs"

    def create(self, run_id: str) -> Path:
        """Make the directory of a new run and return it.

        Raises:
            UsageError: it cannot be made.
        """
        path = self.runs_dir / run_id
        try:
            (path / "logs").mkdir(parents=True)
        except OSError as error:
            raise UsageError(f"{path}: cannot make the run directory: {error.strerror}") from error
        return path

    def all(self) -> list[Path]:
        """Return every run directory, oldest first."""
        if not self.runs_dir.is_dir():
            return []
        return sorted(path for path in self.runs_dir.iterdir() if (path / "plan.json").is_file())

    def find(self, reference: str | None) -> Path:
        """Return the run that a person means: a path, an id, the start of one, or the latest.

        Raises:
            UsageError: there is none, or more than one.
        """
        if reference and (Path(reference) / "plan.json").is_file():
            return Path(reference)
        runs = self.all()
        if not runs:
            raise UsageError(f"{self.runs_dir}: no run yet; make one with `certify run`")
        if reference is None or reference == "latest":
            return runs[-1]
        return self._by_name(reference, runs)

    def _by_name(self, reference: str, runs: list[Path]) -> Path:
        found = [path for path in runs if path.name == reference] or [
            path for path in runs if path.name.startswith(reference)
        ]
        if len(found) == 1:
            return found[0]
        names = [path.name for path in runs]
        if found:
            raise UsageError(
                f"run {reference!r}: expected one, was {len(found)}: {', '.join(p.name for p in found)}"
            )
        near = difflib.get_close_matches(reference, names, 1) or names[-1:]
        raise UsageError(f"run {reference!r}: no such run; the nearest is {near[0]}")


def run_store(out: Path | None = None) -> RunStore:
    """Return the store that `--out`, `CERTIFY_HOME` or the working directory names."""
    if out is not None:
        return RunStore(out)
    return RunStore(Path(os.environ.get(HOME_VARIABLE) or DEFAULT_HOME))
