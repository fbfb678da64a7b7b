"""A system that does nothing but answer: what the harness alone measures.

It is loaded into a host of its own, so it knows the adapter contract and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from certify.adapter.contract import Context
from certify.model.trading import (
    Environment,
    ExecType,
    Order,
    OrderUpdate,
    OrdStatus,
    Quote,
    Source,
    SystemInfo,
)


@dataclass(frozen=True, slots=True)
class NullOrders:
    """An order port that fills everything at once."""

    ctx: Context

    def submit(self, order: Order) -> None:
        """Say that the order is filled."""
        update = OrderUpdate(
            client_order_id=order.client_order_id,
            instrument=order.instrument,
            exec_type=ExecType.TRADE,
            status=OrdStatus.FILLED,
            side=order.side,
            qty=order.qty,
            price=order.price,
            last_qty=order.qty,
            last_px=order.price,
            cum_qty=order.qty,
            avg_px=order.price,
            exec_id=order.client_order_id,
            source=Source.VENUE,
        )
        self.ctx.emit(update)


@dataclass(frozen=True, slots=True)
class NullFeed:
    """A feed that shows what it is given."""

    ctx: Context

    def inject(self, event: Quote) -> None:
        """Say the quote again."""
        self.ctx.emit(event)


class NullSystem:
    """The two ports that a load needs."""

    def __init__(self, ctx: Context) -> None:
        """Answer through `ctx.emit`."""
        self.execution = NullOrders(ctx)
        self.market_data = NullFeed(ctx)

    def describe(self) -> SystemInfo:
        """Say what this is."""
        return SystemInfo("null", "1", Environment.SIMULATED)


def create(ctx: Context) -> NullSystem:
    """Make the system."""
    return NullSystem(ctx)
