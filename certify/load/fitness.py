"""Whether the generator could hold the load: if not, the level says nothing about the system."""

from __future__ import annotations

from certify.load.statistics import LatencyHistogram
from certify.model.results import GeneratorFitness

MIN_OFFERED = 0.98
"""Less than this share of the planned requests sent in time: another load than the planned one was run."""
IN_TIME_NS = 100_000_000
"""A request later than this by the generator's own fault was not offered when it was planned. Smaller
lateness moves requests within a tenth of a second and leaves the load what it is; it is part of every
response time, so that it can only make a system look slower, and a bound that is kept is kept all the
same. For a bound that is not kept, see `LatencyBound` in the phase `performance`."""


def fitness(late: LatencyHistogram, *, planned: int, dropped: int, too_late: int) -> GeneratorFitness:
    """Judge the generator by its own lateness."""
    short = planned > 0 and (planned - dropped - too_late) / planned < MIN_OFFERED
    return GeneratorFitness(late_p99_ms=late.at_ms(99.0), dropped=dropped, limited=short or dropped > 0)
