"""What the venue keeps of an order, and the stable codes of its refusals.

Quantities are integer lots, prices integer ticks; the border converts (`contract.py`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from certify.model.trading import OrderType, OrdStatus, Side, TimeInForce

if TYPE_CHECKING:
    from certify.venue.accounts import Account
    from certify.venue.book import Level


class Code(StrEnum):
    """Why the venue refused or ended an order; the values are stable and part of the interface."""

    TICK = "TICK"
    LOT = "LOT"
    PRICE = "PRICE"
    STOP_PRICE = "STOP_PRICE"
    QTY = "QTY"
    UNKNOWN_INSTRUMENT = "UNKNOWN_INSTRUMENT"
    CURRENCY = "CURRENCY"
    ACCOUNT = "ACCOUNT"
    DUPLICATE_ORDER_ID = "DUPLICATE_ORDER_ID"
    CLOSED = "CLOSED"
    HALTED = "HALTED"
    EXPIRE_TIME = "EXPIRE_TIME"
    VENUE_REJECT = "VENUE_REJECT"
    UNKNOWN_ORDER = "UNKNOWN_ORDER"
    TOO_LATE = "TOO_LATE"
    NOTHING_TO_CHANGE = "NOTHING_TO_CHANGE"
    BELOW_CUM_QTY = "BELOW_CUM_QTY"
    NO_LIQUIDITY = "NO_LIQUIDITY"
    IOC = "IOC"
    FOK = "FOK"
    SELF_MATCH = "SELF_MATCH"
    SESSION_END = "SESSION_END"
    GTD_EXPIRED = "GTD_EXPIRED"
    BUSTED = "BUSTED"


class VenueOrder:
    """One order inside the venue; house liquidity is an order without an account.

    `sign` is +1 for a buy and -1 for a sell; `key` is `price * sign`, so that on either side
    of a book the best price has the greatest key. While the order rests, `level`, `older` and
    `newer` are its place in the queue of its price.
    """

    __slots__ = (
        "account", "broker_order_id", "charged", "client_order_id", "cum", "expire_at_ns", "facts",
        "instrument", "key", "leaves", "level", "newer", "notional", "older", "price", "qty", "seq", "side",
        "sign", "status", "stop", "tif", "triggered", "type",
    )  # fmt: skip

    def __init__(self, seq: int, instrument: str, side: Side, qty: int, price: int) -> None:
        """Make a limit order of the house; order entry sets what a customer's order has beyond that."""
        self.seq = seq
        self.instrument = instrument
        self.side = side
        self.sign = 1 if side is Side.BUY else -1
        self.qty = self.leaves = qty
        self.price = price
        self.key = price * self.sign
        self.account: Account | None = None
        self.client_order_id = ""
        self.broker_order_id = ""
        self.type = OrderType.LIMIT
        self.tif = TimeInForce.DAY
        self.expire_at_ns = 0
        self.stop = 0
        """In ticks; 0: no stop price."""
        self.triggered = True
        self.status = OrdStatus.NEW
        self.cum = 0
        self.notional = 0
        """Sum of price times quantity of the fills, in ticks times lots."""
        self.charged = 0
        """Commission charged so far, in the account's money units."""
        self.facts: dict[str, object] | None = None
        """What every report of the order repeats until it is replaced; see `reports.py`."""
        self.level: Level | None = None
        self.older: VenueOrder | None = None
        self.newer: VenueOrder | None = None

    @property
    def has_limit(self) -> bool:
        """Whether the order has a limit price; 0 stands for none."""
        return self.price > 0

    @property
    def working(self) -> bool:
        """Whether the order may still trade."""
        return self.status is OrdStatus.NEW or self.status is OrdStatus.PARTIALLY_FILLED

    def working_status(self) -> OrdStatus:
        """Return where a working order stands by what it has done."""
        return OrdStatus.PARTIALLY_FILLED if self.cum else OrdStatus.NEW
