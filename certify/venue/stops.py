"""Stop orders of one instrument, waiting for a trade at or through their price."""

from __future__ import annotations

from bisect import bisect_left, insort

from certify.venue.orders import VenueOrder


class StopBook:
    """Untriggered stops: buys trigger at or above their stop price, sells at or below."""

    __slots__ = ("_buys", "_sells")

    def __init__(self) -> None:
        """Start empty."""
        # Sorted by who triggers first; the sequence number decides between equals.
        self._buys: list[tuple[int, int, VenueOrder]] = []
        self._sells: list[tuple[int, int, VenueOrder]] = []

    def add(self, order: VenueOrder) -> None:
        """Let an order wait."""
        insort(self._side(order), self._entry(order))

    def remove(self, order: VenueOrder) -> None:
        """Take a waiting order out."""
        side = self._side(order)
        del side[bisect_left(side, self._entry(order))]

    def pop_due(self, floor: int, ceiling: int) -> list[VenueOrder]:
        """Take out what a trade triggers, the nearest stop first, buys before sells.

        `floor` and `ceiling` are the trade price in ticks rounded down and up (prints may be off the grid).
        """
        if not self._buys and not self._sells:
            return []
        due = self._pop(self._buys, floor)
        due.extend(self._pop(self._sells, -ceiling))
        return due

    @staticmethod
    def _pop(side: list[tuple[int, int, VenueOrder]], reached: int) -> list[VenueOrder]:
        count = 0
        while count < len(side) and side[count][0] <= reached:
            count += 1
        due = [entry[2] for entry in side[:count]]
        del side[:count]
        return due

    def _side(self, order: VenueOrder) -> list[tuple[int, int, VenueOrder]]:
        return self._buys if order.sign > 0 else self._sells

    @staticmethod
    def _entry(order: VenueOrder) -> tuple[int, int, VenueOrder]:
        return (order.stop * order.sign, order.seq, order)
