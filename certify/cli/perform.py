"""Perform a run as a person sees it: live view, Ctrl-C, end screen, exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from certify.cli.endscreen import end_screen
from certify.cli.failure import say
from certify.cli.live.expect import expected_ms
from certify.cli.options import Accept, Progress
from certify.cli.pipeline import Listen, Outcome, certify_run
from certify.cli.request import Selection
from certify.cli.views import view_for
from certify.engine.stream import EventStream
from certify.errors import UsageError
from certify.model.ids import ExitCode
from certify.plan import Plan
from certify.store.runs import RunStore, run_store
from certify.verdict import exit_code

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a run is shown, kept and judged for the shell."""

    out: Path | None = None
    index: str | None = None
    """URL of the index; default: `CERTIFY_INDEX`, else a file in the home."""
    accept: Accept | None = None
    progress: Progress = Progress.AUTO
    as_json: bool = False


def perform(
    selection: Selection, manner: Manner, *, resume: str | None = None, rerun_failed: str | None = None
) -> ExitCode:
    """Run, show, conclude, and return the exit code.

    Raises:
        UsageError: the profile, the selection or the run to begin from is wrong.
    """
    store = run_store(manner.out)
    outcome = _run(selection, store, _listener(store, manner.progress), resume, rerun_failed)
    end_screen(outcome, sys.stderr)
    _remember(store, manner.index)
    if manner.as_json:
        sys.stdout.write((outcome.run_dir / "result.json").read_text(encoding="utf-8"))
    return exit_code(
        outcome.verdict, stop=outcome.result.stop, accept_conditional=manner.accept is Accept.CONDITIONAL
    )


def _remember(store: RunStore, index: str | None) -> None:
    """Take the run over into the index; the run does not hang on it."""
    from certify.cli.live.text import clean
    from certify.store.remember import remember

    remember(store, clean, say, index)


def _run(
    selection: Selection, store: RunStore, listen: Listen, resume: str | None, rerun_failed: str | None
) -> Outcome:
    from certify.cli.again import failed_again, resume_run

    chosen = selection.overrides or selection.phases or selection.checks or selection.seed is not None
    if (resume or rerun_failed) and (chosen or (resume and rerun_failed)):
        raise UsageError(
            "--resume and --rerun-failed take everything from the run: expected no other selection"
        )
    with _handling(_interrupt):  # until there is something to stop in order
        if resume:
            return resume_run(store.find(resume), listen, live=selection.live)
        if rerun_failed:
            selection = replace(failed_again(store.find(rerun_failed)), live=selection.live)
        return certify_run(selection, store, listen)


def _listener(store: RunStore, progress: Progress) -> Listen:
    def listen(stream: EventStream, plan: Plan) -> None:
        with (
            view_for(progress, expected_ms(plan, store)) as view,
            stopping_on_interrupt(stream, view.stopping),
        ):
            for event in stream:
                view.handle(event)

    return listen


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def stopping_on_interrupt(stream: EventStream, say: Callable[[], None]) -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into a request to stop; the second time it ends at once."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, _interrupt)
        stream.stop()
        say()

    with _handling(ask):
        yield


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
