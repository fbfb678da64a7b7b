"""What an account could come to hold: its position and everything that is on its way to the market."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from certify.model.trading import Order, OrderType, Side
from certify.reference.positions import PositionBook
from certify.reference.pricing import PriceBook

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An order, or an order as it would be after a change, as risk sees it."""

    client_order_id: str
    instrument: str
    side: Side
    type: OrderType
    qty: Decimal
    """Of the whole order."""
    leaves: Decimal
    """What could still trade."""
    price: Decimal | None
    stop_price: Decimal | None
    price_changed: bool = True
    is_change: bool = False

    @classmethod
    def of(cls, order: Order) -> Proposal:
        """Return a new order's proposal."""
        return cls(
            client_order_id=order.client_order_id,
            instrument=order.instrument,
            side=order.side,
            type=order.type,
            qty=order.qty,
            leaves=order.qty,
            price=order.price,
            stop_price=order.stop_price,
        )


class Reservation:
    """What one working order may still add; while a change is on its way, the larger of both counts."""

    __slots__ = ("instrument", "leaves", "pending", "side")

    def __init__(self, instrument: str, side: Side, leaves: Decimal) -> None:
        """Count `leaves` from now on."""
        self.instrument = instrument
        self.side = side
        self.leaves = leaves
        self.pending = ZERO

    @property
    def counted(self) -> Decimal:
        """Return the quantity that counts."""
        return max(self.leaves, self.pending)


class Desk:
    """One account as risk sees it."""

    def __init__(self, account: str, book: PositionBook, prices: PriceBook) -> None:
        """Watch `book` and value at `prices`."""
        self.account = account
        self.book = book
        self.prices = prices
        self.reservations: dict[str, Reservation] = {}
        self._working: dict[tuple[str, Side], Decimal] = {}
        self.baseline = ZERO
        """Profit at the start of the day, or at the last resume."""

    @property
    def open_orders(self) -> int:
        """Return how many orders are working or on their way."""
        return len(self.reservations)

    def reserve(self, proposal: Proposal) -> None:
        """Count an order from now on, before it is sent."""
        held = self.reservations.get(proposal.client_order_id)
        if held is None:
            held = Reservation(proposal.instrument, proposal.side, proposal.leaves)
            self.reservations[proposal.client_order_id] = held
            self._add(held, held.counted)
            return
        before = held.counted
        held.pending = proposal.leaves
        self._add(held, held.counted - before)

    def settle(self, client_order_id: str, leaves: Decimal) -> None:
        """Count what an order really has left; nothing left lets it go."""
        held = self.reservations.get(client_order_id)
        if held is None:
            return
        before = held.counted
        held.leaves, held.pending = leaves, ZERO
        self._add(held, leaves - before)
        if not leaves:
            del self.reservations[client_order_id]

    def fill(self, client_order_id: str, leaves: Decimal) -> None:
        """Count less after a fill; a change on its way stays counted, less what has traded."""
        held = self.reservations.get(client_order_id)
        if held is None or not held.pending or not leaves:
            self.settle(client_order_id, leaves)
            return
        before = held.counted
        held.pending = max(ZERO, held.pending - (held.leaves - leaves))
        held.leaves = leaves
        self._add(held, held.counted - before)

    def _add(self, held: Reservation, qty: Decimal) -> None:
        key = (held.instrument, held.side)
        self._working[key] = self._working.get(key, ZERO) + qty

    def working(self, instrument: str, side: Side, *, without: str) -> Decimal:
        """Return the working quantity of one side, not counting the order `without`."""
        total = self._working.get((instrument, side), ZERO)
        held = self.reservations.get(without)
        return total - held.counted if held is not None else total

    def worst_position(self, proposal: Proposal) -> Decimal:
        """Return how far the position could go to the side of `proposal`, were all of that side filled.

        Positive is further in the direction of the order: long for a buy, short for a sale.
        """
        held = self.book.qty(proposal.instrument)
        if proposal.side is Side.SELL:
            held = -held
        return (
            held
            + self.working(proposal.instrument, proposal.side, without=proposal.client_order_id)
            + proposal.leaves
        )

    def loss(self) -> Decimal:
        """Return what has been lost since the start of the day; negative is a profit."""
        return self.baseline - self.book.pnl()

    def value_price(self, proposal: Proposal) -> Decimal | None:
        """Return the price an order is valued at: its limit, its stop, else the opposite quote."""
        if proposal.price is not None and proposal.type in (OrderType.LIMIT, OrderType.STOP_LIMIT):
            return proposal.price
        if proposal.type is OrderType.STOP:
            return proposal.stop_price
        return self.prices.opposite(proposal.instrument, proposal.side)
