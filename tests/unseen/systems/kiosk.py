"""Kiosk: the least that is a trading system. MARKET and LIMIT, DAY, quotes. Nothing else."""

import threading
import time
from decimal import Decimal

from certify.adapter import (
    Environment,
    ExecType,
    Health,
    Instrument,
    OrderType,
    OrderUpdate,
    OrdStatus,
    Position,
    Quote,
    Side,
    SystemInfo,
    TimeInForce,
)

NO = "the kiosk sells and buys at the shown price; it has nothing of the kind"
CANNOT = dict.fromkeys(
    [
        "market_data.trades",
        "market_data.books",
        "market_data.sequence",
        "market_data.inject",
        "market_data.disconnect",
        "orders.stop",
        "orders.stop_limit",
        "orders.gtc",
        "orders.ioc",
        "orders.fok",
        "orders.gtd",
        "orders.modify",
        "orders.cancel_all",
        "orders.short",
        "orders.partial_fills",
        "orders.executions",
        "orders.account",
        "orders.commission",
        "orders.disconnect",
        "orders.restart",
    ],
    NO,
)


def create(ctx):
    return Kiosk(ctx)


class Kiosk:
    def __init__(self, ctx):
        self.ctx, self.lock, self.on = ctx, threading.Lock(), False
        self.goods = {
            r["id"]: (Decimal(r["tick"]), Decimal(r["lot"]), r["currency"]) for r in ctx.config["instruments"]
        }
        self.price = {name: Decimal(20) for name in self.goods}
        self.shelf, self.wanted, self.tickets, self.fills = {}, set(), {}, 0
        self.market_data = self.execution = self

    def describe(self):
        return SystemInfo(name="kiosk", version="1", environment=Environment.SIMULATED, capabilities=CANNOT)

    def start(self):
        self.on = True
        self.thread = threading.Thread(target=self.turn, daemon=True)
        self.thread.start()

    def stop(self):
        self.on = False
        self.thread.join()

    def health(self):
        return Health(self.on, self.on)

    def instruments(self):
        return [Instrument(id=n, tick=t, lot=s, currency=c) for n, (t, s, c) in self.goods.items()]

    def subscribe(self, instrument, kinds):
        with self.lock:
            if instrument in self.goods:
                self.wanted.add(instrument)

    def unsubscribe(self, instrument):
        with self.lock:
            self.wanted.discard(instrument)

    def turn(self):
        step = 0
        while self.on:
            step += 1
            with self.lock:
                for name, (tick, _, _) in self.goods.items():
                    self.price[name] += tick if step % 8 < 4 else -tick
                    self.look(name)
            time.sleep(0.1)

    def look(self, name):
        if name in self.wanted:
            self.ctx.emit(self.quote(name))
        for ticket in [t for t in self.tickets.values() if t["open"] and t["order"].instrument == name]:
            self.deal(ticket)

    def quote(self, name):
        tick, lot, _ = self.goods[name]
        return Quote(name, self.price[name], lot * 100, self.price[name] + tick, lot * 100, time.time_ns())

    def submit(self, order):
        with self.lock:
            ticket = {"order": order, "open": True}
            why = self.wrong(order)
            if why:
                self.say(ticket, ExecType.REJECTED, OrdStatus.REJECTED, reason=why)
                return
            self.tickets[order.client_order_id] = ticket
            self.say(ticket, ExecType.NEW, OrdStatus.NEW)
            self.deal(ticket)

    def wrong(self, order):
        if order.client_order_id in self.tickets:
            return "this ticket number is taken"
        if order.instrument not in self.goods:
            return "we do not have that"
        tick, lot, _ = self.goods[order.instrument]
        if order.tif is not TimeInForce.DAY or order.type not in (OrderType.MARKET, OrderType.LIMIT):
            return "we do not do that"
        if order.qty <= 0 or order.qty % lot:
            return "not a quantity"
        if order.type is OrderType.LIMIT and (order.price is None or order.price <= 0 or order.price % tick):
            return "not a price"
        if order.side is Side.SELL and order.qty > self.free(order.instrument):
            return "you do not have that many"
        return None

    def free(self, name):
        offered = sum(
            t["order"].qty
            for t in self.tickets.values()
            if t["open"] and t["order"].side is Side.SELL and t["order"].instrument == name
        )
        return self.shelf.get(name, Decimal(0)) - offered

    def deal(self, ticket):
        order = ticket["order"]
        tick = self.goods[order.instrument][0]
        buys = order.side is Side.BUY
        price = self.price[order.instrument] + (tick if buys else 0)
        if order.price is not None and (price > order.price if buys else price < order.price):
            return
        self.fills += 1
        ticket["open"] = False
        self.shelf[order.instrument] = self.shelf.get(order.instrument, Decimal(0)) + (
            order.qty if buys else -order.qty
        )
        self.say(
            ticket,
            ExecType.TRADE,
            OrdStatus.FILLED,
            last_qty=order.qty,
            last_px=price,
            cum_qty=order.qty,
            exec_id=str(self.fills),
        )

    def cancel(self, client_order_id, instrument):
        with self.lock:
            ticket = self.tickets.get(client_order_id)
            if ticket and ticket["open"]:
                ticket["open"] = False
                self.say(ticket, ExecType.CANCELED, OrdStatus.CANCELED)
            else:
                self.ctx.emit(
                    OrderUpdate(
                        client_order_id,
                        instrument,
                        ExecType.CANCEL_REJECTED,
                        OrdStatus.REJECTED,
                        Side.BUY,
                        Decimal(0),
                        reason="no such ticket is open",
                    )
                )

    def open_orders(self):
        with self.lock:
            return [self.word(t, ExecType.STATUS, OrdStatus.NEW) for t in self.tickets.values() if t["open"]]

    def positions(self):
        with self.lock:
            return [Position(instrument=name, qty=qty) for name, qty in self.shelf.items() if qty]

    def word(self, ticket, kind, status, **more):
        order = ticket["order"]
        left = Decimal(0) if status.terminal else order.qty
        return OrderUpdate(
            order.client_order_id,
            order.instrument,
            kind,
            status,
            order.side,
            order.qty,
            order.price,
            leaves_qty=left,
            **more,
        )

    def say(self, ticket, kind, status, **more):
        self.ctx.emit(self.word(ticket, kind, status, **more))
