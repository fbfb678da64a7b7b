"""The backend `mock`: built from a configuration, with its threads."""

from __future__ import annotations

import logging
import threading
from decimal import Decimal

import pytest

from certify.backends.mock import create
from certify.errors import UsageError
from certify.model.capabilities import CAPABILITIES
from certify.model.trading import (
    Environment,
    ExecType,
    Order,
    OrderType,
    OrderUpdate,
    OrdStatus,
    Quote,
    Side,
)

D = Decimal
AAPL = "AAPL.NASDAQ"


class Ctx:
    """A context that keeps events and lets a test wait for one."""

    def __init__(self, state_dir, **config):
        self.config, self.state_dir, self.log = config, state_dir, logging.getLogger("mock")
        self.events, self._said = [], threading.Condition()

    def emit(self, event):
        with self._said:
            self.events.append(event)
            self._said.notify_all()

    def wait(self, wanted, timeout_s=10.0):
        with self._said:
            found = self._said.wait_for(lambda: next((e for e in self.events if wanted(e)), None), timeout_s)
        assert found is not None, "nothing of the kind arrived"
        return found


@pytest.fixture
def run(tmp_path):
    """Return a maker of started platforms from configurations."""
    started = []

    def make(**config):
        ctx = Ctx(tmp_path / str(len(started)), **config)
        platform = create(ctx)
        platform.start()
        started.append(platform)
        return ctx, platform

    yield make
    for platform in started:
        platform.stop()


def is_quote(event):
    return isinstance(event, Quote)


def test_it_describes_itself_before_it_is_started(tmp_path):
    platform = create(Ctx(tmp_path))
    info = platform.describe()
    assert info.name == "certify reference platform"
    assert info.environment is Environment.SIMULATED
    assert info.capabilities == dict.fromkeys(CAPABILITIES, True)
    assert not platform.health().alive


def test_the_generated_market_flows_and_leaves_injected_instruments_alone(run):
    ctx, platform = run(market_rate_per_s=500)
    platform.market_data.subscribe(AAPL, {"QUOTE"})
    ctx.wait(lambda event: is_quote(event) and event.ts_recv_ns is not None and event.bid is not None)
    platform.market_data.inject(Quote(AAPL, D("7.00"), D(10), D("7.01"), D(10), 5))
    platform.market_data.subscribe("MSFT.NASDAQ", {"QUOTE"})
    ctx.wait(lambda event: is_quote(event) and event.instrument == "MSFT.NASDAQ" and event.seq > 20)
    last = [event for event in ctx.events if is_quote(event) and event.instrument == AAPL][-1]
    assert (last.bid, last.ts_event_ns) == (D("7.00"), 5)


def test_threads_end_with_the_platform(run):
    before = set(threading.enumerate())
    _, platform = run()
    mine = [thread for thread in threading.enumerate() if thread not in before]
    assert {"market", "housekeeping"} <= {thread.name for thread in mine}
    assert platform.health().alive
    platform.stop()
    assert not any(thread.is_alive() for thread in mine if thread.name in ("market", "housekeeping"))
    platform.start()
    assert platform.health().alive


def test_late_answers_arrive_late(run):
    ctx, platform = run(market_rate_per_s=0, order_latency_ms=30)
    platform.market_data.inject(Quote(AAPL, D("100.00"), D(10), D("100.01"), D(10), 5))
    platform.execution.submit(Order("a", AAPL, Side.BUY, D(1), OrderType.MARKET))
    assert not [event for event in ctx.events if isinstance(event, OrderUpdate)]
    ctx.wait(lambda event: isinstance(event, OrderUpdate) and event.status is OrdStatus.FILLED)
    assert platform.execution.book.qty(AAPL) == 1


def test_the_venue_refuses_its_share(run):
    ctx, platform = run(market_rate_per_s=0, reject_rate="0.5", seed=3)
    platform.market_data.inject(Quote(AAPL, D("100.00"), D(1000), D("100.01"), D(1000), 5))
    for number in range(60):
        platform.execution.submit(Order(f"a{number}", AAPL, Side.BUY, D(1), OrderType.MARKET))
    rejected = [e for e in ctx.events if isinstance(e, OrderUpdate) and e.exec_type is ExecType.REJECTED]
    assert 15 <= len(rejected) <= 45


def test_configured_values_are_taken(run):
    instruments = [{"id": "X.Y", "kind": "FUT", "currency": "EUR", "tick": "0.5", "lot": 2}]
    _, platform = run(
        instruments=instruments,
        cash="5000",
        market_rate_per_s=0,
        limits={"max_order_rate": "50/s", "price_band": "5%"},
        go_live="refused",
        readiness={"min_trades": 0},
    )
    (instrument,) = platform.market_data.instruments()
    assert (instrument.id, instrument.tick, instrument.lot, instrument.currency) == (
        "X.Y",
        D("0.5"),
        2,
        "EUR",
    )
    limits = {limit.name: limit.value for limit in platform.risk.limits()}
    assert (limits["max_order_rate"], limits["price_band"]) == (50, 5)
    assert platform.execution.account().cash == 5000
    assert platform.paper_trading.go_live("me").code == "NOT_READY"


@pytest.mark.parametrize(
    "config",
    [{"limits": {"max_everything": 1}}, {"go_live": "perhaps"}, {"readiness": {"min_luck": 1}}],
)
def test_what_cannot_be_is_refused(tmp_path, config):
    with pytest.raises(UsageError, match="expected"):
        create(Ctx(tmp_path, **config))


def test_an_unknown_defect_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no_such_defect"):
        create(Ctx(tmp_path, defect="no_such_defect"))


def test_the_same_script_gives_the_same_events(tmp_path, build):
    def script(rig):
        rig.platform.market_data.subscribe(AAPL, {"QUOTE", "TRADE", "BOOK"})
        rig.quote(size="25")
        sent = rig.send(10, "100.10")
        rig.send(30, "100.10")
        rig.send(10_000_000)
        rig.platform.execution.modify(sent, qty=D(40))
        rig.platform.broker.disconnect()
        rig.quote("99.80", "99.90")
        rig.pass_time(1)
        rig.platform.broker.reconnect()
        rig.platform.risk.kill("HALT", "me", "drill")
        return rig.events

    assert script(build()) == script(build())
