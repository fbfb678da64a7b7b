"""Defects that programs over the TWS API have, each a small change to one of the healthy systems.

All were written before any of them was run. `create` is the adapter: the options name the mutant.
"""

import asyncio
import importlib
import itertools
import os
import sys
import time
from dataclasses import replace

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "..", "examples", "ib_insync_bot")]

from certify.adapter import ExecType, OrdStatus, Quote  # noqa: E402

MUTANTS = {}
"""Name → system, function, what is wrong, the group of checks in which it must show."""
MODULES = {"bot": "adapter", "mill": "mill", "warden": "warden"}
GROUPS = {
    "answers": (
        "broker.reject_is_reject broker.tick_violation broker.warnings_harmless "
        "broker.cancel_answers_harmless broker.change_answers_harmless broker.refused_change_keeps_order "
        "broker.message_lives broker.unacknowledged_said broker.late_acknowledgement "
        "broker.cancel_overtaken broker.unsolicited_cancel broker.refusal_then_order"
    ),
    "fills": (
        "broker.partial_fill_counts broker.duplicate_execution broker.execution_first broker.status_lost "
        "broker.commission_late broker.commission_lost broker.busted_execution broker.corrected_execution "
        "broker.execution_times broker.account_at_gateway"
    ),
    "away": (
        "execution.fills_through_1100 execution.fills_through_1101 execution.fills_through_closed_port "
        "execution.fills_through_silence execution.order_during_1100 execution.order_into_silence "
        "execution.cancel_during_1100 execution.change_during_1100 execution.matches_gateway"
    ),
    "restart": "execution.restart_mid_order execution.ids_after_restart execution.restart execution.crash",
    "others": "execution.others_left_alone execution.others_fills_count execution.matches_gateway",
    "links": (
        "broker.port_closed_said broker.connectivity_said broker.half_open_found broker.questions_half_open "
        "broker.order_survives_reset broker.nightly_reset broker.auto_restart "
        "broker_framework.connected_true broker_framework.client_id_taken "
        "broker.no_login_storm broker.clock_offset_said"
    ),
    "lines": (
        "market_data.lines_after_reset market_data.lines_after_1101 market_data.lines_after_1102 "
        "market_data.lines_given_back market_data.reset_in_message market_data.silent_while_lost "
        "market_data.reconnect"
    ),
    "feed": (
        "market_data.farm_broken_said market_data.good_news market_data.delayed_marked "
        "market_data.not_subscribed_said market_data.competing_session_said market_data.same_as_gateway "
        "market_data.never_half_moved market_data.torn_frames"
    ),
    "pace": "broker.pacing_kept broker.account_identity",
    "orders": "execution.modify_price execution.executions_exact execution.commission execution.position_sum",
}


def create(ctx):
    name = ctx.config["mutant"]
    system, change, _, _ = MUTANTS[name]
    shell = importlib.import_module(MODULES[system])
    said = change(importlib.import_module("bot") if system == "bot" else shell, shell)
    return shell.create(Ear(ctx, said) if said else ctx)


class Ear:
    """A context whose `emit` says what a mutant makes of each event."""

    def __init__(self, ctx, said):
        self._ctx, self._said = ctx, said

    def __getattr__(self, name):
        return getattr(self._ctx, name)

    def emit(self, event):
        for changed in self._said(event):
            self._ctx.emit(changed)


def mutant(system, group):
    def register(function):
        MUTANTS[function.__name__] = (system, function, function.__doc__, group)
        return function

    return register


def wrap(owner, name):
    """Replace a method by a function that is given the old one first."""

    def put(function):
        old = getattr(owner, name)
        setattr(owner, name, lambda self, *args, **more: function(old, self, *args, **more))

    return put


def awrap(owner, name):
    """The same for a coroutine."""

    def put(function):
        old = getattr(owner, name)

        async def changed(self, *args, **more):
            return await function(old, self, *args, **more)

        setattr(owner, name, changed)

    return put


# what is said of an order


@mutant("bot", "answers")
def status_of_the_library_believed(bot, shell):
    """What the library makes of an error (Cancelled) is taken for IB's word."""

    @wrap(bot.Bot, "_on_status")
    def believe(old, self, trade):
        log = trade.log[-1] if trade.log else None
        if log is not None and log.errorCode:
            trade.log[-1] = (
                log._replace(errorCode=0) if hasattr(log, "_replace") else replace(log, errorCode=0)
            )
        old(self, trade)


@mutant("mill", "answers")
def notices_end_orders(mill, shell):
    """399, 10311 and 10349 end an order."""
    mill.HARMLESS -= {399, 10311, 10349}
    wrap(mill.Mill, "order_error")(
        lambda old, self, row, code, text: (
            self.over(row, ExecType.REJECTED, OrdStatus.REJECTED, str(code), text)
            if code in (399, 10311, 10349) and row.end is None and not row.cum
            else old(self, row, code, text)
        )
    )


@mutant("bot", "answers")
def reject_is_a_cancel(bot, shell):
    """An order that IB rejects is said to be canceled."""
    wrap(bot.Bot, "_end")(
        lambda old, self, ticket, state, code="", text="": old(
            self, ticket, "canceled" if code == "201" else state, code, text
        )
    )


@mutant("bot", "answers")
def inactive_is_alive(bot, shell):
    """201 is logged only, and an Inactive order stays open: the library does not call it done."""
    bot.NOTICES.add(201)
    bot.Bot._inactive = lambda self, ticket: None


@mutant("mill", "answers")
def limbo_after_110(mill, shell):
    """110 is a warning in the library, so nothing is done about it."""
    mill.HARMLESS.add(110)


@mutant("bot", "answers")
def refused_change_taken(bot, shell):
    """The bot's own terms are overwritten when a change is sent."""

    @wrap(bot.Bot, "change")
    def overwrite(old, self, ref, qty, limit):
        old(self, ref, qty, limit)
        ticket = self.tickets[ref]
        if ticket.change is not None:
            ticket.qty, ticket.limit = ticket.change


@mutant("mill", "answers")
def cancel_race_lost(mill, shell):
    """10148 (cannot be cancelled) is taken for a cancel that is done."""
    wrap(mill.Mill, "order_error")(
        lambda old, self, row, code, text: (
            self.over(row, ExecType.CANCELED, OrdStatus.CANCELED)
            if code in (161, 10148) and row.end is None
            else old(self, row, code, text)
        )
    )


@mutant("bot", "answers")
def cancel_said_at_once(bot, shell):
    """A cancel is said to be done when it is sent."""

    @wrap(bot.Bot, "cancel")
    def done(old, self, ref):
        old(self, ref)
        if not self.tickets[ref].over:
            self._end(self.tickets[ref], "canceled")


@mutant("bot", "answers")
def only_own_cancels(bot, shell):
    """Cancelled counts only where the bot asked for it."""
    wrap(bot.Bot, "_cancelled")(
        lambda old, self, ticket, filled, text="": (
            old(self, ticket, filled, text) if ticket.cancelling else None
        )
    )


@mutant("bot", "answers")
def sends_again(bot, shell):
    """What is not acknowledged in time is sent once more, under a new id."""

    async def again(self):
        for ticket in self.open_tickets():
            if ticket.state == "sent" and time.monotonic() - ticket.sent_at > bot.DOUBT_S:
                ticket.order_id, ticket.sent_at = self.ib.client.getReqId(), time.monotonic()
                self._send(ticket, ticket.qty, ticket.limit)

    bot.Bot._look_after_orders = again


@mutant("mill", "answers")
def never_doubts(mill, shell):
    """An order that is not acknowledged waits for ever, and nothing is said."""
    mill.UNSURE_S = 1e9


@mutant("mill", "answers")
def impatient(mill, shell):
    """What is not acknowledged within a second is said to be rejected."""

    @wrap(mill.Mill, "look_after")
    def give_up(old, self, row, now):
        if not row.open_ and now - row.at > 1:
            self.over(row, ExecType.REJECTED, OrdStatus.REJECTED, "TIMEOUT", "no answer")
        else:
            old(self, row, now)


# fills


@mutant("bot", "fills")
def corrections_count_again(bot, shell):
    """Executions are known by their whole id, so that a correction is one more."""

    @wrap(bot.Bot, "_book_execution")
    def whole(old, self, execution, commission=None):
        ident = execution.execId
        execution.execId = (
            ident.replace(".", "-", ident.count(".") - 1) if ident.endswith(".01") else ident + ".01"
        )
        old(self, execution, commission)


@mutant("mill", "fills")
def bust_not_booked(mill, shell):
    """An execution of no shares is left aside."""
    wrap(mill.Mill, "on_execDetails")(
        lambda old, self, req, contract, execution: (
            old(self, req, contract, execution) if execution.shares else None
        )
    )


@mutant("bot", "fills")
def fills_by_status(bot, shell):
    """Fills are taken from the status messages, executions only complete them."""

    @wrap(bot.Bot, "_book_execution")
    def later(old, self, execution, commission=None):
        trade = self.ib.wrapper.trades.get((self.client_id, execution.orderId))
        if trade is not None and trade.orderStatus.filled < execution.cumQty:
            self.__dict__.setdefault("waiting", {}).setdefault(execution.orderId, []).append(
                (execution, commission)
            )
        else:
            old(self, execution, commission)

    @wrap(bot.Bot, "_on_status")
    def due(old, self, trade):
        for execution, commission in self.__dict__.get("waiting", {}).pop(trade.order.orderId, []):
            self._book_execution(execution, commission)
        old(self, trade)


@mutant("bot", "fills")
def waits_for_commission(bot, shell):
    """A fill is told when its commission has come."""
    waiting = {}

    @wrap(bot.Bot, "_book_execution")
    def hold(old, self, execution, commission=None):
        if commission is None:
            waiting[execution.execId] = execution
        else:
            old(self, execution, commission)

    @wrap(bot.Bot, "_on_commission")
    def tell(old, self, trade, fill, report):
        execution = waiting.pop(report.execId, None)
        if execution is not None:
            self._book_execution(execution, report.commission)
        old(self, trade, fill, report)


@mutant("bot", "fills")
def commission_of_another(bot, shell):
    """A commission report is booked with the first fill of its order, not with its own."""

    def first(self, trade, fill, report):
        ticket = self._ticket_of(trade)
        if ticket is not None and ticket.fills:
            next(iter(ticket.fills.values())).commission = bot.exact(report.commission)

    bot.Bot._on_commission = first


@mutant("bot", "fills")
def late_commission_dropped(bot, shell):
    """A commission counts only within a second of its fill."""
    wrap(bot.Bot, "_on_commission")(
        lambda old, self, trade, fill, report: (
            old(self, trade, fill, report) if time.time() - fill.execution.time.timestamp() < 2.2 else None
        )
    )


@mutant("bot", "fills")
def local_times(bot, shell):
    """Times of executions are read in the zone of New York."""

    def shifted(event):
        shift = 5 * 3600 * 10**9
        stamped = getattr(event, "exec_id", None) and event.ts_event_ns
        yield replace(event, ts_event_ns=event.ts_event_ns - shift) if stamped else event

    return shifted


@mutant("mill", "fills")
def early_fill_dropped(mill, shell):
    """A fill of an order that is not acknowledged yet is not its own."""
    wrap(mill.Mill, "on_execDetails")(
        lambda old, self, req, contract, execution: (
            old(self, req, contract, execution)
            if execution.orderId in self.by_id and self.by_id[execution.orderId].open_
            else None
        )
    )


@mutant("bot", "fills")
def cash_is_equity(bot, shell):
    """The account's equity is its cash."""

    @awrap(shell.Desk, "account")
    async def same(old, self):
        state = await old(self)
        return replace(state, equity=state.cash)


# while away


@mutant("bot", "away")
def nothing_asked_after_1102(bot, shell):
    """After 1101 and 1102 nothing is asked for: the link was up all the time."""

    async def back(self, code):
        if code == bot.BACK_WITHOUT_DATA:
            for name in self.wanted:
                self._renew_data(name)
        self.ib_is_there = True
        self._link(True, str(code))

    bot.Bot._ib_is_back = back


@mutant("bot", "away")
def frozen_objects(bot, shell):
    """Orders are followed by the objects of the session in which they were sent."""

    @wrap(bot.Bot, "place")
    def mark(old, self, ticket):
        old(self, ticket)
        self.__dict__.setdefault("session_of", {})[ticket.ref] = self.ib

    def own(self, ref):
        return self.__dict__.get("session_of", {}).get(ref) is self.ib

    wrap(bot.Bot, "_ticket_of")(
        lambda old, self, trade: old(self, trade) if own(self, trade.order.orderRef) else None
    )
    wrap(bot.Bot, "_book_execution")(
        lambda old, self, execution, commission=None: (
            old(self, execution, commission) if own(self, execution.orderRef) else None
        )
    )
    bot.Bot._still_there = lambda self, ticket, trade: None
    bot.Bot._gone = lambda self, ticket, trade: None


@mutant("bot", "away")
def executions_told_again(bot, shell):
    """After a login every execution is booked as if it were new."""
    again = itertools.count(1)

    @wrap(bot.Bot, "_book_execution")
    def new(old, self, execution, commission=None):
        ticket = self.tickets.get(execution.orderRef)
        known = ticket is not None and execution.execId.rpartition(".")[0] in ticket.fills
        if known and time.time() - execution.time.timestamp() > 1:
            execution.execId = f"again{next(again)}.{execution.execId}"
        old(self, execution, commission)


@mutant("bot", "away")
def refuses_and_sends(bot, shell):
    """An order during 1100 is refused, and handed to the gateway all the same."""

    @wrap(bot.Bot, "place")
    def send(old, self, ticket):
        if self.ib.isConnected() and not self.ib_is_there:
            ticket.order_id = self.ib.client.getReqId()
            self._send(ticket, ticket.qty, ticket.limit)
        old(self, ticket)


@mutant("mill", "away")
def lost_orders_wait(mill, shell):
    """An order that never came to IB is waited for; after a login only what was acknowledged is compared."""
    mill.UNSURE_S = 1e9

    @wrap(mill.Mill, "on_completedOrdersEnd")
    def leave(old, self):
        hidden = {name: row for name, row in self.rows.items() if not row.open_ and row.end is None}
        self.rows = {name: row for name, row in self.rows.items() if name not in hidden}
        old(self)
        self.rows.update(hidden)


@mutant("bot", "away")
def missed_commission(bot, shell):
    """Of fills that were found after a login the commission is never asked for."""
    wrap(bot.Bot, "_book_execution")(lambda old, self, execution, _commission=None: old(self, execution))

    @wrap(bot.Bot, "_on_commission")
    def live(old, self, trade, fill, report):
        if time.time() - fill.execution.time.timestamp() < 1.5 and "resyncing" not in self.__dict__:
            old(self, trade, fill, report)

    @awrap(bot.Bot, "_resync")
    async def away(old, self):
        self.resyncing = True
        try:
            await old(self)
        finally:
            del self.resyncing

    @awrap(bot.Bot, "_connect")
    async def login(old, self):
        self.resyncing = True
        try:
            await old(self)
        finally:
            self.__dict__.pop("resyncing", None)


@mutant("mill", "away")
def cancel_counts_as_done(mill, shell):
    """A cancel that cannot be sent for want of a link is said to be done."""
    wrap(mill.Mill, "cancel")(
        lambda old, self, name, instrument: (
            self.over(self.rows[name], ExecType.CANCELED, OrdStatus.CANCELED)
            if name in self.rows and not self.up and self.rows[name].end is None
            else old(self, name, instrument)
        )
    )


@mutant("bot", "away")
def change_as_second_order(bot, shell):
    """A change is a new order; the old one is cancelled afterwards."""

    def change(self, ref, qty, limit):
        ticket = self.tickets.get(ref)
        if ticket is None or ticket.over:
            raise bot.Refused("TOO_LATE", f"no order {ref} works")
        old_id, trade = ticket.order_id, self._trade_of(ticket)
        ticket.change = (qty or ticket.qty, limit or ticket.limit)
        ticket.order_id, ticket.asked_at = self.ib.client.getReqId(), time.monotonic()
        self._send(ticket, *ticket.change)
        asyncio.get_running_loop().call_later(
            0.2, lambda: self.ib.cancelOrder(trade.order) if old_id else None
        )

    bot.Bot.change = change
    bot.Bot._cancelled = lambda self, ticket, filled, text="": (
        None if not ticket.cancelling else self._end(ticket, "canceled")
    )


# restarts, other people's orders


@mutant("bot", "restart")
def ids_from_one(bot, shell):
    """Order ids are counted by the bot, from the same number after each start."""
    ids = itertools.count(1)

    @wrap(bot.Bot, "place")
    def own(old, self, ticket):
        self.ib.client.getReqId = lambda: next(ids)
        try:
            old(self, ticket)
        finally:
            del self.ib.client.getReqId


@mutant("bot", "restart")
def book_without_fills(bot, shell):
    """Fills are not written down: after a restart they are told again."""
    wrap(bot.Bot, "_load")(
        lambda old, self: (
            old(self),
            [
                (ticket.fills.clear(), ticket.revisions.clear())
                for ticket in self.tickets.values()
                if not ticket.over
            ],
        )
    )


@mutant("bot", "restart")
def no_book(bot, shell):
    """Nothing is written down, and what the gateway still has is not looked at."""
    bot.Bot._save = lambda self, ticket: None


@mutant("bot", "others")
def cancels_everybodys(bot, shell):
    """Cancelling everything is one global cancel."""

    async def all_of_them(self):
        for ticket in self.bot.open_tickets():
            ticket.cancelling = True
        self.bot.ib.reqGlobalCancel()

    shell.Desk.cancel_all = all_of_them


@mutant("bot", "others")
def claims_others(bot, shell):
    """The list of open orders is that of the account, whoever sent them."""

    @awrap(shell.Desk, "open_orders")
    async def everybodys(old, self):
        known = await old(self)
        trades = await self.bot.ib.reqAllOpenOrdersAsync()
        side = known[0].side if known else None
        foreign = [t for t in trades if t.order.orderRef not in self.bot.tickets]
        return known + [
            replace(known[0], client_order_id=f"ib-{t.order.permId}", side=side) for t in foreign if known
        ]


@mutant("mill", "others")
def position_of_own_fills(mill, shell):
    """The position is what the own fills come to."""

    def positions(self):
        found = {}
        for row in self.rows.values():
            sign = 1 if row.order.side.value == "BUY" else -1
            found[row.order.instrument] = found.get(row.order.instrument, 0) + sign * row.cum
        return [mill.Position(name, qty) for name, qty in found.items()]

    mill.Mill.positions = positions


# the link


@mutant("bot", "links")
def no_heartbeat(bot, shell):
    """Nobody asks whether the other side still answers."""
    bot.HEARTBEAT_S = 1e9


@mutant("bot", "links")
def loss_of_ib_unsaid(bot, shell):
    """1100 is logged only."""
    wrap(bot.Bot, "_on_notice")(
        lambda old, self, code, text: None if code == bot.LOST else old(self, code, text)
    )


@mutant("bot", "links")
def login_storm(bot, shell):
    """Tries again at once, all the time."""
    bot.FIRST_WAIT_S = bot.LONGEST_WAIT_S = 0.005


@mutant("bot", "links")
def gives_up(bot, shell):
    """Three logins that fail are enough."""

    @awrap(bot.Bot, "_connect")
    async def counted(old, self):
        self.failures = self.__dict__.get("failures", 0) + 1
        if self.failures > 3:
            await asyncio.sleep(1e9)
        await old(self)
        self.failures = 0


@mutant("mill", "links")
def another_id_when_taken(mill, shell):
    """A client id that is in use is passed over for the next one."""

    @wrap(mill.Mill, "sessions")
    def next_id(old, self):
        connect = mill.Client.connectAsync

        async def moved(client, host, port, number, timeout=3):
            try:
                await connect(client, host, port, mill.CLIENT, timeout=1)
            except (TimeoutError, OSError):
                mill.CLIENT += 1
                raise

        mill.Client.connectAsync = moved
        return old(self)


@mutant("bot", "links")
def connected_is_wanted(bot, shell):
    """It is connected when it has not been told to be otherwise."""
    bot.Bot.connected = property(lambda self: not self.held_back)


@mutant("bot", "links")
def clocks_not_compared(bot, shell):
    """Nobody looks at the gateway's time."""
    bot.CLOCK_S = 1e9
    wrap(shell.Desk, "__init__")(lambda old, self, ctx: old(self, ctx))

    @awrap(shell.Desk, "health")
    async def quiet(old, self):
        return replace(await old(self), detail="")


@mutant("bot", "links")
def login_cleans_up(bot, shell):
    """Every login begins with a clean slate: what works is cancelled."""

    @awrap(bot.Bot, "_connect")
    async def clean(old, self):
        await old(self)
        for ticket in self.open_tickets():
            self._cancel(ticket)


@mutant("mill", "links")
def questions_never_end(mill, shell):
    """A question about the account asks the gateway, and waits for its answer."""

    def ask(old, self):
        with self.lock:
            self.money.clear()
            if self.client is not None:
                self.send("reqAccountUpdates", True, self.where["account"])
        while ("NetLiquidation", "USD") not in self.money:
            time.sleep(0.02)
        return old(self)

    wrap(mill.Mill, "account")(ask)


@mutant("bot", "lines")
def one_library_object(bot, shell):
    """The same `IB` logs in again after a disconnect of the bot's own: it keeps what it knew."""

    @awrap(bot.Bot, "_connect")
    async def same(old, self):
        kept, made = self.__dict__.get("kept"), bot.IB
        if kept is not None:
            bot.IB = lambda: kept
            self._listen = lambda ib: None
        try:
            await old(self)
        finally:
            bot.IB = made
            self.kept = self.ib


# market data


@mutant("bot", "lines")
def lines_forgotten(bot, shell):
    """After a login nobody subscribes again, and silence is not heard."""
    bot.SILENT_S = 1e9

    @awrap(bot.Bot, "_connect")
    async def forget(old, self):
        first = "began" not in self.__dict__
        self.began = True
        if first:
            await old(self)
            return
        wanted, self.wanted = self.wanted, set()
        await old(self)
        self.wanted = wanted


@mutant("bot", "lines")
def data_lost_is_data_kept(bot, shell):
    """1101 is taken for 1102, and silence is not heard."""
    bot.SILENT_S = 1e9
    wrap(bot.Bot, "_ib_is_back")(lambda old, self, code: old(self, bot.BACK))


@mutant("bot", "lines")
def subscribes_twice(bot, shell):
    """1102 is taken for 1101, and what flows is asked for again."""

    @awrap(bot.Bot, "_ib_is_back")
    async def twice(old, self, code):
        for name in self.wanted if code == bot.BACK else ():
            self.ib.reqMktData(self.contracts[name], "233")
        await old(self, code)


@mutant("mill", "lines")
def lines_not_given_back(mill, shell):
    """Unsubscribing stops what is said, and keeps the line."""
    wrap(mill.Mill, "unline")(
        lambda old, self, name: [self.lines.pop(req) for req in list(self.lines) if self.lines[req] == name]
    )


@mutant("mill", "lines")
def unwanted_come_back(mill, shell):
    """After a login everything ever subscribed is asked for, and shown."""
    ever = set()
    wrap(mill.Mill, "subscribe")(lambda old, self, name, kinds: (old(self, name, kinds), ever.add(name))[0])

    @wrap(mill.Mill, "on_begin")
    def all_of_them(old, self):
        self.wanted.update(dict.fromkeys(ever & set(self.listed), time.monotonic()))
        old(self)


@mutant("bot", "lines")
def old_quotes_repeated(bot, shell):
    """A timer says the last quote again twice a second, with the time of now."""
    last = {}

    @wrap(bot.Bot, "_quote")
    def keep(old, self, name, ticker):
        last[name] = ticker
        old(self, name, ticker)

    @wrap(bot.Bot, "_look_after_data")
    def repeat(old, self):
        old(self)

    @awrap(bot.Bot, "start")
    async def timer(old, self):
        await old(self)

        async def tick():
            while True:
                await asyncio.sleep(0.5)
                for name in self.wanted & set(last):
                    bot.Bot._quote(self, name, last[name])

        self._tasks.append(asyncio.create_task(tick()))


@mutant("bot", "feed")
def farm_trouble_unsaid(bot, shell):
    """2103 is one of many notices, and silence is not heard."""
    bot.SILENT_S = 1e9
    bot.FARM_TROUBLE.clear()


@mutant("bot", "feed")
def competing_session_unsaid(bot, shell):
    """10197 is logged only, and silence is not heard."""
    bot.SILENT_S = 1e9
    bot.DATA_TROUBLE.discard(10197)


@mutant("bot", "feed")
def dark_instrument_unsaid(bot, shell):
    """354 and its like are logged only, delayed data are not marked, and silence is not heard."""
    bot.SILENT_S = 1e9
    bot.DATA_TROUBLE.clear()
    wrap(bot.Bot, "_connect")


@mutant("bot", "feed")
def delayed_unmarked(bot, shell):
    """Delayed quotes are shown as any other."""

    def live(event):
        yield replace(event, delayed=False) if isinstance(event, Quote) else event

    return live


@mutant("mill", "feed")
def every_notice_alarms(mill, shell):
    """Each message without an order is a warning."""

    @wrap(mill.Mill, "on_error")
    def alarm(old, self, req, code, text, *more):
        if req == -1 and code >= 2100:
            self.warn("STALE_DATA", f"{code} {text}")
        old(self, req, code, text, *more)


@mutant("mill", "feed")
def sizes_of_before(mill, shell):
    """A quote is published when a price changes; sizes are those of then."""

    @wrap(mill.Mill, "publish")
    def prices_only(old, self, name, book):
        now = (book.get("bid"), book.get("ask"))
        if now != book.get("prices"):
            book["prices"] = now
            old(self, name, book)
        else:
            self.wanted[name] = time.monotonic()


@mutant("mill", "feed")
def half_moved(mill, shell):
    """Each tick is published as it comes."""

    def each(self, ticks):
        for tick in ticks:
            take(self, [tick])

    take = mill.Mill.on_ticks
    mill.Mill.on_ticks = each

    def publish(self, name, book):
        self.wanted[name] = time.monotonic()
        if all(key in book for key in ("bid", "ask", "bid_size", "ask_size")):
            sides = [mill.number(book[key]) for key in ("bid", "bid_size", "ask", "ask_size")]
            at = time.time_ns()
            self.emit(Quote(name, *sides, at, at, delayed=book.get("delayed", False)))

    mill.Mill.publish = publish


# pace


@mutant("bot", "pace")
def no_throttle(bot, shell):
    """The library's throttle is switched off."""

    @wrap(bot.Bot, "_listen")
    def unlimited(old, self, ib):
        ib.client.MaxRequests = 0
        old(self, ib)


@mutant("mill", "pace")
def drops_when_busy(mill, shell):
    """What is above the pace is not queued but dropped."""
    sent = []

    @wrap(mill.Mill, "place")
    def some(old, self, row, qty, price):
        now = time.monotonic()
        sent[:] = [at for at in sent if now - at < 1]
        if len(sent) < 40:
            sent.append(now)
            old(self, row, qty, price)
