"""Hands what the broker said to its listeners, on a thread that may wait for their locks.

The platform calls a connection under its own lock, so the thread of the sockets must never wait for that
lock: it puts everything here and goes on.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

Delivery = Callable[[], None]


class DeliveryThread:
    """One thread that makes calls in the order in which they were put."""

    def __init__(self, name: str, log: logging.Logger) -> None:
        """Start the thread."""
        self._log = log
        self._queue: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, call: Delivery) -> None:
        """Make a call on the thread, after all that were put before."""
        self._queue.put(call)

    @property
    def waiting(self) -> int:
        """Return how many calls have not been made yet."""
        return self._queue.qsize()

    def _run(self) -> None:
        log = self._log
        while (call := self._queue.get()) is not None:
            try:
                call()
            except Exception:
                log.exception("a report could not be delivered")

    def close(self) -> None:
        """End the thread after what was put; not waited for: it may need a lock that the caller holds."""
        self._queue.put(None)
