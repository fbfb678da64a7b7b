"""The venue's one lock and the way out of it: callbacks in order, never with the lock held.

Every operation changes state under the lock and puts what listeners must hear into one queue; the
thread that ends the outermost operation delivers the queue. While one thread delivers, others only
add to the queue, so that callbacks never overtake one another and a listener may call the venue, from
any thread and with any lock of its own, without a deadlock.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol

from certify.model.trading import OrderUpdate


class Link(Protocol):
    """A session as the queue sees it."""

    connected: bool
    on_report: Callable[[OrderUpdate], None]


class Dispatcher:
    """A context manager around each operation: `with dispatcher: change state`."""

    __slots__ = (
        "_clock", "_delayed", "_delivering", "_depth", "_latency_ns", "_on_delay", "_outbox", "lock", "now",
    )  # fmt: skip

    def __init__(self, now_ns: Callable[[], int], latency_ns: int) -> None:
        """Read `now_ns` once per operation; hold order reports back for `latency_ns`."""
        self.lock = threading.RLock()
        self.now = 0
        """When the present operation began, nanoseconds UTC."""
        self._clock = now_ns
        self._latency_ns = latency_ns
        self._depth = 0
        self._delivering = False
        self._outbox: deque[tuple[Link, Callable[[Any], None], object]] = deque()
        self._delayed: deque[tuple[int, Link, OrderUpdate]] = deque()
        self._on_delay: Callable[[], None] = lambda: None

    def __enter__(self) -> None:
        """Take the lock; the outermost operation reads the clock."""
        self.lock.acquire()
        self._depth += 1
        if self._depth == 1:
            self.now = self._clock()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the lock and deliver, unless another operation or thread will."""
        self._depth -= 1
        deliver = self._depth == 0 and bool(self._outbox) and not self._delivering
        if deliver:
            self._delivering = True
        self.lock.release()
        if deliver:
            self._deliver()

    def when_delaying(self, call: Callable[[], None]) -> None:
        """Have `call` made, under the lock, when a report is held back and none was."""
        self._on_delay = call

    def send(self, link: Link, call: Callable[[Any], None], payload: object) -> None:
        """Queue one callback."""
        self._outbox.append((link, call, payload))

    def report(self, link: Link, update: OrderUpdate) -> None:
        """Queue an order report, after the latency if there is one."""
        if not self._latency_ns:
            self._outbox.append((link, link.on_report, update))
            return
        self._delayed.append((self.now + self._latency_ns, link, update))
        if len(self._delayed) == 1:
            self._on_delay()

    def next_due_ns(self) -> int | None:
        """Return when the next held-back report is due."""
        return self._delayed[0][0] if self._delayed else None

    def release_due(self) -> None:
        """Queue the held-back reports that are due."""
        while self._delayed and self._delayed[0][0] <= self.now:
            _, link, update = self._delayed.popleft()
            self._outbox.append((link, link.on_report, update))

    def _deliver(self) -> None:
        """Make the callbacks until none is left; raise the first listener's error after the last."""
        failure: Exception | None = None
        while True:
            try:
                link, call, payload = self._outbox.popleft()
            except IndexError:
                if self._finished():
                    break
                continue
            if link.connected:
                try:
                    call(payload)
                except Exception as error:  # noqa: BLE001 - one listener's bug must not silence the others
                    failure = failure or error
        if failure is not None:
            raise failure

    def _finished(self) -> bool:
        """Whether nothing was added since; then the next operation delivers for itself."""
        with self.lock:
            if not self._outbox:
                self._delivering = False
            return not self._delivering
