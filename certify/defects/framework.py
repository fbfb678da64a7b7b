"""Defects of the ground: components missing or lying, accounts not clean, starts and stops that fail."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from certify import clock
from certify.defects.api import Defect, defect, rewrite_events
from certify.model.trading import (
    Environment,
    ExecType,
    Health,
    Limit,
    OrderUpdate,
    OrdStatus,
    Position,
    Quote,
    Side,
)

OFFSET_NS = 5 * 3600 * clock.NS_PER_S
ORDER_PORTS = ("broker", "execution", "paper_trading")


def _ghost_order(platform: Any) -> OrderUpdate:
    return OrderUpdate(
        client_order_id="ghost-1",
        instrument=next(iter(platform.instruments)),
        exec_type=ExecType.STATUS,
        status=OrdStatus.NEW,
        side=Side.BUY,
        qty=Decimal(1),
        price=Decimal(1),
        leaves_qty=Decimal(1),
    )


def _ghost(port: str, *, order: bool, at_end: bool) -> Callable[[Any], None]:
    """Return a defect that lists an order or a position that is none, from the start or after trading."""

    def plant(platform: Any) -> None:
        owner = getattr(platform, port)
        method = "open_orders" if order else "positions"
        real, executions = getattr(owner, method), owner.executions

        def haunted() -> list[Any]:
            if at_end and not executions():
                return list(real())
            instrument = next(iter(platform.instruments))
            ghost = _ghost_order(platform) if order else Position(instrument, Decimal(1))
            return [*real(), ghost]

        setattr(owner, method, haunted)

    return plant


@defect("account_is_live", "The account behind a simulated system is a live one.")
def account_is_live(platform: Any) -> None:
    """Report a live account."""
    account = platform.execution.account
    platform.execution.account = lambda: replace(account(), environment=Environment.LIVE)


@defect("market_data_missing", "The market data component is not there.")
def market_data_missing(platform: Any) -> None:
    """Take the port away; the rest of the platform keeps its own way to it."""
    real = type(platform)
    platform.__class__ = type(real.__name__, (real,), {"__getattribute__": _without_market_data})


def _without_market_data(self: Any, name: str) -> Any:
    import sys

    caller = sys._getframe(1).f_globals.get("__name__", "")
    if name == "market_data" and caller.startswith("certify.adapter"):
        return None
    return object.__getattribute__(self, name)


@defect("instruments_forgotten", "The list of instruments lacks one.")
def instruments_forgotten(platform: Any) -> None:
    """List all but the last."""
    listed = platform.market_data.instruments
    platform.market_data.instruments = lambda: listed()[:-1]


@defect("broker_account_none", "The broker's account is answered with nothing.")
def broker_account_none(platform: Any) -> None:
    """Answer None."""
    platform.broker.account = lambda: None


@defect("registry_empty", "The registry lists no broker.")
def registry_empty(platform: Any) -> None:
    """List nothing."""
    platform.broker_framework.brokers = list


@defect("execution_positions_of_dicts", "Positions are answered as plain dictionaries.")
def execution_positions_of_dicts(platform: Any) -> None:
    """Answer with another shape."""
    platform.execution.positions = lambda: [{"instrument": "AAPL", "qty": "1"}]


@defect("paper_mode_unknown", "The mode of paper trading is a word nobody knows.")
def paper_mode_unknown(platform: Any) -> None:
    """Answer with another word."""
    platform.paper_trading.mode = lambda: "SANDBOX"


@defect("limits_unknown_names", "Limits have names of their own.")
def limits_unknown_names(platform: Any) -> None:
    """Answer with another name."""
    platform.risk.limits = lambda: [Limit("biggest_order", Decimal(1))]


@defect("metrics_missing", "The monitor has no figures.")
def metrics_missing(platform: Any) -> None:
    """Answer with nothing."""
    platform.trade_monitor.metrics = dict


@defect("tick_size_wrong", "The tick of an instrument is ten times too large.")
def tick_size_wrong(platform: Any) -> None:
    """List a larger tick."""
    listed = platform.market_data.instruments
    platform.market_data.instruments = lambda: [replace(i, tick=i.tick * 10) for i in listed()]


def _restamped(change: Callable[[int], int]) -> Callable[[Any], None]:
    def plant(platform: Any) -> None:
        def rewrite(event: Any) -> tuple[Any, ...]:
            if isinstance(event, Quote):
                event = replace(event, ts_event_ns=change(event.ts_event_ns))
            return (event,)

        rewrite_events(platform, rewrite)

    return plant


@defect("orders_into_the_void", "Orders are taken and never answered.")
def orders_into_the_void(platform: Any) -> None:
    """Take orders, do nothing."""
    platform.execution.submit = lambda _order: None


@defect("hides_stop_orders", "Stop orders work, but are declared as missing.")
def hides_stop_orders(platform: Any) -> None:
    """Declare what works as missing."""
    info = platform.describe()
    flags = {**info.capabilities, "orders.stop": "the venue knows no stop orders"}
    platform.describe = lambda: replace(info, capabilities=flags)


@defect("stop_hangs", "Stopping waits for a thread that never ends.")
def stop_hangs(platform: Any) -> None:
    """Wait far beyond any limit."""
    platform.stop = lambda: clock.sleep_s(600)


@defect("second_start_fails", "The system does not come up on its own state.")
def second_start_fails(platform: Any) -> None:
    """Trip over what the first start left behind."""
    start, mark = platform.start, platform._state_dir / "started"

    def fail() -> None:
        if mark.exists():
            os._exit(3)
        mark.write_text("once")
        start()

    platform.start = fail


@defect("executions_lose_one", "One fill is missing from the list of executions.")
def executions_lose_one(platform: Any) -> None:
    """List all but the first."""
    listed = platform.execution.executions
    platform.execution.executions = lambda: listed()[1:]


@defect("executions_double_one", "One fill is in the list of executions twice.")
def executions_double_one(platform: Any) -> None:
    """List the first again."""
    listed = platform.execution.executions
    platform.execution.executions = lambda: [*listed()[:1], *listed()]


@defect("prices_are_floats", "Prices of quotes are floats.")
def prices_are_floats(platform: Any) -> None:
    """Turn bids into floats on the way out."""

    def rewrite(event: Any) -> tuple[Any, ...]:
        if isinstance(event, Quote) and event.bid is not None:
            event = replace(event, bid=float(event.bid))  # type: ignore[arg-type]
        return (event,)

    rewrite_events(platform, rewrite)


@defect("times_are_floats", "Times of quotes are seconds as floats.")
def times_are_floats(platform: Any) -> None:
    """Turn receive times into float seconds on the way out."""

    def rewrite(event: Any) -> tuple[Any, ...]:
        if isinstance(event, Quote) and event.ts_recv_ns is not None:
            event = replace(event, ts_recv_ns=event.ts_recv_ns / 1e9)  # type: ignore[arg-type]
        return (event,)

    rewrite_events(platform, rewrite)


@defect("dies_on_odd_order", "The process dies at a cancel of an order that it does not know.")
def dies_on_odd_order(platform: Any) -> None:
    """Die of an assertion in native code."""
    cancel = platform.execution.cancel

    def fragile(client_order_id: str, instrument: str) -> None:
        if not platform.execution.owns(client_order_id):
            os._exit(6)
        cancel(client_order_id, instrument)

    platform.execution.cancel = fragile


@defect("health_always_connected", "The system says that it is connected while its links are down.")
def health_always_connected(platform: Any) -> None:
    """Report what one would like to hear."""
    health = platform.health
    platform.health = lambda: replace(health(), connected=True)


@defect("health_says_dead", "The system says that it is not alive, and goes on.")
def health_says_dead(platform: Any) -> None:
    """Report an unhealthy state."""
    platform.health = lambda: Health(alive=False, connected=True, detail="watchdog expired")


_GHOSTS = tuple(
    Defect(f"{port}_{name}", f"{port}: {text}", _ghost(port, order=order, at_end=at_end))
    for port in ORDER_PORTS
    for name, text, order, at_end in (
        ("not_flat_at_start", "a position of an earlier run is still held", False, False),
        ("ghost_order_at_end", "an order stays listed that nobody can cancel", True, True),
        ("ghost_position_at_end", "a position stays listed after it was closed", False, True),
    )
)

DEFECTS: tuple[Defect, ...] = (
    account_is_live,
    market_data_missing,
    instruments_forgotten,
    broker_account_none,
    registry_empty,
    execution_positions_of_dicts,
    paper_mode_unknown,
    limits_unknown_names,
    metrics_missing,
    tick_size_wrong,
    Defect("stamps_in_milliseconds", "Event times are milliseconds.", _restamped(lambda ns: ns // 10**6)),
    Defect("stamps_in_local_time", "Event times are local time.", _restamped(lambda ns: ns - OFFSET_NS)),
    orders_into_the_void,
    hides_stop_orders,
    stop_hangs,
    second_start_fails,
    executions_lose_one,
    executions_double_one,
    prices_are_floats,
    times_are_floats,
    dies_on_odd_order,
    health_says_dead,
    health_always_connected,
    *_GHOSTS,
)
