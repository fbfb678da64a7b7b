"""The border between decimals and integers: ticks, lots and money units of one instrument.

Conversions are remembered, because the same few prices and sizes come again and again.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal

from certify.model.trading import Instrument

CONTEXT = Context(prec=34)
"""Own arithmetic, so that a thread's decimal settings cannot change a result."""

_CACHE_LIMIT = 1 << 15


class OffGrid(ValueError):
    """A price or quantity is not a whole number of ticks or lots."""


class NotPositive(ValueError):
    """A price or quantity is zero, negative or no number."""


class _Inside(dict[Decimal, int]):
    """Decimals to steps; only what passed the checks is remembered."""

    __slots__ = ("_step",)

    def __init__(self, step: Decimal) -> None:
        super().__init__()
        self._step = step

    def __missing__(self, value: Decimal) -> int:
        if not value.is_finite() or value <= 0:
            raise NotPositive(f"expected a positive number, was {value}")
        steps = CONTEXT.divide(value, self._step)
        if steps != steps.to_integral_value():
            raise OffGrid(f"{value} is not a multiple of {self._step}")
        if len(self) >= _CACHE_LIMIT:
            self.clear()
        whole = self[value] = int(steps)
        return whole


class _Outside(dict[int, Decimal]):
    """Steps to decimals."""

    __slots__ = ("_step",)

    def __init__(self, step: Decimal) -> None:
        super().__init__()
        self._step = step

    def __missing__(self, steps: int) -> Decimal:
        if len(self) >= _CACHE_LIMIT:
            self.clear()
        value = self[steps] = CONTEXT.multiply(self._step, Decimal(steps))
        return value


class Grid:
    """Multiples of one step: whole numbers inside, decimals outside."""

    __slots__ = ("inside", "outside", "step")

    def __init__(self, step: Decimal) -> None:
        """Use `step`, a tick or a lot."""
        self.step = step
        # Bound lookups, because every report makes eight of them.
        self.inside: Callable[[Decimal], int] = _Inside(step).__getitem__
        """Return a positive decimal in steps; raises `NotPositive` or `OffGrid`."""
        self.outside: Callable[[int], Decimal] = _Outside(step).__getitem__
        """Return steps, which may be negative, as a decimal."""


class Contract:
    """An instrument with its grids and the worth of one tick of one lot in money units."""

    __slots__ = ("instrument", "lots", "ticks", "unit_value")

    def __init__(self, instrument: Instrument, exponent: int) -> None:
        """Count money in units of 10 to the power of minus `exponent`."""
        self.instrument = instrument
        self.ticks = Grid(instrument.tick)
        self.lots = Grid(instrument.lot)
        self.unit_value = int(tick_value(instrument).scaleb(exponent))

    def average(self, notional: int, lots: int) -> Decimal | None:
        """Return the average price of `lots` traded for `notional` ticks times lots; `None` without any."""
        if not lots:
            return None
        ticks, rest = divmod(notional, lots)
        if not rest:
            return self.ticks.outside(ticks)
        return CONTEXT.multiply(CONTEXT.divide(Decimal(notional), Decimal(lots)), self.ticks.step)


def tick_value(instrument: Instrument) -> Decimal:
    """Return what one tick of one lot is worth, in the instrument's currency."""
    lot_value = CONTEXT.multiply(instrument.lot, instrument.multiplier)
    return CONTEXT.multiply(instrument.tick, lot_value)


def decimals(value: Decimal) -> int:
    """Return how many decimal places `value` needs."""
    exponent = value.normalize(CONTEXT).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
