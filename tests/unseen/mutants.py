"""Defects of the kind that real systems have, each a small change to one of the healthy systems.

What is wrong is wrong by the contract; all were written before any of them was run.
`create` is the adapter: the options say which system and which mutant. What is changed are the classes
of the system's module, before it is made.
"""

import importlib
import os
import sys
import threading
import time
from dataclasses import replace
from decimal import Decimal as D

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "systems"))

from certify.adapter import (  # noqa: E402
    Alert,
    AlertState,
    Criterion,
    Decision,
    ExecType,
    OrderType,
    OrderUpdate,
    OrdStatus,
    Quote,
    Side,
)

MUTANTS = {}
"""Name → system, function, what is wrong, the phases in which it must show by the contract."""
WHERE = ()
ZERO = D(0)


def create(ctx):
    system, name = ctx.config["system"], ctx.config["mutant"]
    module = importlib.import_module(system)
    function = MUTANTS[name][1]
    said = function(module)
    return module.create(Ear(ctx, said) if said else ctx)


class Ear:
    """A context whose `emit` says what a mutant makes of each event."""

    def __init__(self, ctx, said):
        self._ctx, self._said = ctx, said

    def __getattr__(self, name):
        return getattr(self._ctx, name)

    def emit(self, event):
        for changed in self._said(event):
            self._ctx.emit(changed)


def mutant(system):
    """Register a mutant of a system under the name of the function; its docstring says what is wrong."""

    def register(function):
        MUTANTS[function.__name__] = (system, function, function.__doc__, WHERE)
        return function

    return register


def wrap(owner, name):
    """Replace a method by a function that is given the old one first."""

    def put(function):
        old = getattr(owner, name)

        def changed(self, *args, **more):
            return function(old, self, *args, **more)

        setattr(owner, name, changed)

    return put


class Nth:
    """True for every n-th call."""

    def __init__(self, n):
        self.n, self.count = n, 0

    def __call__(self):
        self.count += 1
        return self.count % self.n == 0


# limits

WHERE = ("risk",)


@mutant("house")
def size_for_limits_only(m):
    """The largest quantity holds for limit orders only."""
    wrap(m.Risk, "size")(
        lambda old, self, order, job: None if order.type is OrderType.MARKET else old(self, order, job)
    )


@mutant("floor")
def size_off_by_one(m):
    """One contract more than the largest order is taken."""
    wrap(m.Clearing, "objection")(
        lambda old, self, order, slip=None, qty=None, price=None: old(
            self, replace(order, qty=order.qty - 1) if slip is None else order, slip, qty, price
        )
    )


@mutant("house")
def position_ignores_working(m):
    """The largest position counts what is held only."""
    wrap(m.Risk, "open_jobs")(lambda old, self, besides: [])


@mutant("house")
def modify_unjudged(m):
    """Changes of orders are not judged by risk."""
    m.Guarded.modify = m.Straight.modify


@mutant("house")
def open_orders_per_instrument(m):
    """Working orders are counted for each instrument alone."""

    def many(self, order, job):
        jobs = [j for j in self.open_jobs(None) if j.name == order.instrument]
        return (
            ("MAX_OPEN_ORDERS", "full")
            if job is None and len(jobs) >= self.values["max_open_orders"]
            else None
        )

    m.Risk.many = many


@mutant("house")
def rate_per_side(m):
    """The rate is counted for each side alone."""

    def judge(old, self, order, job=None, count=False):
        windows = self.__dict__.setdefault("windows", {})
        self.window = windows.get(order.side, (0, 0))
        why = old(self, order, job, count)
        windows[order.side] = self.window
        return why

    wrap(m.Risk, "judge")(judge)


@mutant("keeper")
def limit_forgotten_at_restart(m):
    """A changed limit is back at its first value after a restart."""

    def start(old, self):
        old(self)
        self.base.execute("delete from facts where name like 'max%'")

    wrap(m.Keeper, "start")(start)


@mutant("floor")
def band_for_buys_only(m):
    """The price band is held for purchases only."""

    def objection(old, self, order, slip=None, qty=None, price=None):
        why = old(self, order, slip, qty, price)
        return None if why and why[0] == "BAND" and order.side is Side.SELL else why

    wrap(m.Clearing, "objection")(objection)


@mutant("house")
def short_unlimited(m):
    """Short positions have no limit."""
    wrap(m.Risk, "exposure")(
        lambda old, self, order, job: None if order.side is Side.SELL else old(self, order, job)
    )


@mutant("house")
def loss_realised_only(m):
    """The day's loss leaves out what is open."""
    m.Risk.lost = lambda self: (
        -sum(a.realized_pnl - a.commissions for a in (d.account() for d in self.house.desks.values()))
    )


@mutant("house")
def limits_reset_by_reconnect(m):
    """A reconnect of the broker brings the first limits back."""

    def link(old, self, up):
        old(self, up)
        if up:
            self.house.risk.values.update(m.DEFAULTS)

    wrap(m.Desk, "link")(link)


@mutant("house")
def precheck_counts(m):
    """Asking counts against the rate."""

    def precheck(self, order):
        why = self.judge(order, count=True)
        return Decision(True) if why is None else Decision(False, *why)

    m.Risk.precheck = precheck


@mutant("house")
def limit_set_by_nobody(m):
    """A limit is changed without a name."""
    wrap(m.Risk, "set_limit")(lambda old, self, limit, by: old(self, limit, by or "somebody"))


@mutant("house")
def notional_without_market(m):
    """A market order is worth nothing."""
    wrap(m.Risk, "price")(lambda old, self, order: order.price or order.stop_price or ZERO)


@mutant("floor")
def reduce_only_lets_pass(m):
    """REDUCE_ONLY lets everything pass."""

    def objection(old, self, *args, **more):
        gate = self.floor.gate
        self.floor.gate = "ACTIVE" if gate == "REDUCE_ONLY" else gate
        try:
            return old(self, *args, **more)
        finally:
            self.floor.gate = gate

    wrap(m.Clearing, "objection")(objection)


@mutant("house")
def cancels_throttled(m):
    """Cancels count against the rate and are refused by it."""

    def cancel(old, self, client_order_id, instrument):
        job = self.desk().jobs.get(client_order_id)
        if job and job.live and self.house.risk.rate():
            self.desk().say(job, ExecType.CANCEL_REJECTED, code="MAX_ORDER_RATE", reason="too fast")
        else:
            old(self, client_order_id, instrument)

    wrap(m.Guarded, "cancel")(cancel)


# kill switch

WHERE = ("risk",)


@mutant("house")
def kill_does_not_block(m):
    """The kill switch cancels but goes on taking orders."""
    m.Risk.gate = lambda self, order, job: None


@mutant("house")
def kill_does_not_cancel(m):
    """The kill switch blocks but leaves what works."""
    m.Risk.sweep = lambda self, doomed: None


@mutant("floor")
def kill_forgets_stops(m):
    """The kill switch leaves waiting stops at work."""

    def kill(self, mode, by, reason, cancel_open=True):
        with self.floor.lock:
            self.floor.gate = mode
            for slip in [s for s in self.floor.slips.values() if s.live and cancel_open and s.stop is None]:
                self.floor.close(slip)

    m.Clearing.kill = kill


@mutant("keeper")
def kill_forgotten_at_restart(m):
    """Trading is active again after a restart."""

    def start(old, self):
        old(self)
        self.remember("halt", "ACTIVE")

    wrap(m.Keeper, "start")(start)


@mutant("house")
def modify_while_halted(m):
    """Orders that were left can be made larger while trading is halted."""
    wrap(m.Risk, "gate")(lambda old, self, order, job: None if job is not None else old(self, order, job))


@mutant("house")
def resumed_by_nobody(m):
    """Trading is resumed without a name."""
    wrap(m.Risk, "resume")(lambda old, self, by, reason: old(self, by or "x", reason))


@mutant("house")
def kill_blocks_the_way_out(m):
    """REDUCE_ONLY refuses what would reduce a position too."""
    m.Risk.reduces = lambda self, order, job: False


# fills and orders

WHERE = ("framework", "integration", "trading")


@mutant("swift")
def fills_again_after_reconnect(m):
    """Every fill of the session is said again after a reconnect."""

    async def reconnect(self):
        self.up = True
        self.system.emit(m.ConnectionChange("broker", True))
        for update in self.fills[-5:]:
            self.system.emit(update)

    m.Orders.reconnect = reconnect


@mutant("keeper")
def fills_again_after_restart(m):
    """The last fills are said again when the system starts."""

    def start(old, self):
        old(self)
        for update in self.executions()[-3:]:
            self.ctx.emit(update)

    wrap(m.Keeper, "start")(start)


@mutant("ringer")
def average_kept_over_flip(m):
    """The average price is not begun anew when a position turns."""

    def book(self, qty, price):
        if self.qty == 0:
            self.average = price
        elif self.qty * qty > 0:
            self.average = (abs(self.qty) * self.average + abs(qty) * price) / abs(self.qty + qty)
        self.qty += qty

    m.Holding.book = book


@mutant("ringer")
def average_of_last(m):
    """The average price of a position is the price of its last fill."""

    def book(old, self, qty, price):
        old(self, qty, price)
        self.average = price if self.qty else ZERO

    wrap(m.Holding, "book")(book)


@mutant("ringer")
def position_unsigned(m):
    """Short positions are shown as long ones."""
    wrap(m.Desk, "positions")(lambda old, self: [replace(p, qty=abs(p.qty)) for p in old(self)])


@mutant("house")
def remainder_lost(m):
    """What is left of a partly filled order is never matched again."""
    wrap(m.Desk, "match")(lambda old, self, job: None if job.done else old(self, job))


@mutant("swift")
def leaves_never_change(m):
    """Leaves stay the whole quantity until the end."""
    wrap(m.Orders, "update")(
        lambda old, self, work, kind, status, **more: (
            lambda u: replace(u, leaves_qty=u.qty) if u.leaves_qty else u
        )(old(self, work, kind, status, **more))
    )


@mutant("floor")
def cum_is_last(m):
    """Cumulated quantity is that of the last fill."""

    def said(event):
        if isinstance(event, OrderUpdate) and event.exec_type is ExecType.TRADE:
            event = replace(event, cum_qty=event.last_qty)
        yield event

    return said


@mutant("house")
def filled_too_early(m):
    """A partly filled order is said to be FILLED."""

    def said(event):
        if (
            isinstance(event, OrderUpdate)
            and event.status is OrdStatus.PARTIALLY_FILLED
            and event.exec_type is ExecType.TRADE
        ):
            event = replace(event, status=OrdStatus.FILLED)
        yield event

    return said


@mutant("kiosk")
def cancels_the_filled(m):
    """A filled order is canceled when asked."""

    def cancel(old, self, client_order_id, instrument):
        ticket = self.tickets.get(client_order_id)
        if ticket and not ticket["open"]:
            self.say(ticket, ExecType.CANCELED, OrdStatus.CANCELED)
        else:
            old(self, client_order_id, instrument)

    wrap(m.Kiosk, "cancel")(cancel)


@mutant("swift")
def canceled_still_fills(m):
    """A canceled order stays in the book and fills when the market comes."""

    def do_cancel(old, self, work):
        old(self, work)
        if work.status is OrdStatus.CANCELED:
            work.status = OrdStatus.NEW
            work.ghost = True

    wrap(m.Orders, "do_cancel")(do_cancel)

    async def open_orders(self):
        return [
            self.update(w, ExecType.STATUS, w.status)
            for w in self.works.values()
            if w.open and not hasattr(w, "ghost")
        ]

    m.Orders.open_orders = open_orders


@mutant("floor")
def exec_id_of_the_order(m):
    """Every fill of an order has the same execution id."""

    def said(event):
        if isinstance(event, OrderUpdate) and event.exec_id:
            event = replace(event, exec_id="X" + event.client_order_id)
        yield event

    return said


@mutant("ringer")
def price_rounded(m):
    """A price off the tick is moved to the tick."""

    def land(old, self, order):
        rule = self.desk.listed.get(order.instrument)
        if rule and order.price and order.price > 0:
            order = replace(order, price=order.price // rule.tick * rule.tick)
        old(self, order)

    wrap(m.Desk, "land")(land)


@mutant("kiosk")
def quantity_rounded(m):
    """A broken quantity is cut to whole lots."""

    def submit(old, self, order):
        lot = self.goods[order.instrument][1] if order.instrument in self.goods else D(1)
        old(self, replace(order, qty=order.qty // lot * lot) if order.qty > lot else order)

    wrap(m.Kiosk, "submit")(submit)


@mutant("swift")
def ioc_rests(m):
    """IOC orders rest."""

    def accept(old, self, work):
        if work.order.tif is m.TimeInForce.IOC:
            work.order = replace(work.order, tif=m.TimeInForce.DAY)
        old(self, work)

    wrap(m.Orders, "accept")(accept)


@mutant("floor")
def fok_partly(m):
    """FOK orders fill partly."""

    def work(self, slip):
        self.floor.match(slip)
        if slip.live and slip.order.tif in (m.TimeInForce.IOC, m.TimeInForce.FOK):
            self.floor.close(slip)

    m.Door.work = work


@mutant("swift")
def gtd_for_ever(m):
    """GTD orders never expire."""

    async def expire(self, work):
        return None

    m.Orders.expire = expire


@mutant("floor")
def stop_on_wrong_side(m):
    """Stops trigger when the market goes away from them."""

    def match(old, self, slip, last=None):
        if slip.stop is None:
            old(self, slip, last)
            return
        there = self.pit.there(slip.order.instrument, slip.buys)
        at = last if last is not None else there[0] if there else None
        if at is not None and (at < slip.stop if slip.buys else at > slip.stop):
            slip.stop = None
            old(self, slip)

    wrap(m.Floor, "match")(match)


@mutant("floor")
def sell_stop_on_wrong_side(m):
    """Sell stops trigger above their price."""

    def match(old, self, slip, last=None):
        if slip.stop is None or slip.buys:
            old(self, slip, last)
            return
        there = self.pit.there(slip.order.instrument, False)
        if there and there[0] > slip.stop:
            slip.stop = None
            old(self, slip)

    wrap(m.Floor, "match")(match)


@mutant("swift")
def stop_limit_as_market(m):
    """A stop limit forgets its limit."""
    m.Work.limit = property(lambda self: self.price if self.order.type is OrderType.LIMIT else None)


@mutant("house")
def beyond_displayed(m):
    """Orders fill in full whatever is shown."""

    def take(self, name, buys, qty, limit=None):
        found = self.there(name, buys, limit)
        return (found[0], qty) if found else None

    m.Pit.take = take


@mutant("floor")
def modify_only_said(m):
    """A change is confirmed, listed, and not made."""

    def modify(old, self, client_order_id, qty=None, price=None):
        slip = self.floor.slips.get(client_order_id)
        before = slip.price if slip else None
        match = self.floor.match
        self.floor.match = lambda s, last=None: None
        old(self, client_order_id, qty, price)
        self.floor.match = match
        if slip and price is not None and slip.price == price:
            slip.said_price, slip.price = price, before

    wrap(m.Door, "modify")(modify)

    def word(old, self, slip, kind, **more):
        update = old(self, slip, kind, **more)
        return replace(update, price=getattr(slip, "said_price", update.price))

    wrap(m.Floor, "word")(word)


@mutant("kiosk")
def reject_without_reason(m):
    """A refusal does not say why."""
    wrap(m.Kiosk, "say")(
        lambda old, self, ticket, kind, status, **more: old(
            self, ticket, kind, status, **{k: v for k, v in more.items() if k != "reason"}
        )
    )


@mutant("ringer")
def unknown_cancel_silent(m):
    """A cancel of an unknown order is not answered."""
    wrap(m.Desk, "drop")(lambda old, self, ref, name: old(self, ref, name) if ref in self.rows else None)


@mutant("swift")
def duplicate_taken(m):
    """An id that was used before is taken again once its order has ended."""

    async def submit(old, self, order):
        if order.client_order_id in self.works and not self.works[order.client_order_id].open:
            del self.works[order.client_order_id]
        await old(self, order)

    old = m.Orders.submit

    async def changed(self, order):
        await submit(old, self, order)

    m.Orders.submit = changed


@mutant("ringer")
def position_lags(m):
    """Every fifth fill shows in the positions only after twenty seconds."""
    slow = Nth(5)
    wrap(m.Desk, "reveal")(
        lambda old, self, *args: (
            self.desk.venue.at(20, lambda: old(self, *args)) if slow() else old(self, *args)
        )
    )


@mutant("house")
def cash_without_commission(m):
    """Commissions never reach the cash."""

    def fill(old, self, job, price, qty):
        old(self, job, price, qty)
        self.cash += qty * price * m.FEE

    wrap(m.Desk, "fill")(fill)


@mutant("floor")
def pnl_without_multiplier(m):
    """Profit and loss leave out the multiplier."""
    m.Holding.worth = lambda self, price: self.qty * (price - self.average)


@mutant("swift")
def cancel_all_forgets_one(m):
    """Cancel-all leaves the last order at work."""

    async def cancel_all(self):
        for work in [w for w in self.works.values() if w.open][:-1]:
            await self.cancel(work.order.client_order_id, work.order.instrument)

    m.Orders.cancel_all = cancel_all


@mutant("swift")
def canceled_while_down(m):
    """A cancel while the link is down is said to be done, and is not."""

    def do_cancel(old, self, work):
        if not self.up and work.open:
            self.say(work, ExecType.CANCELED, OrdStatus.CANCELED)
        else:
            old(self, work)

    wrap(m.Orders, "do_cancel")(do_cancel)


@mutant("floor")
def side_wrong_in_cancel(m):
    """The report of a cancel always says BUY."""

    def said(event):
        if isinstance(event, OrderUpdate) and event.exec_type is ExecType.CANCELED:
            event = replace(event, side=Side.BUY)
        yield event

    return said


@mutant("ringer")
def executions_without_last(m):
    """The list of executions leaves out the last fill of an order that filled in parts or was small."""
    wrap(m.Desk, "executions")(lambda old, self: old(self)[:-1])


@mutant("keeper")
def executions_lost_at_restart(m):
    """Executions are listed from the last start on only."""

    def start(old, self):
        old(self)
        self.first = self.base.execute("select count(*) from fills").fetchone()[0]

    wrap(m.Keeper, "start")(start)
    wrap(m.Keeper, "executions")(lambda old, self: old(self)[self.first :])


@mutant("keeper")
def order_lost_at_restart(m):
    """Working orders are forgotten by a restart."""

    def start(old, self):
        old(self)
        self.base.execute("delete from orders where state = 'NEW'")

    wrap(m.Keeper, "start")(start)


@mutant("keeper")
def position_doubled_at_restart(m):
    """Fills of the session before are booked twice after a restart."""

    def start(old, self):
        old(self)
        self.old_fills = self.base.execute("select count(*) from fills").fetchone()[0]

    wrap(m.Keeper, "start")(start)

    def held(old, self, name):
        rows = self.base.execute(
            "select side, qty from fills where instrument = ? and number <= ?", (name, self.old_fills)
        ).fetchall()
        return old(self, name) + sum((D(q) if s == "BUY" else -D(q) for s, q in rows), ZERO)

    wrap(m.Keeper, "held")(held)


@mutant("swift")
def fill_away_lost(m):
    """A fill while the link is down is never reported."""

    async def carry(self, work):
        while not work.said.empty():
            update = work.said.get_nowait()
            if self.up or update.exec_type is not ExecType.TRADE:
                self.system.emit(update)

    m.Orders.carry = carry


# paper, live, brokers

WHERE = ("integration", "trading")


@mutant("house")
def live_without_approval(m):
    """Going live needs no name."""
    wrap(m.Paper, "go_live")(lambda old, self, approved_by: old(self, approved_by or "auto"))


@mutant("house")
def live_while_unready(m):
    """Going live does not look at readiness."""

    def go_live(self, approved_by):
        if not (approved_by or "").strip() or self.live:
            return Decision(False, "NO", "no")
        self.live = True
        return Decision(True)

    m.Paper.go_live = go_live


@mutant("house")
def readiness_constant(m):
    """Readiness always says that all is met."""
    wrap(m.Paper, "readiness")(
        lambda old, self: [Criterion(c.name, c.required, c.required, True) for c in old(self)]
    )


@mutant("house")
def paper_on_main(m):
    """Paper commissions are taken from the main account."""

    def fill(old, self, job, price, qty):
        old(self, job, price, qty)
        if job.door == "paper":
            self.house.desks["prime"].cash -= qty * price * m.FEE

    wrap(m.Desk, "fill")(fill)


@mutant("house")
def paper_fills_at_middle(m):
    """Paper orders fill at the middle of the quote."""

    def take(old, self, name, buys, qty, limit=None):
        got = old(self, name, buys, qty, limit)
        return got

    def match(old, self, job):
        if job.door != "paper":
            return old(self, job)
        shown = self.pit.shown[job.name]
        if job.live and not job.armed and shown[0] and shown[2]:
            got = self.pit.take(job.name, job.buys, job.qty - job.done, job.limit())
            if got:
                self.fill(job, (shown[0] + shown[2]) / 2 if shown[0] and shown[2] else got[0], got[1])
        return None

    wrap(m.Desk, "match")(match)


@mutant("house")
def switch_only_said(m):
    """A switch of the broker is confirmed and not made."""

    def switch(old, self, name, confirm=False):
        if name in self.house.desks:
            self.shown = name
            return Decision(True)
        return old(self, name, confirm)

    wrap(m.Registry, "switch")(switch)
    m.Registry.active = lambda self: getattr(self, "shown", self.house.active)
    wrap(m.Registry, "brokers")(
        lambda old, self: [replace(b, active=b.name == self.active()) for b in old(self)]
    )


@mutant("house")
def live_switch_unconfirmed(m):
    """A live broker is switched to without confirmation."""
    wrap(m.Registry, "switch")(
        lambda old, self, name, confirm=False: Decision(True) if name == "real" else old(self, name, confirm)
    )


# monitoring

WHERE = ("risk",)


@mutant("house")
def kill_alert_missing(m):
    """The kill switch raises no alert."""
    wrap(m.Monitor, "alarm")(
        lambda old, self, kind, *args: None if kind == "KILL_SWITCH" else old(self, kind, *args)
    )


@mutant("house")
def alerts_late(m):
    """Alerts come eight seconds late."""

    def keep(old, self, alert):
        self.book[alert.id] = alert
        if alert.state is AlertState.RAISED:
            self.house.later(8, lambda: self.house.emit(alert))
        else:
            self.house.emit(alert)

    wrap(m.Monitor, "keep")(keep)


@mutant("house")
def alerts_storm(m):
    """Every refusal is an alert of its own."""

    def alarm(self, kind, severity, text, component):
        with self.house.lock:
            self.number += 1
            now = time.time_ns()
            entry = m.AlertEntry(now, AlertState.RAISED, "house", text)
            self.keep(
                Alert(
                    "A%d" % self.number,
                    kind,
                    severity,
                    text,
                    AlertState.RAISED,
                    now,
                    component,
                    trail=(entry,),
                )
            )

    m.Monitor.alarm = alarm


@mutant("house")
def alert_unlisted(m):
    """Breaches are emitted and not kept."""
    wrap(m.Monitor, "alerts")(lambda old, self: [a for a in old(self) if a.kind != "LIMIT_BREACH"])


@mutant("house")
def acknowledged_by_nobody(m):
    """An alert is acknowledged without a name."""
    wrap(m.Monitor, "acknowledge")(lambda old, self, alert_id, by: old(self, alert_id, by or "?"))


@mutant("house")
def trail_rewritten(m):
    """Resolving an alert leaves only its last line."""

    def step(old, self, alert_id, state, by, note=""):
        old(self, alert_id, state, by, note)
        if state is AlertState.RESOLVED:
            self.book[alert_id] = replace(self.book[alert_id], trail=self.book[alert_id].trail[-1:])

    wrap(m.Monitor, "step")(step)


@mutant("house")
def alert_only_once(m):
    """An alert of a kind is raised once in a lifetime."""

    def alarm(old, self, kind, severity, text, component):
        if not any(a.kind == kind for a in self.book.values()):
            old(self, kind, severity, text, component)

    wrap(m.Monitor, "alarm")(alarm)


@mutant("house")
def volume_counts_orders(m):
    """Volume is the number of fills."""
    wrap(m.Monitor, "filled")(lambda old, self, desk, qty, state: old(self, desk, D(1), state))


@mutant("house")
def refusals_uncounted(m):
    """Refusals by risk are not counted."""

    def refuse(old, self, job, source, code, reason):
        before = self.house.trade_monitor.counts["orders_rejected"]
        old(self, job, source, code, reason)
        if source is m.Source.RISK:
            self.house.trade_monitor.counts["orders_rejected"] = before

    wrap(m.Desk, "refuse")(refuse)


# market data

WHERE = ("framework", "integration")


@mutant("floor")
def quotes_crossed(m):
    """One quote in twenty has its sides crossed."""
    odd = Nth(20)

    def said(event):
        if isinstance(event, Quote) and event.bid is not None and event.ask is not None and odd():
            event = replace(event, bid=event.ask, ask=event.bid)
        yield event

    return said


@mutant("ringer")
def instrument_freezes(m):
    """The second instrument falls silent some seconds after the start."""

    def tell(old, self, name):
        self.__dict__.setdefault("born", time.monotonic())
        if name == list(self.desk.listed)[-1] and time.monotonic() - self.born > 6:
            return
        old(self, name)

    wrap(m.Feed, "tell")(tell)


@mutant("swift")
def quotes_twice(m):
    """One quote in fifteen is said twice."""
    odd = Nth(15)

    def said(event):
        yield event
        if isinstance(event, Quote) and odd():
            yield event

    return said


@mutant("keeper")
def quotes_dropped(m):
    """One quote in twelve is lost."""
    odd = Nth(12)
    return lambda event: () if isinstance(event, Quote) and odd() else (event,)


@mutant("floor")
def sizes_swapped(m):
    """Bid and ask size are swapped."""

    def said(event):
        if isinstance(event, Quote):
            event = replace(event, bid_size=event.ask_size, ask_size=event.bid_size)
        yield event

    return said


@mutant("kiosk")
def zero_for_absent(m):
    """One quote in ten has a bid of zero."""
    odd = Nth(10)

    def said(event):
        if isinstance(event, Quote) and odd():
            event = replace(event, bid=ZERO, bid_size=ZERO)
        yield event

    return said


@mutant("ringer")
def quotes_swapped_in_time(m):
    """One quote in ten overtakes the one before it."""
    odd, held = Nth(10), []

    def said(event):
        if isinstance(event, Quote) and odd():
            held.append(event)
            return
        yield event
        if isinstance(event, Quote):
            while held:
                yield held.pop()

    return said


@mutant("ringer")
def time_in_milliseconds(m):
    """Times of quotes are in milliseconds."""

    def said(event):
        if isinstance(event, Quote):
            event = replace(event, ts_event_ns=event.ts_event_ns // 1000000)
        yield event

    return said


@mutant("floor")
def local_time(m):
    """Times of quotes are local, not UTC."""

    def said(event):
        if isinstance(event, Quote):
            event = replace(event, ts_event_ns=event.ts_event_ns + 3600 * 10**9)
        yield event

    return said


@mutant("ringer")
def time_as_float(m):
    """Times of quotes are floats."""

    def said(event):
        if isinstance(event, Quote):
            event = replace(event, ts_event_ns=float(event.ts_event_ns))
        yield event

    return said


@mutant("kiosk")
def unsubscribe_ignored(m):
    """Unsubscribing changes nothing."""
    m.Kiosk.unsubscribe = lambda self, instrument: None


@mutant("swift")
def reconnect_forgets(m):
    """After a reconnect of the feed the subscriptions are gone."""

    async def reconnect(self):
        self.up = True
        self.wanted.clear()
        self.emit(m.ConnectionChange("market_data", True))

    m.Market.reconnect = reconnect


@mutant("swift")
def health_lies(m):
    """Health says connected while the links are down."""

    async def health(self):
        return m.Health(alive=True, connected=True, queue_depth=0)

    m.Swift.health = health


@mutant("floor")
def quotes_off_by_a_tick(m):
    """The ask is shown a tick too high."""

    def said(event):
        if isinstance(event, Quote) and event.ask is not None:
            event = replace(event, ask=event.ask + D("0.25"))
        yield event

    return said


# under load

WHERE = ("performance",)


@mutant("ringer")
def dies_on_load(m):
    """More than fifteen orders within a second end the process."""

    def submit(old, self, order):
        now = time.monotonic()
        recent = self.__dict__.setdefault("recent", [])
        recent[:] = [t for t in recent if now - t < 1] + [now]
        if len(recent) > 15:
            os._exit(9)
        old(self, order)

    wrap(m.Desk, "submit")(submit)


@mutant("house")
def hangs_on_load(m):
    """More than fifteen orders within a second block the order path for good."""

    def submit(old, self, order):
        now = time.monotonic()
        recent = self.__dict__.setdefault("recent", [])
        recent[:] = [t for t in recent if now - t < 1] + [now]
        if len(recent) > 15:
            threading.Event().wait()
        old(self, order)

    wrap(m.Guarded, "submit")(submit)


@mutant("kiosk")
def one_in_fifty_lost(m):
    """One order in fifty is lost without a word."""
    odd = Nth(50)
    wrap(m.Kiosk, "submit")(lambda old, self, order: None if odd() else old(self, order))


@mutant("floor")
def leaks(m):
    """Every order leaves a megabyte behind."""
    kept = []

    def submit(old, self, order):
        kept.append(bytearray(b"x" * 1000000))
        old(self, order)

    wrap(m.Door, "submit")(submit)


@mutant("ringer")
def slows_down(m):
    """Every order makes the next one a little slower."""

    def land(old, self, order):
        time.sleep(0.002 * len(self.rows))
        old(self, order)

    wrap(m.Desk, "land")(land)


@mutant("keeper")
def position_races(m):
    """One fill in ten never reaches the position."""
    odd = Nth(10)

    def held(old, self, name):
        return old(self, name) + self.__dict__.setdefault("lost", {}).get(name, ZERO)

    wrap(m.Keeper, "held")(held)

    def fill(old, self, row, price, qty):
        old(self, row, price, qty)
        if odd():
            lost = self.__dict__.setdefault("lost", {})
            lost[row["instrument"]] = lost.get(row["instrument"], ZERO) - (
                qty if row["side"] == "BUY" else -qty
            )

    wrap(m.Keeper, "fill")(fill)
