"""Every request of a load on its way, and the stamps of those that have ended.

A row of stamps is eight signed 64-bit integers, times in nanoseconds from the level's start:
stream, number, planned, called, returned, answered, late, code. What did not happen is -1. `late`
is the generator's own lateness, see `certify.adapter.load`.

Runs in the system's own interpreter: standard library only, Python 3.8 or newer.
"""

from __future__ import annotations

import threading
from array import array
from typing import Any, Dict, List, Tuple

COLUMNS = ("stream", "number", "planned", "called", "returned", "answered", "late", "code")
NEVER = -1

OK = 0
VENUE_REJECT, BROKER_REJECT, RISK_REFUSAL, ENGINE_REFUSAL = 1, 2, 3, 4
SYSTEM_ERROR, TIMEOUT, OVERRUN, DROPPED = 5, 6, 7, 8
CODES = (
    "ok",
    "venue_reject",
    "broker_reject",
    "risk_refusal",
    "engine_refusal",
    "system_error",
    "timeout",
    "overrun",
    "dropped",
)
"""Names of the codes. `overrun`: not sent because the system itself held the caller for too long;
`dropped`: not sent because the generator was too late."""


class Flight:
    """One request that was sent, or is about to be."""

    __slots__ = ("answered", "called", "code", "ended", "late", "number", "planned", "returned", "stream")

    def __init__(self, stream: int, number: int, planned: int, called: int, late: int) -> None:
        """Begin with absolute monotonic times; `late` is a difference."""
        self.stream, self.number, self.planned, self.called, self.late = stream, number, planned, called, late
        self.returned = self.answered = NEVER
        self.code = OK
        self.ended = False


class Flights:
    """The table of what is in the air; every method may be called from any thread."""

    def __init__(self, streams: int, timeout_ns: int) -> None:
        """Count for so many streams; what is not answered within `timeout_ns` of its call has timed out."""
        self.start_ns = 0
        self.lock = threading.Lock()
        self.counts: List[List[int]] = [[0] * len(CODES) for _ in range(streams)]
        """Per stream, how many ended with each code."""
        self._timeout_ns = timeout_ns
        self._air: Dict[Any, Flight] = {}
        self._rows = array("q")

    def __len__(self) -> int:
        return len(self._air)

    def open(self, key: Any, flight: Flight) -> None:
        """Expect an answer under `key` from now on: it may come before the call returns."""
        with self.lock:
            self._air[key] = flight

    def returned(self, key: Any, flight: Flight, at_ns: int) -> None:
        """Note that the call is back; a flight with both its call and its answer back has ended."""
        with self.lock:
            flight.returned = at_ns
            if flight.answered != NEVER and not flight.ended:
                del self._air[key]
                self._end(flight)

    def answered(self, key: Any, at_ns: int, code: int) -> None:
        """Note the first answer; later ones, and those to requests that timed out, change nothing."""
        with self.lock:
            flight = self._air.get(key)
            if flight is None or flight.answered != NEVER:
                return
            flight.answered, flight.code = at_ns, code
            if flight.returned != NEVER:
                del self._air[key]
                self._end(flight)

    def raised(self, key: Any, flight: Flight, at_ns: int) -> None:
        """Note that the call raised: an error of the system, whatever it answered before."""
        with self.lock:
            if not flight.ended:
                self._air.pop(key, None)
                flight.returned, flight.code = at_ns, SYSTEM_ERROR
                self._end(flight)

    def unsent(self, flight: Flight, code: int) -> None:
        """Note a request that was due and never sent."""
        with self.lock:
            flight.code = code
            self._end(flight)

    def sweep(self, now_ns: int) -> None:
        """End what has waited too long."""
        with self.lock:
            late: List[Tuple[Any, Flight]] = []
            for key, flight in self._air.items():  # in the order of the calls
                if now_ns - flight.called < self._timeout_ns:
                    break
                late.append((key, flight))
            for key, flight in late:
                del self._air[key]
                self._land(flight)

    def give_up(self) -> List[int]:
        """End everything that is still in the air; return how much of each stream was unanswered."""
        with self.lock:
            left = [0] * len(self.counts)
            for flight in self._air.values():
                left[flight.stream] += flight.answered == NEVER
                self._land(flight)
            self._air.clear()
            return left

    def _land(self, flight: Flight) -> None:
        if flight.answered == NEVER:
            flight.code = TIMEOUT
        self._end(flight)

    def take_rows(self) -> bytes:
        """Return the rows of what has ended since the last time."""
        with self.lock:
            rows, self._rows = self._rows, array("q")
        return rows.tobytes()

    def _end(self, flight: Flight) -> None:
        flight.ended = True
        self.counts[flight.stream][flight.code] += 1
        start = self.start_ns
        self._rows.extend(
            (
                flight.stream,
                flight.number,
                flight.planned - start,
                flight.called - start if flight.called != NEVER else NEVER,
                flight.returned - start if flight.returned != NEVER else NEVER,
                flight.answered - start if flight.answered != NEVER else NEVER,
                flight.late,
                flight.code,
            )
        )
