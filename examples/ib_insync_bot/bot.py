"""A small trading bot over ib_insync: orders under names of one's own, quotes, and a link that comes back.

What it does about the library's known traps:

* `Trade.orderStatus.status` is also set by the library itself when an error names an order. Only what IB
  says is believed; errors are sorted by what they mean.
* A filled order is one whose executions add up. Corrections (`….02`) replace what they correct.
* After a broken socket the library has forgotten everything: orders, executions and market data are asked
  for again. After 1101 and 1102 what happened meanwhile is asked for too.
* A silent link is found by asking for the time every few seconds.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from ib_insync import IB, Execution, Order, Stock, Trade

log = logging.getLogger("bot")

HEARTBEAT_S, ANSWER_S, LOGIN_S = 2.0, 4.0, 4.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 4.0
SILENT_S = 6.0
DOUBT_S = 5.0
"""So long an order may stay unanswered before it is cancelled and looked for."""
CLOCK_S = 5.0
REPEAT_S = 30.0
"""The same warning is given again after this time, or once data have come in between."""

LOST, BACK_WITHOUT_DATA, BACK = 1100, 1101, 1102
NOTICES = {0, 202, 399, 404, 434, 492, 10167, 10311, 10349}
NO_CANCEL = {135, 136, 161, 10147, 10148}
UNKNOWN_ORDER = {135, 10147}
DATA_TROUBLE = {354, 10089, 10090, 10167, 10168, 10186, 10197}
FARM_TROUBLE = {2103, 2105, 2110, 2157}
QUOTE_TICKS = {0, 1, 2, 3, 66, 67, 69, 70}
RT_VOLUME = 48


class Refused(Exception):
    """The bot does not do it; says why."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass
class Fill:
    exec_id: str
    qty: Decimal
    price: Decimal
    time_ns: int
    commission: Decimal | None = None


@dataclass
class Ticket:
    """One order under the bot's own name for it."""

    ref: str
    instrument: str
    side: str
    qty: Decimal
    kind: str
    limit: Decimal | None
    stop: Decimal | None
    tif: str
    state: str = "sent"  # sent, working, filled, canceled, rejected
    order_id: int = 0
    perm_id: int = 0
    fills: dict[str, Fill] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)
    """The last revision of each execution, also of those that were taken back."""
    change: tuple[Decimal, Decimal | None] | None = None
    cancelling: bool = False
    word: str = "PendingSubmit"
    """What IB said last; the library overwrites its own copy."""
    sent_at: float = 0.0
    asked_at: float = 0.0

    @property
    def over(self) -> bool:
        return self.state in ("filled", "canceled", "rejected")

    @property
    def filled(self) -> Decimal:
        return sum((fill.qty for fill in self.fills.values()), Decimal(0))

    @property
    def average(self) -> Decimal | None:
        paid = sum((fill.qty * fill.price for fill in self.fills.values()), Decimal(0))
        return paid / self.filled if self.filled else None


def exact(number: Any) -> Decimal:
    """Return a float of the library as the wire had it."""
    return Decimal(repr(float(number))).normalize() + 0


class Bot:
    """One session with a TWS or gateway; all on one event loop."""

    def __init__(
        self, address: tuple[str, int], client_id: int, account: str, names: list[str], state: Path
    ) -> None:
        (self.host, self.port), self.client_id, self.account = address, client_id, account
        self.names = names
        self.book = state / "tickets.jsonl"
        self.tickets: dict[str, Ticket] = {}
        self.wanted: set[str] = set()
        self.contracts: dict[str, Stock] = {}
        self.held_back = False
        self.ib_is_there = True
        self.clock_off_s = 0.0
        self.on_report: Callable[..., None] = lambda *_a, **_k: None
        self.on_quote: Callable[..., None] = lambda *_a: None
        self.on_print: Callable[..., None] = lambda *_a: None
        self.on_link: Callable[[bool, str], None] = lambda *_a: None
        self.on_warning: Callable[..., None] = lambda *_a: None
        self._heard: dict[str, float] = {}
        self._warned: dict[str, float] = {}
        self._data_errors: dict[int, str] = {}
        self._stopping = False
        self._said_up = False
        self._tasks: list[asyncio.Task[None]] = []
        self._soon_done: set[asyncio.Future[object]] = set()

    # -- life

    async def start(self) -> None:
        self._load()
        self._stopping = False
        self.ib = IB()
        self._resync_lock = asyncio.Lock()
        await self._connect()
        self._tasks = [asyncio.create_task(work()) for work in (self._stay_connected, self._watch)]

    async def stop(self) -> None:
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.ib.disconnect()

    def _listen(self, ib: IB) -> None:
        ib.orderStatusEvent += self._on_status
        ib.openOrderEvent += self._on_open_order
        ib.execDetailsEvent += lambda _trade, fill: self._book_execution(fill.execution)
        ib.commissionReportEvent += self._on_commission
        ib.errorEvent += self._on_error
        ib.disconnectedEvent += lambda: self._gone_socket(ib)
        ib.pendingTickersEvent += self._on_tickers

    @property
    def connected(self) -> bool:
        return self.ib.isConnected() and self.ib_is_there and self._said_up

    def _link(self, up: bool, reason: str) -> None:
        if up != self._said_up:
            self._said_up = up
            self.on_link(up, reason)

    def _gone_socket(self, ib: IB) -> None:
        if ib is self.ib:
            self._link(False, "the socket is closed")

    def _drop(self, ib: IB, reason: str) -> None:
        """End a session that is no good, unless it is replaced already."""
        if ib is self.ib:
            self._link(False, reason)
            ib.disconnect()

    async def _connect(self) -> None:
        """Log in with a fresh `IB`, and find out what happened meanwhile.

        After a `disconnect()` of one's own an old one keeps its trades, tickers and unanswered questions.
        """
        self.ib = IB()
        self._listen(self.ib)
        await self.ib.connectAsync(
            self.host, self.port, self.client_id, timeout=LOGIN_S, account=self.account
        )
        self.ib_is_there = True
        self._data_errors.clear()
        self._warned.clear()
        self.ib.reqMarketDataType(3)  # delayed data where there is no other: marked as such
        await self._compare_clocks()
        await self._qualify(self.names)
        await self._resync()
        for name in self.wanted:
            self._request_data(name)
        self._link(True, "logged in")

    async def _stay_connected(self) -> None:
        wait_s = FIRST_WAIT_S
        while not self._stopping:
            if self.ib.isConnected() or self.held_back:
                await asyncio.sleep(0.1)
                continue
            await asyncio.sleep(wait_s)
            try:
                await self._connect()
                wait_s = FIRST_WAIT_S
            except (TimeoutError, OSError) as error:
                log.info("no login: %r", error)
                self._drop(self.ib, "no login")
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    async def _watch(self) -> None:
        """Ask for the time, and look after what is unanswered or silent."""
        asked = 0.0
        while not self._stopping:
            await asyncio.sleep(0.5)
            if not self._said_up:
                continue
            ib = self.ib
            try:
                if time.monotonic() - asked > HEARTBEAT_S:
                    await self._compare_clocks()
                    asked = time.monotonic()
                await self._look_after_orders()
            except (TimeoutError, OSError):
                self._drop(ib, "the gateway does not answer")
                continue
            self._look_after_data()

    async def _compare_clocks(self) -> None:
        theirs = await asyncio.wait_for(self.ib.reqCurrentTimeAsync(), ANSWER_S)
        self.clock_off_s = theirs.timestamp() - time.time()
        if abs(self.clock_off_s) > CLOCK_S:
            self._warn("CLOCK", f"the gateway's clock is {self.clock_off_s:.0f} s off")

    def _warn(self, kind: str, text: str, instrument: str | None = None) -> None:
        if time.monotonic() - self._warned.get(text, -1e9) > REPEAT_S:
            self._warned[text] = time.monotonic()
            self.on_warning(kind, text, instrument)

    # -- market data

    async def watch(self, name: str) -> None:
        await self._qualify([name])
        self.wanted.add(name)
        if self.ib.isConnected():
            self._request_data(name)

    def unwatch(self, name: str) -> None:
        if name in self.wanted:
            self.wanted.discard(name)
            self._cancel_data(name)

    async def _qualify(self, names: Any) -> None:
        for name in names:
            if name in self.contracts:
                continue
            symbol, _, exchange = name.partition(".")
            contract = Stock(symbol, "SMART", "USD", primaryExchange=exchange)
            if not await asyncio.wait_for(self.ib.qualifyContractsAsync(contract), ANSWER_S):
                raise Refused("UNKNOWN_INSTRUMENT", f"IB knows no {name}")
            self.contracts[name] = contract

    def _request_data(self, name: str) -> None:
        self._heard[name] = time.monotonic()
        contract = self.contracts[name]
        if self._req_id_of(name) is None:
            self.ib.reqMktData(contract, "233")

    def _req_id_of(self, name: str) -> int | None:
        ticker = self.ib.ticker(self.contracts[name])
        return self.ib.wrapper.ticker2ReqId["mktData"].get(ticker) if ticker else None

    def _cancel_data(self, name: str) -> None:
        if self.ib.isConnected() and self._req_id_of(name) is not None:
            self.ib.cancelMktData(self.contracts[name])

    def _renew_data(self, name: str) -> None:
        self._cancel_data(name)
        self._request_data(name)

    def _look_after_data(self) -> None:
        for name in list(self.wanted):
            if time.monotonic() - self._heard.get(name, 0) > SILENT_S and self.ib_is_there:
                self._warn("STALE_DATA", f"nothing of {name} for {SILENT_S:g} s", name)
                self._renew_data(name)

    def _on_tickers(self, tickers: Any) -> None:
        for ticker in tickers:
            name = next((n for n, c in self.contracts.items() if c.conId == ticker.contract.conId), None)
            if name is None or name not in self.wanted:
                continue
            self._heard[name] = time.monotonic()
            if self._warned:
                self._warned = {text: at for text, at in self._warned.items() if name not in text}
            kinds = {tick.tickType for tick in ticker.ticks}
            if kinds & QUOTE_TICKS:
                self._quote(name, ticker)
            for tick in ticker.ticks:
                if tick.tickType == RT_VOLUME and tick.size > 0:
                    self.on_print(name, exact(tick.price), exact(tick.size))

    def _quote(self, name: str, ticker: Any) -> None:
        def side(price: float, size: float) -> tuple[Decimal | None, Decimal | None]:
            there = not math.isnan(price) and price > 0 and not math.isnan(size) and size > 0
            return (exact(price), exact(size)) if there else (None, None)

        bid, ask = side(ticker.bid, ticker.bidSize), side(ticker.ask, ticker.askSize)
        if bid[0] is not None and ask[0] is not None and bid[0] >= ask[0]:
            return  # half of a jump
        self.on_quote(name, bid, ask, ticker.marketDataType in (3, 4))

    # -- orders

    def place(self, ticket: Ticket) -> None:
        if ticket.ref in self.tickets:
            raise Refused("DUPLICATE_ORDER_ID", f"{ticket.ref} has been used")
        if not self.connected:
            raise Refused("NOT_CONNECTED", "there is no link to IB")
        self.tickets[ticket.ref] = ticket
        ticket.order_id, ticket.sent_at = self.ib.client.getReqId(), time.monotonic()
        self._save(ticket)
        self._send(ticket, ticket.qty, ticket.limit)

    def _send(self, ticket: Ticket, qty: Decimal, limit: Decimal | None) -> None:
        order = Order(
            orderId=ticket.order_id,
            action=ticket.side,
            totalQuantity=float(qty),
            orderType=ticket.kind,
            tif=ticket.tif,
            account=self.account,
            orderRef=ticket.ref,
        )
        if limit is not None:
            order.lmtPrice = float(limit)
        if ticket.stop is not None:
            order.auxPrice = float(ticket.stop)
        self.ib.placeOrder(self.contracts[ticket.instrument], order)

    def cancel(self, ref: str) -> None:
        ticket = self._live(ref)
        if ticket.cancelling:
            return  # its answer is under way
        ticket.cancelling, ticket.asked_at = True, time.monotonic()
        self._cancel(ticket)

    def _cancel(self, ticket: Ticket) -> None:
        trade = self._trade_of(ticket)
        self.ib.cancelOrder(trade.order if trade else Order(orderId=ticket.order_id, clientId=self.client_id))

    def change(self, ref: str, qty: Decimal | None, limit: Decimal | None) -> None:
        ticket = self._live(ref)
        if ticket.change is not None or ticket.cancelling:
            raise Refused("BUSY", "a change or cancel is under way")
        ticket.change, ticket.asked_at = (qty or ticket.qty, limit or ticket.limit), time.monotonic()
        if ticket.change == (ticket.qty, ticket.limit):
            ticket.change = None
            self.on_report(ticket, "replaced")
            return
        self._send(ticket, *ticket.change)

    def _live(self, ref: str) -> Ticket:
        ticket = self.tickets.get(ref)
        if ticket is None:
            raise Refused("UNKNOWN_ORDER", f"no order {ref}")
        if ticket.over:
            raise Refused("TOO_LATE", f"{ref} is {ticket.state}")
        if not self.connected:
            raise Refused("NOT_CONNECTED", "there is no link to IB")
        return ticket

    def open_tickets(self) -> list[Ticket]:
        return [ticket for ticket in self.tickets.values() if not ticket.over]

    def _trade_of(self, ticket: Ticket) -> Trade | None:
        return self.ib.wrapper.trades.get((self.client_id, ticket.order_id))

    def _ticket_of(self, trade: Trade) -> Ticket | None:
        order = trade.order
        ours = order.clientId == self.client_id
        return self.tickets.get(order.orderRef) if ours else None

    # -- what IB says

    def _on_open_order(self, trade: Trade) -> None:
        ticket = self._ticket_of(trade)
        if ticket is None or ticket.over:
            return
        ticket.order_id, ticket.perm_id = trade.order.orderId, trade.order.permId
        if ticket.change is not None and self._terms_of(trade) == ticket.change:
            self._changed(ticket)

    def _terms_of(self, trade: Trade) -> tuple[Decimal, Decimal | None]:
        limited = trade.order.orderType in ("LMT", "STP LMT")
        return exact(trade.order.totalQuantity), exact(trade.order.lmtPrice) if limited else None

    def _changed(self, ticket: Ticket) -> None:
        if ticket.change is not None:
            self._acknowledged(ticket)
            (ticket.qty, ticket.limit), ticket.change = ticket.change, None
            self._save(ticket)
            self.on_report(ticket, "replaced")

    def _on_status(self, trade: Trade) -> None:
        ticket = self._ticket_of(trade)
        if ticket is None:
            return
        if trade.log and trade.log[-1].errorCode:
            trade.orderStatus.status = ticket.word  # the library's guess, not IB's word
            return
        ticket.word = status = trade.orderStatus.status
        if status in ("PreSubmitted", "Submitted"):
            self._acknowledged(ticket)
            if ticket.word == "Submitted" and ticket.change == self._terms_of(trade):
                self._changed(ticket)
        elif status in ("Cancelled", "ApiCancelled"):
            self._cancelled(ticket, exact(trade.orderStatus.filled))
        elif status == "Inactive":
            asyncio.get_running_loop().call_later(1.0, self._inactive, ticket)

    def _acknowledged(self, ticket: Ticket) -> None:
        if ticket.state == "sent":
            ticket.state = "working"
            self._save(ticket)
            self.on_report(ticket, "new")

    def _cancelled(self, ticket: Ticket, filled: Decimal, text: str = "") -> None:
        if ticket.over:
            return
        if filled > ticket.filled:
            self._soon(self._resync_or_drop())  # executions first
            return
        self._end(ticket, "canceled", text=text)

    def _inactive(self, ticket: Ticket) -> None:
        if not ticket.over and ticket.word == "Inactive":
            self._end(ticket, "rejected", "INACTIVE", "IB does not work this order")

    def _end(self, ticket: Ticket, state: str, code: str = "", text: str = "") -> None:
        ticket.state = state
        if ticket.change is not None:
            ticket.change = None
            self.on_report(ticket, "change_rejected", code="TOO_LATE", text=f"the order is {state}")
        self._save(ticket)
        if state != "filled":
            self.on_report(ticket, state, code=code, text=text)
        if ticket.cancelling and state == "filled":
            self.on_report(ticket, "cancel_rejected", code="TOO_LATE", text="the order is filled")
        ticket.cancelling = False

    def _book_execution(self, execution: Execution, commission: float | None = None) -> None:
        ticket = self.tickets.get(execution.orderRef)
        if ticket is None or execution.clientId != self.client_id:
            return
        base, _, revision = execution.execId.rpartition(".")
        known = ticket.fills.get(base)
        if ticket.revisions.get(base, 0) >= int(revision):
            if known is not None and known.exec_id == execution.execId and commission is not None:
                known.commission = exact(commission)
            return
        ticket.revisions[base] = int(revision)
        self._acknowledged(ticket)
        if known is not None:
            del ticket.fills[base]
            if ticket.state == "filled":
                ticket.state = "working"
            self.on_report(ticket, "bust", fill=known, code=execution.execId)
        if execution.shares > 0:
            fill = Fill(
                execution.execId,
                exact(execution.shares),
                exact(execution.price),
                int(execution.time.timestamp()) * 10**9,
                None if commission is None else exact(commission),
            )
            ticket.fills[base] = fill
            filled = ticket.filled >= ticket.qty
            if filled:
                ticket.state = "filled"
            self.on_report(ticket, "fill", fill=fill)
            if filled:
                self._end(ticket, "filled")
        self._save(ticket)

    def _on_commission(self, trade: Trade, _fill: Any, report: Any) -> None:
        ticket = self._ticket_of(trade)
        known = ticket.fills.get(report.execId.rpartition(".")[0]) if ticket else None
        if known is not None and known.exec_id == report.execId:
            known.commission = exact(report.commission)
            self._save(ticket)

    def _on_error(self, req_id: int, code: int, text: str, _contract: Any) -> None:
        if req_id == -1:
            self._on_notice(code, text)
            return
        if req_id in self._data_errors or self._is_data(req_id):
            name = self._data_errors.setdefault(req_id, self._is_data(req_id) or "")
            if code in DATA_TROUBLE:
                self._warn("STALE_DATA", f"{name}: {code} {text}", name)
            return
        ticket = next((t for t in self.tickets.values() if t.order_id == req_id and not t.over), None)
        if ticket is not None:
            self._on_order_error(ticket, code, text)

    def _is_data(self, req_id: int) -> str | None:
        ticker = self.ib.wrapper.reqId2Ticker.get(req_id)
        if ticker is None:
            return None
        return next((n for n, c in self.contracts.items() if c is ticker.contract), None)

    def _on_order_error(self, ticket: Ticket, code: int, text: str) -> None:
        if code in NOTICES or 2100 <= code < 2200:
            return
        if code in NO_CANCEL:
            if code in UNKNOWN_ORDER and ticket.state == "sent":
                self._end(ticket, "rejected", str(code), f"never acknowledged by IB: {text}")
            elif ticket.cancelling:
                ticket.cancelling = False
                self.on_report(ticket, "cancel_rejected", code=str(code), text=text)
        elif ticket.change is not None:
            ticket.change = None
            self.on_report(ticket, "change_rejected", code=str(code), text=text)
        elif ticket.state == "sent" or code == 201:
            self._end(ticket, "rejected", str(code), text)
        else:
            log.warning("order %s: %s %s", ticket.ref, code, text)
            self._soon(self._resync_or_drop())

    def _soon(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.ensure_future(work)
        self._soon_done.add(task)  # a task that nobody holds may be thrown away
        task.add_done_callback(self._soon_done.discard)

    def _on_notice(self, code: int, text: str) -> None:
        if code == LOST:
            self.ib_is_there = False
            self._link(False, f"{code} {text}")
        elif code in (BACK, BACK_WITHOUT_DATA):
            self._soon(self._ib_is_back(code))
        elif code in FARM_TROUBLE:
            self._warn("STALE_DATA", f"{code} {text}")

    async def _ib_is_back(self, code: int) -> None:
        if code == BACK_WITHOUT_DATA:
            for name in self.wanted:
                self._renew_data(name)
        self._heard = dict.fromkeys(self.wanted, time.monotonic())
        self.ib_is_there = True
        if await self._resync_or_drop():
            self._link(True, str(code))

    # -- what happened meanwhile

    async def _resync_or_drop(self) -> bool:
        ib = self.ib
        try:
            await self._resync()
            return True
        except (TimeoutError, OSError):
            self._drop(ib, "the gateway does not answer")
            return False

    async def _resync(self) -> None:
        """Compare the tickets with what IB has: working orders, executions, orders that are over."""
        async with self._resync_lock:
            began = time.monotonic()
            working = await asyncio.wait_for(self.ib.reqOpenOrdersAsync(), ANSWER_S)
            await asyncio.wait_for(self.ib.reqExecutionsAsync(), ANSWER_S)
            done = await asyncio.wait_for(self.ib.reqCompletedOrdersAsync(True), ANSWER_S)
        by_ref = {trade.order.orderRef: trade for trade in working}
        over = {trade.order.orderRef: trade for trade in done}
        for ticket in self.open_tickets():
            if ticket.ref in by_ref:
                self._still_there(ticket, by_ref[ticket.ref])
        for fill in self.ib.fills():  # what the question returns has no commissions if it was known before
            paid = fill.commissionReport.commission if fill.commissionReport.execId else None
            self._book_execution(fill.execution, paid)
        for ticket in self.open_tickets():
            if ticket.ref not in by_ref and ticket.sent_at < began - 1:
                self._gone(ticket, over.get(ticket.ref))

    def _still_there(self, ticket: Ticket, trade: Trade) -> None:
        ticket.order_id, ticket.perm_id = trade.order.orderId, trade.order.permId
        ticket.word = trade.orderStatus.status
        if ticket.word in ("PreSubmitted", "Submitted"):
            self._acknowledged(ticket)
        terms = self._terms_of(trade)
        if ticket.change == terms:
            self._changed(ticket)
        elif ticket.change is not None and time.monotonic() - ticket.asked_at > DOUBT_S:
            ticket.change = None
            self.on_report(ticket, "change_rejected", code="LOST", text="IB has the old terms")

    def _gone(self, ticket: Ticket, trade: Trade | None) -> None:
        if trade is not None and trade.orderStatus.status == "Filled":
            return  # its executions come
        if ticket.state == "sent" and trade is None:
            self._end(ticket, "rejected", "LOST", "IB has no such order")
        else:
            self._end(ticket, "canceled", text="IB lists it no more")

    async def _look_after_orders(self) -> None:
        now, doubt = time.monotonic(), False
        for ticket in self.open_tickets():
            if ticket.state == "sent" and now - max(ticket.sent_at, ticket.asked_at) > DOUBT_S:
                log.warning("order %s is not acknowledged: cancelled", ticket.ref)
                ticket.cancelling, ticket.asked_at = True, now
                self._cancel(ticket)
            elif (ticket.cancelling or ticket.change) and now - ticket.asked_at > DOUBT_S:
                ticket.asked_at, doubt = now, True
        if doubt:
            await self._resync()

    # -- memory

    def _save(self, ticket: Ticket) -> None:
        row = dict(vars(ticket), change=None, fills={k: vars(f) for k, f in ticket.fills.items()})
        with self.book.open("a", encoding="utf-8") as book:
            book.write(json.dumps(row, default=str) + "\n")

    def _load(self) -> None:
        if self.tickets or not self.book.exists():
            return
        for line in self.book.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            fills = {
                k: Fill(**{**f, **_numbers(f, "qty", "price", "commission")})
                for k, f in row.pop("fills").items()
            }
            row.update(_numbers(row, "qty", "limit", "stop"), sent_at=0.0, asked_at=0.0, cancelling=False)
            self.tickets[row["ref"]] = Ticket(fills=fills, **row)


def _numbers(row: dict[str, Any], *names: str) -> dict[str, Decimal | None]:
    return {name: None if row[name] is None else Decimal(row[name]) for name in names}
