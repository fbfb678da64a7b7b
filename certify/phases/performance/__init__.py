"""The checks of the phase `performance`: what the system does under load, and whether that was measured."""

from __future__ import annotations

from certify.phases.api import Check
from certify.phases.performance import fitness, rates, soundness

CHECKS: tuple[Check, ...] = (
    fitness.null_test,
    rates.orders_levels,
    rates.market_data_levels,
    fitness.generator_fit,
    rates.thresholds,
    rates.error_rate,
    soundness.no_lost_orders,
    soundness.order_laws,
    soundness.flat_after_load,
    soundness.latency_stable,
    soundness.memory_stable,
    soundness.recovers_after_load,
    soundness.market_data_keeps_up,
)
"""In the order in which they run; the first that needs the load runs it for all."""
