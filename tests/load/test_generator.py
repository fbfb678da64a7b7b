"""The generator beside the system: every planned request is accounted for, however the system behaves."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from certify import clock
from certify.adapter import flights as air
from certify.adapter.load import run_load
from certify.load.meter import rows_of
from certify.model.trading import ExecType, Order, OrderUpdate, OrdStatus, Source


class Box:
    """Stands in for the outbox: taps, and what was sent."""

    def __init__(self) -> None:
        self.taps: list[Any] = []
        self.linger_s = 0.0
        self.bodies: list[bytes] = []

    def binary(self, body: bytes) -> None:
        self.bodies.append(body)

    def emit(self, event: Any) -> None:
        for tap in list(self.taps):
            tap(clock.monotonic_ns(), event)

    @property
    def rows(self) -> list[tuple[int, ...]]:
        return [row for body in self.bodies for row in rows_of(body)]


def update(order: Order, exec_type: ExecType, status: OrdStatus, **fields: Any) -> OrderUpdate:
    return OrderUpdate(
        order.client_order_id, order.instrument, exec_type, status, order.side, order.qty, **fields
    )


def filled(order: Order) -> OrderUpdate:
    return update(order, ExecType.TRADE, OrdStatus.FILLED, cum_qty=order.qty)


def order_load(**changes: Any) -> dict[str, Any]:
    stream = {
        "stream": "orders", "rate_per_s": 200.0, "arrival": "constant", "seed": 1, "port": "execution",
        "prefix": "L-", "instrument": "X", "qty": "1", "buy_price": "10", "sell_price": "9", "tif": "IOC",
    }  # fmt: skip
    message = {"length_ns": 200_000_000, "timeout_ns": 300_000_000, "max_late_ns": 5_000_000_000}
    stream.update({key: changes.pop(key) for key in list(changes) if key in stream})
    return {**message, **changes, "streams": [stream]}


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def run(box: Box, submit: Callable[[Order], Any], loop: Any, **changes: Any) -> dict[str, Any]:
    system = SimpleNamespace(execution=SimpleNamespace(submit=submit))
    account = run_load(system, box, loop, order_load(**changes))
    counts = account["streams"][0]["counts"]
    assert sum(counts.values()) == account["streams"][0]["planned"] == len(box.rows)
    assert box.taps == []
    assert box.linger_s == 0.0
    return counts


def test_every_order_is_sent_answered_and_stamped(loop: Any) -> None:
    box, sent = Box(), []

    def submit(order: Order) -> None:
        sent.append(order)
        box.emit(filled(order))

    assert run(box, submit, loop)["ok"] == 40
    assert [order.side.value for order in sent] == ["BUY", "SELL"] * 20
    assert len({order.client_order_id for order in sent}) == 40
    for _, _, planned, called, returned, answered, late, code in box.rows:
        assert 0 <= planned <= called <= answered <= returned
        assert (code, late <= called - planned) == (air.OK, True)


def test_sides_follow_what_was_really_traded(loop: Any) -> None:
    box, net = Box(), [0]

    def submit(order: Order) -> None:
        number = int(order.client_order_id[2:-1])
        if number % 3 == 0:
            box.emit(update(order, ExecType.REJECTED, OrdStatus.REJECTED, source=Source.VENUE))
            return
        net[0] += 1 if order.side.value == "BUY" else -1
        box.emit(filled(order))
        assert abs(net[0]) <= 1

    counts = run(box, submit, loop)
    assert (counts["ok"], counts["venue_reject"], counts["system_error"]) == (26, 14, 0)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("VENUE", "venue_reject"),
        ("BROKER", "broker_reject"),
        ("RISK", "risk_refusal"),
        ("ENGINE", "engine_refusal"),
    ],
)
def test_a_refusal_is_counted_by_who_refused(loop: Any, source: str, name: str) -> None:
    box = Box()

    def submit(order: Order) -> None:
        box.emit(update(order, ExecType.REJECTED, OrdStatus.REJECTED, source=Source(source)))

    assert run(box, submit, loop)[name] == 40


def test_silence_is_a_timeout_and_an_exception_an_error(loop: Any) -> None:
    def submit(order: Order) -> None:
        if order.side.value == "BUY":
            raise RuntimeError("boom")

    box = Box()
    counts = run(box, submit, loop)
    assert counts["system_error"] == 40  # an order that raised was not bought: the next one is a BUY again
    box = Box()
    assert run(box, lambda order: None, loop)["timeout"] == 40


def test_an_answer_from_another_thread_and_a_late_one(loop: Any) -> None:
    box, timers = Box(), []

    def submit(order: Order) -> None:
        timers.append(threading.Timer(0.02, box.emit, (filled(order),)))
        timers[-1].start()

    assert run(box, submit, loop, timeout_ns=2_000_000_000)["ok"] == 40
    for timer in timers:
        timer.join()
    assert all(row[5] - row[3] >= 15_000_000 for row in box.rows)


def test_a_coroutine_runs_on_the_loop_and_does_not_hold_the_generator(loop: Any) -> None:
    box = Box()

    async def submit(order: Order) -> None:
        await asyncio.sleep(0.1)
        if order.side.value == "SELL":
            raise RuntimeError("boom")
        box.emit(filled(order))

    counts = run(box, submit, loop, timeout_ns=3_000_000_000)
    assert counts["ok"] + counts["system_error"] == 40
    assert counts["system_error"] > 0


def test_a_system_that_holds_the_caller_is_to_blame_for_what_could_not_be_sent(loop: Any) -> None:
    box = Box()

    def submit(order: Order) -> None:
        clock.sleep_s(0.05)
        box.emit(filled(order))

    counts = run(box, submit, loop, max_late_ns=60_000_000)
    assert counts["overrun"] > 10
    assert counts["overrun"] > counts["dropped"]
    unsent = [row for row in box.rows if row[-1] == air.OVERRUN]
    assert all(row[3:6] == (-1, -1, -1) for row in unsent)


def test_the_generators_own_lateness_leaves_the_systems_time_out(loop: Any) -> None:
    box = Box()

    def submit(order: Order) -> None:
        clock.sleep_s(0.03)
        box.emit(filled(order))

    run(box, submit, loop)
    last = box.rows[-1]
    assert last[3] - last[2] > 500_000_000  # called long after it was planned…
    assert sorted(row[6] for row in box.rows)[20] < (last[3] - last[2]) / 2  # …and hardly by its own fault


def test_a_stop_ends_it_and_what_is_open_is_counted(loop: Any) -> None:
    box, stop = Box(), threading.Event()

    def submit(order: Order) -> None:
        if order.client_order_id[:-1] == "L-9":
            stop.set()

    system = SimpleNamespace(execution=SimpleNamespace(submit=submit))
    account = run_load(system, box, loop, order_load(length_ns=60_000_000_000), stop)
    assert account["stopped"]
    assert account["streams"][0]["planned"] == account["streams"][0]["in_flight"] == 10


def test_quotes_are_known_again_by_their_times(loop: Any) -> None:
    box, sizes = Box(), []

    def inject(quote: Any) -> None:
        sizes.append(quote.bid_size)
        if len(sizes) % 4:
            box.emit(quote)

    stream = {
        "stream": "market_data", "rate_per_s": 200.0, "arrival": "constant", "seed": 1, "instrument": "X",
        "bid": "9", "ask": "10", "size": "100", "lot": "1",
    }  # fmt: skip
    message = {**order_load(), "streams": [stream]}
    system = SimpleNamespace(market_data=SimpleNamespace(inject=inject))
    counts = run_load(system, box, loop, message)["streams"][0]["counts"]
    assert (counts["ok"], counts["timeout"]) == (30, 10)
    assert all(a != b for a, b in itertools.pairwise(sizes))
