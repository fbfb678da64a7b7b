"""What is certified, by digest: the commit and its dirty files, or the files themselves.

Runs never fail for this: without a repository, or without git, the files of the paths are hashed.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from certify.model.results import Subject
from certify.profile.model import SubjectSpec

_GIT_TIMEOUT_S = 30.0
_CHUNK_BYTES = 1 << 20
_IGNORED = frozenset(
    {".git", ".certify", "__pycache__", ".venv", "node_modules", ".mypy_cache", ".pytest_cache"}
)
"""Directories that a run or a tool writes into: not part of what is certified."""
UNVERSIONED = "unversioned"


def subject_of(spec: SubjectSpec, cwd: Path) -> Subject:
    """Return the subject's name, version and digest as they are now.

    `version: git` gives `git describe --always --dirty`, and `unversioned` outside of a repository.
    """
    version = spec.version
    if version == "git":
        version = _git(cwd, "describe", "--always", "--tags", "--dirty") or UNVERSIONED
    digest = _of_repository(spec.paths, cwd) or _of_files(spec.paths, cwd)
    return Subject(name=spec.name, version=version, digest=f"sha256:{digest}")


def _git(cwd: Path, *arguments: str) -> str | None:
    """Return what git prints, or `None` when it cannot answer."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd,
            env=environment,
            capture_output=True,
            timeout=_GIT_TIMEOUT_S,
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return os.fsdecode(done.stdout).strip("\n") if done.returncode == 0 else None


def _of_repository(paths: tuple[str, ...], cwd: Path) -> str | None:
    """Return the digest over the commit and every file that differs from it; `None` without a repository."""
    commit = _git(cwd, "rev-parse", "--verify", "HEAD")
    root = _git(cwd, "rev-parse", "--show-toplevel")
    listing = _git(
        cwd, "status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--", *paths
    )
    if not commit or not root or listing is None:
        return None
    digest = hashlib.sha256(f"commit {commit}\n".encode())
    for entry in sorted(entry for entry in listing.split("\0") if entry):
        name = entry[3:]
        if not _IGNORED.intersection(Path(name).parts):
            _add(digest, name, Path(root) / name)
    return digest.hexdigest()


def _of_files(paths: Iterable[str], cwd: Path) -> str:
    """Return the digest over the names and contents of all files below the paths."""
    digest = hashlib.sha256(b"files\n")
    for path in sorted(set(paths)):
        for name in sorted(_files_below(cwd / path)):
            _add(digest, os.path.relpath(name, cwd), Path(name))
    return digest.hexdigest()


def _files_below(path: Path) -> Iterator[str]:
    """Yield every file below a directory, links to directories not followed; a file is itself."""
    if not path.is_dir():
        yield str(path)
    for directory, names, files in os.walk(path):
        names[:] = [name for name in names if name not in _IGNORED]
        yield from (str(Path(directory) / file) for file in files)


def _add(digest: hashlib._Hash, name: str, path: Path) -> None:
    """Add a file by name and content; what cannot be read counts by name alone."""
    digest.update(os.fsencode(name) + b"\0" + _content_digest(path).encode() + b"\n")


def _content_digest(path: Path) -> str:
    try:
        if not path.is_file():
            return "no file"
        content = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                content.update(chunk)
        return content.hexdigest()
    except (OSError, ValueError):
        return "unreadable"
