"""Two threads and a queue over the low-level client: callbacks note facts, a worker looks at them.

Its own numbers go out in orderRef. It keeps nothing over a restart, shows no trades, takes live data only,
cannot set the market, and has no switch for its link.
"""

import asyncio
import contextlib
import itertools
import logging
import queue
import threading
import time
from decimal import Decimal as D
from types import SimpleNamespace

from ib_insync import Contract, ExecutionFilter
from ib_insync import Order as IBOrder
from ib_insync.client import Client

from certify.adapter import (
    AccountState,
    Alert,
    AlertSeverity,
    AlertState,
    ConnectionChange,
    Environment,
    ExecType,
    Health,
    Instrument,
    OrderType,
    OrderUpdate,
    OrdStatus,
    Position,
    Quote,
    Source,
    SystemInfo,
    TimeInForce,
)

CLIENT = 7
CANNOT = {
    "market_data.trades": "mill watches quotes only",
    "market_data.books": "mill watches quotes only",
    "market_data.sequence": "IB numbers no ticks",
    "market_data.event_time": "IB tells no time of a tick",
    "market_data.inject": "mill has no hand in the market",
    "market_data.disconnect": "there is no switch for the link",
    "orders.disconnect": "there is no switch for the link",
    "orders.restart": "mill begins every day anew",
    "orders.stop_limit": "not used here",
    "orders.gtd": "not used here",
    "orders.fok": "not used here",
}
KINDS = {OrderType.MARKET: "MKT", OrderType.LIMIT: "LMT", OrderType.STOP: "STP"}
TIFS = {TimeInForce.DAY: "DAY", TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC"}
OPEN_WORDS = ("PreSubmitted", "Submitted")
HARMLESS = {202, 399, 404, 434, 492, 10167, 10311, 10349}
ABOUT_CANCEL = {135, 136, 161, 10147, 10148}
NO_DATA = {354, 10089, 10167, 10168, 10186, 10197}
POLL_S, BEAT_S, DEAD_S, QUIET_S, UNSURE_S = 0.02, 3.0, 9.0, 7.0, 6.0
LOOK_S = 10.0


def number(value):
    return D(repr(float(value))).normalize() + 0


class Facts:
    """The wrapper of one client: every callback becomes a line in the queue."""

    def __init__(self, session, put):
        self.session, self.put = session, put
        self.ib, self.defaultTimezone = SimpleNamespace(TimezoneTWS=""), None
        self.ticks = []

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args: self.put((self.session, name, args))

    def tcpDataArrived(self):
        self.put((self.session, "heard", ()))

    def tcpDataProcessed(self):
        if self.ticks:
            ticks, self.ticks = self.ticks, []
            self.put((self.session, "ticks", (ticks,)))

    def priceSizeTick(self, req, kind, price, size):
        self.ticks.append((req, kind, price, size))

    def tickSize(self, req, kind, size):
        self.ticks.append((req, kind, None, size))

    def marketDataType(self, req, kind):
        self.ticks.append((req, "type", kind, None))


class Row:
    """One order of the mill."""

    def __init__(self, order, oid, ref):
        self.order, self.oid, self.ref = order, oid, ref
        self.qty, self.price = order.qty, order.price
        self.fills = {}
        self.open_ = False
        self.end = None
        self.word = ""
        self.change = None
        self.cancelling = False
        self.at = self.touched = time.monotonic()
        self.unsure = self.inactive_at = 0.0
        self.lost = False

    @property
    def cum(self):
        return sum((fill["qty"] for fill in self.fills.values()), D(0))

    @property
    def status(self):
        return self.end or (OrdStatus.PARTIALLY_FILLED if self.cum else OrdStatus.NEW)


class Mill:
    def __init__(self, ctx):
        self.ctx, self.emit = ctx, ctx.emit
        self.where = ctx.config["gateway"]
        self.listed = {
            i["id"]: Instrument(i["id"], tick=D(i["tick"]), lot=D(i["lot"]))
            for i in ctx.config["instruments"]
        }
        self.by_symbol = {name.split(".")[0]: name for name in self.listed}
        self.lock = threading.RLock()
        self.market_data = self.broker = self.execution = self
        self.numbers = itertools.count(1)
        self.req_ids = itertools.count(1_000_000)
        self.alert_ids = itertools.count(1)
        self.rows, self.by_id, self.paid = {}, {}, {}
        self.wanted, self.lines, self.books = {}, {}, {}
        self.held, self.money = {}, {}
        self.session = 0
        self.client = None
        self.up = self.linked = self.said = False
        self.next_order = 0
        self.clock_off = 0.0
        self.resync_step = None
        self.warned = {}
        self.threads = []

    def describe(self):
        return SystemInfo("mill", "3", Environment.SIMULATED, CANNOT)

    def start(self):
        self.running, self.facts = True, queue.SimpleQueue()
        self.loop = asyncio.new_event_loop()
        self.threads = [
            threading.Thread(target=self.turn, daemon=True),
            threading.Thread(target=self.work, daemon=True),
        ]
        for thread in self.threads:
            thread.start()
        self.session_task = asyncio.run_coroutine_threadsafe(self.sessions(), self.loop)
        limit = time.monotonic() + 10
        while not self.up and time.monotonic() < limit:
            time.sleep(0.02)
        if not self.up:
            raise RuntimeError("no session with the gateway")

    def turn(self):
        asyncio.set_event_loop(self.loop)  # the library asks for the thread's own
        self.loop.run_forever()

    def stop(self):
        for row in list(self.rows.values()):
            if row.end is None and self.up:
                self.cancel(row.order.client_order_id, row.order.instrument)
        time.sleep(0.3)
        self.running = False
        self.session_task.cancel()
        if self.client is not None:
            self.loop.call_soon_threadsafe(self.client.disconnect)
        time.sleep(0.1)
        self.loop.call_soon_threadsafe(self.loop.stop)
        for thread in self.threads:
            thread.join(5)
        self.loop.close()
        self.up = self.linked = False

    def health(self):
        off = f"clock of the gateway off by {self.clock_off:.0f} s" if abs(self.clock_off) > 10 else ""
        return Health(True, self.up, detail=off)

    # the loop's thread: a session after the other

    async def sessions(self):
        wait = 0.5
        while self.running:
            self.session += 1
            client = Client(Facts(self.session, self.facts.put))
            client._logger = logging.getLogger("mill.client")
            client._logger.setLevel(logging.CRITICAL)
            try:
                await client.connectAsync(self.where["host"], self.where["port"], CLIENT, timeout=3)
            except (TimeoutError, OSError):
                client.disconnect()
                await asyncio.sleep(wait)
                wait = min(wait * 1.7, 5.0)
                continue
            wait = 0.5
            self.next_order = max(self.next_order, client._reqIdSeq)
            with self.lock:
                self.client, self.heard_at, self.beat_at = client, time.monotonic(), 0.0
            self.facts.put((self.session, "begin", ()))
            while client.isConnected() and self.running:
                await asyncio.sleep(0.05)
            with self.lock:
                self.client = None
            self.facts.put((self.session, "over", ()))
            await asyncio.sleep(wait)

    def send(self, what, *args):
        client = self.client
        if client is None:
            raise ConnectionError("no session")

        def go():
            if client.isConnected():
                getattr(client, what)(*args)

        self.loop.call_soon_threadsafe(go)

    # the worker's thread: facts in, words out

    def work(self):
        while self.running:
            time.sleep(POLL_S)
            with self.lock:
                while not self.facts.empty():
                    session, name, args = self.facts.get()
                    if session == self.session:
                        take = getattr(self, f"on_{name}", None)
                        if take is not None:
                            take(*args)
                if self.linked:
                    with contextlib.suppress(ConnectionError):
                        self.look()

    def on_begin(self):
        self.linked, self.ib_there = True, True
        self.lines, self.books = {}, {}
        self.send("reqAccountUpdates", True, self.where["account"])
        self.send("reqPositions")
        self.send("reqMarketDataType", 1)
        self.beat()
        self.warned.clear()
        for name in self.wanted:
            self.line(name)
        self.resync()

    def on_over(self):
        self.linked, self.resync_step = False, None
        self.say_link(False, "session over")

    def on_heard(self):
        self.heard_at = time.monotonic()

    def say_link(self, up, why):
        self.up = up
        if up != self.said:
            self.said = up
            for part in ("broker", "market_data"):
                self.emit(ConnectionChange(part, up, why))

    def beat(self):
        self.beat_at = time.monotonic()
        self.send("reqCurrentTime")

    def on_currentTime(self, seconds):
        self.clock_off = seconds - time.time()
        if abs(self.clock_off) > 10:
            self.warn("CLOCK", f"clock of the gateway off by {self.clock_off:.0f} s")

    def warn(self, kind, text, name=None):
        if time.monotonic() - self.warned.get(text, -99) > 20:
            self.warned[text] = now = time.monotonic()
            del now
            ident = f"mill-{next(self.alert_ids)}"
            self.emit(
                Alert(
                    ident,
                    kind,
                    AlertSeverity.WARNING,
                    text,
                    AlertState.RAISED,
                    time.time_ns(),
                    "market_data",
                    name,
                )
            )

    def look(self):
        now = time.monotonic()
        if now - self.heard_at > DEAD_S:
            self.linked = False
            self.say_link(False, "silent")
            client = self.client
            if client is not None:
                self.loop.call_soon_threadsafe(client.disconnect)
            return
        if now - self.beat_at > BEAT_S:
            self.beat()
        for name, at in list(self.wanted.items()):
            if self.ib_there and now - at > QUIET_S:
                self.warn("STALE_DATA", f"{name} is quiet", name)
                self.unline(name)
                self.line(name)
        for row in list(self.rows.values()):
            if row.end is None:
                self.look_after(row, now)

    def look_after(self, row, now):
        if row.inactive_at and now - row.inactive_at > 1 and row.word == "Inactive":
            self.over(row, ExecType.REJECTED, OrdStatus.REJECTED, "INACTIVE", "IB does not work it")
        elif not row.open_ and now - row.at > UNSURE_S and not row.unsure:
            row.unsure = now
            self.warn("ORDER", f"order {row.order.client_order_id} is not acknowledged")
            self.resync()
        elif not row.open_ and row.unsure and now - row.unsure > UNSURE_S:
            row.unsure = now
            self.send("cancelOrder", row.oid, "")
        elif (row.cancelling or row.change) and now - row.touched > UNSURE_S:
            row.touched = now
            self.resync()

    # what there is, asked for

    def resync(self):
        if self.resync_step is None:
            self.resync_step, self.seen_open, self.seen_done = "orders", {}, {}
            self.resync_began = time.monotonic()
            self.send("reqOpenOrders")

    def on_openOrderEnd(self):
        if self.resync_step == "orders":
            self.resync_step = "executions"
            self.send("reqExecutions", next(self.req_ids), ExecutionFilter(clientId=CLIENT))

    def on_execDetailsEnd(self, _req):
        if self.resync_step == "executions":
            self.resync_step = "completed"
            self.send("reqCompletedOrders", True)

    def on_completedOrder(self, _contract, order, state):
        self.seen_done[order.orderRef] = state.status

    def on_completedOrdersEnd(self):
        if self.resync_step != "completed":
            return
        self.resync_step = None
        for row in list(self.rows.values()):
            if row.end is not None or row.at > self.resync_began - 0.5 or row.oid in self.seen_open:
                continue
            if self.seen_done.get(row.ref) == "Filled":
                continue
            if row.open_ or row.ref in self.seen_done:
                self.over(row, ExecType.CANCELED, OrdStatus.CANCELED, None, "not at IB any more")
            else:
                self.over(row, ExecType.REJECTED, OrdStatus.REJECTED, "LOST", "never came to IB")
        self.say_link(self.ib_there, "all is known")

    # orders

    def on_openOrder(self, oid, _contract, order, state):
        row = self.by_id.get(oid)
        if row is None or order.clientId != CLIENT or order.orderRef != row.ref:
            return
        if self.resync_step is not None:
            self.seen_open[oid] = state.status
        terms = (
            number(order.totalQuantity),
            number(order.lmtPrice) if row.order.type is OrderType.LIMIT else None,
        )
        if state.status in OPEN_WORDS:
            self.opened(row)
        if row.change is not None and terms == row.change:
            (row.qty, row.price), row.change = row.change, None
            self.say(row, ExecType.REPLACED)

    def on_orderStatus(self, oid, status, filled, _rem, _avg, _perm, _parent, _last, client, *_more):
        row = self.by_id.get(oid)
        if row is None or client != CLIENT or row.end is not None:
            return
        row.word = status
        if status in OPEN_WORDS:
            self.opened(row)
        elif status in ("Cancelled", "ApiCancelled"):
            if number(filled) > row.cum:
                self.resync()
            else:
                self.over(row, ExecType.CANCELED, OrdStatus.CANCELED)
        elif status == "Inactive":
            row.inactive_at = time.monotonic()
        elif status == "Filled" and row.cum < row.qty:
            self.resync()

    def opened(self, row):
        if not row.open_ and row.end is None:
            row.open_ = True
            self.say(row, ExecType.NEW)

    def over(self, row, kind, status, code=None, reason=None):
        row.end = status
        if row.change is not None:
            row.change = None
            self.say(row, ExecType.REPLACE_REJECTED, code="OVER", reason="the order is over")
        self.say(row, kind, code=code, reason=reason)

    def on_execDetails(self, _req, _contract, execution):
        row = self.by_id.get(execution.orderId)
        if row is None or execution.clientId != CLIENT or execution.orderRef != row.ref:
            return
        base, _, revision = execution.execId.rpartition(".")
        known = row.fills.get(base)
        if known is not None and known["revision"] >= int(revision):
            return
        self.opened(row)
        if known is not None:
            del row.fills[base]
            if row.end is OrdStatus.FILLED:
                row.end = None
            self.say(row, ExecType.TRADE_CANCEL, exec_id=execution.execId + "!", exec_ref_id=known["id"])
        if execution.shares <= 0:
            return
        fill = row.fills[base] = {
            "id": execution.execId,
            "revision": int(revision),
            "qty": number(execution.shares),
            "price": number(execution.price),
            "at": int(execution.time.timestamp()) * 10**9,
        }
        if row.cum >= row.qty:
            row.end = OrdStatus.FILLED
        self.say(
            row,
            ExecType.TRADE,
            exec_id=fill["id"],
            last_qty=fill["qty"],
            last_px=fill["price"],
            ts_event_ns=fill["at"],
        )
        if row.end is OrdStatus.FILLED:
            if row.change is not None:
                row.change = None
                self.say(row, ExecType.REPLACE_REJECTED, code="OVER", reason="filled before")
            if row.cancelling:
                row.cancelling = False
                self.say(row, ExecType.CANCEL_REJECTED, code="OVER", reason="filled before")

    def on_commissionReport(self, report):
        self.paid[report.execId] = number(report.commission)

    def on_error(self, req, code, text, *_more):
        row = self.by_id.get(req)
        if row is not None:
            self.order_error(row, code, text)
        elif req in self.lines:
            if code in NO_DATA:
                self.warn("STALE_DATA", f"{self.lines[req]}: {code} {text}", self.lines[req])
        elif code == 1100:
            self.ib_there = False
            self.say_link(False, text)
        elif code in (1101, 1102):
            self.ib_there = True
            if code == 1101:
                self.lines = {}
                for name in self.wanted:
                    self.line(name)
            self.wanted = dict.fromkeys(self.wanted, time.monotonic())
            self.resync_step = None
            self.resync()
        elif code in (2103, 2105, 2110):
            self.warn("STALE_DATA", f"{code} {text}")

    def order_error(self, row, code, text):
        if row.end is not None or code in HARMLESS or 2100 <= code < 2200:
            return
        if code in ABOUT_CANCEL:
            if not row.open_ and code in (135, 10147):
                self.over(row, ExecType.REJECTED, OrdStatus.REJECTED, str(code), text)
            elif row.cancelling:
                row.cancelling = False
                self.say(row, ExecType.CANCEL_REJECTED, code=str(code), reason=text)
        elif row.change is not None:
            row.change = None
            self.say(row, ExecType.REPLACE_REJECTED, code=str(code), reason=text)
        elif not row.open_ or code == 201:
            self.over(row, ExecType.REJECTED, OrdStatus.REJECTED, str(code), text)
        else:
            self.resync()

    def say(self, row, kind, **more):
        self.emit(self.update(row, kind, **more))

    def update(self, row, kind, **more):
        cum, order = row.cum, row.order
        cost = sum((fill["qty"] * fill["price"] for fill in row.fills.values()), D(0))
        return OrderUpdate(
            order.client_order_id,
            order.instrument,
            kind,
            row.status,
            order.side,
            row.qty,
            row.price,
            order.stop_price,
            cum_qty=cum,
            leaves_qty=D(0) if row.end else row.qty - cum,
            avg_px=cost / cum if cum else None,
            source=Source.VENUE if kind is not ExecType.NEW else Source.BROKER,
            **more,
        )

    # the order port, on certify's thread

    def submit(self, order):
        with self.lock:
            fault = self.fault(order)
            if fault is None and order.client_order_id in self.rows:
                fault = ("USED", "this id has been used")
            if fault is None and not self.up:
                fault = ("DOWN", "IB cannot be reached")
            if fault is not None:
                refused = Row(order, 0, "")
                refused.end = OrdStatus.REJECTED
                more = {"code": fault[0], "reason": fault[1]}
                self.emit(
                    OrderUpdate(
                        **{**vars(self.update(refused, ExecType.REJECTED, **more)), "source": Source.ENGINE}
                    )
                )
                return
            oid = self.next_order
            self.next_order += 1
            row = Row(order, oid, f"mill/{self.where['port']}/{next(self.numbers)}")
            self.rows[order.client_order_id] = self.by_id[oid] = row
            self.say(row, ExecType.PENDING_NEW)
            self.place(row, row.qty, row.price)

    def fault(self, order):
        known = self.listed.get(order.instrument)
        if known is None:
            return "WHAT", f"{order.instrument} is not traded here"
        if order.type not in KINDS or order.tif not in TIFS:
            return "HOW", f"{order.type.value} {order.tif.value} is not done here"
        if order.qty <= 0 or order.qty % known.lot:
            return "SIZE", f"{order.qty} is no size"
        wanted = {OrderType.LIMIT: order.price, OrderType.STOP: order.stop_price}.get(order.type, known.tick)
        if wanted is None or wanted <= 0 or wanted % known.tick:
            return "PRICE", f"{wanted} is no price"
        return None

    def contract(self, name):
        symbol, _, exchange = name.partition(".")
        return Contract(
            secType="STK", symbol=symbol, exchange="SMART", primaryExchange=exchange, currency="USD"
        )

    def place(self, row, qty, price):
        order = row.order
        wire = IBOrder(
            orderId=row.oid,
            clientId=CLIENT,
            action=order.side.value,
            totalQuantity=float(qty),
            orderType=KINDS[order.type],
            tif=TIFS[order.tif],
            account=self.where["account"],
            orderRef=row.ref,
        )
        if price is not None:
            wire.lmtPrice = float(price)
        if order.stop_price is not None:
            wire.auxPrice = float(order.stop_price)
        self.send("placeOrder", row.oid, self.contract(order.instrument), wire)

    def answerable(self, name, instrument, kind):
        row = self.rows.get(name)
        if row is None:
            side = next(iter(self.rows.values())).order.side if self.rows else "BUY"
            self.emit(
                OrderUpdate(
                    name,
                    instrument,
                    kind,
                    OrdStatus.REJECTED,
                    side,
                    D(0),
                    code="WHICH",
                    reason="no such order",
                )
            )
        elif row.end is not None:
            self.say(row, kind, code="OVER", reason="the order is over")
        elif not self.up:
            self.say(row, kind, code="DOWN", reason="IB cannot be reached")
        else:
            return row
        return None

    def cancel(self, name, instrument):
        with self.lock:
            row = self.answerable(name, instrument, ExecType.CANCEL_REJECTED)
            if row is not None and not row.cancelling:
                row.cancelling, row.touched = True, time.monotonic()
                self.send("cancelOrder", row.oid, "")

    def modify(self, name, qty=None, price=None):
        with self.lock:
            row = self.answerable(name, "", ExecType.REPLACE_REJECTED)
            if row is None:
                return
            change = (qty if qty is not None else row.qty, price if price is not None else row.price)
            lot = self.listed[row.order.instrument].lot
            if row.change is not None or change[0] <= 0 or change[0] % lot or change[0] <= row.cum:
                self.say(row, ExecType.REPLACE_REJECTED, code="NO", reason="not now, or not so")
            elif change == (row.qty, row.price):
                self.say(row, ExecType.REPLACED)
            else:
                row.change, row.touched = change, time.monotonic()
                self.place(row, *change)

    def cancel_all(self):
        for row in list(self.rows.values()):
            if row.end is None:
                self.cancel(row.order.client_order_id, row.order.instrument)

    def open_orders(self):
        with self.lock:
            rows = [row for row in self.rows.values() if row.end is None and row.open_]
            return [self.update(row, ExecType.STATUS) for row in rows]

    def executions(self):
        with self.lock:
            return [
                self.update(
                    row,
                    ExecType.TRADE,
                    exec_id=fill["id"],
                    last_qty=fill["qty"],
                    last_px=fill["price"],
                    commission=self.paid.get(fill["id"]),
                    ts_event_ns=fill["at"],
                )
                for row in self.rows.values()
                for fill in row.fills.values()
            ]

    def on_position(self, account, contract, qty, cost):
        name = self.by_symbol.get(contract.symbol)
        if name is not None and account == self.where["account"]:
            self.held[name] = (number(qty), number(cost))

    def on_updateAccountValue(self, key, value, currency, _account):
        self.money[key, currency] = value

    def positions(self):
        with self.lock:
            return [Position(name, qty, cost if qty else None) for name, (qty, cost) in self.held.items()]

    def account(self):
        with self.lock:
            cash, equity = (
                self.money.get(("TotalCashValue", "USD")),
                self.money.get(("NetLiquidation", "USD")),
            )
        if cash is None or equity is None:
            raise RuntimeError("no values of the account yet")
        return AccountState(
            self.where["account"], "USD", D(cash), D(equity), environment=Environment.SIMULATED
        )

    # market data

    def instruments(self):
        return list(self.listed.values())

    def subscribe(self, name, kinds):
        if name not in self.listed:
            raise ValueError(f"{name} is not traded here")
        if "QUOTE" not in kinds:
            return
        with self.lock:
            if name not in self.wanted:
                self.wanted[name] = time.monotonic()
                if self.linked:
                    self.line(name)

    def unsubscribe(self, name):
        with self.lock:
            self.wanted.pop(name, None)
            self.unline(name)

    def line(self, name):
        req = next(self.req_ids)
        self.lines[req] = name
        self.books[req] = {}
        self.wanted[name] = time.monotonic()
        self.send("reqMktData", req, self.contract(name), "", False, False, [])

    def unline(self, name):
        for req in [req for req, other in self.lines.items() if other == name]:
            del self.lines[req]
            if self.client is not None:
                self.send("cancelMktData", req)

    def on_ticks(self, ticks):
        touched = set()
        for req, kind, price, size in ticks:
            book = self.books.get(req)
            if book is None or req not in self.lines:
                continue
            if kind == "type":
                book["delayed"] = price in (3, 4)
            elif kind in (1, 2, 66, 67):
                side = "bid" if kind in (1, 66) else "ask"
                book[side], book[side + "_size"] = price, size
                touched.add(req)
            elif kind in (0, 3, 69, 70):
                book[("bid" if kind in (0, 69) else "ask") + "_size"] = size
                touched.add(req)
            else:
                self.wanted[self.lines[req]] = time.monotonic()
        for req in touched:
            self.publish(self.lines[req], self.books[req])

    def publish(self, name, book):
        self.wanted[name] = now = time.monotonic()
        del now
        sides = []
        for side in ("bid", "ask"):
            price, size = book.get(side), book.get(side + "_size")
            there = price is not None and price > 0 and size is not None and size > 0
            sides += [number(price), number(size)] if there else [None, None]
        if None not in sides and sides[0] >= sides[2]:
            return
        if sides != book.get("said"):
            book["said"] = sides
            at = time.time_ns()
            self.emit(Quote(name, *sides, at, at, delayed=book.get("delayed", False)))


def create(ctx):
    return Mill(ctx)
