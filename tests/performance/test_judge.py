"""Thresholds: kept, broken, or not to be decided, and by whose fault."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from certify.adapter import flights as air
from certify.load.fitness import Noise
from certify.load.meter import StreamMeter
from certify.model.ids import Assurance
from certify.model.results import Resources
from certify.phases.performance.judge import State, StreamRun, Verdict, judge_level, worth_repeating
from certify.profile.model import LoadLevel
from certify.profile.thresholds import parse_threshold
from certify.profile.yaml import Mark

MS = 1_000_000
Took = Callable[[int], int]
QUIET = Noise()


def judged(
    text: str, *, samples: int = 2000, took: Took = lambda n: 5 * MS, late: Took = lambda n: 0,
    code: Took = lambda n: air.OK, noise: Noise = QUIET,
) -> Verdict:  # fmt: skip
    level = LoadLevel(name="one", duration_s=samples / 1000, orders_per_s=1000.0)
    meter = StreamMeter(level, "orders", timeout_s=5.0)
    for number in range(samples):
        planned = number * MS
        called = planned + late(number)
        meter.take((0, number, planned, called, called, called + took(number), late(number), code(number)))
    resources = Resources(rss_mb=100.0, cpu_percent=50.0, threads=3)
    result = meter.result(in_flight=0, resources=resources, assurance=Assurance.SIMULATED)
    threshold = parse_threshold(text, Mark("p.yaml", 1, 1))
    streams = {"orders": StreamRun(result, meter, {})}
    [verdict] = judge_level([threshold], level, streams, noise)
    return verdict


def slow_above(first: int) -> Took:
    return lambda number: 80 * MS if number >= first else 5 * MS


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("orders.latency.p50 < 10ms", State.HELD),
        ("one.orders.latency.p99 < 10ms", State.HELD),
        ("orders.latency.p50 < 4ms", State.BROKEN),
        ("orders.service.p90 < 4ms", State.BROKEN),
        ("orders.latency.max < 10ms", State.HELD),
        ("orders.achieved > 900/s", State.HELD),
        ("orders.throughput > 1100/s", State.BROKEN),
        ("orders.error_rate < 1%", State.HELD),
        ("orders.rss < 200MB", State.HELD),
        ("orders.rss < 50MB", State.BROKEN),
        ("orders.cpu < 40%", State.BROKEN),
        ("orders.latency.p99 > 1ms", State.HELD),
    ],
)
def test_a_figure_is_held_to_its_bound(text: str, state: State) -> None:
    verdict = judged(text)
    assert verdict.state is state
    assert verdict.measurement is not None
    assert verdict.name == verdict.measurement.name == verdict.bound.name


def test_the_tail_breaks_a_p99_and_not_a_p90() -> None:
    assert judged("orders.latency.p99 < 50ms", took=slow_above(1950)).state is State.BROKEN
    assert judged("orders.latency.p90 < 50ms", took=slow_above(1950)).state is State.HELD


def test_few_samples_are_decided_by_the_maximum_or_not_at_all() -> None:
    held = judged("orders.latency.p99 < 50ms", samples=100)
    assert held.state is State.HELD
    assert "maximum" in held.reason
    assert judged("orders.latency.p99 < 50ms", samples=100, took=slow_above(99)).state is State.FEW
    worse = judged("orders.latency.p99 < 50ms", samples=100, took=slow_above(50))
    assert worse.state is State.BROKEN  # even the p90, which has its samples, is beyond it
    assert "p90" in worse.reason


def test_what_the_generator_spoilt_is_not_the_systems_failure() -> None:
    late = judged("orders.latency.p99 < 50ms", late=lambda n: 70 * MS if n >= 1900 else 0)
    assert late.state is State.NOISY
    assert late.noisy
    hopeless = judged("orders.latency.p99 < 500ms", late=lambda n: 200 * MS if n >= 1900 else 0)
    assert hopeless.state is State.NOISY  # not even when the bound is kept: another load was run


def test_what_the_machine_spoilt_is_not_the_systems_failure() -> None:
    assert (
        judged("orders.latency.p99 < 50ms", took=slow_above(1950), noise=Noise(stalled=0.03)).state
        is State.NOISY
    )
    assert (
        judged("orders.latency.p99 < 50ms", took=slow_above(1950), noise=Noise(0.004, 0.02)).state
        is State.BROKEN
    )
    assert judged("orders.latency.p99 < 50ms", took=slow_above(1950), noise=Noise(starved=0.2)).noisy
    assert judged("orders.latency.p99 < 50ms", noise=Noise(0.3, 0.5)).state is State.HELD


def test_the_more_requests_are_slow_the_more_the_machine_must_have_taken() -> None:
    for text, first, spared, excused in (
        ("orders.latency.p99 < 50ms", 1950, 0.02, 0.04),
        ("orders.latency.p90 < 50ms", 1700, 0.10, 0.20),
        ("orders.latency.p50 < 50ms", 900, 0.25, 0.40),
        ("orders.latency.p99 < 50ms", 0, 0.25, 0.40),  # even the quickest are too slow
    ):
        assert judged(text, took=slow_above(first), noise=Noise(starved=spared)).state is State.BROKEN
        assert judged(text, took=slow_above(first), noise=Noise(starved=excused)).state is State.NOISY


def test_an_error_rate_within_its_interval_of_the_bound_is_open() -> None:
    def one_in(count: int) -> Took:
        return lambda number: air.VENUE_REJECT if number % count == 0 else air.OK

    assert judged("orders.error_rate < 2%", code=one_in(20)).state is State.BROKEN
    assert judged("orders.error_rate < 2%", code=one_in(100)).state is State.HELD
    assert judged("orders.error_rate < 2%", samples=100, code=one_in(34)).state is State.FEW


def test_only_noise_is_worth_another_attempt() -> None:
    noisy = judged("orders.latency.p99 < 50ms", took=slow_above(1950), noise=Noise(stalled=0.03))
    broken = judged("orders.latency.p50 < 1ms")
    assert worth_repeating({}, [broken, noisy], Noise())
    assert not worth_repeating({}, [broken], Noise(1.0, 1.0))


def test_a_level_without_the_stream_is_asked_only_by_name() -> None:
    level = LoadLevel(name="one", duration_s=1.0, orders_per_s=1.0)
    general, named = (
        parse_threshold(text, Mark("p.yaml", 1, 1))
        for text in ("market_data.latency.p50 < 1ms", "one.market_data.latency.p50 < 1ms")
    )
    assert [v.state for v in judge_level([general, named], level, {}, Noise())] == [State.MISSING]
