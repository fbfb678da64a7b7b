"""What the venue does by command beside the book: executions at another price, fills by hidden liquidity."""

from __future__ import annotations

from decimal import Decimal

from certify.errors import UsageError
from certify.venue.entry import Refused, required_steps, steps
from certify.venue.exchange import SimulatedVenue
from certify.venue.orders import Code


def correct(venue: SimulatedVenue, exec_id: str, price: Decimal) -> list[str]:
    """Give an execution another price, on both sides of its match, with cash and position.

    Nothing is reported; returns the execution ids of the customers' sides. Raises `UsageError` for an
    execution that does not exist or was busted, or a price that is not positive or off the grid.
    """
    with venue._dispatcher:
        execution = venue._reporter.executions.get(exec_id)
        if execution is None:
            raise UsageError(f"no execution {exec_id} to correct")
        contract = venue._markets[execution.order.instrument].contract
        try:
            ticks = required_steps(contract.ticks, price, Code.PRICE, "price")
        except Refused as refused:
            raise UsageError(f"{exec_id}: {refused.reason}") from refused
        return venue._matching.correct(exec_id, ticks)


def fill(venue: SimulatedVenue, account_id: str, client_order_id: str, qty: Decimal, price: Decimal) -> None:
    """Fill a working order outside the book, at most what it wants, as hidden liquidity would.

    It is reported, charged and printed like any fill. Raises `UsageError` for an order that is not working, a
    quantity or price off the grid, or a price worse than the order's limit.
    """
    with venue._dispatcher:
        account = venue._accounts.get(account_id)
        order = account.working.get(client_order_id) if account is not None else None
        if order is None:
            raise UsageError(f"no working order {client_order_id} in account {account_id}")
        market = venue._markets[order.instrument]
        try:
            lots = steps(market.contract.lots, qty, Code.QTY, Code.LOT)
            ticks = required_steps(market.contract.ticks, price, Code.PRICE, "price")
        except Refused as refused:
            raise UsageError(f"{client_order_id}: {refused.reason}") from refused
        if order.has_limit and ticks * order.sign > order.key:
            raise UsageError(f"{client_order_id}: {price} is worse than its limit")
        venue._matching.fill(order, lots, ticks)
        market.publish(venue._dispatcher.now)
