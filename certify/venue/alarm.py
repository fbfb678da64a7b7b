"""A thread that is there only while something is due."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

_IDLE_S = 1.0
_LONGEST_WAIT_S = 3600.0

log = logging.getLogger(__name__)


class Alarm:
    """Calls `fire` when the next due time has come; its thread ends when nothing is due for a while."""

    __slots__ = ("_condition", "_fire", "_next_due_ns", "_now_ns", "_stopped", "_thread")

    def __init__(
        self,
        lock: threading.RLock,
        now_ns: Callable[[], int],
        next_due_ns: Callable[[], int | None],
        fire: Callable[[], None],
    ) -> None:
        """Ask `next_due_ns` under `lock`; call `fire` without it."""
        self._condition = threading.Condition(lock)
        self._now_ns = now_ns
        self._next_due_ns = next_due_ns
        self._fire = fire
        self._stopped = False
        self._thread: threading.Thread | None = None

    def poke(self) -> None:
        """Look again at what is due; the caller holds the lock."""
        if self._stopped:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="venue-alarm", daemon=True)
            self._thread.start()
        else:
            self._condition.notify()

    def stop(self) -> None:
        """End the thread and start none again."""
        with self._condition:
            self._stopped = True
            thread = self._thread
            self._condition.notify()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while self._await_due():
            try:
                self._fire()
            except Exception:
                log.exception("a venue listener raised")

    def _await_due(self) -> bool:
        """Wait until something is due; false when the thread shall end."""
        with self._condition:
            while not self._stopped:
                due = self._next_due_ns()
                if due is None:
                    if not self._condition.wait(_IDLE_S) and self._next_due_ns() is None:
                        break
                    continue
                left_ns = due - self._now_ns()
                if left_ns <= 0:
                    return True
                self._condition.wait(min(left_ns / 1e9, _LONGEST_WAIT_S))
            self._thread = None
            return False
