"""The tape of the run: what the market data system says over a while, or a whole recording, audited.

The tape is taken once, by the first check that needs it, and judged by each check that owns a
kind of defect. A live system is heard for `duration`; a recording until its end.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from certify import clock
from certify.model.card import CheckCard, Parameter
from certify.model.ids import Outcome
from certify.model.trading import Quote, SystemEvent, Trade
from certify.phases.api import Check, Finding, expect, not_applicable
from certify.phases.session import SystemSession
from certify.phases.tape import TAPE_CHECKS, JudgeFunction, TapeAuditor, TapeReport, settings_from
from certify.phases.trial import Trial

DURATION = Parameter(name="duration", default="3s", text="how long a live system is listened to")
SETTLE_S = 0.2
"""A subscription may be answered with the last quote again: that answer is no part of the tape."""
FIRST_QUOTE_S = 10.0
"""How much longer to listen where an instrument has not ticked yet: a slow one is not a dark one."""
END_OF_RECORDING = "end of recording"
RECORDING_LIMIT_S = 600.0
"""A recording that takes longer to play has stopped to play."""
EVERYTHING = "*"


class Tape:
    """What one listening found."""

    def __init__(self, auditor: TapeAuditor) -> None:
        """Begin with nothing heard."""
        self.auditor = auditor
        self.quotes: dict[str, int] = {}
        self.longest_silence_ns: dict[str, int] = {}
        self.last_ns: dict[str, int] = {}
        self.report: TapeReport | None = None

    def hear(self, stamp_ns: int, event: SystemEvent) -> None:
        """Take one event; called on the reader thread."""
        if not isinstance(event, (Quote, Trade)):
            return
        self.auditor.on_event(event)
        if isinstance(event, Quote):
            self._note(event.instrument, stamp_ns)

    def _note(self, instrument: str, stamp_ns: int) -> None:
        self.quotes[instrument] = self.quotes.get(instrument, 0) + 1
        silence = stamp_ns - self.last_ns.get(instrument, stamp_ns)
        self.longest_silence_ns[instrument] = max(silence, self.longest_silence_ns.get(instrument, 0))
        self.last_ns[instrument] = stamp_ns


def is_recording(session: SystemSession) -> bool:
    """Return whether the session plays a recording."""
    return session.backend.backend == "replay"


def tape_of(trial: Trial) -> Tape:
    """Return the run's tape, taking it now if it was not taken yet."""
    known = trial.shared.facts.get("tape")
    if known is None:
        session = trial.session("market_data")
        known = trial.shared.facts["tape"] = _play(trial) if is_recording(session) else _listen(trial)
    return cast("Tape", known)


def _new_tape(trial: Trial, parameters: dict[str, str]) -> Tape:
    options = trial.session("market_data").backend.options
    instruments = () if is_recording(trial.session("market_data")) else trial.plan.instruments
    settings = settings_from(
        options,
        parameters,
        ticks={instrument.id: instrument.tick for instrument in trial.plan.instruments},
        expected=tuple(instrument.id for instrument in instruments),
    )
    return Tape(TapeAuditor(settings))


def _parameters(trial: Trial) -> dict[str, str]:
    """Return the parameters of every tape check of the plan: the tape is shared, so are its settings."""
    found: dict[str, str] = {}
    for planned in trial.plan.checks:
        if planned.component == "market_data" and planned.phase == "integration":
            found |= planned.parameters
    return found


def _listen(trial: Trial) -> Tape:
    tape = _new_tape(trial, _parameters(trial))
    inbox = trial.session("market_data").inbox
    for instrument in trial.plan.instruments:
        trial.call("market_data", "subscribe", instrument.id, {"QUOTE", "TRADE"})
    trial.wait("market_data", lambda: None, SETTLE_S)
    with inbox.listening(tape.hear):
        trial.wait("market_data", lambda: None, trial.seconds("duration"))
        names = {instrument.id for instrument in trial.plan.instruments}
        trial.wait("market_data", lambda: names <= tape.quotes.keys(), FIRST_QUOTE_S)
    ended_ns = clock.monotonic_ns()
    for name, last_ns in tape.last_ns.items():
        tape.longest_silence_ns[name] = max(tape.longest_silence_ns[name], ended_ns - last_ns)
    tape.report = tape.auditor.report()
    return tape


def _play(trial: Trial) -> Tape:
    tape = _new_tape(trial, _parameters(trial))
    inbox = trial.session("market_data").inbox

    seen = len(inbox.links)

    def ended() -> list[str]:
        return [link.reason for link in inbox.links[seen:] if not link.connected]

    with inbox.listening(tape.hear):
        trial.call("market_data", "subscribe", EVERYTHING, {"QUOTE", "TRADE"})
        reasons = trial.wait("market_data", ended, RECORDING_LIMIT_S)
    expect(reasons, "expected the recording to end, was silence")
    expect(END_OF_RECORDING in (reasons or ()), f"expected the whole recording to play, was {reasons}")
    tape.report = tape.auditor.report()
    return tape


def _check(card: CheckCard, judge: JudgeFunction) -> Check:
    def run(trial: Trial) -> Finding:
        report = tape_of(trial).report
        if report is None:
            return Finding(outcome=Outcome.INCONCLUSIVE, message="the tape was not taken to its end")
        judged = judge(report, trial.planned.parameters)
        if judged.outcome is Outcome.INCONCLUSIVE and report.quotes and not report.trades:
            return not_applicable(f"nothing was traded while listening: {judged.message}")
        return judged

    return Check(replace(card, parameters=(*card.parameters, DURATION)), run)


CHECKS: tuple[Check, ...] = tuple(_check(card, judge) for card, judge in TAPE_CHECKS)
