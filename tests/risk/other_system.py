"""A healthy system of other habits: answers late on its own thread, own codes, own words, no extras.

The market cannot be set, nothing can be asked without sending, links cannot be broken, and no alert is
said twice: what an adapter over a closed system looks like.
"""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import replace
from typing import Any

from certify.backends.mock import create as build
from certify.model.trading import Alert, AlertState, ExecType, OrderUpdate

DELAY_S = 0.02
REFUSALS = (ExecType.REJECTED, ExecType.REPLACE_REJECTED, ExecType.CANCEL_REJECTED)
CANNOT = ("market_data.inject", "market_data.disconnect", "orders.disconnect", "risk.precheck")


class Late:
    """Says everything a moment later, in order, from a thread of its own, each alert state once."""

    def __init__(self, emit: Any) -> None:
        self._emit, self._queue = emit, queue.SimpleQueue()
        self._said: set[tuple[str, AlertState]] = set()
        threading.Thread(target=self._run, daemon=True).start()

    def __call__(self, event: Any) -> None:
        self._queue.put((time.monotonic() + DELAY_S, event))

    def _run(self) -> None:
        while True:
            due, event = self._queue.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if isinstance(event, OrderUpdate) and event.exec_type in REFUSALS:
                event = replace(event, code=None, reason="computer says no")
            if isinstance(event, Alert):
                if (event.id, event.state) in self._said:
                    continue
                self._said.add((event.id, event.state))
                event = replace(event, kind=event.kind.lower().replace("_", "-"))
            self._emit(event)


class Port:
    """A port without some of its methods."""

    def __init__(self, port: Any, *missing: str) -> None:
        for name in dir(port):
            if not name.startswith("_") and name not in missing and callable(getattr(port, name)):
                setattr(self, name, getattr(port, name))


class Closed:
    """The reference platform behind other manners."""

    def __init__(self, platform: Any) -> None:
        self._platform = platform
        self.start, self.stop, self.health = platform.start, platform.stop, platform.health
        self.market_data = Port(platform.market_data, "inject", "disconnect", "reconnect")
        self.broker = Port(platform.broker, "disconnect", "reconnect")
        self.execution = Port(platform.execution, "disconnect", "reconnect")
        self.risk = Port(platform.risk, "precheck")
        self.trade_monitor = Port(platform.trade_monitor)

    def describe(self) -> Any:
        info = self._platform.describe()
        return replace(info, name="other", capabilities=dict.fromkeys(CANNOT, "closed system"))


def create(ctx: Any) -> Closed:
    """Build it."""
    platform = build(ctx)
    platform.kernel.emit = Late(platform.kernel.emit)
    return Closed(platform)
