"""When the requests of a load are due: shapes of arrival, planned lazily in constant memory.

An open loop plans every request before it knows how the system does, so that a slow system cannot
slow its own examination down.

Runs in the system's own interpreter: standard library only, Python 3.8 or newer.
"""

from __future__ import annotations

import math
import random
from typing import Callable, Dict, Iterator

NS_PER_S = 1_000_000_000
RAMP_START = 0.1
"""A ramp begins at this share of its final rate: from nothing the first second would be empty."""
SPIKE_BASE = 0.5
"""Before and after the spike, the share of the peak rate."""
SPIKE_FROM, SPIKE_TO = 0.4, 0.6
"""The spike fills the middle fifth of the time."""

Offsets = Iterator[int]


def constant(rate_per_s: float, length_ns: int, seed: int) -> Offsets:
    """Yield offsets at equal distances; `seed` moves nothing."""
    del seed
    number = 0
    while True:
        offset = int(number * NS_PER_S / rate_per_s)
        if offset >= length_ns:
            return
        yield offset
        number += 1


def poisson(rate_per_s: float, length_ns: int, seed: int) -> Offsets:
    """Yield the arrivals of a Poisson process: independent requests of many users."""
    rng = random.Random(seed)
    at_s, length_s = 0.0, length_ns / NS_PER_S
    while True:
        at_s += rng.expovariate(rate_per_s)
        if at_s >= length_s:
            return
        yield int(at_s * NS_PER_S)


def ramp(rate_per_s: float, length_ns: int, seed: int) -> Offsets:
    """Yield arrivals whose rate grows in a straight line to `rate_per_s` at the end."""
    del seed
    length_s = length_ns / NS_PER_S
    first = rate_per_s * RAMP_START
    slope = (rate_per_s - first) / length_s
    number = 0
    while True:  # the n-th arrival is where the area under the rate, first·t + slope·t²/2, is n
        at_s = (math.sqrt(first * first + 2 * slope * number) - first) / slope
        if at_s >= length_s:
            return
        yield int(at_s * NS_PER_S)
        number += 1


def spike(rate_per_s: float, length_ns: int, seed: int) -> Offsets:
    """Yield arrivals at half the rate, at the full rate in the middle fifth."""
    begin, end = int(length_ns * SPIKE_FROM), int(length_ns * SPIKE_TO)
    calm = rate_per_s * SPIKE_BASE
    parts = ((0, begin, calm), (begin, end - begin, rate_per_s), (end, length_ns - end, calm))
    for start, length, rate in parts:
        for offset in constant(rate, length, seed):
            yield start + offset


SHAPES: Dict[str, Callable[[float, int, int], Offsets]] = {
    "constant": constant,
    "poisson": poisson,
    "ramp": ramp,
    "spike": spike,
}
"""Name in a profile → shape: (peak rate per second, length in ns, seed) → offsets from the start in ns."""


def offsets(shape: str, rate_per_s: float, length_ns: int, seed: int) -> Offsets:
    """Return when the requests of one stream are due, ascending, in nanoseconds from the start.

    Raises:
        ValueError: the shape is unknown or the rate is negative.
    """
    if shape not in SHAPES:
        raise ValueError(f"expected an arrival of {', '.join(SHAPES)}, was {shape}")
    if rate_per_s < 0:
        raise ValueError(f"expected a rate of 0 or more, was {rate_per_s}")
    return SHAPES[shape](rate_per_s, length_ns, seed) if rate_per_s else iter(())
