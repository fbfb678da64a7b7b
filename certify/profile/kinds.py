"""Kinds of single values: how each is read, and how JSON Schema says the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from certify.profile.near import unknown
from certify.profile.yaml import Node, Scalar, describe

_NUMBER = r"[0-9]{1,20}(\.[0-9]{1,20})?"
_DURATION = re.compile(rf"({_NUMBER})(ms|s|m|h|d)")
_AGE = re.compile(r"([1-9][0-9]{0,4})([dy])")
_RATE = re.compile(rf"({_NUMBER})/(s|m|h)")
_PERCENT = re.compile(rf"({_NUMBER})%")
_DECIMAL = re.compile(_NUMBER)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_INSTRUMENT = re.compile(r"[^\s]{1,64}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SECONDS = {
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
}
_DAYS_OF_YEAR = 366
"""Of what is kept for years, no day too early is thrown away."""
_LARGEST = 10**15

Parse = Callable[[Scalar], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of scalar."""

    expected: str
    """Completes `expected …`."""
    parse: Parse
    """The value, or `None` when the scalar is not of this kind."""
    json: dict[str, Any] = field(default_factory=dict)

    def read(self, node: Node) -> Any:
        """Return the value of `node`; ProfileError at its place when it is of another kind."""
        value = self.parse(node) if isinstance(node, Scalar) else None
        if value is None:
            raise node.mark.error(f"expected {self.expected}, was {describe(node)}")
        return value

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of this kind."""
        return {**self.json, "description": f"{self.expected[0].upper()}{self.expected[1:]}"}


def _string(pattern: str) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^(?:{pattern})$"}


def _matched(pattern: re.Pattern[str], expected: str) -> Kind:
    def parse(scalar: Scalar) -> str | None:
        value = scalar.value
        return value if isinstance(value, str) and pattern.fullmatch(value) else None

    return Kind(expected=expected, parse=parse, json=_string(pattern.pattern))


def _text(scalar: Scalar) -> str | None:
    return scalar.value if isinstance(scalar.value, str) and scalar.value.strip() else None


def _date(scalar: Scalar) -> str | None:
    if not isinstance(scalar.value, str) or not _DATE.fullmatch(scalar.value):
        return None
    try:
        return date.fromisoformat(scalar.value).isoformat()
    except ValueError:
        return None


TEXT = Kind(expected="text", parse=_text, json={"type": "string", "minLength": 1})
NAME = _matched(_NAME, "a name of letters, digits, '_' and '-'")
INSTRUMENT = _matched(_INSTRUMENT, "an instrument such as AAPL.NASDAQ, without blanks")
DATE = Kind(expected="a date such as 2027-01-31", parse=_date, json=_string(_DATE.pattern))
BOOLEAN = Kind(
    expected="true or false",
    parse=lambda scalar: scalar.value if isinstance(scalar.value, bool) else None,
    json={"type": "boolean"},
)


def seconds(text: str) -> Decimal | None:
    """Return the seconds of a duration as `10s`, `500ms`, `5m`, `2h`, `90d`; `None` when it is none."""
    found = _DURATION.fullmatch(text)
    return Decimal(found[1]) * _SECONDS[found[3]] if found else None


def days(text: str) -> int | None:
    """Return the days of an age as `90d` or `7y`, a year as 366; `None` when it is none."""
    found = _AGE.fullmatch(text)
    return int(found[1]) * (_DAYS_OF_YEAR if found[2] == "y" else 1) if found else None


def per_second(text: str) -> Decimal | None:
    """Return the events per second of a rate as `50/s`, `10/m`; `None` when it is none."""
    found = _RATE.fullmatch(text)
    return Decimal(found[1]) / _SECONDS[found[3]] if found else None


def percent(text: str) -> Decimal | None:
    """Return the number of a percentage as `2%`; `None` when it is none."""
    found = _PERCENT.fullmatch(text)
    return Decimal(found[1]) if found else None


def _written(read: Callable[[str], Decimal | int | None]) -> Parse:
    return lambda scalar: read(scalar.value) if isinstance(scalar.value, str) else None


DURATION = Kind(
    expected="a duration such as 10s, 500ms, 5m, 2h or 90d",
    parse=_written(seconds),
    json=_string(_DURATION.pattern),
)
AGE = Kind(expected="an age such as 90d or 7y", parse=_written(days), json=_string(_AGE.pattern))
RATE = Kind(expected="a rate such as 50/s or 10/m", parse=_written(per_second), json=_string(_RATE.pattern))
PERCENT = Kind(expected="a percentage such as 2%", parse=_written(percent), json=_string(_PERCENT.pattern))


def whole(least: int = 0, most: int = _LARGEST) -> Kind:
    """Return the kind of a whole number from `least` to `most`."""

    def parse(scalar: Scalar) -> int | None:
        value = scalar.value
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        return value if least <= value <= most else None

    expected = (
        f"a whole number of at least {least}" if most == _LARGEST else f"a whole number, {least} to {most}"
    )
    return Kind(expected=expected, parse=parse, json={"type": "integer", "minimum": least, "maximum": most})


def number(least: float = 0.0, most: float = 1e15) -> Kind:
    """Return the kind of a number from `least` to `most`, as a float."""

    def parse(scalar: Scalar) -> float | None:
        value = scalar.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value) if least <= value <= most else None

    expected = f"a number of at least {least:g}" if most >= 1e15 else f"a number, {least:g} to {most:g}"
    return Kind(expected=expected, parse=parse, json={"type": "number", "minimum": least, "maximum": most})


def exact(what: str, *, above_zero: bool = False) -> Kind:
    """Return the kind of a price, quantity or amount: a whole number, or a decimal in quotes."""

    def parse(scalar: Scalar) -> Decimal | None:
        if isinstance(scalar.value, float):
            raise scalar.mark.error(f"expected {what}: quote it, as {chr(34)}{scalar.text}{chr(34)}")
        if isinstance(scalar.value, bool) or not _DECIMAL.fullmatch(str(scalar.value)):
            return None
        value = Decimal(str(scalar.value))
        return None if above_zero and value == 0 else value

    least = {"exclusiveMinimum": 0} if above_zero else {"minimum": 0}
    json = {"anyOf": [{"type": "integer", **least}, _string(_DECIMAL.pattern)]}
    sign = "above 0" if above_zero else "of at least 0"
    return Kind(expected=f"{what} {sign}, as a whole number or a quoted decimal", parse=parse, json=json)


def choice(what: str, names: Iterable[str]) -> Kind:
    """Return the kind of one name out of `names`; another is refused with the nearest."""
    known = tuple(names)

    def parse(scalar: Scalar) -> str | None:
        if isinstance(scalar.value, str) and scalar.value not in known:
            raise scalar.mark.error(unknown(what, scalar.value, known))
        return scalar.value if isinstance(scalar.value, str) else None

    return Kind(expected=f"{what}: one of {', '.join(known)}", parse=parse, json={"enum": list(known)})


def like(default: str) -> Kind:
    """Return the kind of a check's parameter, told from its default; the value stays as written."""
    for sample in (DURATION, RATE, PERCENT):
        if re.fullmatch(sample.json["pattern"], default):
            return Kind(expected=sample.expected, parse=_as_written(sample), json=sample.json)
    if re.fullmatch(r"[0-9]+", default):
        kind = whole()
        return Kind(expected=kind.expected, parse=_as_written(kind), json=kind.json)
    if _DECIMAL.fullmatch(default):
        return Kind(expected="a number", parse=_number_text, json={"type": ["number", "string"]})
    if default in ("true", "false"):
        return Kind(expected=BOOLEAN.expected, parse=_as_written(BOOLEAN), json=BOOLEAN.json)
    return ANY_TEXT


def _as_written(kind: Kind) -> Parse:
    def parse(scalar: Scalar) -> str | None:
        return None if kind.parse(scalar) is None else scalar.text

    return parse


def _number_text(scalar: Scalar) -> str | None:
    return scalar.text if _DECIMAL.fullmatch(scalar.text) else None


ANY_TEXT = Kind(
    expected="a single value",
    parse=lambda scalar: None if scalar.value is None else scalar.text,
    json={"type": ["string", "number", "boolean"]},
)
