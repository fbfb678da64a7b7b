"""House: a crypto house with all seven ports, and its own mind wherever the contract leaves a choice."""

import os
import random
import sys
import threading
import time
from collections import deque
from dataclasses import replace
from decimal import Decimal as D

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pit import ZERO, Holding, Pit

from certify.adapter import (
    AccountState,
    Alert,
    AlertEntry,
    AlertSeverity,
    AlertState,
    BookUpdate,
    BrokerInfo,
    ConnectionChange,
    Criterion,
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
    Trade,
)

FEE = D("0.0010")
DEFAULTS = {
    "max_order_qty": D(400),
    "max_order_notional": D(2000),
    "max_position_qty": D(900),
    "max_position_notional": D(4000),
    "max_open_orders": D(50),
    "max_order_rate": D(60),
    "max_daily_loss": D(500),
    "price_band": D(5),
}
CANNOT = {
    "orders.restart": "accounts live in memory",
    "framework.failover": "switching is a decision of people",
}
IMMEDIATE = (TimeInForce.IOC, TimeInForce.FOK)


def create(ctx):
    return House(ctx)


class House:
    def __init__(self, ctx):
        self.emit, self.lock, self.dice = (
            ctx.emit,
            threading.RLock(),
            random.Random(ctx.config.get("seed", 5)),
        )
        self.items = {
            r["id"]: Instrument(r["id"], r["kind"], r["currency"], D(r["tick"]), D(r["lot"]))
            for r in ctx.config["instruments"]
        }
        given = {name: D(value) for name, value in ctx.config.get("limits", {}).items()}
        self.last, self.running, self.threads = {}, False, []
        self.trade_monitor = Monitor(self)
        self.desks = {"prime": Desk(self, "prime"), "backup": Desk(self, "backup")}
        self.active = "prime"
        self.market_data = Feed(self)
        self.risk = Risk(self, {**DEFAULTS, **given})
        self.broker, self.execution = Straight(self), Guarded(self)
        self.paper_trading, self.broker_framework = Paper(self), Registry(self)

    def describe(self):
        return SystemInfo("house", "0.9", Environment.SIMULATED, dict(CANNOT))

    def start(self):
        self.running = True
        self.threads = [
            threading.Thread(target=what, daemon=True)
            for what in (self.market_data.run, self.trade_monitor.run)
        ]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.running = False
        for thread in self.threads:
            thread.join()

    def health(self):
        return Health(self.running, self.market_data.up and self.desks[self.active].up)

    def desk(self):
        return self.desks[self.active]

    def all_desks(self):
        return [*self.desks.values(), *self.paper_trading.desks]

    def moved(self, name):
        """The market of one instrument has changed: every desk looks what it can do."""
        for desk in self.all_desks():
            desk.mirror(name)
        self.risk.watch_loss()

    def later(self, delay_s, what):
        timer = threading.Timer(delay_s, what)
        timer.daemon = True
        timer.start()


class Feed:
    def __init__(self, house):
        self.house, self.pit, self.wanted, self.up = house, Pit(), {}, True
        self.calm_until, self.seq, self.heard = {}, 0, {}
        for number, (name, item) in enumerate(house.items.items()):
            mid = D("0.52000") * (number + 1)
            self.pit.show(name, mid - item.tick, D(700), mid + item.tick, D(700))

    def instruments(self):
        return list(self.house.items.values())

    def subscribe(self, instrument, kinds):
        with self.house.lock:
            if instrument not in self.house.items:
                raise LookupError(instrument)
            self.wanted[instrument] = self.wanted.get(instrument, set()) | set(kinds)
            self.heard[instrument] = time.monotonic()
            self.publish(instrument)

    def unsubscribe(self, instrument):
        with self.house.lock:
            self.wanted.pop(instrument, None)

    def inject(self, event):
        with self.house.lock:
            self.calm_until[event.instrument] = time.monotonic() + 3
            if isinstance(event, Trade):
                self.printed(event.instrument, event.price, event.size)
                return
            self.pit.show(event.instrument, event.bid, event.bid_size, event.ask, event.ask_size)
            self.publish(event.instrument, event.ts_event_ns)
            self.house.moved(event.instrument)

    def disconnect(self):
        self.up = False
        self.house.emit(ConnectionChange("market_data", False, "cut"))
        self.house.trade_monitor.alarm("DISCONNECT", AlertSeverity.WARNING, "feed lost", "market_data")

    def reconnect(self):
        with self.house.lock:
            self.up = True
            self.house.emit(ConnectionChange("market_data", True))
            for name in self.wanted:
                self.publish(name)

    def run(self):
        while self.house.running:
            with self.house.lock:
                for name in self.house.items:
                    self.step(name)
            time.sleep(0.2)

    def step(self, name):
        if time.monotonic() > self.calm_until.get(name, 0):
            tick, old = self.house.items[name].tick, self.pit.shown[name]
            bid = (old[0] if old[0] is not None else old[2] - 2 * tick) + tick * self.house.dice.choice(
                (-1, 0, 1)
            )
            size = D(self.house.dice.randint(600, 900))
            self.pit.show(name, bid, size, bid + 2 * tick, size)
            self.house.moved(name)
        self.publish(name)

    def publish(self, name, at_ns=None):
        kinds = self.wanted.get(name, ())
        if not self.up or not kinds:
            return
        now, self.seq, self.heard[name] = time.time_ns(), self.seq + 1, time.monotonic()
        bid, bid_size, ask, ask_size = self.pit.shown[name]
        if "QUOTE" in kinds:
            self.house.emit(Quote(name, bid, bid_size, ask, ask_size, at_ns or now, now, self.seq))
        if "BOOK" in kinds:
            tick = self.house.items[name].tick
            bids = tuple((bid - i * tick, bid_size + i) for i in range(3)) if bid is not None else ()
            asks = tuple((ask + i * tick, ask_size + i) for i in range(3)) if ask is not None else ()
            self.house.emit(BookUpdate(name, bids, asks, at_ns or now, seq=self.seq))

    def printed(self, name, price, size):
        self.house.last[name] = price
        if self.up and "TRADE" in self.wanted.get(name, ()):
            now = time.time_ns()
            self.house.emit(Trade(name, price, size, now, now, trade_id=str(now)))
        for desk in self.house.all_desks():
            desk.trigger(name, price)


class Job:
    """One order at a desk."""

    def __init__(self, order, door):
        self.order, self.door, self.id, self.name = order, door, order.client_order_id, order.instrument
        self.qty, self.price, self.done, self.cost = order.qty, order.price, ZERO, ZERO
        self.state, self.armed = OrdStatus.NEW, order.type in (OrderType.STOP, OrderType.STOP_LIMIT)

    @property
    def live(self):
        return not self.state.terminal

    @property
    def buys(self):
        return self.order.side is Side.BUY

    @property
    def rest(self):
        return (self.qty - self.done) * (1 if self.buys else -1)

    def limit(self):
        return self.price if self.order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None


class Desk:
    """One account at one broker, with what it may take of the market."""

    def __init__(self, house, name, cash=D(100000), currency="EUR"):
        self.house, self.account_name, self.cash, self.currency = house, name, cash, currency
        self.pit, self.jobs, self.trades, self.up = Pit(), {}, [], True
        self.holds = {item: Holding() for item in house.items}
        self.fees, self.kept = ZERO, []

    def mirror(self, name):
        """Take over what the feed shows, then let the orders at work have their share."""
        self.pit.show(name, *self.house.market_data.pit.shown[name])
        for job in [j for j in self.jobs.values() if j.live and j.name == name]:
            there = self.pit.there(name, job.buys)
            if job.armed and there:
                self.arm(job, there[0])
            self.match(job)

    def trigger(self, name, price):
        for job in [j for j in self.jobs.values() if j.live and j.armed and j.name == name]:
            self.arm(job, price)
            self.match(job)

    def arm(self, job, price):
        stop = job.order.stop_price
        if price >= stop if job.buys else price <= stop:
            job.armed = False

    def submit(self, order, door):
        job = Job(order, door)
        wrong = self.wrong(order)
        self.house.trade_monitor.sent(self)
        if wrong:
            self.refuse(job, Source.VENUE, *wrong)
            return
        self.jobs[job.id] = job
        if not self.pit.shown.get(job.name):
            self.mirror(job.name)
        self.say(job, ExecType.NEW)
        there = self.pit.there(job.name, job.buys)
        if job.armed and there:
            self.arm(job, there[0])
        if order.tif is not TimeInForce.FOK or self.whole(job):
            self.match(job)
        if job.live and order.tif in IMMEDIATE:
            self.finish(job, OrdStatus.CANCELED, ExecType.CANCELED)
        if job.live and order.tif is TimeInForce.GTD:
            self.house.later(max(0, (order.expire_at_ns - time.time_ns()) / 1e9), lambda: self.expire(job))

    def whole(self, job):
        there = self.pit.there(job.name, job.buys, job.limit())
        return there is not None and there[1] >= job.qty

    def expire(self, job):
        with self.house.lock:
            if job.live:
                self.finish(job, OrdStatus.EXPIRED, ExecType.EXPIRED)

    def refuse(self, job, source, code, reason):
        job.state = OrdStatus.REJECTED
        self.house.trade_monitor.refused(self)
        self.say(job, ExecType.REJECTED, source=source, code=code, reason=reason)

    def wrong(self, order):
        item = self.house.items.get(order.instrument)
        if not self.up:
            return "NO_SESSION", "session to the venue is down"
        if order.client_order_id in self.jobs:
            return "DUPLICATE", "venue: ClOrdID was used before"
        if item is None:
            return "SYMBOL", "venue: unknown symbol"
        if order.qty <= 0 or order.qty % item.lot:
            return "LOT_SIZE", "venue: filter LOT_SIZE"
        limited = order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
        stopped = order.type in (OrderType.STOP, OrderType.STOP_LIMIT)
        for needed, price in ((limited, order.price), (stopped, order.stop_price)):
            if needed and (price is None or price <= 0 or price % item.tick):
                return "PRICE_FILTER", "venue: filter PRICE_FILTER"
        if order.tif is TimeInForce.GTD and not order.expire_at_ns:
            return "EXPIRY", "venue: no expiry"
        return None

    def match(self, job):
        if job.armed or not job.live:
            return
        got = self.pit.take(job.name, job.buys, job.qty - job.done, job.limit())
        if got:
            self.fill(job, *got)

    def fill(self, job, price, qty):
        job.done, job.cost = job.done + qty, job.cost + qty * price
        job.state = OrdStatus.FILLED if job.done == job.qty else OrdStatus.PARTIALLY_FILLED
        fee, signed = qty * price * FEE, qty if job.buys else -qty
        self.holds[job.name].book(signed, price)
        self.cash -= signed * price + fee
        self.fees += fee
        number = "%s.%d" % (self.account_name, len(self.trades) + 1)
        self.house.trade_monitor.filled(self, qty, job.state)
        self.trades.append(
            (
                job.door,
                self.say(job, ExecType.TRADE, last_qty=qty, last_px=price, exec_id=number, commission=fee),
            )
        )
        if self in self.house.desks.values():
            self.house.market_data.printed(job.name, price, qty)

    def cancel(self, name, instrument):
        job = self.jobs.get(name)
        if job is None:
            self.unknown(name, instrument, ExecType.CANCEL_REJECTED)
        elif not job.live or not self.up:
            self.say(
                job, ExecType.CANCEL_REJECTED, code="NO_SESSION" if job.live else "CLOSED", reason="too late"
            )
        else:
            self.say(job, ExecType.PENDING_CANCEL)
            self.finish(job, OrdStatus.CANCELED, ExecType.CANCELED)

    def unknown(self, name, instrument, kind):
        self.house.emit(
            OrderUpdate(
                name,
                instrument or "",
                kind,
                OrdStatus.REJECTED,
                Side.BUY,
                ZERO,
                source=Source.VENUE,
                code="UNKNOWN_ORDER",
                reason="no such order",
            )
        )

    def modify(self, name, qty, price, objection=None):
        """Cancel and replace at the venue; the client's order id is kept."""
        job = self.jobs.get(name)
        if job is None:
            self.unknown(name, "", ExecType.REPLACE_REJECTED)
            return
        item = self.house.items[job.name]
        code = "NO_SESSION" if not self.up else "CLOSED" if not job.live else None
        if qty is not None and (qty <= job.done or qty % item.lot):
            code = code or "LOT_SIZE"
        if price is not None and (price <= 0 or price % item.tick):
            code = code or "PRICE_FILTER"
        code = code or (objection and objection[0])
        if code:
            self.say(
                job,
                ExecType.REPLACE_REJECTED,
                code=code,
                reason=objection[1] if objection else "not replaced",
            )
            return
        self.say(job, ExecType.PENDING_REPLACE)
        self.jobs[name] = self.jobs.pop(name)  # the last in the queue now
        job.qty = job.qty if qty is None else qty
        job.price = job.price if price is None else price
        self.say(job, ExecType.REPLACED)
        self.match(job)

    def finish(self, job, state, kind):
        job.state = state
        self.house.trade_monitor.ended(self, state)
        self.say(job, kind)

    def cancel_all(self, door=None):
        for job in [j for j in self.jobs.values() if j.live and door in (None, j.door)]:
            self.finish(job, OrdStatus.CANCELED, ExecType.CANCELED)

    def open(self, door=None):
        return [
            self.word(j, ExecType.STATUS) for j in self.jobs.values() if j.live and door in (None, j.door)
        ]

    def word(self, job, kind, **more):
        return OrderUpdate(
            job.id,
            job.name,
            kind,
            job.state,
            job.order.side,
            job.qty,
            job.price,
            job.order.stop_price,
            cum_qty=job.done,
            leaves_qty=abs(job.rest) if job.live else ZERO,
            account=self.account_name,
            avg_px=job.cost / job.done if job.done else None,
            type=job.order.type,
            tif=job.order.tif,
            ts_event_ns=time.time_ns(),
            **more,
        )

    def say(self, job, kind, **more):
        update = self.word(job, kind, **more)
        if self.up or kind is not ExecType.TRADE:
            self.house.emit(update)
        else:
            self.kept.append(update)
        return update

    def link(self, up):
        self.up = up
        self.house.emit(ConnectionChange("broker", up, "" if up else "cut"))
        if up:
            for update in self.kept:
                self.house.emit(update)
            self.kept = []
        else:
            self.house.trade_monitor.alarm("DISCONNECT", AlertSeverity.CRITICAL, "broker lost", "broker")

    def positions(self):
        return [
            Position(n, h.qty, h.average if h.qty else None, h.realized, self.gain(n), self.account_name)
            for n, h in self.holds.items()
        ]

    def gain(self, name):
        bid, _, ask, _ = self.house.market_data.pit.shown[name]
        held = self.holds[name]
        price = bid if held.qty > 0 else ask
        return held.worth(held.average if price is None else price)

    def account(self):
        gain = sum((self.gain(n) for n in self.holds), ZERO)
        worth = sum((h.qty * h.average for h in self.holds.values()), ZERO) + gain
        made = sum((h.realized for h in self.holds.values()), ZERO)
        return AccountState(
            self.account_name, self.currency, self.cash, self.cash + worth, made, gain, self.fees
        )


class Straight:
    """Port `broker`: whatever broker is active, without questions."""

    door = "broker"
    shows = None

    def __init__(self, house):
        self.house = house

    def desk(self):
        return self.house.desk()

    def submit(self, order):
        with self.house.lock:
            self.desk().submit(order, self.door)

    def cancel(self, client_order_id, instrument):
        with self.house.lock:
            self.desk().cancel(client_order_id, instrument)

    def modify(self, client_order_id, qty=None, price=None):
        with self.house.lock:
            self.desk().modify(client_order_id, qty, price)

    def cancel_all(self):
        with self.house.lock:
            self.desk().cancel_all(self.shows)

    def open_orders(self):
        with self.house.lock:
            return self.desk().open(self.shows)

    def positions(self):
        with self.house.lock:
            return self.desk().positions()

    def executions(self):
        with self.house.lock:
            return [update for door, update in self.desk().trades if self.shows in (None, door)]

    def account(self):
        with self.house.lock:
            return self.desk().account()

    def disconnect(self):
        with self.house.lock:
            self.desk().link(False)

    def reconnect(self):
        with self.house.lock:
            self.desk().link(True)


class Guarded(Straight):
    """Port `execution`: asks risk first."""

    door = shows = "execution"

    def positions(self):
        """What is held at any broker: a switch changes where orders go, not what one has."""
        with self.house.lock:
            found = {}
            for position in (p for desk in self.house.desks.values() for p in desk.positions() if p.qty):
                found.setdefault(position.instrument, []).append(position)
            return [
                ps[0] if len(ps) == 1 else replace(ps[0], qty=sum(p.qty for p in ps), avg_px=None)
                for ps in found.values()
            ]

    def executions(self):
        with self.house.lock:
            return [u for desk in self.house.desks.values() for door, u in desk.trades if door == self.door]

    def submit(self, order):
        with self.house.lock:
            why = self.house.risk.judge(order, count=True)
            if why is None:
                self.desk().submit(order, self.door)
                return
            self.house.trade_monitor.sent(self.desk())
            self.desk().refuse(Job(order, self.door), Source.RISK, *why)
            self.house.risk.breached(*why)

    def modify(self, client_order_id, qty=None, price=None):
        with self.house.lock:
            job = self.desk().jobs.get(client_order_id)
            why = None
            if job is not None and job.live:
                changed = replace(
                    job.order,
                    qty=job.qty if qty is None else qty,
                    price=job.price if price is None else price,
                )
                why = self.house.risk.judge(changed, job=job, count=True)
            self.desk().modify(client_order_id, qty, price, why)
            if why:
                self.house.risk.breached(*why)


class Risk:
    def __init__(self, house, values):
        self.house, self.values, self.mode, self.window = house, values, "ACTIVE", (0, 0)
        self.journal = []

    def limits(self):
        return [Limit(name, value) for name, value in self.values.items()]

    def set_limit(self, limit, by):
        if not (by or "").strip():
            return Decision(False, "NAME", "a person must stand for it")
        if limit.name not in self.values or limit.instrument is not None:
            return Decision(False, "UNKNOWN_LIMIT", "limits of the house hold for everything")
        if not limit.value.is_finite() or limit.value < 0:
            return Decision(False, "VALUE", "not a limit")
        with self.house.lock:
            self.journal.append((time.time_ns(), by, limit))
            self.values[limit.name] = limit.value
        return Decision(True)

    def kill(self, mode, by, reason, cancel_open=True):
        with self.house.lock:
            self.mode = mode
            self.house.trade_monitor.alarm(
                "KILL_SWITCH", AlertSeverity.WARNING, "%s by %s: %s" % (mode, by, reason), "risk"
            )
            doomed = [
                (d, j) for d in self.house.desks.values() for j in d.jobs.values() if j.door == "execution"
            ]
        if cancel_open:
            self.house.later(0.1, lambda: self.sweep(doomed))

    def sweep(self, doomed):
        with self.house.lock:
            for desk, job in doomed:
                if job.live:
                    desk.finish(job, OrdStatus.CANCELED, ExecType.CANCELED)

    def resume(self, by, reason):
        if not (by or "").strip():
            return Decision(False, "NAME", "a person must stand for it")
        self.mode = "ACTIVE"
        return Decision(True)

    def state(self):
        return self.mode

    def precheck(self, order):
        with self.house.lock:
            why = self.judge(order)
            return Decision(True) if why is None else Decision(False, *why)

    def judge(self, order, job=None, count=False):
        """Return code and text of the first rule against an order, else None."""
        for rule in (self.gate, self.loss, self.size, self.worth, self.exposure, self.many, self.band):
            why = rule(order, job)
            if why:
                return why
        return self.rate() if count else None

    def price(self, order):
        bid, _, ask, _ = self.house.market_data.pit.shown.get(order.instrument, (None,) * 4)
        market = (ask if order.side is Side.BUY else bid) or bid or ask or ZERO
        return order.price or order.stop_price or market

    def open_jobs(self, besides):
        jobs = (j for desk in self.house.desks.values() for j in desk.jobs.values())
        return [j for j in jobs if j.live and j is not besides and j.door == "execution"]

    def held(self, name):
        return sum((desk.holds[name].qty for desk in self.house.desks.values() if name in desk.holds), ZERO)

    def signed(self, order, job):
        left = order.qty - (job.done if job else ZERO)
        return left if order.side is Side.BUY else -left

    def reduces(self, order, job):
        held, change = self.held(order.instrument), self.signed(order, job)
        same = sum(j.rest for j in self.open_jobs(job) if j.name == order.instrument and j.rest * change > 0)
        return held * change < 0 and abs(change + same) <= abs(held)

    def gate(self, order, job):
        if self.mode == "HALT":
            return "KILL_SWITCH", "trading is halted"
        if self.mode == "REDUCE_ONLY" and not self.reduces(order, job):
            return "REDUCE_ONLY", "only what reduces a position"
        return None

    def lost(self):
        accounts = [desk.account() for desk in self.house.desks.values()]
        return -sum(a.realized_pnl + a.unrealized_pnl - a.commissions for a in accounts)

    def loss(self, order, job):
        if self.lost() >= self.values["max_daily_loss"] and not self.reduces(order, job):
            return "MAX_DAILY_LOSS", "the day has cost %s" % self.lost()
        return None

    def watch_loss(self):
        if self.lost() >= self.values["max_daily_loss"]:
            self.house.trade_monitor.alarm(
                "DAILY_LOSS", AlertSeverity.CRITICAL, "day's loss %s" % self.lost(), "risk"
            )

    def size(self, order, job):
        most = self.values["max_order_qty"]
        return ("MAX_ORDER_QTY", "%s > %s" % (order.qty, most)) if order.qty > most else None

    def worth(self, order, job):
        value, most = order.qty * self.price(order), self.values["max_order_notional"]
        return ("MAX_ORDER_NOTIONAL", "%s > %s" % (value, most)) if value > most else None

    def exposure(self, order, job):
        name, change = order.instrument, self.signed(order, job)
        same = sum(j.rest for j in self.open_jobs(job) if j.name == name and j.rest * change > 0)
        after = abs(self.held(name) + same + change)
        if abs(self.held(name)) >= after and self.held(name) * change < 0:
            return None
        if after > self.values["max_position_qty"]:
            return "MAX_POSITION_QTY", "%s with what is at work" % after
        if after * self.price(order) > self.values["max_position_notional"]:
            return "MAX_POSITION_NOTIONAL", "%s with what is at work" % (after * self.price(order))
        return None

    def many(self, order, job):
        full = job is None and len(self.open_jobs(None)) >= self.values["max_open_orders"]
        return ("MAX_OPEN_ORDERS", "enough at work") if full else None

    def band(self, order, job):
        if order.type not in (OrderType.LIMIT, OrderType.STOP_LIMIT) or order.price is None:
            return None
        bid, _, ask, _ = self.house.market_data.pit.shown.get(order.instrument, (None,) * 4)
        anchor = self.house.last.get(order.instrument) or ((bid + ask) / 2 if bid and ask else bid or ask)
        if anchor and abs(order.price - anchor) > anchor * self.values["price_band"] / 100:
            return "PRICE_BAND", "%s is too far from %s" % (order.price, anchor)
        return None

    def rate(self):
        """Count by whole seconds of the clock."""
        second = int(time.time())
        self.window = (second, self.window[1] + 1 if self.window[0] == second else 1)
        return ("MAX_ORDER_RATE", "too fast") if self.window[1] > self.values["max_order_rate"] else None

    def breached(self, code, reason):
        monitor = self.house.trade_monitor
        if code == "MAX_DAILY_LOSS":
            monitor.alarm("DAILY_LOSS", AlertSeverity.CRITICAL, reason, "risk")
        elif code not in ("KILL_SWITCH", "REDUCE_ONLY"):
            monitor.alarm("LIMIT_BREACH", AlertSeverity.INFO, "%s: %s" % (code, reason), "risk")


class Monitor:
    def __init__(self, house):
        self.house, self.book, self.number = house, {}, 0
        self.counts = dict.fromkeys(
            ("orders_submitted", "orders_filled", "orders_rejected", "orders_canceled", "fills", "volume"),
            ZERO,
        )
        self.recent = deque(maxlen=20)

    def counted(self, desk):
        return desk in self.house.desks.values()

    def add(self, what, desk, amount=1):
        if self.counted(desk):
            self.counts[what] += amount

    def sent(self, desk):
        self.add("orders_submitted", desk)
        if self.counted(desk):
            self.recent.append(False)

    def refused(self, desk):
        self.add("orders_rejected", desk)
        if self.counted(desk):
            self.recent[-1] = True
            if sum(self.recent) >= 10:
                self.alarm("REJECT_RATE", AlertSeverity.WARNING, "every second order is refused", "execution")

    def filled(self, desk, qty, state):
        self.add("fills", desk)
        self.add("volume", desk, qty)
        if state is OrdStatus.FILLED:
            self.add("orders_filled", desk)

    def ended(self, desk, state):
        if state is OrdStatus.CANCELED:
            self.add("orders_canceled", desk)

    def metrics(self):
        with self.house.lock:
            working = sum(len(desk.open()) for desk in self.house.desks.values())
            return {**self.counts, "open_orders": D(working)}

    def alerts(self):
        with self.house.lock:
            return list(self.book.values())

    def alarm(self, kind, severity, text, component):
        """Raise an alert unless one of its kind and component is open."""
        with self.house.lock:
            for alert in self.book.values():
                if (alert.kind, alert.component) == (
                    kind,
                    component,
                ) and alert.state is not AlertState.RESOLVED:
                    return
            self.number += 1
            now = time.time_ns()
            entry = AlertEntry(now, AlertState.RAISED, "house", text)
            self.keep(
                Alert(
                    "A%04d" % self.number,
                    kind,
                    severity,
                    text,
                    AlertState.RAISED,
                    now,
                    component,
                    trail=(entry,),
                )
            )

    def keep(self, alert):
        self.book[alert.id] = alert
        self.house.emit(alert)

    def step(self, alert_id, state, by, note=""):
        with self.house.lock:
            alert = self.book[alert_id]
            if alert.state is AlertState.RESOLVED:
                raise ValueError("%s is closed" % alert_id)
            if not (by or "").strip():
                raise ValueError("who?")
            entry = AlertEntry(time.time_ns(), state, by, note)
            self.keep(replace(alert, state=state, trail=(*alert.trail, entry)))

    def acknowledge(self, alert_id, by):
        self.step(alert_id, AlertState.ACKNOWLEDGED, by)

    def resolve(self, alert_id, by, note):
        self.step(alert_id, AlertState.RESOLVED, by, note)

    def escalate(self, alert_id):
        self.step(alert_id, AlertState.ESCALATED, "house")

    def run(self):
        while self.house.running:
            with self.house.lock:
                for name in self.house.market_data.wanted:
                    if time.monotonic() - self.house.market_data.heard.get(name, time.monotonic()) > 2:
                        self.alarm("STALE_DATA", AlertSeverity.INFO, "no quote of " + name, "market_data")
            time.sleep(0.25)


class Paper(Straight):
    door, shows = "paper", None

    def __init__(self, house):
        super().__init__(house)
        self.desks, self.live = [], False
        self.house.paper_trading = self
        self.desks.append(Desk(house, "paper0", D(50000)))

    def desk(self):
        return self.desks[-1]

    def open_account(self, cash, currency):
        with self.house.lock:
            self.desk().cancel_all()
            self.desks[:] = [
                Desk(self.house, "paper%d" % (int(self.desk().account_name[5:]) + 1), cash, currency)
            ]
            for name in self.house.items:
                self.desk().mirror(name)
            return self.desk().account()

    def readiness(self):
        with self.house.lock:
            fills, working = len(self.desk().trades), len(self.desk().open())
            held = sum(1 for h in self.desk().holds.values() if h.qty)
            return [
                Criterion("paper fills", ">= 4", str(fills), fills >= 4),
                Criterion("working paper orders", "= 0", str(working), working == 0),
                Criterion("open paper positions", "= 0", str(held), held == 0),
                Criterion("risk", "ACTIVE", self.house.risk.mode, self.house.risk.mode == "ACTIVE"),
            ]

    def go_live(self, approved_by):
        if not (approved_by or "").strip():
            return Decision(False, "APPROVAL", "nobody stands for it")
        if self.live:
            return Decision(False, "ALREADY", "is live")
        missing = [c.name for c in self.readiness() if not c.met]
        if missing:
            return Decision(False, "NOT_READY", ", ".join(missing))
        self.live = True
        return Decision(True)

    def revert(self):
        self.live = False

    def mode(self):
        return "LIVE" if self.live else "PAPER"


class Registry:
    def __init__(self, house):
        self.house = house

    def brokers(self):
        found = [
            BrokerInfo(n, Environment.SIMULATED, d.up, n == self.house.active)
            for n, d in self.house.desks.items()
        ]
        return [*found, BrokerInfo("real", Environment.LIVE, False)]

    def active(self):
        return self.house.active

    def switch(self, name, confirm=False):
        with self.house.lock:
            if name == "real":
                return Decision(False, "LIVE", "not connected" if confirm else "needs confirmation")
            if name not in self.house.desks:
                return Decision(False, "UNKNOWN", "no broker " + name)
            if self.house.desk().open():
                return Decision(False, "ORDERS", "orders are at work")
            self.house.active = name
            return Decision(True)
