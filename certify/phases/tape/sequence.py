"""Sequence numbers, read as one numbering: gaps, resets, inversions, duplicates, holes.

Missing numbers are counted as span minus distinct numbers, so a row that comes late is not lost.
Where other message types share the numbering, a missing number proves nothing. What still gives
a dropped row away is a *hole*: steps of a, 2a, a in a regular run. Inside one packet (equal receive
times) a hole of any multiple is all but proof, as the exchange fills packets in order; across
packets holes are counted against a limit.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from certify.phases.tape.report import Kind

if TYPE_CHECKING:
    from certify.model.trading import Quote, Trade

RECENT = 65_536
"""Numbers remembered to tell a duplicate from a late row."""
RESET_SPAN = 1_000
OPEN_HOLES = 64
"""Holes that a late row may still fill."""


class SequenceTracker:
    """One numbering; constant memory."""

    __slots__ = (
        "_a", "_b", "_open_holes", "_order", "_recent", "_recv_a", "_recv_b", "_recv_last", "burst_holes",
        "burst_steps", "distinct", "duplicates", "examples", "first", "gaps", "holes", "inversions", "last",
        "missing_before", "numbered", "resets", "steps", "unit_steps",
    )  # fmt: skip

    def __init__(self) -> None:
        self.first = self.last = -1
        self.numbered = self.distinct = self.steps = self.unit_steps = 0
        self.gaps = self.resets = self.inversions = self.duplicates = 0
        self.holes = self.burst_holes = self.burst_steps = self.missing_before = 0
        self.examples: dict[Kind, tuple[Quote | Trade, int]] = {}
        self._a = self._b = 0
        self._recv_a: int | None = None
        self._recv_b: int | None = None
        self._recv_last: int | None = None
        self._recent: set[int] = set()
        self._order: deque[int] = deque()
        self._open_holes: deque[int] = deque(maxlen=OPEN_HOLES)

    def see(self, event: Quote | Trade, seq: int) -> None:
        """Take the next number."""
        self.numbered += 1
        last = self.last
        if seq > last:
            if last >= 0:
                self._step(event, seq - last)
            else:
                self.first = seq
            self.last = seq
            self._remember(seq)
        elif self._is_reset(seq, last):
            self._reset(event, seq)
        elif seq in self._recent:
            self.duplicates += 1
            self._example(Kind.DUPLICATE_SEQUENCE, event)
        else:
            self.inversions += 1
            self._example(Kind.SEQUENCE_INVERSION, event)
            self._a = self._b = 0
            if seq in self._open_holes:  # late, not lost
                self.holes -= 1
                self._open_holes.remove(seq)
            self._remember(seq)
            self.first = min(self.first, seq)

    @property
    def missing(self) -> int:
        """Numbers of the span that never came."""
        if self.first < 0:
            return 0
        return self.missing_before + self._missing_now()

    def _missing_now(self) -> int:
        return max(0, self.last - self.first + 1 - self.distinct)

    def _step(self, event: Quote | Trade, step: int) -> None:
        self.steps += 1
        if step == 1:
            self.unit_steps += 1
        else:
            self.gaps += 1
            self._example(Kind.SEQUENCE_GAP, event)
        recv = event.ts_recv_ns
        burst = recv is not None and recv == self._recv_last
        if burst:
            self.burst_steps += 1
        a, b = self._a, self._b
        if a == step and b > a and b % a == 0:
            # The two numbers around the hole were sent in one packet with their neighbours.
            if burst and recv == self._recv_a == self._recv_b:
                self.burst_holes += 1
                self._example(Kind.BURST_HOLE, event)
            if b == 2 * a:
                self.holes += 1
                self._open_holes.append(self.last + step - b)
                self._example(Kind.SEQUENCE_HOLE, event)
        self._a, self._b = b, step
        self._recv_a, self._recv_b, self._recv_last = self._recv_b, self._recv_last, recv

    def _is_reset(self, seq: int, last: int) -> bool:
        back = last - seq
        return back > max(RESET_SPAN, last // 2) or (seq <= 1 and back >= 16)

    def _reset(self, event: Quote | Trade, seq: int) -> None:
        self.resets += 1
        self._example(Kind.SEQUENCE_RESET, event)
        self.missing_before += self._missing_now()
        self.first = self.last = seq
        self.distinct = 0
        self._recent.clear()
        self._order.clear()
        self._remember(seq)

    def _remember(self, seq: int) -> None:
        self.distinct += 1
        self._recent.add(seq)
        self._order.append(seq)
        if len(self._order) > RECENT:
            self._recent.discard(self._order.popleft())

    def _example(self, kind: Kind, event: Quote | Trade) -> None:
        if kind not in self.examples:
            self.examples[kind] = (event, self.last)
