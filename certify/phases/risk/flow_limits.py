"""Limits on how many orders may work, how fast they may come, and how far from the market."""

from __future__ import annotations

import math
from decimal import Decimal

from certify import clock
from certify.model.measure import Measurement
from certify.model.trading import ExecType, Order, OrderType, Quote, Side
from certify.phases.api import Check, Finding, Unmeasurable, check, expect, passed
from certify.phases.orders import ACCEPTED, said, to_tick
from certify.phases.risk.cards import CRITICAL, MAJOR, SLOW, risk_card
from certify.phases.risk.desk import RiskDesk, claims
from certify.phases.trial import Trial

WORKING = 3
MOST_WORKING = 200
RATE = 10
BURST = 4 * RATE
BURSTS, QUICK_S = 3, 0.2
"""A burst this short may lie in two windows of a second; the next two, so much later, then do not."""
WINDOW_S = 1.2
"""A window of one second and a little more."""
BAND = Decimal(2)
LOOSE = Decimal("0.2")
"""Share of a band that is left alone where the market moves by itself."""
RATE_NEEDS = ("risk.max_order_rate", "risk.set_limit")
RATE_RULES = ("RK-04", "rts6.15.1.d")
BAND_RULES = ("RK-01", "rts6.15.1.a")


# -- working orders ----------------------------------------------------------------------------


def _fill_slots(trial: Trial) -> tuple[RiskDesk, list[Order], str]:
    """Rest orders until max_open_orders is reached."""
    desk = RiskDesk(trial)
    there = len(desk.open_ids())
    limit = desk.lower("max_open_orders", Decimal(there + WORKING)) or desk.declared("max_open_orders")
    free = int(limit) - there
    if not 0 < free <= MOST_WORKING:
        raise Unmeasurable(f"max_open_orders {limit} with {there} working needs too many orders to be tried")
    why = f"by max_open_orders {limit}"
    resting: list[Order] = []
    for number in range(free):
        resting.append(desk.make(Side.BUY, 1))
        desk.allowed(resting[-1], f"{why} with {there + number} working")
    return desk, resting, why


@check(
    risk_card(
        "max_open_orders",
        "The largest number of working orders holds exactly",
        CRITICAL,
        steps=("rest orders until max_open_orders is reached", "try one more, on each side"),
        passes_when="as many are let through as the limit says, and not one more",
        remedy="count an order from before it is sent until it has ended",
        needs=("risk.max_open_orders",),
        references=("RK-15", "RK-07"),
    )
)
def max_open_orders(trial: Trial) -> Finding:
    """Fill every slot, try one more."""
    desk, resting, why = _fill_slots(trial)
    for side in (Side.BUY, Side.SELL):
        desk.refused(desk.make(side, 1), f"{why} with {len(resting)} of its orders working")
    return passed(f"{len(resting)} were let through, one more was refused {why}")


@check(
    risk_card(
        "open_order_slot_freed",
        "An order that has ended makes room for another among the working orders",
        MAJOR,
        steps=(
            "rest orders until max_open_orders is reached",
            "cancel one and rest another",
            "be refused, cancel another, and rest one again",
        ),
        passes_when="each cancelled order makes room for one, and a refused one takes up none",
        remedy="let go of an order with its last report, and of a refused one at once",
        needs=("risk.max_open_orders",),
        references=("RK-15",),
    )
)
def open_order_slot_freed(trial: Trial) -> Finding:
    """Free a slot, use it; be refused, free one, use it."""
    desk, resting, why = _fill_slots(trial)
    desk.clear(resting[0])
    trial.poll(
        lambda: desk.place(desk.make(Side.BUY, 1)).exec_type in ACCEPTED,
        f"expected an order to be let through {why} after another was cancelled",
        1.0,
    )
    desk.refused(desk.make(Side.BUY, 1), f"{why} again")
    if len(resting) > 1:
        desk.clear(resting[1])
        desk.allowed(desk.make(Side.BUY, 1), f"{why} after a refused one and a cancelled one")
    return passed("each cancelled order made room for another")


# -- rate --------------------------------------------------------------------------------------


def _exhaust(trial: Trial) -> tuple[RiskDesk, list[Order], int, float]:
    """Lower the rate, send far more at once, and return what was let through in how many seconds."""
    desk = RiskDesk(trial)
    trial.quote()
    sides = (Side.BUY, Side.SELL) if claims(trial, "execution", "orders.short") else (Side.BUY, Side.BUY)
    orders = [desk.make(sides[number % 2], 1) for number in range(BURST)]
    desk.must_lower("max_order_rate", Decimal(RATE))
    clock.sleep_s(WINDOW_S)
    took_s = desk.burst(orders)
    taken, _ = desk.answers(orders)
    return desk, orders, taken, took_s


@check(
    risk_card(
        "max_order_rate",
        "The largest rate of orders holds in a burst",
        CRITICAL,
        steps=(f"set max_order_rate to {RATE}/s", f"send {BURST} orders as fast as they can be sent"),
        passes_when="at most the limit and what time adds are let through, in one of three bursts "
        "(one may lie in two windows of a second; a slow one always may)",
        remedy="count every order before it is sent, in a window that moves, over all instruments",
        needs=RATE_NEEDS,
        references=RATE_RULES,
    )
)
def max_order_rate(trial: Trial) -> Finding:
    """Burst."""
    for _ in range(BURSTS):
        desk, orders, taken, took_s = _exhaust(trial)
        windows = 1 + took_s if took_s < QUICK_S else 1 + math.ceil(took_s)
        most = math.ceil(RATE * windows)
        desk.clear(*orders)
        if taken <= most:
            break
    expect(
        taken <= most, f"expected at most {most} of {BURST} orders in {took_s:.2f} s let through, was {taken}"
    )
    expect(taken, f"expected some of {BURST} orders let through by max_order_rate {RATE}/s, was none")
    return passed(
        f"{taken} of {BURST} orders were let through in {took_s:.2f} s by {RATE}/s",
        Measurement(name="let_through", value=taken, unit="count"),
    )


@check(
    risk_card(
        "max_order_rate_recovers",
        "After a burst orders are let through again as soon as the rate allows it",
        MAJOR,
        steps=(
            "use up max_order_rate by a burst",
            "wait a little over a second",
            "send orders at half the rate",
        ),
        passes_when="each of them is let through",
        remedy="forget what is older than the window, and do not count refused orders for ever",
        needs=RATE_NEEDS,
        modes=SLOW,
        references=RATE_RULES,
    )
)
def max_order_rate_recovers(trial: Trial) -> Finding:
    """Burst, wait, go on slowly."""
    desk, orders, _, _ = _exhaust(trial)
    desk.clear(*orders)
    clock.sleep_s(WINDOW_S)
    for _ in range(4):
        order = desk.make(Side.BUY, 1)
        desk.allowed(order, f"by max_order_rate {RATE}/s at half of it")
        desk.clear(order)
        clock.sleep_s(2 / RATE)
    return passed("4 orders at half the rate were let through after the burst")


@check(
    risk_card(
        "cancels_never_throttled",
        "A cancel is never refused for coming too fast",
        CRITICAL,
        steps=("rest a few orders", "use up max_order_rate by a burst", "cancel everything at once"),
        passes_when="every cancel is answered by CANCELED",
        remedy="count cancels if the venue wants it, but never let a limit stand in their way",
        needs=RATE_NEEDS,
        modes=SLOW,
        references=(*RATE_RULES, "RK-18"),
    )
)
def cancels_never_throttled(trial: Trial) -> Finding:
    """Rest, burst, cancel."""
    desk = RiskDesk(trial)
    resting = [desk.rest(Side.BUY) for _ in range(RATE + 1)]
    desk, orders, _, _ = _exhaust(trial)
    working = desk.working(*resting, *orders)
    for order in working:
        trial.call(desk.port, "cancel", order.client_order_id, order.instrument)
    kinds = {ExecType.CANCELED, ExecType.CANCEL_REJECTED}
    for order in working:
        answer = desk.answer(order, kinds)
        expect(
            answer.exec_type is ExecType.CANCELED,
            f"expected every cancel to be let through after a burst, was {said(answer)}",
        )
    return passed(f"{len(working)} orders were cancelled right after the burst")


# -- price band --------------------------------------------------------------------------------


def _band_prices(trial: Trial, side: Side) -> tuple[RiskDesk, Decimal, Decimal, Decimal]:
    """Return the desk, a price just inside the band, one just outside, and the band in percent.

    Which price the band is measured from is the system's choice: the middle, the last trade, or either
    side of the quote. So the market is made narrow where it can be set, and wide margins are kept else.
    """
    desk, tick = RiskDesk(trial), trial.instrument.tick
    band = desk.lower("price_band", BAND) or desk.declared("price_band")
    quote = _narrow(trial, desk)
    bid, ask = quote.bid or Decimal(0), quote.ask or Decimal(0)
    slack = Decimal(0) if trial.can_set_market else LOOSE
    near, far = band * (1 - slack) / 100, band * (1 + slack) / 100
    if side is Side.BUY:
        inside = to_tick(bid * (1 + near), tick, down=True)
        return desk, inside, to_tick(ask * (1 + far), tick, down=False) + tick, band
    inside = to_tick(ask * (1 - near), tick, down=False)
    return desk, inside, to_tick(bid * (1 - far), tick, down=True) - tick, band


def _narrow(trial: Trial, desk: RiskDesk) -> Quote:
    """Make the market one tick wide and trade in it, so that every reference price is within that tick."""
    if not trial.can_set_market:
        return trial.quote()
    bid = trial.centre()
    quote = trial.set_market(bid, bid + trial.instrument.tick)
    order = desk.order(Side.BUY, price=quote.ask)
    desk.allowed(order, "at the market")
    desk.filled(order)
    return quote


def _band_door(trial: Trial, side: Side) -> Finding:
    desk, inside, outside, band = _band_prices(trial, side)
    why = f"by price_band {band} %"
    order = desk.order(side, price=inside)
    desk.allowed(order, why)
    desk.clear(order)
    order = desk.order(side, price=outside)
    desk.refused(order, why)
    return passed(f"{side.value} @ {inside} let through, @ {outside} refused {why}")


@check(
    risk_card(
        "price_band",
        "A purchase priced too far above the market is refused, to the tick",
        CRITICAL,
        steps=("lower price_band where that is possible", "buy just inside it, and just outside"),
        passes_when="the first is let through, the second refused with a code or a reason",
        remedy="compare every price of an order with the reference, in percent, before it is sent",
        needs=("risk.price_band",),
        references=BAND_RULES,
    )
)
def price_band(trial: Trial) -> Finding:
    """Buy dear."""
    return _band_door(trial, Side.BUY)


@check(
    risk_card(
        "price_band_sell",
        "A sale priced too far below the market is refused, to the tick",
        CRITICAL,
        steps=("lower price_band where that is possible", "sell just inside it, and just outside"),
        passes_when="the first is let through, the second refused with a code or a reason",
        remedy="hold the band on both sides of the reference",
        needs=("risk.price_band", "orders.short"),
        references=BAND_RULES,
    )
)
def price_band_sell(trial: Trial) -> Finding:
    """Sell cheap."""
    return _band_door(trial, Side.SELL)


@check(
    risk_card(
        "price_band_modify",
        "The price band cannot be got round by changing the price of a working order",
        CRITICAL,
        steps=("rest an order", "change its price to just outside the band"),
        passes_when="the change is refused with a code or a reason",
        remedy="send every change through the same gate as a new order, with the price it would have",
        needs=("risk.price_band", "orders.modify"),
        references=BAND_RULES,
    )
)
def price_band_modify(trial: Trial) -> Finding:
    """Rest, change the price beyond the band."""
    desk, _, outside, band = _band_prices(trial, Side.BUY)
    order = desk.rest(Side.BUY)
    desk.change_refused(order, f"by price_band {band} %", price=outside)
    return passed(f"a change to {outside} was refused by {band} %")


@check(
    risk_card(
        "price_band_follows_market",
        "The price band moves with the market: an old reference is not used",
        MAJOR,
        steps=(
            "lower price_band",
            "move the market up by two bands in steps",
            "buy at the new market",
            "sell at the old",
        ),
        passes_when="the purchase at the new market is let through, the sale at the old one refused",
        remedy="measure from the newest quote or trade, not from the open or from the last own order",
        needs=("risk.price_band", "risk.set_limit", "orders.short"),
        methods=("market_data.inject",),
        references=(*BAND_RULES, "inc.sentinel"),
        modes=SLOW,
    )
)
def price_band_follows_market(trial: Trial) -> Finding:
    """Move the market, try both."""
    desk, tick = RiskDesk(trial), trial.instrument.tick
    band = desk.must_lower("price_band", BAND)
    old = trial.set_market()
    centre = trial.centre()
    for step in range(1, 5):
        bid = to_tick(centre * (1 + band * step / 200), tick, down=True)
        new = trial.set_market(bid, bid + 2 * tick)
        taken = desk.order(Side.BUY, type=OrderType.LIMIT, price=new.ask)
        desk.allowed(taken, f"at the market of {new.ask} by price_band {band} %")
        desk.clear(taken)
    desk.refused(
        desk.order(Side.SELL, price=old.bid), f"{band * 2} % below the market by price_band {band} %"
    )
    return passed(f"the band of {band} % went from {old.bid} to {new.bid} with the market")


CHECKS: tuple[Check, ...] = (
    max_open_orders,
    open_order_slot_freed,
    max_order_rate,
    max_order_rate_recovers,
    cancels_never_throttled,
    price_band,
    price_band_sell,
    price_band_modify,
    price_band_follows_market,
)
