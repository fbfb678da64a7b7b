"""Limits on one order, quantity and value, tried at every door at the limit and one step above."""

from __future__ import annotations

from decimal import Decimal

from certify.model.trading import OrderType, Side
from certify.phases.api import Check, Finding, Unmeasurable, check, passed
from certify.phases.risk.cards import CRITICAL, risk_card
from certify.phases.risk.desk import RiskDesk, money
from certify.phases.trial import Trial

QTY_RULES = ("RK-03", "RK-07", "rts6.15.1.c", "inc.hardblock")
VALUE_RULES = ("RK-02", "RK-07", "rts6.15.1.b")
QTY_STEPS = (
    "lower max_order_qty where that is possible",
    "send an order of one lot less, of the limit, of one lot more",
)
QTY_PASSES = "the first two are let through, the third is refused with a code or a reason"
QTY_REMEDY = "compare with the limit itself, in the one gate that every order passes whatever its kind"
MARGIN = Decimal("1.25")
"""How far from the limit a market order is tried: the price it is valued at is the system's own choice."""


def _qty_door(name: str, title: str, side: Side, kind: OrderType, **more: tuple[str, ...]) -> Check:
    needs = ("risk.max_order_qty", *more.pop("needs", ()))
    card = risk_card(
        name,
        title,
        CRITICAL,
        steps=QTY_STEPS,
        passes_when=QTY_PASSES,
        remedy=QTY_REMEDY,
        needs=needs,
        references=QTY_RULES,
        **more,
    )
    return Check(card, lambda trial: _probe_qty(trial, side, kind))


def _probe_qty(trial: Trial, side: Side, kind: OrderType) -> Finding:
    desk = RiskDesk(trial)
    if kind is OrderType.MARKET:
        desk.deep_market()
    count = desk.lots_limit("max_order_qty")
    why = f"by max_order_qty {desk.lots(count)}"
    for lots in (count - 1, count):
        if lots:
            order = desk.make(side, lots, kind)
            desk.allowed(order, why)
            if kind is OrderType.MARKET:
                desk.filled(order)
                desk.fill(Side.SELL, order.qty)  # so that no limit on positions is met on the way
            desk.clear(order)
    desk.refused(desk.make(side, count + 1, kind), why)
    return passed(f"{desk.lots(count)} let through, {desk.lots(count + 1)} refused")


max_order_qty = _qty_door(
    "max_order_qty",
    "The largest quantity of an order holds to the lot",
    Side.BUY,
    OrderType.LIMIT,
)
max_order_qty_sell = _qty_door(
    "max_order_qty_sell",
    "The largest quantity of an order holds for sales too",
    Side.SELL,
    OrderType.LIMIT,
    needs=("orders.short",),
)
max_order_qty_market = _qty_door(
    "max_order_qty_market",
    "The largest quantity of an order holds for market orders too",
    Side.BUY,
    OrderType.MARKET,
    needs=("orders.market",),
)
max_order_qty_stop = _qty_door(
    "max_order_qty_stop",
    "The largest quantity of an order holds for stop orders too",
    Side.BUY,
    OrderType.STOP,
    needs=("orders.stop",),
)


@check(
    risk_card(
        "max_order_qty_modify",
        "The largest quantity of an order cannot be got round by changing the order",
        CRITICAL,
        steps=("rest one lot", "change it to the limit", "change it to one lot more"),
        passes_when="the first change is made, the second refused",
        remedy="send every change through the same gate as a new order, with the quantity it would have",
        needs=("risk.max_order_qty", "orders.modify"),
        references=(*QTY_RULES, "nautechsystems/nautilus_trader modify path"),
    )
)
def max_order_qty_modify(trial: Trial) -> Finding:
    """Rest small, change up."""
    desk = RiskDesk(trial)
    count = desk.lots_limit("max_order_qty")
    why = f"by max_order_qty {desk.lots(count)}"
    order = desk.rest(Side.BUY, desk.lots(1))
    if count > 1:
        desk.change_allowed(order, why, desk.lots(count))
    desk.change_refused(order, why, desk.lots(count + 1))
    return passed(f"a change to {desk.lots(count)} was made, to {desk.lots(count + 1)} refused")


# -- value -------------------------------------------------------------------------------------


def _value_terms(desk: RiskDesk) -> tuple[Decimal, Decimal, Decimal]:
    """Return quantity, price at the limit, and the limit on the value of an order, lowered where possible."""
    trial, tick = desk.trial, desk.trial.instrument.tick
    room = desk.room("max_order_notional")
    if room < 1:
        raise Unmeasurable("other limits and the safety caps leave less than one lot")
    price = desk.resting_price(Side.BUY)
    price = max(price - price % (100 * tick), price - price * Decimal("0.01") // tick * tick)
    qty = desk.lots(min(room, 10))
    if desk.lower("max_order_notional", desk.value(qty, price)) is not None:
        return qty, price, desk.value(qty, price)
    limit = desk.declared("max_order_notional")
    lot = trial.instrument.lot
    qty = limit / desk.value(Decimal(1), price) // lot * lot
    if not qty:
        raise Unmeasurable(f"max_order_notional {limit} is less than one lot")
    price = limit / desk.value(qty, Decimal(1)) // tick * tick
    if qty > desk.lots(room) or price > desk.resting_price(Side.BUY) * Decimal("1.005"):
        raise Unmeasurable(f"max_order_notional {limit} cannot be reached exactly within the other limits")
    return qty, price, limit


@check(
    risk_card(
        "max_order_notional",
        "The largest value of an order holds to the tick",
        CRITICAL,
        steps=(
            "lower max_order_notional where that is possible",
            "send orders of one quantity, one tick below the limit, at the limit, one tick above it",
        ),
        passes_when="the first two are let through, the third is refused with a code or a reason",
        remedy="multiply quantity, price and multiplier in decimals and compare with the limit itself",
        needs=("risk.max_order_notional",),
        references=VALUE_RULES,
    )
)
def max_order_notional(trial: Trial) -> Finding:
    """Three prices around the limit."""
    desk, tick = RiskDesk(trial), trial.instrument.tick
    qty, price, limit = _value_terms(desk)
    why = f"by max_order_notional {limit}"
    for inside in (price - tick, price):
        order = desk.order(Side.BUY, qty, price=inside)
        desk.allowed(order, why)
        desk.clear(order)
    desk.refused(desk.order(Side.BUY, qty, price=price + tick), why)
    return passed(f"{qty} @ {price} let through, {qty} @ {price + tick} refused by {limit}")


@check(
    risk_card(
        "max_order_notional_modify",
        "The largest value of an order cannot be got round by changing quantity or price",
        CRITICAL,
        steps=("rest an order at the limit", "raise its price by one tick", "raise its quantity by one lot"),
        passes_when="both changes are refused with a code or a reason",
        remedy="send every change through the same gate as a new order, with the value it would have",
        needs=("risk.max_order_notional", "orders.modify"),
        references=VALUE_RULES,
    )
)
def max_order_notional_modify(trial: Trial) -> Finding:
    """Rest at the limit, change up both ways."""
    desk = RiskDesk(trial)
    qty, price, limit = _value_terms(desk)
    why = f"by max_order_notional {limit}"
    order = desk.order(Side.BUY, qty, price=price)
    desk.allowed(order, why)
    desk.change_refused(order, why, price=price + trial.instrument.tick)
    trial.count_order(qty + desk.lots(1), price)
    desk.change_refused(order, why, qty=qty + desk.lots(1))
    return passed(f"no change beyond {limit} was made")


@check(
    risk_card(
        "max_order_notional_market",
        "The largest value of an order holds for market orders too",
        CRITICAL,
        steps=(
            "set max_order_notional a quarter above the value of a market order and send it",
            "set it a quarter below and send it again",
        ),
        passes_when="the first is filled, the second refused with a code or a reason",
        remedy="value a market order at the price it would meet, and refuse it where there is none",
        needs=("risk.max_order_notional", "risk.set_limit", "orders.market"),
        references=(*VALUE_RULES, "inc.sentinel"),
    )
)
def max_order_notional_market(trial: Trial) -> Finding:
    """One market order, two limits."""
    desk = RiskDesk(trial)
    qty = desk.lots(max(1, min(desk.room("max_order_notional"), 5)))
    quote = desk.deep_market(qty)
    value = desk.value(qty, quote.ask or Decimal(0))
    for side in (Side.BUY, Side.SELL):
        desk.must_lower("max_order_notional", money(value * MARGIN))
        order = desk.order(side, qty, type=OrderType.MARKET)
        desk.allowed(order, f"by max_order_notional {money(value * MARGIN)}")
        desk.filled(order)
    desk.must_lower("max_order_notional", money(value / MARGIN))
    why = f"by max_order_notional {money(value / MARGIN)}"
    desk.refused(desk.order(Side.BUY, qty, type=OrderType.MARKET), why)
    return passed(f"a market order worth {money(value)} was refused {why}")


CHECKS: tuple[Check, ...] = (
    max_order_qty,
    max_order_qty_sell,
    max_order_qty_market,
    max_order_qty_stop,
    max_order_qty_modify,
    max_order_notional,
    max_order_notional_modify,
    max_order_notional_market,
)
