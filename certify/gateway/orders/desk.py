"""The order desk: takes orders, changes and cancels, and decides what happens to each and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from certify.errors import UsageError
from certify.gateway.orders import refusals
from certify.gateway.orders.answers import Answers, execution_facts, order_facts
from certify.gateway.orders.behaviours import Behaviours, Rule
from certify.gateway.orders.changes import Changes
from certify.gateway.orders.closing import closing_auction
from certify.gateway.orders.conditions import Conditions
from certify.gateway.orders.entry import Entry
from certify.gateway.orders.exchange_side import ExchangeSide, not_cancellable, wrong_state
from certify.gateway.orders.groups import Groups
from certify.gateway.orders.interventions import Interventions
from certify.gateway.orders.margin import BuyingPower
from certify.gateway.orders.pegs import Pegs
from certify.gateway.orders.placing import Placing
from certify.gateway.orders.records import (
    API_CANCELLED,
    BY_TRADER,
    CANCELLED,
    FILLED,
    INACTIVE,
    Execution,
    OrderRecord,
    Wait,
)
from certify.gateway.orders.triggers import Triggers
from certify.gateway.settings import FEED_ACCOUNT
from certify.gateway.values import whole
from certify.gateway.wire import answers
from certify.gateway.wire.order import WireOrder
from certify.gateway.wire.requests import (
    CancelOrder,
    PlaceOrder,
    ReqAllOpenOrders,
    ReqAutoOpenOrders,
    ReqCompletedOrders,
    ReqExecutions,
    ReqGlobalCancel,
    ReqIds,
    ReqOpenOrders,
)
from certify.venue import forget_past

if TYPE_CHECKING:
    from certify.gateway.client import ClientSession
    from certify.gateway.house import Gateway

_READ_ONLY = "Error validating request.-'bW' : cause - The API interface is currently in Read-Only mode."
_LONGEST_TIMER_MS = 86_400_000
_MOST_WAITING = 10_000
"""Requests kept while IB cannot be reached; any further one is lost."""


class OrderDesk(Answers):
    """Everything about orders; see `docs/gateway.md` for what is simulated and what is not."""

    def __init__(self, gateway: Gateway) -> None:
        """Begin without an order."""
        super().__init__(gateway)
        self.entry = Entry(gateway)
        self.exchange = ExchangeSide(gateway, self)
        self.triggers = Triggers(self)
        self.triggers.session = gateway.venue.login(FEED_ACCOUNT, self.triggers)
        self.conditions = Conditions(gateway, self)
        self.pegs = Pegs(gateway, self)
        self.groups = Groups(self)
        self.buying_power = BuyingPower(gateway, self)
        self.placing = Placing(gateway, self)
        self.changes = Changes(gateway, self)
        self.behaviours = Behaviours()
        self.interventions = Interventions(gateway, self)
        self._waiting_for_ib: list[Callable[[], None]] = []
        self._closed = False

    def handlers(self) -> Mapping[type[Any], Callable[[ClientSession, Any], None]]:
        """Return the method for each request about orders."""
        return {
            PlaceOrder: self.place_order,
            CancelOrder: self.cancel_request,
            ReqGlobalCancel: self.global_cancel,
            ReqOpenOrders: self.answer_open_orders,
            ReqAllOpenOrders: self.answer_all_open_orders,
            ReqAutoOpenOrders: self.answer_auto_open_orders,
            ReqIds: self.answer_ids,
            ReqExecutions: self.answer_executions,
            ReqCompletedOrders: self.answer_completed_orders,
        }

    def actions(self) -> Mapping[str, Callable[..., Any]]:
        """Return the actions about orders."""
        return {
            **self.interventions.actions(),
            "behaviour": self.behaviour,
            "closing_auction": self.closing_auction,
            "orders": self.list_all,
            "executions": self.list_executions,
        }

    # -- what the house tells

    def opened(self, account: str) -> None:
        """Take orders for a further account."""
        self.entry.accounts.append(account)

    def fault(self, name: str) -> None:
        """Let what has waited for IB go on when it can be reached again."""
        if name == "lost":
            self.lost_since_ns = self._gateway.now_ns()
        elif name.startswith("restored"):
            self.lost_since_ns = None
            waiting, self._waiting_for_ib = self._waiting_for_ib, []
            for go in waiting:
                go()
        elif name == "heal":
            self.behaviours.clear()

    def day_ends(self) -> None:
        """Let the orders for the close trade."""
        closing_auction(self)

    def new_day(self) -> None:
        """End DAY orders that are not at the venue, open for OPG orders and forget the day before."""
        for record in list(self.ledger.working()):
            if record.terms.tif in ("", "DAY") and not record.venue_id:
                self.end(record, CANCELLED, "End of session")
        self._forget_day()
        for record in list(self.ledger.working()):
            if Wait.OPEN in record.waits:
                self.triggers.at_opening(record)

    def _forget_day(self) -> None:
        self.ledger.forget_day()
        for keeper in (self.triggers, self.conditions, self.pegs, self.groups):
            keeper.forget_ended()
        forget_past(self._gateway.venue)

    def closing(self) -> None:
        """Let no timer act on what is forgotten."""
        self._closed = True

    def later(
        self, delay_ms: int, call: Callable[[OrderDesk, OrderRecord], None], record: OrderRecord
    ) -> None:
        """Do something with an order later, in milliseconds."""

        def run() -> None:
            if not self._closed:
                call(self, record)

        self._gateway.later(delay_ms / 1000, run)

    def at(self, due_ns: int, call: Callable[[OrderDesk, OrderRecord], None], record: OrderRecord) -> None:
        """Do something with an order at a time unless it has ended; no timer outlives it for long."""
        self._count_down((due_ns - self._gateway.now_ns()) // 1_000_000 + 1, call, record)

    def _count_down(
        self, left_ms: int, call: Callable[[OrderDesk, OrderRecord], None], record: OrderRecord
    ) -> None:
        if not record.working:
            return
        if left_ms <= 0:
            call(self, record)
            return
        step_ms = min(left_ms, _LONGEST_TIMER_MS)
        self.later(step_ms, lambda desk, waiting: desk._count_down(left_ms - step_ms, call, waiting), record)

    def executed(self, account: str) -> None:
        """Let the desk of accounts push what a trade has changed."""
        for desk in self._gateway.desks:
            hear = getattr(desk, "on_execution", None)
            if hear is not None:
                hear(account)

    # -- requests

    def place_order(self, client: ClientSession, request: PlaceOrder) -> None:
        """Take a new order, a change of one, or the question what an order would cost."""
        self._when_reachable(lambda: self._place(client.client_id, request.order))

    def _when_reachable(self, call: Callable[[], None]) -> None:
        if self._gateway.faults.connected_to_ib:
            call()
        elif len(self._waiting_for_ib) < _MOST_WAITING:
            self._waiting_for_ib.append(call)

    def _place(self, client_id: int, order: WireOrder) -> None:
        order_id = order.order_id
        if self._gateway.faults.read_only:
            self.tell(client_id, order_id, refusals.VALIDATING, _READ_ONLY)
            return
        record = self.ledger.orders.get((client_id, order_id))
        if order.what_if:
            self.placing.what_if(client_id, order)
        elif record is not None:
            self.changes.change(record, order)
        elif self.numbers.used(client_id, order_id) or order_id < 0:
            self.tell(client_id, order_id, refusals.DUPLICATE_ORDER_ID, "Duplicate order id")
        else:
            self.placing.place(client_id, order_id, order)

    def cancel_request(self, client: ClientSession, request: CancelOrder) -> None:
        """Cancel an order of the client that asks."""
        self._when_reachable(lambda: self._cancel(client.client_id, request.order_id))

    def _cancel(self, client_id: int, order_id: int) -> None:
        record = self.ledger.orders.get((client_id, order_id))
        if self._gateway.faults.read_only:
            self.tell(client_id, order_id, refusals.VALIDATING, _READ_ONLY)
        elif record is None or record.behaviour == "never_acknowledge":
            text = f"OrderId {order_id} that needs to be cancelled is not found."
            self.tell(client_id, order_id, refusals.CANCEL_NOT_FOUND, text)
        elif not record.working:
            self.tell(client_id, order_id, refusals.CANCEL_WRONG_STATE, wrong_state(record))
        elif record.cancel_pending:
            self.tell(client_id, order_id, refusals.NOT_CANCELLABLE, not_cancellable(record))
        else:
            self.cancel(record)

    def global_cancel(self, client: ClientSession, _request: ReqGlobalCancel) -> None:
        """Cancel all working orders of all clients, those entered by hand too."""
        if self._gateway.faults.read_only:
            client.error(-1, refusals.VALIDATING, _READ_ONLY)
            return
        self._when_reachable(self._cancel_all)

    def _cancel_all(self) -> None:
        for record in list(self.ledger.orders.values()):
            if record.working and record.behaviour != "never_acknowledge":
                self.cancel(record)

    def tell(self, client_id: int, order_id: int, code: int, text: str) -> None:
        """Send an error about an order that is none, or no more."""
        client = self._gateway.clients.get(client_id)
        if client is not None:
            client.push(answers.error(client.version, order_id, code, text))

    # -- what holds orders, and what becomes of them

    def proceed(self, record: OrderRecord) -> None:
        """Send an order to the exchange if nothing holds it any more, else say how it stands."""
        if not record.working or record.venue_id or record.silent:
            return
        if Wait.CONDITION in record.waits and self.conditions.look(record):
            return  # met: it has proceeded from there
        if not record.waits and record.shape.derives and not self.pegs.price(record):
            record.waits.add(Wait.QUOTE)
        if not record.waits and self.groups.takes_bench(record):
            record.waits.add(Wait.BENCH)
        if not record.waits:
            self.exchange.route(record)
            return
        ready = record.waits == {Wait.TRIGGER}
        if ready:
            self.triggers.begin_trail(record)
        record.status = record.standing()
        self.announce(record)
        if ready:
            self.triggers.watch(record)

    def pull(self, record: OrderRecord) -> None:
        """Take an order back from the exchange; for its client it goes on working."""
        self.exchange.pull(record)

    def resize(self, record: OrderRecord, total: Decimal) -> None:
        """Give an order another total quantity, by IB's own doing."""
        record.total = total
        record.changed()
        if record.venue_id:
            self.exchange.change(record)
        else:
            self.announce(record, again=True)

    def cancel(self, record: OrderRecord) -> None:
        """Cancel a working order as its client asks."""
        if record.on_cancel is not None:
            hook, record.on_cancel = record.on_cancel, None
            hook(record)
            return
        record.cancel_pending = True
        record.completed = BY_TRADER
        if record.venue_id:
            self.exchange.cancel(record)
        elif record.silent and Wait.TRANSMIT not in record.waits:
            record.silent = False
            self.end(record, API_CANCELLED, "")
        else:
            record.silent = False
            self.end(record, CANCELLED, "")

    def cancel_at_ib(self, record: OrderRecord, reason: str = "") -> None:
        """Cancel a working order by IB's own doing."""
        self.exchange.pull(record)
        self.end(record, CANCELLED, reason)

    def end(self, record: OrderRecord, status: str, reason: str) -> None:
        """End a working order without a fill, and say so: orderStatus, then error 202."""
        record.status = status
        record.cancel_pending = False
        self.done(record, record.completed or reason or "Cancelled")
        if record.told is None:
            self.send_open_order(record)
        record.told = (status, "")
        self.send_status(record)
        self.send_error(record, refusals.ORDER_CANCELED, f"Order Canceled - reason:{reason}")
        self.groups.ended(record)

    def refuse(self, record: OrderRecord, code: int, text: str) -> None:
        """Make an order inactive, and say why."""
        record.status = INACTIVE
        self.done(record, text)
        self.announce(record)
        self.send_error(record, code, text)
        self.groups.ended(record)

    def done(self, record: OrderRecord, completed: str) -> None:
        """Note when and how an order has ended."""
        record.waits.clear()
        record.done_ns = self._gateway.now_ns()
        record.completed = completed

    def tell_fill(self, record: OrderRecord, execution: Execution) -> None:
        """Tell of a fill, in the order of messages in which a real TWS does it."""
        quirks, filled = record.quirks, record.status == FILLED
        for _ in range(2 if quirks.get("duplicate_execution") else 1):
            self.send_execution(execution)
        early = record.told is None
        record.told = (record.status, "")
        if filled or early:
            self.send_open_order(record)
        self.send_status(record)
        late = "commission_late" in quirks or "commission_lost" in quirks
        if not late:
            record.commission += execution.commission
        if filled:
            self.send_open_order(record)
            record.changed()  # its openOrder is hardly asked for again, and there are many
        self._tell_commission(execution, quirks)

    def _tell_commission(self, execution: Execution, quirks: Mapping[str, Any]) -> None:
        if "commission_lost" in quirks:
            execution.record.commission += execution.commission
            return
        if "commission_late" in quirks:
            execution.commission_known = False

            def report(desk: OrderDesk, record: OrderRecord) -> None:
                if not execution.superseded:
                    execution.commission_known = True
                    record.commission += execution.commission
                    desk.send_commission(execution)

            self.later(quirks["commission_late"], report, execution.record)
            return
        for _ in range(2 if quirks.get("duplicate_execution") else 1):
            self.send_commission(execution)

    # -- actions

    def closing_auction(self) -> int:
        """Do the closing auction: MOC and LOC orders trade or end; return how many. `new_day` does it too."""
        return closing_auction(self)

    def behaviour(
        self,
        name: str,
        count: int | str = 1,
        instrument: str | None = None,
        order_ref: str | None = None,
        client_id: int | str | None = None,
        **parameters: Any,
    ) -> None:
        """Command how the next `count` orders that match fare; see `certify.gateway.orders.behaviours`."""
        client = None if client_id is None else whole(client_id, "client_id")
        rule = Rule(name, whole(count, "count"), instrument, order_ref, client, parameters)
        if instrument is not None and self._gateway.contracts.listing(instrument) is None:
            raise UsageError(f"{instrument} is not known here")
        self.behaviours.command(rule)

    def list_all(self, client_id: int | str | None = None) -> list[dict[str, Any]]:
        """List the orders that work and those that have ended today, in the order they were placed."""
        wanted = None if client_id is None else whole(client_id, "client_id")
        records = self.ledger.orders.values()
        return [order_facts(each) for each in records if wanted in (None, each.client_id)]

    def list_executions(self, client_id: int | str | None = None) -> list[dict[str, Any]]:
        """List today's executions as they stand, oldest first."""
        wanted = None if client_id is None else whole(client_id, "client_id")
        return [
            execution_facts(each)
            for each in self.ledger.executions
            if wanted in (None, each.record.client_id)
        ]
