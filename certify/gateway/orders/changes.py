"""Changes of working orders: the same order id placed again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from certify.gateway.orders import refusals
from certify.gateway.orders.entry import Refusal, check_same, rejected
from certify.gateway.orders.exchange_side import shape_limited
from certify.gateway.orders.records import FILLED, OrderRecord, Wait
from certify.gateway.orders.shapes import Shape
from certify.gateway.orders.speech import settle
from certify.gateway.wire.order import WireOrder

if TYPE_CHECKING:
    from certify.gateway.house import Gateway
    from certify.gateway.orders.desk import OrderDesk


class Changes:
    """Changes orders: at the venue where it can, else (another type, trigger, tif) by a new order there."""

    def __init__(self, gateway: Gateway, desk: OrderDesk) -> None:
        """Change the orders of `desk`."""
        self._gateway = gateway
        self._desk = desk

    def change(self, record: OrderRecord, order: WireOrder) -> None:
        """Change an order, or answer with an error that leaves it as it was."""
        try:
            shape = self._check(record, order)
        except Refusal as refusal:
            self._desk.tell(record.client_id, record.order_id, refusal.code, refusal.text)
            if record.working and refusal.code == refusals.ORDER_REJECTED:
                self._desk.announce(record, again=True)
            return
        if Wait.TRANSMIT in record.waits:
            self._adopt(record, order, shape)
            if order.transmit:
                self._desk.placing.transmit(record)
        elif record.venue_id and self._in_place(record, order):
            record.previous = (record.terms, record.total, record.limit, record.stop)
            self._adopt(record, order, shape)
            self._desk.exchange.change(record)
        else:
            self._anew(record, order, shape)

    def _check(self, record: OrderRecord, order: WireOrder) -> Shape:
        if record.status == FILLED:
            raise Refusal(refusals.CANNOT_MODIFY_FILLED, "Cannot modify a filled order.")
        if not record.working or record.behaviour == "never_acknowledge":
            raise Refusal(refusals.DUPLICATE_ORDER_ID, "Duplicate order id")
        check_same(record, order, self._gateway.contracts.find(order.contract))
        shape = self._desk.entry.check(order, record.instrument)
        if order.total_quantity < record.filled:
            raise rejected(refusals.words("BELOW_CUM_QTY", f"{record.filled:f} have filled"))
        if Wait.TRANSMIT not in record.waits:
            self._desk.buying_power.check_change(record, order, shape)
        return shape

    @staticmethod
    def _in_place(record: OrderRecord, order: WireOrder) -> bool:
        """Whether the venue can change it: nothing but quantity and limit differ."""
        old = record.terms
        same = (
            (old.order_type, old.tif, old.aux_price, old.trail_stop_price, old.good_till_date)
            == (order.order_type, order.tif, order.aux_price, order.trail_stop_price, order.good_till_date)
        )  # fmt: skip
        if record.shape.follows or _conditions(old) != _conditions(order):
            return False
        return same and (shape_limited(record) or order.lmt_price == old.lmt_price)

    def _anew(self, record: OrderRecord, order: WireOrder, shape: Shape) -> None:
        """Take the order back from the venue and let it go again as what it is now."""
        self._desk.pull(record)
        self._adopt(record, order, shape)
        record.triggered = False
        record.waits -= {Wait.BENCH, Wait.QUOTE}
        held = {
            Wait.TRIGGER: not shape.native,
            Wait.OPEN: order.tif == "OPG",
            Wait.CLOSE: shape.close,
        }
        record.waits -= held.keys()
        record.waits |= {wait for wait, holds in held.items() if holds}
        record.told = None
        if record.filled >= record.total:
            record.status = FILLED
            self._desk.done(record, f"Filled Size: {record.filled:f}")
            self._desk.announce(record)
            self._desk.groups.filled(record, record.total - record.total)
        else:
            self._desk.proceed(record)

    def _adopt(self, record: OrderRecord, order: WireOrder, shape: Shape) -> None:
        """Let the new terms hold; the order stays in its OCA group."""
        conditional = _conditions(record.terms) != _conditions(order)
        if record.group is not None and not order.oca_group:
            order = replace(order, oca_group=record.terms.oca_group, oca_type=record.terms.oca_type)
        trail_changed = (order.aux_price, order.trailing_percent, order.trail_stop_price) != (
            record.terms.aux_price, record.terms.trailing_percent, record.terms.trail_stop_price
        )  # fmt: skip
        record.terms = settle(order, record.order_id, record.account, shape)
        record.shape = shape
        record.total = record.terms.total_quantity
        if shape.limit or not shape.derives:
            record.limit = record.terms.lmt_price
        if shape.trigger:
            record.stop = order.aux_price
        elif not shape.trailing:
            record.stop = None
        elif trail_changed:
            record.stop = order.trail_stop_price
        record.changed()
        if conditional:
            self._desk.conditions.renew(record)


def _conditions(order: WireOrder) -> tuple[object, ...]:
    return order.conditions, order.conditions_cancel_order
