"""The empty system of the null test, made slow: what a harness looks like that cannot measure."""

from __future__ import annotations

from certify import clock
from certify.adapter.contract import Context
from certify.load.null_system import NullOrders, NullSystem
from certify.model.trading import Order

DELAY_S = 0.02


class SlowOrders(NullOrders):
    """An order port that takes its time before it answers."""

    def submit(self, order: Order) -> None:
        """Wait, then fill."""
        clock.sleep_s(DELAY_S)
        super().submit(order)


def create(ctx: Context) -> NullSystem:
    """Return the slow system."""
    system = NullSystem(ctx)
    system.execution = SlowOrders(ctx)
    return system
