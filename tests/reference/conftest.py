"""A platform over a venue whose clock stands still until a test moves it; nothing runs in the background."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from certify.clock import NS_PER_S
from certify.model.trading import (
    Alert,
    ExecType,
    Instrument,
    Order,
    OrderType,
    OrderUpdate,
    Quote,
    Side,
    SystemEvent,
)
from certify.reference import PlatformSettings, TradingPlatform
from certify.reference.journal import Journal
from certify.reference.kernel import Kernel
from certify.reference.simulated import OperationClock, SimulatedConnection
from certify.venue import CommissionSchedule, SimulatedVenue

START_NS = 1_768_000_000 * NS_PER_S
AAPL, MSFT = "AAPL.NASDAQ", "MSFT.NASDAQ"
INSTRUMENTS = [Instrument(AAPL), Instrument(MSFT, tick=Decimal("0.05"), lot=Decimal(10))]


class Rig:
    """One running platform, what it said, and a clock."""

    def __init__(self, state_dir: Path, settings: PlatformSettings, now_ns: int = START_NS) -> None:
        self.state_dir, self.settings, self.now_ns = state_dir, settings, now_ns
        self.events: list[SystemEvent] = []
        clock = OperationClock(lambda: self.now_ns)
        free = CommissionSchedule(per_unit=Decimal(0), minimum_per_order=Decimal(0))
        venue = SimulatedVenue(INSTRUMENTS, now_ns=clock, commission=free, threaded=False)
        self.connection = SimulatedConnection(venue, clock, INSTRUMENTS, Journal(state_dir / "venue.jsonl"))
        kernel = Kernel(emit=self.events.append, now_ns=lambda: self.now_ns, log=logging.getLogger("rig"))
        self.platform = TradingPlatform(
            kernel, self.connection, settings=settings, state_dir=state_dir, market=iter(())
        )
        self.ids = 0

    def restart(self, *, graceful: bool = True) -> Rig:
        """Return a new platform and venue over the same state, as a new process would build them."""
        if graceful:
            self.platform.stop()
        again = Rig(self.state_dir, self.settings, self.now_ns)
        again.ids = self.ids
        again.platform.start()
        return again

    def pass_time(self, seconds: float) -> None:
        """Move the clock and do what is due."""
        self.now_ns += int(seconds * NS_PER_S)
        self.platform.housekeeping()

    def quote(
        self, bid: str = "100.00", ask: str = "100.10", size: str = "100000", instrument: str = AAPL
    ) -> None:
        """Set the market."""
        self.platform.market_data.inject(
            Quote(instrument, Decimal(bid), Decimal(size), Decimal(ask), Decimal(size), self.now_ns)
        )

    def order(self, qty: object = 10, price: object = None, side: Side = Side.BUY, **more: object) -> Order:
        """Return a market order, or a limit order when there is a price."""
        self.ids += 1
        kind = OrderType.MARKET if price is None else OrderType.LIMIT
        plain = Order(f"o{self.ids}", AAPL, side, Decimal(str(qty)), kind)
        limited = replace(plain, price=None if price is None else Decimal(str(price)))
        return replace(limited, **more)

    def send(self, *args: object, port: str = "execution", **more: object) -> str:
        """Submit an order and return its id."""
        order = self.order(*args, **more)
        getattr(self.platform, port).submit(order)
        return order.client_order_id

    def updates(self, client_order_id: str) -> list[OrderUpdate]:
        """Return everything said about one order."""
        reports = [event for event in self.events if isinstance(event, OrderUpdate)]
        return [report for report in reports if report.client_order_id == client_order_id]

    def last(self, client_order_id: str) -> OrderUpdate:
        """Return the last word about one order."""
        return self.updates(client_order_id)[-1]

    def kinds(self, client_order_id: str) -> list[ExecType]:
        """Return the kinds of reports about one order."""
        return [update.exec_type for update in self.updates(client_order_id)]

    def alerts(self, kind: str) -> list[Alert]:
        """Return the alerts of one kind."""
        return [alert for alert in self.platform.trade_monitor.alerts() if alert.kind == kind]


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    """Return a maker of started rigs; keyword arguments change the settings."""
    rigs: list[Rig] = []

    def make(**changes: object) -> Rig:
        changes.setdefault("housekeeping_ns", 3600 * NS_PER_S)
        rig = Rig(tmp_path / f"state-{len(rigs)}", PlatformSettings(**changes))
        rig.platform.start()
        rigs.append(rig)
        return rig

    yield make
    for rig in rigs:
        rig.platform.stop()


@pytest.fixture
def rig(build: Callable[..., Rig]) -> Rig:
    """Return a started rig with a market of 100.00 to 100.10."""
    rig = build()
    rig.quote()
    return rig
