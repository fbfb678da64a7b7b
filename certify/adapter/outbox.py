"""Everything that leaves the system's process, in the order in which it was said.

Runs in the system's own interpreter: standard library only, Python 3.8 or newer.
"""

from __future__ import annotations

import queue
import sys
import threading
import traceback
from typing import Any, Callable, Iterator, List, Optional, Tuple

from certify import clock
from certify.adapter import rows, wire
from certify.errors import NotSupported
from certify.model.trading import SYSTEM_EVENTS, BookUpdate, Quote, Trade

MOST_WAITING = 200_000
"""When so much waits to be written, market data is dropped and counted: the system must not be held up,
and its memory is its own. Nothing else is ever dropped."""
MARKET_DATA = (Quote, Trade, BookUpdate)
Item = Tuple[str, Any, Any]
Tap = Callable[[int, Any], None]


class Outbox:
    """A queue that never blocks the system, and one thread that writes it to the pipe."""

    def __init__(self, fd: int) -> None:
        """Write to `fd` once started."""
        self._fd = fd
        self._items: queue.SimpleQueue[Optional[Item]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, daemon=True, name="certify-outbox")
        self.linger_s = 0.0
        """How long to let things gather before they are written: while a load runs, a writer that wakes
        up for every single event would take the interpreter from the system each time."""
        self.dropped = 0
        """Market data that was said faster than it could be carried away."""
        self.taps: List[Tap] = []
        """Called at once with the stamp and the event, on the thread that emits: for load measurement."""

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self) -> None:
        """Write what is queued, then end."""
        self._items.put(None)
        self._thread.join(timeout=5)

    def event(self, stamp_ns: int, event: Any) -> None:
        """Queue an event of the system with the monotonic stamp of its saying."""
        for tap in self.taps:
            tap(stamp_ns, event)
        if self._items.qsize() >= MOST_WAITING and isinstance(event, MARKET_DATA):
            self.dropped += 1
            return
        self._items.put(("event", stamp_ns, event))

    def answer(self, reply: Optional[int], value: Any) -> None:
        """Queue the answer of a command; `None` asked for none."""
        if reply is not None:
            self._items.put(("answer", reply, value))

    def failure(self, reply: Optional[int], error: BaseException) -> None:
        """Queue that a command raised."""
        trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        sys.stderr.write(trace)
        if reply is not None:
            self._items.put(("failure", reply, (error, trace)))

    def binary(self, body: bytes) -> None:
        """Queue raw bytes: the stamps of a load."""
        self._items.put(("binary", None, body))

    def _write(self) -> None:
        while True:
            item = self._items.get()
            if self.linger_s:
                clock.sleep_s(self.linger_s)
            batch: List[Item] = []
            while item is not None:
                batch.append(item)
                if len(batch) >= 256 or self._items.empty():
                    break
                item = self._items.get()
            try:
                wire.write_all(self._fd, b"".join(frames_of(batch)) + self._dropped_frame())
            except wire.WireError:
                return
            if item is None:
                return

    def _dropped_frame(self) -> bytes:
        if not self.dropped or self._items.qsize() >= MOST_WAITING:
            return b""
        dropped, self.dropped = self.dropped, 0
        text = f"said market data faster than it can be carried away: {dropped} events were dropped"
        return wire.json_frame({"breach": text})


def frames_of(batch: List[Item]) -> Iterator[bytes]:
    """Yield the frames of queued items in their order; events that follow each other share one."""
    gathered: List[rows.Row] = []
    for item in batch:
        row = rows.to_row(item[1], item[2]) if item[0] == "event" else None
        if row is not None:
            gathered.append(row)
            continue
        if gathered:
            yield wire.frame(rows.rows_body(gathered))
            gathered = []
        yield frame_of(item)
    if gathered:
        yield wire.frame(rows.rows_body(gathered))


def frame_of(item: Item) -> bytes:
    """Return the frame of one queued item; what cannot be encoded becomes a failure or a breach."""
    what, key, value = item
    if what == "binary":
        return wire.binary_frame(value)
    try:
        if what == "event":
            return _event_frame(key, value)
        if what == "answer":
            breaches = wire.contract_breaches(value)
            return wire.json_frame({"re": key, "value": wire.to_wire(value), "breaches": breaches})
    except Exception as error:
        if what == "event":
            return wire.json_frame({"breach": f"emitted {type(value).__name__}: {error}"})
        value = (error, "")
    raised, trace = value
    kind = "not_supported" if isinstance(raised, NotSupported) or _named(raised) else "raised"
    text = f"{type(raised).__name__}: {raised}" if kind == "raised" else str(raised)
    return wire.json_frame({"re": key, "error": kind, "text": text, "trace": trace})


def _named(error: BaseException) -> bool:
    return any(cls.__name__ in ("NotSupported", "NotImplementedError") for cls in type(error).__mro__)


def _event_frame(stamp_ns: int, event: Any) -> bytes:
    if not isinstance(event, SYSTEM_EVENTS):
        return wire.json_frame(
            {"breach": f"emitted {type(event).__name__}: expected an event of the contract"}
        )
    return wire.json_frame(
        {"ev": wire.to_wire(event), "at": stamp_ns, "breaches": wire.contract_breaches(event)}
    )
