"""What a person asked of a run, kept beside it so that it can go on or be repeated as it was asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from certify.errors import EvidenceError
from certify.evidence.files import json_bytes, write_bytes
from certify.profile.places import is_path

REQUEST_FILE = "request.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a person asked for on the command line."""

    profile: str
    overrides: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    seed: int | None = None
    live: bool = False
    """Whether a live account may be touched. Said each time: a repeated run does not take it over."""
    directory: str = ""
    """The working directory that names and relative paths start from; empty where it was not kept."""


def write_request(selection: Selection, run_dir: Path) -> None:
    """Write what was asked for; a profile given by path is kept by its whole path."""
    if is_path(selection.profile):
        selection = replace(selection, profile=str(Path(selection.profile).absolute()))
    selection = replace(selection, directory=str(Path.cwd()))
    write_bytes(run_dir / REQUEST_FILE, json_bytes(asdict(selection)))


def read_request(run_dir: Path) -> Selection:
    """Return what was asked for.

    Raises:
        EvidenceError: the file is missing or damaged.
    """
    try:
        found: dict[str, Any] = json.loads((run_dir / REQUEST_FILE).read_bytes())
        return Selection(
            profile=str(found["profile"]),
            overrides=tuple(found["overrides"]),
            phases=tuple(found["phases"]),
            checks=tuple(found["checks"]),
            seed=found["seed"],
            directory=str(found.get("directory", "")),
        )
    except OSError as error:
        raise EvidenceError(
            f"{run_dir / REQUEST_FILE}: {error.strerror}: the run cannot be repeated"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise EvidenceError(f"{run_dir / REQUEST_FILE} is damaged: {error}") from error


def split(values: Sequence[str] | None) -> tuple[str, ...]:
    """Return repeated and comma-separated option values as one tuple."""
    return tuple(part.strip() for value in values or () for part in value.split(",") if part.strip())
