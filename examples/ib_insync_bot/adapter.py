"""The shell that certify talks to: its orders and events in the bot's words, and back."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from decimal import Decimal
from typing import Any

from bot import Bot, Fill, Refused, Ticket

from certify.adapter import (
    AccountState,
    Alert,
    AlertSeverity,
    AlertState,
    BrokerInfo,
    ConnectionChange,
    Context,
    Decision,
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

CLIENT_ID = 31
KINDS = {
    OrderType.MARKET: "MKT",
    OrderType.LIMIT: "LMT",
    OrderType.STOP: "STP",
    OrderType.STOP_LIMIT: "STP LMT",
}
TIFS = {TimeInForce.DAY: "DAY", TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}
CANNOT = {
    "market_data.books": "the bot asks for no market depth",
    "market_data.sequence": "the TWS API numbers no ticks",
    "market_data.event_time": "the TWS API tells no time of a tick",
    "orders.gtd": "the bot has no use for it",
    "framework.switch": "the bot knows one gateway",
    "framework.failover": "the bot knows one gateway",
}
SAYS = {
    "new": ExecType.NEW,
    "fill": ExecType.TRADE,
    "bust": ExecType.TRADE_CANCEL,
    "replaced": ExecType.REPLACED,
    "canceled": ExecType.CANCELED,
    "rejected": ExecType.REJECTED,
    "cancel_rejected": ExecType.CANCEL_REJECTED,
    "change_rejected": ExecType.REPLACE_REJECTED,
}
ENDS = {"filled": OrdStatus.FILLED, "canceled": OrdStatus.CANCELED, "rejected": OrdStatus.REJECTED}


def create(ctx: Context) -> Desk:
    return Desk(ctx)


class Desk:
    """Every port that the bot has; `async def` runs on one loop, the bot's too."""

    def __init__(self, ctx: Context) -> None:
        self.ctx, self.emit = ctx, ctx.emit
        where = ctx.config["gateway"]
        self.control = (where["host"], where["control_port"])
        self.account_id = where["account"]
        self.listed = {
            row["id"]: Instrument(row["id"], tick=Decimal(row["tick"]), lot=Decimal(row["lot"]))
            for row in (vars(i) if isinstance(i, Instrument) else i for i in ctx.config["instruments"])
        }
        names = list(self.listed)
        self.bot = Bot((where["host"], where["port"]), CLIENT_ID, self.account_id, names, ctx.state_dir)
        self.bot.on_report, self.bot.on_quote = self.report, self.quote
        self.bot.on_print, self.bot.on_link = self.print_, self.link
        self.bot.on_warning = self.warning
        self.kinds: dict[str, set[str]] = {}
        self.alert_numbers = itertools.count(1)
        self.told: list[OrderUpdate] = []
        self.market_data = self.broker = self.execution = self.broker_framework = self

    # the system

    def describe(self) -> SystemInfo:
        return SystemInfo("ib_insync-bot", "1.0", Environment.SIMULATED, CANNOT)

    async def start(self) -> None:
        await self.bot.start()

    async def stop(self) -> None:
        await self.bot.stop()

    async def health(self) -> Health:
        off_s = self.bot.clock_off_s
        detail = f"the gateway's clock is {off_s:.0f} s off" if abs(off_s) > 5 else ""
        return Health(alive=True, connected=self.bot.connected, detail=detail)

    # market data

    async def instruments(self) -> list[Instrument]:
        return list(self.listed.values())

    async def subscribe(self, instrument: str, kinds: set[str]) -> None:
        if instrument not in self.listed:
            raise ValueError(f"unknown instrument {instrument}")
        self.kinds.setdefault(instrument, set()).update(kinds)
        await self.bot.watch(instrument)

    async def unsubscribe(self, instrument: str) -> None:
        self.kinds.pop(instrument, None)
        self.bot.unwatch(instrument)

    async def inject(self, event: Any) -> None:
        """Set the market at the simulated gateway. Leave it out where there is a real one."""
        if isinstance(event, Quote):
            words: dict[str, Any] = {"do": "set_market", "bid": event.bid, "bid_size": event.bid_size}
            words.update(ask=event.ask, ask_size=event.ask_size)
        else:
            words = {"do": "print_trade", "price": event.price, "size": event.size}
        reader, writer = await asyncio.open_connection(*self.control)
        line = {"instrument": event.instrument, **words}
        writer.write(
            json.dumps({k: v for k, v in line.items() if v is not None}, default=str).encode() + b"\n"
        )
        answer = json.loads(await reader.readline())
        writer.close()
        if not answer["ok"]:
            raise ValueError(answer["error"])

    def quote(self, name: str, bid: tuple[Any, Any], ask: tuple[Any, Any], delayed: bool) -> None:
        now = time.time_ns()  # the TWS API tells no time of a tick
        if "QUOTE" in self.kinds.get(name, ()):
            self.emit(Quote(name, *bid, *ask, now, now, delayed=delayed))

    def print_(self, name: str, price: Decimal, size: Decimal) -> None:
        now = time.time_ns()
        if "TRADE" in self.kinds.get(name, ()):
            self.emit(Trade(name, price, size, now, now))

    def link(self, up: bool, reason: str) -> None:
        for component in ("broker", "market_data"):
            self.emit(ConnectionChange(component, up, reason))

    def warning(self, kind: str, text: str, instrument: str | None) -> None:
        number, now = f"W{next(self.alert_numbers)}", time.time_ns()
        self.emit(
            Alert(
                number, kind, AlertSeverity.WARNING, text, AlertState.RAISED, now, "market_data", instrument
            )
        )

    # orders

    async def submit(self, order: Order) -> None:
        ticket = Ticket(
            order.client_order_id,
            order.instrument,
            order.side.value,
            order.qty,
            KINDS[order.type],
            order.price,
            order.stop_price,
            TIFS.get(order.tif, ""),
        )
        try:
            self.look_at(order)
            self.bot.place(ticket)
        except Refused as refusal:
            self.say(ticket, ExecType.REJECTED, OrdStatus.REJECTED, code=refusal.code, reason=str(refusal))

    def look_at(self, order: Order) -> None:
        """Refuse what can be nothing but a mistake."""
        known = self.listed.get(order.instrument)
        if known is None:
            raise Refused("UNKNOWN_INSTRUMENT", f"no {order.instrument} here")
        if order.tif not in TIFS:
            raise Refused("TIF", f"{order.tif.value} is not used")
        if order.qty <= 0 or order.qty % known.lot:
            raise Refused("QTY", f"{order.qty} is no quantity in lots of {known.lot}")
        for wanted, price in (
            (order.type.value.endswith("LIMIT"), order.price),
            ("STOP" in order.type.value, order.stop_price),
        ):
            if wanted and (price is None or price <= 0 or price % known.tick):
                raise Refused("PRICE", f"{price} is no price in steps of {known.tick}")

    async def cancel(self, client_order_id: str, instrument: str) -> None:
        try:
            self.bot.cancel(client_order_id)
        except Refused as refusal:
            self.refuse(ExecType.CANCEL_REJECTED, client_order_id, instrument, refusal)

    async def modify(
        self, client_order_id: str, qty: Decimal | None = None, price: Decimal | None = None
    ) -> None:
        ticket = self.bot.tickets.get(client_order_id)
        try:
            known = self.listed[ticket.instrument] if ticket else None
            if known and qty is not None and (qty <= 0 or qty % known.lot):
                raise Refused("QTY", f"{qty} is no quantity in lots of {known.lot}")
            if ticket and qty is not None and qty < ticket.filled:
                raise Refused("QTY", f"{ticket.filled} are filled already")
            self.bot.change(client_order_id, qty, price)
        except Refused as refusal:
            self.refuse(
                ExecType.REPLACE_REJECTED, client_order_id, ticket.instrument if ticket else "", refusal
            )

    def refuse(self, what: ExecType, ref: str, instrument: str, refusal: Refused) -> None:
        ticket = self.bot.tickets.get(ref) or Ticket(
            ref, instrument, "BUY", Decimal(0), "LMT", None, None, "DAY", "rejected"
        )
        self.say(ticket, what, self.status(ticket), code=refusal.code, reason=str(refusal))

    async def cancel_all(self) -> None:
        for ticket in self.bot.open_tickets():  # one by one: reqGlobalCancel would end everybody's
            await self.cancel(ticket.ref, ticket.instrument)

    def status(self, ticket: Ticket) -> OrdStatus:
        partly = OrdStatus.PARTIALLY_FILLED if ticket.filled else OrdStatus.NEW
        return ENDS.get(ticket.state, partly)

    def report(
        self, ticket: Ticket, what: str, fill: Fill | None = None, code: str = "", text: str = ""
    ) -> None:
        more: dict[str, Any] = {"code": code or None, "reason": text or None}
        if fill is not None:
            more = {
                "exec_id": fill.exec_id,
                "last_qty": fill.qty,
                "last_px": fill.price,
                "ts_event_ns": fill.time_ns,
            }
            if what == "bust":
                more.update(exec_id=f"{code}-takes-back", exec_ref_id=fill.exec_id)
        self.say(ticket, SAYS[what], self.status(ticket), **more)

    def say(self, ticket: Ticket, what: ExecType, status: OrdStatus, **more: Any) -> None:
        self.emit(self.update(ticket, what, status, **more))

    def update(self, ticket: Ticket, what: ExecType, status: OrdStatus, **more: Any) -> OrderUpdate:
        filled = ticket.filled
        return OrderUpdate(
            ticket.ref,
            ticket.instrument,
            what,
            status,
            Side(ticket.side),
            ticket.qty,
            ticket.limit,
            ticket.stop,
            cum_qty=filled,
            leaves_qty=Decimal(0) if status.terminal else ticket.qty - filled,
            avg_px=ticket.average,
            source=Source.BROKER,
            broker_order_id=str(ticket.order_id),
            account=self.account_id,
            **more,
        )

    async def open_orders(self) -> list[OrderUpdate]:
        tickets = [ticket for ticket in self.bot.open_tickets() if ticket.state == "working"]
        return [self.update(ticket, ExecType.STATUS, self.status(ticket)) for ticket in tickets]

    async def executions(self) -> list[OrderUpdate]:
        rows = [(fill, ticket) for ticket in self.bot.tickets.values() for fill in ticket.fills.values()]
        return [
            self.update(
                ticket,
                ExecType.TRADE,
                self.status(ticket),
                exec_id=fill.exec_id,
                last_qty=fill.qty,
                last_px=fill.price,
                commission=fill.commission,
                ts_event_ns=fill.time_ns,
            )
            for fill, ticket in sorted(rows, key=lambda row: row[0].exec_id)
        ]

    async def positions(self) -> list[Position]:
        names = {contract.conId: name for name, contract in self.bot.contracts.items()}
        return [
            Position(
                names[row.contract.conId],
                Decimal(str(row.position)),
                Decimal(str(row.avgCost)),
                account=row.account,
            )
            for row in self.bot.ib.positions(self.account_id)
            if row.contract.conId in names
        ]

    async def account(self) -> AccountState:
        values = {
            row.tag: row.value
            for row in self.bot.ib.accountValues(self.account_id)
            if row.currency in ("USD", "BASE")
        }
        cash, equity = values.get("TotalCashBalance"), values.get("NetLiquidationByCurrency")
        if cash is None or equity is None:
            raise RuntimeError("IB has not told the account's values")
        return AccountState(
            self.account_id, "USD", Decimal(cash), Decimal(equity), environment=Environment.SIMULATED
        )

    # the one connection

    async def brokers(self) -> list[BrokerInfo]:
        return [BrokerInfo("ib", Environment.SIMULATED, self.bot.connected, active=True)]

    async def active(self) -> str:
        return "ib"

    async def switch(self, name: str, _confirm: bool = False) -> Decision:
        return Decision(name == "ib", "ONE_BROKER", "the bot knows one gateway")

    # faults on purpose

    async def disconnect(self) -> None:
        self.bot.held_back = True
        self.bot.ib.disconnect()

    async def reconnect(self) -> None:
        self.bot.held_back = False
