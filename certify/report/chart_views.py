"""Load results → charts: what to draw, what it finds in words, and the same figures as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from certify.model.measure import OPERATORS
from certify.model.results import LoadPoint, LoadResult
from certify.profile.model import Threshold
from certify.report import words
from certify.report.views import ChartView, Line, Series, Table

PERCENTILES = ("p50", "p90", "p99")
MOST_POINTS = 300
"""Points of a chart over time; more are put together, the highest of each group is kept."""

Loads = tuple[LoadResult, ...]


def charts(loads: Loads, thresholds: tuple[Threshold, ...]) -> tuple[ChartView, ...]:
    """Return every chart that the results have figures for."""
    streams = tuple(dict.fromkeys(load.stream for load in loads))
    made: list[ChartView | None] = []
    for make in (_throughput, _latency, _errors):
        for stream in streams:
            mine = tuple(load for load in loads if load.stream == stream)
            made.append(make(stream, mine, tuple(t for t in thresholds if t.stream == stream)))
    made += [
        _over_time("memory", "Memory", "MB", loads, lambda point: point.rss_mb),
        _over_time("cpu", "CPU", "%", loads, lambda point: point.cpu_percent),
    ]
    return tuple(chart for chart in made if chart is not None)


def _name(stream: str) -> str:
    return words.STREAM_TITLES.get(stream, stream)


def _lines(limits: tuple[Threshold, ...], metric: str, label: str = "") -> tuple[Line, ...]:
    return tuple(
        Line(
            label=f"{label}{words.OPERATORS.get(t.op, t.op)} {words.figure(t.value, t.unit)}",
            value=t.value,
            category=t.level,
        )
        for t in limits
        if t.metric == metric
    )


def _judged(loads: Loads, values: list[float | None]) -> dict[str, float | None]:
    """Return level → value, `None` where the generator bounded the load: that judges nobody."""
    pairs = zip(loads, values, strict=True)
    return {load.level: None if load.generator.limited else value for load, value in pairs}


def _verdict_on(
    lines: tuple[Line, ...], limits: tuple[Threshold, ...], values: dict[str, float | None]
) -> str:
    """Say for each limit where it was broken, or that it was kept."""
    if not lines:
        return "No limit was set."
    texts = []
    for line, limit in zip(lines, limits, strict=True):
        meant = {level: v for level, v in values.items() if line.category in (None, level)}
        held_to = {level: v for level, v in meant.items() if v is not None}
        unjudged = words.listed([level for level in meant if level not in held_to])
        broken = [level for level, v in held_to.items() if not OPERATORS[limit.op](v, limit.value)]
        where = f" at {line.category}" if line.category else ""
        at = "" if line.category else f" at {words.listed(broken)}"
        if not held_to:
            texts.append(f"The limit {line.label}{where} could not be judged.")
        elif broken:
            texts.append(f"The limit {line.label}{where} is broken{at}.")
        else:
            but = f", but could not be judged at {unjudged}" if unjudged else ""
            texts.append(f"The limit {line.label}{where} is kept{but}.")
    return " ".join(texts)


def _throughput(stream: str, loads: Loads, limits: tuple[Threshold, ...]) -> ChartView:
    shares = {load.level: load.achieved_per_s / load.offered_per_s for load in loads if load.offered_per_s}
    least = min(loads, key=lambda load: shares.get(load.level, 1.0))
    mine = tuple(t for t in limits if t.metric in ("achieved", "throughput"))
    lines = tuple(line for t in mine for line in _lines((t,), t.metric))
    rate = words.number(round(100 * shares.get(least.level, 1.0), 1))
    finding = (
        f"The lowest share of the offered load completed without error is {rate} %, at {least.level}: "
        f"{words.figure(least.achieved_per_s, '1/s')} of {words.figure(least.offered_per_s, '1/s')}. "
        + _verdict_on(lines, mine, _judged(loads, [load.achieved_per_s for load in loads]))
    )
    levels = tuple(load.level for load in loads)
    series = (
        Series(name="offered", values=tuple(load.offered_per_s for load in loads)),
        Series(name="achieved", values=tuple(load.achieved_per_s for load in loads)),
    )
    return ChartView(
        id=f"throughput-{stream}".replace("_", "-"),
        kind="bars",
        title=f"Throughput, {_name(stream)}",
        finding=finding,
        axis="calls per second",
        categories=levels,
        series=series,
        table=_table(levels, series, "1/s"),
        lines=lines,
    )


def _table(levels: tuple[str, ...], series: tuple[Series, ...], unit: str) -> Table:
    def cell(value: float | None) -> str:
        return "not enough samples" if value is None else words.figure(value, unit)

    rows = tuple((level, *(cell(one.values[index]) for one in series)) for index, level in enumerate(levels))
    return Table(title="Figures of this chart", columns=("Level", *(one.name for one in series)), rows=rows)


def _latency(stream: str, loads: Loads, limits: tuple[Threshold, ...]) -> ChartView | None:
    if all(load.latency_ms.p50 is None for load in loads):
        return None
    levels = tuple(load.level for load in loads)
    series = tuple(
        Series(name=name, values=tuple(getattr(load.latency_ms, name) for load in loads))
        for name in PERCENTILES
    )
    pairs = [
        (line, t)
        for name in PERCENTILES
        for t in limits
        if t.metric == f"latency.{name}"
        for line in _lines((t,), t.metric, f"{name} ")
    ]
    lines = tuple(line for line, _ in pairs)
    p99 = dict(zip(levels, series[-1].values, strict=True))
    judged = " ".join(
        _verdict_on(
            (line,),
            (t,),
            _judged(loads, [getattr(load.latency_ms, t.metric.partition(".")[2]) for load in loads]),
        )
        for line, t in pairs
    )
    return ChartView(
        id=f"latency-{stream}".replace("_", "-"),
        kind="levels",
        title=f"Response time, {_name(stream)}",
        finding=f"{_course('The 99th percentile', p99, 'ms')} {judged or 'No limit was set.'}",
        axis="milliseconds, logarithmic",
        categories=levels,
        series=series,
        table=_table(levels, series, "ms"),
        lines=lines,
    )


def _course(what: str, values: dict[str, float | None], unit: str) -> str:
    """Say how a figure goes over the levels: all of few, the ends and the highest of many."""
    known = {level: value for level, value in values.items() if value is not None}
    if not known:
        return f"{what} cannot be given: not enough samples."
    if len(known) <= 4:
        parts = [f"{words.figure(value, unit)} at {level}" for level, value in known.items()]
        missing = [level for level in values if level not in known]
        gap = f"; not enough samples at {words.listed(missing)}" if missing else ""
        return f"{what} is {words.listed(parts)}{gap}."
    highest = max(known, key=lambda level: known[level])
    first = next(iter(known))
    return (
        f"{what} is {words.figure(known[first], unit)} at {first} and at most "
        f"{words.figure(known[highest], unit)}, at {highest}."
    )


def _errors(stream: str, loads: Loads, limits: tuple[Threshold, ...]) -> ChartView | None:
    mine = tuple(load for load in loads if load.sent)
    if not mine:
        return None
    levels = tuple(load.level for load in mine)
    series = Series(
        name="error rate",
        values=tuple(load.error_rate * 100 for load in mine),
        low=tuple(load.error_rate_interval[0] * 100 for load in mine),
        high=tuple(load.error_rate_interval[1] * 100 for load in mine),
    )
    rated = tuple(t for t in limits if t.metric == "error_rate")
    lines = _lines(rated, "error_rate")
    values = dict(zip(levels, series.values, strict=True))
    judged = _verdict_on(lines, rated, _judged(mine, list(series.values)))
    return ChartView(
        id=f"errors-{stream}".replace("_", "-"),
        kind="intervals",
        title=f"Error rate, {_name(stream)}",
        finding=f"{_course('The error rate', values, '%')} {judged}",
        axis="percent, with 95 % interval",
        categories=levels,
        series=(series,),
        table=_interval_table(levels, series),
        lines=lines,
    )


def _interval_table(levels: tuple[str, ...], series: Series) -> Table:
    rows = tuple(
        (
            level,
            *(words.figure(values[index] or 0.0, "%") for values in (series.values, series.low, series.high)),
        )
        for index, level in enumerate(levels)
    )
    return Table(
        title="Figures of this chart", columns=("Level", "Error rate", "at least", "at most"), rows=rows
    )


Pick = Callable[[LoadPoint], float | None]
Stretch = tuple[str, list[tuple[float, float]]]


def _over_time(key: str, title: str, unit: str, loads: Loads, pick: Pick) -> ChartView | None:
    stretches = list(_stretches(loads, pick))
    if not stretches:
        return None
    times: list[float] = []
    values: list[float | None] = []
    starts: list[float] = []
    clock = 0.0
    for _, points in stretches:
        starts.append(clock)
        grouped = _thinned(points, max(2, MOST_POINTS // len(stretches)))
        times += [clock + at for at, _ in grouped]
        values += [value for _, value in grouped]
        clock += points[-1][0]
    return ChartView(
        id=key,
        kind="time",
        title=f"{title} of the system's process",
        finding=_drift(title, unit, stretches, clock),
        axis="megabytes" if unit == "MB" else "percent of one core",
        categories=tuple(level for level, _ in stretches),
        series=(Series(name=title, values=tuple(values)),),
        table=_time_table(stretches, unit),
        times=tuple(times),
        starts=tuple(starts),
    )


def _stretches(loads: Loads, pick: Pick) -> Iterator[Stretch]:
    """Yield each level with its points; one process serves every stream, so one stream is enough."""
    for level in dict.fromkeys(load.level for load in loads):
        for load in loads:
            found = [
                (p.at_s, value) for p in load.points if load.level == level and (value := pick(p)) is not None
            ]
            if found:
                yield level, found
                break


def _thinned(points: list[tuple[float, float]], most: int) -> list[tuple[float, float]]:
    size = -(-len(points) // most)
    groups = (points[start : start + size] for start in range(0, len(points), size))
    return [max(group, key=lambda point: point[1]) for group in groups]


def _drift(title: str, unit: str, stretches: list[Stretch], length_s: float) -> str:
    first, last = stretches[0][1][0][1], stretches[-1][1][-1][1]
    level, (_, highest) = max(
        ((level, max(points, key=lambda p: p[1])) for level, points in stretches),
        key=lambda found: found[1][1],
    )
    return (
        f"{title} is {words.figure(first, unit)} at the start and {words.figure(last, unit)} after "
        f"{words.took(length_s * 1000)} of load ({_signed(last - first)} {unit}); "
        f"the highest is {words.figure(highest, unit)}, at {level}."
    )


def _signed(value: float) -> str:
    return f"{value:+,.1f}".replace("-", "−")


def _time_table(stretches: list[Stretch], unit: str) -> Table:
    rows = tuple(
        (level, *(words.figure(value, unit) for value in (pts[0][1], pts[-1][1], max(v for _, v in pts))))
        for level, pts in stretches
    )
    return Table(title="Figures of this chart", columns=("Level", "first", "last", "highest"), rows=rows)
