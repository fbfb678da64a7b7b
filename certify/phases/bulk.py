"""Orders that the load generator sends by the thousand: known to the ledger by rule, not one by one."""

from __future__ import annotations

from decimal import Decimal

from certify.model.trading import Order, OrderType, OrderUpdate, Side, TimeInForce

SIDES = {"B": Side.BUY, "S": Side.SELL}


class BulkOrders:
    """Every order whose id is a prefix, a number below `count`, and `B` or `S`.

    Of an order that has ended one bit is kept, and what it bought or sold in the sum; of one that
    broke a law its id too.
    """

    def __init__(
        self,
        *,
        port: str,
        prefix: str,
        count: int,
        instrument: str,
        qty: Decimal,
        prices: dict[Side, Decimal],
        tif: TimeInForce,
    ) -> None:
        """Expect at most `count` orders of these terms."""
        self.port = port
        self.prefix = prefix
        self.instrument = instrument
        self.ended_count = 0
        self.position = Decimal(0)
        """Signed sum of the fills of the orders that have ended."""
        self.broken: set[str] = set()
        """Ids of orders that have ended after breaking a law: what follows is not reported again."""
        self._count = count
        self._qty, self._prices, self._tif = qty, prices, tif
        self._ended = bytearray(count // 8 + 1)

    def order(self, client_order_id: str) -> Order | None:
        """Return the order of this id, or None when it is not one of these."""
        number = self._number(client_order_id)
        if number is None:
            return None
        side = SIDES[client_order_id[-1]]
        return Order(
            client_order_id=client_order_id,
            instrument=self.instrument,
            side=side,
            qty=self._qty,
            type=OrderType.LIMIT,
            price=self._prices[side],
            tif=self._tif,
        )

    def _number(self, client_order_id: str) -> int | None:
        middle = client_order_id[len(self.prefix) : -1]
        known = client_order_id.startswith(self.prefix) and client_order_id[-1] in SIDES
        if not known or not middle.isdecimal():
            return None
        number = int(middle)
        return number if number < self._count else None

    def has_ended(self, client_order_id: str) -> bool:
        """Return whether the order has ended before."""
        number = self._number(client_order_id)
        return number is not None and bool(self._ended[number >> 3] & 1 << (number & 7))

    def end(self, client_order_id: str, signed_qty: Decimal, *, broken: bool = False) -> None:
        """Note that an order has ended, and what it bought (or sold, negative)."""
        number = self._number(client_order_id)
        if number is not None:
            self._ended[number >> 3] |= 1 << (number & 7)
            self.ended_count += 1
            self.position += signed_qty
        if broken:
            self.broken.add(client_order_id)

    def reopen(self, update: OrderUpdate) -> Order | None:
        """Take an order back that works on after the bust `update`; what it holds leaves the sum."""
        number = self._number(update.client_order_id)
        if number is None:
            return None
        self._ended[number >> 3] &= ~(1 << (number & 7))
        self.ended_count -= 1
        self.position -= update.cum_qty if update.side is Side.BUY else -update.cum_qty
        return self.order(update.client_order_id)

    def bust(self, update: OrderUpdate) -> None:
        """Take a fill of an order that has ended back out of the sum."""
        self.position -= update.last_qty if update.side is Side.BUY else -update.last_qty
