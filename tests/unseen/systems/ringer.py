"""Ringer: a venue on a thread of its own with jitter; positions follow fills by a moment; no fees."""

import heapq
import os
import random
import sys
import threading
import time
from decimal import Decimal

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pit import ZERO, Holding

import certify.adapter as api

NEW, PART, FILLED = api.OrdStatus.NEW, api.OrdStatus.PARTIALLY_FILLED, api.OrdStatus.FILLED
LAG_S = 0.05
TEXTS = {
    "R-101": "instrument unknown to this desk",
    "R-102": "odd lot",
    "R-103": "price not on grid",
    "R-104": "order reference already used",
    "R-105": "order kind not offered",
    "R-900": "desk closed",
    "R-201": "nothing to cancel",
    "R-202": "nothing to change",
    "R-203": "new size not above what is done",
}
MINUTES_OFF = {
    "orders.commission": "the house charges no commissions",
    "orders.restart": "the desk starts every day with a blank sheet",
    "orders.fok": "the venue does not know FOK",
    "orders.gtd": "the venue does not know GTD",
    "orders.stop_limit": "the venue does not know stop limits",
    "market_data.books": "top of book only",
    "market_data.inject": "the market moves by itself",
    "market_data.disconnect": "the feed is part of the venue",
    "orders.disconnect": "the venue is in the same process",
}


def create(ctx):
    return Ringer(ctx)


class Row(dict):
    """An order of the desk."""

    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__


class Clockwork(threading.Thread):
    """Runs things at their time, in order of their time."""

    def __init__(self):
        super().__init__(daemon=True, name="venue")
        self.heap, self.number, self.wake, self.ended = [], 0, threading.Condition(), False

    def at(self, delay_s, what, *args):
        with self.wake:
            self.number += 1
            heapq.heappush(self.heap, (time.monotonic() + delay_s, self.number, what, args))
            self.wake.notify()

    def run(self):
        while not self.ended:
            with self.wake:
                if not self.heap or self.heap[0][0] > time.monotonic():
                    left = self.heap[0][0] - time.monotonic() if self.heap else 0.2
                    self.wake.wait(min(max(left, 0.0), 0.2))
                    continue
                _, _, what, args = heapq.heappop(self.heap)
            what(*args)


class Ringer:
    def __init__(self, ctx):
        self.out, self.dice = ctx.emit, random.Random(ctx.config.get("seed", 7))
        self.lock = threading.RLock()
        self.venue = None
        self.listed = {
            r["id"]: api.Instrument(
                r["id"], currency=r["currency"], tick=Decimal(r["tick"]), lot=Decimal(r["lot"])
            )
            for r in ctx.config["instruments"]
        }
        self.book, self.mid, self.count = {}, {}, 0
        self.market_data, self.execution = Feed(self), Desk(self)

    def describe(self):
        return api.SystemInfo("ringer", "2026.11", api.Environment.SIMULATED, MINUTES_OFF)

    def start(self):
        self.venue = Clockwork()
        self.venue.start()
        self.venue.at(0, self.tick)

    def stop(self):
        self.venue.ended = True
        self.venue.join(5)
        self.venue = None

    def health(self):
        return api.Health(alive=self.venue is not None, connected=self.venue is not None)

    def tick(self):
        """Move every market a little; one quote in a while is only refreshed."""
        with self.lock:
            for number, (name, rule) in enumerate(self.listed.items()):
                mid = self.mid.get(name, Decimal(80 + 25 * number))
                mid += rule.tick * self.dice.choice((-1, 0, 1))
                self.mid[name] = max(mid, rule.tick * 50)
                spread = rule.tick * self.dice.randint(1, 3)
                size = rule.lot * self.dice.randint(2000, 9000)
                self.book[name] = (self.mid[name] - spread, size, self.mid[name] + spread, size)
                self.market_data.tell(name)
                for row in [r for r in self.execution.rows.values() if r.live and r.name == name]:
                    self.execution.attempt(row)
        self.venue.at(self.dice.uniform(0.02, 0.09), self.tick)


class Feed:
    def __init__(self, desk):
        self.desk, self.on = desk, {}

    def instruments(self):
        return list(self.desk.listed.values())

    def subscribe(self, instrument, kinds):
        with self.desk.lock:
            if instrument in self.desk.listed:
                self.on[instrument] = set(kinds) | self.on.get(instrument, set())

    def unsubscribe(self, instrument):
        with self.desk.lock:
            self.on.pop(instrument, None)

    def tell(self, name):
        kinds, now = self.on.get(name, ()), time.time_ns()
        self.desk.count += 1
        bid, size, ask, other = self.desk.book[name]
        if "QUOTE" in kinds:
            self.desk.out(api.Quote(name, bid, size, ask, other, now - 1500000, now, self.desk.count))
        if "TRADE" in kinds and self.desk.dice.random() < 0.2:
            self.desk.out(api.Trade(name, bid, self.desk.listed[name].lot, now - 1500000, now))


class Desk:
    def __init__(self, desk):
        self.desk, self.rows, self.used, self.done = desk, {}, set(), []
        self.real, self.shown, self.cash = {}, {}, Decimal(500000)
        self.serial = 0

    def jitter(self):
        return self.desk.dice.uniform(0.001, 0.02)

    # asked from outside; the venue's thread answers

    def submit(self, order):
        self.desk.venue.at(self.jitter(), self.land, order)

    def cancel(self, client_order_id, instrument):
        self.desk.venue.at(self.jitter(), self.drop, client_order_id, instrument)

    def modify(self, client_order_id, qty=None, price=None):
        self.desk.venue.at(self.jitter(), self.change, client_order_id, qty, price)

    def cancel_all(self):
        with self.desk.lock:
            for row in self.rows.values():
                if row.live:
                    self.cancel(row.ref, row.name)

    def open_orders(self):
        with self.desk.lock:
            return [self.report(r, api.ExecType.STATUS) for r in self.rows.values() if r.live]

    def positions(self):
        with self.desk.lock:
            return [
                api.Position(name, held.qty, held.average if held.qty else None, held.realized)
                for name, held in self.shown.items()
            ]

    def executions(self):
        with self.desk.lock:
            return list(self.done)

    def account(self):
        with self.desk.lock:
            worth = sum((h.qty * self.desk.mid[n] for n, h in self.real.items()), ZERO)
            made = sum((h.realized for h in self.real.values()), ZERO)
            open_gain = sum((h.worth(self.desk.mid[n]) for n, h in self.real.items()), ZERO)
            return api.AccountState("HOUSE", "USD", self.cash, self.cash + worth, made, open_gain)

    # on the venue's thread

    def land(self, order):
        with self.desk.lock:
            row = Row(
                ref=order.client_order_id,
                name=order.instrument,
                side=order.side,
                qty=order.qty,
                price=order.price,
                stop=order.stop_price,
                kind=order.type,
                tif=order.tif,
                done=ZERO,
                paid=ZERO,
                state=NEW,
                live=True,
                armed=order.type is api.OrderType.STOP,
            )
            code = self.objection(order)
            if code:
                row.update(state=api.OrdStatus.REJECTED, live=False)
                self.tell(row, api.ExecType.REJECTED, code=code, reason=TEXTS[code], source=api.Source.ENGINE)
                return
            self.used.add(order.client_order_id)
            self.rows[row.ref] = row
            self.tell(row, api.ExecType.NEW)
            self.attempt(row)
            if row.live and row.tif is api.TimeInForce.IOC:
                self.finish(row, api.OrdStatus.CANCELED, api.ExecType.CANCELED)

    def objection(self, order):
        rule, kinds = self.desk.listed.get(order.instrument), api.OrderType
        if order.client_order_id in self.used:
            return "R-104"
        if rule is None or order.instrument not in self.desk.book:
            return "R-101"
        if order.qty <= 0 or order.qty % rule.lot != 0:
            return "R-102"
        if order.type is kinds.STOP_LIMIT or order.tif in (api.TimeInForce.FOK, api.TimeInForce.GTD):
            return "R-105"
        needed = order.price if order.type is kinds.LIMIT else order.stop_price
        if order.type in (kinds.LIMIT, kinds.STOP) and (
            needed is None or needed <= 0 or needed % rule.tick != 0
        ):
            return "R-103"
        return None

    def attempt(self, row):
        bid, bid_size, ask, ask_size = self.desk.book[row.name]
        buys = row.side is api.Side.BUY
        price, size = (ask, ask_size) if buys else (bid, bid_size)
        if row.armed and (price >= row.stop if buys else price <= row.stop):
            row.armed = False
        limit = row.price if row.kind is api.OrderType.LIMIT else None
        if row.armed or (limit is not None and (price > limit if buys else price < limit)):
            return
        self.trade(row, price, min(size, row.qty - row.done))

    def trade(self, row, price, qty):
        row.done += qty
        row.paid += qty * price
        row.state = FILLED if row.done == row.qty else PART
        row.live = row.state is PART
        self.serial += 1
        signed = qty if row.side is api.Side.BUY else -qty
        self.real.setdefault(row.name, Holding()).book(signed, price)
        self.cash -= signed * price
        self.done.append(
            self.tell(row, api.ExecType.TRADE, last_qty=qty, last_px=price, exec_id="X%06d" % self.serial)
        )
        self.desk.venue.at(LAG_S, self.reveal, row.name, signed, price)

    def reveal(self, name, signed, price):
        with self.desk.lock:
            self.shown.setdefault(name, Holding()).book(signed, price)

    def drop(self, ref, name):
        with self.desk.lock:
            row = self.rows.get(ref)
            if row is None or not row.live:
                self.deny(row, ref, name, api.ExecType.CANCEL_REJECTED, "R-201")
            else:
                self.finish(row, api.OrdStatus.CANCELED, api.ExecType.CANCELED)

    def deny(self, row, ref, name, kind, code):
        if row is None:
            self.desk.out(
                api.OrderUpdate(
                    ref,
                    name or "",
                    kind,
                    api.OrdStatus.REJECTED,
                    api.Side.BUY,
                    ZERO,
                    code=code,
                    reason=TEXTS[code],
                    source=api.Source.ENGINE,
                )
            )
        else:
            self.tell(row, kind, code=code, reason=TEXTS[code], source=api.Source.ENGINE)

    def change(self, ref, qty, price):
        with self.desk.lock:
            row = self.rows.get(ref)
            rule = self.desk.listed.get(row.name) if row else None
            code = None
            if row is None or not row.live:
                code = "R-202"
            elif qty is not None and qty % rule.lot != 0:
                code = "R-102"
            elif qty is not None and qty <= row.done:
                code = "R-203"
            elif price is not None and (price <= 0 or price % rule.tick != 0):
                code = "R-103"
            if code:
                self.deny(row, ref, "", api.ExecType.REPLACE_REJECTED, code)
                return
            row.update(qty=row.qty if qty is None else qty, price=row.price if price is None else price)
            self.tell(row, api.ExecType.REPLACED)
            self.attempt(row)

    def finish(self, row, state, kind):
        row.update(state=state, live=False)
        self.tell(row, kind)

    def report(self, row, kind, **more):
        left = row.qty - row.done if row.live else ZERO
        average = (row.paid / row.done).quantize(Decimal("0.00001")) if row.done else None
        return api.OrderUpdate(
            row.ref,
            row.name,
            kind,
            row.state,
            row.side,
            row.qty,
            row.price,
            row.stop,
            cum_qty=row.done,
            leaves_qty=left,
            avg_px=average,
            type=row.kind,
            tif=row.tif,
            ts_event_ns=time.time_ns(),
            **more,
        )

    def tell(self, row, kind, **more):
        update = self.report(row, kind, **more)
        self.desk.out(update)
        return update
