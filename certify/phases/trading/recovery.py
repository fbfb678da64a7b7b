"""Restarts and broken links: nothing is forgotten, nothing is doubled, nothing is lost in silence."""

from __future__ import annotations

from decimal import Decimal
from typing import cast

from certify.errors import CertifyError
from certify.model.trading import ExecType, Health, Order, OrdStatus, Side
from certify.phases.api import Finding, expect, expect_equal, passed
from certify.phases.orders import ANSWERED, CANCEL_ANSWERS, said
from certify.phases.trading.accounts import same_executions
from certify.phases.trading.cancels import expect_canceled
from certify.phases.trading.desk import Desk
from certify.phases.trading.family import CRITICAL, MAJOR, behaviour
from certify.phases.trading.refusals import refuse_repeat
from certify.phases.trial import QUICK_LOOK_S

RECOVERY_S = 15.0
"""How long a system may take to be connected again after a restart or a mended link."""
QUEUE_S = 1.0
"""How long to wait for a refusal while the link is down; after that the order may be queued."""
RESTART = ("orders.restart",)
CUT = ("port.disconnect", "port.reconnect")


def restart(desk: Desk, *, graceful: bool = True) -> None:
    """Restart the port's system and wait until it says that it is connected."""
    desk.trial.restart(desk.port, graceful=graceful)
    connected(desk)


def connected(desk: Desk) -> None:
    """Wait until the system says that it is connected, where it says so at all."""
    if not desk.trial.session(desk.port).has("system", "health"):
        return

    def look() -> bool:
        try:
            health = cast("Health", desk.trial.session(desk.port).call("system", "health"))
        except CertifyError:
            return False
        return health.alive and health.connected

    expect(
        desk.becomes(look, within_s=RECOVERY_S),
        f"expected to be alive and connected again within {RECOVERY_S:g} s, was not",
    )


def build(desk: Desk) -> tuple[Order, list[Order], Decimal]:
    """Make something to be remembered: a resting order, three trades, and the position they make."""
    trades = [desk.trade(side, desk.lots(n)) for side, n in ((Side.BUY, 2), (Side.BUY, 2), (Side.SELL, 1))]
    held = desk.held()
    return desk.rest(Side.BUY, desk.lots(2)), trades, held


def remembered(desk: Desk, resting: Order, trades: list[Order], held: Decimal) -> None:
    """Fail unless the resting order, the executions and the position are exactly as they were."""
    desk.listed_with(resting)
    same_executions(desk, trades)
    desk.position_is(held, "after the restart")
    for order in trades:
        expect_equal(desk.entry(order).status, OrdStatus.FILLED, f"state of {order.client_order_id}")
    desk.market()
    more = desk.trade(Side.BUY, desk.lots(1))
    desk.position_is(held + desk.entry(more).signed_qty, "after one more trade")
    expect_canceled(desk.cancel(resting), resting)
    desk.not_listed(resting, "after it was canceled")


@behaviour(
    "restart",
    "After a restart orders, executions and positions are exactly as before, and orders can be worked",
    CRITICAL,
    steps=(
        "trade three times, rest a buy limit",
        "stop the system, start it with the same state",
        "compare open_orders, executions and positions; trade once more; cancel the resting order",
    ),
    passes_when="the order is listed with its terms, executions and position are as before, it can be worked",
    remedy="on start reconcile with the broker: orders by id, executions each once by execution id",
    needs=RESTART,
    references=("checks.md EX-40", "checks.md EX-42", "checks.md EX-43", "TC-E84..TC-E87 NautilusTrader"),
    destructive=True,
)
def restarted(desk: Desk) -> Finding:
    """Stop, start, compare."""
    resting, trades, held = build(desk)
    restart(desk)
    remembered(desk, resting, trades, held)
    return passed(f"one order, {len(trades)} trades and a position of {held} survived a restart")


@behaviour(
    "crash",
    "After a crash orders, executions and positions are exactly as before",
    CRITICAL,
    steps=(
        "trade three times, rest a buy limit",
        "kill the system's process, start it with the same state",
        "compare open_orders, executions and positions; trade once more; cancel the resting order",
    ),
    passes_when="the same as after an orderly restart",
    remedy="write state down before it is acted upon, not at the end of the day or on stop",
    needs=RESTART,
    references=("checks.md EX-41", "checks.md EX-43", "MiFID II RTS 6 Art. 14 (business continuity)"),
    destructive=True,
)
def crashed(desk: Desk) -> Finding:
    """Kill, start, compare."""
    resting, trades, held = build(desk)
    restart(desk, graceful=False)
    remembered(desk, resting, trades, held)
    return passed(f"one order, {len(trades)} trades and a position of {held} survived a crash")


@behaviour(
    "restart_ids",
    "A client order id stays used after a restart",
    MAJOR,
    steps=("rest and cancel an order, rest another", "restart", "send both ids again"),
    passes_when="both REJECTED with a code or reason; the working order keeps its terms",
    remedy="keep used ids with the state, not only in memory; number orders on across restarts",
    needs=RESTART,
    references=("checks.md EX-28", "checks.md EX-43", "FIX 4.4 ClOrdID <11>"),
    destructive=True,
)
def restart_ids(desk: Desk) -> Finding:
    """Use ids of before the restart again."""
    desk.market()
    dead = desk.rest(Side.BUY, desk.lots(1))
    expect_canceled(desk.cancel(dead), dead)
    working = desk.rest(Side.BUY, desk.lots(1))
    restart(desk)
    desk.market()
    for order in (dead, working):
        refuse_repeat(desk, order, "used before the restart")
    desk.not_listed(dead, "after its id was sent again")
    desk.listed_with(working)
    return passed("ids of before the restart are refused")


@behaviour(
    "fill_while_down",
    "A fill that happens while the link is down is found when it is back",
    CRITICAL,
    steps=(
        "rest a buy limit",
        "break the link",
        "move the market through the order",
        "let the link come back",
    ),
    passes_when="FILLED is reported, once, no earlier fill again; position and executions have it exactly",
    remedy="after each reconnect ask for executions and orders, and book what is missing by execution id",
    methods=("market_data.inject", *CUT),
    references=("checks.md EX-41", "TC-E85 NautilusTrader exec testing spec"),
    destructive=True,
)
def fill_while_down(desk: Desk) -> Finding:
    """Let an order trade while nobody listens."""
    earlier = desk.trade(Side.BUY, desk.lots(1))
    held = desk.held()
    desk.market()
    order = desk.rest(Side.BUY, desk.lots(2), price=desk.trial.centre() - 4 * desk.tick)
    desk.trial.cut(desk.port)
    bid = desk.trial.centre() - 9 * desk.tick
    desk.push(bid, bid + 2 * desk.tick)  # not waited for: one link may serve orders and market data
    desk.trial.wait(desk.port, lambda: None, QUICK_LOOK_S)
    desk.trial.mend(desk.port)
    desk.filled(order, within_s=RECOVERY_S)
    desk.ended(order)
    desk.position_is(held + order.qty, "after a fill while the link was down")
    expect_equal(desk.entry(order).cum_qty, order.qty, "filled")
    same_executions(desk, [earlier, order])
    desk.not_listed(order, "after it was filled")
    for known in (earlier, order):
        told = [u.exec_id for u in desk.updates(known) if u.exec_type is ExecType.TRADE]
        expect_equal(len(told), len(set(told)), f"fills of {known.client_order_id} told once")
    return passed("the fill was found, once")


@behaviour(
    "submit_while_down",
    "An order sent while the link is down is refused, or sent later, never lost in silence",
    CRITICAL,
    steps=("break the link", "send a resting buy limit", "let the link come back"),
    passes_when="REJECTED with a reason and not listed, or taken and listed, at the latest with the link",
    remedy="answer every order: refuse what cannot be sent, or queue it and resolve it",
    methods=CUT,
    references=("checks.md EX-28", "TC-E74 NautilusTrader exec testing spec"),
    destructive=True,
)
def submit_while_down(desk: Desk) -> Finding:
    """Send an order into nothing."""
    desk.market()
    order = desk.order(Side.BUY, desk.lots(1))
    desk.trial.cut(desk.port)
    desk.submit(order)
    desk.silent(order, ANSWERED, for_s=QUEUE_S)
    desk.trial.mend(desk.port)
    answer = desk.answer(order, ANSWERED, within_s=RECOVERY_S)
    connected(desk)
    if answer.exec_type is ExecType.NEW:
        desk.listed_with(order)
        return passed("the order was queued and sent when the link was back")
    expect(answer.exec_type is ExecType.REJECTED, f"expected REJECTED or NEW, was {said(answer)}")
    desk.expect_reason(answer)
    desk.not_listed(order, "after it was refused for want of a link")
    return passed(f"refused: {said(answer)}")


@behaviour(
    "cancel_while_down",
    "A cancel asked for while the link is down is answered, and the answer is true",
    CRITICAL,
    steps=(
        "rest a buy limit",
        "break the link",
        "cancel it",
        "let the link come back",
        "look at open_orders",
    ),
    passes_when="CANCEL_REJECTED and the order is still listed, or CANCELED and it is gone",
    remedy="never say CANCELED without the venue's word; refuse or queue what cannot be sent",
    methods=CUT,
    references=("checks.md EX-28", "checks.md EX-18", "TC-E76 NautilusTrader exec testing spec"),
    destructive=True,
)
def cancel_while_down(desk: Desk) -> Finding:
    """Cancel into nothing."""
    desk.market()
    order = desk.rest(Side.BUY, desk.lots(1))
    desk.trial.cut(desk.port)
    seen = len(desk.updates(order))
    desk.trial.call(desk.port, "cancel", order.client_order_id, order.instrument)
    desk.silent(order, CANCEL_ANSWERS, since=seen, for_s=QUEUE_S)
    desk.trial.mend(desk.port)
    answer = desk.answer(order, CANCEL_ANSWERS, since=seen, within_s=RECOVERY_S)
    connected(desk)
    if answer.exec_type is ExecType.CANCELED:
        desk.not_listed(order, "after CANCELED")
        return passed("canceled when the link was back")
    desk.expect_reason(answer)
    desk.listed_with(order)
    return passed(f"refused: {said(answer)}; the order still works")


BEHAVIOURS = (restarted, crashed, restart_ids, fill_while_down, submit_while_down, cancel_while_down)
