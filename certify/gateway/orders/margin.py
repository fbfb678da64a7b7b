"""What an order would cost and bind: the numbers of a what-if answer, and whether the account can bear it.

As at IB, an order is looked at before it works: what the account would hold once it had filled must not need
more initial margin than there is equity with loan value, unless it needs no more than what is held now. Other
working orders bind nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from certify.gateway.accounts.money import MARGIN, PAID_IN_FULL
from certify.gateway.contracts.desk import COMMISSIONS
from certify.gateway.contracts.listing import Listing
from certify.gateway.orders.entry import rejected
from certify.gateway.orders.records import PRE_SUBMITTED, ZERO, OrderRecord
from certify.gateway.orders.shapes import Shape
from certify.gateway.wire.order import WireOrder
from certify.gateway.wire.order_answers import WireOrderState
from certify.model.trading import Side
from certify.venue import CommissionSchedule, held_values

if TYPE_CHECKING:
    from certify.gateway.house import Gateway
    from certify.gateway.orders.desk import OrderDesk

_CENT = Decimal("0.01")
_TOO_MUCH = (
    "YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR EQUITY WITH LOAN VALUE "
    "[{:.2f} {}] MUST EXCEED THE INITIAL MARGIN [{:.2f} {}]"
)
"""IB's words, as logs of its users have them."""


@dataclass(slots=True)
class _Margin:
    initial: Decimal = ZERO
    maintenance: Decimal = ZERO

    def add(self, listing: Listing, value: Decimal, sign: int = 1) -> None:
        initial, maintenance = MARGIN.get(listing.sec_type, PAID_IN_FULL)
        self.initial += sign * initial * abs(value)
        self.maintenance += sign * maintenance * abs(value)


def commission(listing: Listing, qty: Decimal) -> tuple[Decimal, Decimal]:
    """Return what filling `qty` in one order costs, and the least that an order costs."""
    schedule = COMMISSIONS.get(listing.sec_type) or CommissionSchedule()
    raw = (schedule.per_unit * qty).quantize(_CENT, ROUND_HALF_UP)
    return max(raw, schedule.minimum_per_order), schedule.minimum_per_order


def what_if(gateway: Gateway, record: OrderRecord, price: Decimal) -> WireOrderState:
    """Return what would be if an order filled at `price`: margins before and after, equity, commission."""
    equity, before, after = _margins(gateway, record, _signed(record, record.total), price)
    fee, least = commission(gateway.contracts.known(record.instrument.id), record.total)
    return _state(equity, before, after, fee, least, record.instrument.currency)


def _signed(record: OrderRecord, qty: Decimal) -> Decimal:
    return qty if record.side is Side.BUY else -qty


def _margins(
    gateway: Gateway, record: OrderRecord, change: Decimal, price: Decimal
) -> tuple[Decimal, _Margin, _Margin]:
    """Return the equity and what the positions need, now and with one of them changed by a signed quantity.

    What is held already is worth what it is; what comes is worth `price`.
    """
    before, after = _Margin(), _Margin()
    equity, held = held_values(gateway.venue, record.account)
    here, worth = held.get(record.instrument.id, (ZERO, ZERO))
    for name, (_, value) in held.items():
        equity += value
        listing = gateway.contracts.known(name)
        before.add(listing, value)
        if name != record.instrument.id:
            after.add(listing, value)
    multiplied = price * record.instrument.multiplier
    if here * change >= 0:
        value = abs(worth) + abs(change) * multiplied
    elif abs(change) <= abs(here):
        value = worth * (here + change) / here
    else:
        value = (here + change) * multiplied
    after.add(gateway.contracts.known(record.instrument.id), value)
    return equity, before, after


class BuyingPower:
    """Refuses what an account cannot bear (201)."""

    def __init__(self, gateway: Gateway, desk: OrderDesk) -> None:
        """Look at the orders of `desk`."""
        self._gateway = gateway
        self._desk = desk

    def check(self, record: OrderRecord) -> None:
        """Check a new order, a child together with what its parent will trade; raises `Refusal`."""
        self._refuse_beyond(record, record.total, self.value(record, record.limit, record.stop))

    def check_change(self, record: OrderRecord, order: WireOrder, shape: Shape) -> None:
        """Check what a working order would become; raises `Refusal` if that needs more than it does now."""
        limit = order.lmt_price if shape.limit or shape.trailing or shape.follows else None
        stop = order.aux_price if shape.trigger else order.trail_stop_price if shape.trailing else None
        left = order.total_quantity - record.filled
        now, then = self.value(record, record.limit, record.stop), self.value(record, limit, stop)
        if left * then > record.remaining * now:
            self._refuse_beyond(record, left, then)

    def value(self, record: OrderRecord, limit: Decimal | None, stop: Decimal | None) -> Decimal:
        """Return what an order is valued at: its limit, else its trigger, else the market; 0 without any."""
        return limit or stop or self._desk.triggers.market_price(record) or ZERO

    def _refuse_beyond(self, record: OrderRecord, qty: Decimal, price: Decimal) -> None:
        change, parent = _signed(record, qty), record.parent
        if parent is not None and parent.working:
            change += _signed(parent, parent.remaining)
        equity, before, after = _margins(self._gateway, record, change, price)
        if after.initial > max(before.initial, equity):
            currency = record.instrument.currency
            raise rejected(_TOO_MUCH.format(equity, currency, after.initial, currency))


def _state(
    equity: Decimal, before: _Margin, after: _Margin, fee: Decimal, least: Decimal, currency: str
) -> WireOrderState:
    def cents(amount: Decimal) -> Decimal:
        return amount.quantize(_CENT, ROUND_HALF_UP)

    return WireOrderState(
        status=PRE_SUBMITTED,
        init_margin_before=cents(before.initial),
        maint_margin_before=cents(before.maintenance),
        equity_with_loan_before=cents(equity),
        init_margin_change=cents(after.initial - before.initial),
        maint_margin_change=cents(after.maintenance - before.maintenance),
        equity_with_loan_change=cents(-fee),
        init_margin_after=cents(after.initial),
        maint_margin_after=cents(after.maintenance),
        equity_with_loan_after=cents(equity - fee),
        commission=fee,
        min_commission=least,
        max_commission=fee,
        commission_currency=currency,
    )
