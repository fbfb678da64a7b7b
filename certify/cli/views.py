"""What a person sees while a run goes on."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Protocol, TextIO

from certify.cli.options import Progress
from certify.model.events import CheckFinished, Event, LoadFinished, Note, PhaseStarted


class View(Protocol):
    """Takes the events of a run, one after the other."""

    def __enter__(self) -> View:
        """Begin to show."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, leaving nothing behind that is not worth keeping."""

    def handle(self, event: Event) -> None:
        """Show what an event changes."""


class NoView:
    """Shows nothing."""

    def __enter__(self) -> NoView:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to end."""

    def handle(self, event: Event) -> None:
        """Ignore it."""


class PlainView(NoView):
    """One line for each check, for pipes, logs and CI."""

    def __init__(self, out: TextIO) -> None:
        """Write to `out`."""
        self._out = out

    def handle(self, event: Event) -> None:
        """Write the line that the event is worth, if any."""
        line = plain_line(event)
        if line:
            self._out.write(line + "\n")
            self._out.flush()


def plain_line(event: Event) -> str:
    """Return the plain line of an event; empty when it is worth none."""
    if isinstance(event, PhaseStarted):
        return f"== {event.phase.value}: {event.checks} checks"
    if isinstance(event, CheckFinished):
        return f"{event.outcome.value:<14} {event.id}  {event.message}"
    if isinstance(event, LoadFinished):
        load = event.load
        return (
            f"load           {load.level} {load.stream}: {load.achieved_per_s:.1f}/s of "
            f"{load.offered_per_s:.1f}/s, {load.errors} errors"
        )
    if isinstance(event, Note):
        return f"note           {event.text}"
    return ""


def view_for(progress: Progress) -> View:
    """Return the view that was asked for; `auto` is plain off a terminal."""
    if progress is Progress.NONE:
        return NoView()
    return PlainView(sys.stderr)
