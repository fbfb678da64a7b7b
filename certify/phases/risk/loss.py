"""The largest loss of a day: made by moving the market against a position, open and realised."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from certify import clock
from certify.errors import CertifyError
from certify.model.measure import Measurement
from certify.model.trading import AccountState, ExecType, OrderType, Side
from certify.phases.api import Check, Finding, Unmeasurable, Unmet, check, passed
from certify.phases.orders import said, to_tick
from certify.phases.risk.cards import CRITICAL, REACT_WITHIN, SET_MARKET, SLOW, risk_card
from certify.phases.risk.desk import RiskDesk, claims, money, terms
from certify.phases.trial import Trial

STEPS = 5
STEP = Decimal("0.02")
"""How far the market moves at a time: a jump could be taken for bad data."""
FALL = STEP * STEPS
LEAST_LOTS = 50
GENTLE = Decimal("0.2")
"""Share of the limit in force that a loss on purpose may take, where so small a one stands out."""
SHARE = Decimal("0.4")
"""Where the limit is put: this share of the loss that is made, beyond what was lost before."""
NAME = "max_daily_loss"
RULES = ("RK-16",)


@dataclass(slots=True)
class Loss:
    """A position that is about to lose more than the limit allows."""

    desk: RiskDesk
    qty: Decimal
    limit: Decimal

    def fall(self) -> None:
        """Let the market fall in steps; the position loses more than the limit."""
        for step in range(1, STEPS + 1):
            self._market(1 - STEP * step)

    def recover(self) -> None:
        """Let the market come back in steps."""
        for step in range(STEPS - 1, -1, -1):
            self._market(1 - STEP * step)

    def _market(self, factor: Decimal) -> None:
        trial = self.desk.trial
        tick = trial.instrument.tick
        bid = to_tick(trial.centre() * factor, tick, down=True) - tick
        trial.set_market(bid, bid + 2 * tick, size=max(Decimal(10_000), 2 * self.qty))
        self.desk.print_trade(bid + tick)  # a price band may be measured from the last trade

    def refused_soon(self, why: str) -> float:
        """Return the milliseconds until an order that adds to the position is refused; fails when none is."""
        trial, began = self.desk.trial, clock.monotonic_ns()
        within_s = trial.seconds("react_within")
        while True:
            # A market order: a price off the last trade may be refused for another reason.
            order = self.desk.make(Side.BUY, 1, OrderType.MARKET)
            answer = self.desk.place(order)
            took_ms = (clock.monotonic_ns() - began) / clock.NS_PER_MS
            if answer.exec_type is ExecType.REJECTED:
                self.desk.expect_reason(answer)
                return round(took_ms, 3)
            self.desk.clear(order)
            if took_ms > within_s * 1000:
                raise Unmet(
                    f"expected {terms(order)} to be refused {why} within {within_s:g} s, was {said(answer)}"
                )
            clock.sleep_s(0.1)


@contextmanager
def losing(trial: Trial, *, realised: bool = False) -> Iterator[Loss]:
    """Hold a position whose coming loss will be above the limit; afterwards everything is as before.

    With `realised`, the limit is far above it at first: it is lowered once the loss was taken.
    """
    if not trial.can_set_market:
        raise Unmeasurable("the market cannot be set, so no loss can be made on purpose")
    desk = RiskDesk(trial)
    least, most = _lost_so_far(desk)
    lots = _lots(desk, least, most)
    qty = desk.lots(lots)
    coming = desk.value(qty, trial.centre()) * FALL
    loss = Loss(desk, qty, _limit(desk, coming, least, most))
    trial.shared.killed = True  # a loss may latch a stop: it is released by name afterwards
    try:
        # Before the position is opened, which costs something too. A loss that is to be taken first must not
        # meet the limit: it is set out of the way.
        desk.lower(NAME, loss.limit + 10 * coming if realised else loss.limit)
        desk.hold(lots)
        yield loss
    finally:
        _put_back(loss)


def _lost_so_far(desk: RiskDesk) -> tuple[Decimal, Decimal]:
    """Return the least and the most that may count as lost today: a profit is a negative loss."""
    trial = desk.trial
    booked = [Decimal(0), _lost_by_fills(desk)]
    if claims(trial, desk.port, "orders.account"):
        account = cast("AccountState", trial.call(desk.port, "account"))
        gained = account.realized_pnl + account.unrealized_pnl
        booked += [-gained, account.commissions - gained]
    return min(booked), max(booked)


def _lost_by_fills(desk: RiskDesk) -> Decimal:
    """Return what the fills that the tool knows have cost, were every position closed at the market."""
    lost = Decimal(0)
    for entry in desk.trial.ledger.entries.values():
        if entry.port in (desk.port, "broker"):
            for fill in entry.fills.values():
                sign = 1 if fill.side is Side.BUY else -1
                lost += sign * desk.value(fill.last_qty, fill.last_px or Decimal(0))
                lost += fill.commission or Decimal(0)
    held = sum(
        (desk.trial.ledger.position(port, desk.trial.instrument.id) for port in (desk.port, "broker")),
        Decimal(0),
    )
    return Decimal(0) if held else lost


def _lots(desk: RiskDesk, least: Decimal, most: Decimal) -> int:
    """Return how many lots make a loss that stands out from what was lost before."""
    per_lot = desk.value(desk.lots(1), desk.trial.centre()) * FALL
    wanted = _gentle(desk, per_lot) + math.ceil(4 * (most - least) / per_lot)
    if not claims(desk.trial, "risk", "risk.set_limit"):
        wanted = math.ceil((desk.declared(NAME) - least) / (SHARE * per_lot))
    room = desk.room(NAME)
    if room < 1 or room * per_lot * (1 - SHARE) <= most - least:
        raise Unmeasurable(f"other limits and the safety caps leave {room} lots: too few to lose enough")
    return min(wanted, room)


def _gentle(desk: RiskDesk, per_lot: Decimal) -> int:
    """Return a few lots that lose little of the limit in force: what is lost here stays lost for the day."""
    declared = desk.trial.limits().get(NAME)
    if not declared:
        return LEAST_LOTS
    return max(1, min(LEAST_LOTS, int(declared * GENTLE / per_lot)))


def _limit(desk: RiskDesk, coming: Decimal, least: Decimal, most: Decimal) -> Decimal:
    if claims(desk.trial, "risk", "risk.set_limit"):
        return money(most + coming * SHARE)
    limit = desk.declared(NAME)
    if not most < limit < least + coming * Decimal("0.9"):
        raise Unmeasurable(f"the declared {NAME} {limit} cannot be reached within the other limits")
    return limit


def _put_back(loss: Loss) -> None:
    """Bring market and limit back first: while the loss stands, a system may refuse to resume."""
    trial = loss.desk.trial
    loss.recover()
    for (name, instrument), value in list(trial.shared.changed_limits.items()):
        if name == NAME and instrument is None:
            trial.set_limit(name, value)
    try:
        trial.call("risk", "resume", "certify", "end of the check of the daily loss")
    except CertifyError as error:
        trial.note(f"resume after the check of the daily loss: {error}")
    _trade_once(loss.desk)


def _trade_once(desk: RiskDesk) -> None:
    """Leave a last trade at the market as it is again: some systems measure from it."""
    for side in (Side.BUY, Side.SELL):
        try:
            desk.fill(side)
        except Unmet as error:
            desk.trial.note(f"a trade after the check of the daily loss: {error}")


@check(
    risk_card(
        "max_daily_loss",
        "When an open position has lost more than a day may cost, nothing more is let through",
        CRITICAL,
        steps=(
            "buy, and set max_daily_loss below the loss to come",
            "rest and cancel an order",
            "let the market fall in steps",
            "try an order that adds to the position",
        ),
        passes_when="the order before the fall is let through, the one after it refused within the limit",
        remedy="count realised and open profit and commissions, at every order and every move of the market",
        ports=("risk", "execution", "market_data"),
        needs=("risk.max_daily_loss", "risk.set_limit", "orders.market"),
        methods=SET_MARKET,
        parameters=(REACT_WITHIN,),
        references=RULES,
        modes=SLOW,
    )
)
def max_daily_loss(trial: Trial) -> Finding:
    """Hold, fall, try."""
    with losing(trial) as loss:
        order = loss.desk.make(Side.BUY, 1)
        loss.desk.allowed(order, f"by max_daily_loss {loss.limit} before the loss")
        loss.desk.clear(order)
        loss.fall()
        took_ms = loss.refused_soon(f"by max_daily_loss {loss.limit} after an open loss above it")
    return passed(
        f"refused after an open loss above {loss.limit}", Measurement(name="react", value=took_ms, unit="ms")
    )


@check(
    risk_card(
        "max_daily_loss_realised",
        "When more has been lost by closed trades than a day may cost, nothing more is let through",
        CRITICAL,
        steps=(
            "buy, let the market fall, sell",
            "set max_daily_loss below what was lost",
            "try an order",
        ),
        passes_when="the order is refused within the limit",
        remedy="count realised and open profit and commissions, and keep counting what was closed",
        ports=("risk", "execution", "market_data"),
        needs=("risk.max_daily_loss", "risk.set_limit", "orders.market"),
        methods=SET_MARKET,
        parameters=(REACT_WITHIN,),
        references=RULES,
        modes=SLOW,
    )
)
def max_daily_loss_realised(trial: Trial) -> Finding:
    """Hold, fall, sell, try."""
    with losing(trial, realised=True) as loss:
        desk = loss.desk
        loss.fall()
        order = desk.order(Side.SELL, loss.qty, type=OrderType.MARKET)
        desk.allowed(order, "to take the loss")
        desk.filled(order)
        order = desk.make(Side.BUY, 1)
        desk.allowed(order, "before max_daily_loss is below what was lost")
        desk.clear(order)
        desk.must_lower(NAME, loss.limit)
        took_ms = loss.refused_soon(f"by max_daily_loss {loss.limit} after a realised loss above it")
    return passed(
        f"refused after a realised loss above {loss.limit}",
        Measurement(name="react", value=took_ms, unit="ms"),
    )


SLOW_CHECKS: tuple[Check, ...] = (max_daily_loss,)
LAST_CHECKS: tuple[Check, ...] = (max_daily_loss_realised,)
"""What it loses stays lost for the day: nothing that trades may come after it."""
