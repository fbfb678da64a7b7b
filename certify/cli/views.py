"""The views of a run: none, plain lines, or a live picture on a terminal."""

from __future__ import annotations

import os
import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TextIO

from certify import clock
from certify.cli.live.plain import PlainLines
from certify.cli.live.state import RunState
from certify.cli.options import Progress
from certify.model.events import Event

if TYPE_CHECKING:
    from rich.live import Live

STOPPING = "stopping: cancelling orders, closing positions (Ctrl-C again to leave at once)"
REFRESH_S = 0.2


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

    def stopping(self) -> None:
        """Show that the run was asked to stop; called from a signal handler."""


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

    def stopping(self) -> None:
        """Ignore it."""


class PlainView(NoView):
    """One line for each check, for pipes, logs and CI."""

    def __init__(self, out: TextIO) -> None:
        """Write to `out`."""
        self._out = out
        self._lines = PlainLines()

    def handle(self, event: Event) -> None:
        """Write the line that the event is worth, if any."""
        line = self._lines.line(event)
        if line:
            self._out.write(line + "\n")
            self._out.flush()

    def stopping(self) -> None:
        """Say so, past the buffer: the handler may have interrupted a write."""
        os.write(2, f"{STOPPING}\n".encode())


class LiveView(NoView):
    """A picture that is drawn a few times a second by a thread of its own, from what is known by then."""

    def __init__(self, state: RunState) -> None:
        """Begin with what is expected of the run."""
        self._state = state
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._live: Live | None = None
        self._painter = threading.Thread(target=self._paint, name="certify-view", daemon=True)

    def __enter__(self) -> LiveView:
        from rich.console import Console
        from rich.live import Live

        console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="crop")
        self._live.start()
        self._painter.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draw the last state, and give the terminal back."""
        self._ended.set()
        self._painter.join()
        if self._live is not None:
            self._draw(self._live)
            self._live.stop()

    def handle(self, event: Event) -> None:
        """Take it; it is shown with the next picture."""
        with self._lock:
            self._state.take(event)

    def stopping(self) -> None:
        """Show it with the next picture; takes no lock, as it may have interrupted `handle`."""
        self._state.stopping = True

    def _paint(self) -> None:
        while not self._ended.wait(REFRESH_S):
            if self._live is not None:
                self._draw(self._live)

    def _draw(self, live: Live) -> None:
        from certify.cli.live.draw import draw

        size = live.console.size
        with self._lock:
            picture = draw(self._state, clock.now_ns(), size.width, size.height - 1)
        live.update(picture, refresh=True)


def wants_live(progress: Progress) -> bool:
    """Return whether a live picture is asked for and can be shown."""
    if progress is not Progress.AUTO:
        return progress is Progress.RICH
    dumb = os.environ.get("TERM", "").lower() in ("", "dumb", "unknown")
    return sys.stderr.isatty() and not dumb and not os.environ.get("NO_COLOR")


def view_for(progress: Progress, expected_ms: dict[str, float]) -> View:
    """Return the view that was asked for; `auto` is plain off a terminal."""
    if progress is Progress.NONE:
        return NoView()
    if wants_live(progress):
        return LiveView(RunState(expected_ms=expected_ms))
    return PlainView(sys.stderr)
