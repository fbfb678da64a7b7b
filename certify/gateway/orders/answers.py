"""Answers to questions about orders and executions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from certify.gateway.orders.records import FILLED, ZERO, Execution, OrderRecord
from certify.gateway.orders.shapes import time_ns
from certify.gateway.orders.speech import Speech, current_terms, execution_exchange
from certify.gateway.wire import answers, order_answers
from certify.gateway.wire.order_answers import WireOrderState
from certify.gateway.wire.requests import (
    ReqAllOpenOrders,
    ReqAutoOpenOrders,
    ReqCompletedOrders,
    ReqExecutions,
    ReqIds,
    ReqOpenOrders,
)
from certify.gateway.wire.times import stamp
from certify.model.trading import Side

if TYPE_CHECKING:
    from certify.gateway.client import ClientSession

_NOT_DEFAULT = (
    "Error validating request.-'cc' : cause - Only the default client (i.e 0) can auto bind orders."
)
_SIDES = {"BUY": Side.BUY, "BOT": Side.BUY, "SELL": Side.SELL, "SLD": Side.SELL, "SSHORT": Side.SELL}


class Answers(Speech):
    """The requests that only ask."""

    lost_since_ns: int | None = None
    """Since when IB cannot be reached: what has traded since is not known to the gateway."""

    def next_valid_id(self, client_id: int) -> int:
        """Return an order id above every one that a client has used."""
        return max(self.numbers.next_order_id(client_id), self._gateway.settings.first_order_id)

    def answer_ids(self, client: ClientSession, _request: ReqIds) -> None:
        """Answer reqIds with nextValidId."""
        client.send(answers.next_valid_id(self.next_valid_id(client.client_id)))

    def answer_open_orders(self, client: ClientSession, _request: ReqOpenOrders) -> None:
        """Answer with the working orders of the client that asks; client 0 gets those entered by hand too."""
        own = [record for record in self.ledger.working() if record.client_id == client.client_id]
        self.list_orders(client, own)

    def answer_all_open_orders(self, client: ClientSession, _request: ReqAllOpenOrders) -> None:
        """Answer with the working orders of all clients."""
        self.list_orders(client, self.ledger.working())

    def list_orders(self, client: ClientSession, records: Iterable[OrderRecord]) -> None:
        """Send openOrder and orderStatus of each, then the end."""
        for record in records:
            client.send(self.open_order_frame(client.version, record))
            client.send(self.status_frame(client.version, record))
        client.send(order_answers.open_order_end())

    def answer_auto_open_orders(self, client: ClientSession, request: ReqAutoOpenOrders) -> None:
        """Let client 0 hear of orders entered by hand from now on, or no more; others may not."""
        if client.client_id:
            client.error(-1, 321, _NOT_DEFAULT)
            return
        self.auto_bind = request.auto_bind
        if request.auto_bind:
            for record in self.ledger.working():
                if record.manual:
                    self.send_bound(record)

    def send_bound(self, record: OrderRecord) -> None:
        """Tell client 0 that an order entered by hand is its own from now on."""
        client = self.hearer(record)
        if client is not None:
            client.push(
                order_answers.order_bound(
                    perm_id=record.perm_id, client_id=record.client_id, order_id=record.order_id
                )
            )

    def answer_completed_orders(self, client: ClientSession, request: ReqCompletedOrders) -> None:
        """Answer with the day's orders that have ended; `api_only` leaves out those entered by hand."""
        for record in self.ledger.completed():
            if not (request.api_only and record.manual):
                client.send(self.completed_frame(client.version, record))
        client.send(order_answers.completed_orders_end())

    @staticmethod
    def completed_frame(version: int, record: OrderRecord) -> bytes:
        """Return completedOrder in the dialect of `version`."""
        return order_answers.completed_order(
            version,
            order=current_terms(record),
            state=WireOrderState(
                status=record.status,
                completed_time=stamp(max(version, 174), record.done_ns),
                completed_status=record.completed,
            ),
            perm_id=record.perm_id,
            filled_quantity=record.filled,
            contract=record.contract,
            total_quantity=ZERO if record.status == FILLED else record.total,
            parent_perm_id=record.parent.perm_id if record.parent else None,
        )

    def answer_executions(self, client: ClientSession, request: ReqExecutions) -> None:
        """Answer with the day's executions that pass the filter and their commission reports."""
        since_ns = time_ns(request.time) if request.time else None
        for execution in list(self.ledger.executions):
            if self.known(execution) and _passes(execution, request, since_ns):
                client.send(self.execution_frame(client.version, execution, request.req_id))
                if execution.commission_known:
                    client.send(self.commission_frame(execution))
        client.send(order_answers.exec_details_end(req_id=request.req_id))

    def known(self, execution: Execution) -> bool:
        """Whether the gateway has heard of an execution: not of those made while IB cannot be reached."""
        return self.lost_since_ns is None or execution.time_ns < self.lost_since_ns


def _passes(execution: Execution, request: ReqExecutions, since_ns: int | None) -> bool:
    """Whether an execution is one of those asked for."""
    record = execution.record
    contract = record.contract
    return (
        request.client_id in (0, record.client_id)
        and request.acct_code in ("", record.account)
        and (since_ns is None or execution.time_ns >= since_ns)
        and request.symbol.upper() in ("", contract.symbol)
        and request.sec_type in ("", contract.sec_type)
        and request.exchange in ("", contract.exchange, execution_exchange(contract))
        and _SIDES.get(request.side.upper(), record.side) is record.side
    )


def order_facts(record: OrderRecord) -> dict[str, Any]:
    """Return what is so of an order, for the `orders` action."""
    terms = record.terms
    return {
        "client_id": record.client_id,
        "order_id": record.order_id,
        "perm_id": record.perm_id,
        "account": record.account,
        "instrument": record.instrument.id,
        "side": record.side,
        "qty": record.total,
        "type": terms.order_type,
        "price": record.limit,
        "stop_price": record.stop,
        "tif": terms.tif or "DAY",
        "status": record.status,
        "why_held": record.why_held,
        "filled": record.filled,
        "remaining": record.remaining,
        "avg_price": record.avg_price,
        "commission": record.commission,
        "order_ref": terms.order_ref,
        "parent_id": record.parent.order_id if record.parent else 0,
        "oca_group": terms.oca_group,
        "acknowledged": not record.silent,
        "working": record.working and record.behaviour != "never_acknowledge",
    }


def execution_facts(execution: Execution) -> dict[str, Any]:
    """Return what is so of an execution, for the `executions` action."""
    record = execution.record
    return {
        "exec_id": execution.exec_id,
        "client_id": record.client_id,
        "order_id": record.order_id,
        "perm_id": record.perm_id,
        "account": record.account,
        "instrument": record.instrument.id,
        "side": record.side,
        "qty": execution.shares,
        "price": execution.price,
        "time_ns": execution.time_ns,
        "commission": execution.commission,
        "realized_pnl": execution.realized_pnl,
        "order_ref": record.terms.order_ref,
    }


__all__ = ["Answers", "execution_facts", "order_facts"]
