"""The desk's side towards the exchange: sends orders to the venue and turns its reports into IB's words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from certify.gateway.orders import refusals
from certify.gateway.orders.entry import OFF_TICK_TEXT
from certify.gateway.orders.records import (
    CANCELLED,
    FILLED,
    PRE_SUBMITTED,
    SUBMITTED,
    Execution,
    OrderRecord,
    Wait,
)
from certify.gateway.orders.shapes import TIFS, time_ns
from certify.model.trading import (
    BookUpdate,
    ExecType,
    Order,
    OrderType,
    OrderUpdate,
    OrdStatus,
    Quote,
    TimeInForce,
    Trade,
)
from certify.venue import Code, VenueSession
from certify.venue.corrections import fill

if TYPE_CHECKING:
    from certify.gateway.house import Gateway
    from certify.gateway.orders.desk import OrderDesk

_AFTER_TRIGGER = {OrderType.STOP: OrderType.MARKET, OrderType.STOP_LIMIT: OrderType.LIMIT}
_AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})
_TRY_AGAIN_MS = 50
"""When a market order that found too little looks again."""


class ExchangeSide:
    """Routes orders to the venue, one of its sessions for each account, and hears its reports."""

    def __init__(self, gateway: Gateway, desk: OrderDesk) -> None:
        """Trade for `desk` on the venue of `gateway`."""
        self._gateway = gateway
        self._desk = desk
        self._sessions: dict[str, VenueSession] = {}
        self._entering = ""
        self._forcing = False
        self._react: dict[ExecType, Callable[[OrderRecord, OrderUpdate], None]] = {
            ExecType.NEW: self._new,
            ExecType.TRADE: self._trade,
            ExecType.CANCELED: self._ended,
            ExecType.EXPIRED: self._ended,
            ExecType.REJECTED: self._rejected,
            ExecType.REPLACED: self._replaced,
            ExecType.REPLACE_REJECTED: self._replace_rejected,
            ExecType.CANCEL_REJECTED: self._cancel_rejected,
            ExecType.TRADE_CANCEL: self._trade_cancel,
        }

    def session(self, account: str) -> VenueSession:
        """Return the venue's session of an account."""
        session = self._sessions.get(account)
        if session is None:
            session = self._sessions[account] = self._gateway.venue.login(account, self)
        return session

    # -- orders to the venue

    def route(self, record: OrderRecord, qty: Decimal | None = None, at: Decimal | None = None) -> None:
        """Send an order, or `qty` of it, to the venue as what it is now, or with the limit price `at`."""
        ledger = self._desk.ledger
        record.routes += 1
        record.venue_id = f"{record.perm_id}.{record.routes}" if record.routes > 1 else str(record.perm_id)
        record.base = record.filled
        ledger.by_venue[record.venue_id] = record
        self._entering = record.venue_id
        order = self._as_venue(record, qty)
        if at is not None:
            order = replace(order, type=OrderType.LIMIT, price=at)
        self.session(record.account).submit(order)
        self._entering = ""

    @staticmethod
    def _as_venue(record: OrderRecord, qty: Decimal | None) -> Order:
        shape = record.shape
        kind = _AFTER_TRIGGER.get(shape.after, shape.after) if record.triggered else shape.after
        limited = kind is OrderType.LIMIT or kind is OrderType.STOP_LIMIT
        stopped = kind is OrderType.STOP or kind is OrderType.STOP_LIMIT
        tif = TIFS[record.terms.tif]
        return Order(
            record.venue_id,
            record.instrument.id,
            record.side,
            record.remaining if qty is None else qty,
            kind,
            record.limit if limited else None,
            record.stop if stopped else None,
            tif,
            time_ns(record.terms.good_till_date) if tif is TimeInForce.GTD else None,
            record.account,
        )

    def pull(self, record: OrderRecord) -> None:
        """Take an order back from the venue without a word to anybody; it stays working at IB."""
        venue_id, record.venue_id = record.venue_id, ""
        if venue_id:
            self.session(record.account).cancel(venue_id, record.instrument.id)

    def cancel(self, record: OrderRecord) -> None:
        """Ask the venue to cancel."""
        self.session(record.account).cancel(record.venue_id, record.instrument.id)

    def change(self, record: OrderRecord) -> None:
        """Ask the venue for the order's present total and limit."""
        price = record.limit if shape_limited(record) else None
        qty = record.total - record.base
        self.session(record.account).modify(record.venue_id, qty, price)

    def force_fill(self, record: OrderRecord, qty: Decimal) -> None:
        """Have `qty` of an order that is not at the venue traded now: by the market, else at its own limit.

        What a market order does not find displayed is traded as soon as something is.
        """
        if record.stop is not None:
            record.triggered = True
        if record.shape.derives:
            self._desk.pegs.price(record)
        before = record.filled
        self._forcing = True
        try:
            self.route(record, qty)
        finally:
            self._forcing = False
        left = qty - (record.filled - before)
        if record.working and not record.venue_id and left > 0:
            self._desk.later(_TRY_AGAIN_MS, partial(_force_again, qty=left), record)
        if record.working and record.venue_id and left > 0 and record.limit is not None:
            fill(self._gateway.venue, record.account, record.venue_id, left, record.limit)

    def fill_at(self, record: OrderRecord, price: Decimal) -> None:
        """Have all of an order that is not at the venue traded now, at `price` or better."""
        self.route(record, at=price)
        if record.working and record.venue_id and record.remaining > 0:
            fill(self._gateway.venue, record.account, record.venue_id, record.remaining, price)

    # -- reports of the venue

    def on_report(self, update: OrderUpdate) -> None:
        """React to a report about one of the desk's orders."""
        record = self._desk.ledger.by_venue.get(update.client_order_id)
        react = self._react.get(update.exec_type)
        if record is not None and react is not None:
            react(record, update)

    def on_quote(self, quote: Quote) -> None:
        """Hear nothing: the triggers listen for themselves."""

    def on_trade(self, trade: Trade) -> None:
        """Hear nothing: the triggers listen for themselves."""

    def on_book(self, book: BookUpdate) -> None:
        """Hear nothing: no depth is asked for."""

    def _new(self, record: OrderRecord, update: OrderUpdate) -> None:
        """Tell that the order is at the exchange; a market order is PreSubmitted until it trades."""
        if update.client_order_id != record.venue_id or not record.working:
            return
        first = record.told is None and update.type is OrderType.MARKET and not record.triggered
        record.status = PRE_SUBMITTED if first else record.standing()
        if not record.quirks.get("execution_first"):
            self._desk.announce(record)
        if record.stop is not None and not record.triggered:
            self._desk.triggers.watch(record)

    def _trade(self, record: OrderRecord, update: OrderUpdate) -> None:
        """Book a fill, tell of it, and let it act on other orders."""
        shares, price = update.last_qty, update.last_px
        if price is None or update.exec_id is None:
            return
        record.filled += shares
        record.notional += shares * price
        record.last_price = price
        record.triggered = record.triggered or record.stop is not None
        done = record.filled >= record.total
        if update.status is OrdStatus.FILLED and update.client_order_id == record.venue_id:
            record.venue_id = ""
        record.status = FILLED if done else SUBMITTED
        if done:
            self._desk.done(record, f"Filled Size: {record.filled:f}")
        execution = Execution(
            record, self._desk.numbers.next_exec_id(), update.exec_id, update.ts_event_ns or 0
        )
        execution.shares, execution.price = shares, price
        execution.cum_qty, execution.avg_price = record.filled, record.avg_price
        execution.commission = update.commission or Decimal(0)
        execution.liquidity = 2 if self._entering == update.client_order_id else 1
        self._desk.ledger.book(execution)
        self._desk.tell_fill(record, execution)
        self._desk.groups.filled(record, shares)
        self._desk.executed(record.account)

    def _ended(self, record: OrderRecord, update: OrderUpdate) -> None:
        """Tell that the venue has cancelled or expired the order, unless it was only pulled.

        A market order that finds no more to trade with ends at the venue; at IB it goes on until it fills.
        """
        if update.client_order_id != record.venue_id:
            return
        record.venue_id = ""
        if update.code == Code.NO_LIQUIDITY and TIFS[record.terms.tif] not in _AT_ONCE and record.working:
            record.waits.add(Wait.OFF_MARKET)
            if not self._forcing:
                self._desk.later(_TRY_AGAIN_MS, _try_again, record)
            return
        self._desk.end(record, CANCELLED, refusals.words(update.code, update.reason))

    def _rejected(self, record: OrderRecord, update: OrderUpdate) -> None:
        if update.client_order_id == record.venue_id:
            record.venue_id = ""
            text = refusals.words(update.code, update.reason)
            self._desk.refuse(record, refusals.ORDER_REJECTED, f"Order rejected - reason:{text}")

    def _replaced(self, record: OrderRecord, update: OrderUpdate) -> None:
        """Tell that a change holds; one down to what has filled makes the order filled."""
        if update.client_order_id != record.venue_id:
            return
        record.previous = None
        if update.status is OrdStatus.FILLED:
            record.venue_id, record.status = "", FILLED
            self._desk.done(record, f"Filled Size: {record.filled:f}")
        else:
            record.status = record.standing()
        self._desk.announce(record, again=not record.quirks.pop("moved", False))
        if record.status == FILLED:
            self._desk.groups.filled(record, Decimal(0))

    def _replace_rejected(self, record: OrderRecord, update: OrderUpdate) -> None:
        """Let the former terms hold again, and say so."""
        if record.previous is None:
            return
        record.terms, record.total, record.limit, record.stop = record.previous
        record.previous = None
        record.changed()
        code = refusals.ib_code(update.code)
        if update.code == "TOO_LATE":
            self._desk.send_error(record, refusals.CANNOT_MODIFY_FILLED, "Cannot modify a filled order.")
            return
        text = refusals.words(update.code, update.reason)
        told = OFF_TICK_TEXT if code == refusals.OFF_TICK else f"Order rejected - reason:{text}"
        self._desk.send_error(record, code, told)
        self._desk.announce(record, again=True)

    def _cancel_rejected(self, record: OrderRecord, update: OrderUpdate) -> None:
        """Tell a client that its cancel came too late; IB's own cancels need no answer."""
        if record.cancel_pending and update.client_order_id == record.venue_id:
            record.cancel_pending = False
            self._desk.send_error(record, refusals.NOT_CANCELLABLE, not_cancellable(record))

    def _trade_cancel(self, record: OrderRecord, update: OrderUpdate) -> None:
        self._desk.interventions.busted(record, update)


def _try_again(desk: OrderDesk, record: OrderRecord) -> None:
    """Let a market order that ran out of displayed sizes go on; not before there are some again."""
    if not record.working or record.venue_id:
        return
    if not desk.triggers.counterpart(record):
        desk.later(_TRY_AGAIN_MS, _try_again, record)
        return
    record.waits.discard(Wait.OFF_MARKET)
    desk.proceed(record)


def _force_again(desk: OrderDesk, record: OrderRecord, *, qty: Decimal) -> None:
    """Trade what was commanded and not displayed, unless the order goes on by itself meanwhile."""
    if record.working and not record.venue_id and Wait.OFF_MARKET in record.waits:
        desk.exchange.force_fill(record, min(qty, record.remaining))


def shape_limited(record: OrderRecord) -> bool:
    """Whether an order has a limit price at the venue."""
    return record.shape.after in (OrderType.LIMIT, OrderType.STOP_LIMIT)


def not_cancellable(record: OrderRecord) -> str:
    """Return the text of error 161."""
    return f"Cancel attempted when order is not in a cancellable state.  Order permId = {record.perm_id}"


def wrong_state(record: OrderRecord) -> str:
    """Return the text of error 10148."""
    what = f"OrderId {record.order_id} that needs to be cancelled can not be cancelled"
    return f"{what}, state: {record.status}."
