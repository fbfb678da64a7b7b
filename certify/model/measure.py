"""Measurements, the bounds they are held to, and the score of the headroom between them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One measured figure with the number of samples behind it."""

    name: str
    value: float
    unit: str
    """ms, us, s, 1/s, %, MB, count, qty, money, ticks, ratio."""
    samples: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What a measurement of the same name is held to."""

    name: str
    op: str
    value: float
    unit: str

    def holds(self, value: float) -> bool:
        """Return whether `value` keeps the bound."""
        return OPERATORS[self.op](value, self.value)

    def __str__(self) -> str:
        """Return as `latency_p99 < 50 ms`."""
        return f"{self.name} {self.op} {self.value:g} {self.unit}".rstrip()


def broken_bounds(
    measurements: tuple[Measurement, ...], bounds: tuple[Bound, ...]
) -> tuple[tuple[Bound, float | None], ...]:
    """Return each bound that is not kept, with the value found; a bound without a measurement is broken.

    A name may be measured more than once: every one of its values has to keep the bound.
    """
    return tuple(
        (bound, value)
        for bound in bounds
        for value in _values_of(bound.name, measurements)
        if value is None or not bound.holds(value)
    )


def _values_of(name: str, measurements: tuple[Measurement, ...]) -> list[float | None]:
    """Return every value measured under `name`; a lone `None` when there is none."""
    found: list[float | None] = [m.value for m in measurements if m.name == name]
    return found or [None]


def headroom_score(value: float, bound: Bound) -> float:
    """Return 100 for using at most half of a bound, 85 up to 80 %, 70 up to the bound, 0 beyond.

    A bound from below counts the inverse ratio; a bound of zero is kept or not.
    """
    if not bound.holds(value):
        return 0.0
    if bound.op == "==" or bound.value == 0:
        return 100.0
    upper = bound.op in ("<", "<=")
    used = value / bound.value if upper else (bound.value / value if value else 1.0)
    return 100.0 if used <= 0.5 else 85.0 if used <= 0.8 else 70.0
