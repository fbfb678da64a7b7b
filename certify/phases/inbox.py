"""What a system has said so far, and waiting for it to say more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from certify import clock
from certify.model.trading import Alert, BookUpdate, ConnectionChange, OrderUpdate, Quote, SystemEvent, Trade
from certify.phases.api import Stopped
from certify.phases.ledger import Ledger

T = TypeVar("T")
Listener = Callable[[int, SystemEvent], None]
POLL_S = 0.1


class Inbox:
    """Everything one system said: latest quotes, alerts, link changes; orders are in the ledger."""

    def __init__(self, ledger: Ledger, stopping: threading.Event) -> None:
        """Share the ledger of the run and the flag that asks it to stop."""
        self.ledger = ledger
        self.changed = threading.Condition(threading.RLock())
        self.quotes: dict[str, Quote] = {}
        self.quote_counts: dict[str, int] = {}
        self.trades: dict[str, Trade] = {}
        self.books: dict[str, BookUpdate] = {}
        self.alerts: list[Alert] = []
        self.links: list[ConnectionChange] = []
        self._of_before = 0
        self._listeners: list[Listener] = []
        self._stopping = stopping

    def take(self, stamp_ns: int, event: SystemEvent) -> None:
        """Take one event of the system; `stamp_ns` is the monotonic time of its saying."""
        with self.changed:
            self._file(event)
            for listener in self._listeners:
                listener(stamp_ns, event)
            self.changed.notify_all()

    def _file(self, event: SystemEvent) -> None:
        if isinstance(event, Quote):
            self.quotes[event.instrument] = event
            self.quote_counts[event.instrument] = self.quote_counts.get(event.instrument, 0) + 1
        elif isinstance(event, Trade):
            self.trades[event.instrument] = event
        elif isinstance(event, BookUpdate):
            self.books[event.instrument] = event
        elif isinstance(event, Alert):
            self.alerts.append(event)
        elif isinstance(event, ConnectionChange):
            self.links.append(event)

    def forget_market(self) -> None:
        """Forget the quotes, trades and books of a process that is gone: its subscriptions went with it."""
        with self.changed:
            for seen in (self.quotes, self.trades, self.books):
                seen.clear()
            self._of_before = len(self.alerts)

    def current_alerts(self) -> list[Alert]:
        """Return what was said of alerts by the process that runs: one before may have used the same ids."""
        return self.alerts[self._of_before :]

    def wait(self, look: Callable[[], T | None], within_s: float) -> T | None:
        """Return what `look` finds as soon as it finds something true, or None after `within_s`.

        Raises:
            Stopped: the run was asked to stop.
        """
        deadline = clock.monotonic_ns() + int(within_s * clock.NS_PER_S)
        with self.changed:
            while True:
                found = look()
                if found:
                    return found
                left_s = (deadline - clock.monotonic_ns()) / clock.NS_PER_S
                if self._stopping.is_set():
                    raise Stopped
                if left_s <= 0:
                    return None
                self.changed.wait(min(left_s, POLL_S))

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        """Call `listener(stamp_ns, event)` for every event while the block runs, on the reader thread."""
        with self.changed:
            self._listeners.append(listener)
        try:
            yield
        finally:
            with self.changed:
                self._listeners.remove(listener)

    def updates(self, client_order_id: str) -> list[OrderUpdate]:
        """Return what was said about one order, oldest first."""
        entry = self.ledger.entries.get(client_order_id)
        if entry is not None:
            return list(entry.updates)
        return [update for update in self.ledger.foreign if update.client_order_id == client_order_id]
