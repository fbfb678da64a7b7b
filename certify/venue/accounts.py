"""Accounts: cash, commissions, positions at average cost, realised and unrealised profit.

Money is counted in integer units of 10 to the power of minus `Money.exponent`; nothing is rounded but
commissions, which are whole cents.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from certify.errors import UsageError
from certify.model.trading import AccountState, Environment, OrderUpdate, Position
from certify.venue.contract import CONTEXT, Contract
from certify.venue.orders import VenueOrder

if TYPE_CHECKING:
    from certify.venue.session import VenueSession

_SPARE_DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CommissionSchedule:
    """What a fill costs: so much per unit of quantity, at least a minimum per order that traded.

    An order's commission after each fill is `max(minimum_per_order, per_unit * cum_qty)` rounded half
    up to the cent; each fill carries what has been added.
    """

    per_unit: Decimal = Decimal("0.005")
    """Money per share, contract or coin."""
    minimum_per_order: Decimal = Decimal("1.00")


class Money:
    """Integer money: the scale of the venue and the way back to decimals."""

    __slots__ = ("_spare", "cent", "exponent")

    def __init__(self, places: int) -> None:
        """Keep at least `places` decimal places, and some to divide average costs by."""
        self.exponent = max(places, 2) + _SPARE_DIGITS
        self.cent = int(10 ** (self.exponent - 2))
        self._spare = int(10**_SPARE_DIGITS)

    def inside(self, value: Decimal) -> int:
        """Return `value` in units; raises `UsageError` when it is finer than a unit."""
        units = value.scaleb(self.exponent, CONTEXT)
        if not units.is_finite() or units != units.to_integral_value():
            raise UsageError(f"an amount of money must be a whole number of units, was {value}")
        return int(units)

    def outside(self, units: int) -> Decimal:
        """Return `units` as a decimal, without the spare digits where they are zero."""
        whole, rest = divmod(units, self._spare)
        if rest:
            return Decimal(units).scaleb(-self.exponent, CONTEXT)
        return Decimal(whole).scaleb(_SPARE_DIGITS - self.exponent, CONTEXT)


class Commission:
    """A schedule in integers for one contract."""

    __slots__ = ("_cent", "_denominator", "_minimum", "_numerator")

    def __init__(self, schedule: CommissionSchedule, contract: Contract, money: Money) -> None:
        """Work out the rate per lot in cents."""
        rate = Fraction(schedule.per_unit) * Fraction(contract.instrument.lot) * 100
        self._numerator, self._denominator = rate.numerator, rate.denominator
        self._minimum = money.inside(schedule.minimum_per_order)
        self._cent = money.cent

    def total(self, lots: int) -> int:
        """Return the commission in money units of an order that has traded `lots`."""
        if not lots:
            return 0
        cents = (2 * lots * self._numerator + self._denominator) // (2 * self._denominator)
        return max(self._minimum, cents * self._cent)


class Holding:
    """The position of one account in one contract."""

    __slots__ = ("contract", "cost", "qty", "realized")

    def __init__(self, contract: Contract) -> None:
        """Start flat."""
        self.contract = contract
        self.qty = 0
        """Signed lots."""
        self.cost = 0
        """What the open quantity cost, signed as `qty`, in money units."""
        self.realized = 0

    def copy(self) -> Holding:
        """Return the same position as one of its own."""
        other = Holding(self.contract)
        other.qty, other.cost, other.realized = self.qty, self.cost, self.realized
        return other

    def apply(self, lots: int, value: int) -> None:
        """Book a trade of signed `lots` worth signed `value` money units."""
        qty = self.qty
        if qty * lots >= 0:
            self.qty, self.cost = qty + lots, self.cost + value
            return
        if abs(lots) <= abs(qty):
            self._close(lots, value)
            return
        closing = value * -qty // lots
        self._close(-qty, closing)
        self.qty, self.cost = qty + lots, value - closing

    def _close(self, lots: int, value: int) -> None:
        """Take `lots` of the opposite sign off at average cost."""
        released = self.cost if lots == -self.qty else self.cost * -lots // self.qty
        self.realized += -value - released
        self.cost -= released
        self.qty += lots

    def value_at(self, price: Decimal) -> Decimal:
        """Return the signed worth at `price`."""
        instrument = self.contract.instrument
        qty = self.contract.lots.outside(self.qty)
        return CONTEXT.multiply(CONTEXT.multiply(qty, price), instrument.multiplier)

    def average(self) -> Decimal | None:
        """Return the average price of what is held; `None` when flat."""
        if not self.qty:
            return None
        units = CONTEXT.divide(Decimal(self.cost), Decimal(self.qty * self.contract.unit_value))
        return CONTEXT.multiply(units, self.contract.instrument.tick).normalize(CONTEXT) + 0


class Execution:
    """One side of one match, kept so that it can be taken back; only a correction changes its price."""

    __slots__ = ("account", "commission", "exec_id", "lots", "match_id", "order", "price")

    def __init__(
        self,
        exec_id: str,
        account: Account,
        order: VenueOrder,
        *,
        lots: int,
        price: int,
        commission: int,
        match_id: int,
    ) -> None:
        """Keep the fill: price in ticks, commission in money units, one `match_id` for both sides."""
        self.exec_id = exec_id
        self.account = account
        self.order = order
        self.lots = lots
        self.price = price
        self.commission = commission
        self.match_id = match_id


class Account:
    """One customer of the venue."""

    __slots__ = (
        "carried", "cash", "commissions", "currency", "executions", "holdings", "id", "money", "orders",
        "rejected", "reports", "sessions", "working",
    )  # fmt: skip

    def __init__(self, account_id: str, cash: Decimal, currency: str, money: Money) -> None:
        """Open with `cash`."""
        self.id = account_id
        self.currency = currency
        self.money = money
        self.cash = money.inside(cash)
        self.commissions = 0
        self.holdings: dict[str, Holding] = {}
        self.carried: dict[str, Holding] = {}
        """The positions from before the executions that are kept; see `upkeep.py`."""
        self.orders: dict[str, VenueOrder] = {}
        self.working: dict[str, VenueOrder] = {}
        """Orders that may still trade, oldest first, by client order id."""
        self.rejected: dict[str, OrderUpdate] = {}
        self.executions: list[Execution] = []
        """What stands: busted executions are gone."""
        self.reports: list[OrderUpdate] = []
        """Every TRADE and TRADE_CANCEL."""
        self.sessions: tuple[VenueSession, ...] = ()

    def book(self, contract: Contract, lots: int, price: int, commission: int) -> None:
        """Book a fill of signed `lots` at `price` ticks."""
        instrument_id = contract.instrument.id
        holding = self.holdings.get(instrument_id)
        if holding is None:
            holding = self.holdings[instrument_id] = Holding(contract)
        value = lots * price * contract.unit_value
        holding.apply(lots, value)
        self.cash -= value + commission
        self.commissions += commission

    def unbook(self, execution: Execution, contract: Contract) -> None:
        """Take a fill back, as if it had never been: what remains of the instrument is booked again."""
        order = execution.order
        value = order.sign * execution.lots * execution.price * contract.unit_value
        self.cash += value + execution.commission
        self.commissions -= execution.commission
        self.executions.remove(execution)
        self._rebook(order.instrument, contract)

    def reprice(self, execution: Execution, price: int, contract: Contract) -> None:
        """Give a fill another price in ticks, as if it had been traded there."""
        units = execution.order.sign * execution.lots * contract.unit_value
        self.cash += units * (execution.price - price)
        execution.order.notional += execution.lots * (price - execution.price)
        execution.price = price
        self._rebook(execution.order.instrument, contract)

    def _rebook(self, instrument: str, contract: Contract) -> None:
        """Make the position of an instrument from the fills that stand."""
        before = self.carried.get(instrument)
        holding = self.holdings[instrument] = before.copy() if before is not None else Holding(contract)
        for other in self.executions:
            if other.order.instrument == instrument:
                lots = other.order.sign * other.lots
                holding.apply(lots, lots * other.price * contract.unit_value)

    def position(self, holding: Holding, mark: Decimal | None) -> Position:
        """Return one position, valued at `mark` (at cost without one)."""
        return Position(
            instrument=holding.contract.instrument.id,
            qty=holding.contract.lots.outside(holding.qty),
            avg_px=holding.average(),
            realized_pnl=self.money.outside(holding.realized),
            unrealized_pnl=self.unrealized(holding, mark),
            account=self.id,
        )

    def unrealized(self, holding: Holding, mark: Decimal | None) -> Decimal:
        """Return the profit that closing at `mark` would realise."""
        if mark is None or not holding.qty:
            return Decimal(0)
        return CONTEXT.subtract(holding.value_at(mark), self.money.outside(holding.cost))

    def state(self, marks: dict[str, Decimal | None]) -> AccountState:
        """Return the money of the account with every position valued at its mark."""
        unrealized = cost = Decimal(0)
        for instrument_id, holding in self.holdings.items():
            unrealized = CONTEXT.add(unrealized, self.unrealized(holding, marks.get(instrument_id)))
            cost = CONTEXT.add(cost, self.money.outside(holding.cost))
        cash = self.money.outside(self.cash)
        return AccountState(
            account=self.id,
            currency=self.currency,
            cash=cash,
            equity=CONTEXT.add(cash, CONTEXT.add(cost, unrealized)),
            realized_pnl=self.money.outside(sum(h.realized for h in self.holdings.values())),
            unrealized_pnl=unrealized,
            commissions=self.money.outside(self.commissions),
            environment=Environment.SIMULATED,
        )
