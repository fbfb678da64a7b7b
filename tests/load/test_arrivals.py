"""When requests are due: in order, in time, as many as the rate says, and never held in memory."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.adapter.arrivals import NS_PER_S, RAMP_START, SHAPES, SPIKE_BASE, offsets

shapes = st.sampled_from(sorted(SHAPES))
rates = st.floats(min_value=1, max_value=500)
lengths = st.integers(min_value=NS_PER_S // 10, max_value=5 * NS_PER_S)


@given(shapes, rates, lengths, st.integers(min_value=0, max_value=99))
def test_offsets_ascend_within_the_level_and_repeat_with_their_seed(
    shape: str, rate: float, length: int, seed: int
) -> None:
    found = list(offsets(shape, rate, length, seed))
    assert found == sorted(found)
    assert all(0 <= offset < length for offset in found)
    assert found == list(offsets(shape, rate, length, seed))


@given(rates, lengths)
def test_a_constant_rate_is_exact(rate: float, length: int) -> None:
    found = list(offsets("constant", rate, length, 0))
    assert abs(len(found) - math.ceil(rate * length / NS_PER_S)) <= 1
    gaps = {b - a for a, b in itertools.pairwise(found)}
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_poisson_arrivals_have_their_mean_and_their_spread() -> None:
    found = list(offsets("poisson", 1000, 20 * NS_PER_S, 7))
    assert abs(len(found) - 20_000) < 5 * math.sqrt(20_000)
    gaps = [(b - a) / 1e6 for a, b in itertools.pairwise(found)]
    mean = sum(gaps) / len(gaps)
    deviation = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert deviation == pytest.approx(mean, rel=0.05)  # of an exponential distribution


def test_a_ramp_grows_and_ends_at_its_rate() -> None:
    found = list(offsets("ramp", 100, 10 * NS_PER_S, 0))
    assert len(found) == pytest.approx(100 * 10 * (1 + RAMP_START) / 2, abs=2)
    assert sum(offset >= 9 * NS_PER_S for offset in found) == pytest.approx(95.5, abs=2)


def test_a_spike_stands_in_the_middle() -> None:
    found = list(offsets("spike", 100, 10 * NS_PER_S, 0))
    assert sum(4 * NS_PER_S <= offset < 6 * NS_PER_S for offset in found) == 200
    assert len(found) == 200 + 800 * SPIKE_BASE


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_a_year_of_arrivals_costs_nothing_until_it_is_asked_for(shape: str) -> None:
    endless = offsets(shape, 5000, 365 * 86_400 * NS_PER_S, 1)
    assert len(list(itertools.islice(endless, 1000))) == 1000


def test_no_rate_is_no_arrival_and_nonsense_is_refused() -> None:
    assert list(offsets("constant", 0, NS_PER_S, 0)) == []
    with pytest.raises(ValueError, match="expected an arrival of"):
        offsets("sine", 1, NS_PER_S, 0)
    with pytest.raises(ValueError, match="0 or more"):
        offsets("constant", -1, NS_PER_S, 0)
