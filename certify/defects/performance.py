"""Defects that the checks of the phase `performance` must find.

Many show only under load, as such mistakes do: when more than ten orders came within a second.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from certify import clock
from certify.defects.api import Defect, defect
from certify.model.trading import ExecType, Order, OrderUpdate, OrdStatus, Source

BUSY_ORDERS = 10
"""More orders than this within a second is load."""


class Busy:
    """Knows whether orders come thick and fast."""

    def __init__(self, platform: Any) -> None:
        """Watch the order port of the platform."""
        self._times: deque[int] = deque(maxlen=BUSY_ORDERS + 1)
        refuse = platform.execution.refuse_duplicate

        def watched(order: Order) -> Any:
            self._times.append(clock.monotonic_ns())
            return refuse(order)

        platform.execution.refuse_duplicate = watched

    def __call__(self) -> bool:
        """Return whether there is load now."""
        full = len(self._times) > BUSY_ORDERS
        return full and clock.monotonic_ns() - self._times[0] < clock.NS_PER_S


def every(count: int) -> Callable[[], bool]:
    """Return a function that is true at every `count`-th call."""
    calls = iter(range(1, 1 << 62))
    return lambda: next(calls) % count == 0


def in_background(body: Callable[[], None]) -> None:
    """Run `body` again and again on a thread of its own."""

    def run() -> None:
        while True:
            body()

    threading.Thread(target=run, daemon=True).start()


@defect("slow_ack", "every word on an order leaves 150 ms late")
def slow_ack(platform: Any) -> None:
    """Hold order updates back in a queue."""
    emit = platform.kernel.emit
    waiting: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()

    def held(event: Any) -> None:
        if isinstance(event, OrderUpdate):
            waiting.put((clock.monotonic_ns() + 150 * clock.NS_PER_MS, event))
        else:
            emit(event)

    def release() -> None:
        due, event = waiting.get()
        clock.sleep_s((due - clock.monotonic_ns()) / clock.NS_PER_S)
        emit(event)

    platform.kernel.emit = held
    in_background(release)


@defect("periodic_stall", "once a second everything stands still for 300 ms")
def periodic_stall(platform: Any) -> None:
    """Hold the platform's lock for a while."""

    def stall() -> None:
        clock.sleep_s(0.7)
        with platform.kernel.lock:
            clock.sleep_s(0.3)

    in_background(stall)


@defect("quadratic_scan", "every order costs 0.5 ms for each order that came before it")
def quadratic_scan(platform: Any) -> None:
    """Take as long as a scan of everything would."""
    submit = platform.execution.submit
    seen: list[str] = []

    def scanning(order: Order) -> None:
        seen.append(order.client_order_id)
        with platform.kernel.lock:
            clock.sleep_s(len(seen) * 5e-4)
            submit(order)

    platform.execution.submit = scanning


@defect("silent_drop", "one order in 25 is never answered")
def silent_drop(platform: Any) -> None:
    """Swallow orders."""
    submit = platform.execution.submit
    due = every(25)

    def dropping(order: Order) -> None:
        if not due():
            submit(order)

    platform.execution.submit = dropping


@defect(
    "leak", "50 kB are kept for every order", where="venue"
)  # a gateway takes too few orders for it to show
def leak(platform: Any) -> None:
    """Keep what nobody will ask for again."""
    submit = platform.execution.submit
    kept: list[bytes] = []

    def leaking(order: Order) -> None:
        kept.append(order.client_order_id.encode().ljust(50_000))
        submit(order)

    platform.execution.submit = leaking


@defect("blocking_submit", "under load, every call blocks for 100 ms")
def blocking_submit(platform: Any) -> None:
    """Hold the caller."""
    busy = Busy(platform)
    submit = platform.execution.submit

    def blocking(order: Order) -> None:
        if busy():
            clock.sleep_s(0.1)
        submit(order)

    platform.execution.submit = blocking


@defect("reject_under_load", "under load, one order in five is refused by the engine")
def reject_under_load(platform: Any) -> None:
    """Refuse orders."""
    busy = Busy(platform)
    submit = platform.execution.submit
    due = every(5)

    def refusing(order: Order) -> None:
        if not (busy() and due()):
            submit(order)
            return
        update = OrderUpdate(
            client_order_id=order.client_order_id,
            instrument=order.instrument,
            exec_type=ExecType.REJECTED,
            status=OrdStatus.REJECTED,
            side=order.side,
            qty=order.qty,
            price=order.price,
            source=Source.ENGINE,
            code="BUSY",
            reason="too busy",
        )
        platform.kernel.emit(update)

    platform.execution.submit = refusing


def _lose_quotes(platform: Any, count: int) -> None:
    """Lose every `count`-th quote that was injected, not one that a fill changed the size of."""
    busy = Busy(platform)
    inject, on_quote = platform.market_data.inject, platform.market_data.on_quote
    injected: deque[int] = deque(maxlen=100)
    due = every(count)

    def noting(event: Any) -> None:
        injected.append(event.ts_event_ns)
        inject(event)

    def losing(quote: Any) -> None:
        if not (quote.ts_event_ns in injected and busy() and due()):
            on_quote(quote)

    platform.market_data.inject, platform.market_data.on_quote = noting, losing


@defect("feed_drops_under_load", "under load, one quote in three is not shown")
def feed_drops_under_load(platform: Any) -> None:
    """Show fewer quotes than come."""
    _lose_quotes(platform, 3)


@defect("quote_lost_under_load", "under load, one quote in fifteen is not shown")
def quote_lost_under_load(platform: Any) -> None:
    """Lose a quote now and then."""
    _lose_quotes(platform, 15)


@defect("duplicate_fill_under_load", "under load, one fill in 20 is reported twice")
def duplicate_fill_under_load(platform: Any) -> None:
    """Say a fill again."""
    busy = Busy(platform)
    emit = platform.kernel.emit
    due = every(20)

    def doubling(event: Any) -> None:
        emit(event)
        if isinstance(event, OrderUpdate) and event.exec_type is ExecType.TRADE and busy() and due():
            emit(event)

    platform.kernel.emit = doubling


@defect("position_lost_under_load", "under load, one fill in six does not reach the positions")
def position_lost_under_load(platform: Any) -> None:
    """Forget fills."""
    busy = Busy(platform)
    book = platform.execution.book.book
    due = every(6)

    def forgetting(update: Any) -> Any:
        return None if busy() and due() else book(update)

    platform.execution.book.book = forgetting


@defect("wedged_after_burst", "the first order after a burst of orders is never answered")
def wedged_after_burst(platform: Any) -> None:
    """Swallow the order that comes when it is quiet again."""
    busy = Busy(platform)
    submit = platform.execution.submit
    state = {"burst": False, "last_ns": 0}

    def wedging(order: Order) -> None:
        now = clock.monotonic_ns()
        quiet = now - state["last_ns"] > 100 * clock.NS_PER_MS
        state["last_ns"] = now
        if state["burst"] and quiet:
            state["burst"] = False
            return
        state["burst"] = busy()
        submit(order)

    platform.execution.submit = wedging


@defect("interpreter_hog", "under load, a thread keeps the interpreter for itself half a second at a time")
def interpreter_hog(platform: Any) -> None:
    """Compute without ever letting go."""
    busy = Busy(platform)

    def hog() -> None:
        clock.sleep_s(0.2)
        if busy():
            sum(range(30_000_000))  # one call into C: no other thread runs before it is back

    in_background(hog)


DEFECTS: tuple[Defect, ...] = (
    slow_ack,
    periodic_stall,
    quadratic_scan,
    silent_drop,
    leak,
    blocking_submit,
    reject_under_load,
    feed_drops_under_load,
    quote_lost_under_load,
    duplicate_fill_under_load,
    position_lost_under_load,
    wedged_after_burst,
    interpreter_hog,
)
