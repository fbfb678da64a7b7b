"""Swift: everything is a coroutine, and every answer comes later, on a task of its own."""

import asyncio
import os
import random
import sys
import time
from decimal import Decimal

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pit import ZERO, Holding, Pit

from certify.adapter import (
    AccountState,
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
    Side,
    Source,
    SystemInfo,
    TimeInForce,
    Trade,
)

FEE = Decimal("0.005")
CANNOT = {
    "market_data.books": "has the best prices only",
    "orders.restart": "lives in memory and forgets when it stops",
}
LATE = (0.005, 0.04)
DONE = (OrdStatus.FILLED, OrdStatus.CANCELED, OrdStatus.REJECTED, OrdStatus.EXPIRED)


async def create(ctx):
    return Swift(ctx)


class Work:
    """An order at work and the queue of what is still to be said about it."""

    def __init__(self, order):
        self.order, self.qty, self.price = order, order.qty, order.price
        self.cum, self.value, self.status = ZERO, ZERO, None
        self.asleep = order.type in (OrderType.STOP, OrderType.STOP_LIMIT)
        self.said, self.courier = asyncio.Queue(), None

    @property
    def open(self):
        return self.status in (OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED)

    @property
    def limit(self):
        return self.price if self.order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None

    @property
    def buys(self):
        return self.order.side is Side.BUY


class Swift:
    def __init__(self, ctx):
        self.ctx, self.emit = ctx, ctx.emit
        self.random = random.Random(ctx.config.get("seed", 0))
        self.rules = {
            row["id"]: Instrument(
                row["id"], row.get("kind", "STK"), row["currency"], Decimal(row["tick"]), Decimal(row["lot"])
            )
            for row in ctx.config["instruments"]
        }
        self.market_data = Market(self)
        self.execution = Orders(self)
        self.tasks = set()

    async def describe(self):
        return SystemInfo("swift", "3.1", Environment.SIMULATED, dict(CANNOT))

    async def start(self):
        self.market_data.running = True
        self.go(self.market_data.run())

    async def stop(self):
        self.market_data.running = False
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def health(self):
        up = self.market_data.up and self.execution.up
        return Health(alive=self.market_data.running, connected=up, queue_depth=len(self.tasks))

    def go(self, coroutine):
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task


class Market:
    def __init__(self, system):
        self.system, self.pit, self.wanted = system, Pit(), {}
        self.up, self.running, self.held, self.seq = True, False, set(), 0
        for number, (name, rule) in enumerate(system.rules.items()):
            mid = Decimal(150 + 40 * number)
            self.pit.show(
                name, mid - rule.tick, Decimal(300) * rule.lot, mid + rule.tick, Decimal(300) * rule.lot
            )

    async def instruments(self):
        return list(self.system.rules.values())

    async def subscribe(self, instrument, kinds):
        if instrument not in self.system.rules:
            raise KeyError(instrument)
        self.wanted.setdefault(instrument, set()).update(kinds)
        await asyncio.sleep(0.002)
        self.publish(instrument)

    async def unsubscribe(self, instrument):
        self.wanted.pop(instrument, None)

    async def inject(self, event):
        if isinstance(event, Trade):
            self.print_trade(event.instrument, event.price, event.size)
            self.system.execution.prints(event.instrument, event.price)
            return
        self.held.add(event.instrument)
        self.pit.show(event.instrument, event.bid, event.bid_size, event.ask, event.ask_size)
        self.publish(event.instrument, event.ts_event_ns)
        self.system.execution.rematch(event.instrument)

    async def disconnect(self):
        self.up = False
        self.emit(ConnectionChange("market_data", False, "pulled"))

    async def reconnect(self):
        await asyncio.sleep(0.05)
        self.up = True
        self.emit(ConnectionChange("market_data", True))
        for name in list(self.wanted):
            self.publish(name)

    def emit(self, event):
        self.system.emit(event)

    async def run(self):
        while self.running:
            for name in self.system.rules:
                if name not in self.held:
                    self.move(name)
                self.publish(name)
                self.system.execution.rematch(name)
            await asyncio.sleep(0.08)

    def move(self, name):
        tick, lot = self.system.rules[name].tick, self.system.rules[name].lot
        quote = self.pit.shown[name]
        step = tick * self.system.random.choice((-1, 0, 0, 1))
        bid = (
            quote[0] if quote[0] is not None else quote[2] - 2 * tick if quote[2] is not None else 100
        ) + step
        size = lot * self.system.random.randint(100, 900)
        self.pit.show(name, bid, size, bid + 2 * tick, size)
        if self.system.random.random() < 0.1:
            self.print_trade(name, bid, lot)

    def publish(self, name, at_ns=None):
        if not self.up or "QUOTE" not in self.wanted.get(name, ()):
            return
        self.seq += 1
        now = time.time_ns()
        bid, bid_size, ask, ask_size = self.pit.shown[name]
        self.emit(Quote(name, bid, bid_size, ask, ask_size, at_ns or now, now, self.seq, "SWIFT"))

    def print_trade(self, name, price, size):
        if self.up and "TRADE" in self.wanted.get(name, ()):
            now = time.time_ns()
            self.seq += 1
            self.emit(Trade(name, price, size, now, now, trade_id="t%d" % self.seq))


class Orders:
    def __init__(self, system):
        self.system, self.pit = system, system.market_data.pit
        self.works, self.up, self.fills = {}, True, []
        self.holdings = {name: Holding() for name in system.rules}
        self.cash = self.start_cash = Decimal(1000000)
        self.fees = ZERO
        self.numbers = 0

    # commands

    async def submit(self, order):
        first = order.client_order_id not in self.works
        work = Work(order)
        if first:
            self.works[order.client_order_id] = work
            self.say(work, ExecType.PENDING_NEW, OrdStatus.NEW)
        self.system.go(self.arrive(work, None if first else "DUPLICATE"))

    async def cancel(self, client_order_id, instrument):
        work = self.works.get(client_order_id)
        if work is None:
            self.system.go(self.later(self.unknown, client_order_id, instrument))
            return
        if work.open and self.up:
            self.say(work, ExecType.PENDING_CANCEL, work.status)
        self.system.go(self.later(self.do_cancel, work))

    async def modify(self, client_order_id, qty=None, price=None):
        work = self.works.get(client_order_id)
        if work is None:
            self.system.go(self.later(self.unknown, client_order_id, "", ExecType.REPLACE_REJECTED))
            return
        if work.open and self.up:
            self.say(work, ExecType.PENDING_REPLACE, work.status)
        self.system.go(self.later(self.do_modify, work, qty, price))

    async def cancel_all(self):
        for work in [w for w in self.works.values() if w.open]:
            await self.cancel(work.order.client_order_id, work.order.instrument)

    async def open_orders(self):
        return [self.update(w, ExecType.STATUS, w.status) for w in self.works.values() if w.open]

    async def positions(self):
        return [
            Position(n, h.qty, h.average if h.qty else None, h.realized, self.gain(n), "SW1")
            for n, h in self.holdings.items()
            if h.qty or h.realized
        ]

    async def executions(self):
        return list(self.fills)

    async def account(self):
        worth = sum((h.qty * self.mark(n) for n, h in self.holdings.items()), ZERO)
        realized = sum((h.realized for h in self.holdings.values()), ZERO)
        gain = sum((self.gain(n) for n in self.holdings), ZERO)
        return AccountState("SW1", "USD", self.cash, self.cash + worth, realized, gain, self.fees)

    async def disconnect(self):
        self.up = False
        self.system.emit(ConnectionChange("broker", False, "pulled"))

    async def reconnect(self):
        await asyncio.sleep(0.03)
        self.up = True
        self.system.emit(ConnectionChange("broker", True))

    # what becomes of them

    async def later(self, what, *args):
        await asyncio.sleep(self.system.random.uniform(*LATE))
        what(*args)

    async def arrive(self, work, code):
        await asyncio.sleep(self.system.random.uniform(*LATE))
        code = code or (None if self.up else "LINK_DOWN") or self.fault(work.order)
        if code:
            work.status = OrdStatus.REJECTED
            self.say(
                work,
                ExecType.REJECTED,
                work.status,
                code=code,
                reason="not taken: " + code.lower(),
                source=Source.BROKER if code == "LINK_DOWN" else Source.VENUE,
            )
            return
        self.accept(work)

    def accept(self, work):
        work.status = OrdStatus.NEW
        order = work.order
        if order.tif is TimeInForce.FOK and not self.whole(work):
            self.say(work, ExecType.NEW, work.status)
            self.end(work, OrdStatus.CANCELED, ExecType.CANCELED)
            return
        late = self.system.random.random() < 0.4 and not work.asleep
        if not late:
            self.say(work, ExecType.NEW, work.status)
        self.match(work)
        if late and work.open:
            self.say(work, ExecType.NEW, work.status)
        rest = order.tif in (TimeInForce.IOC, TimeInForce.FOK) or order.type is OrderType.MARKET
        if work.open and rest and not work.asleep:
            self.end(work, OrdStatus.CANCELED, ExecType.CANCELED)
        if work.open and order.tif is TimeInForce.GTD:
            self.system.go(self.expire(work))

    def whole(self, work):
        found = self.pit.there(work.order.instrument, work.buys, work.limit)
        return found is not None and found[1] >= work.qty

    async def expire(self, work):
        await asyncio.sleep(max(0, (work.order.expire_at_ns - time.time_ns()) / 1e9))
        if work.open:
            self.end(work, OrdStatus.EXPIRED, ExecType.EXPIRED)

    def fault(self, order):
        rule = self.system.rules.get(order.instrument)
        if rule is None:
            return "NO_SUCH_INSTRUMENT"
        if order.qty <= 0 or order.qty % rule.lot:
            return "BAD_QTY"
        if order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT) and self.bad_price(order.price, rule):
            return "BAD_PRICE"
        if order.type in (OrderType.STOP, OrderType.STOP_LIMIT) and self.bad_price(order.stop_price, rule):
            return "BAD_STOP"
        if order.tif is TimeInForce.GTD and not order.expire_at_ns:
            return "NO_EXPIRY"
        return None

    def bad_price(self, price, rule):
        return price is None or price <= 0 or price % rule.tick != 0

    def match(self, work):
        order = work.order
        if work.asleep:
            self.wake(work)
        if work.asleep or not work.open:
            return
        got = self.pit.take(order.instrument, work.buys, work.qty - work.cum, work.limit)
        if got:
            self.fill(work, *got)

    def wake(self, work, last=None):
        there = self.pit.there(work.order.instrument, work.buys)
        price = last if last is not None else there[0] if there else None
        stop = work.order.stop_price
        if price is not None and (price >= stop if work.buys else price <= stop):
            work.asleep = False

    def fill(self, work, price, qty):
        name, signed = work.order.instrument, qty if work.buys else -qty
        work.cum += qty
        work.value += qty * price
        work.status = OrdStatus.FILLED if work.cum == work.qty else OrdStatus.PARTIALLY_FILLED
        self.numbers += 1
        fee = FEE * qty
        self.holdings[name].book(signed, price)
        self.cash -= signed * price + fee
        self.fees += fee
        self.fills.append(
            self.say(
                work,
                ExecType.TRADE,
                work.status,
                last_qty=qty,
                last_px=price,
                exec_id="sw-%d" % self.numbers,
                commission=fee,
            )
        )

    def rematch(self, name):
        for work in [w for w in self.works.values() if w.open and w.order.instrument == name]:
            self.match(work)

    def prints(self, name, price):
        for work in [w for w in self.works.values() if w.open and w.asleep and w.order.instrument == name]:
            self.wake(work, price)
            self.match(work)

    def do_cancel(self, work):
        if not self.up or not work.open:
            why = "LINK_DOWN" if not self.up else "TOO_LATE"
            self.say(
                work, ExecType.CANCEL_REJECTED, work.status or OrdStatus.NEW, code=why, reason=why.lower()
            )
            return
        self.end(work, OrdStatus.CANCELED, ExecType.CANCELED)

    def do_modify(self, work, qty, price):
        rule = self.system.rules[work.order.instrument]
        wrong = (
            "LINK_DOWN"
            if not self.up
            else "TOO_LATE"
            if not work.open
            else "BAD_QTY"
            if qty is not None and (qty <= work.cum or qty % rule.lot)
            else "BAD_PRICE"
            if price is not None and self.bad_price(price, rule)
            else None
        )
        if wrong:
            self.say(work, ExecType.REPLACE_REJECTED, work.status or OrdStatus.NEW, code=wrong, reason="no")
            return
        work.qty = qty if qty is not None else work.qty
        work.price = price if price is not None else work.price
        self.say(work, ExecType.REPLACED, work.status)
        self.match(work)

    def unknown(self, client_order_id, instrument, kind=ExecType.CANCEL_REJECTED):
        self.system.emit(
            OrderUpdate(
                client_order_id,
                instrument,
                kind,
                OrdStatus.REJECTED,
                Side.BUY,
                ZERO,
                code="UNKNOWN_ORDER",
                reason="never heard of it",
            )
        )

    def end(self, work, status, kind):
        work.status = status
        self.say(work, kind, status)

    # money and words

    def mark(self, name):
        bid, _, ask, _ = self.pit.shown[name]
        if bid is None or ask is None:
            return bid or ask or ZERO
        return (bid + ask) / 2

    def gain(self, name):
        return self.holdings[name].worth(self.mark(name))

    def update(self, work, kind, status, **more):
        done = status in DONE
        leaves = ZERO if done else work.qty - work.cum
        return OrderUpdate(
            work.order.client_order_id,
            work.order.instrument,
            kind,
            status,
            work.order.side,
            work.qty,
            work.price,
            work.order.stop_price,
            cum_qty=work.cum,
            leaves_qty=leaves,
            avg_px=work.value / work.cum if work.cum else None,
            type=work.order.type,
            tif=work.order.tif,
            account="SW1",
            ts_event_ns=time.time_ns(),
            **more,
        )

    def say(self, work, kind, status, **more):
        update = self.update(work, kind, status, **more)
        work.said.put_nowait(update)
        if work.courier is None or work.courier.done():
            work.courier = self.system.go(self.carry(work))
        return update

    async def carry(self, work):
        while not work.said.empty():
            await asyncio.sleep(self.system.random.uniform(0.0005, 0.02))
            update = work.said.get_nowait()
            while not self.up and update.exec_type is ExecType.TRADE:
                await asyncio.sleep(0.01)
            self.system.emit(update)
