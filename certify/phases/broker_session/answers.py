"""What the gateway says of an order but fills: refusals, warnings, silence, ends that nobody asked for."""

from __future__ import annotations

from certify.model.card import Parameter
from certify.model.trading import ExecType, Order, OrdStatus, Side
from certify.phases.api import Check, Finding, Unmet, check, expect, expect_equal, passed
from certify.phases.broker_session.cards import CRITICAL, MAJOR, SAID_WITHIN, SILENT_FOR, order_card
from certify.phases.broker_session.codes import CANCEL_ANSWERS, CHANGE_ANSWERS, WARNINGS
from certify.phases.broker_session.desk import SessionDesk
from certify.phases.broker_session.hearing import Hearing
from certify.phases.orders import said
from certify.phases.trial import Trial

PORT = "broker"
LATE_MS = 2000


@check(
    order_card(
        "reject_is_reject",
        "An order that IB rejects (201) is said to be rejected, with the reason, not canceled",
        CRITICAL,
        steps=("let the gateway reject the next order", "send one"),
        passes_when="it ends as REJECTED with a code or reason, and is listed nowhere",
        remedy="read error 201 and the status Inactive: the library shows such an order as Cancelled",
        references=("BR-19", "EX-26", "ib-api-reloaded/ib_async#191"),
    )
)
def reject_is_reject(trial: Trial) -> Finding:
    """Be rejected."""
    desk = SessionDesk(trial, PORT)
    desk.market()
    order = desk.order()
    desk.house.behave("reject", order)
    answer = desk.refused(order, "terms that IB rejects")
    desk.gone(order, "after it was rejected")
    return passed(f"rejected: {said(answer)}")


@check(
    order_card(
        "read_only",
        "On a read-only API (321) an order is refused with the reason, and works again without",
        MAJOR,
        steps=("let the gateway be read-only", "send an order", "let it be writable", "send another"),
        passes_when="the first is REJECTED with a reason and not at the gateway, the second is taken",
        remedy="take 321 in answer to an order for a reject, and say which box in the settings is ticked",
        references=("BR-19", "BR-20"),
        destructive=True,
    )
)
def read_only(trial: Trial) -> Finding:
    """Send an order where none may be sent."""
    desk = SessionDesk(trial, PORT)
    desk.market()
    order = desk.order()
    with desk.house.during("read_only", {"on": True}, {"on": False}):
        answer = desk.refused(order, "a read-only API in its way")
        desk.gone(order, "after it was refused")
    expect(desk.takes_orders(), "expected an order to be taken once the API is writable, was not")
    return passed(f"refused: {said(answer)}")


@check(
    order_card(
        "tick_violation",
        "A new order that IB does not take for its price (110) ends as rejected, not in limbo",
        MAJOR,
        steps=("let the gateway answer the next order with 110", "send one"),
        passes_when="it ends as REJECTED in time, and nothing of it works at the gateway",
        remedy="take 110 in answer to a new order for its end: no status message follows",
        references=("EX-33", "BR-19"),
    )
)
def tick_violation(trial: Trial) -> Finding:
    """Be refused by 110."""
    desk = SessionDesk(trial, PORT)
    desk.market()
    order = desk.order()
    desk.house.behave("reject", order, code=110)
    answer = desk.refused(order, "a price that IB does not take")
    desk.gone(order, "after 110")
    return passed(f"rejected: {said(answer)}")


def unharmed(trial: Trial, codes: dict[int, str]) -> int:
    """Send each code about a working order, and fail when the system takes the order for ended."""
    desk = SessionDesk(trial, PORT)
    for code, text in codes.items():
        order, at_house = desk.resting()
        desk.house.do("notice", code=code, text=text, req_id=at_house.order_id, client_id=at_house.client_id)
        desk.alive(order, f"after {code}", for_s=trial.seconds("silent_for"))
        desk.cancelled(order)
    return len(codes)


@check(
    order_card(
        "warnings_harmless",
        "Warnings about an order (399, 2109, 2137, 2161, 10311, 10349) do not end it",
        CRITICAL,
        steps=("for each code: rest an order", "let the gateway send the code about it", "look", "cancel"),
        passes_when="the order is listed as working after each, as at the gateway, and can be cancelled",
        remedy="sort codes by what they mean for an order: these are notices, it works on",
        parameters=(SILENT_FOR,),
        references=("BR-20", "BR-19", "pysystemtrade discussion 1577"),
    )
)
def warnings_harmless(trial: Trial) -> Finding:
    """Warn, look."""
    return passed(f"{unharmed(trial, WARNINGS)} warnings did no harm")


@check(
    order_card(
        "cancel_answers_harmless",
        "A cancel that IB does not carry out (161, 10148) does not end the order",
        CRITICAL,
        steps=("for each code: rest an order", "let the gateway send the code about it", "look", "cancel"),
        passes_when="the order is listed as working after each, as at the gateway, and can be cancelled",
        remedy="take these codes for CANCEL_REJECTED; only a status or the list of open orders ends an order",
        parameters=(SILENT_FOR,),
        references=("BR-19", "EX-12"),
    )
)
def cancel_answers_harmless(trial: Trial) -> Finding:
    """Answer a cancel, look."""
    return passed(f"{unharmed(trial, CANCEL_ANSWERS)} answers to a cancel did no harm")


@check(
    order_card(
        "change_answers_harmless",
        "A change that IB refuses (104, 105, 110, 321, 329) leaves the order as it was",
        CRITICAL,
        steps=("for each code: rest an order", "let the gateway send the code about it", "look", "cancel"),
        passes_when="the order is listed with its terms after each, as at the gateway, and can be cancelled",
        remedy="take these codes for REPLACE_REJECTED where the order was acknowledged before",
        parameters=(SILENT_FOR,),
        references=("BR-20", "BR-19", "EX-10"),
    )
)
def change_answers_harmless(trial: Trial) -> Finding:
    """Refuse a change, look."""
    return passed(f"{unharmed(trial, CHANGE_ANSWERS)} refusals of a change did no harm")


@check(
    order_card(
        "refused_change_keeps_order",
        "A change to a price between ticks (110) is refused, and the old order works on",
        CRITICAL,
        steps=("rest an order", "change its price to one between ticks", "look here and at the gateway"),
        passes_when="REPLACE_REJECTED; one order works at the gateway, with the price of before, listed so",
        remedy="undo the local change when 110 comes; the library has overwritten its order already",
        needs=("orders.modify",),
        references=("EX-10", "EX-33", "nautechsystems/nautilus_trader#4564"),
    )
)
def refused_change_keeps_order(trial: Trial) -> Finding:
    """Change to nonsense, look."""
    desk = SessionDesk(trial, PORT)
    order, _ = desk.resting(2)
    answer = desk.modify(order, price=(order.price or desk.centre()) - desk.tick / 2)
    expect_equal(answer.exec_type, ExecType.REPLACE_REJECTED, "answer to a price between ticks")
    desk.expect_reason(answer)
    desk.alive(order, "after the refused change")
    found = desk.house.one(order)
    expect_equal((found.qty, found.price), (order.qty, order.price), "terms at the gateway")
    desk.listed_with(order)
    desk.cancelled(order)
    return passed(f"refused: {said(answer)}; the order kept its terms")


@check(
    order_card(
        "held_lives",
        "An order that is held while shares are located (404) is alive",
        MAJOR,
        steps=("let the gateway hold the next order", "send one", "look", "cancel it"),
        passes_when="nothing is said to have ended it, it is listed, and the cancel ends it here and there",
        remedy="404 holds an order, it does not end it; PreSubmitted is alive",
        parameters=(SILENT_FOR,),
        references=("BR-20",),
    )
)
def held_lives(trial: Trial) -> Finding:
    """Be held."""
    desk = SessionDesk(trial, PORT)
    desk.market()
    order = desk.order()
    desk.house.behave("held", order)
    desk.place(order)
    desk.alive(order, "while it is held", for_s=trial.seconds("silent_for"))
    desk.cancelled(order)
    return passed("held, alive, cancelled")


@check(
    order_card(
        "message_lives",
        "An order that waits for the opening (399 at its acknowledgement) is alive",
        MAJOR,
        steps=("let the gateway answer the next order with 399 as well", "send one", "look", "cancel it"),
        passes_when="it is acknowledged once, listed, and the cancel ends it here and there",
        remedy="399 carries messages about orders that live",
        parameters=(SILENT_FOR,),
        references=("BR-20",),
    )
)
def message_lives(trial: Trial) -> Finding:
    """Be told something."""
    desk = SessionDesk(trial, PORT)
    desk.market()
    order = desk.order()
    desk.house.behave("message_399", order)
    answer = desk.place(order)
    expect_equal(answer.exec_type, ExecType.NEW, "answer to an order with a message")
    desk.alive(order, "after 399", for_s=trial.seconds("silent_for"))
    desk.cancelled(order)
    return passed("told something, alive, cancelled")


@check(
    order_card(
        "unacknowledged_said",
        "An order that is never acknowledged is said to be so, and is not sent a second time",
        CRITICAL,
        steps=("let the gateway swallow the next answer", "send an order", "wait", "count at the gateway"),
        passes_when="a word comes in time, the gateway was asked once, and nobody says it is taken or over "
        "while it is not so there",
        remedy="watch each order for its first answer; ask for open orders before anything is sent again",
        parameters=(
            Parameter(name="said_within", default="20s", text="how long an order may stay unanswered unsaid"),
            SILENT_FOR,
        ),
        references=("EX-28", "EX-30", "erdewit/ib_insync#502"),
        destructive=True,
    )
)
def unacknowledged_said(trial: Trial) -> Finding:
    """Hear nothing, say so."""
    desk = SessionDesk(trial, PORT)
    desk.market()
    order, sent = desk.order(), desk.house.requests("PlaceOrder")
    desk.house.behave("never_acknowledge", order)
    hearing = Hearing(trial)
    desk.submit(order)

    def word() -> bool:
        answers = [u for u in desk.updates(order) if u.exec_type is not ExecType.PENDING_NEW]
        return bool(answers or hearing.of_order(order.client_order_id))

    text = f"expected a word that {order.client_order_id} is not acknowledged"
    took = hearing.until(word, text, trial.seconds("said_within"))
    trial.wait(PORT, lambda: None, trial.seconds("silent_for"))
    expect_equal(desk.house.requests("PlaceOrder") - sent, 1, "times that the order was sent")
    _true_to_gateway(desk, order)
    return passed(f"said after {took.value:.0f} ms, sent once", took)


def _true_to_gateway(desk: SessionDesk, order: Order) -> None:
    working = bool(desk.house.working(order))
    if desk.ends(order) and working:
        raise Unmet("expected the order not to be said to be over while it works at the gateway, was said so")
    if desk.accepted(order) and not working:
        raise Unmet("expected the order not to be said to work while the gateway has none, was said so")


@check(
    order_card(
        "late_acknowledgement",
        "An acknowledgement that comes late is taken, for the order that was sent",
        MAJOR,
        steps=("let the gateway acknowledge the next order two seconds late", "send one", "look", "cancel"),
        passes_when="it ends up as NEW, works at the gateway once, was never said to be over",
        remedy="keep an unanswered order open until its fate is known; do not time it out into a state",
        references=("EX-28", "EX-30"),
    )
)
def late_acknowledgement(trial: Trial) -> Finding:
    """Wait for the answer."""
    desk = SessionDesk(trial, PORT)
    desk.market()
    order = desk.order()
    desk.house.behave("acknowledge_late", order, delay_ms=LATE_MS)
    answer = desk.place(order, within_s=LATE_MS / 1000 + 10)
    expect_equal(answer.exec_type, ExecType.NEW, "answer after two seconds")
    expect_equal(len(desk.house.working(order)), 1, "orders at the gateway")
    desk.alive(order, "after the late acknowledgement")
    desk.cancelled(order)
    return passed("acknowledged late, taken, cancelled")


@check(
    order_card(
        "cancel_overtaken",
        "A cancel that a fill overtakes ends as filled, in the right quantity",
        CRITICAL,
        steps=("let the gateway fill the next order when it is cancelled", "rest one", "cancel it"),
        passes_when="it ends FILLED with all of it, never CANCELED; the position is the gateway's",
        remedy="a cancel is a request: the order ends by what the gateway says of it, and fills count always",
        references=("EX-14", "BR-19"),
    )
)
def cancel_overtaken(trial: Trial) -> Finding:
    """Cancel too late."""
    desk = SessionDesk(trial, PORT)
    desk.market()
    order = desk.order(Side.BUY, desk.lots(3))
    desk.house.behave("fill_on_cancel", order)
    expect_equal(desk.place(order).exec_type, ExecType.NEW, "answer to the order")
    trial.call(PORT, "cancel", order.client_order_id, order.instrument)
    desk.filled(order, within_s=10)
    end = desk.ended(order)
    expect_equal(end.status, OrdStatus.FILLED, "state at the end")
    expect_equal([said(u) for u in desk.ends(order)], [], "other ends that were said")
    desk.agrees(order)
    desk.matches_house()
    return passed(f"the fill of {order.qty} overtook the cancel")


@check(
    order_card(
        "unsolicited_cancel",
        "An order that IB cancels by itself is said to be canceled, unasked",
        CRITICAL,
        steps=("rest an order", "let IB cancel it", "wait for the word"),
        passes_when="CANCELED is said in time, and the order is listed no more",
        remedy="listen to the order's status whether or not something was asked",
        parameters=(SAID_WITHIN,),
        references=("EX-25", "BR-19"),
    )
)
def unsolicited_cancel(trial: Trial) -> Finding:
    """Be cancelled."""
    desk = SessionDesk(trial, PORT)
    order, at_house = desk.resting()
    desk.house.do("cancel_order", perm_id=at_house.perm_id)
    answer = desk.answer(order, {ExecType.CANCELED}, within_s=trial.seconds("said_within"))
    desk.not_listed(order, "after IB cancelled it")
    return passed(f"said: {said(answer)}")


@check(
    order_card(
        "refusal_then_order",
        "An order that was rejected leaves nothing behind that spoils the next one",
        MAJOR,
        steps=("let the gateway reject an order", "send another with the same terms", "buy"),
        passes_when="the second is taken under an order id of its own, and the purchase is filled",
        remedy="give every order a new id from the gateway's next valid one, also after a reject",
        references=("BR-23", "EX-36"),
    )
)
def refusal_then_order(trial: Trial) -> Finding:
    """Be rejected, go on."""
    desk = SessionDesk(trial, PORT)
    desk.market()
    first = desk.order()
    desk.house.behave("reject", first)
    desk.refused(first, "terms that IB rejects")
    second, at_house = desk.resting()
    ids = [row.order_id for row in desk.house.orders() if row.client_id == at_house.client_id]
    expect_equal(len(ids), len(set(ids)), "orders with an order id of their own")
    desk.cancelled(second)
    desk.agrees(desk.bought())
    return passed("a rejected order left nothing behind")


CHECKS: tuple[Check, ...] = (
    reject_is_reject,
    read_only,
    tick_violation,
    warnings_harmless,
    cancel_answers_harmless,
    change_answers_harmless,
    refused_change_keeps_order,
    held_lives,
    message_lives,
    unacknowledged_said,
    late_acknowledgement,
    cancel_overtaken,
    unsolicited_cancel,
    refusal_then_order,
)
