"""Files of a run directory: written whole, renamed into place, read back and compared."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import Any, TypeVar

from certify.errors import EvidenceError
from certify.model import codec

T = TypeVar("T")

JOURNAL_FILE = "events.jsonl"
PLAN_FILE = "plan.json"
RESULT_FILE = "result.json"
VERDICT_FILE = "verdict.json"
CERTIFICATE_FILE = "certificate.json"

_CHUNK_BYTES = 1 << 20


def json_bytes(data: Any) -> bytes:
    """Return JSON-ready `data` as the bytes of a file: sorted keys, two spaces, UTF-8, a newline at the end.

    Raises:
        EvidenceError: a number is not finite, which JSON cannot say.
    """
    try:
        text = json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise EvidenceError(f"expected finite numbers: {error}") from error
    # A lone surrogate (an undecodable byte of somebody's output) becomes the JSON escape of itself.
    return (text + "\n").encode("utf-8", errors="backslashreplace")


def value_bytes(value: Any) -> bytes:
    """Return a frozen dataclass as the bytes of its file, without type tags."""
    return json_bytes(codec.encode(value, tag=False))


def write_bytes(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Write `data` to `path` so that a reader sees the old file or the whole new one, also after a crash.

    `mode` is the file's mode before the user's umask.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        _write_synced(temporary, data, mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def _write_synced(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_directory(path: Path) -> None:
    """Make a rename in the directory survive a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, value: Any) -> None:
    """Write a frozen dataclass as JSON, read it back and compare.

    Raises:
        EvidenceError: what was written does not read back as the same value.
    """
    data = value_bytes(value)
    write_bytes(path, data)
    if value_bytes(read_json(path, type(value))) != data:
        raise EvidenceError(f"{path.name}: expected to read back what was written, was different")


def read_json(path: Path, cls: type[T]) -> T:
    """Return the `cls` written in `path`.

    Raises:
        EvidenceError: there is no such file, or it does not hold one.
    """
    try:
        return codec.decode(cls, json.loads(path.read_bytes()))
    except OSError as error:
        raise EvidenceError(f"{path.name}: expected a file, was {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # JSON, UTF-8 and codec errors, and JSON that is too deep
        raise EvidenceError(f"{path.name}: {error}") from error


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal, in constant memory.

    Raises:
        EvidenceError: there is no such file.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise EvidenceError(f"{path.name}: expected a file, was {error.strerror}") from error
    return digest.hexdigest()
