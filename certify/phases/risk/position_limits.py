"""Limits on a position: filled and working quantity together, both sides, and the way back out."""

from __future__ import annotations

from decimal import Decimal

from certify.model.trading import Order, OrderType, Side
from certify.phases.api import Check, Finding, Unmeasurable, check, expect, not_applicable, passed
from certify.phases.risk.cards import CRITICAL, MAJOR, risk_card
from certify.phases.risk.desk import RiskDesk, money, settable
from certify.phases.trial import Trial

RULES = ("RK-12", "RK-07", "sec.15c3-5.c1i")
NEEDS = ("risk.max_position_qty",)
REMEDY = "count what is held and everything that is on its way, in the direction of the order"
MARGIN = Decimal("1.25")
FEW = 4
"""Lots left below a limit that cannot be lowered, once the rest of it is held."""


def _flat(trial: Trial) -> RiskDesk:
    desk = RiskDesk(trial)
    held = desk.position()
    if held:
        raise Unmeasurable(f"expected to begin flat, was {held} {trial.instrument.id}")
    return desk


def _hold_beyond(desk: RiskDesk, count: int) -> int:
    """Hold what is above a few lots of a limit that could not be lowered; return the lots held."""
    held = max(0, count - FEW)
    if held:
        desk.hold(held)
    return held


def _filled(trial: Trial, side: Side) -> Finding:
    desk = _flat(trial)
    desk.deep_market()
    count = desk.position_limit(4, spare=2)
    why = f"by max_position_qty {desk.lots(count)}"
    if count > 1:
        desk.hold(count - 1, side)
    desk.refused(desk.make(side, 2 if count > 1 else count + 1), f"{why} with {count - 1} lots held")
    order = desk.make(side, 1, OrderType.MARKET)
    desk.allowed(order, f"{why} with {count - 1} lots held")
    desk.filled(order)
    held = desk.lots(count) if side is Side.BUY else -desk.lots(count)
    desk.position_is(held, "after trading up to the limit")
    for kind in (OrderType.LIMIT, OrderType.MARKET):
        desk.refused(desk.make(side, 1, kind), f"{why} with all of it held")
    return passed(f"a position of {held} was let through, nothing beyond")


@check(
    risk_card(
        "max_position_qty",
        "The largest position holds: what is held counts",
        CRITICAL,
        steps=("buy up to one lot below the limit", "try two lots more, then one, then one again"),
        passes_when="two are refused, one is let through, and at the limit nothing more is",
        remedy=REMEDY,
        needs=(*NEEDS, "orders.market"),
        references=RULES,
    )
)
def max_position_qty(trial: Trial) -> Finding:
    """Long."""
    return _filled(trial, Side.BUY)


@check(
    risk_card(
        "max_position_qty_short",
        "The largest position holds for short positions too",
        CRITICAL,
        steps=("sell up to one lot below the limit", "try two lots more, then one, then one again"),
        passes_when="two are refused, one is let through, and at the limit nothing more is",
        remedy=REMEDY,
        needs=(*NEEDS, "orders.market", "orders.short"),
        references=RULES,
    )
)
def max_position_qty_short(trial: Trial) -> Finding:
    """Short."""
    return _filled(trial, Side.SELL)


@check(
    risk_card(
        "max_position_qty_working",
        "The largest position holds against many small orders: what is working counts, until it is cancelled",
        CRITICAL,
        steps=(
            "rest orders of one lot up to the limit",
            "try one more",
            "cancel one and try again",
        ),
        passes_when="exactly so many rest as the limit allows; a cancelled one makes room for one",
        remedy=REMEDY,
        needs=NEEDS,
        references=(*RULES, "rts6.15.2", "inc.basket"),
    )
)
def max_position_qty_working(trial: Trial) -> Finding:
    """Many small orders."""
    desk = _flat(trial)
    count = desk.position_limit(4)
    held = _hold_beyond(desk, count)
    why = f"by max_position_qty {desk.lots(count)}" + (f" with {held} lots held" if held else "")
    resting: list[Order] = []
    for number in range(count - held):
        resting.append(desk.make(Side.BUY, 1))
        desk.allowed(resting[-1], f"{why} with {number} lots working")
    desk.refused(desk.make(Side.BUY, 1), f"{why} with {len(resting)} lots working")
    desk.clear(resting[0])
    desk.allowed(desk.make(Side.BUY, 1), f"{why} after a cancel, with {len(resting) - 1} lots working")
    return passed(f"{len(resting)} orders of one lot were let through, one more was not")


@check(
    risk_card(
        "max_position_qty_modify",
        "The largest position cannot be got round by changing a working order",
        CRITICAL,
        steps=("rest one lot", "change it to the limit", "change it to one lot more"),
        passes_when="the first change is made, the second refused",
        remedy="send every change through the same gate as a new order, with the quantity it would have",
        needs=(*NEEDS, "orders.modify"),
        references=RULES,
    )
)
def max_position_qty_modify(trial: Trial) -> Finding:
    """Rest small, change up."""
    desk = _flat(trial)
    count = desk.position_limit(4)
    held = _hold_beyond(desk, count)
    left, why = count - held, f"by max_position_qty {desk.lots(count)} with {held} lots held"
    order = desk.rest(Side.BUY, desk.lots(1))
    if left > 1:
        desk.change_allowed(order, why, desk.lots(left))
    desk.change_refused(order, why, desk.lots(left + 1))
    return passed(f"a change to {desk.lots(left)} was made, to {desk.lots(left + 1)} refused {why}")


@check(
    risk_card(
        "max_position_qty_reduce",
        "A position above its limit can always be reduced, and only reduced",
        MAJOR,
        steps=("buy a few lots", "set max_position_qty below what is held", "sell one lot", "buy one lot"),
        passes_when="the sale is let through, the purchase refused",
        remedy="let every order pass that makes the position smaller, whatever the limit has become",
        needs=(*NEEDS, "risk.set_limit", "orders.market"),
        references=RULES,
    )
)
def max_position_qty_reduce(trial: Trial) -> Finding:
    """Hold too much, get out."""
    desk = _flat(trial)
    if desk.room("max_position_qty") < 4:
        raise Unmeasurable("other limits and the safety caps leave less than 4 lots")
    desk.hold(4)
    desk.must_lower("max_position_qty", desk.lots(2))
    why = f"by max_position_qty {desk.lots(2)} with {desk.lots(4)} held"
    order = desk.make(Side.SELL, 1, OrderType.MARKET)
    desk.allowed(order, f"{why}, as it reduces")
    desk.filled(order)
    desk.refused(desk.make(Side.BUY, 1), why)
    return passed("reducing was let through, increasing was not")


@check(
    risk_card(
        "max_position_qty_flip",
        "The largest position holds across zero: an order that turns the position counts with what it leaves",
        CRITICAL,
        steps=("buy up to the limit", "sell twice that and one lot more"),
        passes_when="the sale is refused, as it would leave more than the limit on the other side",
        remedy="work out the position that an order would leave, with its sign, and compare its size",
        needs=(*NEEDS, "orders.market", "orders.short"),
        references=RULES,
    )
)
def max_position_qty_flip(trial: Trial) -> Finding:
    """Turn a position round, too far."""
    desk = _flat(trial)
    count = desk.position_limit(3, spare=4)
    if not settable(trial) and desk.room("max_position_qty", 1) < 2 * count + 1:
        return not_applicable("no order may be so large that it turns the largest position round")
    if desk.room("max_position_qty") < 2 * count + 1:
        raise Unmeasurable("other limits and the safety caps leave no room to turn the position round")
    desk.hold(count)
    why = f"by max_position_qty {desk.lots(count)} with {desk.lots(count)} held"
    desk.refused(desk.make(Side.SELL, 2 * count + 1), why)
    desk.refused(desk.make(Side.SELL, 2 * count + 1, OrderType.MARKET), why)
    return passed(f"an order that would leave -{desk.lots(count + 1)} was refused")


@check(
    risk_card(
        "max_position_notional",
        "The largest value of a position holds for what is held and for what is working",
        CRITICAL,
        steps=(
            "buy a few lots",
            "set max_position_notional a quarter below what one lot more would make it: try one lot",
            "set it a quarter above: try one lot, which rests, then two more",
        ),
        passes_when="the first is refused, the second let through, the third refused",
        remedy="value what is held and what is working together, with the multiplier",
        needs=("risk.max_position_notional", "risk.set_limit", "orders.market"),
        references=("RK-08", "sec.15c3-5.c1i"),
    )
)
def max_position_notional(trial: Trial) -> Finding:
    """Hold, rest, add."""
    desk = _flat(trial)
    if desk.room("max_position_notional") < 4:
        raise Unmeasurable("other limits and the safety caps leave less than 4 lots")
    desk.hold(3)
    value = desk.value(desk.lots(4), trial.quote().ask or Decimal(0))
    low, high = money(value / MARGIN), money(value * MARGIN)
    desk.must_lower("max_position_notional", low)
    for kind in (OrderType.LIMIT, OrderType.MARKET):
        desk.refused(desk.make(Side.BUY, 1, kind), f"by max_position_notional {low}")
    desk.must_lower("max_position_notional", high)
    desk.allowed(desk.make(Side.BUY, 1), f"by max_position_notional {high}")
    desk.refused(desk.make(Side.BUY, 2), f"by max_position_notional {high} with 3 lots held and 1 working")
    return passed(f"about {money(value)} was refused by {low} and let through by {high}")


@check(
    risk_card(
        "every_order_counts_at_once",
        "Orders that follow each other faster than they are answered cannot pass a limit together",
        CRITICAL,
        steps=("lower max_position_qty to three lots", "send ten orders of one lot without waiting"),
        passes_when="as many are let through as the limit allows, and not one more",
        remedy="decide and reserve in one step, before the order is sent, under one lock",
        needs=(*NEEDS, "risk.set_limit"),
        references=("RK-06", "rts6.15.2"),
    )
)
def every_order_counts_at_once(trial: Trial) -> Finding:
    """Ten orders against room for three."""
    desk = _flat(trial)
    trial.quote()
    desk.must_lower("max_position_qty", desk.lots(3))
    orders = [desk.make(Side.BUY, 1) for _ in range(10)]
    desk.burst(orders)
    taken, refused = desk.answers(orders)
    desk.clear(*orders)
    expect(taken <= 3, f"expected at most 3 of 10 orders to pass max_position_qty 3 lots, was {taken}")
    expect(taken == 3, f"expected 3 of 10 orders to pass max_position_qty 3 lots, was {taken}")
    return passed(f"{taken} were let through, {refused} refused")


CHECKS: tuple[Check, ...] = (
    max_position_qty,
    max_position_qty_short,
    max_position_qty_working,
    max_position_qty_modify,
    max_position_qty_reduce,
    max_position_qty_flip,
    max_position_notional,
    every_order_counts_at_once,
)
