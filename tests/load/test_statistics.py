"""Percentiles with enough samples behind them, and intervals of rates."""

from __future__ import annotations

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from certify.load.statistics import LatencyHistogram, exact_percentile, supported, wilson


def histogram_of(values_ns: list[int]) -> LatencyHistogram:
    histogram = LatencyHistogram()
    for value in values_ns:
        histogram.record_ns(value)
    return histogram


@given(st.lists(st.integers(min_value=1000, max_value=10**10), min_size=1, max_size=300))
def test_percentiles_agree_with_the_sorted_samples_to_three_digits(values: list[int]) -> None:
    histogram = histogram_of(values)
    ordered = sorted(values)
    for percentile in (50.0, 90.0, 99.0):
        exact = ordered[max(0, int(len(ordered) * percentile / 100 + 0.5) - 1)] / 1e6
        assert histogram.at_ms(percentile) == pytest.approx(exact, rel=2e-3, abs=2e-3)
    assert histogram.percentiles().max == max(values) / 1e6


@pytest.mark.parametrize(
    ("samples", "printed"),
    [(5, set()), (20, {"p50"}), (100, {"p50", "p90"}), (999, {"p50", "p90"}), (1000, {"p50", "p90", "p99"})],
)
def test_a_percentile_needs_ten_samples_beyond_it(samples: int, printed: set[str]) -> None:
    found = histogram_of([1_000_000] * samples).percentiles()
    assert {name for name in ("p50", "p90", "p99", "p99_9") if getattr(found, name) is not None} == printed
    assert found.max == 1.0
    assert found.samples == samples


def test_the_encoded_histogram_can_be_read_by_anybody() -> None:
    histogram = histogram_of([2_000_000] * 90 + [50_000_000] * 10)
    read = HdrHistogram.decode(histogram.encode())
    assert read.get_total_count() == 100
    assert read.get_value_at_percentile(50) == pytest.approx(2000, rel=2e-3)
    assert read.get_value_at_percentile(99) == pytest.approx(50_000, rel=2e-3)


def test_nothing_recorded_is_no_percentile() -> None:
    assert LatencyHistogram().percentiles().max is None
    assert LatencyHistogram().at_ms(99) == 0.0


def test_wilson_agrees_with_the_literature() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3 (score): 81/263, 15/148, 0/20, 1/29
    for errors, total, low, high in (
        (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718),
    ):  # fmt: skip
        assert wilson(errors, total) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(min_value=0, max_value=1000), st.integers(min_value=1, max_value=1000))
def test_a_rate_lies_in_its_interval(errors: int, total: int) -> None:
    errors = min(errors, total)
    low, high = wilson(errors, total)
    assert 0 <= low <= errors / total <= high <= 1


def test_no_sample_says_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert exact_percentile([1.0] * 99, 99.0) is None
    assert exact_percentile([float(n) for n in range(1, 101)], 99.0) == 99.0
    assert supported(50.0, 20)
    assert not supported(99.9, 9999)
