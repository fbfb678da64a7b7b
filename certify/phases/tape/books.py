"""One top of book: which sides are there, is it crossed or locked, and for how long."""

from __future__ import annotations

from decimal import Decimal

from certify.model.trading import Quote
from certify.phases.tape.report import Kind
from certify.phases.tape.session import SessionClock
from certify.phases.tape.tallies import Tallies


class Book:
    """The market of one key: (instrument, venue), or an instrument over all its venues.

    Where several venues make one market, the best bid is the highest and the best offer the
    lowest of what they last quoted; a side at zero or absent takes no part.
    """

    __slots__ = ("ask", "bid", "last_ns", "lasted_ns", "state", "venues", "watched_ns")

    def __init__(self) -> None:
        self.bid: Decimal | None = None
        self.ask: Decimal | None = None
        self.venues: dict[str | None, tuple[Decimal | None, Decimal | None]] = {}
        self.state: Kind | None = None
        """CROSSED, LOCKED or neither."""
        self.lasted_ns = self.last_ns = self.watched_ns = 0

    def update(self, quote: Quote, tallies: Tallies, hours: SessionClock) -> None:
        """Take a quote; time since the last one counts for the state until now."""
        self.elapse(quote.ts_event_ns, tallies, hours)
        bid, ask = quote.bid or None, quote.ask or None
        self.venues[quote.venue] = (bid, ask)
        if len(self.venues) > 1:
            bid = max((b for b, _ in self.venues.values() if b is not None), default=None)
            ask = min((a for _, a in self.venues.values() if a is not None), default=None)
        self.bid, self.ask = bid, ask
        state = None
        if bid is not None and ask is not None and bid >= ask:
            state = Kind.CROSSED if bid > ask else Kind.LOCKED
            tallies.note(state, quote, self._best(quote))
        if state is not self.state:
            self.state, self.lasted_ns = state, 0

    def elapse(self, now_ns: int, tallies: Tallies, hours: SessionClock) -> None:
        """Let time pass; only time inside the session counts."""
        last, self.last_ns = self.last_ns, max(self.last_ns, now_ns)
        if last <= 0 or now_ns <= last or not hours.inside(last):
            return
        if not hours.inside(now_ns) or hours.edge_ns(now_ns) > last:
            return
        if self.bid is not None and self.ask is not None:
            self.watched_ns += now_ns - last
        if self.state is not None:
            self.lasted_ns += now_ns - last
            tallies.lasted(self.state, now_ns - last, self.lasted_ns)

    def _best(self, quote: Quote) -> str:
        if len(self.venues) == 1:
            return ""
        return f"best {self.bid} / {self.ask} over {len(self.venues)} venues, after {quote.venue}"
