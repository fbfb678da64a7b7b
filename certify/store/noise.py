"""Is one level of load slower than another, or is that noise? Asked of the recorded samples.

A latency counts as moved only when three things agree:

1. The 99 % intervals of the quantile do not touch. They are distribution-free, from the order
   statistics of the recorded histograms (Conover, Practical Nonparametric Statistics, 3.2).
2. The quantile of the single seconds is higher: Mann-Whitney's U, one-sided, p < 0.01. Samples of
   one second hang together (a stall hits many at once), and intervals alone take them for
   independent; seconds are nearly so.
3. It moved by a tenth of what it was, and by 0.2 ms. With enough samples any difference is
   significant, and two runs of one build on one machine do differ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hdrh.histogram import HdrHistogram

from certify.errors import EvidenceError

Z_99 = 2.575829
LARGEST_P = 0.01
LEAST_SECONDS = 5
"""Fewer cannot reach p < 0.01, however far apart they are."""
LEAST_SHARE = 0.10
LEAST_MS = 0.2
US_PER_MS = 1000

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Recorded response times in microseconds: ascending values with how often each was seen."""

    values_us: tuple[int, ...]
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """How many times were recorded."""
        return sum(self.counts)

    def at_rank(self, rank: int) -> float:
        """Return the value of a rank from 1 in milliseconds; beyond the last, infinity."""
        seen = 0
        for value, count in zip(self.values_us, self.counts, strict=True):
            seen += count
            if seen >= rank:
                return value / US_PER_MS
        return math.inf


def decoded(histogram: str) -> Samples:
    """Return the samples in an encoded histogram; none for an empty one.

    Raises:
        EvidenceError: it is not one.
    """
    if not histogram:
        return Samples(values_us=(), counts=())
    try:
        found = HdrHistogram.decode(histogram)
        items = [
            (item.value_iterated_to, item.count_at_value_iterated_to)
            for item in found.get_recorded_iterator()
        ]
    except Exception as error:  # whatever zlib, ctypes or the library's codec raise
        raise EvidenceError(f"expected a histogram, was {error!r}") from error
    return Samples(values_us=tuple(value for value, _ in items), counts=tuple(count for _, count in items))


def quantile_interval(samples: Samples, quantile: float) -> Interval | None:
    """Return the 99 % interval of a quantile (0 to 1) in milliseconds; `None` without enough samples."""
    total = samples.total
    half = Z_99 * math.sqrt(total * quantile * (1 - quantile))
    low, high = math.floor(total * quantile - half), math.ceil(total * quantile + half) + 1
    if low < 1 or high > total:
        return None
    return samples.at_rank(low), samples.at_rank(high)


def higher(before: Sequence[float], after: Sequence[float]) -> float | None:
    """Return the p-value of Mann-Whitney's U that `after` is higher; `None` for too few values.

    Normal approximation with continuity and tie correction, which for five against five lies on the
    safe side of the exact value.
    """
    n, m = len(before), len(after)
    if min(n, m) < LEAST_SECONDS:
        return None
    wins = sum((b > a) + 0.5 * (b == a) for a in before for b in after)
    together = sorted([*before, *after])
    ties = sum(t**3 - t for t in (together.count(value) for value in set(together)))
    size = n + m
    variance = n * m / 12 * (size + 1 - ties / (size * (size - 1)))
    if variance <= 0:
        return 1.0
    z = (wins - n * m / 2 - 0.5) / math.sqrt(variance)
    return 0.5 * math.erfc(z / math.sqrt(2))


def apart(before: Interval | None, after: Interval | None) -> bool:
    """Return whether the later interval lies wholly above the earlier one."""
    return before is not None and after is not None and after[0] > before[1]


def matters(before_ms: float, after_ms: float) -> bool:
    """Return whether a latency rose by enough to be worth a word."""
    return after_ms - before_ms >= max(LEAST_MS, LEAST_SHARE * before_ms)
