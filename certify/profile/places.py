"""Where profiles lie: a path is a path; a name is looked up in three places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from certify import resources
from certify.profile.near import profile_error, shown, unknown
from certify.profile.yaml import MAX_BYTES

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it is called in messages, and where it really lies."""

    shown: str
    path: Path

    def read(self) -> bytes:
        """Return the content; ProfileError when it cannot be read or is far too large."""
        try:
            with self.path.open("rb") as file:
                return file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise profile_error(f"cannot be read: {reason}", file=self.shown) from error


def is_path(name: str) -> bool:
    """Return whether a profile is given by path: it has a slash or ends in `.yaml` or `.yml`."""
    return "/" in name or name.endswith(SUFFIXES)


def find(name: str, cwd: Path) -> Source:
    """Return the profile of this name or path.

    Raises:
        ProfileError: there is none; the message holds the nearest name.
    """
    if is_path(name):
        source = Source(name, cwd / name)
        if not _exists(source.path):
            raise profile_error("no such file: expected a profile", file=name)
        return source
    found = _in_directories(name, cwd)
    if found is None:
        raise profile_error(unknown("profile", name, available(cwd)))
    return found


def find_base(name: str, beside: Source, cwd: Path) -> Source | None:
    """Return what a file extends: searched beside the file first, then like any name."""
    directory = Path(beside.shown).parent
    candidates = [name] if is_path(name) else [name + suffix for suffix in SUFFIXES]
    for candidate in candidates:
        path = beside.path.parent / candidate
        if _exists(path):
            return Source(str(directory / candidate), path)
    return None if is_path(name) else _in_directories(name, cwd)


def available(cwd: Path) -> dict[str, Source]:
    """Return every profile that can be given by name, in alphabetical order."""
    found: dict[str, Source] = {}
    for shown_as, directory in _directories(cwd):
        files = sorted(directory.iterdir()) if directory.is_dir() else []
        for path in files:
            if path.suffix in SUFFIXES and path.is_file():
                found.setdefault(path.stem, Source(str(shown_as / path.name), path))
    return dict(sorted(found.items()))


def _in_directories(name: str, cwd: Path) -> Source | None:
    for shown_as, directory in _directories(cwd):
        for suffix in SUFFIXES:
            path = directory / (name + suffix)
            if _exists(path):
                return Source(str(shown_as / (name + suffix)), path)
    return None


def _directories(cwd: Path) -> Iterator[tuple[Path, Path]]:
    """Yield each directory as it is called in messages and as it is opened."""
    yield Path("profiles"), cwd / "profiles"
    own = Path(platformdirs.user_config_dir("certify")) / "profiles"
    yield own, own
    try:
        shipped = resources.profiles_dir()
    except FileNotFoundError:
        return
    yield shipped, shipped


def _exists(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def inside(directory: Path, name: str) -> Path | None:
    """Return the file `name` below `directory`; `None` when the name leads out of it."""
    try:
        path = (directory / name).resolve()
        return path if path.is_relative_to(directory.resolve()) else None
    except (OSError, ValueError, RuntimeError):
        return None


def describe_missing(name: str, cwd: Path) -> str:
    """Return the message for an `extends` that leads nowhere."""
    if is_path(name):
        return f"extends {shown(name)}: no such file"
    return "extends: " + unknown("profile", name, available(cwd))
