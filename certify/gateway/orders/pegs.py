"""Orders whose limit price comes from the market: REL, MIDPRICE and PEG MID follow it, MTL takes it once.

They follow the house's own prices: one that followed the best price of all would follow itself.

| type | its limit price |
| --- | --- |
| REL | the best price of its own side, better by auxPrice or percentOffset (a share of that price) |
| MIDPRICE | the middle of both sides |
| PEG MID | the middle, worse by auxPrice |
| MTL | the best price of the other side when it gets to the exchange; what does not fill rests there |

On the grid of price steps they are rounded to the passive side; lmtPrice, if given, is how far they go.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from certify.gateway.orders.records import OrderRecord, Wait
from certify.model.trading import Side
from certify.venue import house_prices

if TYPE_CHECKING:
    from certify.gateway.house import Gateway
    from certify.gateway.orders.desk import OrderDesk


class Pegs:
    """Gives such orders their limit prices, and other ones when the market moves."""

    def __init__(self, gateway: Gateway, desk: OrderDesk) -> None:
        """Price the orders of `desk`."""
        self._gateway = gateway
        self._desk = desk
        self._following: dict[str, list[OrderRecord]] = {}

    def price(self, record: OrderRecord) -> bool:
        """Give an order its limit price and follow the market for it; False while there is none to go by."""
        following = self._following.setdefault(record.instrument.id, [])
        if record not in following:
            following.append(record)
        self._desk.triggers.follow(record.instrument.id, "QUOTE")
        limit = self._limit(record)
        if limit is None:
            return False
        if limit != record.limit:
            record.limit = limit
            record.changed()
        return True

    def quoted(self, instrument: str) -> None:
        """Move the orders of an instrument with its market; let those go that waited for one."""
        following = self._following.get(instrument)
        if not following:
            return
        self.forget_ended()
        for record in tuple(self._following.get(instrument, ())):
            if Wait.QUOTE in record.waits:
                record.waits.discard(Wait.QUOTE)
                self._desk.proceed(record)
            elif record.venue_id and record.shape.follows:
                self._move(record)

    def _move(self, record: OrderRecord) -> None:
        limit = self._limit(record)
        if limit is not None and limit != record.limit:
            record.limit = limit
            record.quirks["moved"] = True
            self._desk.exchange.change(record)

    def forget_ended(self) -> None:
        """Follow no more for orders that have ended or have become another type."""
        for instrument, following in list(self._following.items()):
            following[:] = [each for each in following if each.working and each.shape.derives]
            if not following:
                del self._following[instrument]

    def _limit(self, record: OrderRecord) -> Decimal | None:
        """Return where the limit of an order belongs now."""
        bid, ask = house_prices(self._gateway.venue, record.instrument.id)
        buys = record.side is Side.BUY
        own, opposite = (bid, ask) if buys else (ask, bid)
        if record.shape.derives == "opposite":
            return opposite
        if own is None or (record.shape.derives == "mid" and opposite is None):
            return None
        raw = own if opposite is None or record.shape.derives == "own" else (own + opposite) / 2
        raw += _improvement(record, raw) * (1 if buys else -1)
        if record.terms.lmt_price:
            raw = min(raw, record.terms.lmt_price) if buys else max(raw, record.terms.lmt_price)
        tick = record.instrument.tick
        limit = (raw / tick).to_integral_value(ROUND_FLOOR if buys else ROUND_CEILING) * tick
        return limit if limit > 0 else None


def _improvement(record: OrderRecord, price: Decimal) -> Decimal:
    """Return by how much an order offers more than the price that it goes by."""
    terms = record.terms
    if record.shape.name == "MIDPRICE":
        return Decimal(0)
    if record.shape.name == "PEG MID":
        return -(terms.aux_price or Decimal(0))
    return terms.aux_price or price * (terms.percent_offset or Decimal(0))
