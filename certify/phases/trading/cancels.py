"""Cancels: what can be canceled is, what cannot is refused, and canceled is canceled at the venue."""

from __future__ import annotations

from decimal import Decimal

from certify.model.trading import ExecType, Order, OrderUpdate, OrdStatus, Side
from certify.phases.api import Finding, expect, expect_equal, passed
from certify.phases.orders import CANCEL_ANSWERS, said
from certify.phases.trading.desk import Desk
from certify.phases.trading.family import ALL_MODES, CRITICAL, MAJOR, behaviour

RACES = 4
BATCH = 3


def expect_canceled(answer: OrderUpdate, order: Order, filled: Decimal = Decimal(0)) -> None:
    """Fail unless an answer says CANCELED, with what was filled before and nothing left."""
    expect(
        answer.exec_type is ExecType.CANCELED and answer.status is OrdStatus.CANCELED,
        f"expected {order.client_order_id} CANCELED, was {said(answer)} {answer.status.value}",
    )
    expect_equal(answer.cum_qty, filled, "filled of a canceled order")
    expect_equal(answer.leaves_qty, Decimal(0), "leaves of a canceled order")


@behaviour(
    "cancel_resting",
    "A resting order that is canceled is gone",
    CRITICAL,
    steps=("rest a buy limit", "cancel it", "look at open_orders"),
    passes_when="CANCELED with nothing filled and nothing left, not listed any more",
    remedy="follow the cancel to the venue and its answer back",
    references=("checks.md EX-11", "TC-E40 NautilusTrader exec testing spec", "FIX 4.4 vol 4 B.1.a"),
    modes=ALL_MODES,
)
def cancel_resting(desk: Desk) -> Finding:
    """Cancel what rests."""
    desk.market()
    order = desk.rest(Side.BUY, desk.lots(2))
    expect_canceled(desk.cancel(order), order)
    desk.not_listed(order, "after it was canceled")
    return passed("canceled and gone")


@behaviour(
    "cancel_holds",
    "A canceled order cannot trade any more",
    CRITICAL,
    steps=("rest a buy limit", "cancel it", "move the market through its price"),
    passes_when="CANCELED, then no fill and no change of position, nor at the broker where it can be asked",
    remedy="say CANCELED only when the venue has said so",
    methods=("market_data.inject",),
    references=("checks.md EX-11", "checks.md EX-28", "FIX 4.4 vol 4 B.1.a"),
)
def cancel_holds(desk: Desk) -> Finding:
    """Cancel, then let the market come to where the order was."""
    quote = desk.market()
    held = desk.held()
    order = desk.rest(Side.BUY, desk.lots(2), price=desk.trial.centre() - 4 * desk.tick)
    at_broker = desk.broker_holds()
    expect_canceled(desk.cancel(order), order)
    desk.market(shift=-8)
    desk.untouched(order, "a canceled order to stay dead when the market comes to its price")
    expect_equal(desk.broker_holds(), at_broker, "position at the broker")
    desk.position_is(held, f"a canceled buy at {order.price}, market from {quote.bid} down to it")
    return passed("the market went through the price of the canceled order and nothing happened")


@behaviour(
    "cancel_unknown",
    "A cancel of an order that nobody knows is refused with a reason",
    MAJOR,
    steps=("cancel an id that was never sent",),
    passes_when="CANCEL_REJECTED with a code or reason",
    remedy="answer every cancel: an unknown id with CANCEL_REJECTED",
    references=("checks.md EX-12", "TC-E44 NautilusTrader exec testing spec", "FIX 4.4 vol 4 B.1.f"),
    modes=ALL_MODES,
)
def cancel_unknown(desk: Desk) -> Finding:
    """Cancel what never was."""
    desk.market()
    order = desk.order(Side.BUY)
    answer = desk.cancel(order)
    expect(
        answer.exec_type is ExecType.CANCEL_REJECTED,
        f"expected CANCEL_REJECTED for an unknown order, was {said(answer)}",
    )
    desk.expect_reason(answer)
    return passed(f"refused: {said(answer)}")


@behaviour(
    "cancel_ended",
    "A cancel of an order that has ended is refused and changes nothing",
    MAJOR,
    steps=("cancel an order that is FILLED", "cancel an order that is CANCELED"),
    passes_when="CANCEL_REJECTED with a code or reason each time; state and position stay",
    remedy="look at the state of an order before acting on a cancel; too late is a refusal",
    references=("checks.md EX-12", "TC-E44 NautilusTrader exec testing spec", "FIX 4.4 vol 4 D6"),
)
def cancel_ended(desk: Desk) -> Finding:
    """Cancel what is filled, and what is canceled."""
    filled = desk.trade(Side.BUY, desk.lots(1))
    held = desk.held()
    dead = desk.rest(Side.BUY, desk.lots(1))
    expect_canceled(desk.cancel(dead), dead)
    for order, state in ((filled, OrdStatus.FILLED), (dead, OrdStatus.CANCELED)):
        answer = desk.cancel(order)
        expect(
            answer.exec_type is ExecType.CANCEL_REJECTED,
            f"expected CANCEL_REJECTED for an order that is {state.value}, was {said(answer)}",
        )
        desk.expect_reason(answer)
        expect(
            desk.entry(order).status is state,
            f"expected {state.value} to stay, was {desk.entry(order).status}",
        )
    desk.position_is(held, "after refused cancels")
    return passed("both refused, nothing changed")


@behaviour(
    "cancel_partial",
    "A partly filled order that is canceled keeps its fills and loses its rest",
    CRITICAL,
    steps=("show 2 lots, buy 5 at the ask", "cancel when 2 are filled", "show more at that price"),
    passes_when="CANCELED with 2 lots filled and nothing left; no further fill; position is 2 lots",
    remedy="cancel the leaves, not the order: fills stand",
    needs=("orders.partial_fills",),
    methods=("market_data.inject",),
    references=("checks.md EX-14", "FIX 4.4 vol 4 B.1.b"),
)
def cancel_partial(desk: Desk) -> Finding:
    """Cancel the rest of a partly filled order."""
    held = desk.held()
    quote = desk.market(ask_lots=2)
    order = desk.order(Side.BUY, desk.lots(5), price=quote.ask)
    desk.submit(order)
    desk.filled(order, desk.lots(2))
    at_broker = desk.broker_holds()
    answer = desk.cancel(order)
    filled = desk.entry(order).cum_qty
    expect_canceled(answer, order, filled)
    desk.market()
    desk.untouched(order, "no fill after CANCELED")
    expect_equal(desk.broker_holds(), at_broker, "position at the broker")
    desk.not_listed(order, "after it was canceled")
    desk.position_is(held + filled, "after a cancel with fills")
    return passed(f"{filled} of {order.qty} stay filled, the rest is gone")


@behaviour(
    "cancel_all",
    "Cancel-all cancels every working order",
    CRITICAL,
    steps=("rest three buys at different prices", "cancel_all", "look at open_orders"),
    passes_when="each order CANCELED, none listed any more",
    remedy="go through all working orders, not those of one instrument, side or page",
    needs=("orders.cancel_all",),
    references=("checks.md EX-11", "TC-E41 NautilusTrader exec testing spec"),
    modes=ALL_MODES,
)
def cancel_all(desk: Desk) -> Finding:
    """Rest some orders and cancel them all."""
    desk.market()
    top = desk.resting_price(Side.BUY)
    orders = [desk.rest(Side.BUY, desk.lots(1), price=top - i * desk.tick) for i in range(BATCH)]
    desk.cancel_all()
    for order in orders:
        expect_canceled(desk.answer(order, CANCEL_ANSWERS), order)
        desk.not_listed(order, "after cancel_all")
    return passed(f"{BATCH} orders canceled at once")


@behaviour(
    "cancel_race",
    "A cancel that races with the fill ends in exactly one of the two",
    CRITICAL,
    steps=(f"{RACES} times: send an order that trades at once and cancel it without waiting",),
    passes_when="each order ends once, each cancel is answered, the position is the sum of the fills",
    remedy="decide order, cancel and fill under one lock, or by the venue's word alone",
    references=("checks.md EX-13", "checks.md EX-14", "FIX 4.4 vol 4 B.1.c B.1.d D4 D5"),
)
def cancel_race(desk: Desk) -> Finding:
    """Cancel orders that are about to trade."""
    held, filled = desk.held(), Decimal(0)
    for _ in range(RACES):
        order = desk.marketable(Side.BUY, desk.lots(1), desk.market())
        desk.submit(order)
        desk.trial.call(desk.port, "cancel", order.client_order_id, order.instrument)
        desk.answer(order, CANCEL_ANSWERS)
        desk.ended(order)
        desk.not_listed(order, "after its end")
        filled += desk.entry(order).cum_qty
    desk.position_is(held + filled, "after orders that raced with their cancels")
    broken = [
        b.text
        for b in desk.trial.ledger.breaches
        if desk.trial.ledger.entries.get(b.client_order_id) is desk.entry(order)
    ]
    expect(not broken, f"expected legal states in a race, was: {'; '.join(broken)}")
    return passed(f"{RACES} races, {filled} filled")


BEHAVIOURS = (
    cancel_resting,
    cancel_holds,
    cancel_unknown,
    cancel_ended,
    cancel_partial,
    cancel_all,
    cancel_race,
)
