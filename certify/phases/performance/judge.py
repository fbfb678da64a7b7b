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

from certify.load.fitness import Noise
from certify.load.meter import StreamMeter
from certify.load.statistics import PERCENTILES, LatencyHistogram, supported
from certify.model.measure import Bound, Measurement
from certify.model.results import LoadResult
from certify.profile.model import LoadLevel, Threshold

UPPER = ("<", "<=")
REFUSALS = ("venue_reject", "broker_reject", "risk_refusal", "engine_refusal")
"""Errors that are answers: the request was carried to the end, and refused."""
QUICKEST = 10.0
"""The quickest tenth: where even that is too slow, only a machine that is mostly away explains it."""
RATE_AS = 90.0
"""A rate falls short when a tenth of the work is not done: to be explained as a p90 is."""
USUAL_SHARE, USUAL_GROWTH, USUAL_SLACK_MS = 0.9, 3.0, 5.0
"""As the parameters of the cards have it: worse than this is worth another attempt on a noisy machine."""


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
    thresholds: Sequence[Threshold], level: LoadLevel, streams: dict[str, StreamRun], noise: Noise
) -> list[Verdict]:
    """Return a verdict for every threshold that concerns this level."""
    return [
        _judge(threshold, level, streams.get(threshold.stream), noise)
        for threshold in thresholds
        if threshold.level in (None, level.name) and _has_stream(level, threshold)
    ]


def _has_stream(level: LoadLevel, threshold: Threshold) -> bool:
    """A threshold for every level asks nothing of one that leaves the stream out."""
    rate = level.orders_per_s if threshold.stream == "orders" else level.market_data_per_s
    return rate > 0 or threshold.level is not None


def worth_repeating(streams: dict[str, StreamRun], verdicts: Sequence[Verdict], noise: Noise) -> bool:
    """Return whether the generator or the machine spoilt a level."""
    limited = any(run.result.generator.limited for run in streams.values())
    if limited or any(verdict.noisy for verdict in verdicts):
        return True
    slow = noise.explains(RATE_AS) and any(
        answered_share(run.result) < USUAL_SHARE for run in streams.values()
    )
    return slow or (noise.explains(50.0) and any(grown(run.meter) for run in streams.values()))


def answered_share(result: LoadResult) -> float:
    """Return completed and refused requests per second as a share of what was offered."""
    return answered_per_s(result) / result.offered_per_s if result.offered_per_s else 0.0


def answered_per_s(result: LoadResult) -> float:
    """Return completed and refused requests per second of the time until the last was completed."""
    answers = result.completed + sum(result.error_classes.get(name, 0) for name in REFUSALS)
    if not result.completed:
        return answers / result.duration_s
    return answers * result.achieved_per_s / result.completed


def grown(meter: StreamMeter, growth: float = USUAL_GROWTH, slack_ms: float = USUAL_SLACK_MS) -> bool:
    """Return whether the last third of a level took much longer than the first."""
    return meter.last.at_ms(50.0) > growth * meter.first.at_ms(50.0) + slack_ms


def _judge(threshold: Threshold, level: LoadLevel, run: StreamRun | None, noise: Noise) -> Verdict:
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
        return _judge_latency(bound, run.meter, kind, figure, noise)
    value, samples = _figure(run.result, threshold.metric)
    measurement = Measurement(name=name, value=value, unit=threshold.unit, samples=samples)
    if bound.holds(value):
        return Verdict(name=name, state=State.HELD, bound=bound, measurement=measurement)
    return _broken_figure(bound, measurement, run.result, threshold.metric, noise)


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
    bound: Bound, measurement: Measurement, result: LoadResult, metric: str, noise: Noise
) -> Verdict:
    state, reason = State.BROKEN, ""
    if metric == "error_rate" and bound.op in UPPER and bound.holds(result.error_rate_interval[0] * 100):
        low, high = (100 * end for end in result.error_rate_interval)
        state, reason = State.FEW, f"the 95 % interval {low:.2f} to {high:.2f} % contains the bound"
    elif metric in ("achieved", "throughput") and noise.explains(RATE_AS):
        state, reason = State.NOISY, str(noise)
    return Verdict(name=bound.name, state=state, bound=bound, measurement=measurement, reason=reason)


def _judge_latency(bound: Bound, meter: StreamMeter, kind: str, figure: str, noise: Noise) -> Verdict:
    histogram = meter.latency if kind == "latency" else meter.service
    without = meter.punctual if kind == "latency" else meter.service
    percentile = PERCENTILES.get(figure, 100.0)
    if not histogram.samples:
        return Verdict(name=bound.name, state=State.FEW, bound=bound, reason="nothing was completed")
    if figure != "max" and not supported(percentile, histogram.samples):
        return _judge_few(bound, histogram, without, percentile, noise)
    measurement = _measured(bound, histogram, percentile)
    if bound.holds(measurement.value):
        return Verdict(name=bound.name, state=State.HELD, bound=bound, measurement=measurement)
    state, reason = _blame(bound, without, percentile, noise)
    return Verdict(name=bound.name, state=state, bound=bound, measurement=measurement, reason=reason)


def _measured(bound: Bound, histogram: LatencyHistogram, percentile: float) -> Measurement:
    value = histogram.at_ms(percentile)
    return Measurement(name=bound.name, value=value, unit=bound.unit, samples=histogram.samples)


def _blame(bound: Bound, without: LatencyHistogram, percentile: float, noise: Noise) -> tuple[State, str]:
    """Return whether the system broke the bound, or somebody else did."""
    if bound.op in UPPER and bound.holds(without.at_ms(percentile)):
        return State.NOISY, "kept without the generator's own lateness"
    least = percentile if bound.holds(without.at_ms(QUICKEST)) else QUICKEST
    if noise.explains(least):
        return State.NOISY, str(noise)
    return State.BROKEN, ""


def _judge_few(
    bound: Bound, histogram: LatencyHistogram, without: LatencyHistogram, percentile: float, noise: Noise
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
        state, reason = _blame(bound, without, known[-1], noise)
        measurement = _measured(bound, histogram, known[-1])
        reason = reason or f"even p{known[-1]:g} is beyond it"
        return Verdict(name=bound.name, state=state, bound=bound, measurement=measurement, reason=reason)
    text = f"{histogram.samples} samples are too few"
    return Verdict(name=bound.name, state=State.FEW, bound=bound, reason=text)
