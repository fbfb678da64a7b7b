"""The profile as frozen values: what to certify, against what, how hard, and to which limits.

Every value is already in the product's units: durations in seconds, rates per second,
percents as percent, money and prices as `Decimal`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from certify.model.ids import Assurance, Mode
from certify.model.measure import Bound
from certify.model.trading import Instrument


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectSpec:
    """What is certified and where it lies."""

    name: str
    version: str = "git"
    """A version, or `git`: taken from the repository that holds `paths`."""
    paths: tuple[str, ...] = (".",)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySpec:
    """A simulated gateway that the tool runs for a backend."""

    kind: str = "embedded"
    account: str | None = None
    """The account under its login; default: the gateway's own choice of a paper account."""
    script: str | None = None
    """The absolute path of a scenario script."""
    max_version: int | None = None
    """The newest server version that it speaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentSpec:
    """Which backend stands behind one component."""

    backend: str
    """mock, python, replay, ibkr."""
    adapter: str | None = None
    """`module:function` or `path/to/file.py:function`, for `python`."""
    python: str | None = None
    """The interpreter that runs it; default: certify's own."""
    options: dict[str, Any] = field(default_factory=dict)
    """Handed to the adapter as `ctx.config`; JSON-ready values only."""
    gateway: GatewaySpec | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Safety:
    """Caps on what the tool itself may do."""

    allow_live: bool = False
    live: bool = False
    """Whether the command line said `--live`; a profile cannot."""
    max_order_qty: Decimal = Decimal(1000)
    max_order_notional: Decimal = Decimal(1_000_000)
    max_orders: int = 100_000
    max_messages_per_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadLevel:
    """One level of load: open loop, every stream at its own rate."""

    name: str
    duration_s: float
    warmup_s: float = 0.0
    market_data_per_s: float = 0.0
    orders_per_s: float = 0.0
    arrival: str = "constant"
    """constant, poisson, ramp, spike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A bound on a figure of the load results: `[level.]stream.metric op value`."""

    text: str
    """As written in the profile."""
    level: str | None
    """`None`: it holds at each level."""
    stream: str
    """`market_data` or `orders`."""
    metric: str
    """latency.p50, latency.p90, latency.p99, latency.p99_9, latency.max, service.…, error_rate,
    achieved, throughput, rss, cpu."""
    op: str
    value: float
    unit: str
    """ms, %, 1/s, MB: the unit that `value` is in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """What the performance phase does."""

    loads: tuple[LoadLevel, ...] = ()
    thresholds: tuple[Threshold, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOverride:
    """What a profile changes about one check."""

    severity: str | None = None
    skip: str | None = None
    """The reason for leaving it out."""
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A failure that a named person accepts until a date; never turns it into a pass."""

    check: str
    reason: str
    approved_by: str
    expires: str
    """ISO date, the last day on which it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the verdict is held to."""

    validity_days: int = 90
    conditional_validity_days: int = 30
    retention_days: int | None = None
    """How long the evidence of a run is kept; `None`: as long as the tool keeps it by itself."""
    min_assurance: Assurance = Assurance.SIMULATED
    min_phase_score: dict[str, float] = field(default_factory=dict)
    checks: dict[str, CheckOverride] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One profile with everything it extends and includes merged in."""

    name: str
    path: str
    """The file it was read from, for messages only: not part of the digest."""
    digest: str
    """`sha256:…` over the merged content."""
    subject: SubjectSpec
    components: dict[str, ComponentSpec]
    """Component in scope → its backend, in the order of the contract."""
    out_of_scope: dict[str, str] = field(default_factory=dict)
    """Component → why it is not tested."""
    instruments: tuple[Instrument, ...] = ()
    mode: Mode = Mode.STANDARD
    seed: int = 1
    safety: Safety = Safety()
    phases: tuple[str, ...] = ()
    """The phases asked for, in their order; all six unless the profile says `phase: null`."""
    parameters: dict[str, dict[str, str]] = field(default_factory=dict)
    """`phase.component` → parameter → value as written: `integration.market_data` → `max_stale` → `2s`."""
    performance: Performance = Performance()
    limits: dict[str, Decimal] = field(default_factory=dict)
    """Risk limits of the profile, by the names and in the units of `LIMIT_UNITS`."""
    policy: Policy = Policy()
    hooks: dict[str, str] = field(default_factory=dict)
    notify: tuple[str, ...] = ()
    ping: str | None = None
    """The address that hears of each recertification: that it began, and how it ended."""


__all__ = [
    "Bound",
    "CheckOverride",
    "ComponentSpec",
    "LoadLevel",
    "Performance",
    "Policy",
    "Profile",
    "Safety",
    "SubjectSpec",
    "Threshold",
    "Waiver",
]
