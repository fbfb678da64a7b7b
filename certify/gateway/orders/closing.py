"""The close of the day: MOC and LOC orders trade then, at what is shown, whatever their size.

A buy trades at the ask and a sell at the bid, at the last trade where that side is empty. A LOC whose limit
is worse ends unfilled, as does any of them without a market.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from certify.gateway.orders.records import CANCELLED, OrderRecord, Wait
from certify.model.trading import Side

if TYPE_CHECKING:
    from certify.gateway.orders.desk import OrderDesk


def closing_auction(desk: OrderDesk) -> int:
    """Trade or end every order for the close that nothing else holds; return how many there were."""
    ready = [record for record in desk.ledger.working() if record.waits == {Wait.CLOSE}]
    for record in ready:
        if not record.working:
            continue  # another of its group has traded
        price = desk.triggers.market_price(record)
        if price is not None and _takes(record, price):
            record.waits.discard(Wait.CLOSE)
            desk.exchange.fill_at(record, price)
        else:
            desk.end(record, CANCELLED, "Not filled at the close")
    return len(ready)


def _takes(record: OrderRecord, price: Decimal) -> bool:
    if not record.shape.limit or record.limit is None:
        return True
    return price <= record.limit if record.side is Side.BUY else price >= record.limit
