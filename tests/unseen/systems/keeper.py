"""Keeper: everything is in sqlite, and found again after a restart. Slow to start, talkative, restless.

Runs in an interpreter of its own that has nothing installed but Python.
"""

import os
import random
import sqlite3
import sys
import threading
import time
from decimal import Decimal as D

from certify.adapter import (
    AccountState,
    Decision,
    Environment,
    ExecType,
    Health,
    Instrument,
    Limit,
    OrderType,
    OrderUpdate,
    OrdStatus,
    Position,
    Quote,
    Side,
    Source,
    SystemInfo,
    TimeInForce,
)

ZERO = D(0)
CANNOT = {
    "market_data.trades": "has no tape",
    "market_data.books": "has no depth",
    "market_data.disconnect": "has no link",
    "orders.stop": "not built",
    "orders.stop_limit": "not built",
    "orders.gtd": "not built",
    "orders.fok": "not built",
    "orders.disconnect": "has no link",
    "risk.precheck": "not built",
    "risk.max_order_notional": "counts shares only",
    "risk.max_position_notional": "counts shares only",
    "risk.max_open_orders": "not limited",
    "risk.max_order_rate": "not limited",
    "risk.max_daily_loss": "not limited",
    "risk.price_band": "not limited",
    "risk.reduce_only": "halts only",
}
TABLES = """
create table if not exists orders (id text primary key, number integer, instrument text, side text, type text,
  tif text, qty text, price text, done text, cost text, state text);
create table if not exists fills (
    number integer primary key autoincrement, id text, instrument text, side text,
  qty text, price text, fee text, at integer);
create table if not exists facts (name text primary key, value text);
"""
FEE = D("1.00")
COLUMNS = ["id", "instrument", "side", "type", "tif", "qty", "price", "done", "cost", "state"]


def create(ctx):
    print("keeper: here I am, python", sys.version)
    return Keeper(ctx)


class Keeper:
    def __init__(self, ctx):
        self.ctx, self.lock, self.on = ctx, threading.RLock(), False
        self.place = os.path.abspath(str(ctx.state_dir / "keeper.db"))
        self.rules = {r["id"]: (D(r["tick"]), D(r["lot"]), r["currency"]) for r in ctx.config["instruments"]}
        self.shown, self.wanted, self.seq, self.calm = {}, set(), {}, {}
        self.market_data = self.execution = self.risk = self

    def describe(self):
        return SystemInfo("keeper", "12.0", Environment.SIMULATED, CANNOT)

    def start(self):
        time.sleep(2)
        self.base = sqlite3.connect(self.place, check_same_thread=False, isolation_level=None)
        self.base.executescript(TABLES)
        self.base.execute("pragma synchronous=off")
        os.chdir("/")
        for number, name in enumerate(self.rules):
            mid = D(60 + number)
            self.shown[name] = [mid, D(900), mid + D("0.02"), D(900)]
        self.on = True
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        print("keeper: open for business")

    def stop(self):
        if self.on:
            self.on = False
            self.thread.join()
            self.base.close()

    def health(self):
        return Health(alive=self.on, connected=self.on)

    def fact(self, name, default):
        row = self.base.execute("select value from facts where name = ?", (name,)).fetchone()
        return row[0] if row else default

    def remember(self, name, value):
        self.base.execute("insert or replace into facts values (?, ?)", (name, str(value)))

    # market data

    def instruments(self):
        return [Instrument(n, "STK", c, t, s) for n, (t, s, c) in self.rules.items()]

    def subscribe(self, instrument, kinds):
        with self.lock:
            self.wanted.add(instrument)
            self.tell(instrument)

    def unsubscribe(self, instrument):
        with self.lock:
            self.wanted.discard(instrument)

    def inject(self, event):
        if not isinstance(event, Quote):
            raise ValueError("has no tape")
        with self.lock:
            self.shown[event.instrument] = [event.bid, event.bid_size, event.ask, event.ask_size]
            self.calm[event.instrument] = True
            self.tell(event.instrument, event.ts_event_ns)
            self.rematch(event.instrument)

    def run(self):
        dice = random.Random(3)
        while self.on:
            with self.lock:
                for name, (tick, _, _) in self.rules.items():
                    if not self.calm.get(name):
                        bid = (self.shown[name][0] or D(60)) + tick * dice.choice((-1, 0, 1))
                        self.shown[name] = [bid, D(dice.randint(500, 900)), bid + 2 * tick, D(900)]
                        self.rematch(name)
                    self.tell(name)
            time.sleep(0.12)

    def tell(self, name, at_ns=None):
        if name in self.wanted and name in self.rules:
            self.seq[name] = self.seq.get(name, 0) + 1
            now = time.time_ns()
            self.ctx.emit(Quote(name, *self.shown[name], at_ns or now, now, self.seq[name]))

    # orders

    def rows(self, where="1", *args):
        found = self.base.execute(
            "select %s from orders where %s order by number" % (", ".join(COLUMNS), where), args
        )
        return [dict(zip(COLUMNS, row)) for row in found.fetchall()]

    def working(self, *instrument):
        more = " and instrument = ?" if instrument else ""
        return self.rows("state in ('NEW', 'PARTIALLY_FILLED')" + more, *instrument)

    def write(self, row):
        self.base.execute(
            "insert or replace into orders (number, %s) values "
            "(coalesce((select number from orders where id = ?), (select count(*) from orders)), %s)"
            % (", ".join(COLUMNS), ", ".join("?" * len(COLUMNS))),
            (row["id"], *(row[c] for c in COLUMNS)),
        )

    def submit(self, order):
        with self.lock:
            print("keeper: order", order.client_order_id, order.side, order.qty, order.price)
            row = {
                "id": order.client_order_id,
                "instrument": order.instrument,
                "side": order.side.value,
                "type": order.type.value,
                "tif": order.tif.value,
                "qty": str(order.qty),
                "done": "0",
                "cost": "0",
                "price": None if order.price is None else str(order.price),
                "state": "NEW",
            }
            code = self.wrong(order) or self.too_much(row)
            if code:
                row["state"] = "REJECTED"
                self.say(
                    row, ExecType.REJECTED, source=Source.RISK, code=code, reason="keeper says no: " + code
                )
                return
            self.write(row)
            self.say(row, ExecType.NEW)
            self.match(row)
            if row["tif"] == "IOC" and row["state"] in ("NEW", "PARTIALLY_FILLED"):
                self.finish(row)

    def wrong(self, order):
        if self.fact("halt", "ACTIVE") != "ACTIVE":
            return "HALTED"
        if self.rows("id = ?", order.client_order_id):
            return "DUPLICATE_ID"
        if order.instrument not in self.rules:
            return "UNKNOWN"
        if order.type not in (OrderType.MARKET, OrderType.LIMIT) or order.tif in (
            TimeInForce.FOK,
            TimeInForce.GTD,
        ):
            return "NOT_BUILT"
        tick, lot, _ = self.rules[order.instrument]
        if order.qty <= 0 or order.qty % lot:
            return "QTY"
        if order.type is OrderType.LIMIT and (order.price is None or order.price <= 0 or order.price % tick):
            return "PRICE"
        return None

    def too_much(self, row, other=""):
        if D(row["qty"]) > self.limit("max_order_qty"):
            return "MAX_ORDER_QTY"
        side = [
            D(r["qty"]) - D(r["done"])
            for r in self.working(row["instrument"])
            if r["side"] == row["side"] and r["id"] != other
        ]
        sign = 1 if row["side"] == "BUY" else -1
        held = self.held(row["instrument"]) * sign
        if held + sum(side) + D(row["qty"]) - D(row["done"]) > self.limit("max_position_qty"):
            return "MAX_POSITION_QTY"
        return None

    def held(self, name):
        found = self.base.execute("select side, qty from fills where instrument = ?", (name,)).fetchall()
        return sum((D(q) if s == "BUY" else -D(q) for s, q in found), ZERO)

    def match(self, row):
        bid, bid_size, ask, ask_size = self.shown[row["instrument"]]
        buys = row["side"] == "BUY"
        price, size = (ask, ask_size) if buys else (bid, bid_size)
        limit = D(row["price"]) if row["price"] and row["type"] == "LIMIT" else None
        if not size or (limit is not None and (price > limit if buys else price < limit)):
            return
        qty = min(size, D(row["qty"]) - D(row["done"]))
        self.shown[row["instrument"]][3 if buys else 1] = size - qty
        if size == qty:
            self.shown[row["instrument"]][2 if buys else 0] = self.shown[row["instrument"]][
                3 if buys else 1
            ] = None
        self.fill(row, price, qty)

    def fill(self, row, price, qty):
        row["done"], row["cost"] = str(D(row["done"]) + qty), str(D(row["cost"]) + qty * price)
        row["state"] = "FILLED" if D(row["done"]) == D(row["qty"]) else "PARTIALLY_FILLED"
        self.write(row)
        cursor = self.base.execute(
            "insert into fills (id, instrument, side, qty, price, fee, at) values (?, ?, ?, ?, ?, ?, ?)",
            (row["id"], row["instrument"], row["side"], str(qty), str(price), str(FEE), time.time_ns()),
        )
        self.say(
            row, ExecType.TRADE, last_qty=qty, last_px=price, exec_id="k%d" % cursor.lastrowid, commission=FEE
        )

    def rematch(self, name):
        for row in self.working(name):
            self.match(row)

    def cancel(self, client_order_id, instrument):
        with self.lock:
            row = next(iter(self.rows("id = ?", client_order_id)), None)
            if row and row["state"] in ("NEW", "PARTIALLY_FILLED"):
                self.finish(row)
            else:
                self.no(row, client_order_id, instrument, ExecType.CANCEL_REJECTED, "NOT_WORKING")

    def no(self, row, client_order_id, instrument, kind, code):
        if row:
            self.say(row, kind, code=code, source=Source.ENGINE)
        else:
            self.ctx.emit(
                OrderUpdate(
                    client_order_id,
                    instrument or "?",
                    kind,
                    OrdStatus.REJECTED,
                    Side.BUY,
                    ZERO,
                    code="NEVER_SEEN",
                    reason="not in the book",
                    source=Source.ENGINE,
                )
            )

    def modify(self, client_order_id, qty=None, price=None):
        with self.lock:
            row = next(iter(self.rows("id = ?", client_order_id)), None)
            if not row or row["state"] not in ("NEW", "PARTIALLY_FILLED"):
                self.no(row, client_order_id, None, ExecType.REPLACE_REJECTED, "NOT_WORKING")
                return
            tick, lot, _ = self.rules[row["instrument"]]
            new = dict(
                row,
                qty=row["qty"] if qty is None else str(qty),
                price=row["price"] if price is None else str(price),
            )
            bad = (
                D(new["qty"]) <= D(row["done"])
                or D(new["qty"]) % lot
                or (new["price"] and (D(new["price"]) <= 0 or D(new["price"]) % tick))
            )
            halted = "HALTED" if self.fact("halt", "ACTIVE") != "ACTIVE" else None
            code = "TERMS" if bad else halted or self.too_much(new, client_order_id)
            if code:
                self.no(row, client_order_id, None, ExecType.REPLACE_REJECTED, code)
                return
            self.write(new)
            self.say(new, ExecType.REPLACED)
            self.match(new)

    def finish(self, row):
        row["state"] = "CANCELED"
        self.write(row)
        self.say(row, ExecType.CANCELED)

    def cancel_all(self):
        with self.lock:
            for row in self.working():
                self.finish(row)

    def open_orders(self):
        with self.lock:
            return [self.word(row, ExecType.STATUS) for row in self.working()]

    def positions(self):
        with self.lock:
            return [Position(name, self.held(name)) for name in self.rules if self.held(name)]

    def executions(self):
        with self.lock:
            found = self.base.execute(
                "select number, id, instrument, side, qty, price, fee, at from fills"
            ).fetchall()
        return [
            OrderUpdate(
                i,
                n,
                ExecType.TRADE,
                OrdStatus.FILLED,
                Side(s),
                D(q),
                last_qty=D(q),
                last_px=D(p),
                cum_qty=D(q),
                exec_id="k%d" % number,
                commission=D(f),
                ts_event_ns=at,
            )
            for number, i, n, s, q, p, f, at in found
        ]

    def account(self):
        with self.lock:
            cash = fees = ZERO
            for side, qty, price, fee in self.base.execute(
                "select side, qty, price, fee from fills"
            ).fetchall():
                cash -= D(qty) * D(price) * (1 if side == "BUY" else -1) + D(fee)
                fees += D(fee)
            cash += 750000
            worth = sum((self.held(n) * (q[0] or q[2] or ZERO) for n, q in self.shown.items()), ZERO)
            return AccountState("K", "USD", cash, cash + worth, commissions=fees)

    def word(self, row, kind, **more):
        done, qty, state = D(row["done"]), D(row["qty"]), OrdStatus(row["state"])
        return OrderUpdate(
            row["id"],
            row["instrument"],
            kind,
            state,
            Side(row["side"]),
            qty,
            D(row["price"]) if row["price"] else None,
            cum_qty=done,
            leaves_qty=ZERO if state.terminal else qty - done,
            avg_px=D(row["cost"]) / done if done else None,
            type=OrderType(row["type"]),
            tif=TimeInForce(row["tif"]),
            ts_event_ns=time.time_ns(),
            **more,
        )

    def say(self, row, kind, **more):
        self.ctx.emit(self.word(row, kind, **more))

    # risk

    def limit(self, name):
        first = D(self.ctx.config.get("limits", {}).get(name, 300)) if name == "max_order_qty" else D(700)
        return D(self.fact(name, first))

    def limits(self):
        with self.lock:
            return [Limit(name, self.limit(name)) for name in ("max_order_qty", "max_position_qty")]

    def set_limit(self, limit, by):
        with self.lock:
            if limit.name not in ("max_order_qty", "max_position_qty") or limit.instrument:
                return Decision(False, "NO_SUCH_LIMIT")
            if not by.strip() or limit.value < 0:
                return Decision(False, "NOT_SO", "a name and a value, please")
            self.remember(limit.name, limit.value)
            return Decision(True)

    def kill(self, mode, by, reason, cancel_open=True):
        with self.lock:
            self.remember("halt", "HALT")
            if cancel_open:
                self.cancel_all()

    def resume(self, by, reason):
        with self.lock:
            if not by.strip():
                return Decision(False, "NO_NAME")
            self.remember("halt", "ACTIVE")
            return Decision(True)

    def state(self):
        with self.lock:
            return self.fact("halt", "ACTIVE")
