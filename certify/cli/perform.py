"""Perform a run as a person sees it: live view, Ctrl-C, end screen, exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from certify.cli.endscreen import end_screen
from certify.cli.options import Accept, Progress
from certify.cli.pipeline import Selection, certify_run
from certify.cli.views import view_for
from certify.engine.stream import EventStream
from certify.model.ids import ExitCode
from certify.store.runs import run_store
from certify.verdict import exit_code


def perform(
    selection: Selection, *, out: Path | None, accept: Accept | None, progress: Progress, as_json: bool
) -> ExitCode:
    """Run, show, conclude, and return the exit code."""

    def listen(stream: EventStream) -> None:
        with view_for(progress) as view, stopping_on_interrupt(stream):
            for event in stream:
                view.handle(event)

    outcome = certify_run(selection, run_store(out), listen)
    end_screen(outcome, sys.stderr)
    if as_json:
        sys.stdout.write((outcome.run_dir / "result.json").read_text())
    return exit_code(
        outcome.verdict, stop=outcome.result.stop, accept_conditional=accept is Accept.CONDITIONAL
    )


@contextmanager
def stopping_on_interrupt(stream: EventStream) -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into a request to stop; a second Ctrl-C ends at once."""

    def ask(_number: int, _frame: object) -> None:
        sys.stderr.write("\nstopping: cancelling orders, closing positions (Ctrl-C again to leave at once)\n")
        stream.stop()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
