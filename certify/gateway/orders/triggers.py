"""Watches the market for orders that wait for a price.

STP and STP LMT are the venue's own and are triggered by trades; here it is only noticed, for their state.
MIT, LIT, TRAIL and TRAIL LIMIT are triggered here, by trades and by quotes (the ask for a buy, the bid for a
sell), or as triggerMethod asks: 2 and 3 by trades only, 1, 4 and 8 by quotes only.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from certify.gateway.orders.records import SUBMITTED, OrderRecord, Wait
from certify.gateway.orders.shapes import Shape, trail_limit, trail_stop
from certify.model.trading import BookUpdate, OrderUpdate, Quote, Side, Trade
from certify.venue import VenueSession

if TYPE_CHECKING:
    from certify.gateway.orders.desk import OrderDesk

_TRADES_ONLY, _QUOTES_ONLY = frozenset({2, 3}), frozenset({1, 4, 8})


class Triggers:
    """Listens to trades of everything that is watched, and to quotes where an order needs them."""

    def __init__(self, desk: OrderDesk) -> None:
        """Watch for the orders of `desk`."""
        self._desk = desk
        self._watched: dict[str, list[OrderRecord]] = {}
        self._last: dict[str, Decimal] = {}
        self._quotes: dict[str, Quote] = {}
        self._feeds: dict[str, set[str]] = {}
        self._opening: list[OrderRecord] = []
        self.session: VenueSession | None = None
        """The venue's feeds, for an account that trades nothing."""

    def follow(self, instrument: str, *kinds: str) -> None:
        """Begin to listen to feeds of an instrument."""
        feeds = self._feeds.setdefault(instrument, set())
        missing = [kind for kind in kinds if kind not in feeds]
        if missing and self.session is not None:
            feeds.update(missing)
            self.session.subscribe(instrument, missing)

    def begin_trail(self, record: OrderRecord) -> None:
        """Let the trigger of a trailing order that has none yet begin at its distance from the market."""
        if record.shape.trailing and record.stop is None:
            market = self.market_price(record)
            if market is not None:
                _trail(record, market)

    def watch(self, record: OrderRecord) -> None:
        """Watch for an order, beginning with the market as it is."""
        watched = self._watched.setdefault(record.instrument.id, [])
        if record not in watched:
            watched.append(record)
        native = record.shape.native
        self.follow(record.instrument.id, "TRADE", *(() if native else ("QUOTE",)))
        if native:
            self._look_native(record, self._last.get(record.instrument.id))
            return
        for price, traded in self._market(record):
            self._look(record, price, traded)

    def at_opening(self, record: OrderRecord) -> None:
        """Let an order for the opening go with the first quote of the day."""
        self._opening.append(record)
        self._quotes.pop(record.instrument.id, None)
        self.follow(record.instrument.id, "QUOTE")

    def _open(self, instrument: str) -> None:
        for record in [each for each in self._opening if each.instrument.id == instrument]:
            self._opening.remove(record)
            record.waits.discard(Wait.OPEN)
            self._desk.proceed(record)

    def forget_ended(self) -> None:
        """Watch no more for orders that have ended."""
        self._opening = [each for each in self._opening if each.working]
        for instrument in list(self._watched):
            if not self._waiting(instrument):
                del self._watched[instrument]

    def counterpart(self, record: OrderRecord) -> bool:
        """Whether the market shows something that an order of this side can trade with."""
        self.follow(record.instrument.id, "QUOTE")
        return _side_price(self._quotes.get(record.instrument.id), record.side) is not None

    def market_price(self, record: OrderRecord) -> Decimal | None:
        """Return what an order of this side would trade at now, else the last trade; None without any."""
        self.follow(record.instrument.id, "TRADE", "QUOTE")
        prices = [price for price, _ in self._market(record)]
        return prices[0] if prices else None

    def _market(self, record: OrderRecord) -> list[tuple[Decimal, bool]]:
        quote, last = self._quotes.get(record.instrument.id), self._last.get(record.instrument.id)
        seen = [(_side_price(quote, record.side), False), (last, True)]
        return [(price, traded) for price, traded in seen if price is not None]

    # -- the venue's feeds

    def on_trade(self, trade: Trade) -> None:
        """Look at every order that waits for a price of this instrument."""
        self._last[trade.instrument] = trade.price
        self._desk.conditions.traded(trade.instrument, trade.price)
        for record in self._waiting(trade.instrument):
            if record.shape.native:
                self._look_native(record, trade.price)
            else:
                self._look(record, trade.price, True)

    def on_quote(self, quote: Quote) -> None:
        """Look at the orders that quotes can trigger."""
        self._quotes[quote.instrument] = quote
        self._desk.conditions.quoted(quote)
        self._desk.pegs.quoted(quote.instrument)
        if self._opening and quote.bid is not None and quote.ask is not None:
            self._open(quote.instrument)
        for record in self._waiting(quote.instrument):
            price = _side_price(quote, record.side)
            if price is not None and not record.shape.native:
                self._look(record, price, False)

    def on_report(self, update: OrderUpdate) -> None:
        """Hear nothing: this account trades nothing."""

    def on_book(self, book: BookUpdate) -> None:
        """Hear nothing: no depth is asked for."""

    def _waiting(self, instrument: str) -> list[OrderRecord]:
        watched = self._watched.get(instrument)
        if not watched:
            return []
        watched[:] = [each for each in watched if each.working and not each.triggered]
        return list(watched)

    # -- looking

    def _look_native(self, record: OrderRecord, last: Decimal | None) -> None:
        """Notice that the venue has triggered a stop."""
        if last is None or record.triggered or not record.venue_id or record.stop is None:
            return
        if _reached(record.side is Side.BUY, last, record.stop):
            record.triggered = True
            record.status = SUBMITTED
            self._desk.announce(record)

    def _look(self, record: OrderRecord, price: Decimal, traded: bool) -> None:
        """Move a trail along with the market; set off what has reached its trigger."""
        if record.triggered or record.waits != {Wait.TRIGGER}:
            return
        if record.terms.trigger_method in (_QUOTES_ONLY if traded else _TRADES_ONLY):
            return
        shape = record.shape
        if shape.trailing:
            _trail(record, price)
        if record.stop is None:
            return
        upwards = (record.side is Side.BUY) is not shape.touched
        if _reached(upwards, price, record.stop):
            self._set_off(record, shape)

    def _set_off(self, record: OrderRecord, shape: Shape) -> None:
        record.triggered = True
        record.waits.discard(Wait.TRIGGER)
        if shape.name == "TRAIL LIMIT" and record.stop is not None:
            record.limit = trail_limit(record.terms, record.side, record.stop)
            record.changed()
        self._desk.proceed(record)


def _side_price(quote: Quote | None, side: Side) -> Decimal | None:
    if quote is None:
        return None
    return quote.ask if side is Side.BUY else quote.bid


def _reached(upwards: bool, price: Decimal, trigger: Decimal) -> bool:
    return price >= trigger if upwards else price <= trigger


def _trail(record: OrderRecord, price: Decimal) -> None:
    """Move the trigger of a trailing order if the market has moved its way."""
    new = trail_stop(record.terms, record.side, price, record.instrument.tick)
    old = record.stop
    if old is not None and (new <= old if record.side is Side.SELL else new >= old):
        return
    record.stop = new
    record.changed()
