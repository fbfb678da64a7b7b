"""A gateway without sockets, driven by the real ib_insync's encoder and heard by its decoder."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import UTC
from decimal import Decimal
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from certify.gateway.house import Gateway
from certify.gateway.settings import AccountSettings, GatewaySettings
from certify.gateway.wire.frames import Deframer
from certify.gateway.wire.requests import parse_request
from tests.client_library import Client, Decoder, ib

AAPL = "AAPL.NASDAQ"


class Heard:
    """Records what the decoder calls, as (name, arguments)."""

    def __init__(self):
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.ib = SimpleNamespace(TimezoneTWS="")
        self.defaultEmptyPrice, self.defaultEmptySize, self.defaultTimezone = -1, 0, UTC

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments: self.calls.append((name, arguments))


class TestClient:
    """A connected client: encodes with ib_insync, and keeps what it hears in ib_insync's words."""

    __test__ = False

    def __init__(self, bench: Bench, client_id: int, version: int):
        self.bench, self.version, self.client_id = bench, version, client_id
        self.congested = False
        self.frames: list[bytes] = []
        self.heard = Heard()
        self.deframer = Deframer()
        self.decoder = Decoder(self.heard, version)
        self.sent: list[str] = []
        self.encoder = Client(self.heard)
        self.encoder._serverVersion = version
        self.encoder.isConnected = lambda: True
        self.encoder.sendMsg = self.sent.append
        self.session = bench.gateway.admit(client_id, version, self)
        self.next_id = bench.gateway.next_valid_id(client_id)
        self.heard.calls.clear()

    def write(self, frame: bytes) -> None:
        for payload in self.deframer.feed(frame):
            self.frames.append(payload)
            self.decoder.interpret(payload.decode().split("\0")[:-1])

    def close(self) -> None:
        pass

    def ask(self, method: str, *arguments: Any) -> None:
        """Call a method of ib_insync's client, and let the gateway handle what it sends."""
        getattr(self.encoder, method)(*arguments)
        for message in self.sent:
            self.bench.gateway.handle(self.session, parse_request(message.encode(), self.version))
        self.sent.clear()

    def place(self, order: ib.Order, *, contract: Any = None, order_id: int | None = None) -> int:
        """Place an order (or change one, by its id) and return its id."""
        if order_id is None:
            order_id = self.next_id
            self.next_id += 1
        self.ask("placeOrder", order_id, contract or self.bench.stock, order)
        return order_id

    def cancel(self, order_id: int) -> None:
        self.ask("cancelOrder", order_id)

    def take(self) -> list[str]:
        """Return what was heard, in short, and forget it."""
        told = [_short(name, arguments) for name, arguments in self.heard.calls]
        self.heard.calls.clear()
        return told

    def all(self, name: str) -> list[tuple[Any, ...]]:
        """Return the arguments of every message of this name, and keep them."""
        return [arguments for called, arguments in self.heard.calls if called == name]

    def statuses(self, order_id: int) -> list[str]:
        """Return the statuses told of an order."""
        return [a[1] for a in self.all("orderStatus") if a[0] == order_id]


def _short(name: str, a: tuple[Any, ...]) -> str:
    shape = {
        "openOrder": lambda: f"open {a[0]} {a[3].status}",
        "orderStatus": lambda: f"status {a[0]} {a[1]} {a[2]:g}/{a[3]:g}",
        "execDetails": lambda: f"exec {a[2].orderId} {a[2].side} {a[2].shares:g}@{a[2].price:g}",
        "commissionReport": lambda: "commission",
        "error": lambda: f"error {a[0]} {a[1]}",
        "completedOrder": lambda: f"completed {a[2].status}",
    }.get(name)
    return shape() if shape else name


class Bench:
    """One gateway whose timers are moved by the test."""

    stock = ib.Stock("AAPL", "SMART", "USD")

    def __init__(self, **settings: Any):
        accounts = (AccountSettings(id="DU1000001"),)
        self.gateway = Gateway(GatewaySettings(market_rate_per_s=0, accounts=accounts, **settings))
        self.gateway.later = self._later
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._now_s = 0.0
        self.market("229.99", "230.00")

    @property
    def desk(self):
        return self.gateway.orders

    def _later(self, delay_s: float, call: Callable[..., None], *arguments: Any) -> None:
        due = (self._now_s + delay_s, next(self._numbers), lambda: call(*arguments))
        heapq.heappush(self._timers, due)

    def pass_time(self, ms: float) -> None:
        end_s = self._now_s + ms / 1000
        while self._timers and self._timers[0][0] <= end_s:
            self._now_s, _, call = heapq.heappop(self._timers)
            call()
        self._now_s = end_s

    def client(self, client_id: int = 1, version: int = 176) -> TestClient:
        return TestClient(self, client_id, version)

    def market(self, bid: str, ask: str, size: int = 1000, instrument: str = AAPL) -> None:
        self.gateway.do(
            "set_market", instrument=instrument, bid=bid, bid_size=str(size), ask=ask, ask_size=str(size)
        )

    def print(self, price: str, instrument: str = AAPL) -> None:
        self.gateway.do("print_trade", instrument=instrument, price=price, size="1")

    def orders(self) -> dict[int, dict[str, Any]]:
        return {each["order_id"]: each for each in self.gateway.do("orders")}

    def executions(self) -> list[dict[str, Any]]:
        return self.gateway.do("executions")

    def position(self, account: str = "DU1000001") -> Decimal:
        return sum((p.qty for p in self.desk.exchange.session(account).positions()), Decimal(0))


@pytest.fixture
def make_bench():
    made = []

    def make(**settings: Any) -> Bench:
        made.append(Bench(**settings))
        return made[-1]

    yield make
    for bench in made:
        assert bench.gateway.failures == []


@pytest.fixture
def bench(make_bench):
    return make_bench()


@pytest.fixture
def client(bench):
    return bench.client()
