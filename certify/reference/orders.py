"""The life of one order: what may follow what, and what is valid to send.

The transitions are FIX's (4.4 volume 4, appendix D): one terminal state, nothing after it but a bust.
"""

from __future__ import annotations

from decimal import Decimal

from certify.model.trading import (
    Decision,
    ExecType,
    Instrument,
    Order,
    OrderType,
    OrderUpdate,
    OrdStatus,
    Side,
    Source,
    TimeInForce,
)

ZERO = Decimal(0)

_ANSWERS = frozenset({ExecType.CANCEL_REJECTED, ExecType.REPLACE_REJECTED, ExecType.STATUS})
_WORKING = _ANSWERS | {
    ExecType.TRADE,
    ExecType.TRADE_CANCEL,
    ExecType.CANCELED,
    ExecType.EXPIRED,
    ExecType.REPLACED,
    ExecType.PENDING_CANCEL,
    ExecType.PENDING_REPLACE,
}
_UNACKNOWLEDGED = _WORKING - {ExecType.TRADE_CANCEL} | {
    ExecType.PENDING_NEW,
    ExecType.NEW,
    ExecType.REJECTED,
}
_OVER = _ANSWERS | {ExecType.TRADE_CANCEL}

LEGAL: dict[OrdStatus | None, frozenset[ExecType]] = {
    None: frozenset(_UNACKNOWLEDGED),
    OrdStatus.NEW: frozenset(_WORKING),
    OrdStatus.PARTIALLY_FILLED: frozenset(_WORKING),
    OrdStatus.FILLED: frozenset(_OVER),
    OrdStatus.CANCELED: frozenset(_OVER),
    OrdStatus.REJECTED: frozenset(_ANSWERS),
    OrdStatus.EXPIRED: frozenset(_OVER),
}
"""Which report may arrive in which state; `None` is sent and not yet acknowledged."""

_WITHOUT_STATE = frozenset(
    {ExecType.CANCEL_REJECTED, ExecType.REPLACE_REJECTED, ExecType.PENDING_CANCEL, ExecType.PENDING_REPLACE}
)


class OrderRecord:
    """What the engine holds of one order."""

    __slots__ = ("account", "avg_px", "broker_order_id", "cum_qty", "order", "price", "qty", "status")

    def __init__(self, order: Order) -> None:
        """Start as sent and not acknowledged."""
        self.order = order
        self.status: OrdStatus | None = None
        self.qty = order.qty
        self.price = order.price
        self.cum_qty = ZERO
        self.avg_px: Decimal | None = None
        self.broker_order_id: str | None = None
        self.account = order.account

    @property
    def open(self) -> bool:
        """Whether the order may still trade."""
        return self.status is None or not self.status.terminal

    @property
    def leaves_qty(self) -> Decimal:
        """Return what may still trade."""
        return self.qty - self.cum_qty if self.open else ZERO

    def legal(self, update: OrderUpdate) -> bool:
        """Whether `update` may follow the present state, and its quantities add up."""
        if update.exec_type not in LEGAL[self.status]:
            return False
        if update.exec_type is ExecType.TRADE:
            return ZERO < update.last_qty <= self.qty - self.cum_qty
        return True

    def apply(self, update: OrderUpdate) -> None:
        """Take over what `update` says."""
        if update.exec_type in _WITHOUT_STATE:
            return
        self.status = update.status
        self.qty, self.price = update.qty, update.price
        self.cum_qty, self.avg_px = update.cum_qty, update.avg_px
        self.broker_order_id = update.broker_order_id or self.broker_order_id
        self.account = update.account or self.account

    def status_update(self) -> OrderUpdate:
        """Return the order as it stands, as STATUS."""
        return self.update(ExecType.STATUS, Source.ENGINE, None)

    def update(self, exec_type: ExecType, source: Source, refusal: Decision | None) -> OrderUpdate:
        """Return a report of the platform's own about this order."""
        rejected = exec_type is ExecType.REJECTED
        return OrderUpdate(
            client_order_id=self.order.client_order_id,
            instrument=self.order.instrument,
            exec_type=exec_type,
            status=OrdStatus.REJECTED if rejected else self.status or OrdStatus.NEW,
            side=self.order.side,
            qty=self.qty,
            price=self.price,
            stop_price=self.order.stop_price,
            cum_qty=self.cum_qty,
            leaves_qty=ZERO if rejected else self.leaves_qty,
            avg_px=self.avg_px,
            source=source,
            code=refusal.code if refusal else None,
            reason=refusal.reason if refusal else None,
            broker_order_id=self.broker_order_id,
            account=self.account,
            type=self.order.type,
            tif=self.order.tif,
        )


def unknown_order(
    client_order_id: str, instrument: str, exec_type: ExecType, source: Source = Source.ENGINE
) -> OrderUpdate:
    """Return the refusal to cancel or change an order that nobody knows."""
    return OrderUpdate(
        client_order_id=client_order_id,
        instrument=instrument,
        exec_type=exec_type,
        status=OrdStatus.REJECTED,
        side=Side.BUY,
        qty=ZERO,
        source=source,
        code="UNKNOWN_ORDER",
        reason=f"no order {client_order_id}",
    )


def refuse(code: str, reason: str) -> Decision:
    """Return a no."""
    return Decision(accepted=False, code=code, reason=reason)


def _on_grid(value: Decimal, step: Decimal) -> bool:
    return not value % step


def invalid_qty(qty: Decimal, instrument: Instrument) -> Decision | None:
    """Return why `qty` cannot be ordered, if so."""
    if not qty.is_finite() or qty <= 0:
        return refuse("INVALID_QTY", f"expected a quantity above 0, was {qty}")
    if not _on_grid(qty, instrument.lot):
        return refuse("OFF_LOT", f"expected a multiple of the lot {instrument.lot}, was {qty}")
    return None


def invalid_price(price: Decimal | None, instrument: Instrument, what: str) -> Decision | None:
    """Return why `price` cannot be used, if so; `what` names it."""
    if price is None:
        return refuse("MISSING_PRICE", f"expected a {what}, was none")
    if not price.is_finite() or price <= 0:
        return refuse("INVALID_PRICE", f"expected a {what} above 0, was {price}")
    if not _on_grid(price, instrument.tick):
        return refuse("OFF_TICK", f"expected a {what} in steps of {instrument.tick}, was {price}")
    return None


def invalid(order: Order, instrument: Instrument | None, now_ns: int) -> Decision | None:
    """Return why `order` cannot be sent as it is, if so; nothing is ever rounded."""
    if instrument is None:
        return refuse("UNKNOWN_INSTRUMENT", f"no instrument {order.instrument}")
    found = invalid_qty(order.qty, instrument)
    if found is None and order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT):
        found = invalid_price(order.price, instrument, "limit price")
    if found is None and order.type in (OrderType.STOP, OrderType.STOP_LIMIT):
        found = invalid_price(order.stop_price, instrument, "stop price")
    if found is None and order.tif is TimeInForce.GTD and (order.expire_at_ns or 0) <= now_ns:
        found = refuse("INVALID_EXPIRY", f"expected a time of expiry to come, was {order.expire_at_ns}")
    return found
