"""The vocabulary of the market: what a system under certification takes and says.

Names and states are FIX's (order states: FIX 4.4 volume 4, OrdStatus <39>, ExecType <150>).
Prices, quantities and money are `Decimal`; times are integer nanoseconds UTC (`…_ns`);
an absent side is `None`, never zero. Every value is a frozen dataclass.

Runs in the system's own interpreter: standard library only, Python 3.8 or newer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Dict, Optional, Tuple, Union


class Side(str, Enum):
    """Side <54>."""

    BUY = "BUY"
    SELL = "SELL"


class OrderType(str, Enum):
    """OrdType <40>."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"
    STOP_LIMIT = "STOP_LIMIT"


class TimeInForce(str, Enum):
    """TimeInForce <59>."""

    DAY = "DAY"
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTD = "GTD"


class ExecType(str, Enum):
    """What an `OrderUpdate` reports: ExecType <150>, with the two cancel-reject answers beside it."""

    PENDING_NEW = "PENDING_NEW"
    NEW = "NEW"
    TRADE = "TRADE"
    PENDING_CANCEL = "PENDING_CANCEL"
    CANCELED = "CANCELED"
    PENDING_REPLACE = "PENDING_REPLACE"
    REPLACED = "REPLACED"
    REJECTED = "REJECTED"
    CANCEL_REJECTED = "CANCEL_REJECTED"
    REPLACE_REJECTED = "REPLACE_REJECTED"
    EXPIRED = "EXPIRED"
    TRADE_CANCEL = "TRADE_CANCEL"
    STATUS = "STATUS"


class OrdStatus(str, Enum):
    """Where an order stands: OrdStatus <39>."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"

    @property
    def terminal(self) -> bool:
        """Whether nothing but a bust may follow."""
        return self not in (OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED)


class Source(str, Enum):
    """Who answered: a refusal by one's own risk check is not a venue's reject."""

    RISK = "RISK"
    ENGINE = "ENGINE"
    BROKER = "BROKER"
    VENUE = "VENUE"


class Environment(str, Enum):
    """What stands behind a system or a broker connection."""

    SIMULATED = "SIMULATED"
    PAPER = "PAPER"
    LIVE = "LIVE"


class AlertSeverity(str, Enum):
    """How loud an alert is."""

    INFO = "INFO"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


class AlertState(str, Enum):
    """The life of an alert."""

    RAISED = "RAISED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    ESCALATED = "ESCALATED"
    RESOLVED = "RESOLVED"


class AlertKind(str, Enum):
    """What an alert is about; a system may raise other kinds too, as plain text."""

    DISCONNECT = "DISCONNECT"
    STALE_DATA = "STALE_DATA"
    DATA_GAP = "DATA_GAP"
    REJECT_RATE = "REJECT_RATE"
    LIMIT_BREACH = "LIMIT_BREACH"
    DAILY_LOSS = "DAILY_LOSS"
    KILL_SWITCH = "KILL_SWITCH"
    POSITION_BREAK = "POSITION_BREAK"


@dataclass(frozen=True)
class Instrument:
    """Something that can be traded."""

    id: str
    """Symbol and venue, as `AAPL.NASDAQ`."""
    kind: str = "STK"
    """STK, FUT, OPT, CASH, CRYPTO, …"""
    currency: str = "USD"
    tick: Decimal = Decimal("0.01")
    """Smallest price step."""
    lot: Decimal = Decimal(1)
    """Smallest quantity step."""
    multiplier: Decimal = Decimal(1)


@dataclass(frozen=True)
class Quote:
    """The best bid and ask at one moment; a side without orders is `None`."""

    instrument: str
    bid: Optional[Decimal]
    bid_size: Optional[Decimal]
    ask: Optional[Decimal]
    ask_size: Optional[Decimal]
    ts_event_ns: int
    """When it happened at the venue, nanoseconds UTC."""
    ts_recv_ns: Optional[int] = None
    """When the system received it, nanoseconds UTC."""
    seq: Optional[int] = None
    """The feed's sequence number, ascending per instrument, where it has one."""
    venue: Optional[str] = None
    delayed: bool = False
    """Whether the feed is delayed by design (not real time)."""


@dataclass(frozen=True)
class Trade:
    """One print."""

    instrument: str
    price: Decimal
    size: Decimal
    ts_event_ns: int
    ts_recv_ns: Optional[int] = None
    trade_id: Optional[str] = None
    seq: Optional[int] = None
    venue: Optional[str] = None
    condition: Optional[str] = None
    correction: Optional[str] = None


@dataclass(frozen=True)
class BookUpdate:
    """Price levels, best first; a snapshot replaces the book, otherwise size 0 removes a level."""

    instrument: str
    bids: Tuple[Tuple[Decimal, Decimal], ...]
    asks: Tuple[Tuple[Decimal, Decimal], ...]
    ts_event_ns: int
    snapshot: bool = True
    seq: Optional[int] = None


@dataclass(frozen=True)
class Order:
    """A new order as the tool hands it to the system."""

    client_order_id: str
    """ClOrdID <11>: unique over the life of the account."""
    instrument: str
    side: Side
    qty: Decimal
    type: OrderType = OrderType.LIMIT
    price: Optional[Decimal] = None
    """Limit price; required for LIMIT and STOP_LIMIT."""
    stop_price: Optional[Decimal] = None
    """Trigger; required for STOP and STOP_LIMIT."""
    tif: TimeInForce = TimeInForce.DAY
    expire_at_ns: Optional[int] = None
    """Required for GTD."""
    account: Optional[str] = None


@dataclass(frozen=True)
class OrderUpdate:
    """Everything a system says about an order: an execution report or a cancel reject.

    `qty` and `price` are what the system holds *now*: silent rounding shows here.
    For CANCEL_REJECTED and REPLACE_REJECTED of an order nobody knows, `status` is REJECTED.
    """

    client_order_id: str
    instrument: str
    exec_type: ExecType
    status: OrdStatus
    side: Side
    qty: Decimal
    price: Optional[Decimal] = None
    stop_price: Optional[Decimal] = None
    last_qty: Decimal = Decimal(0)
    last_px: Optional[Decimal] = None
    cum_qty: Decimal = Decimal(0)
    leaves_qty: Decimal = Decimal(0)
    avg_px: Optional[Decimal] = None
    exec_id: Optional[str] = None
    """ExecID <17>: unique for each TRADE and TRADE_CANCEL."""
    exec_ref_id: Optional[str] = None
    """ExecRefID <19>: the execution a TRADE_CANCEL takes back."""
    commission: Optional[Decimal] = None
    source: Source = Source.VENUE
    code: Optional[str] = None
    """A stable code of a refusal, as `MAX_ORDER_QTY` or the broker's number."""
    reason: Optional[str] = None
    broker_order_id: Optional[str] = None
    account: Optional[str] = None
    type: Optional[OrderType] = None
    tif: Optional[TimeInForce] = None
    ts_event_ns: Optional[int] = None


@dataclass(frozen=True)
class Position:
    """What is held of one instrument; `qty` is signed (short is negative)."""

    instrument: str
    qty: Decimal
    avg_px: Optional[Decimal] = None
    realized_pnl: Decimal = Decimal(0)
    unrealized_pnl: Decimal = Decimal(0)
    account: Optional[str] = None


@dataclass(frozen=True)
class AccountState:
    """Money of one account in one currency."""

    account: str
    currency: str
    cash: Decimal
    equity: Decimal
    """Cash plus the market value of the positions."""
    realized_pnl: Decimal = Decimal(0)
    unrealized_pnl: Decimal = Decimal(0)
    commissions: Decimal = Decimal(0)
    buying_power: Optional[Decimal] = None
    environment: Optional[Environment] = None


LIMIT_UNITS: Dict[str, str] = {
    "max_order_qty": "qty",
    "max_order_notional": "money",
    "max_position_qty": "qty",
    "max_position_notional": "money",
    "max_open_orders": "orders",
    "max_order_rate": "1/s",
    "max_daily_loss": "money",
    "price_band": "%",
}
"""Every limit of the contract with its unit; `price_band` is percent of the reference price."""


@dataclass(frozen=True)
class Limit:
    """A risk limit; without an instrument it holds for each instrument alike."""

    name: str
    """One of `LIMIT_UNITS`."""
    value: Decimal
    """In the unit of `LIMIT_UNITS`: a rate is per second, a band is percent."""
    instrument: Optional[str] = None


@dataclass(frozen=True)
class Decision:
    """Yes or no, and why."""

    accepted: bool
    code: Optional[str] = None
    reason: Optional[str] = None
    observed: Optional[Decimal] = None
    limit: Optional[Decimal] = None


@dataclass(frozen=True)
class AlertEntry:
    """One line of an alert's audit trail."""

    at_ns: int
    state: AlertState
    by: str
    note: str = ""


@dataclass(frozen=True)
class Alert:
    """Something a person must know."""

    id: str
    kind: str
    """One of `AlertKind`, or the system's own word."""
    severity: AlertSeverity
    text: str
    state: AlertState
    raised_at_ns: int
    component: Optional[str] = None
    instrument: Optional[str] = None
    trail: Tuple[AlertEntry, ...] = ()
    """Who did what with it and when, oldest first."""


@dataclass(frozen=True)
class Health:
    """The system's own word on itself."""

    alive: bool
    connected: bool
    queue_depth: Optional[int] = None
    detail: str = ""


@dataclass(frozen=True)
class SystemInfo:
    """Who the system is and what it claims."""

    name: str
    version: str
    environment: Environment
    capabilities: Dict[str, Union[bool, str]] = field(default_factory=dict)
    """Flag → True, or the reason why not; a flag that is missing is claimed."""


@dataclass(frozen=True)
class Criterion:
    """One condition for going live."""

    name: str
    required: str
    observed: str
    met: bool


@dataclass(frozen=True)
class BrokerInfo:
    """One entry of the broker registry."""

    name: str
    environment: Environment
    connected: bool
    active: bool = False


@dataclass(frozen=True)
class ConnectionChange:
    """A link of the system went up or down."""

    component: str
    """`market_data` or `broker`."""
    connected: bool
    reason: str = ""
    ts_event_ns: Optional[int] = None


SystemEvent = Union[Quote, Trade, BookUpdate, OrderUpdate, Alert, ConnectionChange]
"""What may go through `ctx.emit`."""

SYSTEM_EVENTS = (Quote, Trade, BookUpdate, OrderUpdate, Alert, ConnectionChange)
