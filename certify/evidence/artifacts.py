"""Bytes kept as evidence beside the journal: recordings, logs, samples, under `artifacts/`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from certify.errors import EvidenceError
from certify.evidence.files import sha256_file, write_bytes

ARTIFACTS_DIR = "artifacts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One file under `artifacts/`, by its digest."""

    name: str
    """Path below `artifacts/`, with slashes."""
    sha256: str
    size_bytes: int


def artifact_path(run_dir: Path, name: str) -> Path:
    """Return where the artifact `name` lies.

    Raises:
        EvidenceError: the name leads out of `artifacts/`.
    """
    pure = PurePosixPath(name)
    if not pure.parts or pure.is_absolute() or ".." in pure.parts or "\0" in name:
        raise EvidenceError(f"expected a name below {ARTIFACTS_DIR}/, was {name!r}")
    return run_dir / ARTIFACTS_DIR / pure


def store_artifact(run_dir: Path, name: str, data: bytes) -> Artifact:
    """Keep `data` under `name` and return it with its digest; evidence is never overwritten by other bytes.

    Raises:
        EvidenceError: the name leads out of `artifacts/`, or is taken by other bytes.
    """
    path = artifact_path(run_dir, name)
    if path.exists():
        if path.read_bytes() != data:
            raise EvidenceError(f"{ARTIFACTS_DIR}/{name}: expected a new name, was one taken by other bytes")
    else:
        write_bytes(path, data)
    return _artifact(run_dir, path)


def manifest(run_dir: Path) -> tuple[Artifact, ...]:
    """Return every artifact of the run with its digest, by name; half-written ones are left out."""
    root = run_dir / ARTIFACTS_DIR
    files = (path for path in sorted(root.rglob("*")) if path.is_file() and not path.name.endswith(".tmp"))
    return tuple(_artifact(run_dir, path) for path in files)


def _artifact(run_dir: Path, path: Path) -> Artifact:
    name = path.relative_to(run_dir / ARTIFACTS_DIR).as_posix()
    return Artifact(name=name, sha256=sha256_file(path), size_bytes=path.stat().st_size)
