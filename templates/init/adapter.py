"""A first adapter for certify: a tiny trading system in memory, with market data and an order path.

Put calls to your own system in its place; the shape is what matters. Nothing is inherited, every port is
optional, all that the system says goes through `ctx.emit`, and a refusal is an event, never an exception.
"""

import random
import threading
import time
from dataclasses import replace
from decimal import Decimal

from certify.adapter import (
    Environment, ExecType, Health, Instrument, OrderType, OrderUpdate, OrdStatus, Position, Quote, Side, Source,
    SystemInfo, TimeInForce,
)

CANNOT = {  # capability -> the reason why not; what is not mentioned is claimed, and tried
    **dict.fromkeys(("market_data.trades", "market_data.books"), "publishes quotes only"),
    **dict.fromkeys(("market_data.inject", "market_data.disconnect"), "makes its own market, in its own process"),
    **dict.fromkeys(("orders.stop", "orders.stop_limit"), "handles MARKET and LIMIT orders"),
    **dict.fromkeys(("orders.gtc", "orders.gtd", "orders.ioc", "orders.fok"), "handles DAY orders"),
    **dict.fromkeys(("orders.account", "orders.commission"), "keeps no money, only positions"),
    **dict.fromkeys(("orders.disconnect", "orders.restart"), "lives in memory: no link to lose, nothing kept"),
    "orders.modify": "a working order is cancelled and sent anew",
    "orders.partial_fills": "fills in full at the quoted price, whatever the size",
}
ENDS = {
    ExecType.REJECTED: OrdStatus.REJECTED, ExecType.CANCELED: OrdStatus.CANCELED, ExecType.TRADE: OrdStatus.FILLED,
}


def create(ctx):
    """Return the system; `ctx.config` holds the profile's options, instruments, limits and seed."""
    return System(ctx.emit, ctx.config)


class System:
    def __init__(self, emit, config):
        self.market_data = self.execution = self  # one object may answer for several ports
        self.emit, self.random = emit, random.Random(config["seed"])
        self.known = {
            row["id"]: Instrument(row["id"], tick=Decimal(row["tick"]), lot=Decimal(row["lot"]))
            for row in config["instruments"]
        }
        self.mid = {name: item.tick * 10000 for name, item in self.known.items()}
        self.quotes, self.orders, self.fills, self.held = {}, {}, [], {}
        self.subscribed, self.lock, self.running = set(), threading.RLock(), False
        self.born = str(time.time_ns())  # part of every execution id: a restart begins no second series

    def describe(self):
        return SystemInfo("@NAME@", "0.1", Environment.SIMULATED, CANNOT)

    def start(self):
        self.running = True
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def stop(self):
        if self.running:
            self.running = False
            self.thread.join()

    def health(self):
        return Health(alive=True, connected=self.running)

    # -- market data ----------------------------------------------------------------------------------

    def instruments(self):
        return list(self.known.values())

    def subscribe(self, instrument, kinds):
        if instrument not in self.known:
            raise ValueError("unknown instrument " + instrument)
        self.subscribed.add(instrument)

    def unsubscribe(self, instrument):
        with self.lock:  # when this returns, nothing more is said of it
            self.subscribed.discard(instrument)

    def run(self):
        seq = 0
        while self.running:
            seq += 1
            for name, item in self.known.items():
                with self.lock:
                    self.tick(name, item, seq)
            time.sleep(0.03)

    def tick(self, name, item, seq):
        """Move the market of one instrument by a tick at most, and fill what it reaches."""
        self.mid[name] = max(self.mid[name] + item.tick * self.random.choice((-1, 0, 1)), item.tick * 2)
        bid, ask, size, now = self.mid[name] - item.tick, self.mid[name] + item.tick, item.lot * 500, time.time_ns()
        self.quotes[name] = Quote(name, bid, size, ask, size, ts_event_ns=now, ts_recv_ns=now, seq=seq)
        if name in self.subscribed:
            self.emit(self.quotes[name])
        for update in self.open_orders():
            if update.instrument == name:
                self.match(update)

    # -- orders ---------------------------------------------------------------------------------------

    def submit(self, order):
        with self.lock:
            update = OrderUpdate(
                order.client_order_id, order.instrument, ExecType.NEW, OrdStatus.NEW, order.side, order.qty,
                order.price, leaves_qty=order.qty, type=order.type, tif=order.tif, source=Source.ENGINE,
            )
            code = self.fault(order)
            if code:  # not kept: the refusal of a duplicate leaves the first order as it is
                self.emit(ended(update, ExecType.REJECTED, code=code, reason=code.lower().replace("_", " ")))
                return
            self.keep(update)
            self.match(update)

    def fault(self, order):
        """Return the code of what is wrong with an order, or None."""
        item, limited = self.known.get(order.instrument), order.type is OrderType.LIMIT
        if not self.running or order.client_order_id in self.orders:
            return "DUPLICATE_ORDER_ID" if self.running else "NOT_RUNNING"
        if item is None or item.id not in self.quotes:
            return "UNKNOWN_INSTRUMENT" if item is None else "NO_MARKET"
        if order.qty <= 0 or order.qty % item.lot:
            return "BAD_QUANTITY"
        if limited and (order.price is None or order.price <= 0 or order.price % item.tick):
            return "BAD_PRICE"
        known = limited or order.type is OrderType.MARKET
        return None if known and order.tif is TimeInForce.DAY else "NOT_SUPPORTED"

    def match(self, update):
        """Fill an order at the quote when its price allows."""
        quote, buys = self.quotes[update.instrument], update.side is Side.BUY
        px, qty = quote.ask if buys else quote.bid, update.qty
        if update.price is None or (update.price >= px if buys else update.price <= px):
            terms = {"last_qty": qty, "last_px": px, "cum_qty": qty, "avg_px": px, "exec_id": self.next_id()}
            self.fills.append(self.keep(ended(update, ExecType.TRADE, **terms)))
            self.book(update.instrument, qty if buys else -qty, px)

    def next_id(self):
        return f"{self.born}-{len(self.fills) + 1}"

    def book(self, name, qty, px):
        """Add a fill to the position: average price while it grows, profit where it shrinks."""
        old = self.held.get(name, Position(name, Decimal(0), Decimal(0)))
        total, average, profit = old.qty + qty, old.avg_px or px, old.realized_pnl
        closed = min(abs(qty), abs(old.qty)) if old.qty * qty < 0 else 0
        profit += closed * (px - average) * (1 if old.qty > 0 else -1)
        if not closed:
            average = (abs(old.qty) * average + abs(qty) * px) / abs(total)
        elif abs(qty) > abs(old.qty):
            average = px  # the position has turned
        self.held[name] = Position(name, total, average if total else None, profit)

    def cancel(self, client_order_id, instrument):
        with self.lock:
            unknown = OrderUpdate(
                client_order_id, instrument, ExecType.NEW, OrdStatus.REJECTED, Side.BUY, Decimal(0)
            )
            update = self.orders.get(client_order_id, unknown)
            if update.status is OrdStatus.NEW:
                self.keep(ended(update, ExecType.CANCELED))
            else:
                why = "unknown order" if update is unknown else "already " + update.status.value
                self.emit(replace(update, exec_type=ExecType.CANCEL_REJECTED, code="TOO_LATE", reason=why))

    def cancel_all(self):
        with self.lock:
            for update in self.open_orders():
                self.keep(ended(update, ExecType.CANCELED))

    def open_orders(self):
        with self.lock:
            working = [update for update in self.orders.values() if update.status is OrdStatus.NEW]
            return [replace(update, exec_type=ExecType.STATUS) for update in working]

    def positions(self):
        with self.lock:
            return list(self.held.values())

    def executions(self):
        return list(self.fills)

    def keep(self, update):
        update = replace(update, ts_event_ns=time.time_ns())
        self.orders[update.client_order_id] = update
        self.emit(update)
        return update


def ended(update, exec_type, **terms):
    return replace(update, exec_type=exec_type, status=ENDS[exec_type], leaves_qty=Decimal(0), **terms)
