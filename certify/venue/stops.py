"""Stop orders of one instrument, waiting for a trade at or through their price."""

from __future__ import annotations

from bisect import bisect_left, insort

from certify.venue.orders import VenueOrder


class StopBook:
    """Untriggered stops: buys trigger at or above their stop price, sells at or below."""

    __slots__ = ("_buys", "_sells", "triggered")

    def __init__(self) -> None:
        """Start empty."""
        # Sorted by who triggers first; the sequence number decides between equals.
        self._buys: list[tuple[int, int, VenueOrder]] = []
        self._sells: list[tuple[int, int, VenueOrder]] = []
        self.triggered: list[VenueOrder] = []
        """Set off by a trade and not yet run, in the order in which they will be."""

    @property
    def empty(self) -> bool:
        """Whether nothing waits and nothing is triggered."""
        return not (self._buys or self._sells or self.triggered)

    def add(self, order: VenueOrder) -> None:
        """Let an order wait."""
        insort(self._side(order), self._entry(order))

    def remove(self, order: VenueOrder) -> None:
        """Take a waiting order out."""
        side = self._side(order)
        del side[bisect_left(side, self._entry(order))]

    def reach(self, floor: int, ceiling: int) -> None:
        """Trigger what a trade reaches, the nearest stop first, buys before sells.

        `floor` and `ceiling` are the trade price in ticks rounded down and up (prints may be off the grid).
        """
        if self._buys or self._sells:
            for order in self._pop(self._buys, floor) + self._pop(self._sells, -ceiling):
                order.triggered = True
                self.triggered.append(order)

    def take_triggered(self) -> list[VenueOrder]:
        """Return the triggered stops and forget them here."""
        taken, self.triggered = self.triggered, []
        return taken

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
