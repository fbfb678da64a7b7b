"""Floor: index futures in points of 50, with fixed limits; unchanged quotes are not said again."""

import os
import random
import sys
import threading
import time
from decimal import Decimal as D

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pit import ZERO, Holding, Pit

from certify.adapter import (
    AccountState,
    ConnectionChange,
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

FIXED = "limits are set by the clearing member, over night"
LIMITS = {"max_order_qty": D(40), "max_position_qty": D(90), "max_open_orders": D(45), "price_band": D(10)}
CANNOT = {
    "market_data.books": "no depth",
    "market_data.disconnect": "the feed shares the line of the floor",
    "risk.set_limit": FIXED,
    "risk.precheck": "orders are judged when they come",
    "risk.max_order_notional": "contracts are counted, not money",
    "risk.max_position_notional": "contracts are counted, not money",
    "risk.max_order_rate": "the exchange throttles, we do not",
    "risk.max_daily_loss": "margin is the clearing member's",
    "orders.restart": "the floor is empty every morning",
    "orders.gtd": "not offered by the exchange",
}
FEE = D("2.10")
MULTIPLIER = D(50)


def create(ctx):
    return Floor(ctx)


class Slip:
    """One order on the floor."""

    def __init__(self, order, door):
        self.order, self.door, self.id = order, door, order.client_order_id
        self.qty, self.price, self.cum, self.paid = order.qty, order.price, ZERO, ZERO
        self.status, self.stop = OrdStatus.NEW, order.stop_price

    @property
    def live(self):
        return self.status in (OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED)

    @property
    def buys(self):
        return self.order.side is Side.BUY

    @property
    def signed_left(self):
        return (self.qty - self.cum) * (1 if self.buys else -1)


class Floor:
    def __init__(self, ctx):
        self.emit, self.dice = ctx.emit, random.Random(11)
        self.lock = threading.RLock()
        self.contracts = {
            row["id"]: Instrument(
                row["id"], row["kind"], row["currency"], D(row["tick"]), D(row["lot"]), D(row["multiplier"])
            )
            for row in ctx.config["instruments"]
        }
        self.pit, self.quiet_until, self.said, self.seq = Pit(), {}, {}, 0
        for number, (name, item) in enumerate(self.contracts.items()):
            mid = D(5000) + 100 * number
            self.pit.show(name, mid - item.tick, D(80), mid + item.tick, D(80))
        self.slips, self.trades, self.holds = (
            {},
            [],
            {n: Holding(i.multiplier) for n, i in self.contracts.items()},
        )
        self.deposit, self.fees, self.up, self.alive = D(5000000), ZERO, True, False
        self.gate = "ACTIVE"
        self.wanted = {}
        self.market_data, self.risk = Ticker(self), Clearing(self)
        self.broker, self.execution = Door(self, "broker"), Door(self, "execution")

    def describe(self):
        return SystemInfo("floor", "7", Environment.SIMULATED, CANNOT)

    def start(self):
        self.alive = True
        self.thread = threading.Thread(target=self.session, daemon=True)
        self.thread.start()

    def stop(self):
        self.alive = False
        self.thread.join()

    def health(self):
        return Health(self.alive, self.up)

    def session(self):
        while self.alive:
            with self.lock:
                for name in self.contracts:
                    if time.monotonic() > self.quiet_until.get(name, 0):
                        self.drift(name)
            time.sleep(0.1)

    def drift(self, name):
        tick = self.contracts[name].tick
        bid, _, ask, _ = self.pit.shown[name]
        middle = bid if bid is not None else ask - tick if ask is not None else D(5000)
        if self.dice.random() < 0.4:
            middle += tick * self.dice.choice((-1, 1))
        self.set(name, middle, D(self.dice.choice((60, 60, 70))), middle + 2 * tick, D(60))

    def set(self, name, bid, bid_size, ask, ask_size, at_ns=None):
        self.pit.show(name, bid, bid_size, ask, ask_size)
        self.tell(name, at_ns)
        for slip in list(self.slips.values()):
            if slip.live and slip.order.instrument == name:
                self.match(slip)
        self.tell(name)

    def tell(self, name, at_ns=None):
        """Publish a quote unless it is what was said last."""
        quote = tuple(self.pit.shown[name])
        if "QUOTE" not in self.wanted.get(name, ()) or self.said.get(name) == quote:
            return
        self.said[name] = quote
        self.seq += 1
        now = time.time_ns()
        self.emit(Quote(name, *quote, at_ns or now, now, self.seq, "FLOOR"))

    def printed(self, name, price, size):
        if "TRADE" in self.wanted.get(name, ()):
            self.emit(Trade(name, price, size, time.time_ns(), None, str(len(self.trades))))

    # matching

    def match(self, slip, last=None):
        name, kind = slip.order.instrument, slip.order.type
        if slip.stop is not None and kind in (OrderType.STOP, OrderType.STOP_LIMIT):
            there = self.pit.there(name, slip.buys)
            at = last if last is not None else there[0] if there else None
            if at is None or (at < slip.stop if slip.buys else at > slip.stop):
                return
            slip.stop = None
        limit = slip.price if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None
        got = self.pit.take(name, slip.buys, slip.qty - slip.cum, limit)
        if got:
            self.fill(slip, *got)

    def fill(self, slip, price, qty):
        slip.cum, slip.paid = slip.cum + qty, slip.paid + qty * price
        slip.status = OrdStatus.FILLED if slip.cum == slip.qty else OrdStatus.PARTIALLY_FILLED
        self.holds[slip.order.instrument].book(qty if slip.buys else -qty, price)
        self.fees += FEE * qty
        update = self.word(
            slip,
            ExecType.TRADE,
            last_qty=qty,
            last_px=price,
            exec_id="F%d-%d" % (len(self.trades), qty),
            commission=FEE * qty,
        )
        self.trades.append((slip.door, update))
        self.emit(update)
        self.printed(slip.order.instrument, price, qty)

    def close(self, slip, status=OrdStatus.CANCELED, kind=ExecType.CANCELED):
        slip.status = status
        self.emit(self.word(slip, kind))

    def word(self, slip, kind, **more):
        return OrderUpdate(
            slip.id,
            slip.order.instrument,
            kind,
            slip.status,
            slip.order.side,
            slip.qty,
            slip.price,
            slip.order.stop_price,
            cum_qty=slip.cum,
            leaves_qty=slip.qty - slip.cum if slip.live else ZERO,
            avg_px=slip.paid / slip.cum if slip.cum else None,
            broker_order_id="FL" + slip.id,
            type=slip.order.type,
            tif=slip.order.tif,
            ts_event_ns=time.time_ns(),
            **more,
        )

    def open_gain(self):
        total = ZERO
        for name, hold in self.holds.items():
            bid, _, ask, _ = self.pit.shown[name]
            price = bid if hold.qty > 0 else ask
            total += hold.worth(price if price is not None else hold.average)
        return total


class Ticker:
    def __init__(self, floor):
        self.floor = floor

    def instruments(self):
        return list(self.floor.contracts.values())

    def subscribe(self, instrument, kinds):
        with self.floor.lock:
            if instrument in self.floor.contracts:
                self.floor.wanted.setdefault(instrument, set()).update(kinds)
                self.floor.said.pop(instrument, None)
                self.floor.tell(instrument)

    def unsubscribe(self, instrument):
        with self.floor.lock:
            self.floor.wanted.pop(instrument, None)

    def inject(self, event):
        with self.floor.lock:
            floor, name = self.floor, event.instrument
            floor.quiet_until[name] = time.monotonic() + 2
            if isinstance(event, Quote):
                floor.set(name, event.bid, event.bid_size, event.ask, event.ask_size, event.ts_event_ns)
                return
            floor.printed(name, event.price, event.size)
            for slip in list(floor.slips.values()):
                if slip.live and slip.stop is not None and slip.order.instrument == name:
                    floor.match(slip, event.price)


class Clearing:
    """The fixed limits and the halt."""

    def __init__(self, floor):
        self.floor = floor

    def limits(self):
        return [Limit(name, value) for name, value in LIMITS.items()]

    def set_limit(self, limit, by):
        return Decision(False, "FIXED", FIXED)

    def kill(self, mode, by, reason, cancel_open=True):
        with self.floor.lock:
            self.floor.gate = mode
            for slip in [
                s for s in self.floor.slips.values() if s.live and cancel_open and s.door == "execution"
            ]:
                self.floor.close(slip)

    def resume(self, by, reason):
        if not (by or "").strip():
            return Decision(False, "NO_NAME", "who are you?")
        self.floor.gate = "ACTIVE"
        return Decision(True)

    def state(self):
        return self.floor.gate

    def objection(self, order, slip=None, qty=None, price=None):
        """Return code, text of what speaks against an order or its change."""
        floor, name = self.floor, order.instrument
        qty = order.qty if qty is None else qty
        price = order.price if price is None else price
        signed = qty if order.side is Side.BUY else -qty
        held = floor.holds[name].qty
        mine = [s for s in floor.slips.values() if s.live and s is not slip and s.door == "execution"]
        if floor.gate == "HALT":
            return "HALTED", "trading is halted"
        if floor.gate == "REDUCE_ONLY":
            closing = sum(
                s.signed_left for s in mine if s.order.instrument == name and s.signed_left * signed > 0
            )
            if held * signed >= 0 or abs(signed + closing) > abs(held):
                return "REDUCE_ONLY", "only what reduces a position"
        if qty > LIMITS["max_order_qty"]:
            return "ORDER_SIZE", "%s contracts, at most %s" % (qty, LIMITS["max_order_qty"])
        same = sum(s.signed_left for s in mine if s.order.instrument == name and s.signed_left * signed > 0)
        done = slip.cum if slip else ZERO
        if abs(held + same + signed - (done if signed > 0 else -done)) > LIMITS["max_position_qty"]:
            return "POSITION", "more than %s contracts" % LIMITS["max_position_qty"]
        if slip is None and len(mine) >= LIMITS["max_open_orders"]:
            return "OPEN_ORDERS", "too many at work"
        bid, _, ask, _ = floor.pit.shown[name]
        anchor = ((bid or ask) + (ask or bid)) / 2 if bid or ask else None
        if price is not None and anchor and abs(price - anchor) > anchor * LIMITS["price_band"] / 100:
            return "BAND", "too far from the market"
        return None


class Door:
    """An order port: `execution` asks the clearing member first, `broker` does not."""

    def __init__(self, floor, name):
        self.floor, self.name = floor, name

    def mine(self):
        slips = [s for s in self.floor.slips.values() if s.live]
        return [s for s in slips if self.name in ("broker", s.door)]

    def submit(self, order):
        with self.floor.lock:
            slip = Slip(order, self.name)
            why = self.invalid(order)
            if why is None and self.name == "execution":
                why = self.floor.risk.objection(order)
            if why:
                slip.status = OrdStatus.REJECTED
                self.floor.emit(
                    self.floor.word(slip, ExecType.REJECTED, source=Source.ENGINE, code=why[0], reason=why[1])
                )
                return
            self.floor.slips[slip.id] = slip
            self.floor.emit(self.floor.word(slip, ExecType.NEW))
            self.work(slip)
            self.floor.tell(order.instrument)

    def work(self, slip):
        there = self.floor.pit.there(slip.order.instrument, slip.buys, slip.price)
        if slip.order.tif is TimeInForce.FOK and (there is None or there[1] < slip.qty):
            self.floor.close(slip)
            return
        self.floor.match(slip)
        if slip.live and slip.order.tif in (TimeInForce.IOC, TimeInForce.FOK):
            self.floor.close(slip)

    def invalid(self, order):
        item = self.floor.contracts.get(order.instrument)
        if not self.floor.up:
            return "LINE", "the line is down"
        if order.client_order_id in self.floor.slips:
            return "TWICE", "seen before"
        if item is None:
            return "CONTRACT", "no such contract"
        if order.qty <= 0 or order.qty % item.lot:
            return "QTY", "whole contracts only"
        if order.tif is TimeInForce.GTD:
            return "TIF", "not offered"
        if order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT) and not self.good(order.price, item):
            return "PRICE", "quarter points only"
        if order.type in (OrderType.STOP, OrderType.STOP_LIMIT) and not self.good(order.stop_price, item):
            return "STOP", "quarter points only"
        return None

    @staticmethod
    def good(price, item):
        return price is not None and price > 0 and price % item.tick == 0

    def cancel(self, client_order_id, instrument):
        with self.floor.lock:
            slip = self.floor.slips.get(client_order_id)
            if self.floor.up and slip is not None and slip.live:
                self.floor.close(slip)
            else:
                self.no(slip, client_order_id, instrument, ExecType.CANCEL_REJECTED)

    def no(self, slip, name, instrument, kind, code="NOT_OPEN", reason="nothing at work under this number"):
        if slip is None:
            update = OrderUpdate(
                name,
                instrument or "",
                kind,
                OrdStatus.REJECTED,
                Side.BUY,
                ZERO,
                code=code,
                reason=reason,
                source=Source.ENGINE,
            )
        else:
            update = self.floor.word(slip, kind, code=code, reason=reason, source=Source.ENGINE)
        self.floor.emit(update)

    def modify(self, client_order_id, qty=None, price=None):
        with self.floor.lock:
            slip = self.floor.slips.get(client_order_id)
            if slip is None or not slip.live or not self.floor.up:
                self.no(slip, client_order_id, None, ExecType.REPLACE_REJECTED)
                return
            item = self.floor.contracts[slip.order.instrument]
            why = None
            if qty is not None and (qty <= slip.cum or qty % item.lot):
                why = ("QTY", "cannot be")
            elif price is not None and not self.good(price, item):
                why = ("PRICE", "cannot be")
            elif self.name == "execution":
                why = self.floor.risk.objection(slip.order, slip, slip.qty if qty is None else qty, price)
            if why:
                self.no(slip, client_order_id, None, ExecType.REPLACE_REJECTED, *why)
                return
            slip.qty, slip.price = slip.qty if qty is None else qty, slip.price if price is None else price
            self.floor.emit(self.floor.word(slip, ExecType.REPLACED))
            self.floor.match(slip)
            self.floor.tell(slip.order.instrument)

    def cancel_all(self):
        with self.floor.lock:
            for slip in self.mine():
                self.floor.close(slip)

    def open_orders(self):
        with self.floor.lock:
            return [self.floor.word(s, ExecType.STATUS) for s in self.mine()]

    def positions(self):
        with self.floor.lock:
            return [
                Position(n, h.qty, h.average if h.qty else None, h.realized)
                for n, h in self.floor.holds.items()
            ]

    def executions(self):
        with self.floor.lock:
            return [update for door, update in self.floor.trades if self.name in ("broker", door)]

    def account(self):
        """A futures account: profit goes to cash, the contract's value never does."""
        with self.floor.lock:
            made = sum((h.realized for h in self.floor.holds.values()), ZERO)
            cash, gain = self.floor.deposit + made - self.floor.fees, self.floor.open_gain()
            return AccountState("CM-1", "USD", cash, cash + gain, made, gain, self.floor.fees, cash)

    def disconnect(self):
        self.floor.up = False
        self.floor.emit(ConnectionChange("broker", False, "line cut"))

    def reconnect(self):
        self.floor.up = True
        self.floor.emit(ConnectionChange("broker", True))
        with self.floor.lock:
            for name in self.floor.contracts:
                self.floor.set(name, *self.floor.pit.shown[name])
