"""What clients hear of orders, message by message.

Each `send_…` method is one message. They are looked up on the desk when they are called, so that one of them
can be replaced on a gateway that runs.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from certify.gateway.orders.ledger import Ledger
from certify.gateway.orders.numbers import Numbers
from certify.gateway.orders.records import ENDED, ZERO, Execution, OrderRecord, whole_if_whole
from certify.gateway.orders.shapes import Shape
from certify.gateway.wire import answers, order_answers
from certify.gateway.wire.contract import WireContract
from certify.gateway.wire.order import WireOrder
from certify.gateway.wire.order_answers import WireExecution, WireOrderState
from certify.model.trading import Side

if TYPE_CHECKING:
    from certify.gateway.client import ClientSession
    from certify.gateway.house import Gateway

_set = object.__setattr__
_STATUS = "@STATUS@"
_AFTER_STATUS = 14
"""Fields of an openOrder after the status: nine margins, three commissions, their currency, the warning."""
_COMMISSION, _CURRENCY = 9, 12


class Template:
    """An openOrder of which only status and commission change: made once for each version of the terms."""

    __slots__ = ("_head", "_margins", "_tail")

    def __init__(self, frame: bytes) -> None:
        """Cut a frame that has `@STATUS@` for its status."""
        head, rest = frame[4:].split(_STATUS.encode() + b"\0", 1)
        *self._margins, self._tail = rest.split(b"\0", _AFTER_STATUS)
        self._head = head

    def fill(self, status: str, commission: Decimal, currency: str) -> bytes:
        """Return the frame with a status and, if there is one, the commission."""
        margins = self._margins
        if commission:
            margins = margins.copy()
            margins[_COMMISSION] = str(commission).encode()
            margins[_CURRENCY] = currency.encode()
        payload = b"\0".join((self._head + status.encode(), *margins, self._tail))
        return len(payload).to_bytes(4, "big") + payload


class Speech:
    """The messages about orders; the desk knows when to send them."""

    def __init__(self, gateway: Gateway) -> None:
        """Speak to the clients of `gateway`."""
        self._gateway = gateway
        self.ledger = Ledger()
        self.numbers = Numbers(gateway.settings.seed)
        self.auto_bind = False
        """Whether client 0 hears of orders entered by hand."""

    # -- who hears

    def hearer(self, record: OrderRecord) -> ClientSession | None:
        """Return the connected client that hears of an order: the one that placed it."""
        if record.silent or (record.manual and not self.auto_bind):
            return None
        return self._gateway.clients.get(record.client_id)

    # -- messages to the client that placed the order

    def send_open_order(self, record: OrderRecord) -> None:
        """Send openOrder with the order as it stands."""
        client = self.hearer(record)
        if client is not None:
            client.push(self.open_order_frame(client.version, record))

    def send_status(self, record: OrderRecord) -> None:
        """Send orderStatus with the order as it stands."""
        client = self.hearer(record)
        if client is not None and not record.quirks.get("status_lost"):
            client.push(self.status_frame(client.version, record))

    def send_execution(self, execution: Execution) -> None:
        """Send execDetails of a new execution or a correction."""
        client = self.hearer(execution.record)
        if client is not None:
            client.push(self.execution_frame(client.version, execution))

    def send_commission(self, execution: Execution) -> None:
        """Send commissionReport."""
        client = self.hearer(execution.record)
        if client is not None:
            client.push(self.commission_frame(execution))

    def send_error(self, record: OrderRecord, code: int, text: str) -> None:
        """Send an error about an order."""
        client = self.hearer(record)
        if client is not None:
            client.push(answers.error(client.version, record.order_id, code, text))

    # -- frames

    def open_order_frame(self, version: int, record: OrderRecord) -> bytes:
        """Return openOrder in the dialect of `version`."""
        template = record.templates.get(version)
        if template is None:
            made = order_answers.open_order(
                version,
                order=current_terms(record),
                state=WireOrderState(status=_STATUS),
                client_id=record.client_id,
                perm_id=record.perm_id,
                contract=record.contract,
            )
            template = record.templates[version] = Template(made)
        return template.fill(record.status, record.commission, record.instrument.currency)

    def status_frame(self, version: int, record: OrderRecord) -> bytes:
        """Return orderStatus in the dialect of `version`."""
        return order_answers.order_status(
            version,
            order_id=record.order_id,
            status=record.status,
            filled=record.filled,
            remaining=record.remaining if record.status not in ENDED or record.filled else record.total,
            avg_fill_price=record.avg_price,
            perm_id=record.perm_id,
            client_id=record.client_id,
            parent_id=record.parent.order_id if record.parent else 0,
            last_fill_price=record.last_price,
            why_held=record.why_held,
        )

    def execution_frame(self, version: int, execution: Execution, req_id: int = -1) -> bytes:
        """Return execDetails: live (-1), or as an answer to a request."""
        return order_answers.exec_details(
            version, contract=execution.record.contract, execution=wire_execution(execution), req_id=req_id
        )

    def commission_frame(self, execution: Execution) -> bytes:
        """Return commissionReport."""
        return order_answers.commission_report(
            exec_id=execution.exec_id,
            commission=execution.commission,
            currency=execution.record.instrument.currency,
            realized_pnl=execution.realized_pnl,
        )

    # -- what is told together

    def announce(self, record: OrderRecord, *, again: bool = False) -> None:
        """Send openOrder and orderStatus, in this order, unless both would say what the client knows."""
        standing = (record.status, record.why_held)
        if record.silent or (record.told == standing and not again):
            return
        record.told = standing
        self.send_open_order(record)
        self.send_status(record)


def settle(order: WireOrder, order_id: int, account: str, shape: Shape) -> WireOrder:
    """Make an order what is kept of it: with its account, plain sizes and without fields that say nothing.

    Thousands are kept, and each was sent with some hundred fields of which most are empty. The order is the
    desk's own from here on and is changed in place: copying its fifty fields would cost too much.
    """
    _set(order, "order_id", order_id)
    _set(order, "account", account)
    _set(order, "total_quantity", whole_if_whole(order.total_quantity))
    _set(order, "texts", {name: text for name, text in order.texts.items() if text})
    if not (shape.limit or shape.trailing or shape.follows):
        _set(order, "lmt_price", None)
    return order


def current_terms(record: OrderRecord) -> WireOrder:
    """Return the order as it holds now: the client's terms with what has become of them."""
    terms, trailing = record.terms, record.shape.trailing
    limit = terms.lmt_price if record.shape.follows else record.limit
    same = terms.total_quantity == record.total and terms.lmt_price == limit
    if same and (not trailing or terms.trail_stop_price == record.stop):
        return terms
    return replace(
        terms,
        total_quantity=record.total,
        lmt_price=limit,
        trail_stop_price=record.stop if trailing else terms.trail_stop_price,
    )


def wire_execution(execution: Execution) -> WireExecution:
    """Return an execution as execDetails has it."""
    record = execution.record
    return WireExecution(
        exec_id=execution.exec_id,
        time_ns=execution.time_ns,
        account=record.account,
        exchange=execution_exchange(record.contract),
        side="BOT" if record.side is Side.BUY else "SLD",
        shares=execution.shares,
        price=execution.price,
        perm_id=record.perm_id,
        order_id=record.order_id,
        client_id=record.client_id,
        cum_qty=execution.cum_qty,
        avg_price=execution.avg_price if execution.cum_qty else ZERO,
        order_ref=record.terms.order_ref,
        last_liquidity=execution.liquidity,
    )


def execution_exchange(contract: WireContract) -> str:
    """Return where an order traded: its own exchange, or the primary one where SMART was to choose."""
    if contract.exchange == "SMART" and contract.primary_exchange:
        return contract.primary_exchange
    return contract.exchange
