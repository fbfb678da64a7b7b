"""New orders: from the client's words to an order that waits, works or is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from certify.gateway.contracts import Listing
from certify.gateway.orders import margin
from certify.gateway.orders.behaviours import BEHAVIOURS, Rule
from certify.gateway.orders.entry import Admitted, Refusal
from certify.gateway.orders.records import FILLED, OrderRecord, Wait
from certify.gateway.orders.shapes import SHAPES, shape_of, time_ns
from certify.gateway.orders.speech import current_terms, settle
from certify.gateway.wire import order_answers
from certify.gateway.wire.order import WireOrder
from certify.model.trading import Side

if TYPE_CHECKING:
    from certify.gateway.house import Gateway
    from certify.gateway.orders.desk import OrderDesk


class Placing:
    """Takes new orders for the desk."""

    def __init__(self, gateway: Gateway, desk: OrderDesk) -> None:
        """Take orders for `desk`."""
        self._gateway = gateway
        self._desk = desk
        self.last_refusal = ""
        """The error text of the last order that was not taken."""

    def place(self, client_id: int, order_id: int, order: WireOrder) -> OrderRecord | None:
        """Take a new order; return it, or None when it was answered with an error only."""
        try:
            admitted = self._admit(client_id, order)
        except Refusal as refusal:
            self.last_refusal = refusal.text
            return self._turn_away(client_id, order_id, order, refusal)
        record = self._make(client_id, order_id, order, admitted)
        self._keep(record)
        self._desk.groups.join(record)
        self._set_waits(record, admitted)
        if Wait.TRANSMIT not in record.waits:
            self.transmit(record)
        return record

    def _admit(self, client_id: int, order: WireOrder) -> Admitted:
        parent = self._desk.ledger.orders.get((client_id, order.parent_id)) if order.parent_id else None
        if parent is not None and not parent.working and parent.status != FILLED:
            parent = None
        return self._desk.entry.admit(order, parent)

    def _make(self, client_id: int, order_id: int, order: WireOrder, admitted: Admitted) -> OrderRecord:
        shape, listing = admitted.shape, admitted.listing
        terms = settle(order, order_id, admitted.account, shape)
        return OrderRecord(
            shape=shape,
            terms=terms,
            client_id=client_id,
            order_id=order_id,
            perm_id=0 if order.what_if else self._desk.numbers.next_perm_id(),
            account=admitted.account,
            instrument=listing.instrument,
            contract=listing.wire(order.contract.exchange or None),
            side=Side.BUY if order.action == "BUY" else Side.SELL,
            total=terms.total_quantity,
            limit=terms.lmt_price,
            stop=order.aux_price if shape.trigger else order.trail_stop_price if shape.trailing else None,
            parent=admitted.parent,
            placed_ns=self._gateway.now_ns(),
        )

    def _keep(self, record: OrderRecord) -> None:
        self._desk.ledger.add(record)
        self._desk.numbers.use(record.client_id, record.order_id)

    def _set_waits(self, record: OrderRecord, admitted: Admitted) -> None:
        terms, waits = record.terms, record.waits
        if not admitted.shape.native:
            waits.add(Wait.TRIGGER)
        if record.parent is not None and record.parent.status != FILLED:
            waits.add(Wait.CHILD)
        if terms.tif == "OPG":
            waits.add(Wait.OPEN)
        if admitted.shape.close:
            waits.add(Wait.CLOSE)
        if not terms.transmit:
            waits.add(Wait.TRANSMIT)
            record.silent = True
        self._desk.conditions.begin(record)
        if terms.good_after_time:
            self._wait_until(record, time_ns(terms.good_after_time) or 0)

    def _wait_until(self, record: OrderRecord, begins_ns: int) -> None:
        if begins_ns > self._gateway.now_ns():
            record.waits.add(Wait.TIME)
            self._desk.at(begins_ns, _begin, record)

    def _turn_away(
        self, client_id: int, order_id: int, order: WireOrder, refusal: Refusal
    ) -> OrderRecord | None:
        """Answer an order that is not taken: with an error, or as one that is listed as inactive."""
        found = self._gateway.contracts.find(order.contract) if refusal.inactive else None
        if not isinstance(found, Listing):
            self._desk.tell(client_id, order_id, refusal.code, refusal.text)
            return None
        shape = shape_of(order.order_type) or SHAPES["MKT"]
        account = order.account or self._desk.entry.accounts[0]
        admitted = Admitted(account=account, listing=found, shape=shape, parent=None)
        record = self._make(client_id, order_id, order, admitted)
        self._keep(record)
        self._desk.refuse(record, refusal.code, refusal.text)
        return record

    def transmit(self, record: OrderRecord) -> None:
        """Let an order go with its family that was placed with transmit off, the parent last."""
        family = [each for each in self._desk.groups.family(record) if Wait.TRANSMIT in each.waits]
        going = [record, *family]
        # Commands are for orders in the sequence of their placing; the parent comes first in that.
        rules = {each.order_id: self._rule(each) for each in sorted(going, key=lambda each: each.order_id)}
        for member in going:
            member.waits.discard(Wait.TRANSMIT)
            member.silent = False
            if member.working:  # it ends when another of its family is refused
                self._begin(member, rules[member.order_id])

    def _rule(self, record: OrderRecord) -> Rule | None:
        behaviours = self._desk.behaviours
        return behaviours.take(record) if behaviours.any else None

    def _begin(self, record: OrderRecord, rule: Rule | None) -> None:
        """Let an order that has been transmitted fare as it shall."""
        if rule is None:
            self._proceed(record)
            return
        record.behaviour = rule.name
        BEHAVIOURS[rule.name](self._desk, record, rule.parameters)

    def _proceed(self, record: OrderRecord) -> None:
        try:
            self._desk.buying_power.check(record)
        except Refusal as refusal:
            self._desk.refuse(record, refusal.code, refusal.text)
        else:
            self._desk.proceed(record)

    def what_if(self, client_id: int, order: WireOrder) -> None:
        """Answer what an order would cost with one openOrder; with an error if there can be no such order."""
        client = self._gateway.clients.get(client_id)
        if client is None:
            return
        try:
            record = self._make(client_id, order.order_id, order, self._admit(client_id, order))
        except Refusal as refusal:
            self._desk.tell(client_id, order.order_id, refusal.code, refusal.text)
            return
        price = self._desk.buying_power.value(record, record.limit, record.stop)
        state = margin.what_if(self._gateway, record, price)
        terms = replace(current_terms(record), what_if=True)
        client.send(
            order_answers.open_order(
                client.version,
                order=terms,
                state=state,
                client_id=client_id,
                perm_id=0,
                contract=record.contract,
            )
        )


def _begin(desk: OrderDesk, record: OrderRecord) -> None:
    record.waits.discard(Wait.TIME)
    desk.proceed(record)
