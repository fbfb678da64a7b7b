"""What all components share: one lock, one clock, one way out for events."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from certify.model.trading import SystemEvent

P = ParamSpec("P")
R = TypeVar("R")


class Kernel:
    """The lock, the clock, the log and `emit` of one platform.

    Every public method of a component runs under the one re-entrant lock, so that what is checked
    still holds when it is acted upon, and events leave in one order.
    """

    def __init__(
        self, *, emit: Callable[[SystemEvent], None], now_ns: Callable[[], int], log: logging.Logger
    ) -> None:
        """Share `emit` (any thread, never blocks), `now_ns` (UTC) and `log`."""
        self.lock = threading.RLock()
        self.emit = emit
        self.now_ns = now_ns
        self.log = log


class HasKernel(Protocol):
    """A component."""

    @property
    def kernel(self) -> Kernel:
        """Return what is shared."""


S = TypeVar("S", bound=HasKernel)


def locked(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Run a component's method under the platform's lock."""

    @wraps(method)
    def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.kernel.lock:
            return method(self, *args, **kwargs)

    return run
