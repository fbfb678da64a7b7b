"""The stream of a run's events: written to the journal first, then handed to whoever listens."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

from certify import clock
from certify.evidence.journal import JournalWriter
from certify.model.events import Event, RunFinished
from certify.model.ids import StopReason


class Publisher:
    """Takes events from any thread, in one order: the journal's."""

    def __init__(self) -> None:
        """Keep what is said before a journal is attached."""
        self._lock = threading.Lock()
        self._early: list[Event] = []
        self._journal: JournalWriter | None = None
        self._queue: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._finished = False

    def attach(self, journal: JournalWriter, first: Event) -> None:
        """Write `first` and what was said early, and from now on everything at once."""
        with self._lock:
            self._journal = journal
            for event in (first, *self._early):
                self._put(event)
            self._early.clear()

    def publish(self, event: Event) -> None:
        """Write an event to the journal, then hand it to the listener."""
        with self._lock:
            if self._finished:
                return  # nothing follows the end
            if self._journal is None:
                self._early.append(event)
            else:
                self._put(event)

    def _put(self, event: Event) -> None:
        assert self._journal is not None  # noqa: S101 - only called once attached
        self._journal.append(event)
        self._finished = isinstance(event, RunFinished)
        self._queue.put(event)

    def end(self, text: str) -> None:
        """Let the listener go when the run broke off without its last event; the journal is as it is."""
        with self._lock:
            if not self._finished:
                self._finished = True
                self._queue.put(RunFinished(at_ns=clock.now_ns(), stop=StopReason.BROKEN, text=text))

    def events(self) -> Iterator[Event]:
        """Yield events as they come, up to and including `RunFinished`."""
        while True:
            event = self._queue.get()
            yield event
            if isinstance(event, RunFinished):
                return


class EventStream:
    """A run on its own thread; iterate for its events, which end in exactly one `RunFinished`."""

    def __init__(self, publisher: Publisher, run: Callable[[], None], stopping: threading.Event) -> None:
        """Begin at once."""
        self._publisher = publisher
        self._stopping = stopping
        self._run = run
        self._thread = threading.Thread(target=self._work, name="certify-engine", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        text = "the run broke off"
        try:
            self._run()
        except BaseException as error:  # a journal that cannot be written on: say so instead of waiting
            text = f"{type(error).__name__}: {error}"
        finally:
            self._publisher.end(text)

    def __iter__(self) -> Iterator[Event]:
        """Yield every event; returns after `RunFinished`."""
        yield from self._publisher.events()
        self._thread.join()

    def stop(self) -> None:
        """Ask for an orderly end: no further check, orders cancelled, positions flat, a partial result."""
        self._stopping.set()
