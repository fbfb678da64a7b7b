"""The options of a recording: files, columns, units; every mistake is named before a row is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from certify.errors import UsageError

TIME_UNITS = ("ns", "us", "ms", "s", "iso")
SCOPES = ("venue", "nbbo")
SEQUENCES = ("auto", "contiguous", "shared", "none")

QUOTE_FIELDS = ("ts_event", "ts_recv", "seq", "instrument", "venue", "bid", "bid_size", "ask", "ask_size")
TRADE_FIELDS = (
    "ts_event", "ts_recv", "seq", "instrument", "venue", "price", "size", "trade_id", "condition",
    "correction",
)  # fmt: skip
FIELDS = {"quotes": QUOTE_FIELDS, "trades": TRADE_FIELDS}
REQUIRED = {"quotes": ("ts_event", "bid", "ask"), "trades": ("ts_event", "price", "size")}
_FILE_KEYS = (
    "path", "columns", "time_unit", "time_zone", "price_scale", "zero_is_absent", "instrument", "delimiter",
)  # fmt: skip
_TOP_KEYS = ("quotes", "trades", "scope", "session", "sequence", "sequence_scope")
_FROM_PROFILE = ("instruments", "limits", "seed")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSpec:
    """One file of a recording."""

    kind: str
    """`quotes` or `trades`."""
    path: Path
    columns: Mapping[str, str] = field(default_factory=dict)
    """Field → name of its column; a field that is not named here may be missing from the file."""
    time_unit: str = "ns"
    time_zone: ZoneInfo | None = None
    """Of ISO times without an offset; UTC when None."""
    price_scale: Decimal = Decimal(1)
    """What a price in the file is multiplied by: 0.0001 for integer prices with four decimals."""
    zero_is_absent: bool = False
    """A price of 0 means that there is no quote on that side (raw TAQ)."""
    instrument: str | None = None
    """The instrument of every row, for a file without that column."""
    delimiter: str = ","


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Everything that the options say."""

    files: tuple[FileSpec, ...]
    scope: str = "venue"
    sequence: str = "auto"


def read_options(config: Mapping[str, Any]) -> Recording:
    """Return the recording that `components.market_data.options` describes.

    Raises:
        UsageError: an unknown key, a value of the wrong kind, a file that is not there, or no file.
    """
    _known(config, (*_TOP_KEYS, *_FROM_PROFILE), "replay")
    files = tuple(_file(kind, config[kind]) for kind in ("quotes", "trades") if config.get(kind))
    if not files:
        raise UsageError("replay: expected the option quotes or trades with a path")
    scope, sequence = str(config.get("scope", "venue")), str(config.get("sequence", "auto"))
    _one_of(scope, SCOPES, "replay: scope")
    _one_of(sequence, SEQUENCES, "replay: sequence")
    return Recording(files=files, scope=scope, sequence=sequence)


def _file(kind: str, given: Any) -> FileSpec:
    where = f"replay: {kind}"
    if not isinstance(given, Mapping) or not given.get("path"):
        raise UsageError(f"{where}: expected a mapping with a path, found {given!r}")
    _known(given, _FILE_KEYS, where)
    columns = given.get("columns") or {}
    if not isinstance(columns, Mapping):
        raise UsageError(f"{where}: columns: expected a mapping of field to column, found {columns!r}")
    _known(columns, FIELDS[kind], f"{where}: columns")
    unit = str(given.get("time_unit", "ns"))
    _one_of(unit, TIME_UNITS, f"{where}: time_unit")
    return FileSpec(
        kind=kind,
        path=_path(str(given["path"]), where),
        columns={str(name): str(column) for name, column in columns.items()},
        time_unit=unit,
        time_zone=_zone(given.get("time_zone"), where),
        price_scale=_scale(given.get("price_scale", "1"), where),
        zero_is_absent=_switch(given.get("zero_is_absent", False), f"{where}: zero_is_absent"),
        instrument=None if given.get("instrument") is None else str(given["instrument"]),
        delimiter=str(given.get("delimiter", ",")),
    )


def _path(text: str, where: str) -> Path:
    path = Path(text).expanduser()
    if not path.is_file():
        raise UsageError(
            f"{where}: no such file {text}: a path is taken from the profile or working directory"
        )
    return path


def _zone(name: Any, where: str) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UsageError(f"{where}: time_zone: no such zone {name!r}") from error


def _scale(value: Any, where: str) -> Decimal:
    try:
        scale = Decimal(str(value))
    except InvalidOperation as error:
        raise UsageError(f"{where}: price_scale: expected a number, found {value!r}") from error
    if not scale.is_finite() or scale <= 0:
        raise UsageError(f"{where}: price_scale: expected a number above 0, found {value!r}")
    return scale


def _switch(value: Any, where: str) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("true", "false"):
        return str(value).lower() == "true"
    raise UsageError(f"{where}: expected true or false, found {value!r}")


def _one_of(text: str, allowed: tuple[str, ...], where: str) -> None:
    if text not in allowed:
        raise UsageError(f"{where}: expected {', '.join(allowed)}, found {text!r}")


def _known(given: Mapping[str, Any], allowed: tuple[str, ...], where: str) -> None:
    for key in given:
        if key not in allowed:
            raise UsageError(f"{where}: unknown key {key!r}: expected {', '.join(allowed)}")
