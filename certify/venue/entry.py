"""The venue's door: a new order is checked here, in a fixed sequence, and made into ticks and lots."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal

from certify.errors import UsageError
from certify.model.trading import Instrument, Order, OrderType, Quote, Side, TimeInForce
from certify.venue.accounts import Account
from certify.venue.contract import Contract, Grid, NotPositive, OffGrid
from certify.venue.market import Market, Top
from certify.venue.orders import Code, VenueOrder


class Refused(Exception):
    """The order is not taken; becomes a REJECTED report and never leaves the venue."""

    def __init__(self, code: Code, reason: str) -> None:
        """Keep the stable code beside the text."""
        self.code, self.reason = code, reason
        super().__init__(reason)


class OrderEntry:
    """Checks new orders and numbers them."""

    __slots__ = ("_markets", "_random", "_reject_rate", "_seq", "open")

    def __init__(self, markets: dict[str, Market], reject_rate: Decimal, seed: int) -> None:
        """Refuse `reject_rate` of the otherwise good orders, drawn by `seed`."""
        self._markets = markets
        self._reject_rate = float(reject_rate)
        self._random = random.Random(f"venue/{seed}")
        self._seq = 0
        self.open = True
        """Whether the trading session is open."""

    def skip(self, count: int) -> None:
        """Use up order numbers."""
        self._seq += count

    def house_top(self, market: Market, quote: Quote) -> Top:
        """Return the house's quote in ticks and lots; each side takes an order number, though it shows none.

        Raises `UsageError` for a crossed or locked quote, or a price or size off the grid.
        """
        bid = bid_lots = ask = ask_lots = 0
        try:
            if quote.bid is not None and quote.bid_size:
                bid, bid_lots = _inside(market.contract, quote.bid, quote.bid_size)
                self._seq += 1
            if quote.ask is not None and quote.ask_size:
                ask, ask_lots = _inside(market.contract, quote.ask, quote.ask_size)
                self._seq += 1
        except (NotPositive, OffGrid) as error:
            raise UsageError(f"{quote.instrument}: {error}") from error
        if bid_lots and ask_lots and bid >= ask:
            raise UsageError(f"{quote.instrument}: expected bid < ask, was {quote.bid} and {quote.ask}")
        return bid, bid_lots, ask, ask_lots

    def admit(self, account: Account, order: Order, now: int) -> VenueOrder:
        """Return the order as the venue holds it; raises `Refused`."""
        market = self._identify(account, order)
        if order.tif is TimeInForce.GTD:
            _check_expiry(order.expire_at_ns, now)
        qty = steps(market.contract.lots, order.qty, Code.QTY, Code.LOT)
        price = self._price(market, order)
        stop = self._stop(market, order)
        self._check_trading(market)
        if self._reject_rate and self._random.random() < self._reject_rate:
            raise Refused(Code.VENUE_REJECT, "rejected by the venue")
        self._seq += 1
        made = VenueOrder(self._seq, order.instrument, order.side, qty, price)
        made.account = account
        made.client_order_id = order.client_order_id
        made.broker_order_id = f"V{made.seq:09d}"
        made.type, made.tif, made.expire_at_ns = order.type, order.tif, order.expire_at_ns or 0
        made.stop, made.triggered = stop, not stop
        return made

    def admit_change(self, order: VenueOrder, qty: Decimal | None, price: Decimal | None) -> tuple[int, int]:
        """Return the quantity and limit price a working order shall have; raises `Refused`."""
        market = self._markets[order.instrument]
        self._check_trading(market)
        if qty is None and price is None:
            raise Refused(Code.NOTHING_TO_CHANGE, "neither a quantity nor a price was given")
        new_qty, new_price = order.qty, order.price
        if qty is not None:
            new_qty = steps(market.contract.lots, qty, Code.QTY, Code.LOT)
        if price is not None:
            if not order.has_limit:
                raise Refused(Code.PRICE, f"a {order.type.value} order has no limit price")
            new_price = steps(market.contract.ticks, price, Code.PRICE, Code.TICK)
        if new_qty < order.cum:
            traded = market.contract.lots.outside(order.cum)
            raise Refused(Code.BELOW_CUM_QTY, f"{traded} have traded already")
        return new_qty, new_price

    def _identify(self, account: Account, order: Order) -> Market:
        """Return the market of an order that is new and of this account."""
        if order.client_order_id in account.orders or order.client_order_id in account.rejected:
            raise Refused(Code.DUPLICATE_ORDER_ID, f"{order.client_order_id} was used before")
        if order.account is not None and order.account != account.id:
            raise Refused(Code.ACCOUNT, f"expected account {account.id}, was {order.account}")
        market = self._markets.get(order.instrument)
        if market is None:
            raise Refused(Code.UNKNOWN_INSTRUMENT, f"{order.instrument} is not traded here")
        currency = market.contract.instrument.currency
        if currency != account.currency:
            raise Refused(Code.CURRENCY, f"{order.instrument} trades in {currency}, not {account.currency}")
        return market

    def _check_trading(self, market: Market) -> None:
        if not self.open:
            raise Refused(Code.CLOSED, "the session is closed")
        if market.halted:
            raise Refused(Code.HALTED, f"{market.instrument_id} is halted")

    @staticmethod
    def _price(market: Market, order: Order) -> int:
        """Return the limit price in ticks, 0 for an order that has none."""
        if order.type is OrderType.LIMIT or order.type is OrderType.STOP_LIMIT:
            return required_steps(market.contract.ticks, order.price, Code.PRICE, "limit price")
        if order.price is not None:
            raise Refused(Code.PRICE, f"a {order.type.value} order takes no limit price")
        return 0

    @staticmethod
    def _stop(market: Market, order: Order) -> int:
        """Return the stop price in ticks, 0 for an order that has none."""
        if order.type is OrderType.STOP or order.type is OrderType.STOP_LIMIT:
            return required_steps(market.contract.ticks, order.stop_price, Code.STOP_PRICE, "stop price")
        if order.stop_price is not None:
            raise Refused(Code.STOP_PRICE, f"a {order.type.value} order takes no stop price")
        return 0


def _inside(contract: Contract, price: Decimal, size: Decimal) -> tuple[int, int]:
    return contract.ticks.inside(price), contract.lots.inside(size)


def house_orders(market: Market, top: Top) -> dict[int, VenueOrder]:
    """Return the house's orders for what it shows, by sign."""
    bid, bid_lots, ask, ask_lots = top
    sides = ((Side.BUY, bid, bid_lots), (Side.SELL, ask, ask_lots))
    orders = (VenueOrder(0, market.instrument_id, side, lots, price) for side, price, lots in sides if lots)
    return {order.sign: order for order in orders}


def required_steps(grid: Grid, value: Decimal | None, code: Code, name: str) -> int:
    """Return a price in ticks; raises `Refused` when it is missing, not positive or off the grid."""
    if value is None:
        raise Refused(code, f"the {name} is missing")
    return steps(grid, value, code, Code.TICK)


def steps(grid: Grid, value: Decimal, not_positive: Code, off_grid: Code) -> int:
    """Return `value` in steps of `grid`; raises `Refused` with one of the two codes."""
    try:
        return grid.inside(value)
    except NotPositive as error:
        raise Refused(not_positive, str(error)) from error
    except OffGrid as error:
        raise Refused(off_grid, str(error)) from error


def _check_expiry(expire_at_ns: int | None, now: int) -> None:
    if expire_at_ns is None:
        raise Refused(Code.EXPIRE_TIME, "a GTD order needs an expiry")
    if expire_at_ns <= now:
        raise Refused(Code.EXPIRE_TIME, "the expiry has passed")


def tradable(instruments: Sequence[Instrument]) -> None:
    """Check that instruments can be traded; raises `ValueError`."""
    for instrument in instruments:
        if instrument.tick <= 0 or instrument.lot <= 0 or instrument.multiplier <= 0:
            raise ValueError(f"tick, lot and multiplier of {instrument.id} must be positive")
