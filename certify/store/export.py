"""One run → one archive: the same bytes whenever and wherever it is made of the same files."""

from __future__ import annotations

import gzip
import io
import os
import secrets
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import zstandard

import certify
from certify import clock
from certify.errors import EvidenceError, UsageError
from certify.evidence.artifacts import ARTIFACTS_DIR
from certify.evidence.files import (
    JOURNAL_FILE,
    PLAN_FILE,
    RESULT_FILE,
    VERDICT_FILE,
    read_json,
    sha256_file,
    sync_directory,
    value_bytes,
)
from certify.model.results import RunResult
from certify.store.archive import MANIFEST_FILE, SUMS_FILE, ArchivedFile, Manifest, held_name

KINDS = (".tar.zst", ".tar.gz")
EVIDENCE = (JOURNAL_FILE, PLAN_FILE, RESULT_FILE, VERDICT_FILE)
LEFT_OUT = ("logs", "request.json")
"""What the system printed and where it lies on this machine: no evidence, and nobody else's business."""
_ZSTD_LEVEL, _GZIP_LEVEL = 10, 9


def export(run_dir: Path, output: Path) -> Manifest:
    """Write the archive of a run and return what is in it; an existing file is replaced whole.

    Raises:
        UsageError: the name of the output says neither gzip nor Zstandard, or it cannot be written.
        EvidenceError: the run is not finished, or changed while it was read.
    """
    kind = next((kind for kind in KINDS if output.name.endswith(kind)), None)
    if kind is None:
        raise UsageError(f"{output.name}: expected a name that ends in {' or '.join(KINDS)}")
    run_dir = run_dir.resolve()  # its name is the directory in the archive
    result = read_json(run_dir / RESULT_FILE, RunResult)
    manifest = _manifest(run_dir, result)
    try:
        with _written_whole(output) as file, _compressed(file, kind) as stream:
            _tar(stream, run_dir, manifest, result.finished_at_ns // clock.NS_PER_S)
    except ValueError as error:  # a name or a size that the format, or whoever reads it, does not take
        raise EvidenceError(f"{run_dir.name}: cannot be put into an archive: {error}") from error
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror or error}") from error
    return manifest


def _manifest(run_dir: Path, result: RunResult) -> Manifest:
    missing = [name for name in EVIDENCE if not (run_dir / name).is_file()]
    if missing:
        raise EvidenceError(f"{run_dir.name}: expected a finished run, was without {', '.join(missing)}")
    files = tuple(
        ArchivedFile(name=name, size_bytes=path.stat().st_size, sha256=sha256_file(path))
        for name, path in _files(run_dir)
    )
    return Manifest(run_id=result.run_id, tool_version=certify.__version__, files=files)


def _files(run_dir: Path) -> Iterator[tuple[str, Path]]:
    """Yield what belongs to a run, by name; half-written and hidden files, links and logs do not."""
    for path in sorted(run_dir.rglob("*"), key=lambda path: path.relative_to(run_dir).as_posix()):
        name = path.relative_to(run_dir)
        hidden = any(part.startswith(".") for part in name.parts) and name.parts[0] != ARTIFACTS_DIR
        if path.is_symlink() or not path.is_file() or hidden or path.name.endswith(".tmp"):
            continue
        if name.parts[0] not in (*LEFT_OUT, MANIFEST_FILE, SUMS_FILE):
            yield name.as_posix(), path


def _tar(stream: IO[bytes], run_dir: Path, manifest: Manifest, at_s: int) -> None:
    """Write the members: first what is in the archive, then the files by name, all of one time and owner."""
    sums = "".join(f"{file.sha256}  {file.name}\n" for file in manifest.files)
    with tarfile.open(
        fileobj=stream, mode="w|", format=tarfile.USTAR_FORMAT, encoding="utf-8", errors="strict"
    ) as tar:
        for name, data in ((MANIFEST_FILE, value_bytes(manifest)), (SUMS_FILE, sums.encode())):
            tar.addfile(_member(f"{run_dir.name}/{name}", len(data), at_s), io.BytesIO(data))
        for file in manifest.files:
            with (run_dir / file.name).open("rb") as content:
                tar.addfile(_member(f"{run_dir.name}/{file.name}", file.size_bytes, at_s), content)
                if content.read(1) or sha256_file(run_dir / file.name) != file.sha256:
                    raise EvidenceError(f"{file.name}: changed while it was read")


def _member(name: str, size_bytes: int, at_s: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(str(held_name(name)))
    member.size, member.mtime, member.mode = size_bytes, max(0, at_s), 0o644
    return member


@contextmanager
def _compressed(file: IO[bytes], kind: str) -> Iterator[IO[bytes]]:
    if kind == ".tar.gz":
        with gzip.GzipFile("", "wb", _GZIP_LEVEL, file, mtime=0) as stream:
            yield stream  # type: ignore[misc]  # a GzipFile is written as any file is
    else:
        with zstandard.ZstdCompressor(level=_ZSTD_LEVEL).stream_writer(file, closefd=False) as stream:
            yield stream


@contextmanager
def _written_whole(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes its name only when all of it is on disk."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_directory(path.parent)
    finally:
        temporary.unlink(missing_ok=True)
