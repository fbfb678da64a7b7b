"""What the desk keeps of an order and of its executions, as long as the gateway runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

from certify.gateway.orders.shapes import Shape
from certify.gateway.wire.contract import WireContract
from certify.gateway.wire.order import WireOrder
from certify.model.trading import Instrument, Side

if TYPE_CHECKING:
    from certify.gateway.orders.groups import OcaGroup
    from certify.gateway.orders.speech import Template

ZERO = Decimal(0)

PRE_SUBMITTED = "PreSubmitted"
SUBMITTED = "Submitted"
FILLED = "Filled"
CANCELLED = "Cancelled"
API_CANCELLED = "ApiCancelled"
INACTIVE = "Inactive"

BY_TRADER = "Cancelled by Trader"
"""How an order has ended that its client cancelled, for completedOrder."""

ENDED = frozenset({FILLED, CANCELLED, API_CANCELLED, INACTIVE})
"""States after which nothing but a bust or a correction follows."""


def whole_if_whole(quantity: Decimal) -> Decimal:
    """Return a quantity without the decimals it does not need: clients send `100.0`."""
    whole = quantity.to_integral_value()
    return whole if whole == quantity else quantity


class Wait(Enum):
    """Why an order is at IB and not yet at the exchange; the value is the word of orderStatus' whyHeld."""

    TRANSMIT = ""
    """Placed with transmit off: nobody is told of it."""
    CHILD = "child"
    """Its parent has not filled."""
    TRIGGER = "trigger"
    """Its trigger price has not been reached."""
    LOCATE = "locate"
    """Shares to sell short are looked for."""
    CONDITION = "condition"
    """Its conditions are not met."""
    TIME = "time"
    """Good after a time that has not come."""
    CLOSE = "close"
    """At the close of the day."""
    QUOTE = "quote"
    """Its limit comes from the market, and there is none."""
    OPEN = "open"
    """At the opening, which is next day's."""
    BENCH = "bench"
    """A better placed order of its OCA group is at the exchange: never both, so that not both can fill."""
    OFF_MARKET = "off"
    """Working as far as anybody can see, by a commanded behaviour, but kept from trading."""


_SAID = {Wait.CHILD: "child", Wait.TRIGGER: "trigger", Wait.LOCATE: "locate"}
_INVISIBLE = frozenset({Wait.BENCH, Wait.OFF_MARKET})
"""What clients do not see: such an order is Submitted."""


Terms = tuple[WireOrder, Decimal, Decimal | None, Decimal | None]
"""An order's terms with its total, limit and stop."""


class Execution:
    """One fill, or a correction of one: what execDetails and commissionReport say of it."""

    __slots__ = (
        "avg_price", "commission", "commission_known", "cum_qty", "exec_id", "liquidity", "price",
        "realized_pnl", "record", "shares", "superseded", "time_ns", "venue_exec_id",
    )  # fmt: skip

    def __init__(self, record: OrderRecord, exec_id: str, venue_exec_id: str, time_ns: int) -> None:
        """Begin with nothing traded; whoever makes one fills in the rest."""
        self.record = record
        self.exec_id = exec_id
        self.venue_exec_id = venue_exec_id
        """The venue's own id of it."""
        self.time_ns = time_ns
        self.shares = ZERO
        self.price = ZERO
        self.cum_qty = ZERO
        """What the order had filled with this execution."""
        self.avg_price = ZERO
        self.commission = ZERO
        self.commission_known = True
        """Whether IB has worked out its commission, so that asking for executions gives it."""
        self.realized_pnl: Decimal | None = None
        """What it realised, commissions left out; None where it opened or added to a position."""
        self.liquidity = 0
        """1 added, 2 removed."""
        self.superseded = False
        """Whether a correction or a bust has taken its place."""


@dataclass(slots=True, eq=False, kw_only=True)
class OrderRecord:
    """One order of one client, from its placing until the gateway is made afresh."""

    shape: Shape
    """What its order type means."""
    terms: WireOrder
    """The order as it was last placed; total, limit and stop are what holds now."""
    client_id: int
    order_id: int
    perm_id: int
    account: str
    instrument: Instrument
    contract: WireContract
    side: Side
    total: Decimal
    limit: Decimal | None
    stop: Decimal | None = None
    """The trigger price: fixed, or where a trail stands."""
    status: str = PRE_SUBMITTED
    waits: set[Wait] = field(default_factory=set)
    triggered: bool = False
    venue_id: str = ""
    """The client order id of its present order at the venue; empty when there is none."""
    routes: int = 0
    """How many orders it has had at the venue."""
    base: Decimal = ZERO
    """What had filled before its present order at the venue."""
    filled: Decimal = ZERO
    notional: Decimal = ZERO
    """Sum of price times quantity of its fills."""
    last_price: Decimal = ZERO
    commission: Decimal = ZERO
    executions: list[Execution] = field(default_factory=list)
    parent: OrderRecord | None = None
    children: list[OrderRecord] = field(default_factory=list)
    group: OcaGroup | None = None
    previous: Terms | None = None
    """What held before a modification that the venue has not answered."""
    cancel_pending: bool = False
    completed: str = ""
    """How it ended, for completedOrder."""
    placed_ns: int = 0
    done_ns: int = 0
    behaviour: str = ""
    """The commanded behaviour it is under."""
    quirks: dict[str, Any] = field(default_factory=dict)
    """How its messages are to be bent, by that behaviour."""
    on_cancel: Callable[[OrderRecord], None] | None = None
    """What happens instead of a cancel."""
    told: tuple[str, str] | None = None
    """Status and whyHeld as they were last told; None before the first openOrder."""
    templates: dict[int, Template] = field(default_factory=dict)
    """Its openOrder, by server version; emptied when its terms change."""
    silent: bool = False
    """Whether nobody is told of it, and nobody finds it by asking."""

    @property
    def manual(self) -> bool:
        """Whether somebody entered it at the TWS."""
        return self.order_id < 0

    @property
    def working(self) -> bool:
        """Whether it may still trade."""
        return self.status not in ENDED

    @property
    def remaining(self) -> Decimal:
        """What has not filled."""
        return self.total - self.filled

    @property
    def avg_price(self) -> Decimal:
        """The average price of its fills; 0 without any."""
        return self.notional / self.filled if self.filled else ZERO

    @property
    def order_type(self) -> str:
        """MKT, LMT, STP, …, as the client wrote it."""
        return self.terms.order_type

    @property
    def why_held(self) -> str:
        """The whyHeld of orderStatus, as `child,trigger`."""
        if self.status != PRE_SUBMITTED:
            return ""
        waits = {wait for wait in self.waits if wait in _SAID}
        if self.stop is not None and not self.triggered:
            waits.add(Wait.TRIGGER)
        return ",".join(sorted(_SAID[wait] for wait in waits))

    def changed(self) -> None:
        """Note that total, limit, stop or terms are others now."""
        self.templates.clear()

    def standing(self) -> str:
        """Return the status of this working order: held back for a reason that clients see, or working."""
        if self.waits and not self.waits <= _INVISIBLE:
            return PRE_SUBMITTED
        return SUBMITTED if self.stop is None or self.triggered else PRE_SUBMITTED
