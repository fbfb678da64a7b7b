"""Does it keep up: throughput, thresholds, errors."""

from __future__ import annotations

from certify.model.measure import Bound, Measurement, broken_bounds
from certify.model.results import LoadResult
from certify.phases.api import Finding, Unmeasurable, bounded, check, failed, inconclusive
from certify.phases.performance import cards
from certify.phases.performance.judge import (
    RATE_AS,
    State,
    Verdict,
    answered_per_s,
    answered_share,
    judge_level,
)
from certify.phases.performance.levels import LevelRun, LoadRun, load_of
from certify.phases.trial import Trial

RATES = {"orders": "orders_per_s", "market_data": "market_data_per_s"}


@check(cards.ORDERS_LEVELS)
def orders_levels(trial: Trial) -> Finding:
    """Hold the rate of answers to the rate of orders."""
    return _carried(trial, "orders")


@check(cards.MARKET_DATA_LEVELS)
def market_data_levels(trial: Trial) -> Finding:
    """Hold the rate of quotes shown to the rate injected."""
    return _carried(trial, "market_data")


def runs_of(load: LoadRun, stream: str) -> list[tuple[LevelRun, LoadResult]]:
    """Return every level that drove a stream, with its result; raises `Unmeasurable` when none did."""
    found = [(run, run.results[stream]) for run in load.levels if stream in run.results]
    if not found:
        raise Unmeasurable(f"the profile has no level with {stream.replace('_', ' ')}")
    return found


def fit_runs(load: LoadRun, stream: str) -> tuple[list[tuple[LevelRun, LoadResult]], str]:
    """Return the levels that were offered as planned, and the names of those that were not."""
    runs = runs_of(load, stream)
    limited = [run.level.name for run, result in runs if result.generator.limited]
    return [(run, result) for run, result in runs if not result.generator.limited], ", ".join(limited)


def unless_limited(finding: Finding, limited: str) -> Finding:
    """Return the finding, or inconclusive where it passed but some levels were not offered as planned."""
    if not limited or finding.outcome.value == "failed":
        return finding
    text = f"{finding.message}; the generator could not hold {limited}"
    return inconclusive(text, *finding.measurements)


def unless_noisy(finding: Finding, runs: list[LevelRun], percentile: float) -> Finding:
    """Return the finding, or inconclusive where it failed at a level that the machine may have spoilt.

    `percentile` says how much of the level must have been spoilt for that, see `Noise.explains`.
    """
    broken = [bound.name for bound, _ in broken_bounds(finding.measurements, finding.limits)]
    at_fault = [run for run in runs if any(name.startswith(f"{run.level.name}.") for name in broken)]
    guilty = [run for run in at_fault if not run.noise.explains(percentile)]
    if not at_fault or guilty:
        return finding
    return inconclusive(f"{finding.message}; {at_fault[0].noise}", *finding.measurements)


def _carried(trial: Trial, stream: str) -> Finding:
    runs, limited = fit_runs(load_of(trial), stream)
    least = trial.number("min_share")
    figures, limits = [], []
    for run, result in runs:
        name = f"{run.level.name}.{stream}.answered_share"
        share = 100 * answered_share(result)
        samples = result.completed + result.errors
        figures.append(Measurement(name=name, value=share, unit="%", samples=samples))
        limits.append(Bound(name=name, op=">=", value=least, unit="%"))
    rates = ", ".join(f"{run.level.name} {answered_per_s(result):.0f}/s" for run, result in runs)
    text = f"{stream.replace('_', ' ')} answered: {rates or 'at no level'}"
    finding = unless_noisy(bounded(text, tuple(figures), tuple(limits)), [run for run, _ in runs], RATE_AS)
    return unless_limited(finding, limited)


@check(cards.THRESHOLDS)
def thresholds(trial: Trial) -> Finding:
    """Hold the profile's thresholds to the figures."""
    wanted = trial.plan.performance.thresholds
    if not wanted:
        raise Unmeasurable("the profile has no thresholds")
    load = load_of(trial)
    verdicts = [
        verdict for run in load.levels for verdict in judge_level(wanted, run.level, run.streams, run.noise)
    ]
    figures = tuple(verdict.measurement for verdict in verdicts if verdict.measurement is not None)
    decided = tuple(v for v in verdicts if v.state in (State.HELD, State.BROKEN))
    limits = tuple(verdict.bound for verdict in decided)
    broken = [verdict for verdict in decided if verdict.state is State.BROKEN]
    if broken:
        return Finding(
            outcome=failed("").outcome,
            message="; ".join(_said(verdict) for verdict in broken),
            measurements=figures,
            limits=limits,
        )
    open_ones = _undecided(verdicts)
    if open_ones:
        return inconclusive("; ".join(_said(verdict) for verdict in open_ones), *figures)
    measured = tuple(verdict.measurement for verdict in decided if verdict.measurement is not None)
    text = f"{len(wanted)} thresholds kept over {len(load.levels)} levels"
    few = [verdict.name for verdict in verdicts if verdict.state is State.FEW]
    if few:
        text += f" (too few samples for {', '.join(few)}; decided at the other levels)"
    return bounded(text, measured, limits)


def _said(verdict: Verdict) -> str:
    was = f"was {verdict.measurement.value:g}" if verdict.measurement else "was not measured"
    return f"expected {verdict.bound}, {was}" + (f" ({verdict.reason})" if verdict.reason else "")


def _undecided(verdicts: list[Verdict]) -> list[Verdict]:
    """Return what leaves the check open.

    A threshold that holds at each level and has too few samples at one is decided by the others.
    """
    decided = {_without_level(v) for v in verdicts if v.state is State.HELD}
    return [
        verdict
        for verdict in verdicts
        if verdict.state in (State.NOISY, State.MISSING)
        or (verdict.state is State.FEW and _without_level(verdict) not in decided)
    ]


def _without_level(verdict: Verdict) -> tuple[str, str, float]:
    return verdict.name.partition(".")[2], verdict.bound.op, verdict.bound.value


@check(cards.ERROR_RATE)
def error_rate(trial: Trial) -> Finding:
    """Hold the lower end of the error rate's interval to the limit."""
    load = load_of(trial)
    figures, limits, classes = [], [], []
    for stream in RATES:
        most = max(trial.number("max_rate"), _loosest(trial, stream))
        for run in load.levels:
            result = run.results.get(stream)
            if result is None:
                continue
            name, samples = f"{run.level.name}.{stream}.error_rate_low", result.completed + result.errors
            low = 100 * result.error_rate_interval[0]
            figures.append(Measurement(name=name, value=low, unit="%", samples=samples))
            limits.append(Bound(name=name, op="<=", value=most, unit="%"))
            classes += [
                f"{run.level.name}.{stream} {count} {what}" for what, count in result.error_classes.items()
            ]
    text = f"errors: {', '.join(classes) if classes else 'none'}"
    return bounded(text, tuple(figures), tuple(limits))


def _loosest(trial: Trial, stream: str) -> float:
    """Return the profile's own bound on the error rate of a stream; 0 without one."""
    bounds = [
        threshold.value
        for threshold in trial.plan.performance.thresholds
        if (threshold.stream, threshold.metric) == (stream, "error_rate") and threshold.op in ("<", "<=")
    ]
    return max(bounds, default=0.0)
