"""What the client library's `Client` calls for every message: hands it on, and ends what was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC
from types import SimpleNamespace
from typing import Any, Protocol

from certify import clock
from certify.errors import CertifyError

Key = int | str
OPEN_ORDERS, POSITIONS, CURRENT_TIME = "openOrders", "positions", "currentTime"


class Refused(CertifyError):
    """The gateway answered a question with an error."""

    def __init__(self, code: int, text: str) -> None:
        """Keep IB's number and text."""
        self.code = code
        super().__init__(f"{code}: {text}")


class OrderMessages(Protocol):
    """Takes what is said about orders and accounts."""

    def on_open_order(self, order_id: int, contract: Any, order: Any, state: Any) -> None:
        """Take an openOrder."""

    def on_order_status(
        self, order_id: int, client_id: int, status: str, filled: float, remaining: float
    ) -> None:
        """Take an orderStatus."""

    def on_exec_details(self, contract: Any, execution: Any) -> None:
        """Take an execDetails, live or asked for."""

    def on_commission(self, report: Any) -> None:
        """Take a commissionReport."""

    def on_position(self, account: str, contract: Any, qty: float, average_cost: float) -> None:
        """Take a position."""

    def on_account_value(self, account: str, tag: str, value: str, currency: str) -> None:
        """Take one value of an account."""

    def on_order_error(self, order_id: int, code: int, text: str) -> bool:
        """Take an error; return whether the id is that of an order."""


class FeedMessages(Protocol):
    """Takes market data."""

    def on_price(self, req_id: int, tick: int, price: float, size: float) -> None:
        """Take a price with its size."""

    def on_size(self, req_id: int, tick: int, size: float) -> None:
        """Take a size."""

    def on_text(self, req_id: int, tick: int, text: str) -> None:
        """Take a tick that is a text."""

    def on_depth(
        self, req_id: int, position: int, operation: int, side: int, price: float, size: float
    ) -> None:
        """Take a change of one row of a book."""

    def on_data_type(self, req_id: int, data_type: int) -> None:
        """Take whether the data are live, frozen or delayed."""

    def on_feed_error(self, req_id: int, code: int, text: str) -> bool:
        """Take an error; return whether the id is that of a subscription."""

    def on_batch(self) -> None:
        """Take note that everything that came in one read has been handed over."""


class Receiver:
    """The library's wrapper of one socket; every method is called on the loop."""

    def __init__(self, on_gone: Callable[[], None], on_notice: Callable[[int, str], None]) -> None:
        """Say that the socket has gone, and errors that are about the session (id -1)."""
        self.orders: OrderMessages | None = None
        self.feed: FeedMessages | None = None
        self.accounts: list[str] = []
        self.heard_ns = clock.monotonic_ns()
        """When something came last, on the monotonic clock."""
        self.next_order_id = 0
        self.ib = SimpleNamespace(TimezoneTWS="")  # what the library's decoder looks at
        self.defaultTimezone = UTC
        self._on_gone = on_gone
        self._on_notice = on_notice
        self._asked: dict[Key, asyncio.Future[Any]] = {}
        self._parts: dict[Key, list[Any]] = {}

    # -- questions -----------------------------------------------------------------------------

    def ask(self, key: Key) -> asyncio.Future[Any]:
        """Return the future of an answer; its parts are collected in a list."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked[key], self._parts[key] = future, []
        return future

    def forget(self, key: Key) -> None:
        """Wait for an answer no longer."""
        self._asked.pop(key, None)
        self._parts.pop(key, None)

    def _part(self, key: Key, part: Any) -> None:
        parts = self._parts.get(key)
        if parts is not None:
            parts.append(part)

    def _answer(self, key: Key, result: Any = None) -> None:
        future, parts = self._asked.pop(key, None), self._parts.pop(key, [])
        if future is not None and not future.done():
            future.set_result(parts if result is None else result)

    def _fail(self, key: Key, error: Exception) -> bool:
        future = self._asked.pop(key, None)
        self._parts.pop(key, None)
        if future is not None and not future.done():
            future.set_exception(error)
        return future is not None

    # -- the session ---------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Callable[..., None]:
        """Take every message that nobody here needs."""
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *_args, **_named: None

    def tcpDataArrived(self) -> None:  # noqa: N802 - the library's names, here and below
        """Note the time."""
        self.heard_ns = clock.monotonic_ns()

    def tcpDataProcessed(self) -> None:  # noqa: N802
        """End a batch."""
        if self.feed is not None:
            self.feed.on_batch()

    def setEventsDone(self) -> None:  # noqa: N802
        """Take note that the socket is closed, whoever closed it."""
        for key in list(self._asked):
            self._fail(key, ConnectionError("the connection to the gateway was closed"))
        self._on_gone()

    def managedAccounts(self, accounts: str) -> None:  # noqa: N802
        """Take the accounts under the login."""
        self.accounts = [each for each in accounts.split(",") if each]

    def nextValidId(self, order_id: int) -> None:  # noqa: N802
        """Take the first order id that may be used."""
        self.next_order_id = order_id

    def error(self, req_id: int, code: int, text: str, _json: str = "") -> None:
        """Bring an error to the question, order or subscription that it is about."""
        taken = req_id >= 0 and self._is_taken(req_id, code, text)
        if not taken and not self._fail(req_id, Refused(code, text)):
            self._on_notice(code, text)

    def _is_taken(self, req_id: int, code: int, text: str) -> bool:
        """Whether the error is about an order or a subscription."""
        if self.orders is not None and self.orders.on_order_error(req_id, code, text):
            return True
        return self.feed is not None and self.feed.on_feed_error(req_id, code, text)

    def currentTime(self, time_s: int) -> None:  # noqa: N802
        """Take the gateway's time, in whole seconds."""
        self._answer(CURRENT_TIME, time_s)

    def userInfo(self, req_id: int, branding: str) -> None:  # noqa: N802
        """Take who runs the gateway."""
        self._answer(req_id, branding or "-")

    def contractDetails(self, req_id: int, details: Any) -> None:  # noqa: N802
        """Take one contract."""
        self._part(req_id, details)

    def contractDetailsEnd(self, req_id: int) -> None:  # noqa: N802
        """End the contracts."""
        self._answer(req_id)

    # -- orders and accounts -------------------------------------------------------------------

    def openOrder(self, order_id: int, contract: Any, order: Any, state: Any) -> None:  # noqa: N802
        """Take an order that IB holds."""
        self._part(OPEN_ORDERS, order_id)
        if self.orders is not None and not order.whatIf:
            self.orders.on_open_order(order_id, contract, order, state)

    def openOrderEnd(self) -> None:  # noqa: N802
        """End the open orders."""
        self._answer(OPEN_ORDERS)

    def orderStatus(self, order_id: int, status: str, filled: float, remaining: float, *more: Any) -> None:  # noqa: N802
        """Take the status of an order; the client id is the fifth value that follows."""
        if self.orders is not None:
            self.orders.on_order_status(order_id, more[4], status, filled, remaining)

    def execDetails(self, req_id: int, contract: Any, execution: Any) -> None:  # noqa: N802
        """Take a fill."""
        self._part(req_id, execution.execId)
        if self.orders is not None:
            self.orders.on_exec_details(contract, execution)

    def execDetailsEnd(self, req_id: int) -> None:  # noqa: N802
        """End the executions."""
        self._answer(req_id)

    def commissionReport(self, report: Any) -> None:  # noqa: N802
        """Take the commission of a fill."""
        if self.orders is not None:
            self.orders.on_commission(report)

    def position(self, account: str, contract: Any, qty: float, average_cost: float) -> None:
        """Take a position, asked for or because it has changed."""
        if self.orders is not None:
            self.orders.on_position(account, contract, qty, average_cost)

    def positionEnd(self) -> None:  # noqa: N802
        """End the positions."""
        self._answer(POSITIONS)

    def accountUpdateMulti(  # noqa: N802
        self, _req_id: int, account: str, _model: str, tag: str, value: str, currency: str
    ) -> None:
        """Take one value of an account."""
        if self.orders is not None:
            self.orders.on_account_value(account, tag, value, currency)

    def accountUpdateMultiEnd(self, req_id: int) -> None:  # noqa: N802
        """End the values of an account."""
        self._answer(req_id)

    # -- market data ---------------------------------------------------------------------------

    def priceSizeTick(self, req_id: int, tick: int, price: float, size: float) -> None:  # noqa: N802
        """Take a price with its size."""
        if self.feed is not None:
            self.feed.on_price(req_id, tick, price, size)

    def tickSize(self, req_id: int, tick: int, size: float) -> None:  # noqa: N802
        """Take a size."""
        if self.feed is not None:
            self.feed.on_size(req_id, tick, size)

    def tickString(self, req_id: int, tick: int, text: str) -> None:  # noqa: N802
        """Take a text."""
        if self.feed is not None:
            self.feed.on_text(req_id, tick, text)

    def marketDataType(self, req_id: int, data_type: int) -> None:  # noqa: N802
        """Take whether the data are live."""
        if self.feed is not None:
            self.feed.on_data_type(req_id, data_type)

    def updateMktDepth(  # noqa: N802
        self, req_id: int, position: int, operation: int, side: int, price: float, size: float
    ) -> None:
        """Take one row of a book."""
        if self.feed is not None:
            self.feed.on_depth(req_id, position, operation, side, price, size)

    def updateMktDepthL2(  # noqa: N802
        self, req_id: int, position: int, _maker: str, operation: int, side: int, *level: Any
    ) -> None:
        """Take one row of a book with the name of who quotes it."""
        self.updateMktDepth(req_id, position, operation, side, level[0], level[1])
