"""What one platform is set up with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from certify.clock import NS_PER_MS, NS_PER_S
from certify.errors import UsageError
from certify.model.trading import LIMIT_UNITS, Environment

DEFAULT_LIMITS: Mapping[str, Decimal] = {
    "max_order_qty": Decimal(10_000),
    "max_order_notional": Decimal(5_000_000),
    "max_position_qty": Decimal(100_000),
    "max_position_notional": Decimal(50_000_000),
    "max_open_orders": Decimal(5_000),
    "max_order_rate": Decimal(10_000),
    "max_daily_loss": Decimal(500_000),
    "price_band": Decimal(20),
}
"""Wide, so that only gross errors are stopped; a firm sets its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What must hold before a paper account may go live."""

    min_trades: int = 5
    max_drawdown: Decimal = Decimal(20)
    """Percent of the highest equity."""
    committee_approved: bool = True
    """Whether the approval committee has said yes; the firm's own condition, outside the platform."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformSettings:
    """Everything that may differ between two platforms."""

    name: str = "certify reference platform"
    environment: Environment = Environment.SIMULATED
    """What stands behind the main account."""
    brokers: tuple[str, ...] = ("SIM-A", "SIM-B")
    """The broker connections to the main account; the first is used, the others stand by."""
    capabilities: Mapping[str, bool | str] = field(default_factory=dict)
    """What is not claimed, with the reason, by flag of `certify.model.capabilities`."""
    must_connect: bool = False
    """Whether it is an error of the start when the broker cannot be logged in to."""
    paper: bool = True
    """Whether there is a paper account beside the main one; without it the port is missing."""
    paper_accounts: str = "PAPER-{number}"
    """How paper accounts are called; without `{number}` there is one, which was opened elsewhere."""
    account: str = "SIM-MAIN"
    currency: str = "USD"
    cash: Decimal = Decimal(1_000_000)
    limits: Mapping[str, Decimal] = field(default_factory=lambda: dict(DEFAULT_LIMITS))
    readiness: Readiness = field(default_factory=Readiness)
    max_stale_ns: int = 3500 * NS_PER_MS
    failover_after_ns: int = 2 * NS_PER_S
    """How long the active broker may be away before the backup takes over."""
    alert_repeat_ns: int = 200 * NS_PER_MS
    """How often a cause that goes on is said again, at most."""
    housekeeping_ns: int = 20 * NS_PER_MS
    equity_every_ns: int = 0
    """How often the equity of the paper account is looked at, at most."""


def parse_limits(given: Mapping[str, Any] | None) -> dict[str, Decimal]:
    """Return the limits of a configuration, the defaults where it is silent.

    A value may carry its unit, as `50/s` and `5%`.

    Raises:
        UsageError: a name is not in `LIMIT_UNITS`.
    """
    limits = dict(DEFAULT_LIMITS)
    for name, value in (given or {}).items():
        if name not in LIMIT_UNITS:
            raise UsageError(f"expected a limit of {', '.join(LIMIT_UNITS)}, was {name}")
        limits[name] = Decimal(str(value).removesuffix("/s").removesuffix("%"))
    return limits
