"""A limit order book with price-time priority, on integers alone.

Each side keeps its price keys sorted with the best last, so that the usual work happens at the
cheap end of a list; orders of one price form a linked queue, so that a cancel costs the same wherever
the order stands.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

from certify.venue.orders import VenueOrder

Fill = tuple[VenueOrder, int]
"""The resting order and the lots it traded; 0 lots: taken out because it belongs to the taker's account."""


class Level:
    """The queue of one price, oldest first."""

    __slots__ = ("first", "key", "last", "qty")

    def __init__(self, key: int) -> None:
        """Start an empty queue for the price whose signed key is `key`."""
        self.key = key
        self.qty = 0
        self.first: VenueOrder | None = None
        self.last: VenueOrder | None = None

    def __iter__(self) -> Iterator[VenueOrder]:
        """Yield the orders in time priority."""
        order = self.first
        while order is not None:
            yield order
            order = order.newer

    def append(self, order: VenueOrder) -> None:
        """Put `order` at the end of the queue."""
        order.level, order.older, order.newer = self, self.last, None
        if self.last is None:
            self.first = order
        else:
            self.last.newer = order
        self.last = order
        self.qty += order.leaves

    def remove(self, order: VenueOrder) -> None:
        """Take `order` out of the queue with the quantity it has left."""
        older, newer = order.older, order.newer
        if older is None:
            self.first = newer
        else:
            older.newer = newer
        if newer is None:
            self.last = older
        else:
            newer.older = older
        self.qty -= order.leaves
        order.level = order.older = order.newer = None


def _of_the_house(order: VenueOrder | None) -> bool:
    return order is not None and order.account is None


class BookSide:
    """All resting orders of one side."""

    __slots__ = ("keys", "levels", "sign")

    def __init__(self, sign: int) -> None:
        """Start empty; `sign` is +1 for bids and -1 for asks."""
        self.sign = sign
        self.keys: list[int] = []
        """Signed prices, ascending: the best is the last."""
        self.levels: dict[int, Level] = {}

    def add(self, order: VenueOrder) -> None:
        """Let `order` rest behind the others of its price."""
        level = self.levels.get(order.key)
        if level is None:
            level = self.levels[order.key] = Level(order.key)
            keys = self.keys
            if not keys or order.key > keys[-1]:
                keys.append(order.key)
            else:
                insort(keys, order.key)
        level.append(order)

    def remove(self, order: VenueOrder) -> None:
        """Take a resting order out."""
        level = self.levels[order.key]
        level.remove(order)
        if level.first is None:
            self.drop(level)

    def drop(self, level: Level) -> None:
        """Forget a price at which nothing rests any more."""
        del self.levels[level.key]
        keys = self.keys
        if keys[-1] == level.key:
            keys.pop()
        else:
            del keys[bisect_left(keys, level.key)]

    def best(self) -> Level | None:
        """Return the best price's queue."""
        return self.levels[self.keys[-1]] if self.keys else None

    def only_house(self) -> bool:
        """Whether nothing but one order without an account rests here, or nothing at all."""
        if not self.keys:
            return True
        level = self.levels[self.keys[-1]]
        return len(self.keys) == 1 and level.first is level.last and _of_the_house(level.first)

    def depth(self, limit: int) -> list[tuple[int, int]]:
        """Return up to `limit` levels as (price in ticks, lots), best first."""
        return [(key * self.sign, self.levels[key].qty) for key in self.keys[: -limit - 1 : -1]]


class OrderBook:
    """Both sides of one instrument's book; never crossed and never locked between calls."""

    __slots__ = ("asks", "bids", "version")

    def __init__(self) -> None:
        """Start empty."""
        self.bids = BookSide(1)
        self.asks = BookSide(-1)
        self.version = 0
        """Grows with every change."""

    def side(self, sign: int) -> BookSide:
        """Return the side on which orders of `sign` rest."""
        return self.bids if sign > 0 else self.asks

    def rest(self, order: VenueOrder) -> None:
        """Let an order that does not cross rest."""
        self.version += 1
        (self.bids if order.sign > 0 else self.asks).add(order)

    def remove(self, order: VenueOrder) -> None:
        """Take a resting order out."""
        self.version += 1
        (self.bids if order.sign > 0 else self.asks).remove(order)

    def reduce(self, order: VenueOrder, lots: int) -> None:
        """Take `lots` off a resting order, which keeps its place."""
        self.version += 1
        self.side(order.sign).levels[order.key].qty -= lots
        order.leaves -= lots

    def fillable(self, taker: VenueOrder, limit_key: int | None) -> int:
        """Return the lots `taker` could trade now, own resting orders left out, at most what it wants."""
        side = self.side(-taker.sign)
        found = 0
        for key in reversed(side.keys):
            if limit_key is not None and -key > limit_key:
                break
            for order in side.levels[key]:
                if order.account is not taker.account or taker.account is None:
                    found += order.leaves
            if found >= taker.leaves:
                return taker.leaves
        return found

    def match(self, taker: VenueOrder, limit_key: int | None) -> list[Fill]:
        """Trade `taker` against the other side in price-time priority and return the fills in order.

        `limit_key` is the signed limit price, or `None` for any price. A resting order of the
        taker's own account is taken out instead of traded with. The caller books the fills.
        """
        side = self.asks if taker.sign > 0 else self.bids
        fills: list[Fill] = []
        while taker.leaves and side.keys:
            key = side.keys[-1]
            if limit_key is not None and -key > limit_key:
                break
            level = side.levels[key]
            self._sweep(taker, level, fills)
            if level.first is None:
                side.drop(level)
        if fills:
            self.version += 1
        return fills

    @staticmethod
    def _sweep(taker: VenueOrder, level: Level, fills: list[Fill]) -> None:
        """Trade with one price's queue until either is used up."""
        account = taker.account
        left = taker.leaves
        maker = level.first
        while left and maker is not None:
            if account is not None and maker.account is account:
                level.remove(maker)
                fills.append((maker, 0))
            elif maker.leaves <= left:
                traded = maker.leaves
                left -= traded
                level.remove(maker)
                maker.leaves = 0
                fills.append((maker, traded))
            else:
                maker.leaves -= left
                level.qty -= left
                fills.append((maker, left))
                left = 0
            maker = level.first
        taker.leaves = left
