"""One line for each thing worth knowing, for pipes, logs and CI."""

from __future__ import annotations

from collections import Counter

from certify.cli.live.text import one_line
from certify.model.events import (
    CheckFinished,
    Event,
    LoadFinished,
    Note,
    PhaseFinished,
    PhaseStarted,
    RunStarted,
)
from certify.model.ids import Outcome
from certify.model.results import LoadResult
from certify.report.words import OUTCOME_WORDS, figure, number, took

WIDTH = 14


class PlainLines:
    """Turns events into lines; keeps only the tally of the running phase."""

    def __init__(self) -> None:
        self._tally: Counter[Outcome] = Counter()

    def line(self, event: Event) -> str:
        """Return the line of an event; empty when it is worth none."""
        match event:
            case RunStarted():
                checks = len(event.planned)
                return one_line(f"run {event.run_id}: profile {event.profile.name}, {checks} checks")
            case PhaseStarted():
                self._tally.clear()
                return f"== {event.phase.value}: {event.checks} checks"
            case PhaseFinished():
                return f"== {event.phase.value}: {tally_text(self._tally)} in {took(event.took_ms)}"
            case CheckFinished():
                self._tally[event.outcome] += 1
                word = OUTCOME_WORDS[event.outcome][1]
                return f"{word:<{WIDTH}} {event.id}  {one_line(event.message)}"
            case LoadFinished():
                return f"{'load':<{WIDTH}} {load_text(event.load)}"
            case Note():
                return f"{'note':<{WIDTH}} {one_line(event.text)}"
            case _:
                return ""


def tally_text(tally: Counter[Outcome]) -> str:
    """Return `12 passed, 1 failed`; `nothing` where nothing was done."""
    return ", ".join(f"{tally[o]} {OUTCOME_WORDS[o][1]}" for o in Outcome if tally[o]) or "nothing"


def load_text(load: LoadResult) -> str:
    """Return what came of a stream at a level of load, in one line."""
    p99 = "too few samples" if load.latency_ms.p99 is None else figure(load.latency_ms.p99, "ms")
    return (
        f"{one_line(load.level)} {load.stream}: {number(load.achieved_per_s)}/s of "
        f"{number(load.offered_per_s)}/s, p99 {p99}, {load.errors} errors"
    )
