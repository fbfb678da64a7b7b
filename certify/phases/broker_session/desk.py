"""An order port in front of a gateway whose market the check sets."""

from __future__ import annotations

from decimal import Decimal

from certify import clock
from certify.errors import CertifyError, SystemUnavailable
from certify.model.trading import ExecType, Order, OrderUpdate, Quote, Side
from certify.phases.api import Unmet, expect, expect_equal
from certify.phases.broker_session.house import House, HouseOrder
from certify.phases.orders import ACCEPTED, ENDED, said, to_tick
from certify.phases.trading.desk import DEEP, Desk
from certify.phases.trial import PATIENCE_S, QUICK_LOOK_S, Trial

FIRST_PRICE = Decimal(100)
"""Around which the market is set where no market data port says where it is."""
AWAY = Decimal("0.01")
STEADY_S = 0.5


class SessionDesk(Desk):
    """One order port, and the gateway behind it."""

    def __init__(self, trial: Trial, port: str) -> None:
        """Use one port of the trial's system."""
        super().__init__(trial, port)
        self.house = House(trial)
        self._quote: Quote | None = None

    # the market, set at the gateway

    def centre(self) -> Decimal:
        """Return the price around which the market is set."""
        return self.trial.centre() if self.trial.has("market_data") else FIRST_PRICE

    def market(self, *, ask_lots: int = DEEP, bid_lots: int = DEEP, shift: int = 0) -> Quote:
        """Let the gateway show a market `shift` ticks off the centre, and wait until the system shows it."""
        bid = self.centre() + (shift - 1) * self.tick
        quote = self.shown(bid, bid + 2 * self.tick, bid_lots=bid_lots, ask_lots=ask_lots)
        if self.trial.has("market_data"):
            self.sees(quote)
        return quote

    def shown(self, bid: Decimal, ask: Decimal, *, bid_lots: int = DEEP, ask_lots: int = DEEP) -> Quote:
        """Let the gateway show a market, whether or not anybody is there to see it."""
        name, size, ask_size = self.trial.instrument.id, self.lots(bid_lots), self.lots(ask_lots)
        self.house.show(name, bid, ask, size=size, ask_size=ask_size)
        self._quote = Quote(name, bid, size, ask, ask_size, clock.now_ns())
        return self._quote

    def sees(self, quote: Quote, within_s: float = PATIENCE_S) -> Quote:
        """Wait until the system shows a market."""
        inbox = self.trial.session("market_data").inbox
        self.trial.quote(quote.instrument)

        def look() -> Quote | None:
            last = inbox.quotes.get(quote.instrument)
            return last if last is not None and (last.bid, last.ask) == (quote.bid, quote.ask) else None

        text = f"expected {quote.bid}/{quote.ask} of the gateway to be shown"
        return self.trial.until("market_data", look, text, within_s)

    def resting_price(self, side: Side = Side.BUY) -> Decimal:
        """Return a price at which an order rests under the market that was set last."""
        quote = self._quote or self.market()
        if side is Side.BUY:
            return to_tick((quote.bid or FIRST_PRICE) * (1 - AWAY), self.tick, down=True)
        return to_tick((quote.ask or FIRST_PRICE) * (1 + AWAY), self.tick, down=False)

    def through(self, side: Side, quote: Quote) -> Decimal:
        """Return the far side of a market that was set at the gateway."""
        return (quote.ask if side is Side.BUY else quote.bid) or FIRST_PRICE

    def buy_through(self, order: Order) -> None:
        """Move the market at the gateway under a resting purchase, so that all of it trades."""
        price = order.price or self.centre()
        self.shown(price - 6 * self.tick, price - 4 * self.tick)

    # what became of an order

    def resting(self, lots: int = 1, side: Side = Side.BUY) -> tuple[Order, HouseOrder]:
        """Rest an order away from the market and return it with what the gateway has of it."""
        self.market()
        order = self.rest(side, self.lots(lots))
        return order, self.house.one(order)

    def bought(self, lots: int = 1) -> Order:
        """Buy at the shown ask and return the order once all of it is filled."""
        return self.trade(Side.BUY, self.lots(lots), self.market())

    def ends(self, order: Order) -> list[OrderUpdate]:
        """Return what was said that ends an order."""
        return [u for u in self.updates(order) if u.exec_type in ENDED]

    def fills(self, order: Order) -> list[OrderUpdate]:
        """Return the fills that were said of an order, busted ones too."""
        return [u for u in self.updates(order) if u.exec_type is ExecType.TRADE]

    def accepted(self, order: Order) -> bool:
        """Whether an order was said to be taken."""
        return any(u.exec_type in ACCEPTED for u in self.updates(order))

    def alive(self, order: Order, what: str, *, for_s: float = QUICK_LOOK_S) -> None:
        """Fail when the system takes a working order for ended, or does not list it."""
        self.trial.wait(self.port, lambda: self.ends(order), for_s)
        words = ", ".join(said(update) for update in self.ends(order))
        expect(not words, f"expected the order to be alive {what}, as it is at the gateway, was {words}")
        self.listing(order)
        expect(self.house.working(order), f"expected the order to work at the gateway {what}, was not so")

    def cancelled(self, order: Order) -> None:
        """Cancel an order that works, here and at the gateway."""
        answer = self.cancel(order)
        expect_equal(answer.exec_type, ExecType.CANCELED, "answer to the cancel")
        self.gone(order, "after its cancel")

    def gone(self, order: Order, when: str, within_s: float = PATIENCE_S) -> None:
        """Fail unless the gateway has nothing working of an order."""
        text = f"expected {order.client_order_id} not to work at the gateway {when}"
        self.trial.poll(lambda: not self.house.working(order), text, within_s)

    def agrees(self, order: Order, *, within_s: float = PATIENCE_S) -> None:
        """Fail unless the fills said of an order are those that the gateway has: as many, as much."""

        def theirs() -> Decimal:
            return sum((row.filled for row in self.house.find(order)), Decimal(0))

        entry = self.entry(order)
        try:
            self.trial.poll(lambda: entry.cum_qty == theirs(), "so", within_s)
        except Unmet:
            name, was = order.client_order_id, entry.cum_qty
            raise Unmet(f"filled of {name}: expected {theirs()} as at the gateway, was {was}") from None
        self.trial.wait(self.port, lambda: None, QUICK_LOOK_S)
        told = [u.exec_id for u in self.fills(order)]
        expect_equal(len(told), len(set(told)), f"fills of {order.client_order_id} told once each")
        expect_equal(entry.cum_qty, theirs(), f"filled of {order.client_order_id}, as at the gateway")

    def matches_house(self, *, within_s: float = PATIENCE_S) -> Decimal:
        """Fail unless the position said is the one that the gateway holds; returns it."""
        name = self.trial.instrument.id

        def look() -> bool:
            return self.position() == self.house.position(name)

        try:
            self.trial.poll(look, "so", within_s)
        except Unmet:
            held = self.house.position(name)
            raise Unmet(f"position: expected {held} as at the gateway, was {self.position()}") from None
        return self.position()

    def takes_orders(self) -> bool:
        """Whether a resting order is taken now; it is cancelled again."""
        try:
            self.market()
            order = self.order(Side.BUY, self.lots(1))
            answer = self.place(order)
            if answer.exec_type in ENDED:
                return False
            return self.cancel(order).exec_type is ExecType.CANCELED
        except SystemUnavailable:
            raise
        except (CertifyError, Unmet):
            return False
