"""One instrument on the venue: its book, its stops, its house liquidity and what it publishes.

The house's quote is only noted (`show`) while no customer's order rests: it goes into the book when somebody
next looks at the book. Whoever does so sees it as it was last shown, because `book` and `house` are the only
ways there.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from certify.errors import UsageError
from certify.model.trading import BookUpdate, Quote, Side, Trade
from certify.venue.accounts import Commission
from certify.venue.book import BookSide, OrderBook
from certify.venue.contract import CONTEXT, Contract, OffGrid
from certify.venue.delivery import Dispatcher
from certify.venue.orders import VenueOrder
from certify.venue.stops import StopBook

if TYPE_CHECKING:
    from certify.venue.session import VenueSession

_new_quote, _new_trade = Quote.__new__, Trade.__new__
_set = object.__setattr__

Top = tuple[int, int, int, int]
"""Bid in ticks, its lots, ask in ticks, its lots; price and lots are 0 where a side is empty."""

KINDS = ("QUOTE", "TRADE", "BOOK")
"""What can be subscribed to."""


class Market:
    """The state of one instrument and its public feed."""

    __slots__ = (
        "_ahead", "_book", "_book_depth", "_book_seq", "_dispatcher", "_house", "_published", "_quote_seq",
        "_top", "_trade_seq", "commission", "contract", "halted", "instrument_id", "last_price", "last_ticks",
        "listeners", "stops", "waiting_quote",
    )  # fmt: skip

    def __init__(
        self, contract: Contract, commission: Commission, dispatcher: Dispatcher, book_depth: int
    ) -> None:
        """Start with an empty book and no trade."""
        self.contract = contract
        self.instrument_id = contract.instrument.id
        self.commission = commission
        self._book = OrderBook()
        self.stops = StopBook()
        self.halted = False
        self._house: dict[int, VenueOrder] = {}
        self._ahead = False
        """Whether `_top` is a quote of the house that the book does not have yet; it has no other orders."""
        self.waiting_quote: Quote | None = None
        """House liquidity that came while trading was not possible."""
        self.last_price: Decimal | None = None
        self.last_ticks: tuple[int, int] | None = None
        """The last trade price in ticks, rounded down and up."""
        self.listeners: dict[str, tuple[VenueSession, ...]] = dict.fromkeys(KINDS, ())
        self._dispatcher = dispatcher
        self._book_depth = book_depth
        self._published = 0
        self._top: Top = (0, 0, 0, 0)
        self._quote_seq = self._trade_seq = self._book_seq = 0

    @property
    def book(self) -> OrderBook:
        """The book, with the house's quote as it was last shown."""
        if self._ahead:
            self._settle()
        return self._book

    @property
    def house(self) -> dict[int, VenueOrder]:
        """The house's order by sign, as it was last shown; to be changed together with the book."""
        if self._ahead:
            self._settle()
        return self._house

    def show(self, top: Top, ts_event_ns: int) -> bool:
        """Note the house's quote as `note` does, and publish it."""
        if not self.note(top):
            return False
        if sessions := self.listeners["QUOTE"]:
            quote = self.quote(ts_event_ns)
            for session in sessions:
                self._dispatcher.send(session, session.on_quote, quote)
        return True

    def note(self, top: Top) -> int:
        """Note the house's quote if the book holds nothing else and nobody follows it; return its number.

        Otherwise nothing is done and the answer is 0. To everybody outside it is as if the quote had been
        matched, down to the numbers of each feed.
        """
        if not self._ahead:
            if not self._quiet():
                return 0
            self._ahead = True
        if top != self._top:
            self._top = top
            self._book_seq += 1
        self._quote_seq += 1
        return self._quote_seq

    def note_ticks(self, price: int) -> int:
        """Remember a trade made elsewhere that no stop waits for; return its number on the feed."""
        self.last_ticks = (price, price)
        self.last_price = self.contract.ticks.outside(price)
        self._trade_seq += 1
        return self._trade_seq

    def heard_by(self, kind: str, session: VenueSession | None) -> bool:
        """Whether nobody but `session` follows a feed."""
        sessions = self.listeners[kind]
        return not sessions or (len(sessions) == 1 and sessions[0] is session)

    @property
    def quiet(self) -> bool:
        """Whether nothing but the house is in the book and nobody follows it."""
        return self._ahead or self._quiet()

    def _quiet(self) -> bool:
        """Whether only the house is in the book, all of it is published and nobody follows the book."""
        book = self._book
        return (
            book.version == self._published
            and not self.listeners["BOOK"]
            and not self.stops.triggered
            and book.bids.only_house()
            and book.asks.only_house()
        )

    def _settle(self) -> None:
        """Put the house's quote that was only noted into the book."""
        self._ahead = False
        book, house = self._book, self._house
        for old in house.values():
            if old.level is not None:
                book.remove(old)
        house.clear()
        bid, bid_lots, ask, ask_lots = self._top
        for side, price, lots in ((Side.BUY, bid, bid_lots), (Side.SELL, ask, ask_lots)):
            if lots:
                order = VenueOrder(0, self.instrument_id, side, lots, price)
                house[order.sign] = order
                book.rest(order)
        self._published = book.version

    def subscribe(self, session: VenueSession, kinds: Collection[str]) -> None:
        """Add `session` to the feeds of `kinds` and queue the current state; raises `UsageError`."""
        for kind in kinds:
            if kind not in self.listeners:
                raise UsageError(f"expected a feed of {', '.join(KINDS)}, was {kind}")
        for kind in KINDS:
            if kind in kinds and session not in self.listeners[kind]:
                self.listeners[kind] += (session,)
        if "QUOTE" in kinds:
            self._dispatcher.send(session, session.on_quote, self.quote(self._dispatcher.now))
        if "BOOK" in kinds:
            self._dispatcher.send(session, session.on_book, self.snapshot())

    def unsubscribe(self, session: VenueSession) -> None:
        """Take `session` off every feed."""
        for kind, sessions in self.listeners.items():
            self.listeners[kind] = tuple(other for other in sessions if other is not session)

    def publish(self, ts_event_ns: int, *, always: bool = False) -> None:
        """Queue the quote and the book where they have changed; `always` repeats an unchanged quote."""
        book = self._book
        if self._ahead or (book.version == self._published and not always):
            return
        top = self._top_of_book()
        if always or top != self._top:
            self._top = top
            self._quote_seq += 1
            if sessions := self.listeners["QUOTE"]:
                quote = self.quote(ts_event_ns)
                for session in sessions:
                    self._dispatcher.send(session, session.on_quote, quote)
        if book.version != self._published:
            self._published = book.version
            self._publish_book()

    def _publish_book(self) -> None:
        self._book_seq += 1
        if sessions := self.listeners["BOOK"]:
            snapshot = self.snapshot()
            for session in sessions:
                self._dispatcher.send(session, session.on_book, snapshot)

    def _top_of_book(self) -> Top:
        """Return the best of both sides."""
        if self._ahead:
            return self._top
        bid, ask = self._book.bids.best(), self._book.asks.best()
        return (
            bid.key if bid else 0, bid.qty if bid else 0, -ask.key if ask else 0, ask.qty if ask else 0
        )  # fmt: skip

    def quote(self, ts_event_ns: int) -> Quote:
        """Return the last published quote, stamped `ts_event_ns`."""
        bid, bid_lots, ask, ask_lots = self._top
        ticks, lots = self.contract.ticks.outside, self.contract.lots.outside
        fields = {
            "instrument": self.instrument_id,
            "bid": ticks(bid) if bid_lots else None,
            "bid_size": lots(bid_lots) if bid_lots else None,
            "ask": ticks(ask) if ask_lots else None,
            "ask_size": lots(ask_lots) if ask_lots else None,
            "ts_event_ns": ts_event_ns,
            "ts_recv_ns": None,
            "seq": self._quote_seq,
            "venue": None,
            "delayed": False,
        }
        quote = _new_quote(Quote)
        _set(quote, "__dict__", fields)  # at once: see `reports.py`
        return quote

    def snapshot(self) -> BookUpdate:
        """Return the visible depth of the book."""
        return BookUpdate(
            instrument=self.instrument_id,
            bids=self._levels(self.book.bids),
            asks=self._levels(self.book.asks),
            ts_event_ns=self._dispatcher.now,
            seq=self._book_seq,
        )

    def _levels(self, side: BookSide) -> tuple[tuple[Decimal, Decimal], ...]:
        ticks, lots = self.contract.ticks.outside, self.contract.lots.outside
        return tuple((ticks(price), lots(qty)) for price, qty in side.depth(self._book_depth))

    def note_fill(self, price: int, lots: int, match_id: int) -> None:
        """Remember and publish a trade in this book, and trigger stops."""
        self.last_ticks = (price, price)
        self.last_price = self.contract.ticks.outside(price)
        self.stops.reach(price, price)
        self._trade_seq += 1
        if self.listeners["TRADE"]:
            self._publish_trade(
                Trade(
                    instrument=self.instrument_id,
                    price=self.last_price,
                    size=self.contract.lots.outside(lots),
                    ts_event_ns=self._dispatcher.now,
                    trade_id=f"T{match_id:09d}",
                    seq=self._trade_seq,
                )
            )

    def note_print(self, trade: Trade, ts_event_ns: int) -> None:
        """Remember and publish a trade that was made elsewhere, under this feed's sequence number."""
        try:
            ticks = self.contract.ticks.inside(trade.price)
            self.last_ticks = (ticks, ticks)
        except OffGrid:
            steps = CONTEXT.divide(trade.price, self.contract.ticks.step)
            self.last_ticks = (
                int(steps.to_integral_value(ROUND_FLOOR)), int(steps.to_integral_value(ROUND_CEILING))
            )  # fmt: skip
        self.last_price = trade.price
        self.stops.reach(*self.last_ticks)
        self._trade_seq += 1
        if self.listeners["TRADE"]:
            fields = trade.__dict__ | {"ts_event_ns": ts_event_ns, "ts_recv_ns": None, "seq": self._trade_seq}
            print_ = _new_trade(Trade)
            _set(print_, "__dict__", fields)
            self._publish_trade(print_)

    def _publish_trade(self, trade: Trade) -> None:
        for session in self.listeners["TRADE"]:
            self._dispatcher.send(session, session.on_trade, trade)

    def mark(self) -> Decimal | None:
        """Return what positions are valued at: the middle of the quote, else the last trade price."""
        bid, bid_lots, ask, ask_lots = self._top_of_book()
        if bid_lots and ask_lots:
            return CONTEXT.multiply(self.contract.ticks.step, CONTEXT.divide(Decimal(bid + ask), Decimal(2)))
        return self.last_price
