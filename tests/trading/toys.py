"""Small healthy systems that do things differently from the reference platform, and rightly so.

Answers come late and from other threads; a fill may overtake the acknowledgement or replace it; cancels
and changes are pending first; positions lag behind; commissions are known only in the list of executions;
stops trigger on the quote; refusals have words of their own; whatever can be left out is left out.

`ctx.config`: instruments, style (`settable` or `live`), latency_ms.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from certify import clock
from certify.adapter import (
    AccountState,
    Environment,
    ExecType,
    Health,
    Instrument,
    Order,
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

ZERO = Decimal(0)
NOT_HERE = "this toy does not do it"
LAG_S = 0.05


class Later:
    """Does things after a while, in order, on a thread of its own."""

    def __init__(self, latency_s: float) -> None:
        self._latency_s = latency_s
        self._due: list[tuple[int, Any]] = []
        self._wake = threading.Condition()
        threading.Thread(target=self._run, daemon=True).start()

    def __call__(self, job: Any) -> None:
        with self._wake:
            self._due.append((clock.monotonic_ns() + int(self._latency_s * clock.NS_PER_S), job))
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._due:
                    self._wake.wait()
                due_ns, job = self._due.pop(0)
            clock.sleep_s(max(0.0, (due_ns - clock.monotonic_ns()) / clock.NS_PER_S))
            job()


@dataclass
class Held:
    """One order as the toy holds it."""

    order: Order
    qty: Decimal
    price: Decimal | None
    cum: Decimal = ZERO
    value: Decimal = ZERO
    status: OrdStatus = OrdStatus.NEW
    waiting: bool = False
    said_new: bool = False

    @property
    def leaves(self) -> Decimal:
        return ZERO if self.status.terminal else self.qty - self.cum


@dataclass
class Book:
    """The market of one instrument: what is shown and what is left of it."""

    quote: Quote | None = None
    left: dict[Side, Decimal] = field(default_factory=dict)


class Toy:
    """Market data and an order port over a market of its own."""

    def __init__(self, ctx: Any) -> None:
        self.ctx = ctx
        self.style = ctx.config.get("style", "settable")
        self.lock = threading.RLock()
        self.inbound = Later(float(ctx.config.get("latency_ms", 5)) / 1000)
        self.outbound = Later(float(ctx.config.get("latency_ms", 5)) / 1000)
        self.lagging = Later(LAG_S)
        row = ctx.config["instruments"][0]
        tick, lot = Decimal(row["tick"]), Decimal(row["lot"])
        self.instrument = Instrument(row["id"], row["kind"], row["currency"], tick, lot)
        self.start_price = Decimal(str(ctx.config.get("price", "200")))
        self.orders: dict[str, Held] = {}
        self.fills: list[OrderUpdate] = []
        self.book = Book()
        self.position = self.shown_position = ZERO
        self.cash = Decimal(1_000_000)
        self.fees = ZERO
        self.numbers = 0
        self.subscribed = False
        self.random = random.Random(ctx.config.get("seed", 0))
        self.market_data = SettableFeed(self) if self.style == "settable" else Feed(self)
        self.execution = Port(self)

    # the system

    def describe(self) -> SystemInfo:
        cannot = ["orders.restart", "paper.open_account", "paper.go_live", "orders.disconnect"]
        if self.style == "live":
            cannot += ["orders.partial_fills", "orders.stop", "orders.stop_limit", "market_data.inject"]
            cannot += ["orders.modify", "orders.cancel_all", "orders.fok", "orders.gtd", "orders.executions"]
            cannot += ["orders.commission"]
        return SystemInfo("toy", "1", Environment.SIMULATED, dict.fromkeys(cannot, NOT_HERE))

    def start(self) -> None:
        self.move(self.start_price - self.instrument.tick)
        threading.Thread(target=self._tick, daemon=True).start()

    def health(self) -> Health:
        return Health(alive=True, connected=True)

    def _tick(self) -> None:
        while True:
            clock.sleep_s(0.03)
            with self.lock:
                self._expire()
                if self.style == "live" and self.book.quote is not None and self.book.quote.bid is not None:
                    step = self.random.choice((-1, 0, 1)) * self.instrument.tick
                    self.move(self.book.quote.bid + step)

    # the market

    def move(self, bid: Decimal) -> None:
        size = self.instrument.lot * 500
        ask = bid + 2 * self.instrument.tick
        self.show(Quote(self.instrument.id, bid, size, ask, size, clock.now_ns()))

    def show(self, quote: Quote) -> None:
        with self.lock:
            self.book.quote = quote
            self.book.left = {Side.BUY: quote.ask_size or ZERO, Side.SELL: quote.bid_size or ZERO}
            if self.subscribed:
                self.outbound(lambda: self.ctx.emit(quote))
            for held in list(self.orders.values()):
                self.match(held)

    def far(self, side: Side) -> Decimal:
        quote = self.book.quote
        assert quote is not None
        price = quote.ask if side is Side.BUY else quote.bid
        assert price is not None
        return price

    def match(self, held: Held) -> None:
        if held.status.terminal or self.book.quote is None:
            return
        order, price = held.order, self.far(held.order.side)
        sign = 1 if order.side is Side.BUY else -1
        if held.waiting:
            if order.stop_price is None or (price - order.stop_price) * sign < 0:
                return
            held.waiting = False
        if held.price is not None and (price - held.price) * sign > 0:
            return
        free = self.book.left[order.side] if self.style == "settable" else held.leaves
        if order.tif is TimeInForce.FOK and free < held.leaves:
            return
        lots = min(free, held.leaves)
        if lots > 0:
            self.book.left[order.side] = free - lots
            self.fill(held, lots, price)

    def fill(self, held: Held, qty: Decimal, price: Decimal) -> None:
        held.cum += qty
        held.value += qty * price
        held.status = OrdStatus.FILLED if held.cum == held.qty else OrdStatus.PARTIALLY_FILLED
        signed = qty if held.order.side is Side.BUY else -qty
        fee = max(Decimal("1.00"), (qty * Decimal("0.01")).quantize(Decimal("0.01")))
        self.position += signed
        self.cash -= signed * price + fee
        self.fees += fee
        self.numbers += 1
        update = self.report(held, ExecType.TRADE, last_qty=qty, last_px=price, exec_id=f"E{self.numbers}")
        self.fills.append(replace(update, commission=fee))
        self.say(update)
        position = self.position
        self.lagging(lambda: setattr(self, "shown_position", position))
        if not held.said_new and held.status is OrdStatus.FILLED and self.numbers % 2:
            self.acknowledge(held, OrdStatus.NEW)  # the acknowledgement comes after the fill

    # what it says

    def report(self, held: Held, kind: ExecType, **more: Any) -> OrderUpdate:
        order = held.order
        facts: dict[str, Any] = {
            "status": held.status,
            "qty": held.qty,
            "price": held.price,
            "stop_price": order.stop_price,
            "cum_qty": held.cum,
            "leaves_qty": held.leaves,
            "avg_px": held.value / held.cum if held.cum else None,
            "ts_event_ns": clock.now_ns(),
        }
        facts = {**facts, **more}
        return OrderUpdate(order.client_order_id, order.instrument, kind, side=order.side, **facts)

    def acknowledge(self, held: Held, status: OrdStatus) -> None:
        held.said_new = True
        unfilled = {"status": status, "cum_qty": ZERO, "leaves_qty": held.qty, "avg_px": None}
        self.say(self.report(held, ExecType.NEW, **unfilled))

    def say(self, update: OrderUpdate) -> None:
        self.outbound(lambda: self.ctx.emit(update))

    def refuse(self, order: Order, reason: str) -> None:
        never = Held(order, order.qty, order.price, status=OrdStatus.REJECTED)
        self.say(self.report(never, ExecType.REJECTED, source=Source.BROKER, reason=reason))

    def refuse_request(self, client_order_id: str, instrument: str, kind: ExecType, code: str) -> None:
        held = self.orders.get(client_order_id)
        if held is not None:
            self.say(self.report(held, kind, code=code))
            return
        refused = OrderUpdate(
            client_order_id, instrument, kind, OrdStatus.REJECTED, Side.BUY, ZERO, code=code
        )
        self.say(refused)

    # what is asked of it

    def take(self, order: Order) -> None:
        with self.lock:
            reason = self.fault(order)
            if reason:
                self.refuse(order, reason)
                return
            held = self.orders[order.client_order_id] = Held(order, order.qty, order.price)
            held.waiting = order.stop_price is not None
            if not held.waiting:
                self.match(held)
            if not held.status.terminal and not held.said_new and not held.cum:
                self.say(self.report(held, ExecType.PENDING_NEW))
                self.acknowledge(held, OrdStatus.NEW)
            now_or_never = order.tif in (TimeInForce.IOC, TimeInForce.FOK) or order.type is OrderType.MARKET
            if now_or_never and not held.status.terminal:
                self.end(held, ExecType.EXPIRED if order.tif is TimeInForce.IOC else ExecType.CANCELED)

    def fault(self, order: Order) -> str:
        if order.client_order_id in self.orders:
            return "order number taken"
        if order.instrument != self.instrument.id:
            return "what is that?"
        if order.qty <= 0 or order.qty % self.instrument.lot:
            return "bad amount"
        if order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT) and not self.good(order.price):
            return "bad price"
        if order.type in (OrderType.STOP, OrderType.STOP_LIMIT) and not self.good(order.stop_price):
            return "bad trigger"
        return ""

    def good(self, price: Decimal | None) -> bool:
        return price is not None and price > 0 and not price % self.instrument.tick

    def end(self, held: Held, kind: ExecType) -> None:
        held.status = OrdStatus.CANCELED if kind is ExecType.CANCELED else OrdStatus.EXPIRED
        self.say(self.report(held, kind))

    def drop(self, client_order_id: str, instrument: str) -> None:
        with self.lock:
            held = self.orders.get(client_order_id)
            if held is None or held.status.terminal:
                self.refuse_request(client_order_id, instrument, ExecType.CANCEL_REJECTED, "161")
                return
            self.say(self.report(held, ExecType.PENDING_CANCEL))
            self.end(held, ExecType.CANCELED)

    def change(self, client_order_id: str, qty: Decimal | None, price: Decimal | None) -> None:
        with self.lock:
            held = self.orders.get(client_order_id)
            good = qty is None or (qty > 0 and not qty % self.instrument.lot)
            good = good and (price is None or self.good(price))
            if held is None or held.status.terminal or not good:
                self.refuse_request(client_order_id, self.instrument.id, ExecType.REPLACE_REJECTED, "104")
                return
            self.say(self.report(held, ExecType.PENDING_REPLACE))
            if qty is not None and qty <= held.cum:
                self.end(held, ExecType.CANCELED)  # nothing is left to do: the order ends with its fills
                return
            held.qty, held.price = qty or held.qty, price or held.price
            self.say(self.report(held, ExecType.REPLACED))
            self.match(held)

    def _expire(self) -> None:
        for held in self.orders.values():
            due = held.order.expire_at_ns if held.order.tif is TimeInForce.GTD else None
            whole_second = due // clock.NS_PER_S * clock.NS_PER_S if due else None
            if whole_second and clock.now_ns() >= whole_second and not held.status.terminal:
                self.end(held, ExecType.EXPIRED)


class Feed:
    """Quotes, and nothing else."""

    def __init__(self, toy: Toy) -> None:
        self._toy = toy

    def instruments(self) -> list[Instrument]:
        return [self._toy.instrument]

    def subscribe(self, instrument: str, kinds: set[str]) -> None:
        self._toy.subscribed = True
        quote = self._toy.book.quote
        self._toy.outbound(lambda: self._toy.ctx.emit(quote))

    def unsubscribe(self, instrument: str) -> None:
        self._toy.subscribed = False


class SettableFeed(Feed):
    """Quotes that the tool may set; trades cannot be printed."""

    def inject(self, event: Quote | Trade) -> None:
        if isinstance(event, Trade):
            raise NotImplementedError("quotes only")
        self._toy.inbound(lambda: self._toy.show(event))


class Port:
    """Orders; every request is taken at once and dealt with later."""

    def __init__(self, toy: Toy) -> None:
        self._toy = toy
        if toy.style == "settable":
            self.modify = self._modify
            self.cancel_all = self._cancel_all
            self.executions = self._executions

    async def submit(self, order: Order) -> None:
        self._toy.inbound(lambda: self._toy.take(order))

    def cancel(self, client_order_id: str, instrument: str) -> None:
        self._toy.inbound(lambda: self._toy.drop(client_order_id, instrument))

    def _modify(self, client_order_id: str, qty: Decimal | None = None, price: Decimal | None = None) -> None:
        self._toy.inbound(lambda: self._toy.change(client_order_id, qty, price))

    def _cancel_all(self) -> None:
        for name, held in list(self._toy.orders.items()):
            if not held.status.terminal:
                self.cancel(name, held.order.instrument)

    def open_orders(self) -> list[OrderUpdate]:
        working = (held for held in self._toy.orders.values() if not held.status.terminal)
        return [self._toy.report(held, ExecType.STATUS) for held in working]

    def positions(self) -> list[Position]:
        return [Position(self._toy.instrument.id, self._toy.shown_position)]

    def _executions(self) -> list[OrderUpdate]:
        return list(self._toy.fills)

    def account(self) -> AccountState:
        toy = self._toy
        value = toy.position * toy.far(Side.SELL)
        return AccountState("TOY", toy.instrument.currency, toy.cash, toy.cash + value, commissions=toy.fees)


def create(ctx: Any) -> Toy:
    """Make a toy."""
    return Toy(ctx)
