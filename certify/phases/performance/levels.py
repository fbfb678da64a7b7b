"""The load levels of a run: driven once by the first check that asks, and shared by all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from certify import clock
from certify.errors import AdapterRaised, CertifyError
from certify.load.fitness import Noise
from certify.load.meter import StreamMeter
from certify.load.request import TIMEOUT_S, orders_stream, quotes_stream
from certify.model.events import LoadFinished, LoadProgress
from certify.model.results import LoadPoint, LoadResult
from certify.phases.api import Unmeasurable, Unmet
from certify.phases.performance.aftermath import Aftermath, after_level, held_before
from certify.phases.performance.drive import Carrier, drive
from certify.phases.performance.judge import StreamRun, Verdict, judge_level, worth_repeating
from certify.phases.performance.terms import LevelTerms, terms_for
from certify.phases.session import SystemSession
from certify.phases.trial import Trial
from certify.profile.model import LoadLevel

ATTEMPTS = 3
"""How often a level is run when the generator or the machine, not the system, spoilt it."""
FACT = "load"


@dataclass(slots=True)
class LevelRun:
    """One level as it was run last."""

    level: LoadLevel
    streams: dict[str, StreamRun]
    noise: Noise
    rss_mb: tuple[float, float]
    """Of the process that takes the orders: before and after."""
    breaches: list[str]
    aftermath: Aftermath
    attempts: int = 1

    @property
    def results(self) -> dict[str, LoadResult]:
        """Stream → its result."""
        return {name: stream.result for name, stream in self.streams.items()}


@dataclass(slots=True)
class LoadRun:
    """All levels; `error` is what kept the rest of them from being run."""

    levels: list[LevelRun] = field(default_factory=list)
    error: Exception | None = None
    orders: int = 0
    """Orders sent over all levels and attempts."""


def load_of(trial: Trial) -> LoadRun:
    """Return the load of the run; the first check that asks runs it.

    Raises:
        Unmeasurable: the profile has no levels, or its caps forbid them.
        Unmet: the system did not carry it to the end.
        AdapterRaised: the generator broke beside the system.
    """
    found = trial.shared.facts.get(FACT)
    load = found if isinstance(found, LoadRun) else _run_all(trial)
    if isinstance(load.error, Unmeasurable):
        raise Unmeasurable(str(load.error))
    if isinstance(load.error, AdapterRaised):
        raise load.error
    if load.error is not None:
        raise Unmet(f"expected the system to carry the load, was: {load.error}") from load.error
    return load


def _run_all(trial: Trial) -> LoadRun:
    load = LoadRun()
    trial.shared.facts[FACT] = load
    try:
        if not trial.plan.performance.loads:
            raise Unmeasurable("the profile has no load levels")
        for level in trial.plan.performance.loads:
            load.levels.append(_run_until_fit(trial, level, load))
    except (Unmeasurable, Unmet, CertifyError) as error:
        load.error = error
    return load


def run_level(trial: Trial, level: LoadLevel) -> tuple[LoadResult, ...]:
    """Run one level, publish it, and return the result of each of its streams."""
    return tuple(_run_until_fit(trial, level, LoadRun()).results.values())


def _run_until_fit(trial: Trial, level: LoadLevel, load: LoadRun) -> LevelRun:
    """Run a level, again when the generator or the machine spoilt it; publish the last attempt."""
    for attempt in range(1, ATTEMPTS + 1):
        run = _run_once(trial, level)
        run.attempts = attempt
        load.orders += _orders_sent(run)
        verdicts = judge_level(trial.plan.performance.thresholds, run.level, run.streams, run.noise)
        if attempt == ATTEMPTS or not (worth_repeating(run.streams, verdicts, run.noise) and _sound(run)):
            break
        trial.note(f"load level {level.name}, attempt {attempt}, is not counted: {_why(run, verdicts)}")
    for result in run.results.values():
        trial.shared.publish(LoadFinished(at_ns=clock.now_ns(), load=result))
    return run


def _sound(run: LevelRun) -> bool:
    """Return whether nothing is wrong that no noise explains; otherwise the attempt stands."""
    lost = any(stream.account["counts"]["timeout"] for stream in run.streams.values())
    return not lost and not run.breaches and run.aftermath.clean


def _orders_sent(run: LevelRun) -> int:
    orders = run.streams.get("orders")
    return int(orders.account.get("planned", 0)) if orders else 0


def _why(run: LevelRun, verdicts: list[Verdict]) -> str:
    limited = [name for name, result in run.results.items() if result.generator.limited]
    parts = [f"the generator could not hold its plan for {name}" for name in limited]
    parts += [f"{verdict.name}: {verdict.reason}" for verdict in verdicts if verdict.noisy]
    return "; ".join(parts) or str(run.noise)


def _run_once(trial: Trial, level: LoadLevel) -> LevelRun:
    number = len(trial.ledger.bulks) + 1
    terms = terms_for(trial, level, number)
    if terms.bulk is not None:
        trial.ledger.expect(terms.bulk)
    held = held_before(trial, terms)
    breaches = len(trial.ledger.breaches)
    meters, carriers = _carriers(trial, level, terms)
    noise = _drive(trial, level, carriers)
    aftermath = after_level(trial, terms, held)
    return LevelRun(
        level=level,
        streams=_streams(meters, carriers),
        noise=noise,
        rss_mb=_rss(carriers),
        breaches=[f"{b.law}: {b.client_order_id}: {b.text}" for b in trial.ledger.breaches[breaches:]],
        aftermath=aftermath,
    )


def _carriers(
    trial: Trial, level: LoadLevel, terms: LevelTerms
) -> tuple[dict[str, StreamMeter], list[tuple[SystemSession, Carrier]]]:
    """Put each stream on the process that answers for its port."""
    streams: list[tuple[str, dict[str, Any]]] = []
    seed = trial.plan.seed
    if terms.orders is not None:
        streams.append((terms.orders.port, orders_stream(level, terms.orders, seed)))
    if terms.quotes is not None:
        streams.append(("market_data", quotes_stream(level, terms.quotes, seed + 1)))
    if not streams:
        raise Unmeasurable(f"level {level.name}: the system has nothing that its streams could go to")
    found: dict[int, tuple[SystemSession, Carrier]] = {}
    meters: dict[str, StreamMeter] = {}
    for port, stream in streams:
        session = trial.session(port)
        if id(session) not in found:
            found[id(session)] = (session, Carrier(session.process, [], [], _listen(session)))
        meter = meters[stream["stream"]] = StreamMeter(level, stream["stream"], timeout_s=TIMEOUT_S)
        found[id(session)][1].streams.append(stream)
        found[id(session)][1].meters.append(meter)
    return meters, list(found.values())


def _listen(session: SystemSession) -> Callable[[Callable[[bytes], None] | None], None]:
    def listen(take: Callable[[bytes], None] | None) -> None:
        session.binary_listener = take
        session.quiet = take is not None

    return listen


def _drive(trial: Trial, level: LoadLevel, carriers: list[tuple[SystemSession, Carrier]]) -> Noise:
    def on_point(stream: str, point: LoadPoint) -> None:
        trial.shared.publish(LoadProgress(at_ns=clock.now_ns(), level=level.name, stream=stream, point=point))

    def check_stop() -> None:
        carriers[0][0].inbox.wait(lambda: None, 0.0)

    noise = drive(
        level,
        [carrier for _, carrier in carriers],
        timeout_s=TIMEOUT_S,
        on_point=on_point,
        check_stop=check_stop,
    )
    for session, carrier in carriers:
        if carrier.error is not None:
            if not isinstance(carrier.error, AdapterRaised):
                session.unwell = str(carrier.error)
            raise carrier.error
    return noise


def _streams(
    meters: dict[str, StreamMeter], carriers: list[tuple[SystemSession, Carrier]]
) -> dict[str, StreamRun]:
    accounts = {
        row["stream"]: row for _, carrier in carriers for row in (carrier.account or {}).get("streams", ())
    }
    found = {}
    for session, carrier in carriers:
        for meter in carrier.meters:
            account = dict(accounts[meter.stream])
            result = meter.result(
                in_flight=account["in_flight"],
                resources=carrier.sampler.peak,
                assurance=session.assurance,
            )
            found[meter.stream] = StreamRun(result, meters[meter.stream], account)
    return found


def _rss(carriers: list[tuple[SystemSession, Carrier]]) -> tuple[float, float]:
    sampler = carriers[0][1].sampler
    return sampler.first_rss_mb, sampler.last_rss_mb
