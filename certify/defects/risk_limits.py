"""Defects of pre-trade limits: counted wrongly, asked too late, asked at one door only."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from certify.clock import NS_PER_S
from certify.defects.api import Defect, defect
from certify.model.trading import Decision, ExecType, OrderType, Side, Source

Plant = Callable[[Any], None]
When = Callable[[Any, Any], bool]
"""Of a proposal and its desk."""


def _skip(name: str, text: str, rule: str, when: When) -> Defect:
    """Return a defect: one limit is not asked for some orders."""

    def plant(platform: Any) -> None:
        asked = platform.risk.rules[rule]
        platform.risk.rules[rule] = lambda p, desk, limit: None if when(p, desk) else asked(p, desk, limit)

    return Defect(name, text, plant)


def _other_limit(name: str, text: str, rule: str, change: Callable[[Decimal], Decimal]) -> Defect:
    """Return a defect: one limit is compared with another value than the one in force."""

    def plant(platform: Any) -> None:
        asked = platform.risk.rules[rule]
        platform.risk.rules[rule] = lambda p, desk, limit: asked(p, desk, change(limit))

    return Defect(name, text, plant)


def _observed(name: str, text: str, rule: str, observe: Callable[[Any, Any], Decimal]) -> Defect:
    """Return a defect: what is compared with a limit is worked out wrongly."""

    def asked(proposal: Any, desk: Any, limit: Decimal) -> Decision | None:
        value = observe(proposal, desk)
        if value <= limit:
            return None
        return Decision(False, rule.upper(), f"{rule}: observed {value:f}, limit {limit:f}", value, limit)

    def plant(platform: Any) -> None:
        platform.risk.rules[rule] = asked

    return Defect(name, text, plant)


def _without(name: str, text: str, rule: str) -> Defect:
    """Return a defect: one limit is never asked."""
    return _skip(name, text, rule, lambda _proposal, _desk: True)


def _held(proposal: Any, desk: Any) -> Decimal:
    held: Decimal = desk.book.qty(proposal.instrument)
    return held if proposal.side is Side.BUY else -held


def _is_change(proposal: Any, _desk: Any) -> bool:
    return bool(proposal.is_change)


def _is_sale(proposal: Any, _desk: Any) -> bool:
    return bool(proposal.side is Side.SELL)


def _is_market(proposal: Any, _desk: Any) -> bool:
    return bool(proposal.type is OrderType.MARKET)


QTY, VALUE, POSITION = "max_order_qty", "max_order_notional", "max_position_qty"

SIMPLE: tuple[Defect, ...] = (
    _other_limit("limit_off_by_one", "an order of exactly the limit is refused", QTY, lambda v: v - 1),
    _other_limit("limit_one_too_many", "an order of one more than the limit passes", QTY, lambda v: v + 1),
    _skip("limit_ignores_market_orders", "market orders pass any quantity", QTY, _is_market),
    _skip("limit_ignores_stops", "stop orders pass any quantity", QTY, lambda p, _: p.type is OrderType.STOP),
    _skip("limit_ignores_modify", "a change passes any quantity", QTY, _is_change),
    _skip("limit_ignores_sells", "sales pass any quantity", QTY, _is_sale),
    _skip("notional_ignores_market_orders", "market orders pass any value", VALUE, _is_market),
    _skip("notional_ignores_modify", "a change passes any value", VALUE, _is_change),
    _other_limit(
        "notional_with_tolerance",
        "a value above the limit by a little passes",
        VALUE,
        lambda v: v * 1001 / 1000,
    ),
    _skip("position_limit_ignores_shorts", "sales never meet the position limit", POSITION, _is_sale),
    _skip("position_limit_ignores_modify", "changes never meet the position limit", POSITION, _is_change),
    _skip(
        "position_limit_ignores_flip",
        "an order against the position never meets the limit, however far it goes",
        POSITION,
        lambda p, desk: _held(p, desk) < 0,
    ),
    _observed(
        "position_limit_ignores_working_orders",
        "only what is held counts in the position limit, not what is working",
        POSITION,
        lambda p, desk: _held(p, desk) + p.leaves,
    ),
    _observed(
        "position_limit_ignores_held",
        "only working orders count in the position limit, not what is held",
        POSITION,
        lambda p, desk: desk.worst_position(p) - _held(p, desk),
    ),
    _observed(
        "position_limit_counts_change_twice",
        "a changed order counts with its old quantity too",
        POSITION,
        lambda p, desk: _held(p, desk) + desk.working(p.instrument, p.side, without="") + p.leaves,
    ),
    _observed(
        "position_limit_without_sign",
        "the position limit takes a sale for an increase",
        POSITION,
        lambda p, desk: abs(_held(p, desk)) + p.leaves,
    ),
    _without(
        "position_value_never_checked", "the value of a position is not limited", "max_position_notional"
    ),
    _observed(
        "position_value_ignores_working",
        "working orders do not count in the value of a position",
        "max_position_notional",
        lambda p, desk: (_held(p, desk) + p.leaves) * (desk.value_price(p) or 0),
    ),
    _other_limit(
        "open_orders_one_too_many", "one working order too many passes", "max_open_orders", lambda v: v + 1
    ),
    _without("rate_limit_never_checked", "orders may come at any rate", "max_order_rate"),
    _skip("band_one_sided", "only purchases are held to the price band", "price_band", _is_sale),
    _other_limit(
        "band_ten_times_too_wide",
        "a percent of the price band is taken for ten",
        "price_band",
        lambda v: v * 10,
    ),
    _other_limit(
        "band_truncated",
        "the distance from the market is cut to whole percents",
        "price_band",
        lambda v: v + 1,
    ),
    _skip("band_ignores_modify", "a changed price is not held to the price band", "price_band", _is_change),
    _without("daily_loss_never_checked", "the loss of a day is not limited", "max_daily_loss"),
)


@defect("open_order_slot_never_freed", "the number of working orders only grows")
def open_order_slot_never_freed(platform: Any) -> None:
    """Count every order that was ever let through and cancelled again."""
    gone: set[str] = set()
    cancel, asked = platform.execution.cancel, platform.risk.rules["max_open_orders"]

    def leak(client_order_id: str, instrument: str) -> None:
        gone.add(client_order_id)
        cancel(client_order_id, instrument)

    def count(proposal: Any, desk: Any, limit: Decimal) -> Decision | None:
        found: Decision | None = asked(proposal, desk, limit - len(gone - set(desk.reservations)))
        return found

    platform.execution.cancel = leak
    platform.risk.rules["max_open_orders"] = count


@defect("rate_limit_counts_minutes", "the rate of orders is counted over a minute instead of a second")
def rate_limit_counts_minutes(platform: Any) -> None:
    """Forget nothing for a minute."""
    sent: list[int] = []
    now_ns = platform.kernel.now_ns
    platform.risk.rate.add = lambda: sent.append(now_ns())
    platform.risk.rate.count = lambda: sum(at > now_ns() - 60 * NS_PER_S for at in sent)


@defect("rate_limit_blocks_cancels", "a cancel is refused when orders came too fast")
def rate_limit_blocks_cancels(platform: Any) -> None:
    """Ask the rate limit for cancels too."""
    engine, risk, cancel = platform.execution, platform.risk, platform.execution.cancel

    def throttled(client_order_id: str, instrument: str) -> None:
        record = engine.records.get(client_order_id)
        limit = risk.limit_for("max_order_rate", instrument)
        if record is None or risk.rate.count() < limit:
            cancel(client_order_id, instrument)
        else:
            too_fast = Decision(False, "MAX_ORDER_RATE", "too many messages")
            platform.kernel.emit(record.update(ExecType.CANCEL_REJECTED, Source.RISK, too_fast))

    engine.cancel = throttled


@defect("band_from_first_price", "the price band is measured from the first price of the day")
def band_from_first_price(platform: Any) -> None:
    """Keep the first reference."""
    first: dict[str, Decimal] = {}
    reference, asked = platform.prices.reference, platform.risk.rules["price_band"]

    def stuck(instrument: str) -> Decimal | None:
        now = reference(instrument)
        return first.setdefault(instrument, now) if now is not None else None

    def ask(proposal: Any, desk: Any, limit: Decimal) -> Decision | None:
        platform.prices.reference = stuck
        try:
            found: Decision | None = asked(proposal, desk, limit)
            return found
        finally:
            platform.prices.reference = reference

    platform.risk.rules["price_band"] = ask


def _realised(desk: Any) -> Decimal:
    return sum((h.realized - h.commissions for h in desk.book._holdings.values()), Decimal(0))


@defect("daily_loss_realised_only", "the loss of an open position does not count for the day")
def daily_loss_realised_only(platform: Any) -> None:
    """Count what was closed alone."""
    desk = platform.desk
    desk.loss = lambda: desk.baseline - _realised(desk)


@defect("daily_loss_open_only", "the loss of closed trades does not count for the day")
def daily_loss_open_only(platform: Any) -> None:
    """Count what is open alone."""
    desk = platform.desk
    desk.loss = lambda: _realised(desk) - desk.book.pnl()


@defect("race_between_check_and_count", "an order counts in the limits a moment after it was let through")
def race_between_check_and_count(platform: Any) -> None:
    """Reserve late."""
    desk, engine, reserve = platform.desk, platform.execution, platform.desk.reserve

    def count(proposal: Any) -> None:
        with platform.kernel.lock:
            record = engine.records.get(proposal.client_order_id)
            if record is not None and record.open:
                reserve(proposal)

    def late(proposal: Any) -> None:
        timer = threading.Timer(0.2, count, [proposal])
        timer.daemon = True
        timer.start()

    desk.reserve = late


@defect("limits_reset_on_restart", "a changed limit is forgotten by a restart")
def limits_reset_on_restart(platform: Any) -> None:
    """Do not write changes down."""
    journal = platform.risk._journal
    append = journal.append
    journal.append = lambda kind, *row: None if kind == "limit" else append(kind, *row)


@defect("limits_reset_on_reconnect", "a changed limit is forgotten when the broker comes back")
def limits_reset_on_reconnect(platform: Any) -> None:
    """Begin every session with the first values."""
    risk, back = platform.risk, platform.risk.cancel_when_possible
    first = dict(risk._limits)

    def again() -> None:
        risk._limits.update(first)
        back()

    risk.cancel_when_possible = again


@defect("set_limit_without_name_accepted", "anybody may change a limit without a name")
def set_limit_without_name_accepted(platform: Any) -> None:
    """Make a name up."""
    change = platform.risk.set_limit
    platform.risk.set_limit = lambda limit, by: change(limit, by.strip() or "somebody")


@defect("set_limit_not_applied", "a changed limit is shown but does not hold")
def set_limit_not_applied(platform: Any) -> None:
    """Judge by a copy that was made at the start."""
    copy = dict(platform.risk._limits)
    platform.risk.limit_for = lambda name, _instrument: copy.get((name, None))


@defect("set_limit_takes_nonsense", "a limit takes any value, and any name is a limit")
def set_limit_takes_nonsense(platform: Any) -> None:
    """Check the name of the person alone."""
    invalid = platform.risk._invalid_limit
    platform.risk._invalid_limit = lambda limit, by: invalid(limit, by) if not by.strip() else None


@defect("limits_not_as_configured", "a limit is ten times what it was configured to be")
def limits_not_as_configured(platform: Any) -> None:
    """Slip by a digit."""
    platform.risk._limits["max_order_qty", None] *= 10


@defect("limits_listed_twice", "every limit is listed twice")
def limits_listed_twice(platform: Any) -> None:
    """List twice."""
    listed = platform.risk.limits
    platform.risk.limits = lambda: listed() * 2


# -- refusals and questions --------------------------------------------------------------------


@defect("refused_but_sent", "a refused order is sent all the same")
def refused_but_sent(platform: Any) -> None:
    """Say no, and send."""
    engine, reject = platform.execution, platform.execution.reject

    def leak(order: Any, decision: Decision, source: Source) -> None:
        reject(order, decision, source)
        if source is Source.RISK:
            engine.session.submit(order)

    engine.reject = leak


@defect("limit_refusal_without_reason", "a refusal says neither code nor reason")
def limit_refusal_without_reason(platform: Any) -> None:
    """Say only no."""
    reject = platform.execution.reject
    platform.execution.reject = lambda order, _why, source: reject(order, Decision(accepted=False), source)


@defect("refusal_blames_the_venue", "a refusal by the risk check says that the venue refused")
def refusal_blames_the_venue(platform: Any) -> None:
    """Blame the venue."""
    reject = platform.execution.reject
    platform.execution.reject = lambda order, why, _source: reject(order, why, Source.VENUE)


@defect("precheck_reserves", "asking whether an order would pass takes up room for it")
def precheck_reserves(platform: Any) -> None:
    """Ask by reserving."""
    proposal = vars(sys.modules[type(platform.risk).__module__])["Proposal"]
    numbers = iter(range(10**9))

    def ask(order: Any) -> Decision:
        named = replace(order, client_order_id=f"{order.client_order_id}?{next(numbers)}")
        decision: Decision = platform.risk.admit(proposal.of(named), platform.desk)
        return decision

    platform.risk.precheck = ask


@defect("precheck_counts", "asking whether an order would pass counts against the rate of orders")
def precheck_counts(platform: Any) -> None:
    """Count the question as an order."""
    precheck = platform.risk.precheck

    def ask(order: Any) -> Decision:
        decision: Decision = precheck(order)
        platform.risk.rate.add()
        return decision

    platform.risk.precheck = ask


@defect("precheck_always_yes", "asking whether an order would pass is always answered with yes")
def precheck_always_yes(platform: Any) -> None:
    """Say yes."""
    platform.risk.precheck = lambda _order: Decision(accepted=True)


DEFECTS: tuple[Defect, ...] = (
    *SIMPLE,
    open_order_slot_never_freed,
    rate_limit_counts_minutes,
    rate_limit_blocks_cancels,
    band_from_first_price,
    daily_loss_realised_only,
    daily_loss_open_only,
    race_between_check_and_count,
    limits_reset_on_restart,
    set_limit_without_name_accepted,
    set_limit_not_applied,
    set_limit_takes_nonsense,
    limits_not_as_configured,
    limits_listed_twice,
    refused_but_sent,
    limit_refusal_without_reason,
    refusal_blames_the_venue,
    limits_reset_on_reconnect,
    precheck_reserves,
    precheck_counts,
    precheck_always_yes,
)
