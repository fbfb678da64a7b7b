"""Orders and fills through what happens to the session: nothing lost, nothing doubled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from certify.model.trading import ExecType, Side
from certify.phases.api import Check, Finding, check, expect, expect_equal, passed
from certify.phases.broker_session.cards import BACK_WITHIN, CRITICAL, path_card
from certify.phases.broker_session.desk import SessionDesk
from certify.phases.broker_session.fills import lists_costs, lists_quantity
from certify.phases.broker_session.hearing import Hearing, back
from certify.phases.broker_session.house import House
from certify.phases.broker_session.links import DATA_LOST, KEPT, LOST, OFF, ON
from certify.phases.orders import ANSWERED, CANCEL_ANSWERS, said
from certify.phases.trial import Trial

PORT = "execution"
AWAY_S = 1.0


@contextmanager
def away(house: House, action: str, begin: Mapping[str, Any], end: Mapping[str, Any]) -> Iterator[None]:
    """Let the session be away while the block runs.

    A silent link ends with a reset: TCP delivers what it carries or breaks, it never loses a part in the
    middle. A system that has not noticed the silence yet must learn of it so.
    """
    with house.during(action, begin, end):
        yield
    if action == "half_open":
        house.do("reset")


def filled_away(trial: Trial, action: str, begin: Mapping[str, Any], end: Mapping[str, Any]) -> Finding:
    """Let a resting order trade while the session is away, and judge what is said of it afterwards."""
    desk = SessionDesk(trial, PORT)
    within_s = trial.seconds("back_within")
    earlier = desk.bought(1)
    desk.matches_house()
    order, _ = desk.resting(4)
    hearing = Hearing(trial)
    with away(desk.house, action, begin, end):
        trial.wait(PORT, hearing.links, AWAY_S)
        desk.buy_through(order)
        trial.poll(
            lambda: not desk.house.working(order), "expected the order to be filled at the gateway", within_s
        )
    desk.filled(order, within_s=within_s)
    back(trial, within_s)
    desk.ended(order)
    for known in (earlier, order):
        desk.agrees(known)
        lists_quantity(desk, known, known.qty, "after the return")
        lists_costs(desk, known, within_s)
    desk.matches_house(within_s=within_s)
    return passed(f"{order.qty} filled while away, told once")


@check(
    path_card(
        "fills_through_1100",
        "A fill that happens while the gateway has lost IB (1100) is found afterwards, once",
        CRITICAL,
        steps=(
            "trade, rest an order",
            "let the gateway lose IB",
            "move the market through the order",
            "come back with 1102",
        ),
        passes_when="the fill is told once, no earlier one again; executions, costs and position agree",
        remedy="after 1101 and 1102 ask for executions (reqExecutions): what happened meanwhile is not sent",
        parameters=(BACK_WITHIN,),
        references=("BR-05", "QuantConnect/Lean.Brokerages.InteractiveBrokers#249"),
        destructive=True,
    )
)
def fills_through_1100(trial: Trial) -> Finding:
    """Fill while IB is away."""
    return filled_away(trial, "connectivity", LOST, KEPT)


@check(
    path_card(
        "fills_through_1101",
        "A fill that happens while the gateway has lost IB is found after 1101 too",
        CRITICAL,
        steps=(
            "trade, rest an order",
            "let the gateway lose IB",
            "move the market through the order",
            "come back with 1101",
        ),
        passes_when="the fill is told once, no earlier one again; executions, costs and position agree",
        remedy="reconcile orders and executions after 1101 as well, not market data only",
        parameters=(BACK_WITHIN,),
        references=("BR-05", "BR-06"),
        destructive=True,
    )
)
def fills_through_1101(trial: Trial) -> Finding:
    """Fill while IB is away, and the data with it."""
    return filled_away(trial, "connectivity", LOST, DATA_LOST)


@check(
    path_card(
        "fills_through_closed_port",
        "A fill that happens while the gateway cannot be reached is found afterwards, once",
        CRITICAL,
        steps=(
            "trade, rest an order",
            "let the gateway close its port",
            "move the market through the order",
            "open it",
        ),
        passes_when="the fill is told once, no earlier one again; executions, costs and position agree",
        remedy="after each login take the executions that are not known by execId, and only those",
        parameters=(BACK_WITHIN,),
        references=("BR-05", "BR-14", "deepentropy/ibx#113"),
        destructive=True,
    )
)
def fills_through_closed_port(trial: Trial) -> Finding:
    """Fill while nobody is there."""
    return filled_away(trial, "listen", OFF, ON)


@check(
    path_card(
        "fills_through_silence",
        "A fill that happens on a link that has gone silent is found afterwards, once",
        CRITICAL,
        steps=(
            "trade, rest an order",
            "let the gateway go silent",
            "move the market through the order",
            "let the link break at last, and the gateway talk again",
        ),
        passes_when="the fill is told once, no earlier one again; executions, costs and position agree",
        remedy="reconcile after a silent link as after a broken one",
        parameters=(BACK_WITHIN,),
        references=("BR-05", "MD-19"),
        destructive=True,
    )
)
def fills_through_silence(trial: Trial) -> Finding:
    """Fill in silence."""
    return filled_away(trial, "half_open", ON, OFF)


def sent_away(trial: Trial, action: str, begin: Mapping[str, Any], end: Mapping[str, Any]) -> Finding:
    """Send an order while the session is away, and judge what became of it here and at the gateway."""
    desk = SessionDesk(trial, PORT)
    desk.market()
    order = desk.order(Side.BUY, desk.lots(2))
    with away(desk.house, action, begin, end):
        trial.wait(PORT, lambda: None, AWAY_S)
        desk.submit(order)
        trial.wait(PORT, lambda: None, AWAY_S)
    within_s = trial.seconds("back_within")
    answer = desk.answer(order, ANSWERED, within_s=within_s)
    back(trial, within_s)
    trial.wait(PORT, lambda: None, AWAY_S)
    working = desk.house.working(order)
    if answer.exec_type is ExecType.NEW:
        expect_equal(len(working), 1, "orders that work at the gateway of one that was said to be taken")
        desk.alive(order, "after the return")
        desk.cancelled(order)
        return passed("sent in the end, once")
    expect_equal(answer.exec_type, ExecType.REJECTED, "answer to an order while away")
    expect_equal(len(working), 0, "orders that work at the gateway of one that was said to be refused")
    desk.expect_reason(answer)
    return passed(f"refused: {said(answer)}")


@check(
    path_card(
        "order_during_1100",
        "An order sent while the gateway has lost IB is refused or sent once, and the word on it is true",
        CRITICAL,
        steps=("let the gateway lose IB", "send an order", "come back", "look here and at the gateway"),
        passes_when="NEW and one order works there, or REJECTED with a reason and none does",
        remedy="refuse orders from 1100 to 1101 or 1102, or keep count of what was handed over and ask",
        parameters=(BACK_WITHIN,),
        references=("BR-21", "EX-28", "nautechsystems/nautilus_trader#4564"),
        destructive=True,
    )
)
def order_during_1100(trial: Trial) -> Finding:
    """Send while IB is away."""
    return sent_away(trial, "connectivity", LOST, KEPT)


@check(
    path_card(
        "order_into_silence",
        "An order sent into a silent link is refused or found, and the word on it is true",
        CRITICAL,
        steps=(
            "let the gateway go silent",
            "send an order",
            "let the link break at last, and the gateway talk again",
            "look here and at the gateway",
        ),
        passes_when="NEW and one order works there, or REJECTED with a reason and none does",
        remedy="keep an unanswered order open; after the next login find out what became of it",
        parameters=(BACK_WITHIN,),
        references=("EX-28", "EX-30", "MD-19"),
        destructive=True,
    )
)
def order_into_silence(trial: Trial) -> Finding:
    """Send into silence."""
    return sent_away(trial, "half_open", ON, OFF)


@check(
    path_card(
        "cancel_during_1100",
        "A cancel asked for while the gateway has lost IB is answered, and the answer is true",
        CRITICAL,
        steps=("rest an order", "let the gateway lose IB", "cancel it", "come back", "look at the gateway"),
        passes_when="CANCELED and nothing works there, or CANCEL_REJECTED and it does",
        remedy="a cancel handed over while IB is away is not a cancel: wait for its word",
        parameters=(BACK_WITHIN,),
        references=("EX-18", "EX-28", "BR-21"),
        destructive=True,
    )
)
def cancel_during_1100(trial: Trial) -> Finding:
    """Cancel while IB is away."""
    desk = SessionDesk(trial, PORT)
    order, _ = desk.resting()
    seen = len(desk.updates(order))
    with desk.house.during("connectivity", LOST, KEPT):
        trial.wait(PORT, lambda: None, AWAY_S)
        trial.call(PORT, "cancel", order.client_order_id, order.instrument)
        trial.wait(PORT, lambda: None, AWAY_S)
        early = [u for u in desk.updates(order)[seen:] if u.exec_type is ExecType.CANCELED]
        expect(
            not early or not desk.house.working(order),
            "expected no CANCELED while it works at the gateway, was said so",
        )
    within_s = trial.seconds("back_within")
    answer = desk.answer(order, CANCEL_ANSWERS, since=seen, within_s=within_s)
    back(trial, within_s)
    if answer.exec_type is ExecType.CANCELED:
        desk.gone(order, "after CANCELED")
        return passed("canceled when IB was back")
    desk.alive(order, "after CANCEL_REJECTED", for_s=AWAY_S)
    desk.cancelled(order)
    return passed(f"refused: {said(answer)}; the order still works")


@check(
    path_card(
        "change_during_1100",
        "A change asked for while the gateway has lost IB never leaves two orders behind",
        CRITICAL,
        steps=("rest an order", "let the gateway lose IB", "change its price", "come back", "count there"),
        passes_when="one order works at the gateway, under its permanent id, with the terms that are listed",
        remedy="change under the same order id only; after the return ask which terms hold",
        needs=("orders.modify",),
        parameters=(BACK_WITHIN,),
        references=("EX-18", "nautechsystems/nautilus_trader#4564"),
        destructive=True,
    )
)
def change_during_1100(trial: Trial) -> Finding:
    """Change while IB is away."""
    desk = SessionDesk(trial, PORT)
    order, at_house = desk.resting(2)
    price, within_s = (order.price or desk.centre()) - 5 * desk.tick, trial.seconds("back_within")
    with desk.house.during("connectivity", LOST, KEPT):
        trial.wait(PORT, lambda: None, AWAY_S)
        trial.ledger.asked(order.client_order_id, None, price)
        trial.call(PORT, "modify", order.client_order_id, None, price)
        trial.wait(PORT, lambda: None, AWAY_S)
    back(trial, within_s)
    trial.wait(PORT, lambda: None, AWAY_S)
    works = [row for row in desk.house.orders() if row.working and row.client_id == at_house.client_id]
    expect_equal([row.perm_id for row in works], [at_house.perm_id], "orders that work at the gateway")
    desk.listed_with(order, price=works[0].price)
    desk.cancelled(order)
    return passed(f"one order, at {works[0].price}")


CHECKS: tuple[Check, ...] = (
    fills_through_1100,
    fills_through_1101,
    fills_through_closed_port,
    fills_through_silence,
    order_during_1100,
    order_into_silence,
    cancel_during_1100,
    change_during_1100,
)
