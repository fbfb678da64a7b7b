"""Is what the load did right: nothing lost, no law broken, flat, stable, alive?"""

from __future__ import annotations

from certify.model.measure import Bound, Measurement
from certify.model.results import LoadResult
from certify.phases.api import Finding, bounded, check, failed, inconclusive, passed
from certify.phases.performance import cards
from certify.phases.performance.levels import LevelRun, load_of
from certify.phases.performance.rates import fit_runs, runs_of, unless_limited, unless_noisy
from certify.phases.trial import Trial

MIN_THIRD = 20
"""So many answers in a third of a level before its median says anything."""
NOISE_MB = 10.0
"""Growth that allocators and caches show by themselves."""


@check(cards.NO_LOST_ORDERS)
def no_lost_orders(trial: Trial) -> Finding:
    """Count orders without an answer."""
    return _none_lost(trial, "orders", "order")


@check(cards.KEEPS_UP)
def market_data_keeps_up(trial: Trial) -> Finding:
    """Count quotes that were never shown."""
    return _none_lost(trial, "market_data", "quote")


def _none_lost(trial: Trial, stream: str, what: str) -> Finding:
    runs = runs_of(load_of(trial), stream)
    figures, limits, planned = [], [], 0
    for run, _ in runs:
        account = run.streams[stream].account
        counts = account["counts"]
        planned += account["planned"]
        name = f"{run.level.name}.{stream}.unanswered"
        figures.append(
            Measurement(name=name, value=counts["timeout"], unit="count", samples=account["planned"])
        )
        limits.append(Bound(name=name, op="==", value=0, unit="count"))
    text = f"{planned} {what}s over {len(runs)} levels, warm-up included"
    return bounded(text, tuple(figures), tuple(limits))


@check(cards.ORDER_LAWS)
def order_laws(trial: Trial) -> Finding:
    """Look at what the ledger noted during the load."""
    load = load_of(trial)
    broken = [f"{run.level.name}: {text}" for run in load.levels for text in run.breaches]
    figure = Measurement(name="laws_broken", value=len(broken), unit="count", samples=load.orders)
    if broken:
        return failed(
            f"expected no broken law over {load.orders} orders, was {len(broken)}: {broken[0]}", figure
        )
    return passed(f"{load.orders} orders, none broke a law of order state", figure)


@check(cards.FLAT_AFTER_LOAD)
def flat_after_load(trial: Trial) -> Finding:
    """Look at positions and open orders after each level."""
    problems = []
    runs = runs_of(load_of(trial), "orders")
    for run, _ in runs:
        after, name = run.aftermath, run.level.name
        if after.problem:
            problems.append(f"{name}: {after.problem}")
        elif after.open_orders:
            problems.append(f"{name}: expected no open order of the load, was {after.open_orders}")
        elif after.ledger_position or after.system_position:
            problems.append(
                f"{name}: expected to be flat, was {after.ledger_position} by the fills and "
                f"{after.system_position} by the system's word"
            )
    if problems:
        return failed("; ".join(problems))
    return passed(f"flat and without open orders after each of {len(runs)} levels")


@check(cards.RECOVERS)
def recovers_after_load(trial: Trial) -> Finding:
    """Look at the order that was sent after each level."""
    figures, limits = [], []
    limit_ms = trial.seconds("within") * 1000
    for run, _ in runs_of(load_of(trial), "orders"):
        name, took_ms = f"{run.level.name}.canary", run.aftermath.canary_ms
        if took_ms is None:
            return failed(f"expected an answer to an order after level {run.level.name}, was silence")
        figures.append(Measurement(name=name, value=took_ms, unit="ms"))
        limits.append(Bound(name=name, op="<=", value=limit_ms, unit="ms"))
    runs = load_of(trial).levels
    return unless_noisy(bounded("answered after each level", tuple(figures), tuple(limits)), runs, 99.0)


@check(cards.LATENCY_STABLE)
def latency_stable(trial: Trial) -> Finding:
    """Compare the first and the last third of each level."""
    runs, limited = fit_runs(load_of(trial), "orders")
    growth, slack_ms = trial.number("max_growth"), trial.seconds("slack") * 1000
    figures, limits, texts = [], [], []
    for run, _ in runs:
        meter = run.streams["orders"].meter
        if min(meter.first.samples, meter.last.samples) < MIN_THIRD:
            continue
        first_ms, last_ms = meter.first.at_ms(50.0), meter.last.at_ms(50.0)
        name = f"{run.level.name}.orders.last_third_p50"
        figures.append(Measurement(name=name, value=last_ms, unit="ms", samples=meter.last.samples))
        limits.append(Bound(name=name, op="<=", value=growth * first_ms + slack_ms, unit="ms"))
        texts.append(f"{run.level.name} {first_ms:.1f} → {last_ms:.1f} ms")
    if not figures:
        return inconclusive(_why_few(runs, limited))
    text = f"medians of the first and the last third: {', '.join(texts)}"
    finding = unless_noisy(bounded(text, tuple(figures), tuple(limits)), [run for run, _ in runs], 50.0)
    return unless_limited(finding, limited)


def _why_few(runs: list[tuple[LevelRun, LoadResult]], limited: str) -> str:
    if limited:
        return f"the generator could not hold {limited}"
    text = f"no level has {MIN_THIRD} answers in its first and last third"
    spoilt = [f"{run.level.name}: {run.noise}" for run, _ in runs if run.attempts > 1]
    return "; ".join([text, *spoilt])


@check(cards.MEMORY_STABLE)
def memory_stable(trial: Trial) -> Finding:
    """Divide the growth of resident memory by the orders sent."""
    load = load_of(trial)
    runs_of(load, "orders")
    grown_mb = load.levels[-1].rss_mb[1] - load.levels[0].rss_mb[0]
    per_order_kb = max(0.0, grown_mb * 1000 / load.orders)
    figures = (
        Measurement(name="rss_growth", value=grown_mb, unit="MB", samples=load.orders),
        Measurement(name="kb_per_order", value=per_order_kb, unit="kB", samples=load.orders),
    )
    text = f"resident memory grew by {grown_mb:.1f} MB over {load.orders} orders"
    if grown_mb <= NOISE_MB:
        return passed(text, *figures)
    bound = Bound(name="kb_per_order", op="<=", value=trial.number("max_kb_per_order"), unit="kB")
    return bounded(text, figures, (bound,))
