"""Thresholds against what a level showed: held, broken, or not to be decided, and why.

A response time counts from the planned time, so it contains the generator's own lateness: a bound
that is kept is kept all the same. A bound is only called broken when it is also broken without that
lateness and the machine did not stand still meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from certify.load.meter import StreamMeter
from certify.load.statistics import PERCENTILES, LatencyHistogram, supported
from certify.model.measure import Bound, Measurement
from certify.model.results import LoadResult
from certify.profile.model import LoadLevel, Threshold

STALLED_SHARE = 0.005
"""The machine stood still for more than this share of a level: half of what can move a p99."""
UPPER = ("<", "<=")


@dataclass(slots=True)
class StreamRun:
    """One stream of one level."""

    result: LoadResult
    meter: StreamMeter
    account: dict[str, Any]


class State(StrEnum):
    """What is known of a threshold at a level."""

    HELD = "held"
    BROKEN = "broken"
    FEW = "too few samples"
    NOISY = "spoilt by the generator or the machine"
    MISSING = "not measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One threshold at one level."""

    name: str
    """`level.stream.metric`."""
    state: State
    bound: Bound
    measurement: Measurement | None = None
    reason: str = ""

    @property
    def noisy(self) -> bool:
        """Whether running the level again may help."""
        return self.state is State.NOISY


def judge_level(
    thresholds: Sequence[Threshold], level: LoadLevel, streams: dict[str, StreamRun], stalled_ms: float
) -> list[Verdict]:
    """Return a verdict for every threshold that concerns this level."""
    share = stalled_ms / 1000 / (level.duration_s + level.warmup_s)
    return [
        _judge(threshold, level, streams.get(threshold.stream), share)
        for threshold in thresholds
        if threshold.level in (None, level.name) and _has_stream(level, threshold)
    ]


def _has_stream(level: LoadLevel, threshold: Threshold) -> bool:
    """A threshold for every level asks nothing of one that leaves the stream out."""
    rate = level.orders_per_s if threshold.stream == "orders" else level.market_data_per_s
    return rate > 0 or threshold.level is not None


def worth_repeating(results: dict[str, LoadResult], verdicts: Sequence[Verdict]) -> bool:
    """Return whether the generator or the machine spoilt a level."""
    limited = any(result.generator.limited for result in results.values())
    return limited or any(verdict.noisy for verdict in verdicts)


def _judge(threshold: Threshold, level: LoadLevel, run: StreamRun | None, stalled: float) -> Verdict:
    name = f"{level.name}.{threshold.stream}.{threshold.metric}"
    bound = Bound(name=name, op=threshold.op, value=threshold.value, unit=threshold.unit)
    if run is None:
        return Verdict(name=name, state=State.MISSING, bound=bound, reason="the stream was not run")
    if run.result.generator.limited:
        return Verdict(
            name=name, state=State.NOISY, bound=bound, reason="the generator could not hold its plan"
        )
    kind, _, figure = threshold.metric.partition(".")
    if figure:
        return _judge_latency(bound, run.meter, kind, figure, stalled)
    value, samples = _figure(run.result, threshold.metric)
    measurement = Measurement(name=name, value=value, unit=threshold.unit, samples=samples)
    if bound.holds(value):
        return Verdict(name=name, state=State.HELD, bound=bound, measurement=measurement)
    return _broken_figure(bound, measurement, run.result, threshold.metric, stalled)


def _figure(result: LoadResult, metric: str) -> tuple[float, int]:
    answered = result.completed + result.errors
    return {
        "error_rate": (result.error_rate * 100, answered),
        "achieved": (result.achieved_per_s, result.completed),
        "throughput": (result.achieved_per_s, result.completed),
        "rss": (result.resources.rss_mb, 1),
        "cpu": (result.resources.cpu_percent, 1),
    }[metric]


def _broken_figure(
    bound: Bound, measurement: Measurement, result: LoadResult, metric: str, stalled: float
) -> Verdict:
    state, reason = State.BROKEN, ""
    if metric == "error_rate" and bound.op in UPPER and bound.holds(result.error_rate_interval[0] * 100):
        low, high = (100 * end for end in result.error_rate_interval)
        state, reason = State.FEW, f"the 95 % interval {low:.2f} to {high:.2f} % contains the bound"
    elif metric in ("achieved", "throughput") and stalled > STALLED_SHARE:
        state, reason = State.NOISY, f"the machine stood still for {stalled:.1%} of the time"
    return Verdict(name=bound.name, state=state, bound=bound, measurement=measurement, reason=reason)


def _judge_latency(bound: Bound, meter: StreamMeter, kind: str, figure: str, stalled: float) -> Verdict:
    histogram = meter.latency if kind == "latency" else meter.service
    without = meter.punctual if kind == "latency" else meter.service
    percentile = PERCENTILES.get(figure, 100.0)
    if not histogram.samples:
        return Verdict(name=bound.name, state=State.FEW, bound=bound, reason="nothing was completed")
    if figure != "max" and not supported(percentile, histogram.samples):
        return _judge_few(bound, histogram, without, percentile, stalled)
    measurement = _measured(bound, histogram, percentile)
    if bound.holds(measurement.value):
        return Verdict(name=bound.name, state=State.HELD, bound=bound, measurement=measurement)
    state, reason = _blame(bound, without, percentile, stalled)
    return Verdict(name=bound.name, state=state, bound=bound, measurement=measurement, reason=reason)


def _measured(bound: Bound, histogram: LatencyHistogram, percentile: float) -> Measurement:
    value = histogram.at_ms(percentile)
    return Measurement(name=bound.name, value=value, unit=bound.unit, samples=histogram.samples)


def _blame(bound: Bound, without: LatencyHistogram, percentile: float, stalled: float) -> tuple[State, str]:
    """Return whether the system broke the bound, or somebody else did."""
    if bound.op in UPPER and bound.holds(without.at_ms(percentile)):
        return State.NOISY, "kept without the generator's own lateness"
    if stalled > STALLED_SHARE:
        return State.NOISY, f"the machine stood still for {stalled:.1%} of the time"
    return State.BROKEN, ""


def _judge_few(
    bound: Bound, histogram: LatencyHistogram, without: LatencyHistogram, percentile: float, stalled: float
) -> Verdict:
    """Judge a percentile without enough samples: by the maximum if that keeps the bound, which is more.

    And by the highest percentile that has enough, if even that one is beyond it.
    """
    longest = _measured(bound, histogram, 100.0)
    if bound.op in UPPER and bound.holds(longest.value):
        text = f"held by the maximum of {histogram.samples} samples"
        return Verdict(name=bound.name, state=State.HELD, bound=bound, measurement=longest, reason=text)
    known = [p for p in PERCENTILES.values() if p < percentile and supported(p, histogram.samples)]
    if known and bound.op in UPPER and not bound.holds(histogram.at_ms(known[-1])):
        state, reason = _blame(bound, without, known[-1], stalled)
        measurement = _measured(bound, histogram, known[-1])
        reason = reason or f"even p{known[-1]:g} is beyond it"
        return Verdict(name=bound.name, state=state, bound=bound, measurement=measurement, reason=reason)
    text = f"{histogram.samples} samples are too few"
    return Verdict(name=bound.name, state=State.FEW, bound=bound, reason=text)
