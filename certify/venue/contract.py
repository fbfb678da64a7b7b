"""The border between decimals and integers: ticks, lots and money units of one instrument.

Conversions are remembered, because the same few prices and sizes come again and again.
"""

from __future__ import annotations

from decimal import Context, Decimal

from certify.model.trading import Instrument

CONTEXT = Context(prec=34)
"""Own arithmetic, so that a thread's decimal settings cannot change a result."""

_CACHE_LIMIT = 1 << 15


class OffGrid(ValueError):
    """A price or quantity is not a whole number of ticks or lots."""


class Grid:
    """Multiples of one step: whole numbers inside, decimals outside."""

    __slots__ = ("_inside", "_outside", "step")

    def __init__(self, step: Decimal) -> None:
        """Use `step`, a tick or a lot."""
        self.step = step
        self._inside: dict[Decimal, int] = {}
        self._outside: dict[int, Decimal] = {}

    def inside(self, value: Decimal) -> int:
        """Return `value` in steps; raises `OffGrid` when that is not a whole number."""
        steps = self._inside.get(value)
        return steps if steps is not None else self._convert(value)

    def _convert(self, value: Decimal) -> int:
        steps = CONTEXT.divide(value, self.step) if value.is_finite() else Decimal("NaN")
        if not steps.is_finite() or steps != steps.to_integral_value():
            raise OffGrid(f"{value} is not a multiple of {self.step}")
        if len(self._inside) >= _CACHE_LIMIT:
            self._inside.clear()
        whole = self._inside[value] = int(steps)
        return whole

    def outside(self, steps: int) -> Decimal:
        """Return `steps` as a decimal."""
        value = self._outside.get(steps)
        if value is None:
            if len(self._outside) >= _CACHE_LIMIT:
                self._outside.clear()
            value = self._outside[steps] = CONTEXT.multiply(self.step, Decimal(steps))
        return value


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
