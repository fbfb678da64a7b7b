"""Where the files of a recording lie: a path of a profile becomes one that any process can open."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from certify import resources

FILE_KEYS = ("quotes", "trades")


def located(options: Mapping[str, Any], profile_path: str) -> dict[str, Any]:
    """Return the options of backend replay with absolute paths.

    A relative path is looked for beside the profile, then in the working directory, then beside the
    shipped profiles. One that is nowhere stays as it is: the backend says what is missing.
    """
    found = dict(options)
    for key in FILE_KEYS:
        file = found.get(key)
        if isinstance(file, Mapping) and isinstance(file.get("path"), str):
            found[key] = {**file, "path": _absolute(file["path"], Path(profile_path).parent)}
    return found


def _absolute(text: str, beside: Path) -> str:
    path = Path(text).expanduser()
    for directory in (beside, Path(), resources.profiles_dir()):
        candidate = (directory / path).absolute()
        if candidate.is_file():
            return str(candidate)
    return text
