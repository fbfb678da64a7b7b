"""The gateway's door for orders: what is wrong with one, before anybody else sees it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from certify.gateway.contracts import Listing
from certify.gateway.orders import conditions, refusals
from certify.gateway.orders.records import OrderRecord
from certify.gateway.orders.shapes import TIFS, Shape, shape_of, time_ns
from certify.gateway.wire.order import WireOrder
from certify.model.trading import Instrument

if TYPE_CHECKING:
    from certify.gateway.house import Gateway

NO_ALLOCATION = 436
_BEYOND = Decimal(10) ** 12
FRACTIONAL_TEXT = "Fractional-sized order cannot be placed via API. Please trade this order in TWS."
OFF_TICK_TEXT = "The price does not conform to the minimum price variation for this contract."


class Refusal(Exception):
    """An order is not taken: IB's error code and text."""

    def __init__(self, code: int, text: str, *, inactive: bool = False) -> None:
        """Keep both; `inactive` when the order is listed as refused, and not just answered with an error."""
        self.code, self.text, self.inactive = code, text, inactive
        super().__init__(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A new order that can be taken."""

    account: str
    listing: Listing
    shape: Shape
    parent: OrderRecord | None


def rejected(reason: str) -> Refusal:
    """Return a refusal with code 201."""
    return Refusal(refusals.ORDER_REJECTED, f"Order rejected - reason:{reason}", inactive=True)


class Entry:
    """Checks new orders and changes of orders; raises `Refusal`."""

    def __init__(self, gateway: Gateway) -> None:
        """Check by what `gateway` knows."""
        self._gateway = gateway
        self.accounts: list[str] = [account.id for account in gateway.settings.accounts]
        """In the order they were opened."""

    def admit(self, order: WireOrder, parent: OrderRecord | None) -> Admitted:
        """Return what a new order is; raises `Refusal`."""
        account = self._account(order.account)
        found = self._gateway.contracts.find(order.contract)
        if not isinstance(found, Listing):
            raise Refusal(found.code, found.text)
        if order.parent_id and parent is None:
            raise Refusal(refusals.MISSING_PARENT, "Missing parent order.")
        shape = self.check(order, found.instrument)
        return Admitted(account=account, listing=found, shape=shape, parent=parent)

    def check(self, order: WireOrder, instrument: Instrument) -> Shape:
        """Check everything of an order that may be changed later; return its shape."""
        shape = shape_of(order.order_type)
        if shape is None:
            text = "Unsupported order type for this exchange and security type."
            raise Refusal(refusals.UNSUPPORTED_TYPE, text)
        if order.action not in ("BUY", "SELL", "SSHORT"):
            text = f"Error validating request.-'bW' : cause - Invalid action '{order.action}'"
            raise Refusal(refusals.VALIDATING, text)
        if order.total_quantity <= 0 or not order.total_quantity.is_finite():
            raise Refusal(refusals.SIZE_ZERO, "The order size cannot be zero.")
        wrong = conditions.problem(order, self._gateway)
        if wrong:
            raise rejected(wrong)
        if instrument.lot == 1 and order.total_quantity != order.total_quantity.to_integral_value():
            raise Refusal(refusals.FRACTIONAL, FRACTIONAL_TEXT)
        self._check_tif(order, shape)
        _check_prices(order, shape, instrument.tick)
        return shape

    def _account(self, account: str) -> str:
        if account in self.accounts:
            return account
        if account:
            text = f"Error validating request.-'bW' : cause - Invalid account code '{account}'."
            raise Refusal(refusals.VALIDATING, text)
        if len(self.accounts) > 1:
            text = "You must specify an allocation (either a single account, group, or profile)."
            raise Refusal(NO_ALLOCATION, text)
        return self.accounts[0]

    def _check_tif(self, order: WireOrder, shape: Shape) -> None:
        if order.tif not in TIFS:
            raise rejected(f"Invalid time in force: {order.tif}")
        if shape.close and order.tif not in ("", "DAY", "GTC"):
            raise rejected(f"Invalid time in force for an order at the close: {order.tif}")
        if order.tif == "GTD" and time_ns(order.good_till_date) is None:
            raise rejected(refusals.words("EXPIRE_TIME", "a GTD order needs a good-till date"))
        if order.good_after_time and time_ns(order.good_after_time) is None:
            raise rejected(f"Invalid good-after time: {order.good_after_time}")


def _check_prices(order: WireOrder, shape: Shape, tick: Decimal) -> None:
    """Check that the prices an order needs are there, positive and on the grid of price steps."""
    if shape.limit and order.lmt_price is None:
        raise rejected(refusals.words("PRICE", "the limit price is missing"))
    if shape.trigger and order.aux_price is None:
        raise rejected(refusals.words("STOP_PRICE", "the trigger price is missing"))
    if shape.trailing:
        _check_trail(order, shape)
    _check_size(order)
    checked = [order.lmt_price] if shape.limit else []
    checked += [order.aux_price] if shape.trigger else []
    checked += [order.trail_stop_price] if shape.trailing else []
    for price in checked:
        if price is None:
            continue
        if price <= 0:
            raise rejected(refusals.words("PRICE", "a price must be positive"))
        if price % tick:
            raise Refusal(refusals.OFF_TICK, OFF_TICK_TEXT)


def _check_size(order: WireOrder) -> None:
    """Refuse numbers that no order has, whatever they are for."""
    trail = (order.trail_stop_price, order.trailing_percent, order.lmt_price_offset)
    numbers = (order.lmt_price, order.aux_price, *trail)
    if any(number is not None and not abs(number) < _BEYOND for number in numbers):
        raise rejected(refusals.words("PRICE", "a price is beyond every market"))
    if order.total_quantity >= _BEYOND:
        raise rejected(refusals.words("QTY", "the size is beyond every market"))


def _check_trail(order: WireOrder, shape: Shape) -> None:
    if not order.aux_price and not order.trailing_percent:
        raise rejected("Invalid trailing amount: the trailing amount or percentage is missing")
    limited = order.lmt_price_offset is not None or order.lmt_price is not None
    if shape.name == "TRAIL LIMIT" and not limited:
        raise rejected(refusals.words("PRICE", "the limit price or its offset is missing"))


def check_same(record: OrderRecord, order: WireOrder, found: object) -> None:
    """Check that a change is one of this order: same contract, side and account; raises `Refusal`."""
    side = "BUY" if order.action == "BUY" else "SELL"
    same = (
        isinstance(found, Listing)
        and found.instrument.id == record.instrument.id
        and side == record.side.value
        and order.account in ("", record.account)
    )
    if not same:
        raise Refusal(refusals.DOES_NOT_MATCH, "Order being modified does not match original order.")
