"""What `certify init` writes: a profile and an adapter that run at once."""

from __future__ import annotations

import re
from pathlib import Path

from certify import resources
from certify.errors import UsageError
from certify.profile.kinds import NAME
from certify.profile.near import shown

_TOKEN = "@NAME@"  # noqa: S105 - a placeholder in the templates


def scaffold(directory: Path, name: str) -> list[Path]:
    """Write `profile.yaml` and `adapter.py` into `directory` and return their paths.

    Raises:
        UsageError: the name cannot be a profile's, a file is there already, or it cannot be written.
    """
    if not re.fullmatch(NAME.json["pattern"], name):
        raise UsageError(f"expected {NAME.expected}, was {shown(name)}")
    sources = sorted((resources.templates_dir() / "init").iterdir())
    targets = {directory / source.name: source for source in sources if source.is_file()}
    for target in targets:
        if target.exists():
            raise UsageError(f"{target} is there already: nothing was written")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for target, source in targets.items():
            with target.open("x", encoding="utf-8") as file:
                file.write(source.read_text(encoding="utf-8").replace(_TOKEN, name))
    except OSError as error:
        raise UsageError(f"cannot write to {directory}: {error.strerror or error}") from error
    return list(targets)
