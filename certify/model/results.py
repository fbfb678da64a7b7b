"""What a run found: the shape of `result.json` (schema `certify/result/1`)."""

from __future__ import annotations

from dataclasses import dataclass, field

from certify.model.codec import LATER
from certify.model.fingerprint import Fingerprint
from certify.model.ids import Assurance, ComponentId, Outcome, PhaseId, Severity, StopReason
from certify.model.measure import Bound, Measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is certified."""

    name: str
    version: str
    digest: str
    """`sha256:…` over the commit and the dirty files, or over the files of the paths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRef:
    """Which profile a run was made with."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The outcome of one check, with what it was measured by."""

    id: str
    title: str
    phase: PhaseId
    component: ComponentId
    severity: Severity
    outcome: Outcome
    message: str
    """In plain words, with expected and actual when it did not pass."""
    measurements: tuple[Measurement, ...] = ()
    limits: tuple[Bound, ...] = ()
    assurance: Assurance = Assurance.SIMULATED
    took_ms: float = 0.0
    score: float | None = None
    """0 to 100 by headroom to its limits; `None` when not evaluated."""
    waived: bool = False
    flaky: bool = False
    """Passed only when tried again."""
    evidence: tuple[int, int] = (0, 0)
    """First and last line of the journal that belong to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """A distribution of latencies in milliseconds; a percentile without enough samples is `None`."""

    p50: float | None = None
    p90: float | None = None
    p99: float | None = None
    p99_9: float | None = None
    max: float | None = None
    samples: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorFitness:
    """How well the load generator itself kept its plan."""

    late_p99_ms: float
    """99th percentile of actual call time minus planned time."""
    dropped: int
    limited: bool
    """Whether the generator, not the system, bounded the load: then the level is inconclusive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """The system's process, sampled from outside: the highest seen."""

    rss_mb: float
    cpu_percent: float
    threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPoint:
    """One interval of a level, for the charts."""

    at_s: float
    """End of the interval, seconds since the level's start."""
    achieved_per_s: float
    p50_ms: float | None
    p99_ms: float | None
    errors: int
    rss_mb: float | None = None
    cpu_percent: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """One stream at one level of load."""

    level: str
    stream: str
    """`market_data` or `orders`."""
    offered_per_s: float
    achieved_per_s: float
    """Completed without error, per second of the measured part."""
    duration_s: float
    sent: int
    completed: int
    errors: int
    error_rate: float
    """0 to 1."""
    error_rate_interval: tuple[float, float]
    """Wilson 95 % interval of the error rate."""
    error_classes: dict[str, int] = field(default_factory=dict)
    in_flight: int = 0
    """Unanswered at the end, counted as errors of class `timeout`."""
    latency_ms: Percentiles = Percentiles()
    """Response time: from the planned time to the answer."""
    service_ms: Percentiles = Percentiles()
    """From the actual call to the answer."""
    generator: GeneratorFitness = GeneratorFitness(late_p99_ms=0.0, dropped=0, limited=False)
    resources: Resources = Resources(rss_mb=0.0, cpu_percent=0.0, threads=0)
    points: tuple[LoadPoint, ...] = ()
    histogram: str = ""
    """HdrHistogram V2, base64, of the response time in microseconds."""
    service_histogram: str = ""
    assurance: Assurance = Assurance.SIMULATED


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseResult:
    """One phase: the worst of its outcomes and its score."""

    id: PhaseId
    outcome: Outcome
    score: float | None
    checks: tuple[CheckResult, ...] = ()
    took_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What was looked at and what was left out, with the reason."""

    components: dict[str, str] = field(default_factory=dict)
    """Component in scope → its backend."""
    out_of_scope: dict[str, str] = field(default_factory=dict)
    """Component → why it was not tested."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """Everything a run found, folded from its journal."""

    schema: str = "certify/result/1"
    run_id: str
    profile: ProfileRef
    plan_digest: str
    subject: Subject
    assurance: Assurance
    """The weakest of the evaluated checks."""
    stop: StopReason
    started_at: str
    finished_at: str
    started_at_ns: int
    finished_at_ns: int
    seed: int
    partial_selection: bool = False
    """Whether only a part of the plan was asked for: judged, but never certified."""
    scope: Scope = Scope()
    phases: tuple[PhaseResult, ...] = ()
    load: tuple[LoadResult, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    systems: dict[str, str] = field(default_factory=dict)
    """Backend → name and version the system gave of itself."""
    notes: tuple[str, ...] = ()
    tool_version: str = ""
    fingerprint: Fingerprint | None = field(default=None, metadata=LATER)
    """What the run stands on; `None` where the tool's version did not record it."""

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """Every check of every phase, in order."""
        return tuple(check for phase in self.phases for check in phase.checks)
