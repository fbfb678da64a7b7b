"""The load of two runs held against each other, level by level and stream by stream."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from certify.model.comparison import FigureChange
from certify.model.results import LoadPoint, LoadResult
from certify.store import noise
from certify.store.noise import Samples

QUANTILES = {"p50": 0.5, "p99": 0.99}
LEAST_SHARE_ACHIEVED = 0.05
SAME_RATE = 0.05
"""What was offered is counted, and arrivals may be random."""
Loads = Mapping[tuple[str, str], LoadResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Level:
    """One level of one run with its samples."""

    load: LoadResult
    samples: Samples

    def seconds(self, value: Callable[[LoadPoint], float | None]) -> list[float]:
        """Return a figure of every interval that has one."""
        return [found for point in self.load.points if (found := value(point)) is not None]


def why_not(before: LoadResult, after: LoadResult) -> str | None:
    """Return why the figures of a level cannot be held against each other; `None`: they can."""
    for when, load in (("before", before), ("after", after)):
        if load.generator.limited:
            return f"the load generator could not hold its plan {when}"
        if not load.completed:
            return f"nothing was answered {when}"
    if not math.isclose(before.offered_per_s, after.offered_per_s, rel_tol=SAME_RATE):
        return f"{before.offered_per_s:g}/s were offered before, {after.offered_per_s:g}/s after"
    seconds = min(len(before.points), len(after.points))
    if seconds < noise.LEAST_SECONDS:
        return f"{seconds} intervals were measured, {noise.LEAST_SECONDS} are needed to tell noise"
    return None


def figures(before: LoadResult, after: LoadResult) -> Iterator[FigureChange]:
    """Yield each figure of a level that got worse beyond noise; exchange the two for what got better.

    Raises:
        EvidenceError: a recorded histogram is damaged.
    """
    old, new = (_Level(load=load, samples=noise.decoded(load.histogram)) for load in (before, after))
    for name, quantile in QUANTILES.items():
        yield from _slower(old, new, name, quantile)
    yield from _less_achieved(old, new)
    if before.error_rate_interval[1] < after.error_rate_interval[0]:
        yield FigureChange(
            level=after.level,
            stream=after.stream,
            metric="error_rate",
            unit="%",
            before=before.error_rate * 100,
            after=after.error_rate * 100,
            before_interval=_percent(before.error_rate_interval),
            after_interval=_percent(after.error_rate_interval),
            p_value=None,
        )


def _percent(interval: tuple[float, float]) -> tuple[float, float]:
    return interval[0] * 100, interval[1] * 100


def _slower(old: _Level, new: _Level, name: str, quantile: float) -> Iterator[FigureChange]:
    was: float | None = getattr(old.load.latency_ms, name)
    now: float | None = getattr(new.load.latency_ms, name)
    if was is None or now is None or not noise.matters(was, now):
        return
    intervals = tuple(noise.quantile_interval(level.samples, quantile) for level in (old, new))
    p_value = noise.higher(*(level.seconds(lambda p: getattr(p, f"{name}_ms")) for level in (old, new)))
    if noise.apart(*intervals) and p_value is not None and p_value < noise.LARGEST_P:
        yield FigureChange(
            level=new.load.level,
            stream=new.load.stream,
            metric=f"latency.{name}",
            unit="ms",
            before=was,
            after=now,
            before_interval=intervals[0],
            after_interval=intervals[1],
            p_value=p_value,
        )


def _less_achieved(old: _Level, new: _Level) -> Iterator[FigureChange]:
    was, now = old.load.achieved_per_s, new.load.achieved_per_s
    if was - now < LEAST_SHARE_ACHIEVED * was:
        return
    p_value = noise.higher(*(level.seconds(lambda p: p.achieved_per_s) for level in (new, old)))
    if p_value is not None and p_value < noise.LARGEST_P:
        yield FigureChange(
            level=new.load.level,
            stream=new.load.stream,
            metric="achieved",
            unit="1/s",
            before=was,
            after=now,
            before_interval=None,
            after_interval=None,
            p_value=p_value,
        )
