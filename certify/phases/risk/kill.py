"""The kill switch: what it blocks, what it cancels, what it must leave alone, and how it is released."""

from __future__ import annotations

from decimal import Decimal

from certify import clock
from certify.model.measure import Bound, Measurement
from certify.model.trading import ExecType, Order, OrderType, Side
from certify.phases.api import Check, Finding, bounded, check, expect, expect_equal, passed
from certify.phases.orders import OrderDesk, said
from certify.phases.risk.cards import CRITICAL, KILL_WITHIN, READY_WITHIN, SLOW, risk_card
from certify.phases.risk.desk import RiskDesk, claims, refuses
from certify.phases.trial import QUICK_LOOK_S, Trial

NEEDS = ("risk.halt",)
RULES = ("RK-19", "rts6.12.1")
WORKING = 5
BURST = 20
HALT, ACTIVE = "HALT", "ACTIVE"


def _state(trial: Trial) -> object:
    return trial.call("risk", "state")


def _blocked(desk: RiskDesk, why: str) -> None:
    """Fail unless every kind of new order is refused, on both sides."""
    doors = [(Side.BUY, OrderType.LIMIT)]
    if claims(desk.trial, "execution", "orders.short"):
        doors.append((Side.SELL, OrderType.LIMIT))
    if claims(desk.trial, "execution", "orders.market"):
        doors.append((Side.BUY, OrderType.MARKET))
    if claims(desk.trial, "execution", "orders.stop"):
        doors.append((Side.BUY, OrderType.STOP))
    for side, kind in doors:
        desk.refused(desk.make(side, 1, kind), why)


@check(
    risk_card(
        "kill_blocks_orders",
        "After the kill switch no new order is let through, whatever its kind or side",
        CRITICAL,
        steps=("use the kill switch with HALT", "ask for the state", "try limit, market and stop orders"),
        passes_when="the state is HALT and each order is refused with a code or a reason",
        remedy="ask for the state in the one gate that every order passes, last before it is sent",
        needs=NEEDS,
        references=(*RULES, "RK-18"),
    )
)
def kill_blocks_orders(trial: Trial) -> Finding:
    """Kill, try every door."""
    desk = RiskDesk(trial)
    trial.quote()
    trial.kill()
    expect_equal(_state(trial), HALT, "state after the kill")
    _blocked(desk, "after HALT")
    return passed("every new order was refused")


@check(
    risk_card(
        "kill_blocks_changes",
        "After the kill switch no working order can be changed",
        CRITICAL,
        steps=("rest an order", "use the kill switch, leaving orders", "change quantity and price"),
        passes_when="both changes are refused",
        remedy="send changes through the same gate as new orders",
        needs=(*NEEDS, "orders.modify"),
        references=(*RULES, "RK-18"),
    )
)
def kill_blocks_changes(trial: Trial) -> Finding:
    """Rest, kill, change."""
    desk = RiskDesk(trial)
    order = desk.rest(Side.BUY, desk.lots(2))
    price = (order.price or Decimal(0)) + trial.instrument.tick
    trial.kill(cancel_open=False)
    desk.change_refused(order, "after HALT", qty=desk.lots(3))
    desk.change_refused(order, "after HALT", price=price)
    return passed("both changes were refused")


@check(
    risk_card(
        "kill_cancels_all",
        "The kill switch cancels every working order, of every instrument and side, in time",
        CRITICAL,
        steps=(
            "rest orders on both sides and in two instruments",
            "use the kill switch",
            "wait for each end",
        ),
        passes_when="each is CANCELED within the limit and none is listed as working",
        remedy="cancel from the list of what was sent and has not ended, not from what one strategy knows",
        needs=NEEDS,
        parameters=(KILL_WITHIN,),
        references=(*RULES, "RK-20"),
    )
)
def kill_cancels_all(trial: Trial) -> Finding:
    """Rest, kill, measure."""
    desk = RiskDesk(trial)
    resting = [desk.rest(Side.BUY) for _ in range(WORKING)]
    if claims(trial, "execution", "orders.short"):
        resting.append(desk.rest(Side.SELL))
    for instrument in trial.plan.instruments[1:2]:
        quote = trial.quote(instrument.id)
        away = (quote.bid or Decimal(0)) * Decimal("0.99")
        price = away - away % instrument.tick
        resting.append(desk.rest(Side.BUY, instrument.lot, price=price, instrument=instrument.id))
    took_ms = _kill_and_wait(desk, resting)
    return bounded(
        f"{len(resting)} orders were cancelled",
        (Measurement(name="last_cancel", value=took_ms, unit="ms", samples=len(resting)),),
        (Bound(name="last_cancel", op="<=", value=trial.seconds("kill_within") * 1000, unit="ms"),),
    )


def _kill_and_wait(desk: RiskDesk, resting: list[Order]) -> float:
    """Kill and return the milliseconds until the last order was CANCELED; fails for any other end."""
    trial, began = desk.trial, clock.monotonic_ns()
    trial.kill()
    within_s = trial.seconds("kill_within")
    trial.until(
        desk.port,
        lambda: not desk.working(*resting),
        f"expected each of {len(resting)} orders to end after the kill",
        within_s,
    )
    took_ms = round((clock.monotonic_ns() - began) / clock.NS_PER_MS, 3)
    for order in resting:
        last = desk.updates(order)[-1]
        expect(last.exec_type is ExecType.CANCELED, f"expected CANCELED by the kill, was {said(last)}")
    ids = {order.client_order_id for order in resting}
    trial.poll(lambda: not desk.open_ids() & ids, "expected no killed order among the working ones", within_s)
    return took_ms


@check(
    risk_card(
        "kill_cancels_stops",
        "The kill switch cancels stop orders that wait for their price",
        CRITICAL,
        steps=("place a stop order away from the market", "use the kill switch", "wait for its end"),
        passes_when="it is CANCELED within the limit",
        remedy="count an order that waits for its trigger as working, wherever it is kept",
        needs=(*NEEDS, "orders.stop"),
        parameters=(KILL_WITHIN,),
        references=RULES,
    )
)
def kill_cancels_stops(trial: Trial) -> Finding:
    """Stop, kill."""
    desk = RiskDesk(trial)
    order = desk.make(Side.BUY, 1, OrderType.STOP)
    desk.allowed(order, "before the kill")
    took_ms = _kill_and_wait(desk, [order])
    return passed("the stop order was cancelled", Measurement(name="cancel", value=took_ms, unit="ms"))


@check(
    risk_card(
        "kill_can_leave_orders",
        "The kill switch leaves working orders alone when it is told to, and they can be cancelled by hand",
        CRITICAL,
        steps=(
            "rest two orders",
            "use the kill switch, leaving orders",
            "look for a while",
            "cancel one by hand",
        ),
        passes_when="both go on working, and the cancel is answered by CANCELED",
        remedy="let cancels pass in every state: a stop that blocks them locks the risk in",
        needs=NEEDS,
        references=(*RULES, "RK-18"),
    )
)
def kill_can_leave_orders(trial: Trial) -> Finding:
    """Rest, kill, look, cancel."""
    desk = RiskDesk(trial)
    resting = [desk.rest(Side.BUY) for _ in range(2)]
    trial.kill(cancel_open=False)
    trial.wait(desk.port, lambda: None, QUICK_LOOK_S)
    expect_equal(len(desk.working(*resting)), 2, "orders that were to be left and go on working")
    answer = desk.cancel(resting[0])
    expect(answer.exec_type is ExecType.CANCELED, f"expected a cancel to pass after HALT, was {said(answer)}")
    return passed("orders were left, and one was cancelled by hand")


@check(
    risk_card(
        "kill_catches_in_flight",
        "Orders that are on their way when the kill switch is used end too",
        CRITICAL,
        steps=("send a burst of resting orders without waiting", "use the kill switch at once", "wait"),
        passes_when="each has ended within the limit, none is listed as working, none comes to life later",
        remedy="block first, then cancel, and cancel what is acknowledged after the kill as well",
        needs=NEEDS,
        parameters=(KILL_WITHIN,),
        references=(*RULES, "RK-20"),
    )
)
def kill_catches_in_flight(trial: Trial) -> Finding:
    """Burst, kill, look."""
    desk = RiskDesk(trial)
    trial.quote()
    orders = [desk.make(Side.BUY, 1) for _ in range(BURST)]
    desk.burst(orders)
    began = clock.monotonic_ns()
    trial.kill()
    within_s = trial.seconds("kill_within")
    trial.until(
        desk.port,
        lambda: not desk.working(*orders),
        "expected every order on its way to end after the kill",
        within_s,
    )
    took_ms = round((clock.monotonic_ns() - began) / clock.NS_PER_MS, 3)
    ids = {order.client_order_id for order in orders}
    trial.poll(lambda: not desk.open_ids() & ids, "expected no killed order among the working ones", within_s)
    return bounded(
        f"{BURST} orders on their way have ended",
        (Measurement(name="last_end", value=took_ms, unit="ms", samples=BURST),),
        (Bound(name="last_end", op="<=", value=within_s * 1000, unit="ms"),),
    )


@check(
    risk_card(
        "kill_while_away",
        "A kill while the link to the broker is broken is carried out when the link is back",
        CRITICAL,
        steps=("rest an order", "break the link", "use the kill switch", "let the link come back", "wait"),
        passes_when="the order ends, and a new one is refused",
        remedy="remember that cancels are due until each is confirmed, and repeat them after a reconnect",
        ports=("risk", "execution", "broker"),
        needs=(*NEEDS, "orders.disconnect"),
        methods=("broker.disconnect", "broker.reconnect"),
        parameters=(READY_WITHIN,),
        references=("RK-22", "rts6.12.1", "rts7.9.3.c.cod"),
        modes=SLOW,
        destructive=True,
    )
)
def kill_while_away(trial: Trial) -> Finding:
    """Rest, break, kill, mend."""
    desk = RiskDesk(trial)
    order = desk.rest(Side.BUY)
    trial.cut("broker")
    trial.wait("broker", lambda: None, QUICK_LOOK_S)
    trial.kill()
    trial.wait("broker", lambda: None, QUICK_LOOK_S)
    trial.mend("broker")
    trial.until(
        desk.port,
        lambda: not desk.working(order),
        "expected the order to end once the link was back",
        trial.seconds("ready_within"),
    )
    trial.poll(
        lambda: order.client_order_id not in _at_broker(trial),
        "expected the order not to work at the broker once the link was back",
        trial.seconds("ready_within"),
    )
    desk.refused(desk.make(Side.BUY, 1), "after HALT")
    return passed("the order was ended once the link was back")


def _at_broker(trial: Trial) -> set[str]:
    return OrderDesk(trial, "broker").open_ids()


def _after_restart(trial: Trial, *, graceful: bool) -> Finding:
    desk = RiskDesk(trial)
    trial.quote()
    trial.kill()
    trial.restart("risk", graceful=graceful)
    expect_equal(_state(trial), HALT, "state after the restart")
    desk.refused(desk.make(Side.BUY, 1), "after HALT and a restart")
    expect_equal(_state(trial), HALT, "state after the refused order")
    decision_refused = refuses(trial, "risk", "resume", "certify", "end of the kill switch check")
    expect(not decision_refused, "expected trading to be resumed by name after the restart, was refused")
    desk.ready(trial.seconds("ready_within"))
    return passed("HALT was kept over the restart, and resumed by name")


def _restart_check(name: str, title: str, step: str, *, graceful: bool) -> Check:
    card = risk_card(
        name,
        title,
        CRITICAL,
        steps=(
            "use the kill switch",
            step,
            "ask for the state",
            "try an order",
            "resume by name",
            "try again",
        ),
        passes_when="the state is still HALT and the order refused; after the resume one is let through",
        remedy="write the state down before it takes effect, and read it before the first order is taken",
        needs=(*NEEDS, "orders.restart"),
        parameters=(READY_WITHIN,),
        references=("RK-21", "rts6.12.1"),
        modes=SLOW,
        destructive=True,
    )
    return Check(card, lambda trial: _after_restart(trial, graceful=graceful))


kill_survives_restart = _restart_check(
    "kill_survives_restart",
    "The kill switch stays on over a restart",
    "restart the system in order",
    graceful=True,
)
kill_survives_crash = _restart_check(
    "kill_survives_crash",
    "The kill switch stays on when the system crashes",
    "kill the system's process and start it again",
    graceful=False,
)


@check(
    risk_card(
        "resume_named",
        "Only a named person can resume trading, and then it works again",
        CRITICAL,
        steps=(
            "use the kill switch",
            "resume without a name, and with blanks",
            "resume by name",
            "try orders",
        ),
        passes_when="both are refused and orders stay blocked; by name the state is ACTIVE and orders pass",
        remedy="refuse to resume without a name, and keep a record of who did",
        needs=NEEDS,
        references=("RK-21", "rts6.15.3", "rts6.12.1"),
    )
)
def resume_named(trial: Trial) -> Finding:
    """Try without a name, then with one."""
    desk = RiskDesk(trial)
    trial.quote()
    trial.kill()
    for by in ("", "  "):
        said_no = refuses(trial, "risk", "resume", by, "kill switch check")
        expect(said_no, f"expected a resume by {by!r} to be refused, was accepted")
        expect_equal(_state(trial), HALT, f"state after a resume by {by!r}")
    desk.refused(desk.make(Side.BUY, 1), "after HALT")
    said_no = refuses(trial, "risk", "resume", "certify", "end of the kill switch check")
    expect(not said_no, "expected a resume by name to be accepted, was refused")
    expect_equal(_state(trial), ACTIVE, "state after a resume by name")
    order = desk.make(Side.BUY, 1)
    desk.allowed(order, "after trading was resumed")
    return passed("resumed by name only")


CHECKS: tuple[Check, ...] = (
    kill_blocks_orders,
    kill_blocks_changes,
    kill_cancels_all,
    kill_cancels_stops,
    kill_can_leave_orders,
    kill_catches_in_flight,
    resume_named,
)
SLOW_CHECKS: tuple[Check, ...] = (kill_while_away, kill_survives_restart, kill_survives_crash)
