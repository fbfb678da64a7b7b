"""Latency histograms, percentiles with enough samples behind them, and intervals of rates."""

from __future__ import annotations

import math

from hdrh.histogram import HdrHistogram

from certify.model.results import Percentiles

LOWEST_US, HIGHEST_US = 1, 600_000_000
"""One microsecond to ten minutes; what is outside is recorded at the edge."""
SIGNIFICANT_DIGITS = 3
MIN_TAIL = 10
"""So many samples must lie beyond a percentile before it is printed (1,000 for p99): with fewer, one
scheduling hiccup is the percentile."""
PERCENTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99_9": 99.9}
Z_95 = 1.959964


def supported(percentile: float, samples: int, min_tail: int = MIN_TAIL) -> bool:
    """Return whether `samples` are enough for a percentile (0 to 100)."""
    return samples * (100.0 - percentile) / 100.0 >= min_tail - 1e-9


class LatencyHistogram:
    """Times in microseconds with three significant digits, in constant memory."""

    def __init__(self) -> None:
        """Begin empty."""
        self._histogram = HdrHistogram(LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS)
        self._max_ns = 0
        self.samples = 0

    def record_ns(self, value_ns: int) -> None:
        """Take one time in nanoseconds."""
        self._histogram.record_value(min(max(value_ns // 1000, LOWEST_US), HIGHEST_US))
        self.samples += 1
        self._max_ns = max(self._max_ns, value_ns)

    def at_ms(self, percentile: float) -> float:
        """Return a percentile in milliseconds, whether or not the samples support it; 0 when empty.

        Exactly as any HdrHistogram reader finds it in the encoded histogram, which ranks to the nearest.
        """
        if not self.samples:
            return 0.0
        value_us = self._histogram.get_value_at_percentile(percentile)
        return min(float(value_us) / 1000, self._max_ns / 1e6)

    def percentiles(self) -> Percentiles:
        """Return every percentile that the samples support, and the maximum."""
        if not self.samples:
            return Percentiles()
        found = {
            name: self.at_ms(percentile) if supported(percentile, self.samples) else None
            for name, percentile in PERCENTILES.items()
        }
        return Percentiles(**found, max=self._max_ns / 1e6, samples=self.samples)

    def encode(self) -> str:
        """Return the histogram as HdrHistogram V2, compressed, base64; microseconds."""
        return bytes(self._histogram.encode()).decode("ascii")


def exact_percentile(values: list[float], percentile: float) -> float | None:
    """Return the nearest-rank percentile of a short list, or None when one tail sample is missing."""
    if not supported(percentile, len(values), 1):
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percentile / 100.0) - 1)]


def wilson(errors: int, total: int, z: float = Z_95) -> tuple[float, float]:
    """Return the Wilson score interval of a rate, 95 % unless told otherwise; (0, 1) without samples.

    E. B. Wilson, J. Am. Stat. Assoc. 22 (1927): sound for rates near 0, where the usual interval is not.
    """
    if total <= 0:
        return 0.0, 1.0
    rate, zz = errors / total, z * z
    centre = (rate + zz / (2 * total)) / (1 + zz / total)
    half = z * math.sqrt(rate * (1 - rate) / total + zz / (4 * total * total)) / (1 + zz / total)
    low = 0.0 if errors == 0 else max(0.0, centre - half)
    high = 1.0 if errors == total else min(1.0, centre + half)
    return low, high
