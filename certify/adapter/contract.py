"""The adapter contract: the shape of the object that a user's `create(ctx)` returns.

Nothing here must be inherited: any object with these methods will do, and every port may be
missing or `None` (then that component is out of scope). A method is `def` (called on one
worker thread, in order) or `async def` (run on the host's event loop); which one is found out
by inspection. Methods marked *optional* may be missing.

Everything a system says goes through `ctx.emit(event)`. A refusal is an `OrderUpdate` with
`exec_type=REJECTED`, never an exception. `NotSupported` may be raised by what a system
cannot do; it counts only together with a reason in `SystemInfo.capabilities`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Set, Union

from certify.model.trading import (
    AccountState,
    Alert,
    BrokerInfo,
    Criterion,
    Decision,
    Health,
    Instrument,
    Limit,
    Order,
    OrderUpdate,
    Position,
    Quote,
    SystemEvent,
    SystemInfo,
    Trade,
)

if TYPE_CHECKING:  # Protocol is in typing from 3.8 on
    import logging
    from pathlib import Path
    from typing import Protocol
else:
    Protocol = object

PORTS = ("market_data", "broker", "execution", "paper_trading", "broker_framework", "risk", "trade_monitor")
"""The seven ports of a system, by the keys of the profile's components."""


class Context(Protocol):
    """What `create` is given."""

    config: Dict[str, Any]
    """The component's `options` of the profile, as plain data."""
    state_dir: Path
    """A directory that survives a restart which a check makes; empty at the start of a run."""
    log: logging.Logger
    """Goes to the run's `logs/`."""

    def emit(self, event: SystemEvent) -> None:
        """Say something; from any thread, never blocks, stamps the monotonic clock at once."""


class MarketDataFeed(Protocol):
    """Port `market_data`."""

    def instruments(self) -> List[Instrument]:
        """Return what can be subscribed."""

    def subscribe(self, instrument: str, kinds: Set[str]) -> None:
        """Ask for `QUOTE`, `TRADE` and/or `BOOK` events of one instrument."""

    def unsubscribe(self, instrument: str) -> None:
        """Stop all events of one instrument."""

    def inject(self, event: Union[Quote, Trade]) -> None:
        """Optional: set the market, as if the venue had sent this (system *and* venue see it)."""

    def disconnect(self) -> None:
        """Optional fault injection: break the link to the feed."""

    def reconnect(self) -> None:
        """Optional: allow the link to come back."""


class OrderPort(Protocol):
    """Ports `broker` (straight to the broker) and `execution` (the system's own path, risk included)."""

    def submit(self, order: Order) -> None:
        """Send an order; the answer is an event."""

    def cancel(self, client_order_id: str, instrument: str) -> None:
        """Ask for a cancel; answered by CANCELED or CANCEL_REJECTED."""

    def modify(
        self, client_order_id: str, qty: Optional[Decimal] = None, price: Optional[Decimal] = None
    ) -> None:
        """Ask for a change; answered by REPLACED or REPLACE_REJECTED."""

    def cancel_all(self) -> None:
        """Ask for a cancel of every working order of this port."""

    def open_orders(self) -> List[OrderUpdate]:
        """Return the working orders, as STATUS updates."""

    def positions(self) -> List[Position]:
        """Return what is held."""

    def executions(self) -> List[OrderUpdate]:
        """Return the session's executions (TRADE and TRADE_CANCEL)."""

    def account(self) -> AccountState:
        """Return the money."""

    def disconnect(self) -> None:
        """Optional fault injection: break the link to the broker."""

    def reconnect(self) -> None:
        """Optional: allow the link to come back."""


class PaperTrading(OrderPort, Protocol):
    """Port `paper_trading`: an order port on a paper account, and the way to live trading."""

    def open_account(self, cash: Decimal, currency: str) -> AccountState:
        """Open a fresh paper account with this cash; it becomes the one in use."""

    def readiness(self) -> List[Criterion]:
        """Return every condition for going live, met or not."""

    def go_live(self, approved_by: Optional[str]) -> Decision:
        """Ask for live mode; refused without approval or with a criterion unmet."""

    def revert(self) -> None:
        """Go back to paper mode."""

    def mode(self) -> str:
        """Return `PAPER` or `LIVE`."""


class BrokerFramework(Protocol):
    """Port `broker_framework`."""

    def brokers(self) -> List[BrokerInfo]:
        """Return every registered broker connection."""

    def active(self) -> str:
        """Return the name of the one in use."""

    def switch(self, name: str, confirm: bool = False) -> Decision:
        """Use another one; to a LIVE one only with `confirm`, to an unknown one never."""


class RiskManager(Protocol):
    """Port `risk`."""

    def limits(self) -> List[Limit]:
        """Return the limits in force."""

    def set_limit(self, limit: Limit, by: str) -> Decision:
        """Change a limit; recorded with the name of who did it."""

    def kill(self, mode: str, by: str, reason: str, cancel_open: bool = True) -> None:
        """Stop trading: `HALT` refuses every order, `REDUCE_ONLY` what does not reduce a position."""

    def resume(self, by: str, reason: str) -> Decision:
        """Allow trading again; only by a named person."""

    def state(self) -> str:
        """Return `ACTIVE`, `HALT` or `REDUCE_ONLY`."""

    def precheck(self, order: Order) -> Decision:
        """Optional: would this order pass? Free of side effects."""


class TradeMonitor(Protocol):
    """Port `trade_monitor`."""

    def metrics(self) -> Dict[str, Decimal]:
        """Return the current figures; at least those of `certify.adapter.METRICS`."""

    def alerts(self) -> List[Alert]:
        """Return every alert since the start, with its state and trail."""

    def acknowledge(self, alert_id: str, by: str) -> None:
        """Take note of an alert, by name."""

    def resolve(self, alert_id: str, by: str, note: str) -> None:
        """Close an alert, by name, with a note."""

    def escalate(self, alert_id: str) -> None:
        """Hand an alert to the next level."""


class System(Protocol):
    """What `create(ctx)` returns; every port may be missing or `None`."""

    market_data: Optional[MarketDataFeed]
    broker: Optional[OrderPort]
    execution: Optional[OrderPort]
    paper_trading: Optional[PaperTrading]
    broker_framework: Optional[BrokerFramework]
    risk: Optional[RiskManager]
    trade_monitor: Optional[TradeMonitor]

    def describe(self) -> SystemInfo:
        """Say who it is and what it can do; legal before `start`."""

    def start(self) -> None:
        """Start; on the process's main thread when it is a plain method."""

    def stop(self) -> None:
        """Stop; on the process's main thread when it is a plain method. May be started again."""

    def health(self) -> Health:
        """Say how it is."""


METRICS = (
    "orders_submitted",
    "orders_filled",
    "orders_rejected",
    "orders_canceled",
    "fills",
    "volume",
    "open_orders",
)
"""Counters and gauges since the start that a trade monitor keeps at least: counts of orders by
what became of them, TRADE executions, summed quantity of fills, and orders working now."""
