"""A market data line: turns a tape into the ticks that one request has not heard yet.

Every field is compared with what was sent last, so that only changes leave, and what was lost while no data
flowed is made up for by the next change.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from certify.clock import NS_PER_S
from certify.gateway.tape import Tape
from certify.gateway.wire import answers
from certify.gateway.wire.frames import number
from certify.gateway.wire.market_answers import written_price, written_size, written_text

if TYPE_CHECKING:
    from certify.gateway.client import ClientSession
    from certify.gateway.contracts.listing import Listing
    from certify.gateway.market_data import MarketDataDesk

LIVE, FROZEN, DELAYED, DELAYED_FROZEN = 1, 2, 3, 4
"""Kinds of market data."""
DELAY_NS = 15 * 60 * NS_PER_S
"""Delayed data says it is so old; its prices are those of now, under delayed tick types."""
_DELAYED_TYPES = {
    0: 69, 1: 66, 2: 67, 3: 70, 4: 68, 5: 71, 6: 72, 7: 73, 8: 74, 9: 75, 14: 76, 45: 88,
}  # fmt: skip
"""Delayed tick types by live ones."""
_UNSET = Decimal(-7)
"""No price: nothing was sent yet."""
_CAN_TRADE = 1
"""The attribute of a bid or ask that can be traded at."""


class Line:
    """One `reqMktData`, streaming or a snapshot."""

    __slots__ = (
        "_ask", "_ask_size", "_bid", "_bid_size", "_last_trade", "_quick", "_sent_day", "_texts", "client",
        "desk", "generic", "greeted", "kind", "listing", "refused", "req_id", "snapshot", "tape",
    )  # fmt: skip
    needs_events = False

    def __init__(
        self, desk: MarketDataDesk, client: ClientSession, req_id: int, tape: Tape, *, kind: int,
        generic: frozenset[int], snapshot: bool,
    ) -> None:  # fmt: skip
        """Begin with nothing sent."""
        self.desk = desk
        self.client = client
        self.req_id = req_id
        self.tape = tape
        self.listing: Listing = tape.listing
        self.kind = kind
        self.generic = generic
        self.snapshot = snapshot
        self.refused = False
        """Whether the line is without data because of a missing subscription or a competing session."""
        self._quick = desk.coalesce and client.version >= 163
        """Whether what is sent may be written in one piece, and sizes are written as they are."""
        self.forget_sent()

    def forget_sent(self) -> None:
        """Send everything again at the next occasion."""
        self.greeted = False
        self._bid: Decimal | None = _UNSET
        self._ask: Decimal | None = _UNSET
        self._bid_size = self._ask_size = _UNSET
        self._texts = ("", "", "", "")
        self._last_trade = -1
        self._sent_day: tuple[Decimal, ...] = ()

    @property
    def name(self) -> str:
        """The instrument's id."""
        return self.listing.instrument.id

    @property
    def delayed(self) -> bool:
        """Whether the ticks are delayed ones."""
        return self.kind in (DELAYED, DELAYED_FROZEN)

    def turn(self, _tape: Tape) -> None:
        """Send what has changed."""
        if not self.snapshot:
            self.desk.send_line(self)

    def frames(self) -> list[bytes]:
        """Return the ticks that the client has not heard yet, and count them as heard."""
        out: list[bytes] = []
        if not self.greeted:
            self._greet(out)
        if self.listing.sec_type != "IND":
            if self._quick and not self.delayed and self.tape.texts[0]:
                self._quick_quotes(out)
            else:
                self._quotes(out)
        if self.tape.trades != self._last_trade:
            self._trades(out)
        return out

    # -- parts

    def _greet(self, out: list[bytes]) -> None:
        self.greeted = True
        listing = self.listing
        out += (
            answers.tick_req_params(
                req_id=self.req_id,
                min_tick=listing.instrument.tick,
                bbo_exchange="9c0001" if listing.sec_type in ("STK", "OPT") else "",
                snapshot_permissions=3,
            ),
            answers.market_data_type(req_id=self.req_id, market_data_type=self.kind),
        )
        if not self.delayed:
            out.append(answers.tick_generic(req_id=self.req_id, tick_type=49, value=0))
        out += self.desk.generic_ticks(self)

    def _quick_quotes(self, out: list[bytes]) -> None:
        """Do what `_quotes` does, from the tape's texts: nearly all ticks are such."""
        tape, req_id = self.tape, self.req_id
        if tape.texts == self._texts:
            return
        bid, bid_size, ask, ask_size = tape.texts
        sent_bid, sent_bid_size, sent_ask, sent_ask_size = self._texts
        if bid != sent_bid:
            pair = written_price(req_id, 1, bid, bid_size) + written_size(req_id, 0, bid_size)
            out.append(pair.encode("ascii"))
        elif bid_size != sent_bid_size:
            out.append(written_size(req_id, 0, bid_size).encode("ascii"))
        if ask != sent_ask:
            pair = written_price(req_id, 2, ask, ask_size) + written_size(req_id, 3, ask_size)
            out.append(pair.encode("ascii"))
        elif ask_size != sent_ask_size:
            out.append(written_size(req_id, 3, ask_size).encode("ascii"))
        self._texts = tape.texts
        self._bid, self._bid_size, self._ask, self._ask_size = (
            tape.bid, tape.bid_size, tape.ask, tape.ask_size
        )  # fmt: skip

    def _quotes(self, out: list[bytes]) -> None:
        """Add bid and ask with sizes: a price is followed by its size, as TWS does it."""
        tape = self.tape
        if tape.bid != self._bid:
            self._bid, self._bid_size = tape.bid, tape.bid_size
            out.append(self.quote(1, 0, tape.bid, tape.bid_size))
        elif tape.bid_size != self._bid_size:
            self._bid_size = tape.bid_size
            out.append(self.size(0, tape.bid_size))
        if tape.ask != self._ask:
            self._ask, self._ask_size = tape.ask, tape.ask_size
            out.append(self.quote(2, 3, tape.ask, tape.ask_size))
        elif tape.ask_size != self._ask_size:
            self._ask_size = tape.ask_size
            out.append(self.size(3, tape.ask_size))
        self._texts = tape.texts

    def _trades(self, out: list[bytes]) -> None:
        """Add the last trade and the day's values."""
        tape = self.tape
        first = self._last_trade < 0
        self._last_trade = tape.trades
        if self.listing.sec_type != "CASH" and tape.last is not None:
            if self._quick and not self.delayed and tape.last_ns and tape.volume:
                out.append(self._written_trade(tape.last))
            else:
                self._trade(out, tape.last)
            if 233 in self.generic and not self.delayed and not first:
                out.append(self.text(48, self.rt_volume()))
        self._day(out)

    def _written_trade(self, last: Decimal) -> bytes:
        """Return the last trade in one piece: its second, price, size, and the day's volume."""
        tape, req_id = self.tape, self.req_id
        size = number(tape.last_size)
        return (
            written_text(req_id, 45, str(tape.last_ns // NS_PER_S))
            + written_price(req_id, 4, number(last), size, 0)
            + written_size(req_id, 5, size)
            + written_size(req_id, 8, number(tape.volume))
        ).encode("ascii")

    def _trade(self, out: list[bytes], last: Decimal) -> None:
        """Add the last trade, message by message."""
        tape = self.tape
        if tape.last_ns:
            told_ns = tape.last_ns - (DELAY_NS if self.delayed else 0)
            out.append(self.text(45, str(told_ns // NS_PER_S)))
        out.append(self.price(4, last, tape.last_size, 0))
        out.append(self.size(5, tape.last_size))
        if tape.volume:
            out.append(self.size(8, tape.volume))

    def _day(self, out: list[bytes]) -> None:
        """Add high, low, close and open where they have changed."""
        tape = self.tape
        day = (tape.high, tape.low, tape.close, tape.open)
        if day != self._sent_day:
            known = self._sent_day or (None,) * 4
            for tick_type, price, before in zip((6, 7, 9, 14), day, known, strict=True):
                if price != before:
                    out.append(self.price(tick_type, price, Decimal(0), 0))
            self._sent_day = day

    def rt_volume(self) -> str:
        """Return the text of RTVolume: price, size, milliseconds, volume, average, one trade or not."""
        tape = self.tape
        average = (tape.value / tape.volume).quantize(Decimal("0.00000001")) if tape.volume else Decimal(0)
        return (
            f"{number(tape.last or Decimal(0))};{number(tape.last_size)};{tape.last_ns // 1_000_000};"
            f"{number(tape.volume)};{number(average)};true"
        )

    # -- messages

    def quote(self, price_type: int, size_type: int, price: Decimal | None, size: Decimal) -> bytes:
        """Return one side of the quote: its price and its size."""
        if price is None or self.delayed:
            return self.price(price_type, price, size, _CAN_TRADE) + self.size(size_type, size)
        return answers.tick_price_and_size(
            self.client.version,
            req_id=self.req_id,
            tick_types=(price_type, size_type),
            price=price,
            size=size,
            attr_mask=_CAN_TRADE,
        )

    def price(self, tick_type: int, price: Decimal | None, size: Decimal, mask: int) -> bytes:
        """Return a tickPrice; -1 where there is no quote."""
        if self.delayed:
            tick_type, mask = _DELAYED_TYPES[tick_type], 0
        return answers.tick_price(
            self.client.version,
            req_id=self.req_id,
            tick_type=tick_type,
            price=price,
            size=size,
            attr_mask=mask,
        )

    def size(self, tick_type: int, size: Decimal) -> bytes:
        """Return a tickSize."""
        if self.delayed:
            tick_type = _DELAYED_TYPES[tick_type]
        return answers.tick_size(self.client.version, req_id=self.req_id, tick_type=tick_type, size=size)

    def text(self, tick_type: int, value: str) -> bytes:
        """Return a tickString."""
        if self.delayed:
            tick_type = _DELAYED_TYPES[tick_type]
        return answers.tick_string(req_id=self.req_id, tick_type=tick_type, value=value)
