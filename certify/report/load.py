"""The load section: tables, thresholds and charts with the finding of each in words."""

from __future__ import annotations

from certify.model.ids import Assurance
from certify.model.measure import OPERATORS
from certify.model.results import LoadResult, Percentiles
from certify.profile.model import Threshold
from certify.report import chart_views, words
from certify.report.checks import BROKEN, KEPT, UNKNOWN
from certify.report.views import LoadView, Mark, Table, ThresholdView

TOO_FEW = "not enough samples"


def load_view(loads: tuple[LoadResult, ...], thresholds: tuple[Threshold, ...]) -> LoadView | None:
    """Return the load section, `None` when no load was measured."""
    if not loads:
        return None
    return LoadView(
        summary=_summary(loads),
        tables=(_main_table(loads), _latency_table(loads), _fitness_table(loads)),
        thresholds=tuple(_threshold(t, load) for t in thresholds for load in loads if applies(t, load)),
        charts=chart_views.charts(loads, thresholds),
    )


def applies(threshold: Threshold, load: LoadResult) -> bool:
    """Return whether a threshold is about this stream at this level."""
    return threshold.stream == load.stream and threshold.level in (None, load.level)


def measured(load: LoadResult, metric: str) -> tuple[float | None, str]:
    """Return the figure that a threshold's metric names, with its unit; `None`: not enough samples."""
    kind, _, percentile = metric.partition(".")
    if kind in ("latency", "service"):
        found: Percentiles = load.latency_ms if kind == "latency" else load.service_ms
        value = getattr(found, percentile, None)
        return (value if isinstance(value, int | float) else None), "ms"
    figures: dict[str, tuple[float | None, str]] = {
        "error_rate": (load.error_rate * 100 if load.sent else None, "%"),
        "achieved": (load.achieved_per_s, "1/s"),
        "throughput": (load.achieved_per_s, "1/s"),
        "rss": (load.resources.rss_mb or None, "MB"),
        "cpu": (load.resources.cpu_percent, "%"),
    }
    return figures.get(metric, (None, ""))


def place(load: LoadResult) -> str:
    """Return where a load was measured: `heavy, orders`."""
    return f"{load.level}, {words.STREAM_TITLES.get(load.stream, load.stream)}"


def _threshold(threshold: Threshold, load: LoadResult) -> ThresholdView:
    value, unit = measured(load, threshold.metric)
    text = TOO_FEW if value is None else words.figure_beside(value, unit, threshold.value)
    return ThresholdView(
        text=threshold.text, level=place(load), measured=text, kept=_kept(threshold, load, value)
    )


def _kept(threshold: Threshold, load: LoadResult, value: float | None) -> Mark:
    if load.generator.limited:
        return Mark(key=UNKNOWN.key, sign=UNKNOWN.sign, words="not judged: generator limited")
    if value is None:
        return UNKNOWN
    return KEPT if OPERATORS[threshold.op](value, threshold.value) else BROKEN


def _summary(loads: tuple[LoadResult, ...]) -> tuple[str, ...]:
    levels = list(dict.fromkeys(load.level for load in loads))
    texts = [
        f"{words.count(len(levels), 'level').capitalize()} of load ({words.listed(levels)}), "
        f"{words.count(sum(load.sent for load in loads), 'call')} sent on a fixed plan. Response time counts "
        "from the planned time of a call, so a system that stalls cannot hide it; warm-up is left out.",
    ]
    limited = [place(load) for load in loads if load.generator.limited]
    if limited:
        texts.append(
            f"The load generator itself could not hold its plan at {words.listed(limited)}: "
            "what was measured there judges neither for nor against the system."
        )
    if all(load.assurance is Assurance.SIMULATED for load in loads):
        texts.append(
            "The load ran against a simulated venue: its latency and errors are the simulation's too."
        )
    return tuple(texts)


def error_rate(load: LoadResult) -> str:
    """Return the error rate with its 95 % interval; the rate of nothing is no rate."""
    if not load.sent:
        return "nothing sent"
    low, high = (words.number(bound * 100) for bound in load.error_rate_interval)
    return f"{words.figure(load.error_rate * 100, '%')} ({low} to {high} %)"


def latency(value: float | None) -> str:
    """Return a percentile in milliseconds, or that there were not enough samples for it."""
    return TOO_FEW if value is None else words.figure(value, "ms")


def _share(load: LoadResult) -> str:
    return (
        f"{words.number(round(100 * load.achieved_per_s / load.offered_per_s, 1))} %"
        if load.offered_per_s
        else ""
    )


def _main_table(loads: tuple[LoadResult, ...]) -> Table:
    rows = (
        (
            place(load),
            words.figure(load.offered_per_s, "1/s"),
            words.figure(load.achieved_per_s, "1/s"),
            _share(load),
            f"{load.sent:,}",
            f"{load.errors:,}",
            error_rate(load),
            _classes(load),
        )
        for load in loads
    )
    columns = (
        "Level",
        "Offered",
        "Achieved",
        "Share",
        "Sent",
        "Errors",
        "Error rate (95 % interval)",
        "Errors by class",
    )
    return Table(title="Throughput and errors", columns=columns, rows=tuple(rows))


def _classes(load: LoadResult) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in sorted(load.error_classes.items())) or "none"


def _latency_table(loads: tuple[LoadResult, ...]) -> Table:
    rows = tuple(
        (
            place(load),
            *(latency(getattr(load.latency_ms, name)) for name in ("p50", "p90", "p99", "p99_9", "max")),
            f"{load.latency_ms.samples:,}",
            latency(load.service_ms.p99),
        )
        for load in loads
    )
    columns = ("Level", "p50", "p90", "p99", "p99.9", "Highest", "Samples", "Service time p99")
    return Table(
        title="Response time, from the planned time of a call to its answer", columns=columns, rows=rows
    )


def _fitness_table(loads: tuple[LoadResult, ...]) -> Table:
    rows = tuple(
        (
            place(load),
            words.figure(load.generator.late_p99_ms, "ms"),
            f"{load.generator.dropped:,}",
            "no: the level is inconclusive" if load.generator.limited else "yes",
            f"{load.in_flight:,}",
            words.figure(load.resources.rss_mb, "MB") if load.resources.rss_mb else "not sampled",
            words.figure(load.resources.cpu_percent, "%") if load.resources.rss_mb else "not sampled",
            f"{load.resources.threads:,}" if load.resources.threads else "not sampled",
        )
        for load in loads
    )
    columns = (
        "Level",
        "Generator late, p99",
        "Dropped",
        "Plan held",
        "Unanswered",
        "Highest memory",
        "Highest CPU",
        "Most threads",
    )
    return Table(title="Fitness of the generator, resources of the system", columns=columns, rows=rows)
