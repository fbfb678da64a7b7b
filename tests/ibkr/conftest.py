"""The backend `ibkr` over a simulated gateway: a real library, real sockets, a gateway on a thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from certify.backends.ibkr import create
from certify.gateway.embed import EmbeddedGateway
from certify.gateway.settings import GatewaySettings
from certify.model.trading import (
    Alert,
    ExecType,
    Order,
    OrderType,
    OrderUpdate,
    Quote,
    Side,
    SystemEvent,
    TimeInForce,
)

AAPL, MSFT = "AAPL.NASDAQ", "MSFT.NASDAQ"
ACCOUNT = "DU1000001"
WAIT_S = 8.0


class Context:
    """What the tool gives a system, with everything that was said kept."""

    def __init__(self, config: dict[str, Any], state_dir: Path) -> None:
        self.config, self.state_dir = config, state_dir
        self.log = logging.getLogger("tests.ibkr")
        self.events: list[SystemEvent] = []
        self.news = threading.Condition()

    def emit(self, event: SystemEvent) -> None:
        with self.news:
            self.events.append(event)
            self.news.notify_all()


class Rig:
    """A platform over the gateway."""

    def __init__(self, gateway: EmbeddedGateway, state_dir: Path, **more: Any) -> None:
        self.gateway, self.state_dir, self.more = gateway, state_dir, more
        host, port, control_port = gateway.address
        config = {
            "gateway": {
                "host": host,
                "port": port,
                "control_port": control_port,
                "account": ACCOUNT,
                "simulated": True,
                **more.get("connection", {}),
            },
            **{name: value for name, value in more.items() if name != "connection"},
        }
        self.context = Context(config, state_dir)
        self.platform = create(self.context)
        self.ids = 0

    def restart(self) -> Rig:
        """Return a new platform over the same state, as a new process would build it."""
        self.platform.stop()
        again = Rig(self.gateway, self.state_dir, **self.more)
        again.ids = self.ids
        again.platform.start()
        return again

    # -- waiting -----------------------------------------------------------------------------------

    def until(self, found: Callable[[], Any], what: str = "", timeout_s: float = WAIT_S) -> Any:
        """Wait until `found()` is true, looking again at every event and a few times a second."""
        deadline = time.monotonic() + timeout_s
        while True:
            result = found()
            if result:
                return result
            assert time.monotonic() < deadline, (
                f"not within {timeout_s} s: {what}; {self.context.events[-20:]}"
            )
            with self.context.news:
                self.context.news.wait(0.02)

    def updates(self, client_order_id: str) -> list[OrderUpdate]:
        events = list(self.context.events)
        return [e for e in events if isinstance(e, OrderUpdate) and e.client_order_id == client_order_id]

    def kinds(self, client_order_id: str) -> list[str]:
        return [update.exec_type.value for update in self.updates(client_order_id)]

    def wait(self, client_order_id: str, kind: str, count: int = 1, timeout_s: float = WAIT_S) -> OrderUpdate:
        """Wait for the `count`th report of a kind about an order, and return it."""

        def found() -> list[OrderUpdate]:
            return [u for u in self.updates(client_order_id) if u.exec_type is ExecType(kind)][count - 1 :]

        return self.until(
            found, f"{kind} of {client_order_id}, was {self.kinds(client_order_id)}", timeout_s
        )[0]

    def events(self, kind: type, instrument: str = AAPL) -> list[Any]:
        return [e for e in list(self.context.events) if isinstance(e, kind) and e.instrument == instrument]

    def alerts(self, kind: str) -> list[Alert]:
        return [alert for alert in self.platform.trade_monitor.alerts() if alert.kind == kind]

    # -- acting ------------------------------------------------------------------------------------

    def market(
        self,
        bid: str | None = "100.00",
        ask: str | None = "100.10",
        size: str = "1000",
        instrument: str = AAPL,
    ) -> None:
        """Set the market and wait until the platform values orders by it."""
        sides = [None if each is None else Decimal(each) for each in (bid, ask)]
        sizes = [None if each is None else Decimal(size) for each in sides]
        self.platform.market_data.inject(Quote(instrument, sides[0], sizes[0], sides[1], sizes[1], 0))
        quotes = self.platform.prices.quotes
        self.until(
            lambda: instrument in quotes and [quotes[instrument].bid, quotes[instrument].ask] == sides,
            "prices",
        )

    def order(self, qty: object = 10, price: object = None, side: Side = Side.BUY, **more: Any) -> Order:
        self.ids += 1
        kind = more.pop("type", OrderType.MARKET if price is None else OrderType.LIMIT)
        return Order(
            f"t{self.ids}",
            more.pop("instrument", AAPL),
            side,
            Decimal(str(qty)),
            kind,
            None if price is None else Decimal(str(price)),
            tif=more.pop("tif", TimeInForce.DAY),
            **more,
        )

    def send(self, *args: Any, port: str = "execution", **more: Any) -> str:
        order = self.order(*args, **more)
        getattr(self.platform, port).submit(order)
        return order.client_order_id

    def position(self, port: str = "execution", instrument: str = AAPL) -> Decimal:
        held = {p.instrument: p.qty for p in getattr(self.platform, port).positions()}
        return held.get(instrument, Decimal(0))


@pytest.fixture(scope="session")
def shared_gateway() -> Iterator[EmbeddedGateway]:
    gateway = EmbeddedGateway(GatewaySettings(market_rate_per_s=0))
    yield gateway
    gateway.close()


@pytest.fixture
def gateway(shared_gateway: EmbeddedGateway) -> Iterator[EmbeddedGateway]:
    """A gateway without a generated market, as just started."""
    shared_gateway.fresh()
    yield shared_gateway
    failures = shared_gateway.call(lambda gateway: list(gateway.failures))
    assert failures == []


@pytest.fixture
def build(gateway: EmbeddedGateway, tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    """Return a maker of started rigs."""
    made: list[Rig] = []

    def make(**more: Any) -> Rig:
        rig = Rig(gateway, tmp_path / f"state-{len(made)}", **more)
        made.append(rig)
        rig.platform.start()
        return rig

    yield make
    for rig in made:
        rig.platform.stop()


@pytest.fixture
def rig(build: Callable[..., Rig]) -> Rig:
    """A started rig with a market of 100.00 to 100.10."""
    rig = build()
    rig.market()
    return rig
