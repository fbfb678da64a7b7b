"""The platform's own threads: they end when they are told to, and are waited for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

from certify.clock import NS_PER_S, monotonic_ns
from certify.errors import CertifyError
from certify.model.trading import Quote, Trade
from certify.reference.connection import VenueConnection
from certify.reference.kernel import Kernel

MarketEvents = Iterator[tuple[int, Quote | Trade]]

PAUSE_NS = 5 * NS_PER_S // 2
"""How long the generated market leaves an instrument alone that was set by hand; well below the three
seconds for which a feed is listened to, so that an instrument that was set just before is heard again."""
LATE_NS = NS_PER_S
"""What is later than this is left out: the market does not wait for a slow machine."""


class Worker:
    """One daemon thread that runs a body until it is stopped."""

    def __init__(self, name: str, body: Callable[[threading.Event], None]) -> None:
        """Run `body(stopped)`; it must return soon after `stopped` is set."""
        self._name = name
        self._body = body
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start the thread unless it runs."""
        if self.alive:
            return
        self._stopped.clear()
        self._thread = threading.Thread(
            target=self._body, args=(self._stopped,), name=self._name, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it; the caller must not hold the platform's lock."""
        self._stopped.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()


def repeat(
    interval_ns: int, task: Callable[[], None], log: logging.Logger
) -> Callable[[threading.Event], None]:
    """Return a body that runs `task` again and again; an error is logged and does not end it."""

    def body(stopped: threading.Event) -> None:
        while not stopped.wait(interval_ns / NS_PER_S):
            try:
                task()
            except Exception:
                log.exception("housekeeping failed")

    return body


class MarketDriver:
    """Plays a generated market to the venue in real time."""

    def __init__(self, kernel: Kernel, connection: VenueConnection, events: MarketEvents) -> None:
        """Play `events`, whose times count from the start of the stream."""
        self._kernel = kernel
        self._connection = connection
        self._events = events
        self._paused: dict[str, int] = {}
        self._offset_ns = 0

    def pause(self, instrument: str) -> None:
        """Leave an instrument alone for a while: somebody has set its market by hand."""
        self._paused[instrument] = monotonic_ns() + PAUSE_NS

    def body(self, stopped: threading.Event) -> None:
        """Play until stopped; a later start goes on where this ended."""
        begin_ns = monotonic_ns() - self._offset_ns
        for offset_ns, event in self._events:
            self._offset_ns = offset_ns
            ahead_ns = begin_ns + offset_ns - monotonic_ns()
            if ahead_ns > 0 and stopped.wait(ahead_ns / NS_PER_S):
                return
            if stopped.is_set():
                return
            if ahead_ns > -LATE_NS:
                self.play(event)
        stopped.wait()

    def play(self, event: Quote | Trade) -> None:
        """Let the venue show an event now, unless its instrument is paused."""
        until_ns = self._paused.get(event.instrument)
        if until_ns is not None and monotonic_ns() < until_ns:
            return
        with self._kernel.lock:
            stamped = replace(event, ts_event_ns=self._kernel.now_ns())
            try:
                if isinstance(stamped, Quote):
                    self._connection.set_market(stamped)
                else:
                    self._connection.print_trade(stamped)
            except CertifyError as error:
                self._kernel.log.warning("the generated market was refused: %s", error)
