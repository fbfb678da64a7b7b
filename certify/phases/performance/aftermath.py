"""What a level leaves behind: is the system still there, is everything answered, is it flat?"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from certify import clock
from certify.errors import CertifyError
from certify.load.request import TIMEOUT_S, OrderTerms
from certify.model.trading import OrderType, Side
from certify.phases.api import Unmeasurable, Unmet
from certify.phases.orders import ANSWERED, CANCEL_ANSWERS, OrderDesk
from certify.phases.performance.terms import LevelTerms
from certify.phases.trial import Trial

QUIET_S = 0.2
"""Between the last answer of the load and the order that asks whether the system is still there."""
CLOSING_TRIES = 8
"""A venue that rejects one order in twenty on purpose must not keep a level from being closed."""


@dataclass(slots=True)
class Aftermath:
    """What was found after a level."""

    canary_ms: float | None = None
    """From the call to the first answer of an order sent when the load was over; None: silence."""
    open_orders: int = 0
    """Of the load, by the system's own list, after a cancel was asked for."""
    ledger_position: Decimal = Decimal(0)
    """What the load's fills add up to after it was closed; flat is zero."""
    system_position: Decimal = Decimal(0)
    """What the system says it holds more than before the level; flat is zero."""
    problem: str = ""

    @property
    def clean(self) -> bool:
        """Whether nothing is left."""
        return not (self.problem or self.open_orders or self.ledger_position or self.system_position)


@dataclass(frozen=True, slots=True)
class Held:
    """What was held of the level's instrument before it."""

    ledger: Decimal = Decimal(0)
    """By the fills of the port that takes the orders."""
    system: Decimal = Decimal(0)
    """By the system's own word; other ports may trade the same account."""


def held_before(trial: Trial, terms: LevelTerms) -> Held:
    """Return what is held now."""
    if terms.orders is None:
        return Held()
    desk = OrderDesk(trial, terms.orders.port)
    return Held(_net(trial, terms.orders), desk.position())


def after_level(trial: Trial, terms: LevelTerms, held: Held) -> Aftermath:
    """Ask for an answer, cancel what is left, trade away what is held beyond `held`, and look."""
    found = Aftermath()
    if terms.orders is None:
        return found
    desk = OrderDesk(trial, terms.orders.port)
    try:
        _settle(trial, terms.orders)
        clock.sleep_s(QUIET_S)
        found.canary_ms = _canary(desk)
        _close(trial, desk, terms.orders, held.ledger)
        open_ids = [one for one in desk.open_ids() if one.startswith(terms.orders.prefix)]
        found.open_orders = len(open_ids)
        found.ledger_position = _net(trial, terms.orders) - held.ledger
        found.system_position = desk.position() - held.system
    except (Unmet, Unmeasurable, CertifyError) as error:
        found.problem = str(error)
    return found


def _canary(desk: OrderDesk) -> float | None:
    """Send an order that rests and return how long its answer took; it is cancelled again."""
    order = desk.order(Side.BUY)
    began = clock.monotonic_ns()
    try:
        answer = desk.place(order, within_s=TIMEOUT_S)
    except Unmet:
        return None
    took_ms = (clock.monotonic_ns() - began) / clock.NS_PER_MS
    if not answer.status.terminal:
        seen = len(desk.updates(order))
        desk.trial.call(desk.port, "cancel", order.client_order_id, order.instrument)
        desk.answer(order, CANCEL_ANSWERS | ANSWERED, since=seen)
    return took_ms


def _settle(trial: Trial, orders: OrderTerms) -> None:
    """Wait for what is still on its way, then cancel what works."""

    def settled() -> bool:
        working = trial.ledger.working(orders.port)
        return not any(entry.order.client_order_id.startswith(orders.prefix) for entry in working)

    if trial.wait(orders.port, settled, 1.0) is None:
        trial.call(orders.port, "cancel_all")
        trial.wait(orders.port, settled, 1.0)


def _close(trial: Trial, desk: OrderDesk, orders: OrderTerms, held: Decimal) -> None:
    """Trade away what the load left; it alternates sides, so that this is a few lots at most."""
    for _ in range(CLOSING_TRIES):
        left = _net(trial, orders) - held
        if not left:
            return
        side = Side.SELL if left > 0 else Side.BUY
        order = desk.order(side, abs(left), type=OrderType.MARKET)
        desk.submit(order)
        try:
            desk.filled(order)
        except Unmet:
            continue


def _net(trial: Trial, orders: OrderTerms) -> Decimal:
    return trial.ledger.position(orders.port, orders.instrument)
