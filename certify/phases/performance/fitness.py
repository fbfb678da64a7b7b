"""Checks of the tool itself: what the harness adds, and whether the load was offered as planned."""

from __future__ import annotations

from certify.load.statistics import supported
from certify.model.measure import Bound, Measurement
from certify.phases.api import Finding, Unmeasurable, check, inconclusive, passed
from certify.phases.performance import cards
from certify.phases.performance.levels import LevelRun, load_of
from certify.phases.performance.null import measure_harness
from certify.phases.trial import Trial

NULL_ATTEMPTS = 3


@check(cards.NULL_TEST)
def null_test(trial: Trial) -> Finding:
    """Measure the harness around an empty system."""
    levels = [level for level in trial.plan.performance.loads if level.orders_per_s]
    if not levels:
        raise Unmeasurable("the profile has no level with orders")
    heaviest = max(levels, key=lambda level: level.orders_per_s)
    limit_ms = trial.seconds("max_p50") * 1000

    def check_stop() -> None:
        trial.session("system").inbox.wait(lambda: None, 0.0)

    for attempt in range(1, NULL_ATTEMPTS + 1):
        meter = measure_harness(heaviest, trial.seconds("duration"), check_stop, trial.plan.seed)
        p50 = meter.latency.at_ms(50.0)
        if p50 <= limit_ms and meter.completed:
            break
        trial.note(f"null test, attempt {attempt}: the median of an empty system was {p50:.1f} ms")
    samples = meter.latency.samples
    figures = [Measurement(name="null_p50", value=p50, unit="ms", samples=samples)]
    if supported(99.0, samples):
        figures.append(
            Measurement(name="null_p99", value=meter.latency.at_ms(99.0), unit="ms", samples=samples)
        )
    figures.append(Measurement(name="null_max", value=meter.latency.at_ms(100.0), unit="ms", samples=samples))
    text = f"an empty system at {heaviest.orders_per_s:g} orders/s: median {p50:.2f} ms over {samples} orders"
    if not samples or p50 > limit_ms:
        return inconclusive(f"{text}, expected at most {limit_ms:g} ms of the harness itself", *figures)
    found = passed(text, *figures)
    bound = Bound(name="null_p50", op="<=", value=limit_ms, unit="ms")
    return Finding(outcome=found.outcome, message=text, measurements=found.measurements, limits=(bound,))


@check(cards.GENERATOR_FIT)
def generator_fit(trial: Trial) -> Finding:
    """Look at the generator's own lateness."""
    load = load_of(trial)
    figures = tuple(figure for run in load.levels for figure in _lateness(run))
    limited = [
        f"{run.level.name}.{name} (late p99 {result.generator.late_p99_ms:.0f} ms, "
        f"{result.generator.dropped} dropped, {run.attempts} attempts)"
        for run in load.levels
        for name, result in run.results.items()
        if result.generator.limited
    ]
    if limited:
        return inconclusive(f"the generator could not hold its plan: {', '.join(limited)}", *figures)
    return passed(f"{len(load.levels)} levels were offered as planned", *figures)


def _lateness(run: LevelRun) -> list[Measurement]:
    return [
        Measurement(
            name=f"{run.level.name}.{name}.late_p99",
            value=result.generator.late_p99_ms,
            unit="ms",
            samples=run.streams[name].meter.late.samples,
        )
        for name, result in run.results.items()
    ]
