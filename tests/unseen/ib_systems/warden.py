"""The ib_insync bot behind a gate: four limits, a kill switch that is written down, and a list of alerts.

Positions count what IB holds and what works; the band is measured from the last quote. No broker port.
"""

import itertools
import json
import os
import pickle
import sys
import time
from dataclasses import replace
from decimal import Decimal as D

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "examples", "ib_insync_bot"))

from adapter import CANNOT, Desk  # noqa: E402
from bot import Refused  # noqa: E402

from certify.adapter import (  # noqa: E402
    Alert,
    AlertEntry,
    AlertSeverity,
    AlertState,
    ConnectionChange,
    Decision,
    Environment,
    ExecType,
    Limit,
    Order,
    OrderUpdate,
    OrdStatus,
    Quote,
    Side,
    Source,
    SystemInfo,
)

NOT_HERE = {
    **CANNOT,
    "risk.max_position_notional": "positions are limited by quantity",
    "risk.max_open_orders": "not limited",
    "risk.max_order_rate": "the library keeps the pace",
    "risk.max_daily_loss": "a person looks after that",
    "alerts.stale": "silence is told on a link that is up only; one that is down raises DISCONNECT",
    "alerts.reject_rate": "a person looks after that",
    "alerts.loss": "a person looks after that",
}
NAMES = ("max_order_qty", "max_order_notional", "max_position_qty", "price_band")


class Warden(Desk):
    def __init__(self, ctx):
        super().__init__(ctx)
        self.broker = self.broker_framework = None
        self.risk = self.trade_monitor = self
        self.page = ctx.state_dir / "gate.json"
        given = {name: D(str(value)) for name, value in ctx.config.get("limits", {}).items() if name in NAMES}
        self.gate = {"state": "ACTIVE", "limits": {name: str(value) for name, value in given.items()}}
        if self.page.exists():
            self.gate = json.loads(self.page.read_text())
        self.quotes = {}
        self.log_page = ctx.state_dir / "alerts.pickle"
        self.list = pickle.loads(self.log_page.read_bytes()) if self.log_page.exists() else {}
        self.alert_numbers = itertools.count(len(self.list) + 1)
        self.counts = dict.fromkeys(
            ("orders_submitted", "orders_filled", "orders_rejected", "orders_canceled", "fills"), 0
        )
        self.volume = D(0)
        self.out = ctx.emit
        self.emit = self.listen

    def describe(self):
        return SystemInfo("warden", "2", Environment.SIMULATED, NOT_HERE)

    def listen(self, event):
        """Count and look at everything on its way out."""
        if isinstance(event, Quote):
            self.quotes[event.instrument] = event
        elif isinstance(event, OrderUpdate):
            self.count(event)
        elif isinstance(event, ConnectionChange) and not event.connected:
            self.raise_(
                "DISCONNECT", f"{event.component}: {event.reason}", AlertSeverity.CRITICAL, event.component
            )
        if isinstance(event, Alert) and event.id not in self.list:
            event = replace(event, trail=(AlertEntry(event.raised_at_ns, AlertState.RAISED, "warden"),))
            self.remember(event)
        self.out(event)

    def count(self, update):
        kind = update.exec_type
        if kind is ExecType.TRADE:
            self.counts["fills"] += 1
            self.volume += update.last_qty
            self.counts["orders_filled"] += update.status is OrdStatus.FILLED
        self.counts["orders_rejected"] += kind is ExecType.REJECTED
        self.counts["orders_canceled"] += kind is ExecType.CANCELED

    # the gate

    def keep(self):
        self.page.write_text(json.dumps(self.gate))

    def value(self, name):
        text = self.gate["limits"].get(name)
        return None if text is None else D(text)

    def signed(self, name):
        rows = self.bot.ib.positions(self.account_id)
        mine = self.bot.contracts[name].conId
        return sum((D(str(row.position)) for row in rows if row.contract.conId == mine), D(0))

    def judge(self, order, besides=None):
        state = self.gate["state"]
        held = self.signed(order.instrument)
        sign = 1 if order.side is Side.BUY else -1
        mates = [t for t in self.bot.open_tickets() if t.instrument == order.instrument and t.ref != besides]
        same = sum((t.qty - t.filled for t in mates if t.side == order.side.value), D(0))
        if state == "HALT":
            return "HALT", "the kill switch is on", None, None
        if state == "REDUCE_ONLY" and (held * sign >= 0 or order.qty + same > abs(held)):
            return "REDUCE_ONLY", "only what reduces a position", None, None
        quote = self.quotes.get(order.instrument)
        mid = (quote.bid + quote.ask) / 2 if quote and quote.bid and quote.ask else None
        price = order.price or order.stop_price or ((quote.ask if sign > 0 else quote.bid) if quote else None)
        asked = {
            "max_order_qty": order.qty,
            "max_order_notional": order.qty * price if price else None,
            "max_position_qty": abs(held + sign * (order.qty + same)),
            "price_band": abs(order.price - mid) / mid * 100 if order.price and mid else None,
        }
        if held * sign < 0 and order.qty + same <= abs(held):
            asked["max_position_qty"] = None
        for name, seen in asked.items():
            limit = self.value(name)
            if seen is not None and limit is not None and seen > limit:
                return name.upper(), f"{seen} is more than {limit}", seen, limit
        return None

    def look_at(self, order):
        super().look_at(order)
        found = self.judge(order)
        if found:
            if found[3] is not None:
                self.raise_(
                    "LIMIT_BREACH",
                    f"{order.client_order_id}: {found[1]}",
                    AlertSeverity.WARNING,
                    "risk",
                    order.instrument,
                )
            raise Stopped(found[0], found[1])

    async def submit(self, order):
        self.counts["orders_submitted"] += 1
        await super().submit(order)

    async def modify(self, client_order_id, qty=None, price=None):
        ticket = self.bot.tickets.get(client_order_id)
        if ticket is not None and not ticket.over:
            changed = ticket_order(ticket, qty or ticket.qty, price or ticket.limit)
            found = self.judge(changed, besides=client_order_id)
            if found:
                self.refuse(
                    ExecType.REPLACE_REJECTED, client_order_id, ticket.instrument, Stopped(found[0], found[1])
                )
                return
        await super().modify(client_order_id, qty, price)

    def say(self, ticket, what, status, **more):
        update = self.update(ticket, what, status, **more)
        stopped = more.get("code") in (*(name.upper() for name in NAMES), "HALT", "REDUCE_ONLY")
        self.emit(replace(update, source=Source.RISK) if stopped else update)

    async def limits(self):
        return [Limit(name, D(value)) for name, value in self.gate["limits"].items()]

    async def set_limit(self, limit, by):
        if (
            limit.name not in NAMES
            or limit.value <= 0
            or not by.strip()
            or limit.instrument not in (None, *self.listed)
        ):
            return Decision(False, "NOT_HERE", f"{limit.name} cannot be set so")
        if limit.instrument is not None:
            return Decision(False, "NOT_HERE", "limits hold for all instruments alike")
        self.gate["limits"][limit.name] = str(limit.value)
        self.keep()
        return Decision(True)

    async def precheck(self, order):
        try:
            super().look_at(order)
        except Refused as refusal:
            return Decision(False, refusal.code, str(refusal))
        found = self.judge(order)
        return Decision(False, *found) if found else Decision(True)

    async def kill(self, mode, by, reason, cancel_open=True):
        self.gate["state"] = mode
        self.keep()
        self.raise_("KILL_SWITCH", f"{mode} by {by}: {reason}", AlertSeverity.CRITICAL, "risk")
        if cancel_open:
            await self.cancel_all()

    async def resume(self, by, reason):
        if not by.strip():
            return Decision(False, "WHO", "a name is needed")
        self.gate["state"] = "ACTIVE"
        self.keep()
        return Decision(True)

    async def state(self):
        return self.gate["state"]

    # the list

    def raise_(self, kind, text, severity, component, instrument=None):
        now, about = time.time_ns(), (kind, component, instrument)
        same = [a for a in self.list.values() if (a.kind, a.component, a.instrument) == about]
        if kind == "LIMIT_BREACH" and any(a.state is not AlertState.RESOLVED for a in same):
            return  # one alert is open for it
        ident = f"G{next(self.alert_numbers)}"
        trail = (AlertEntry(now, AlertState.RAISED, "warden", text),)
        alert = Alert(ident, kind, severity, text, AlertState.RAISED, now, component, instrument, trail)
        self.remember(alert)
        self.out(alert)

    def remember(self, alert):
        self.list[alert.id] = alert
        self.log_page.write_bytes(pickle.dumps(self.list))

    def step(self, ident, state, by, note=""):
        if not by.strip():
            raise ValueError("a name is needed")
        alert = self.list.get(ident)
        if alert is None:
            raise ValueError(f"no alert {ident}")
        if alert.state is AlertState.RESOLVED:
            raise ValueError(f"{ident} is resolved")
        entry = AlertEntry(time.time_ns(), state, by, note)
        self.remember(replace(alert, state=state, trail=(*alert.trail, entry)))
        self.out(self.list[ident])

    async def metrics(self):
        return {
            **{name: D(value) for name, value in self.counts.items()},
            "volume": self.volume,
            "open_orders": D(len([t for t in self.bot.open_tickets() if t.state == "working"])),
        }

    async def alerts(self):
        return list(self.list.values())

    async def acknowledge(self, alert_id, by):
        self.step(alert_id, AlertState.ACKNOWLEDGED, by)

    async def resolve(self, alert_id, by, note):
        self.step(alert_id, AlertState.RESOLVED, by, note)

    async def escalate(self, alert_id):
        self.step(alert_id, AlertState.ESCALATED, "warden")


class Stopped(Refused):
    pass


def ticket_order(ticket, qty, price):
    return Order(
        ticket.ref,
        ticket.instrument,
        Side(ticket.side),
        qty - ticket.filled,
        price=price,
        stop_price=ticket.stop,
    )


def create(ctx):
    return Warden(ctx)
