"""Stamps → result: everything counted once, the warm-up left out, nothing invented."""

from __future__ import annotations

from array import array

import pytest

from certify.adapter import flights as air
from certify.load.meter import Meters, StreamMeter
from certify.load.resources import BYTES_PER_MB
from certify.model.ids import Assurance
from certify.model.results import LoadResult, Resources
from certify.profile.model import LoadLevel

MS, S = 1_000_000, 1_000_000_000
LEVEL = LoadLevel(name="l", duration_s=2.0, warmup_s=1.0, orders_per_s=100.0)


def row(planned: int, took: int = 5 * MS, late: int = 0, code: int = air.OK) -> tuple[int, ...]:
    called = planned + late
    sent = code not in (air.OVERRUN, air.DROPPED)
    answered = called + took if sent and code != air.TIMEOUT else -1
    return (0, 0, planned, called if sent else -1, called if sent else -1, answered, late, code)


def result_of(rows: list[tuple[int, ...]]) -> tuple[StreamMeter, LoadResult]:
    meter = StreamMeter(LEVEL, "orders", timeout_s=5.0)
    Meters([meter]).take(array("q", [value for one in rows for value in one]).tobytes())
    meter.close_until(meter.length_ns, None)
    resources = Resources(rss_mb=1.0, cpu_percent=1.0, threads=1)
    return meter, meter.result(in_flight=0, resources=resources, assurance=Assurance.SIMULATED)


def steady(code: int = air.OK, **fields: int) -> list[tuple[int, ...]]:
    return [row(number * 10 * MS, code=code, **fields) for number in range(300)]


def test_the_warm_up_is_driven_but_not_counted() -> None:
    meter, result = result_of(steady())
    assert meter.warmup_rows == 100
    assert (result.sent, result.completed, result.errors) == (200, 200, 0)
    assert result.offered_per_s == 100
    assert result.achieved_per_s == pytest.approx(100, rel=0.01)
    assert result.latency_ms.p50 == pytest.approx(5, rel=0.01)


def test_response_time_counts_from_the_plan_and_service_time_from_the_call() -> None:
    meter, result = result_of(steady(late=20 * MS))
    assert result.latency_ms.p50 == pytest.approx(25, rel=0.01)
    assert result.service_ms.p50 == pytest.approx(5, rel=0.01)
    assert meter.punctual.at_ms(50) == pytest.approx(5, rel=0.01)
    assert result.generator.late_p99_ms == pytest.approx(20, rel=0.01)
    assert not result.generator.limited


def test_errors_are_told_apart_and_planned_is_the_sum() -> None:
    codes = [air.OK, air.VENUE_REJECT, air.TIMEOUT, air.SYSTEM_ERROR, air.OVERRUN]
    meter, result = result_of([row(number * 10 * MS, code=codes[number % 5]) for number in range(300)])
    assert result.error_classes == {"overrun": 40, "system_error": 40, "timeout": 40, "venue_reject": 40}
    assert (result.completed, result.errors, meter.planned) == (40, 160, 200)
    assert result.error_rate == 0.8
    assert result.error_rate_interval[0] < 0.8 < result.error_rate_interval[1]


def test_what_the_generator_dropped_limits_the_level_and_is_no_error() -> None:
    rows = steady()
    rows[150] = row(150 * 10 * MS, code=air.DROPPED)
    _, result = result_of(rows)
    assert result.generator.limited
    assert result.generator.dropped == 1
    assert result.errors == 0


def test_a_load_that_was_not_offered_in_time_is_limited() -> None:
    rows = [row(n * 10 * MS, late=150 * MS if n % 20 == 0 else 0) for n in range(300)]
    assert result_of(rows)[1].generator.limited  # 5 % were late
    rows = [row(n * 10 * MS, late=150 * MS if n % 100 == 0 else 0) for n in range(300)]
    assert not result_of(rows)[1].generator.limited  # 1 %


def test_a_system_that_lags_does_not_achieve_the_rate() -> None:
    rows = [row(number * 10 * MS, took=number * 10 * MS) for number in range(300)]
    assert result_of(rows)[1].achieved_per_s == pytest.approx(40, rel=0.01)  # 200 in 5 s


def test_points_are_closed_seconds_of_the_measured_part() -> None:
    meter = StreamMeter(LEVEL, "orders", timeout_s=5.0)
    for one in steady():
        meter.take(one)
    assert meter.close_until(1 * S, None) == []  # stamps of the first second may still be on their way
    closed = meter.close_until(meter.length_ns, None)
    assert [point.at_s for point in closed] == [1.0, 2.0, 3.0, 4.0]
    assert [point.at_s for point in meter.points] == [2.0, 3.0]
    assert sum(point.achieved_per_s for point in closed) == 300
    assert all(point.p99_ms == pytest.approx(5) for point in meter.points)


def test_units() -> None:
    assert BYTES_PER_MB == 10**6
