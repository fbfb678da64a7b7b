"""What one quote can have wrong with it, alone and in its book."""

from __future__ import annotations

from decimal import Decimal

from certify.model.trading import Quote
from certify.phases.tape.books import Book
from certify.phases.tape.report import Kind
from certify.phases.tape.session import SessionClock
from certify.phases.tape.settings import TapeSettings
from certify.phases.tape.tallies import Tallies

_ZERO = Decimal(0)
_TWO = Decimal(2)
_TEN = Decimal(10)
Row = tuple[Decimal | None, Decimal | None, Decimal | None, Decimal | None]


class QuoteAudit:
    """Judges each quote by itself, then hands it to its book."""

    def __init__(self, settings: TapeSettings, tallies: Tallies, hours: SessionClock) -> None:
        self._settings, self._tallies, self._hours = settings, tallies, hours
        self._merged = settings.scope == "nbbo"
        self.on_grid = 0
        """Quotes whose tick is known."""
        self.books: dict[tuple[str, str | None], Book] = {}
        self.of_instrument: dict[str, list[Book]] = {}
        self._rows: dict[tuple[str, str | None], tuple[int, set[Row]]] = {}

    def see(self, quote: Quote) -> None:
        """Take one quote."""
        if quote.bid is None and quote.ask is None:
            self._tallies.note(Kind.EMPTY_BOOK, quote)
        elif quote.bid is None or quote.ask is None:
            self._tallies.note(Kind.ONE_SIDED, quote)
        self._values(quote)
        self._spread(quote)
        if quote.seq is None:
            self._repetition(quote)
        tick = self._settings.ticks.get(quote.instrument)
        if tick:
            self.on_grid += 1
            if (quote.bid or _ZERO) % tick or (quote.ask or _ZERO) % tick:
                self._tallies.note(Kind.OFF_TICK, quote, f"tick {tick}")
        self._book(quote).update(quote, self._tallies, self._hours)

    def finish(self, now_ns: int) -> int:
        """Let time pass for every book up to the end; return the time watched over all, nanoseconds."""
        for book in self.books.values():
            book.elapse(now_ns, self._tallies, self._hours)
        return sum(book.watched_ns for book in self.books.values())

    def prevailing(self, instrument: str) -> tuple[Decimal | None, Decimal | None]:
        """Return the lowest and the highest price that the best quotes of the instrument span.

        Over several venues the best bid may be above the best offer; the span holds both.
        """
        books = self.of_instrument.get(instrument, ())
        bid = max((book.bid for book in books if book.bid is not None), default=None)
        ask = min((book.ask for book in books if book.ask is not None), default=None)
        if bid is not None and ask is not None and bid > ask:
            return ask, bid
        return bid, ask

    def _book(self, quote: Quote) -> Book:
        key = (quote.instrument, None if self._merged else quote.venue)
        book = self.books.get(key)
        if book is None:
            book = self.books[key] = Book()
            self.of_instrument.setdefault(quote.instrument, []).append(book)
        return book

    def _values(self, quote: Quote) -> None:
        prices, sizes = (quote.bid, quote.ask), (quote.bid_size, quote.ask_size)
        if _ZERO in prices:
            self._tallies.note(Kind.ZERO_PRICE, quote)
        if _ZERO in sizes:
            self._tallies.note(Kind.ZERO_SIZE, quote)
        if any(value is not None and value < _ZERO for value in prices + sizes):
            self._tallies.note(Kind.NEGATIVE, quote)

    def _spread(self, quote: Quote) -> None:
        bid, ask = quote.bid, quote.ask
        if not bid or not ask:
            return
        wide = (ask - bid) * _TWO > (ask + bid) * self._settings.stub_spread
        low = bid <= self._settings.stub_low and ask >= bid * _TEN
        if wide or low or ask >= self._settings.stub_high > bid * _TEN:
            self._tallies.note(Kind.STUB_QUOTE, quote)

    def _repetition(self, quote: Quote) -> None:
        """Count a row that says again what was said at the same time; only feeds without numbers."""
        key = (quote.instrument, quote.venue)
        row = (quote.bid, quote.bid_size, quote.ask, quote.ask_size)
        at_ns, rows = self._rows.get(key, (-1, set()))
        if at_ns != quote.ts_event_ns:
            self._rows[key] = (quote.ts_event_ns, {row})
        elif row in rows:
            self._tallies.note(Kind.REPEATED_QUOTE, quote)
        else:
            rows.add(row)
