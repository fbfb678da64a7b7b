"""What happens in a run, as typed facts: the lines of the journal.

A stream of events ends in exactly one `RunFinished`. Events carry plain values only, so one
codec turns each into one JSON line and back.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from certify.model.codec import LATER
from certify.model.fingerprint import Fingerprint
from certify.model.ids import Assurance, ComponentId, Outcome, PhaseId, Severity, StopReason
from certify.model.measure import Bound, Measurement
from certify.model.results import LoadPoint, LoadResult, ProfileRef, Scope, Subject
from certify.model.trading import Alert, ConnectionChange, OrderUpdate


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRef:
    """What a check of the plan is, so that one that never ran can still be named in full."""

    id: str
    title: str
    phase: PhaseId
    component: ComponentId
    severity: Severity
    waived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The first event: what is run, on what, with what."""

    run_id: str
    at_ns: int
    seed: int
    profile: ProfileRef
    plan_digest: str
    subject: Subject
    scope: Scope
    partial_selection: bool
    planned: tuple[str, ...]
    """Ids of every check of the plan, skipped ones too, in order."""
    tool_version: str
    environment: dict[str, str] = field(default_factory=dict)
    planned_checks: tuple[PlannedRef, ...] = ()
    """The same checks with what they are; without it a check that never ran is known by its id alone."""
    fingerprint: Fingerprint | None = field(default=None, metadata=LATER)
    """What the run stands on; `None` in the journals of versions that did not record it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemStarted:
    """A system under certification answered for the first time, or again after a restart."""

    at_ns: int
    backend: str
    name: str
    version: str
    assurance: Assurance
    pid: int
    restart: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemStopped:
    """A system's process ended."""

    at_ns: int
    backend: str
    reason: str
    expected: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseStarted:
    """A phase begins."""

    at_ns: int
    phase: PhaseId
    checks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStarted:
    """A check begins."""

    at_ns: int
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSent:
    """The tool asked the system for something that changes it."""

    at_ns: int
    port: str
    method: str
    text: str
    """The arguments in a form a person can read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The system said something about orders, links or alerts (market data is counted, not listed)."""

    at_ns: int
    port: str
    event: OrderUpdate | Alert | ConnectionChange


@dataclass(frozen=True, slots=True, kw_only=True)
class LawBroken:
    """The tool's own ledger saw an order do what no order may."""

    at_ns: int
    law: str
    client_order_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadProgress:
    """One interval of a load level, while it runs."""

    at_ns: int
    level: str
    stream: str
    point: LoadPoint


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFinished:
    """One stream of a level is measured."""

    at_ns: int
    load: LoadResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something a reader of the report should know."""

    at_ns: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFinished:
    """A check ended, or the plan had decided to skip it."""

    at_ns: int
    id: str
    title: str
    phase: PhaseId
    component: ComponentId
    severity: Severity
    outcome: Outcome
    message: str
    measurements: tuple[Measurement, ...] = ()
    limits: tuple[Bound, ...] = ()
    assurance: Assurance = Assurance.SIMULATED
    took_ms: float = 0.0
    waived: bool = False
    flaky: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseFinished:
    """A phase ended."""

    at_ns: int
    phase: PhaseId
    took_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """The last event, always: why the run ended."""

    at_ns: int
    stop: StopReason
    text: str = ""


Event = (
    RunStarted
    | SystemStarted
    | SystemStopped
    | PhaseStarted
    | CheckStarted
    | CommandSent
    | Observed
    | LawBroken
    | LoadProgress
    | LoadFinished
    | Note
    | CheckFinished
    | PhaseFinished
    | RunFinished
)

EVENT_TYPES: tuple[type[Event], ...] = (
    RunStarted,
    SystemStarted,
    SystemStopped,
    PhaseStarted,
    CheckStarted,
    CommandSent,
    Observed,
    LawBroken,
    LoadProgress,
    LoadFinished,
    Note,
    CheckFinished,
    PhaseFinished,
    RunFinished,
)
