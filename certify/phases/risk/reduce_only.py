"""The kill switch in the mode REDUCE_ONLY: the way out stays open, and no other."""

from __future__ import annotations

from decimal import Decimal

from certify.model.trading import OrderType, Side
from certify.phases.api import Check, Finding, expect_equal, passed
from certify.phases.risk.cards import CRITICAL, risk_card
from certify.phases.risk.desk import RiskDesk, claims
from certify.phases.trial import Trial

REDUCE_ONLY = "REDUCE_ONLY"


def _reduce(trial: Trial, opening: Side) -> Finding:
    closing = Side.SELL if opening is Side.BUY else Side.BUY
    desk = RiskDesk(trial)
    desk.hold(3, opening)
    trial.kill(REDUCE_ONLY)
    expect_equal(trial.call("risk", "state"), REDUCE_ONLY, "state after the kill")
    why = "by REDUCE_ONLY with 3 lots held"
    for kind in (OrderType.LIMIT, OrderType.MARKET):
        desk.refused(desk.make(opening, 1, kind), f"{why}, as it increases")
        desk.refused(desk.make(closing, 4, kind), f"{why}, as it goes beyond flat")
    order = desk.make(closing, 2, OrderType.MARKET)
    desk.allowed(order, f"{why}, as it reduces")
    desk.filled(order)
    held = desk.lots(1) if opening is Side.BUY else -desk.lots(1)
    desk.position_is(held, "after reducing")
    desk.refused(desk.make(closing, 2), "by REDUCE_ONLY with 1 lot held, as it goes beyond flat")
    last = desk.make(closing, 1, OrderType.MARKET)
    desk.allowed(last, "by REDUCE_ONLY with 1 lot held, as it closes")
    desk.filled(last)
    desk.position_is(Decimal(0), "after closing")
    for side in (opening, closing) if claims(trial, "execution", "orders.short") else (Side.BUY,):
        desk.refused(desk.make(side, 1), "by REDUCE_ONLY while flat")
    return passed("reducing was let through, increasing and turning were not")


def _reduce_check(name: str, title: str, opening: Side, *needs: str) -> Check:
    card = risk_card(
        name,
        title,
        CRITICAL,
        steps=(
            "trade into a position of three lots",
            "use the kill switch with REDUCE_ONLY",
            "try to increase, to go beyond flat, to reduce, to close, and to open anew",
        ),
        passes_when="reducing and closing are let through, everything else is refused",
        remedy="work out the position that an order would leave: smaller, on the same side, or refuse",
        needs=("risk.reduce_only", "orders.market", *needs),
        references=("RK-12", "RK-18", "rts6.12.1"),
    )
    return Check(card, lambda trial: _reduce(trial, opening))


reduce_only = _reduce_check(
    "reduce_only", "REDUCE_ONLY lets a long position be reduced, and nothing else", Side.BUY
)
reduce_only_short = _reduce_check(
    "reduce_only_short",
    "REDUCE_ONLY lets a short position be reduced, and nothing else",
    Side.SELL,
    "orders.short",
)

CHECKS: tuple[Check, ...] = (reduce_only, reduce_only_short)
