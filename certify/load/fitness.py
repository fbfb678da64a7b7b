"""Whether the generator could hold the load: if not, the level says nothing about the system."""

from __future__ import annotations

from dataclasses import dataclass

from certify.load.statistics import LatencyHistogram
from certify.model.results import GeneratorFitness

MIN_OFFERED = 0.98
"""Less than this share of the planned requests sent in time: another load than the planned one was run."""
IN_TIME_NS = 100_000_000
"""A request later than this by the generator's own fault was not offered when it was planned. Smaller
lateness moves requests within a tenth of a second and leaves the load what it is; it is part of every
response time, so that it can only make a system look slower, and a bound that is kept is kept all the
same. For a bound that is not kept, see `LatencyBound` in the phase `performance`."""

OWN_SHARE = 0.2
"""…and more than this share of the time by which it was behind: while a system is saturated, every pause
between two calls adds up to the generator's lateness, though it is the system that is behind."""
STALLED_SHARE = 0.005
"""The machine stood still for more than this share of a level: half of what can move a p99."""
STARVED_SHARE = 0.03
"""The system's threads waited for a processor for more than this share of a level. On a quiet machine they
wait for well below 1 %; from here on, others compute where the system should."""
HEAVY_SHARE = 0.3
"""From here on, nothing that was measured can be held against the system."""


@dataclass(frozen=True, slots=True)
class Noise:
    """What the machine took away from the system while a level ran, as shares of the time."""

    stalled: float = 0.0
    starved: float = 0.0

    def explains(self, percentile: float = 99.0) -> bool:
        """Return whether a percentile that is too high may be the machine's fault.

        Noise hits some requests and spares others: to move a median it must take much more than to move
        a p99. A share `s` of the time taken away is held to move up to two thirds of `s` of the requests;
        a whole stall also delays what queues behind it, up to twice its length.
        """
        beyond = 1.0 - percentile / 100.0
        starved = min(HEAVY_SHARE, max(STARVED_SHARE, 1.5 * beyond))
        stalled = min(HEAVY_SHARE, max(STALLED_SHARE, 0.5 * beyond))
        return self.starved > starved or self.stalled > stalled

    def __str__(self) -> str:
        return (
            f"the machine stood still for {self.stalled:.1%} of the time and kept the system "
            f"waiting for a processor for {self.starved:.1%}"
        )


def fitness(late: LatencyHistogram, *, planned: int, dropped: int, too_late: int) -> GeneratorFitness:
    """Judge the generator by its own lateness."""
    short = planned > 0 and (planned - dropped - too_late) / planned < MIN_OFFERED
    return GeneratorFitness(late_p99_ms=late.at_ms(99.0), dropped=dropped, limited=short or dropped > 0)
