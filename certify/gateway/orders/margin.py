"""What an order would cost and bind: the numbers of a what-if answer."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from certify.gateway.accounts.money import MARGIN, PAID_IN_FULL
from certify.gateway.contracts.desk import COMMISSIONS
from certify.gateway.contracts.listing import Listing
from certify.gateway.orders.records import PRE_SUBMITTED, ZERO, OrderRecord
from certify.gateway.wire.order_answers import WireOrderState
from certify.model.trading import Side
from certify.venue import CommissionSchedule, VenueSession

if TYPE_CHECKING:
    from certify.gateway.house import Gateway

_CENT = Decimal("0.01")


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


def what_if(gateway: Gateway, session: VenueSession, record: OrderRecord, price: Decimal) -> WireOrderState:
    """Return what would be if an order filled at `price`: margins before and after, equity, commission."""
    listing = gateway.contracts.known(record.instrument.id)
    before, after = _Margin(), _Margin()
    multiplier = record.instrument.multiplier
    held = ZERO
    for position in session.positions():
        other = gateway.contracts.known(position.instrument)
        cost = position.qty * (position.avg_px or ZERO) * other.instrument.multiplier
        value = cost + position.unrealized_pnl
        before.add(other, value)
        after.add(other, value)
        if position.instrument == record.instrument.id:
            held = position.qty
            after.add(other, value, -1)
    qty = held + (record.total if record.side is Side.BUY else -record.total)
    after.add(listing, qty * price * multiplier)
    fee, least = commission(listing, record.total)
    return _state(session.account().equity, before, after, fee, least, record.instrument.currency)


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
