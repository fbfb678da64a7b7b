"""The quotes that were shown while a check looked, and the prices at which its orders were filled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from certify.model.trading import Quote, Side, SystemEvent
from certify.phases.ledger import Entry
from certify.phases.trading.desk import Desk
from certify.phases.trial import two_sided


class Window:
    """The quotes that were shown while a check looked: bounds for the prices of its fills."""

    def __init__(self, first: Quote) -> None:
        """Begin with the quote that was shown at first."""
        self._quotes = [first]

    @property
    def still(self) -> bool:
        """Return whether no other quote was shown since."""
        return len(self._quotes) == 1

    @property
    def low(self) -> Decimal:
        """Return the lowest bid shown."""
        return min(quote.bid for quote in self._quotes if quote.bid is not None)

    @property
    def high(self) -> Decimal:
        """Return the highest ask shown."""
        return max(quote.ask for quote in self._quotes if quote.ask is not None)

    def best_for(self, side: Side) -> Decimal:
        """Return the best price at which a taker of this side could honestly have traded."""
        if side is Side.BUY:
            return min(quote.ask for quote in self._quotes if quote.ask is not None)
        return max(quote.bid for quote in self._quotes if quote.bid is not None)

    def take(self, _stamp_ns: int, event: SystemEvent) -> None:
        """Take a quote that was shown."""
        if isinstance(event, Quote) and event.instrument == self._quotes[0].instrument and two_sided(event):
            self._quotes.append(event)


@contextmanager
def watching(desk: Desk, first: Quote) -> Iterator[Window]:
    """Note every quote shown while the block runs."""
    window = Window(first)
    with desk.trial.session("market_data").inbox.listening(window.take):
        yield window


def fill_prices(entry: Entry) -> list[Decimal]:
    """Return the prices of an order's fills, in the order in which they came."""
    return [fill.last_px for fill in entry.fills.values() if fill.last_px is not None]
