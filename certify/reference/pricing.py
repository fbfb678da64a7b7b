"""The platform's own view of prices, for risk and valuation; apart from what users subscribe to."""

from __future__ import annotations

from decimal import Decimal

from certify.model.trading import BookUpdate, Quote, Side, Trade


class PriceBook:
    """The last quote and the last print of every instrument."""

    def __init__(self) -> None:
        """Start without any price."""
        self.quotes: dict[str, Quote] = {}
        self.last: dict[str, Decimal] = {}
        self._middles: dict[str, Decimal] = {}
        self.lost = False
        """Whether the line that brought the prices is gone by itself."""

    def link_lost(self, reason: str) -> None:  # noqa: ARG002 - the same call for every listener
        """Take note that the line is gone; the platform opens another."""
        self.lost = True

    def on_quote(self, quote: Quote) -> None:
        """Keep the quote."""
        self.quotes[quote.instrument] = quote
        self._middles.pop(quote.instrument, None)

    def on_trade(self, trade: Trade) -> None:
        """Keep the price of the print."""
        self.last[trade.instrument] = trade.price

    def on_book(self, book: BookUpdate) -> None:
        """Levels are not used for valuation."""

    def reference(self, instrument: str) -> Decimal | None:
        """Return the middle of the quote, else the last trade, else the one side there is; or `None`."""
        middle = self._middles.get(instrument)
        if middle is not None:
            return middle
        quote = self.quotes.get(instrument)
        last = self.last.get(instrument)
        if quote is None:
            return last
        if quote.bid is not None and quote.ask is not None:
            middle = self._middles[instrument] = (quote.bid + quote.ask) / 2
            return middle
        return last if last is not None else quote.bid or quote.ask

    def opposite(self, instrument: str, side: Side) -> Decimal | None:
        """Return the price that a market order of `side` would meet, else the reference."""
        quote = self.quotes.get(instrument)
        if quote is not None:
            price = quote.ask if side is Side.BUY else quote.bid
            if price is not None:
                return price
        return self.reference(instrument)
