"""Orders of the trading model and of IB, in both directions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from certify.backends.ibkr.client_library import UNSET_DOUBLE
from certify.backends.ibkr.client_library import Order as WireOrder
from certify.backends.ibkr.executions import decimal
from certify.clock import NS_PER_S, utc
from certify.model.trading import Order, OrderType, Side, TimeInForce

TYPES = {
    OrderType.MARKET: "MKT",
    OrderType.LIMIT: "LMT",
    OrderType.STOP: "STP",
    OrderType.STOP_LIMIT: "STP LMT",
}
_FROM_WIRE = {name: kind for kind, name in TYPES.items()}
_LIMITED = (OrderType.LIMIT, OrderType.STOP_LIMIT)
_STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)


def to_wire(order: Order, account: str, *, qty: Decimal, price: Decimal | None) -> Any:
    """Return the library's order, with the quantity and limit price that it shall have now."""
    made = WireOrder(
        action=order.side.value,
        totalQuantity=_number(qty),
        orderType=TYPES[order.type],
        tif=order.tif.value,
        account=account,
        orderRef=order.client_order_id,
    )
    if order.type in _LIMITED and price is not None:
        made.lmtPrice = float(price)
    if order.type in _STOPS and order.stop_price is not None:
        made.auxPrice = float(order.stop_price)
    if order.tif is TimeInForce.GTD and order.expire_at_ns is not None:
        made.goodTillDate = good_till(order.expire_at_ns)
    return made


def _number(qty: Decimal) -> float | int:
    return int(qty) if qty == qty.to_integral_value() else float(qty)


def good_till(expire_at_ns: int) -> str:
    """Return a time as goodTillDate, UTC; IB knows whole seconds, a part of one counts as one."""
    return utc(-(-expire_at_ns // NS_PER_S) * NS_PER_S).strftime("%Y%m%d-%H:%M:%S")


def price_of(order: Order, lmt_price: Any) -> Decimal | None:
    """Return the limit price of an openOrder; `None` where the type of the order has none."""
    if order.type not in _LIMITED or lmt_price in (None, "", UNSET_DOUBLE):
        return None
    return decimal(lmt_price)


def from_wire(wire: Any, instrument: str) -> Order:
    """Return what an openOrder of an unknown order says."""
    kind = _FROM_WIRE.get(wire.orderType, OrderType.LIMIT)
    return Order(
        client_order_id=wire.orderRef,
        instrument=instrument,
        side=Side.BUY if wire.action == "BUY" else Side.SELL,
        qty=decimal(wire.totalQuantity),
        type=kind,
        price=decimal(wire.lmtPrice) if kind in _LIMITED else None,
        stop_price=decimal(wire.auxPrice) if kind in _STOPS else None,
        tif=TimeInForce(wire.tif) if wire.tif in TimeInForce.__members__ else TimeInForce.DAY,
        account=wire.account,
    )
