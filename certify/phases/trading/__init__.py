"""The checks of the phase `trading`: orders, positions, recovery, paper trading, going live, laws."""

from __future__ import annotations

from collections.abc import Iterable

from certify.phases.api import Check
from certify.phases.trading import (
    accounts,
    cancels,
    entry,
    go_live,
    laws,
    modifies,
    paper,
    recovery,
    refusals,
    several,
    stops,
)
from certify.phases.trading.family import BROKER, EXECUTION, PAPER, Behaviour, Family

ORDER_BEHAVIOURS: tuple[Behaviour, ...] = (
    *entry.BEHAVIOURS,
    *stops.BEHAVIOURS,
    *cancels.BEHAVIOURS,
    *modifies.BEHAVIOURS,
    *refusals.BEHAVIOURS,
    *accounts.BEHAVIOURS,
    *several.BEHAVIOURS,
    *recovery.BEHAVIOURS,
)
"""What an order port must show, in the order in which it is tried."""

BROKER_BEHAVIOURS: tuple[Behaviour, ...] = (
    entry.limit_rests,
    entry.marketable_limit,
    entry.ioc_unfilled,
    cancels.cancel_resting,
    cancels.cancel_unknown,
    modifies.modify_price,
    refusals.off_tick,
    refusals.duplicate_id,
    accounts.executions_exact,
    accounts.position_sum,
    recovery.restarted,
    recovery.fill_while_down,
    recovery.submit_while_down,
)
"""The smaller set for orders straight to the broker."""

PAPER_BEHAVIOURS: tuple[Behaviour, ...] = (
    *paper.BEHAVIOURS,
    entry.market_fills,
    entry.limit_rests,
    entry.marketable_limit,
    entry.ioc_partial,
    entry.displayed_size,
    cancels.cancel_resting,
    cancels.cancel_unknown,
    modifies.modify_takes_effect,
    refusals.off_tick,
    refusals.duplicate_id,
    accounts.executions_exact,
    accounts.position_flips,
    accounts.cash,
    recovery.restarted,
    *go_live.BEHAVIOURS,
)


def order_checks(family: Family, behaviours: Iterable[Behaviour] = ORDER_BEHAVIOURS) -> tuple[Check, ...]:
    """Return the checks of these behaviours on one order port."""
    return tuple(behaviour.on(family) for behaviour in behaviours)


CHECKS: tuple[Check, ...] = (
    *order_checks(BROKER, BROKER_BEHAVIOURS),
    *order_checks(EXECUTION),
    *order_checks(PAPER, PAPER_BEHAVIOURS),
    *laws.CHECKS,
)
"""In the order in which they run; the laws judge everything before them."""
