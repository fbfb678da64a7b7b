"""The tape checks in a run: one audit, watched once, judged by each check in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from certify.model.trading import ConnectionChange, Quote, SystemEvent, Trade
from certify.phases.api import Check, CheckFunction, Finding, Unmeasurable, Unmet
from certify.phases.tape.auditor import TapeAuditor
from certify.phases.tape.checks import TAPE_CHECKS
from certify.phases.tape.judge import JudgeFunction
from certify.phases.tape.report import TapeReport
from certify.phases.tape.settings import settings_from
from certify.phases.tape.units import duration_ns
from certify.phases.trial import Trial
from certify.plan import BackendPlan

PORT = "market_data"
RECORDED = "replay"
END = "end of recording"
"""The reason of the `ConnectionChange` with which a recording ends."""
_FACT = "tape"
_KINDS = {"QUOTE", "TRADE"}
_IDS = frozenset(card.id for card, _ in TAPE_CHECKS)


def tape_of(trial: Trial) -> TapeReport:
    """Return the report on the run's market data; the first check to ask watches, the others read.

    Raises:
        Unmeasurable: a recording did not come to its end in time.
        Unmet: a recording broke off.
    """
    known = trial.shared.facts.get(_FACT)
    if known is None:
        known = trial.shared.facts[_FACT] = _watched(trial)
    if isinstance(known, Exception):
        raise known
    return cast("TapeReport", known)


def _watched(trial: Trial) -> TapeReport | Exception:
    backend = trial.session(PORT).backend
    parameters = _parameters(trial)
    auditor = TapeAuditor(
        settings_from(
            backend.options if backend.backend == RECORDED else {},
            parameters,
            ticks={instrument.id: instrument.tick for instrument in trial.plan.instruments},
            expected=() if backend.backend == RECORDED else tuple(i.id for i in trial.plan.instruments),
        )
    )
    try:
        _watch(trial, backend, auditor, parameters)
    except (Unmeasurable, Unmet) as problem:
        return problem
    return auditor.report()


def _parameters(trial: Trial) -> Mapping[str, str]:
    """Return the parameters of all tape checks of the plan together: they shape one audit."""
    merged: dict[str, str] = {}
    for planned in trial.plan.checks:
        if planned.id in _IDS:
            merged.update(planned.parameters)
    return merged


def _watch(trial: Trial, backend: BackendPlan, auditor: TapeAuditor, parameters: Mapping[str, str]) -> None:
    if backend.backend == RECORDED:
        limit_s = duration_ns(parameters["recording_limit"], "recording_limit") / 1e9
        _watch_recording(trial, auditor, limit_s)
    else:
        _watch_live(trial, auditor, duration_ns(parameters["duration"], "duration") / 1e9)


def _watch_recording(trial: Trial, auditor: TapeAuditor, limit_s: float) -> None:
    inbox = trial.session(PORT).inbox
    seen = len(inbox.links)
    with inbox.listening(_hand_to(auditor)):
        trial.call(PORT, "subscribe", "*", _KINDS)
        end = trial.wait(PORT, lambda: _ended(inbox.links[seen:]), limit_s)
    if end is None:
        trial.call(PORT, "unsubscribe", "*")
        raise Unmeasurable(f"expected the recording to end within {limit_s:g} s, was still playing")
    if end.reason != END:
        raise Unmet(f"expected the recording to play to its end, was: {end.reason}")


def _ended(links: list[ConnectionChange]) -> ConnectionChange | None:
    return next((link for link in links if link.component == PORT and not link.connected), None)


def _watch_live(trial: Trial, auditor: TapeAuditor, for_s: float) -> None:
    """Subscribe to every instrument of the profile, then watch.

    What a new subscription brings first repeats the current quote with its number: the audit begins
    once every instrument has spoken, or the time for it is over.
    """
    inbox = trial.session(PORT).inbox
    names = [instrument.id for instrument in trial.plan.instruments]
    for name in names:
        trial.call(PORT, "subscribe", name, _KINDS)
    trial.wait(PORT, lambda: all(name in inbox.quotes for name in names))
    with inbox.listening(_hand_to(auditor)):
        trial.wait(PORT, lambda: None, for_s)


def _hand_to(auditor: TapeAuditor) -> Callable[[int, SystemEvent], None]:
    def listen(_: int, event: SystemEvent) -> None:
        if isinstance(event, Quote | Trade):
            auditor.on_event(event)

    return listen


def _run(judge: JudgeFunction) -> CheckFunction:
    def run(trial: Trial) -> Finding:
        return judge(tape_of(trial), trial.planned.parameters)

    return run


CHECKS: tuple[Check, ...] = tuple(Check(card, _run(judge)) for card, judge in TAPE_CHECKS)
"""The tape checks, ready for the catalogue."""
