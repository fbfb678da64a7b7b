"""The load generator that runs beside the system: open loop, planned times, nothing left out.

Requests are due at planned times, whatever the system does. One thread calls the system, in
order, as the contract promises. A request that is late is sent at once; every one ends with a
row of stamps (`certify.adapter.flights`), and planned = ok + failed by class + dropped.

The generator's own lateness is told from the system's: had the generator been perfect, a call
would begin when it is due or when the call before it is back, whichever is later (Lindley's
recursion over the calls as long as they really took). What a call is later than that is `late`.

Runs in the system's own interpreter: standard library only, Python 3.8 or newer.
"""

from __future__ import annotations

import asyncio
import heapq
import inspect
import sys
import threading
from decimal import Decimal
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple, Union

from certify import clock
from certify.adapter import flights as air
from certify.adapter.arrivals import offsets
from certify.adapter.flights import Flight, Flights
from certify.adapter.outbox import Outbox
from certify.model.trading import (
    ExecType,
    Order,
    OrderType,
    OrderUpdate,
    Quote,
    Side,
    Source,
    TimeInForce,
)

SPIN_NS = 60_000
"""The last stretch before a planned time is spun away: the usual slack of a timer (50 µs on Linux)."""
SLICE_S = 0.05
"""No sleep is longer, so that a stop is noticed."""
FLUSH_S = 0.2
"""How often stamps are sent."""
SWITCH_INTERVAL_S = 0.001
"""While a load runs: a system thread that computes keeps the generator waiting for this long, not 5 ms."""
LINGER_S = 0.005
"""While a load runs, events gather for this long on their way out; their stamps are taken before."""

ANSWERS = frozenset((ExecType.NEW, ExecType.TRADE, ExecType.CANCELED, ExecType.REJECTED, ExecType.EXPIRED))
REFUSED_BY = {
    Source.VENUE: air.VENUE_REJECT,
    Source.BROKER: air.BROKER_REJECT,
    Source.RISK: air.RISK_REFUSAL,
    Source.ENGINE: air.ENGINE_REFUSAL,
}
UNFILLED = frozenset((ExecType.REJECTED, ExecType.CANCELED, ExecType.EXPIRED))


class OrderStream:
    """Small marketable limit orders of one instrument, sides chosen so that the position stays flat."""

    def __init__(self, index: int, terms: Dict[str, Any], system: Any, flights: Flights) -> None:
        """Send to the port that `terms` names; see `certify.load.order` for the fields."""
        self.index = index
        self.method: Callable[..., Any] = getattr(system, terms["port"]).submit
        self._flights = flights
        self._prefix = terms["prefix"]
        self._instrument = terms["instrument"]
        self._qty = Decimal(terms["qty"])
        self._tif = TimeInForce(terms["tif"])
        self._sides = (
            ("B", Side.BUY, Decimal(terms["buy_price"])),
            ("S", Side.SELL, Decimal(terms["sell_price"])),
        )
        self._net = 0

    def request(self, number: int) -> Tuple[Any, Order]:
        """Return the next order with its id: a BUY unless more was bought than sold."""
        with self._flights.lock:
            letter, side, price = self._sides[self._net > 0]
            self._net += 1 if side is Side.BUY else -1
        key = f"{self._prefix}{number}{letter}"
        order = Order(key, self._instrument, side, self._qty, OrderType.LIMIT, price, None, self._tif)
        return key, order

    def undo(self, key: Any) -> None:
        """Take an order that bought or sold nothing out of the account of sides."""
        with self._flights.lock:
            self._net -= 1 if key[-1] == "B" else -1

    def tap(self, stamp_ns: int, event: Any) -> None:
        """Match what the system says with the order it answers."""
        if type(event) is not OrderUpdate or not event.client_order_id.startswith(self._prefix):
            return
        what = event.exec_type
        if what in UNFILLED and not event.cum_qty:
            self.undo(event.client_order_id)
        if what in ANSWERS:
            code = REFUSED_BY[event.source] if what is ExecType.REJECTED else air.OK
            self._flights.answered(event.client_order_id, stamp_ns, code)


class QuoteStream:
    """Quotes of one instrument at one price, told apart by their times."""

    def __init__(self, index: int, terms: Dict[str, Any], system: Any, flights: Flights) -> None:
        """Set the market through `inject`; see `certify.load.order` for the fields."""
        self.index = index
        self.method: Callable[..., Any] = system.market_data.inject
        self._flights = flights
        self._instrument = terms["instrument"]
        self._bid, self._ask = Decimal(terms["bid"]), Decimal(terms["ask"])
        self._size, self._lot = Decimal(terms["size"]), Decimal(terms["lot"])
        self._last_ns = 0

    def request(self, number: int) -> Tuple[Any, Quote]:
        """Return the next quote; sizes differ so that a feed which drops repeats has none to drop."""
        self._last_ns = max(self._last_ns + 1, clock.now_ns())
        size = self._size + self._lot * (number % 100)
        quote = Quote(self._instrument, self._bid, size, self._ask, size, self._last_ns)
        return self._last_ns, quote

    def undo(self, key: Any) -> None:
        """A quote that was refused leaves nothing to undo."""

    def tap(self, stamp_ns: int, event: Any) -> None:
        """Match an emitted quote with the one it shows."""
        if type(event) is Quote and event.instrument == self._instrument:
            self._flights.answered(event.ts_event_ns, stamp_ns, air.OK)


Stream = Union[OrderStream, QuoteStream]
STREAMS: Dict[str, Callable[[int, Dict[str, Any], Any, Flights], Stream]] = {
    "orders": OrderStream,
    "market_data": QuoteStream,
}


class Generator:
    """Sends the requests of one level, all streams on one thread."""

    def __init__(
        self, system: Any, outbox: Outbox, loop: asyncio.AbstractEventLoop, message: Dict[str, Any], stop: Any
    ) -> None:
        """Take the level's order as `certify.load.order` writes it."""
        self._outbox = outbox
        self._loop = loop
        self._stop = stop
        self._terms: List[Dict[str, Any]] = message["streams"]
        self._length_ns = int(message["length_ns"])
        self._timeout_ns = int(message["timeout_ns"])
        self._max_late_ns = int(message["max_late_ns"])
        self.flights = Flights(len(self._terms), self._timeout_ns)
        self._streams = [
            STREAMS[terms["stream"]](index, terms, system, self.flights)
            for index, terms in enumerate(self._terms)
        ]
        self._planned = [0] * len(self._streams)
        self._free_ns = 0
        """When a perfect generator would have its last call back."""
        self._ended = threading.Event()

    def run(self) -> Dict[str, Any]:
        """Send everything, wait for the answers, and return the account of it."""
        taps = [stream.tap for stream in self._streams]
        flusher = threading.Thread(target=self._flush, daemon=True, name="certify-load-stamps")
        before = sys.getswitchinterval()
        sys.setswitchinterval(min(before, SWITCH_INTERVAL_S))
        self._outbox.linger_s = LINGER_S
        self._outbox.taps.extend(taps)
        flusher.start()
        try:
            self._pace()
            self._drain()
        finally:
            self._ended.set()
            flusher.join()
            for tap in taps:
                self._outbox.taps.remove(tap)
            sys.setswitchinterval(before)
            self._outbox.linger_s = 0.0
        return self._account()

    def _due(self) -> Iterator[Tuple[int, int]]:
        """Yield (offset, stream) of every request, in time order, without ever holding a list of them."""

        def one(index: int, terms: Dict[str, Any]) -> Iterator[Tuple[int, int]]:
            for offset in offsets(terms["arrival"], terms["rate_per_s"], self._length_ns, terms["seed"]):
                yield offset, index

        return heapq.merge(*(one(index, terms) for index, terms in enumerate(self._terms)))

    def _pace(self) -> None:
        start = self.flights.start_ns = self._free_ns = clock.monotonic_ns()
        for offset, index in self._due():
            if not self._wait_until(start + offset):
                return
            number = self._planned[index]
            self._planned[index] += 1
            self._send(index, number, start + offset)

    def _wait_until(self, target_ns: int) -> bool:
        """Sleep, then spin for a moment; False when asked to stop."""
        while not self._stop.is_set():
            left_ns = target_ns - clock.monotonic_ns()
            if left_ns <= SPIN_NS:
                while clock.monotonic_ns() < target_ns:
                    pass
                return True
            clock.sleep_s(min((left_ns - SPIN_NS) / clock.NS_PER_S, SLICE_S))
        return False

    def _send(self, index: int, number: int, planned_ns: int) -> None:
        ideal_ns = max(planned_ns, self._free_ns)
        now = clock.monotonic_ns()
        if now - planned_ns > self._max_late_ns:
            held_by_system = ideal_ns - planned_ns > self._max_late_ns // 2
            unsent = Flight(index, number, planned_ns, air.NEVER, now - ideal_ns)
            self.flights.unsent(unsent, air.OVERRUN if held_by_system else air.DROPPED)
            return
        stream = self._streams[index]
        key, argument = stream.request(number)
        now = clock.monotonic_ns()
        flight = Flight(index, number, planned_ns, now, now - ideal_ns)
        self.flights.open(key, flight)
        self._free_ns = ideal_ns + self._call(stream, argument, key, flight) - now

    def _call(self, stream: Stream, argument: Any, key: Any, flight: Flight) -> int:
        """Call the system; return when the call was back."""
        try:
            result = stream.method(argument)
        except Exception:
            at_ns = clock.monotonic_ns()
            stream.undo(key)
            self.flights.raised(key, flight, at_ns)
            return at_ns
        at_ns = clock.monotonic_ns()
        if inspect.iscoroutine(result):
            future = asyncio.run_coroutine_threadsafe(result, self._loop)
            future.add_done_callback(lambda done: self._awaited(key, flight, done))
        else:
            self.flights.returned(key, flight, at_ns)
        return at_ns

    def _awaited(self, key: Any, flight: Flight, done: Any) -> None:
        if done.cancelled() or done.exception() is not None:
            self.flights.raised(key, flight, clock.monotonic_ns())
        else:
            self.flights.returned(key, flight, clock.monotonic_ns())

    def _drain(self) -> None:
        """Wait for what is in the air, for as long as an answer may take."""
        until_ns = clock.monotonic_ns() + self._timeout_ns
        while len(self.flights) and not self._stop.is_set() and clock.monotonic_ns() < until_ns:
            clock.sleep_s(0.005)

    def _flush(self) -> None:
        """Send stamps while the load runs; a thread of its own, so that a stuck call is still recorded."""
        while not self._ended.wait(FLUSH_S):
            self.flights.sweep(clock.monotonic_ns())
            self._send_rows()

    def _send_rows(self) -> None:
        rows = self.flights.take_rows()
        if rows:
            self._outbox.binary(rows)

    def _account(self) -> Dict[str, Any]:
        in_flight = self.flights.give_up()
        self._send_rows()
        took_ns = clock.monotonic_ns() - self.flights.start_ns
        streams = [
            {
                "stream": terms["stream"],
                "planned": self._planned[index],
                "in_flight": in_flight[index],
                "counts": dict(zip(air.CODES, self.flights.counts[index])),
            }
            for index, terms in enumerate(self._terms)
        ]
        return {"took_ns": took_ns, "stopped": self._stop.is_set(), "streams": streams}


def run_load(
    system: Any,
    outbox: Outbox,
    loop: asyncio.AbstractEventLoop,
    message: Dict[str, Any],
    stop: Optional[threading.Event] = None,
) -> Dict[str, Any]:
    """Run one level of load on the calling thread and return the account of every request.

    Raw stamps leave through `outbox.binary` while it runs; `stop` ends it early.
    """
    return Generator(system, outbox, loop, message, stop or threading.Event()).run()
