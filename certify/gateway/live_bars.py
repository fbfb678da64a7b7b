"""Bars made of what the live market does: for five-second bars and for history that is kept up to date."""

from __future__ import annotations

from decimal import Decimal

from certify.gateway.tape import Tape
from certify.gateway.wire.answers import WireBar
from certify.model.trading import Quote, Trade

_ZERO = Decimal(0)
_FINE = Decimal("0.00000001")


class LiveBar:
    """A bar that grows; prices of trades, or of the bid, the ask or the middle of quotes."""

    __slots__ = ("_value", "close", "count", "high", "low", "open", "volume", "what")

    def __init__(self, what: str, price: Decimal) -> None:
        """Begin at `price`; `what` is TRADES, MIDPOINT, BID or ASK (anything else is as TRADES)."""
        self.what = what
        self.open = self.high = self.low = self.close = price
        self.volume = self._value = _ZERO
        self.count = 0

    def begin_with(self, volume: Decimal, count: int) -> None:
        """Count what was traded before the bar was watched, at the price of now."""
        self.volume += volume
        self._value += volume * self.close
        self.count += count

    def take(self, event: Quote | Trade) -> bool:
        """Take an event; whether it belongs into the bar."""
        price = price_of(self.what, event)
        if price is None:
            return False
        self.high, self.low, self.close = max(self.high, price), min(self.low, price), price
        if isinstance(event, Trade):
            self.volume += event.size
            self._value += price * event.size
            self.count += 1
        return True

    def wire(self, date: str = "") -> WireBar:
        """Return the bar as it is written; of quotes volume, average and count are -1."""
        trades = self.what not in ("MIDPOINT", "BID", "ASK")
        average = (self._value / self.volume).quantize(_FINE) if self.volume else self.close
        return WireBar(
            date=date,
            open=self.open,
            high=self.high,
            low=self.low,
            close=self.close,
            volume=self.volume if trades else Decimal(-1),
            wap=average if trades else Decimal(-1),
            bar_count=self.count if trades else -1,
        )


def price_of(what: str, event: Quote | Trade) -> Decimal | None:
    """Return the price that an event has for bars of `what`; `None` when it has none."""
    if isinstance(event, Trade):
        return event.price if what not in ("MIDPOINT", "BID", "ASK") else None
    if what == "BID":
        return event.bid
    if what == "ASK":
        return event.ask
    if what == "MIDPOINT" and event.bid is not None and event.ask is not None:
        return (event.bid + event.ask) / 2
    return None


def price_now(what: str, tape: Tape) -> Decimal:
    """Return the price that bars of `what` begin with."""
    by_kind = {"BID": tape.bid, "ASK": tape.ask, "MIDPOINT": tape.middle}
    price = by_kind.get(what, tape.last)
    return price if price is not None else tape.close
