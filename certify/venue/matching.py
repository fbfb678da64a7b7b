"""What happens to orders in the book: matching, booking, stops, cancel, replace, bust."""

from __future__ import annotations

from certify.model.trading import ExecType, OrdStatus, TimeInForce
from certify.venue.market import Market
from certify.venue.orders import Code, VenueOrder
from certify.venue.reports import Reporter


class Matching:
    """Runs orders through the books and books what they trade."""

    __slots__ = ("_markets", "_matches", "_reporter")

    def __init__(self, markets: dict[str, Market], reporter: Reporter) -> None:
        """Match on `markets` and report over `reporter`."""
        self._markets = markets
        self._reporter = reporter
        self._matches = 0

    def enter(self, market: Market, order: VenueOrder) -> None:
        """Take a new order in: a stop waits, anything else trades; then run the stops this sets off."""
        if order.stop:
            market.stops.add(order)
            if market.last_ticks is not None:
                market.stops.reach(*market.last_ticks)
        else:
            self.trade(market, order)
        self.run_stops(market)

    def trade(self, market: Market, order: VenueOrder) -> None:
        """Match `order` as far as its terms allow and let rest or end what remains."""
        limit_key = order.key if order.has_limit else None
        if order.tif is TimeInForce.FOK and market.book.fillable(order, limit_key) < order.leaves:
            self.end(order, Code.FOK, "the whole quantity is not available")
            return
        for maker, lots in market.book.match(order, limit_key):
            if lots:
                self._book(market, maker, order, lots)
            else:
                self.end(maker, Code.SELF_MATCH, "an order of the same account would have traded with it")
        if order.leaves:
            self._rest_or_end(market, order)

    def _rest_or_end(self, market: Market, order: VenueOrder) -> None:
        if not order.has_limit:
            self.end(order, Code.NO_LIQUIDITY, "no opposite liquidity for the remainder")
        elif order.tif is TimeInForce.IOC or order.tif is TimeInForce.FOK:
            self.end(order, Code.IOC, "not immediately executable")
        else:
            market.book.rest(order)

    def _book(self, market: Market, maker: VenueOrder, taker: VenueOrder, lots: int) -> None:
        """Book one match on both sides at the maker's price, the maker first, and print it."""
        self._matches += 1
        price = maker.price
        self._book_side(market, maker, lots, price)
        self._book_side(market, taker, lots, price)
        market.note_fill(price, lots, self._matches)

    def _book_side(self, market: Market, order: VenueOrder, lots: int, price: int) -> None:
        order.cum += lots
        order.notional += lots * price
        account = order.account
        if account is None:
            return
        total = market.commission.total(order.cum)
        # After a bust an order may have been charged more than it has traded by now.
        fee = max(0, total - order.charged)
        order.charged += fee
        if order.cum == order.qty:
            order.status = OrdStatus.FILLED
            account.working.pop(order.client_order_id, None)
        else:
            order.status = OrdStatus.PARTIALLY_FILLED
        account.book(market.contract, order.sign * lots, price, fee)
        self._reporter.fill(order, account, lots, price, fee, self._matches)
        if order.cum == order.qty:
            order.facts = None  # an ended order is rarely reported again, and there are many

    def run_stops(self, market: Market) -> None:
        """Trade the stops that trades have set off, and those that they set off in turn."""
        while market.stops.triggered and not market.halted:
            for order in market.stops.take_triggered():
                # It may have been canceled since, by its owner or as a self-match.
                if order.working:
                    self.trade(market, order)

    def end(
        self,
        order: VenueOrder,
        code: Code | None,
        reason: str | None,
        status: OrdStatus = OrdStatus.CANCELED,
    ) -> None:
        """End an order that is in no queue any more and say so."""
        order.status = status
        if order.account is not None:
            order.account.working.pop(order.client_order_id, None)
        kind = ExecType.CANCELED if status is OrdStatus.CANCELED else ExecType.EXPIRED
        self._reporter.say(order, kind, code, reason)
        order.facts = None

    def withdraw(self, order: VenueOrder) -> None:
        """Take an order out of the book or the waiting stops."""
        market = self._markets[order.instrument]
        if order.level is not None:
            market.book.remove(order)
        elif not order.triggered:
            market.stops.remove(order)

    def cancel(self, order: VenueOrder, code: Code | None = None, reason: str | None = None) -> None:
        """Cancel a working order."""
        self.withdraw(order)
        self.end(order, code, reason)

    def expire(self, order: VenueOrder, code: Code, reason: str) -> None:
        """End a working order because its time is over."""
        self.withdraw(order)
        self.end(order, code, reason, OrdStatus.EXPIRED)

    def replace(self, order: VenueOrder, qty: int, price: int) -> None:
        """Give a working order a new total quantity (at least what it has traded) and limit price.

        Less quantity at the same price keeps the place in the queue; anything else loses it. A quantity
        equal to what has traded fills the order (FIX 4.4, order state change matrix C.3.b).
        """
        market = self._markets[order.instrument]
        if order.level is not None and price == order.price and qty <= order.qty and qty > order.cum:
            market.book.reduce(order, order.qty - qty)
            order.qty, order.facts = qty, None
            self._reporter.say(order, ExecType.REPLACED)
            return
        resting = order.level is not None
        if resting or qty == order.cum:
            self.withdraw(order)
        order.qty, order.leaves = qty, qty - order.cum
        order.price, order.key, order.facts = price, price * order.sign, None
        if not order.leaves:
            self._fill_by_replace(order)
            return
        self._reporter.say(order, ExecType.REPLACED)
        if resting:
            self.trade(market, order)
            self.run_stops(market)

    def _fill_by_replace(self, order: VenueOrder) -> None:
        order.status = OrdStatus.FILLED
        if order.account is not None:
            order.account.working.pop(order.client_order_id, None)
        self._reporter.say(order, ExecType.REPLACED)

    def set_house(self, market: Market, orders: dict[int, VenueOrder]) -> None:
        """Make the house's liquidity exactly `orders`, by sign; what crosses customers' orders trades.

        A house order at the same price with no more quantity keeps its place.
        """
        for sign, old in list(market.house.items()):
            new = orders.get(sign)
            if old.level is not None and new and new.price == old.price and new.qty <= old.leaves:
                if new.qty < old.leaves:
                    market.book.reduce(old, old.leaves - new.qty)
                continue
            if old.level is not None:
                market.book.remove(old)
            del market.house[sign]
        for sign, new in orders.items():
            if sign not in market.house:
                market.house[sign] = new
                best = market.book.side(-sign).best()
                if best is None or new.key + best.key < 0:
                    market.book.rest(new)  # the usual case, without the questions that `trade` asks
                else:
                    self.trade(market, new)
        self.run_stops(market)

    def bust(self, exec_id: str) -> None:
        """Take back both sides of the match that `exec_id` belongs to; raises `KeyError` when unknown."""
        match_id = self._reporter.executions[exec_id].match_id
        sides = [e for e in self._reporter.executions.values() if e.match_id == match_id]
        for execution in sides:
            order = execution.order
            market = self._markets[order.instrument]
            execution.account.unbook(execution, market.contract)
            order.cum -= execution.lots
            order.notional -= execution.lots * execution.price
            order.charged -= execution.commission
            self._reopen(market, order, execution.lots)
            self._reporter.bust(execution)

    def correct(self, exec_id: str, price: int) -> list[str]:
        """Give both sides of a match another price in ticks; return their execution ids.

        Raises `KeyError` when the execution is unknown.
        """
        match_id = self._reporter.executions[exec_id].match_id
        sides = [e for e in self._reporter.executions.values() if e.match_id == match_id]
        for execution in sides:
            contract = self._markets[execution.order.instrument].contract
            execution.account.reprice(execution, price, contract)
        return [execution.exec_id for execution in sides]

    def fill(self, order: VenueOrder, lots: int, price: int) -> None:
        """Fill a working order outside the book, at most what it wants; the remainder loses its place."""
        market = self._markets[order.instrument]
        self.withdraw(order)
        order.triggered = True
        self._matches += 1
        lots = min(lots, order.leaves)
        order.leaves -= lots
        self._book_side(market, order, lots, price)
        market.note_fill(price, lots, self._matches)
        if order.leaves:
            self._rest_or_end(market, order)
        self.run_stops(market)

    @staticmethod
    def _reopen(market: Market, order: VenueOrder, lots: int) -> None:
        """Give a working order its busted quantity back, at the end of the queue; others stay ended.

        A filled order that lost a fill has nothing more to do: it ends as canceled.
        """
        if order.status is OrdStatus.FILLED:
            order.status = OrdStatus.CANCELED
        elif order.working:
            if order.level is not None:
                market.book.remove(order)
                order.leaves += lots
                market.book.rest(order)
            order.status = order.working_status()
