"""Modifies: the new terms hold everywhere at once, or the old ones stay and a refusal says so."""

from __future__ import annotations

from decimal import Decimal

from certify.model.trading import ExecType, Order, OrderUpdate, OrdStatus, Side
from certify.phases.api import Finding, expect, expect_equal, passed
from certify.phases.orders import MODIFY_ANSWERS, said
from certify.phases.trading.desk import Desk
from certify.phases.trading.family import ALL_MODES, CRITICAL, MAJOR, behaviour
from certify.phases.trading.shown import fill_prices

MODIFY = ("orders.modify",)


def expect_replaced(answer: OrderUpdate, qty: Decimal, price: Decimal | None) -> None:
    """Fail unless an answer says REPLACED with exactly the new terms."""
    expect(answer.exec_type is ExecType.REPLACED, f"expected REPLACED, was {said(answer)}")
    expect_equal(answer.qty, qty, "quantity after REPLACED")
    expect_equal(answer.price, price, "price after REPLACED")


def change(desk: Desk, order: Order, qty: Decimal | None = None, price: Decimal | None = None) -> None:
    """Modify a resting order and fail unless it is REPLACED, and listed, with the new terms."""
    qty_now, price_now = qty or order.qty, order.price if price is None else price
    expect_replaced(desk.modify(order, qty, price), qty_now, price_now)
    desk.listed_with(order, qty=qty_now, price=price_now)


def refused_change(desk: Desk, order: Order, why: str, qty: Decimal | None, price: Decimal | None) -> None:
    """Ask for a change that must be refused with a reason and leave the order as it is."""
    answer = desk.modify(order, qty, price)
    expect(
        answer.exec_type is ExecType.REPLACE_REJECTED,
        f"expected a change to {why} to be REPLACE_REJECTED, was {said(answer)} "
        f"as {answer.qty} @ {answer.price}",
    )
    desk.expect_reason(answer)


@behaviour(
    "modify_price",
    "A price can be changed, and the new one is held exactly",
    MAJOR,
    steps=("rest a buy limit", "change its price by two ticks", "cancel it"),
    passes_when="REPLACED and listed with the new price and the old quantity; can still be canceled",
    remedy="carry the new price to the venue and into the order's own record",
    needs=MODIFY,
    references=("checks.md EX-10", "TC-E30 NautilusTrader exec testing spec", "FIX 4.4 vol 4 C.1.a"),
    modes=ALL_MODES,
)
def modify_price(desk: Desk) -> Finding:
    """Change a price."""
    desk.market()
    order = desk.rest(Side.BUY, desk.lots(2))
    assert order.price is not None  # noqa: S101 - a limit order
    change(desk, order, price=order.price - 2 * desk.tick)
    answer = desk.cancel(order)
    expect(answer.exec_type is ExecType.CANCELED, f"expected CANCELED after a change, was {said(answer)}")
    return passed("the new price was held, and the order could be canceled")


@behaviour(
    "modify_qty",
    "A quantity can be changed, down and up, and the new one is held exactly",
    MAJOR,
    steps=("rest a buy limit of 3 lots", "change it to 2", "change it to 5"),
    passes_when="REPLACED and listed with the new quantity, leaves and the old price, each time",
    remedy="the quantity of a change is the new total, not a difference",
    needs=MODIFY,
    references=("checks.md EX-10", "checks.md EX-15", "TC-E31 NautilusTrader exec testing spec"),
)
def modify_qty(desk: Desk) -> Finding:
    """Change a quantity down, then up."""
    desk.market()
    order = desk.rest(Side.BUY, desk.lots(3))
    for count in (2, 5):
        change(desk, order, qty=desk.lots(count))
    return passed("3 lots became 2, then 5")


@behaviour(
    "modify_unknown",
    "A change of an order that nobody knows is refused with a reason",
    MAJOR,
    steps=("change the quantity of an id that was never sent",),
    passes_when="REPLACE_REJECTED with a code or reason",
    remedy="answer every change: an unknown id with REPLACE_REJECTED",
    needs=MODIFY,
    references=("checks.md EX-10", "TC-E36 NautilusTrader exec testing spec", "FIX 4.4 vol 4 C.1.c"),
)
def modify_unknown(desk: Desk) -> Finding:
    """Change what never was."""
    desk.market()
    order = desk.order(Side.BUY, desk.lots(1))
    refused_change(desk, order, "an unknown order", desk.lots(2), None)
    return passed("refused")


@behaviour(
    "modify_ended",
    "A change of an order that has ended is refused and does not bring it back",
    CRITICAL,
    steps=("change an order that is FILLED", "change an order that is CANCELED"),
    passes_when="REPLACE_REJECTED with a code or reason; states stay, nothing is listed, position stays",
    remedy="look at the state of an order before acting on a change",
    needs=MODIFY,
    references=("checks.md EX-10", "checks.md EX-19", "FIX 4.4 vol 4 C.1.c D6"),
)
def modify_ended(desk: Desk) -> Finding:
    """Change what is filled, and what is canceled."""
    filled = desk.trade(Side.BUY, desk.lots(1))
    held = desk.held()
    dead = desk.rest(Side.BUY, desk.lots(1))
    desk.cancel(dead)
    for order, state in ((filled, OrdStatus.FILLED), (dead, OrdStatus.CANCELED)):
        refused_change(desk, order, f"an order that is {state.value}", desk.lots(2), None)
        expect(
            desk.entry(order).status is state,
            f"expected {state.value} to stay, was {desk.entry(order).status}",
        )
        desk.not_listed(order, "after a refused change")
    desk.position_is(held, "after refused changes")
    return passed("both refused, nothing changed")


@behaviour(
    "modify_invalid",
    "A change to a price off the tick, or to no valid quantity, is refused and the order stays",
    MAJOR,
    steps=(
        "rest a buy limit",
        "change its price by half a tick",
        "change its quantity to half a lot, to -1 lot",
    ),
    passes_when="REPLACE_REJECTED with a code or reason each time, the old terms listed, nothing rounded",
    remedy="check a change as strictly as a new order",
    needs=MODIFY,
    references=("checks.md EX-33", "checks.md EX-10", "FIX 4.4 vol 4 C.1.b"),
)
def modify_invalid(desk: Desk) -> Finding:
    """Ask for terms that cannot be."""
    desk.market()
    order = desk.rest(Side.BUY, desk.lots(2))
    assert order.price is not None  # noqa: S101 - a limit order
    refused_change(desk, order, "a price off the tick", None, order.price - desk.tick / 2)
    desk.listed_with(order)
    for qty in (desk.lots(1) / 2, -desk.lots(1)):
        refused_change(desk, order, f"a quantity of {qty}", qty, None)
        desk.listed_with(order)
    return passed("refused, and the old terms stay")


@behaviour(
    "modify_below_filled",
    "A quantity below what has been filled cannot be had",
    MAJOR,
    steps=("show 2 lots, buy 5 at the ask", "change the quantity to 1 lot when 2 are filled"),
    passes_when="REPLACE_REJECTED and the order stays, or it ends with 2 lots filled",
    remedy="hold the new quantity against the filled one under the same lock as fills",
    needs=("orders.modify", "orders.partial_fills"),
    methods=("market_data.inject",),
    references=("checks.md EX-15", "FIX 4.4 vol 4 C.3.c D8"),
)
def modify_below_filled(desk: Desk) -> Finding:
    """Ask for less than was filled."""
    held = desk.held()
    quote = desk.market(ask_lots=2)
    order = desk.order(Side.BUY, desk.lots(5), price=quote.ask)
    desk.submit(order)
    desk.filled(order, desk.lots(2))
    filled, seen = desk.entry(order).cum_qty, len(desk.updates(order))
    desk.trial.ledger.asked(order.client_order_id, desk.lots(1), None)
    desk.trial.call(desk.port, "modify", order.client_order_id, desk.lots(1), None)
    answer = desk.answer(order, MODIFY_ANSWERS | {ExecType.CANCELED}, since=seen)
    if answer.exec_type is ExecType.REPLACE_REJECTED:
        desk.expect_reason(answer)
        desk.listed_with(order, cum=filled)
    else:
        desk.ended(order)
        desk.not_listed(order, "after its quantity was reduced to what was filled")
    expect_equal(desk.entry(order).cum_qty, filled, "filled")
    desk.position_is(held + filled, "after a change below what was filled")
    return passed(f"{said(answer)}, {filled} stay filled")


@behaviour(
    "modify_partial",
    "A partly filled order can be changed: the new quantity is the total, fills included",
    MAJOR,
    steps=("show 2 lots, buy 5 at the ask", "change the quantity to 4 when 2 are filled", "show more"),
    passes_when="REPLACED and listed with 4 lots, 2 filled, 2 left; then FILLED with exactly 4",
    remedy="compute leaves from the new total and the fills so far",
    needs=("orders.modify", "orders.partial_fills"),
    methods=("market_data.inject",),
    references=("checks.md EX-15", "checks.md EX-17", "FIX 4.4 vol 4 C.2.a D7"),
)
def modify_partial(desk: Desk) -> Finding:
    """Change what is partly filled."""
    held = desk.held()
    quote = desk.market(ask_lots=2)
    order = desk.order(Side.BUY, desk.lots(5), price=quote.ask)
    desk.submit(order)
    desk.filled(order, desk.lots(2))
    answer = desk.modify(order, desk.lots(4))
    expect_replaced(answer, desk.lots(4), order.price)
    expect_equal(answer.leaves_qty, desk.lots(4) - answer.cum_qty, "leaves after REPLACED")
    desk.listed_with(order, qty=desk.lots(4), cum=desk.entry(order).cum_qty)
    assert quote.bid is not None  # noqa: S101 - the tool has set both sides
    assert quote.ask is not None  # noqa: S101
    desk.push(quote.bid, quote.ask)
    desk.filled(order, desk.lots(4))
    desk.ended(order)
    expect_equal(desk.entry(order).cum_qty, desk.lots(4), "filled")
    desk.position_is(held + desk.lots(4), "after the changed order was filled")
    return passed("5 lots became 4 with 2 filled, and exactly 4 were filled")


@behaviour(
    "modify_takes_effect",
    "A change holds at the venue: the order trades at its new terms only",
    CRITICAL,
    steps=(
        "rest a buy of 2 lots, change it to 3 lots 6 ticks lower",
        "move the ask to the old price, then to the new one",
    ),
    passes_when="no fill at the old price; exactly the new quantity at the new price or better",
    remedy="send the change to the venue and say REPLACED only on its answer",
    needs=MODIFY,
    methods=("market_data.inject",),
    references=("checks.md EX-10", "checks.md EX-18", "FIX 4.4 vol 4 C.1.a"),
)
def modify_takes_effect(desk: Desk) -> Finding:
    """Let the market come to the old price, then to the new one."""
    held = desk.held()
    desk.market()
    old = desk.trial.centre() - 4 * desk.tick
    order = desk.rest(Side.BUY, desk.lots(2), price=old)
    new = old - 6 * desk.tick
    expect_replaced(desk.modify(order, desk.lots(3), new), desk.lots(3), new)
    desk.push(old - 3 * desk.tick, old - desk.tick)
    desk.untouched(order, f"no fill at the old price {old}")
    desk.push(new - 3 * desk.tick, new - desk.tick)
    desk.filled(order, desk.lots(3))
    worst = max(fill_prices(desk.entry(order)))
    expect(worst <= new, f"expected fills at {new} or better, was {worst}")
    desk.untouched(order, "no more than the new quantity to be filled")
    expect_equal(desk.entry(order).cum_qty, desk.lots(3), "filled")
    desk.position_is(held + desk.lots(3), "after the changed order was filled")
    return passed(f"no fill at {old}; {desk.lots(3)} filled at {worst}")


@behaviour(
    "modify_race",
    "A change that races with the fill ends in a legal state",
    MAJOR,
    steps=("rest a buy limit", "move the market through it and change it without waiting"),
    passes_when="the change is answered, the order ends FILLED with a quantity that was asked for",
    remedy="decide change and fill by the venue's word alone",
    needs=MODIFY,
    methods=("market_data.inject",),
    references=("checks.md EX-15", "checks.md EX-16", "FIX 4.4 vol 4 C.2 D9 D10"),
)
def modify_race(desk: Desk) -> Finding:
    """Change an order that is about to trade."""
    held = desk.held()
    desk.market()
    price = desk.trial.centre() - 4 * desk.tick
    order = desk.rest(Side.BUY, desk.lots(2), price=price)
    desk.push(price - 3 * desk.tick, price - desk.tick)
    answer = desk.modify(order, desk.lots(3))
    desk.ended(order)
    filled, wanted = desk.entry(order).cum_qty, 3 if answer.exec_type is ExecType.REPLACED else 2
    expect_equal(filled, desk.lots(wanted), f"filled after {answer.exec_type.value}")
    desk.position_is(held + filled, "after a change that raced with the fill")
    return passed(f"{answer.exec_type.value}, {filled} filled")


BEHAVIOURS = (
    modify_price,
    modify_qty,
    modify_unknown,
    modify_ended,
    modify_invalid,
    modify_below_filled,
    modify_partial,
    modify_takes_effect,
    modify_race,
)
