"""Archives of runs, read with suspicion: they come from elsewhere.

An archive is a tar of plain files under one directory, compressed with gzip or Zstandard, with
`manifest.json` first: the name, size and SHA-256 of every other file. The headers are read here and not
by `tarfile`, because what they may hold is then bounded: no links, devices, sparse files or long
headers, only names and sizes.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

import zstandard

from certify.errors import EvidenceError
from certify.evidence.files import sha256_file
from certify.model import codec

MANIFEST_FILE = "manifest.json"
SUMS_FILE = "SHA256SUMS"
EXPORT_SCHEMA = "certify/export/1"
BLOCK = tarfile.BLOCKSIZE
_CHUNK = 1 << 20
_MANIFEST_BYTES = 1 << 24
DAMAGED = (OSError, EOFError, zlib.error, zstandard.ZstdError, tarfile.TarError, ValueError, RecursionError)
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_WINDOW = 1 << 27
_PLAIN = re.compile(r"[^\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What an archive may take at most."""

    files: int = 10_000
    size_bytes: int = 4 << 30
    """Of everything unpacked, headers included: what a small file can blow up to."""
    depth: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedFile:
    """One file of an archive."""

    name: str
    """Below the directory of the run, with slashes."""
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an archive holds."""

    schema: str = EXPORT_SCHEMA
    run_id: str
    tool_version: str
    files: tuple[ArchivedFile, ...]


def is_archive(path: Path) -> bool:
    """Return whether a file begins as an archive does, whatever its name."""
    try:
        with path.open("rb") as file:
            return file.read(4).startswith((_GZIP, _ZSTD))
    except OSError:
        return False


@contextmanager
def evidence_dir(path: Path, bounds: Bounds = Bounds()) -> Iterator[Path]:  # frozen
    """Yield a run directory: `path` itself, or what the archive `path` holds, unpacked meanwhile.

    Raises:
        EvidenceError: the archive is damaged, holds what it must not, or not what its manifest says.
    """
    if not is_archive(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="certify-evidence-") as place:
        yield unpack(path, Path(place), bounds)


def unpack(path: Path, place: Path, bounds: Bounds = Bounds()) -> Path:  # frozen
    """Unpack an archive below the empty directory `place` and return the run directory in it.

    Raises:
        EvidenceError: the archive is damaged, holds what it must not, or not what its manifest says.
    """
    try:
        with _opened(path) as stream:
            found = _extract(_Bounded(stream, bounds.size_bytes), place, bounds)
        _hold_manifest(found)
    except DAMAGED as error:
        raise EvidenceError(f"{path.name}: expected an archive of a run: {error}") from error
    return found


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        zipped = file.read(2) == _GZIP
        file.seek(0)
        if zipped:
            with gzip.GzipFile(fileobj=file) as stream:
                yield stream  # type: ignore[misc]  # a GzipFile reads as any file does
        else:
            with zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(file) as stream:
                yield stream


class _Bounded:
    """Reads whole pieces of a stream, up to a size that a bomb does not keep to."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self._stream, self._left, self._most = stream, most, most

    def piece(self, size: int) -> bytes:
        """Return the next `size` bytes, at most a chunk; fewer only at the end."""
        found = b""
        while len(found) < size and (more := self._stream.read(min(size - len(found), _CHUNK))):
            found += more
        self._left -= len(found)
        if self._left < 0:
            raise ValueError(f"it unpacks to more than {self._most:,} bytes")
        return found

    def exactly(self, size: int) -> bytes:
        found = self.piece(size)
        if len(found) != size:
            raise ValueError("it is cut off")
        return found


def _extract(stream: _Bounded, place: Path, bounds: Bounds) -> Path:
    """Write every file of a tar; return the one directory that they are in."""
    top = ""
    count = 0
    while (header := stream.exactly(BLOCK)) != bytes(BLOCK):
        count += 1
        if count > bounds.files:
            raise ValueError(f"it holds more than {bounds.files:,} files")
        info = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
        if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or info.size < 0:
            raise ValueError(f"expected plain files only, was {info.name!r} of type {info.type!r}")
        name = held_name(info.name, bounds)
        top = top or name.parts[0]
        if name.parts[0] != top:
            raise ValueError(f"expected everything in {top!r}, was {str(name)!r} too")
        _write(stream, place.joinpath(*name.parts), info.size)
    while rest := stream.piece(_CHUNK):
        if rest.strip(b"\0"):
            raise ValueError("expected nothing after its end, was more")
    if not top:
        raise ValueError("it is empty")
    return place / top


def held_name(name: str, bounds: Bounds = Bounds()) -> PurePosixPath:  # frozen
    """Return a member's name when it is that of a file below the directory of the archive.

    Raises:
        ValueError: it leads elsewhere, too deep, or cannot be printed.
    """
    parts = name.split("/")
    if not all(_PLAIN.fullmatch(part) and part not in (".", "..") for part in parts):
        raise ValueError(f"expected a name below its directory, was {name!r}")
    if not 2 <= len(parts) <= bounds.depth:
        raise ValueError(f"expected a depth of 2 to {bounds.depth}, was {name!r}")
    return PurePosixPath(name)


def _write(stream: _Bounded, path: Path, size: int) -> None:
    """Write the content of one member to a new file; one that is there already is refused."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        left = size
        while left:
            piece = stream.exactly(min(left, _CHUNK))
            file.write(piece)
            left -= len(piece)
    stream.exactly(-size % BLOCK)


def _hold_manifest(directory: Path) -> None:
    """Refuse an archive in which a file is missing, too many, or not the one of the manifest."""
    path = directory / MANIFEST_FILE
    if not path.is_file() or path.stat().st_size > _MANIFEST_BYTES:
        raise ValueError(f"expected {MANIFEST_FILE}, was none")
    manifest = codec.decode(Manifest, json.loads(path.read_bytes()))
    if manifest.schema != EXPORT_SCHEMA:
        raise ValueError(f"{MANIFEST_FILE}: expected {EXPORT_SCHEMA}, was {manifest.schema!r}")
    found = {file.relative_to(directory).as_posix(): file for file in directory.rglob("*") if file.is_file()}
    said = {file.name: file for file in manifest.files}
    if other := sorted(set(found) - {MANIFEST_FILE, SUMS_FILE} ^ set(said)):
        raise ValueError(f"{MANIFEST_FILE} and the files differ: {', '.join(other[:3])}")
    for name, file in said.items():
        digest = sha256_file(found[name])
        if (digest, found[name].stat().st_size) != (file.sha256, file.size_bytes):
            raise ValueError(f"{name}: expected sha256 {file.sha256} as in {MANIFEST_FILE}, was {digest}")
