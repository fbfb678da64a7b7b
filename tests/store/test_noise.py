"""Slower beyond noise: the same system twice is not, a slower one is."""

from __future__ import annotations

import functools
import math
import random

import pytest

from certify.errors import EvidenceError
from certify.load.statistics import LatencyHistogram
from certify.model.results import GeneratorFitness, LoadPoint, LoadResult
from certify.store.compare_load import figures, why_not
from certify.store.noise import Samples, apart, decoded, higher, matters, quantile_interval

from .conftest import load_figures

PAIRS = 40
FALSE_ALARMS = 0.01
"""Of the figures that are looked at: what a p-value of 0.01 allows."""


@functools.cache
def measured(seed: int, factor: float = 1.0, *, seconds: int = 10, rate: int = 120) -> LoadResult:
    """One level as it is measured: every second has a mood of its own, as on a machine with neighbours."""
    draw = random.Random(seed)
    histogram = LatencyHistogram()
    points = []
    for second in range(seconds):
        mood = draw.lognormvariate(0.0, 0.15)
        own = LatencyHistogram()
        for _ in range(rate):
            ns = round(4e6 * factor * mood * draw.lognormvariate(0.0, 0.4))
            histogram.record_ns(ns)
            own.record_ns(ns)
        points.append(
            LoadPoint(
                at_s=second + 1.0,
                achieved_per_s=float(rate),
                p50_ms=own.at_ms(50),
                p99_ms=own.at_ms(99),
                errors=0,
            )
        )
    return load_figures(
        latency_ms=histogram.percentiles(), histogram=histogram.encode(), points=tuple(points), sent=1200
    )


def test_the_same_system_twice_is_noise() -> None:
    loads = [measured(seed) for seed in range(2 * PAIRS)]
    pairs = list(zip(loads[::2], loads[1::2], strict=True))
    told = [found for a, b in pairs for found in (*figures(a, b), *figures(b, a))]
    assert len(told) <= FALSE_ALARMS * 2 * 3 * len(pairs)  # two ways, three figures


def test_intervals_alone_would_have_taken_a_mood_for_a_change() -> None:
    """Why there is more than one condition: the samples of a second are not independent."""
    loads = [measured(seed) for seed in range(2 * PAIRS)]
    intervals = [quantile_interval(decoded(load.histogram), 0.5) for load in loads]
    fooled = sum(apart(a, b) for a, b in zip(intervals[::2], intervals[1::2], strict=True))
    assert fooled > 0


def test_a_slower_system_is_found() -> None:
    found = 0
    for seed in range(PAIRS):
        told = {change.metric for change in figures(measured(seed), measured(1000 + seed, 1.5))}
        found += "latency.p50" in told
    assert found >= 0.95 * PAIRS


def test_a_faster_system_is_not_slower() -> None:
    assert not any(list(figures(measured(seed, 1.5), measured(1000 + seed))) for seed in range(10))


def test_what_is_told_is_what_was_measured() -> None:
    before, after = measured(1), measured(2, 2.0)
    (p50, p99) = figures(before, after)
    assert (p50.metric, p99.metric) == ("latency.p50", "latency.p99")
    assert (p50.before, p50.after) == (before.latency_ms.p50, after.latency_ms.p50)
    assert p50.before_interval[0] <= p50.before <= p50.before_interval[1]
    assert p50.after_interval[0] <= p50.after <= p50.after_interval[1]
    assert p50.p_value < 0.01


def test_more_errors_are_told_by_their_intervals() -> None:
    some = {"error_rate": 0.05, "error_rate_interval": (0.04, 0.07), "errors": 50}
    few = {"error_rate": 0.003, "error_rate_interval": (0.001, 0.01), "errors": 3}
    (change,) = figures(load_figures(histogram=""), load_figures(histogram="", **some))
    assert (change.metric, change.before, change.after, change.unit) == ("error_rate", 0.0, 5.0, "%")
    assert list(figures(load_figures(), load_figures(**few))) == []


def test_less_achieved_needs_the_seconds_to_agree() -> None:
    def at(rates: list[float]) -> LoadResult:
        points = tuple(
            LoadPoint(at_s=float(i), achieved_per_s=rate, p50_ms=None, p99_ms=None, errors=0)
            for i, rate in enumerate(rates)
        )
        return load_figures(achieved_per_s=sum(rates) / len(rates), points=points)

    steady = at([100.0, 99, 101, 100, 98, 102])
    assert [c.metric for c in figures(steady, at([80.0, 81, 79, 82, 78, 80]))] == ["achieved"]
    assert list(figures(steady, at([100.0, 99, 101, 100, 98, 10]))) == []  # one bad second


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"offered_per_s": 200.0}, "100/s were offered before, 200/s after"),
        ({"generator": GeneratorFitness(late_p99_ms=9.0, dropped=0, limited=True)}, "generator"),
        ({"completed": 0}, "nothing was answered after"),
        ({"points": ()}, "0 intervals"),
    ],
)
def test_what_cannot_be_compared_says_why(changes, told) -> None:
    good = measured(1, seconds=6)
    assert why_not(good, good) is None
    assert told in why_not(good, load_figures(**{"points": good.points, **changes}))


def test_u_is_what_the_tables_say() -> None:
    low, high = [1.0, 2, 3, 4, 5], [6.0, 7, 8, 9, 10]
    assert 1 / 252 <= higher(low, high) < 0.01  # exact: 1/252
    assert higher(high, low) > 0.99
    assert higher([1.0] * 5, [1.0] * 5) == 1.0
    assert higher(low[:4], high) is None
    # Mann and Whitney's own order of merit: 3, 5, 7, 9, 11 against 2, 4, 6, 8, 10 gives U = 15 of 25
    assert higher([2.0, 4, 6, 8, 10], [3.0, 5, 7, 9, 11]) == pytest.approx(0.338, abs=0.005)


def test_an_interval_holds_the_true_quantile_as_often_as_it_says() -> None:
    draw = random.Random(5)
    held = 0
    for _ in range(300):
        values = sorted(round(draw.expovariate(1.0) * 1e6) for _ in range(400))
        found = quantile_interval(Samples(values_us=tuple(values), counts=(1,) * 400), 0.5)
        held += found[0] <= math.log(2) * 1000 <= found[1]
    assert held >= 0.97 * 300


def test_too_few_samples_have_no_interval_and_damage_is_told() -> None:
    assert quantile_interval(Samples(values_us=(1, 2), counts=(5, 5)), 0.99) is None
    assert decoded("").total == 0
    with pytest.raises(EvidenceError, match="expected a histogram"):
        decoded("bm90IG9uZQ==")


@pytest.mark.parametrize(
    ("before", "after", "does"), [(0.1, 0.25, False), (0.1, 0.31, True), (100, 105, False), (100, 111, True)]
)
def test_small_differences_do_not_matter(before, after, does) -> None:
    assert matters(before, after) is does
