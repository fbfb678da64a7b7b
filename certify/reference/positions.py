"""Positions as the signed sum of fills, at average cost, for one account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from certify.model.trading import ExecType, Instrument, OrderUpdate, Position, Side
from certify.reference.pricing import PriceBook

ZERO = Decimal(0)


class Holding:
    """What is held of one instrument, and what it has earned."""

    __slots__ = ("commissions", "cost", "multiplier", "qty", "realized")

    def __init__(self, multiplier: Decimal) -> None:
        """Start flat; `multiplier` is money per point and unit."""
        self.multiplier = multiplier
        self.qty = ZERO
        """Signed."""
        self.cost = ZERO
        """Price times quantity of what is open, signed as `qty`."""
        self.realized = ZERO
        self.commissions = ZERO

    @property
    def avg_px(self) -> Decimal | None:
        """Return the average price of what is open; `None` when flat."""
        return self.cost / self.qty if self.qty else None

    def apply(self, signed: Decimal, price: Decimal) -> None:
        """Book a fill of `signed` quantity at `price`."""
        if self.qty * signed >= 0:
            self.qty += signed
            self.cost += signed * price
            return
        closing = signed if abs(signed) <= abs(self.qty) else -self.qty
        released = self.cost * (-closing / self.qty) if closing != -self.qty else self.cost
        self.realized += (-closing * price - released) * self.multiplier
        self.qty += closing
        self.cost -= released
        if closing != signed:
            self.qty = signed - closing
            self.cost = self.qty * price

    def unrealized(self, mark: Decimal | None) -> Decimal:
        """Return the profit that closing at `mark` would realise; zero without a mark."""
        if mark is None or not self.qty:
            return ZERO
        return (mark * self.qty - self.cost) * self.multiplier


def signed_qty(update: OrderUpdate) -> Decimal:
    """Return the fill's quantity, negative for a sale."""
    return update.last_qty if update.side is Side.BUY else -update.last_qty


def shown(value: Decimal) -> Decimal:
    """Return `value` without the last digits that dividing an average cost leaves behind."""
    return round(value, 10).normalize() + 0


class PositionBook:
    """Every execution of one account, each counted once, and the positions they add up to."""

    def __init__(self, account: str, instruments: Iterable[Instrument], prices: PriceBook) -> None:
        """Value open positions at the reference prices of `prices`."""
        self.account = account
        self.prices = prices
        self._multipliers = {instrument.id: instrument.multiplier for instrument in instruments}
        self._holdings: dict[str, Holding] = {}
        self._executions: dict[str, OrderUpdate] = {}
        self._busted: set[str] = set()

    def knows(self, exec_id: str | None) -> bool:
        """Whether this execution has been booked."""
        return exec_id in self._executions

    def book(self, update: OrderUpdate) -> None:
        """Book a TRADE or a TRADE_CANCEL."""
        self._executions[update.exec_id or f"?{len(self._executions)}"] = update
        if update.exec_type is ExecType.TRADE:
            self._apply(self._holding(update.instrument), update)
        else:
            self._take_back(update)

    def _apply(self, holding: Holding, update: OrderUpdate) -> None:
        if update.last_px is not None:
            holding.apply(signed_qty(update), update.last_px)
        holding.commissions += update.commission or ZERO

    def _take_back(self, bust: OrderUpdate) -> None:
        """Book the instrument again without the busted fill, as if it had never been."""
        self._busted.add(bust.exec_ref_id or "")
        holding = self._holdings[bust.instrument] = self._new_holding(bust.instrument)
        for exec_id, update in self._executions.items():
            stands = update.exec_type is ExecType.TRADE and exec_id not in self._busted
            if stands and update.instrument == bust.instrument:
                self._apply(holding, update)

    def _holding(self, instrument: str) -> Holding:
        holding = self._holdings.get(instrument)
        if holding is None:
            holding = self._holdings[instrument] = self._new_holding(instrument)
        return holding

    def _new_holding(self, instrument: str) -> Holding:
        return Holding(self._multipliers.get(instrument, Decimal(1)))

    def qty(self, instrument: str) -> Decimal:
        """Return the signed quantity held."""
        holding = self._holdings.get(instrument)
        return holding.qty if holding is not None else ZERO

    def quantities(self) -> Mapping[str, Decimal]:
        """Return what is not flat."""
        return {name: holding.qty for name, holding in self._holdings.items() if holding.qty}

    def positions(self) -> list[Position]:
        """Return what is held, in the order in which it was first traded."""
        return [self._position(name, held) for name, held in self._holdings.items() if held.qty]

    def _position(self, instrument: str, holding: Holding) -> Position:
        return Position(
            instrument=instrument,
            qty=holding.qty,
            avg_px=None if holding.avg_px is None else shown(holding.avg_px),
            realized_pnl=shown(holding.realized),
            unrealized_pnl=shown(holding.unrealized(self.prices.reference(instrument))),
            account=self.account,
        )

    def executions(self) -> list[OrderUpdate]:
        """Return every TRADE and TRADE_CANCEL, oldest first."""
        return list(self._executions.values())

    def count(self) -> int:
        """Return how many executions were booked."""
        return len(self._executions)

    def trades(self) -> int:
        """Return the number of fills that stand."""
        return sum(update.exec_type is ExecType.TRADE for update in self._executions.values()) - len(
            self._busted
        )

    def pnl(self) -> Decimal:
        """Return realised plus unrealised profit less commissions, in the account's currency."""
        total = ZERO
        for instrument, holding in self._holdings.items():
            total += holding.realized - holding.commissions
            if holding.qty:
                total += holding.unrealized(self.prices.reference(instrument))
        return total
