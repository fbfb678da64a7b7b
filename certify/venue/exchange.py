"""The simulated exchange: one object that holds the markets, the accounts and the session state."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from decimal import Decimal

from certify import clock
from certify.errors import UsageError
from certify.model.trading import (
    AccountState,
    ExecType,
    Instrument,
    Order,
    OrderUpdate,
    Position,
    Quote,
    TimeInForce,
    Trade,
)  # fmt: skip
from certify.venue.accounts import Account, Commission, CommissionSchedule, Money
from certify.venue.alarm import Alarm
from certify.venue.contract import Contract, decimals, tick_value
from certify.venue.delivery import Dispatcher
from certify.venue.entry import OrderEntry, Refused, house_orders, tradable
from certify.venue.market import Market
from certify.venue.matching import Matching
from certify.venue.orders import Code, VenueOrder
from certify.venue.reports import Reporter
from certify.venue.session import VenueListener, VenueSession


class SimulatedVenue:
    """Price-time-priority books for several instruments, shared by customers and the house.

    Deterministic: the same calls at the same times give the same reports, ids included. Thread-safe;
    see `delivery.py` for who calls listeners when.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        *,
        now_ns: Callable[[], int] = clock.now_ns,
        commission: CommissionSchedule = CommissionSchedule(),  # noqa: B008 - a frozen value
        order_latency_ns: int = 0,
        reject_rate: Decimal = Decimal(0),
        seed: int = 0,
        threaded: bool = True,
        book_depth: int = 10,
    ) -> None:
        """Open for trading in `instruments`.

        With `threaded`, a daemon thread delivers late reports and expires GTD orders when they are due;
        without it (a clock that stands still) `advance` does. Raises `ValueError` for an instrument
        without a positive tick, lot and multiplier.
        """
        tradable(instruments)
        self._now_ns = now_ns
        self._money = Money(max((decimals(tick_value(i)) for i in instruments), default=2))
        self._dispatcher = Dispatcher(now_ns, order_latency_ns)
        self._markets: dict[str, Market] = {}
        self._schedule, self._book_depth = commission, book_depth
        for instrument in instruments:
            self._open_market(instrument, commission)
        self._accounts: dict[str, Account] = {}
        self._reporter = Reporter(self._dispatcher, self._markets)
        self._entry = OrderEntry(self._markets, reject_rate, seed)
        self._matching = Matching(self._markets, self._reporter)
        self._expiries: list[tuple[int, int, VenueOrder]] = []
        self._alarm: Alarm | None = None
        if threaded:
            self._alarm = Alarm(self._dispatcher.lock, now_ns, self._next_due_ns, self.advance)
            self._dispatcher.when_delaying(self._alarm.poke)

    def list_instrument(self, instrument: Instrument, commission: CommissionSchedule | None = None) -> None:
        """Start trading in a further instrument; nothing happens if it is traded already.

        `commission` is its own schedule instead of the venue's. Raises `ValueError` for an instrument without
        a positive tick, lot and multiplier, and `UsageError` for one whose tick of a lot is worth less than
        the venue's smallest unit of money, which those it opened with decide (a millionth or finer).
        """
        tradable([instrument])
        with self._dispatcher:
            if instrument.id in self._markets:
                return
            if decimals(tick_value(instrument)) > self._money.exponent:
                raise UsageError(f"{instrument.id}: one tick of a lot is finer than the venue's money")
            self._open_market(instrument, commission or self._schedule)

    def _open_market(self, instrument: Instrument, commission: CommissionSchedule) -> None:
        contract = Contract(instrument, self._money.exponent)
        fees = Commission(commission, contract, self._money)
        self._markets[instrument.id] = Market(contract, fees, self._dispatcher, self._book_depth)

    # -- accounts and sessions

    def open_account(self, account_id: str, cash: Decimal, currency: str = "USD") -> None:
        """Open an account with `cash`; raises `UsageError` when it exists."""
        with self._dispatcher:
            if account_id in self._accounts:
                raise UsageError(f"account {account_id} exists")
            self._accounts[account_id] = Account(account_id, cash, currency, self._money)

    def login(self, account_id: str, listener: VenueListener) -> VenueSession:
        """Connect `listener` to an account, beside sessions it may already have; raises `UsageError`."""
        with self._dispatcher:
            account = self._accounts.get(account_id)
            if account is None:
                raise UsageError(f"no account {account_id}")
            session = VenueSession(self, account, listener)
            account.sessions += (session,)
            return session

    def logout(self, session: VenueSession, account: Account) -> None:
        """Drop a session; use `VenueSession.close`."""
        with self._dispatcher:
            session.connected = False
            account.sessions = tuple(other for other in account.sessions if other is not session)
            for market in self._markets.values():
                market.unsubscribe(session)

    def shutdown(self) -> None:
        """Stop the timer thread; late reports that are not out yet stay until `advance`."""
        if self._alarm is not None:
            self._alarm.stop()

    # -- orders, called by sessions

    def submit(self, account: Account, order: Order) -> None:
        """Take a new order; use `VenueSession.submit`."""
        with self._dispatcher:
            self._expire_due()
            try:
                made = self._entry.admit(account, order, self._dispatcher.now)
            except Refused as refused:
                self._reporter.reject(account, order, refused.code, refused.reason)
                return
            account.orders[made.client_order_id] = account.working[made.client_order_id] = made
            if made.tif is TimeInForce.GTD:
                self._watch_expiry(made)
            self._reporter.say(made, ExecType.NEW)
            market = self._markets[made.instrument]
            self._matching.enter(market, made)
            market.publish(self._dispatcher.now)

    def cancel(self, account: Account, client_order_id: str, instrument: str) -> None:
        """Cancel an order; use `VenueSession.cancel`."""
        with self._dispatcher:
            self._expire_due()
            order = account.orders.get(client_order_id)
            if order is None or order.instrument != instrument:
                self._reporter.refuse_unknown(account, client_order_id, instrument, ExecType.CANCEL_REJECTED)
            elif not order.working:
                self._refuse_late(account, order, ExecType.CANCEL_REJECTED)
            else:
                self._matching.cancel(order)
                self._markets[order.instrument].publish(self._dispatcher.now)

    def cancel_all(self, account: Account) -> None:
        """Cancel all orders of an account; use `VenueSession.cancel_all`."""
        with self._dispatcher:
            self._expire_due()
            for order in list(account.working.values()):
                self._matching.cancel(order)
            self._publish_all()

    def modify(
        self, account: Account, client_order_id: str, qty: Decimal | None, price: Decimal | None
    ) -> None:
        """Replace an order; use `VenueSession.modify`."""
        with self._dispatcher:
            self._expire_due()
            order = account.orders.get(client_order_id)
            if order is None:
                self._reporter.refuse_unknown(account, client_order_id, "", ExecType.REPLACE_REJECTED)
                return
            if not order.working:
                self._refuse_late(account, order, ExecType.REPLACE_REJECTED)
                return
            try:
                new_qty, new_price = self._entry.admit_change(order, qty, price)
            except Refused as refused:
                self._reporter.refuse(account, order, ExecType.REPLACE_REJECTED, refused.code, refused.reason)
                return
            self._matching.replace(order, new_qty, new_price)
            self._markets[order.instrument].publish(self._dispatcher.now)

    def _refuse_late(self, account: Account, order: VenueOrder, exec_type: ExecType) -> None:
        reason = f"the order is {order.status.value}"
        self._reporter.refuse(account, order, exec_type, Code.TOO_LATE, reason)

    # -- questions, asked by sessions

    def open_orders(self, account: Account) -> list[OrderUpdate]:
        """Return working orders; use `VenueSession.open_orders`."""
        with self._dispatcher:
            return [self._reporter.build(order, ExecType.STATUS) for order in account.working.values()]

    def executions(self, account: Account) -> list[OrderUpdate]:
        """Return fills and busts; use `VenueSession.executions`."""
        with self._dispatcher:
            return list(account.reports)

    def positions(self, account: Account) -> list[Position]:
        """Return positions; use `VenueSession.positions`."""
        with self._dispatcher:
            return [
                account.position(holding, self._markets[instrument_id].mark())
                for instrument_id, holding in account.holdings.items()
            ]

    def account_state(self, account: Account) -> AccountState:
        """Return an account's money; use `VenueSession.account`."""
        with self._dispatcher:
            return account.state({name: self._markets[name].mark() for name in account.holdings})

    def subscribe(self, session: VenueSession, instrument: str, kinds: Collection[str]) -> None:
        """Start feeds; use `VenueSession.subscribe`."""
        with self._dispatcher:
            self._market(instrument).subscribe(session, kinds)

    def unsubscribe(self, session: VenueSession, instrument: str) -> None:
        """Stop feeds; use `VenueSession.unsubscribe`."""
        with self._dispatcher:
            self._market(instrument).unsubscribe(session)

    # -- the world outside

    def together(self) -> AbstractContextManager[None]:
        """Make several calls one operation: at one time, and heard at its end."""
        return self._dispatcher

    def set_market(self, quote: Quote, ts_event_ns: int | None = None) -> None:
        """Make the house's liquidity exactly `quote`; customers' orders that it crosses are filled.

        While the instrument is halted or the session closed, the last quote waits. What is published is
        the best of house and customers, stamped `ts_event_ns` (the quote's own if it is not given), under
        this feed's own sequence numbers. Raises `UsageError` for an unknown instrument, a crossed or
        locked quote, or a price or size off the grid.
        """
        stamp_ns = quote.ts_event_ns if ts_event_ns is None else ts_event_ns
        with self._dispatcher:
            market = self._market(quote.instrument)
            top = self._entry.house_top(market, quote)
            if market.halted or not self._entry.open:
                market.waiting_quote = replace(quote, ts_event_ns=stamp_ns)
                return
            self._expire_due()
            if not market.show(top, stamp_ns):
                self._matching.set_house(market, house_orders(market, top))
                market.publish(stamp_ns, always=True)

    def print_trade(self, trade: Trade, ts_event_ns: int | None = None) -> None:
        """Publish a trade made elsewhere and run the stops it sets off; raises `UsageError`.

        It is stamped `ts_event_ns`, or as it is.
        """
        with self._dispatcher:
            market = self._market(trade.instrument)
            if trade.price <= 0:
                raise UsageError(f"{trade.instrument}: expected a positive price, was {trade.price}")
            market.note_print(trade, trade.ts_event_ns if ts_event_ns is None else ts_event_ns)
            if self._entry.open:
                self._matching.run_stops(market)
                market.publish(self._dispatcher.now)

    def halt(self, instrument: str) -> None:
        """Stop trading in an instrument: orders stay and can be canceled, new ones are rejected."""
        with self._dispatcher:
            self._market(instrument).halted = True

    def resume(self, instrument: str) -> None:
        """Trade again: the house quote that came meanwhile takes effect, and stops are looked at."""
        with self._dispatcher:
            market = self._market(instrument)
            market.halted = False
            self._restart(market)

    def open_session(self) -> None:
        """Open the session; house quotes that came while it was closed take effect."""
        with self._dispatcher:
            self._entry.open = True
            for market in self._markets.values():
                self._restart(market)

    def close_session(self) -> None:
        """Close the session: DAY orders expire, house liquidity goes, GTC and GTD orders stay."""
        with self._dispatcher:
            self._expire_due()
            self._entry.open = False
            for account in self._accounts.values():
                for order in list(account.working.values()):
                    if order.tif is TimeInForce.DAY:
                        self._matching.expire(order, Code.SESSION_END, "the session has ended")
            for market in self._markets.values():
                self._matching.set_house(market, {})
            self._publish_all()

    def _restart(self, market: Market) -> None:
        """Take up what waited while `market` could not trade."""
        if market.halted or not self._entry.open:
            return
        waiting, market.waiting_quote = market.waiting_quote, None
        if waiting is not None:
            self.set_market(waiting)
        self._matching.run_stops(market)
        market.publish(self._dispatcher.now)

    def bust(self, exec_id: str) -> None:
        """Take an execution back, on both sides of its match, with cash, commission and position.

        Raises `UsageError` for an execution that does not exist or was busted before.
        """
        with self._dispatcher:
            try:
                self._matching.bust(exec_id)
            except KeyError as error:
                raise UsageError(f"no execution {exec_id} to bust") from error
            self._publish_all()

    # -- time

    def advance(self) -> None:
        """Expire GTD orders and deliver late reports that are due by the clock."""
        with self._dispatcher:
            self._expire_due()
            self._dispatcher.release_due()

    def _watch_expiry(self, order: VenueOrder) -> None:
        heapq.heappush(self._expiries, (order.expire_at_ns, order.seq, order))
        if self._alarm is not None:
            self._alarm.poke()

    def _expire_due(self) -> None:
        """Expire what is due, before anything else can trade with it."""
        now = self._dispatcher.now
        while self._expiries and self._expiries[0][0] <= now:
            order = heapq.heappop(self._expiries)[2]
            if order.working:
                self._matching.expire(order, Code.GTD_EXPIRED, "the order's time is over")
                self._markets[order.instrument].publish(now)

    def _next_due_ns(self) -> int | None:
        """Return when `advance` has something to do."""
        while self._expiries and not self._expiries[0][2].working:
            heapq.heappop(self._expiries)
        due = [self._expiries[0][0]] if self._expiries else []
        report = self._dispatcher.next_due_ns()
        return min([*due, report]) if report is not None else min(due, default=None)

    def _publish_all(self) -> None:
        for market in self._markets.values():
            market.publish(self._dispatcher.now)

    def _market(self, instrument: str) -> Market:
        market = self._markets.get(instrument)
        if market is None:
            raise UsageError(f"{instrument} is not traded here")
        return market
