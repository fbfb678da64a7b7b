"""Rows of text from CSV (plain or gzip) and Parquet, one at a time: memory does not grow with the file."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Generator
from pathlib import Path
from typing import IO, Any, cast

from certify.errors import UsageError

_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_BATCH_ROWS = 8_192
Row = list[str]
NumberedRows = Generator[tuple[int, Row], None, None]
"""Rows with their numbers; closing it closes the file."""


def open_rows(path: Path, delimiter: str = ",") -> tuple[list[str], NumberedRows]:
    """Return the column names and the rows with their numbers (1: the first row after the header).

    What the file is shows in its first bytes, not its name. Values are text, exactly as written;
    an absent value is empty.

    Raises:
        UsageError: the file is empty, damaged or not text, or pyarrow is missing for Parquet.
    """
    with path.open("rb") as file:
        start = file.read(4)
    if start == _PARQUET:
        return _parquet(path)
    return _csv(path, delimiter, zipped=start[:2] == _GZIP)


def _csv(path: Path, delimiter: str, *, zipped: bool) -> tuple[list[str], NumberedRows]:
    raw = cast("IO[bytes]", gzip.GzipFile(path)) if zipped else path.open("rb")
    text = io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")
    rows = _guarded(path, csv.reader(text, delimiter=delimiter, strict=True), text)
    try:
        _, header = next(rows)
    except StopIteration:
        raise UsageError(f"{path}: the file is empty: expected a header") from None
    return [name.strip() for name in header], rows


def _guarded(path: Path, reader: Any, text: io.TextIOWrapper) -> NumberedRows:
    """Yield the rows; what goes wrong in between is told with file and row."""
    number = 0
    try:
        for row in reader:
            if row:
                yield number, row
                number += 1
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: row {number}: {error}") from error
    finally:
        text.close()


def _parquet(path: Path) -> tuple[list[str], NumberedRows]:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise UsageError(f"{path}: Parquet needs pyarrow: pip install 'certify-trading[parquet]'") from error
    try:
        table = parquet.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: not readable as Parquet: {error}") from error
    return list(table.schema_arrow.names), _parquet_rows(path, table)


def _parquet_rows(path: Path, table: Any) -> NumberedRows:
    number = 0
    try:
        for batch in table.iter_batches(batch_size=_BATCH_ROWS):
            columns = [_texts(column) for column in batch.columns]
            for values in zip(*columns, strict=True):
                number += 1
                yield number, list(values)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: row {number}: {error}") from error


def _texts(column: Any) -> list[str]:
    """Return a Parquet column as text; times as integer nanoseconds, absent values empty."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ns", tz=column.type.tz)).cast(pa.int64())
    return ["" if value is None else str(value) for value in column.to_pylist()]
