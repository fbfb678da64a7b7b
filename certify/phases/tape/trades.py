"""What one trade can have wrong with it: ids, corrections, price against the prevailing quote."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from certify.model.trading import Trade
from certify.phases.tape.quotes import QuoteAudit
from certify.phases.tape.report import Kind
from certify.phases.tape.settings import TapeSettings
from certify.phases.tape.tallies import Tallies

BUSTED = frozenset({"7", "8", "BUST", "BUSTED", "CANCELED", "CANCELLED", "ERROR", "X"})
"""Originals later marked as error (7) or cancelled (8): NYSE Daily TAQ, trade correction indicator."""
CANCEL_RECORDS = frozenset({"10", "11", "CANCEL"})
"""Records that take an original back: 10 a cancel, 11 an error record."""
REPEATING_RECORDS = frozenset({"12", "CORRECTION"})
"""Records that repeat an original in corrected form, which the original (1) already has."""

REMEMBERED_IDS = 65_536
_ZERO = Decimal(0)


class RecentIds:
    """The last ids of one instrument; constant memory."""

    __slots__ = ("_order", "_seen")

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._order: deque[str] = deque()

    def again(self, trade_id: str) -> bool:
        """Remember the id; return whether it was there already."""
        if trade_id in self._seen:
            return True
        self._seen.add(trade_id)
        self._order.append(trade_id)
        if len(self._order) > REMEMBERED_IDS:
            self._seen.discard(self._order.popleft())
        return False


class TradeAudit:
    """Judges each trade; keeps volume without what was taken back."""

    def __init__(self, settings: TapeSettings, tallies: Tallies, quotes: QuoteAudit) -> None:
        self._tallies, self._quotes = tallies, quotes
        self._below, self._above = 1 - settings.outside_tolerance, 1 + settings.outside_tolerance
        self._ids: dict[tuple[str, str | None], RecentIds] = {}
        self._prints: dict[tuple[str, str | None], tuple[int, set[tuple[object, ...]]]] = {}
        self._busts: dict[tuple[str, Decimal, Decimal], int] = {}
        self.volume = self.busted_volume = _ZERO

    def see(self, trade: Trade) -> None:
        """Take one trade."""
        self._values(trade)
        code = (trade.correction or "").strip().upper().lstrip("0")
        if code and code != "1":
            self._correction(trade, code)
            return
        self.volume += trade.size
        key = (trade.instrument, trade.venue)
        if trade.trade_id:
            if self._ids.setdefault(key, RecentIds()).again(trade.trade_id):
                self._tallies.note(Kind.DUPLICATE_TRADE_ID, trade)
        elif trade.seq is None:
            self._repetition(trade, key)
        self._price(trade)

    def finish(self) -> None:
        """Count what was marked as taken back without the record that does it, and the reverse."""
        for (instrument, price, size), open_count in self._busts.items():
            what = "no record cancels it" if open_count > 0 else "no original is marked"
            for _ in range(abs(open_count)):
                self._tallies.note(Kind.UNMATCHED_CANCEL, None, f"{instrument} {size} @ {price}: {what}")

    def _values(self, trade: Trade) -> None:
        if not trade.price:
            self._tallies.note(Kind.ZERO_PRICE, trade)
        if not trade.size:
            self._tallies.note(Kind.ZERO_SIZE, trade)
        if trade.price < _ZERO or trade.size < _ZERO:
            self._tallies.note(Kind.NEGATIVE, trade)

    def _correction(self, trade: Trade, code: str) -> None:
        key = (trade.instrument, trade.price, trade.size)
        if code in BUSTED:
            self._tallies.note(Kind.BUSTED, trade, f"correction {trade.correction}")
            self.busted_volume += trade.size
            self._busts[key] = self._busts.get(key, 0) + 1
        elif code in CANCEL_RECORDS:
            self._busts[key] = self._busts.get(key, 0) - 1
        elif code not in REPEATING_RECORDS:
            self.volume += trade.size
        if self._busts.get(key) == 0:
            del self._busts[key]

    def _repetition(self, trade: Trade, key: tuple[str, str | None]) -> None:
        row = (trade.price, trade.size, trade.condition)
        at_ns, rows = self._prints.get(key, (-1, set()))
        if at_ns != trade.ts_event_ns:
            self._prints[key] = (trade.ts_event_ns, {row})
        elif row in rows:
            self._tallies.note(Kind.EQUAL_PRINT, trade)
        else:
            rows.add(row)

    def _price(self, trade: Trade) -> None:
        low, high = self._quotes.prevailing(trade.instrument)
        below = low is not None and trade.price < low * self._below
        if below or (high is not None and trade.price > high * self._above):
            self._tallies.note(Kind.TRADE_OUTSIDE, trade, f"prevailing {low} / {high}")
