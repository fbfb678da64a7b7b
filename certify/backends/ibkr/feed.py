"""Market data over one socket: subscriptions, and quotes, prints and books out of ticks.

IB sends a price with its size and the other side apart, and numbers nothing. What came in one read belongs
together: only then is a quote passed on, and never one whose sides have crossed for want of the second one.
Numbers (`seq`) are our own, ascending per instrument and kind for as long as the connection lives.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from certify import clock
from certify.backends.ibkr.codes import DELAYED_INSTEAD, DEPTH_RESET
from certify.backends.ibkr.contracts import ContractBook
from certify.backends.ibkr.executions import decimal
from certify.backends.ibkr.gateway_socket import GatewaySocket
from certify.clock import NS_PER_MS
from certify.model.trading import BookUpdate, Quote, Trade

GENERIC_TICKS = "233"
"""RTVolume: every print with price, size and time in milliseconds."""
DEPTH_ROWS = 10
CROSSED_WAIT_S = 0.05
"""So long may a quote stay crossed before it is passed on as it is."""
TAKE_OVER_S = 0.5
"""So soon after IB is back must be wanted again what was subscribed before."""
TICKS, DEPTH = "TICKS", "DEPTH"
_PRICES = {1: "bid", 66: "bid", 2: "ask", 67: "ask"}
_SIZES = {0: "bid_size", 69: "bid_size", 3: "ask_size", 70: "ask_size"}
_DELAYED_LAST, _RT_VOLUME = 68, 48
_DELAYED_TYPES = (3, 4)
Event = Quote | Trade | BookUpdate
Level = tuple[Decimal, Decimal]


@dataclass(slots=True)
class Subscription:
    """One request of market data, and what it has said last."""

    instrument: str
    stream: str
    kinds: set[str]
    bid: Decimal | None = None
    bid_size: Decimal | None = None
    ask: Decimal | None = None
    ask_size: Decimal | None = None
    delayed: bool = False
    changed: bool = False
    crossed_ns: int = 0
    last: tuple[Any, ...] | None = None
    bids: list[Level] = field(default_factory=list)
    asks: list[Level] = field(default_factory=list)

    @property
    def crossed(self) -> bool:
        """Whether the bid is not below the ask."""
        return self.bid is not None and self.ask is not None and self.bid >= self.ask

    def take_price(self, side: str, price: Decimal | None, size: Decimal | None) -> None:
        """Take a new price of one side."""
        setattr(self, side, price)
        setattr(self, f"{side}_size", size if price is not None else None)
        self.changed = True

    def quote(self, seq: int, now: int) -> Quote:
        """Return the quote as it stands."""
        return Quote(
            instrument=self.instrument,
            bid=self.bid,
            bid_size=self.bid_size,
            ask=self.ask,
            ask_size=self.ask_size,
            ts_event_ns=now,
            seq=seq,
            delayed=self.delayed,
        )


class Feed:
    """The subscriptions of one socket; everything here runs on the loop."""

    def __init__(
        self,
        contracts: ContractBook,
        numbers: dict[tuple[str, str], int],
        say: Callable[[Event], None],
        log: logging.Logger,
    ) -> None:
        """Pass events on to `say`, numbered on from `numbers`."""
        self.socket: GatewaySocket | None = None
        self.by_request: dict[int, Subscription] = {}
        self._contracts = contracts
        self._numbers = numbers
        self._say = say
        self._log = log

    def attach(self, socket: GatewaySocket, data_type: int) -> None:
        """Work over this socket."""
        self.socket = socket
        socket.receiver.feed = self
        socket.on_data_lost = self.renew
        if data_type != 1:
            socket.client.reqMarketDataType(data_type)

    # -- subscriptions -------------------------------------------------------------------------

    def subscribe(self, instrument: str, kinds: set[str]) -> None:
        """Ask for more kinds of events; what is being sent already is not asked for again."""
        for stream, wanted in ((TICKS, kinds & {"QUOTE", "TRADE"}), (DEPTH, kinds & {"BOOK"})):
            if not wanted:
                continue
            found = self._find(instrument, stream)
            if found is None:
                self._request(Subscription(instrument, stream, wanted))
            else:
                found.kinds |= wanted
                # Whoever asks now wants to hear how it stands.
                found.last, found.changed = None, True
                self._flush(found)

    def release(self) -> None:
        """Let another line take the subscriptions over: what it does not ask for soon is cancelled."""
        for each in self.by_request.values():
            each.kinds = set()
        asyncio.get_running_loop().call_later(TAKE_OVER_S, self.sweep)

    def sweep(self) -> None:
        """Cancel what nobody wants any more."""
        for req_id, each in list(self.by_request.items()):
            if not each.kinds:
                self._cancel(req_id, each)

    def unsubscribe(self, instrument: str) -> None:
        """Stop one instrument."""
        for req_id, each in list(self.by_request.items()):
            if each.instrument == instrument:
                self._cancel(req_id, each)

    def renew(self) -> None:
        """Ask again for everything: IB is back and has forgotten it."""
        before, self.by_request = list(self.by_request.values()), {}
        for each in before:
            self._request(Subscription(each.instrument, each.stream, each.kinds))

    def _find(self, instrument: str, stream: str) -> Subscription | None:
        for each in self.by_request.values():
            if (each.instrument, each.stream) == (instrument, stream):
                return each
        return None

    def _request(self, subscription: Subscription) -> None:
        socket = self.socket
        if socket is None or not socket.open:
            return
        contract = self._contracts.contract(subscription.instrument)
        req_id = socket.client.getReqId()
        self.by_request[req_id] = subscription
        if subscription.stream == TICKS:
            socket.client.reqMktData(req_id, contract, GENERIC_TICKS, False, False, [])
        else:
            socket.client.reqMktDepth(req_id, contract, DEPTH_ROWS, _is_smart(contract), [])

    def _cancel(self, req_id: int, subscription: Subscription) -> None:
        del self.by_request[req_id]
        socket = self.socket
        if socket is None or not socket.open:
            return
        if subscription.stream == TICKS:
            socket.client.cancelMktData(req_id)
        else:
            contract = self._contracts.contract(subscription.instrument)
            socket.client.cancelMktDepth(req_id, _is_smart(contract))

    # -- what comes in -------------------------------------------------------------------------

    def on_price(self, req_id: int, tick: int, price: float, size: float) -> None:
        """Take a price with its size; a price of −1 or 0 means that there is none."""
        found = self.by_request.get(req_id)
        if found is None:
            return
        if tick in _PRICES:
            found.delayed = found.delayed or tick >= 66
            known = decimal(price) if price > 0 else None
            found.take_price(_PRICES[tick], known, decimal(size))
        elif tick == _DELAYED_LAST and price > 0 and size > 0:
            self._print(found, decimal(price), decimal(size), clock.now_ns())

    def on_size(self, req_id: int, tick: int, size: float) -> None:
        """Take a size; IB repeats with it what came with the price."""
        found = self.by_request.get(req_id)
        name = _SIZES.get(tick)
        if found is None or name is None or getattr(found, name.removesuffix("_size")) is None:
            return
        known = decimal(size)
        if getattr(found, name) != known:
            setattr(found, name, known)
            found.changed = True

    def on_text(self, req_id: int, tick: int, text: str) -> None:
        """Take a print: `price;size;time in ms;…`, with an empty price where there was none."""
        found = self.by_request.get(req_id)
        if found is None or tick != _RT_VOLUME:
            return
        price, size, time_ms, *_ = [*text.split(";"), "", "", ""]
        if not (price and size and time_ms.isdigit()):
            return
        try:
            self._print(found, Decimal(price), Decimal(size), int(time_ms) * NS_PER_MS)
        except InvalidOperation:
            self._log.warning("%s: a print cannot be read: %r", found.instrument, text)

    def on_depth(
        self, req_id: int, position: int, operation: int, side: int, price: float, size: float
    ) -> None:
        """Take a change of one row: 0 inserts, 1 changes, 2 deletes."""
        found = self.by_request.get(req_id)
        if found is None:
            return
        rows = found.bids if side else found.asks
        if operation == 0:
            rows.insert(position, (decimal(price), decimal(size)))
        elif position >= len(rows):
            self._log.warning("%s: row %d of the book does not exist", found.instrument, position)
        elif operation == 1:
            rows[position] = (decimal(price), decimal(size))
        else:
            del rows[position]
        found.changed = True

    def on_data_type(self, req_id: int, data_type: int) -> None:
        """Take whether the data are delayed."""
        found = self.by_request.get(req_id)
        if found is not None:
            found.delayed = data_type in _DELAYED_TYPES

    def on_feed_error(self, req_id: int, code: int, text: str) -> bool:
        """Take an error about a subscription; whether data come shows soon enough by itself."""
        found = self.by_request.get(req_id)
        if found is None:
            return False
        if code == DELAYED_INSTEAD:
            found.delayed = True
        elif code == DEPTH_RESET:
            found.bids, found.asks, found.changed = [], [], True
        self._log.warning("%s: %s %s", found.instrument, code, text)
        return True

    # -- what goes on --------------------------------------------------------------------------

    def on_batch(self) -> None:
        """Pass on what one read has changed."""
        for each in list(self.by_request.values()):
            if each.changed:
                self._flush(each)

    def _flush(self, found: Subscription) -> None:
        if found.stream == DEPTH:
            self._book(found)
        elif not found.crossed:
            self._quote(found)
        elif not found.crossed_ns:
            found.crossed_ns = clock.monotonic_ns()
            asyncio.get_running_loop().call_later(CROSSED_WAIT_S, self._quote, found)

    def _quote(self, found: Subscription) -> None:
        found.changed, found.crossed_ns = False, 0
        shown = (found.bid, found.bid_size, found.ask, found.ask_size, found.delayed)
        never = found.last is None and shown[:4] == (None,) * 4
        if "QUOTE" not in found.kinds or shown == found.last or never:
            return
        found.last = shown
        self._say(found.quote(self._next(found.instrument, "QUOTE"), clock.now_ns()))

    def _book(self, found: Subscription) -> None:
        found.changed = False
        if "BOOK" not in found.kinds:
            return
        seq = self._next(found.instrument, "BOOK")
        now = clock.now_ns()
        self._say(BookUpdate(found.instrument, _levels(found.bids), _levels(found.asks), now, seq=seq))

    def _print(self, found: Subscription, price: Decimal, size: Decimal, ts_event_ns: int) -> None:
        if "TRADE" in found.kinds:
            seq = self._next(found.instrument, "TRADE")
            self._say(Trade(found.instrument, price, size, ts_event_ns, seq=seq))

    def _next(self, instrument: str, kind: str) -> int:
        number = self._numbers[instrument, kind] = self._numbers.get((instrument, kind), 0) + 1
        return number


def _is_smart(contract: Any) -> bool:
    """Whether a book is put together from several exchanges: it must be asked for in another way."""
    return bool(contract.exchange == "SMART")


def _levels(rows: list[Level]) -> tuple[Level, ...]:
    """Return price levels: a row is what one maker or exchange shows, and several may show the same price."""
    sizes: dict[Decimal, Decimal] = {}
    for price, size in rows:
        sizes[price] = sizes.get(price, Decimal(0)) + size
    return tuple(sizes.items())
