"""Does a result agree with itself? Every figure in it is computed again from what lies beneath it.

A result that was folded from its journal always does; one that was written by hand, edited, or
made by a broken fold does not, and from a contradiction nothing may be concluded.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from certify.model.fold import weakest_assurance, worst_outcome
from certify.model.ids import Outcome
from certify.model.measure import broken_bounds
from certify.model.results import CheckResult, LoadResult, Percentiles, PhaseResult, RunResult
from certify.model.score import check_score, phase_score

if TYPE_CHECKING:
    from hdrh.histogram import HdrHistogram

US_PER_MS = 1000
_RELATIVE_TOLERANCE = 0.01
"""Two significant digits: the coarsest histogram that is still of use."""
_ABSOLUTE_TOLERANCE_MS = 0.002

_PERCENTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99_9": 99.9, "max": 100.0}


def contradictions(result: RunResult) -> tuple[str, ...]:
    """Return, in plain words, each place where the result contradicts its own measurements."""
    return tuple(_contradictions(result))


def _contradictions(result: RunResult) -> Iterator[str]:
    for check_id, times in Counter(check.id for check in result.checks).items():
        if times > 1:
            yield f"{check_id}: listed {times} times"
    for phase in result.phases:
        yield from _in_phase(phase)
    for load in result.load:
        yield from _in_load(load)
    assurance = weakest_assurance(result.checks)
    if result.assurance is not assurance:
        yield f"assurance: expected {assurance}, the weakest of its checks, was {result.assurance}"


def _in_phase(phase: PhaseResult) -> Iterator[str]:
    for check in phase.checks:
        yield from _in_check(check, phase)
    outcome = worst_outcome(check.outcome for check in phase.checks)
    if phase.outcome is not outcome:
        yield f"{phase.id}: expected outcome {outcome}, the worst of its checks, was {phase.outcome}"
    score = phase_score(phase.checks)
    if phase.score != score:
        yield f"{phase.id}: expected score {score} from its checks, was {phase.score}"


def _in_check(check: CheckResult, phase: PhaseResult) -> Iterator[str]:
    if check.phase is not phase.id:
        yield f"{check.id}: expected in phase {check.phase}, was in {phase.id}"
    if check.outcome is Outcome.PASSED:
        for bound, value in broken_bounds(check.measurements, check.limits):
            was = "not measured" if value is None else f"{value:g}"
            yield f"{check.id}: passed, but expected {bound}, was {was}"
    units = {bound.name: bound.unit for bound in check.limits}
    for measured in check.measurements:
        if not math.isfinite(measured.value):
            yield f"{check.id}: expected {measured.name} to be a number, was {measured.value}"
        if measured.unit != units.get(measured.name, measured.unit):
            yield f"{check.id}: {measured.name} is in {measured.unit}, its limit in {units[measured.name]}"
    score = check_score(check.outcome, check.measurements, check.limits)
    if check.score != score:
        yield f"{check.id}: expected score {score} by its headroom, was {check.score}"


def _in_load(load: LoadResult) -> Iterator[str]:
    name = f"load {load.level} {load.stream}"
    if not 0.0 <= load.error_rate <= 1.0 or (load.error_rate > 0) != (load.errors > 0):
        yield f"{name}: error rate {load.error_rate:g} does not go with {load.errors} errors"
    yield from _in_histogram(f"{name} latency", load.latency_ms, load.histogram)
    yield from _in_histogram(f"{name} service", load.service_ms, load.service_histogram)


def _in_histogram(name: str, claimed: Percentiles, encoded: str) -> Iterator[str]:
    figures = {key: getattr(claimed, key) for key in _PERCENTILES if getattr(claimed, key) is not None}
    if not encoded:
        if figures or claimed.samples:
            yield f"{name}: expected a histogram behind its percentiles, was none"
        return
    histogram = _decoded(encoded)
    if histogram is None:
        yield f"{name}: expected a histogram, was not one"
        return
    samples = histogram.get_total_count()
    if samples != claimed.samples:
        yield f"{name}: expected {samples} samples as in its histogram, was {claimed.samples}"
    for key, figure in figures.items():
        found_ms = histogram.get_value_at_percentile(_PERCENTILES[key]) / US_PER_MS
        if not math.isclose(figure, found_ms, rel_tol=_RELATIVE_TOLERANCE, abs_tol=_ABSOLUTE_TOLERANCE_MS):
            yield f"{name} {key}: expected {found_ms:g} ms as in its histogram, was {figure:g} ms"


def _decoded(encoded: str) -> HdrHistogram | None:
    from hdrh.histogram import HdrHistogram

    try:
        return HdrHistogram.decode(encoded)
    except Exception:  # noqa: BLE001  # the library lets through whatever zlib, ctypes or its own codec raise
        return None
