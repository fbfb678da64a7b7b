"""What the events of a run amount to so far, for whoever draws it: no clock, no terminal."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from certify.model.events import (
    CheckFinished,
    CheckStarted,
    Event,
    LoadFinished,
    LoadProgress,
    PhaseFinished,
    PhaseStarted,
    PlannedRef,
    RunFinished,
    RunStarted,
    SystemStarted,
)
from certify.model.ids import Assurance, Outcome, PhaseId

NEWEST = 50
"""How many of the newest failures are kept for showing."""
BAD = (Outcome.FAILED, Outcome.ERROR, Outcome.INCONCLUSIVE)


@dataclass(slots=True)
class PhaseState:
    """One phase: how far it is."""

    total: int = 0
    done: int = 0
    tally: Counter[Outcome] = field(default_factory=Counter)
    ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadLine:
    """The last word on one stream of load."""

    level: str
    stream: str
    achieved_per_s: float
    p99_ms: float | None
    errors: int
    """Of the last interval while it runs, of the whole level once it is done."""
    finished: bool
    offered_per_s: float | None = None


@dataclass(slots=True)
class RunState:
    """Everything that a live view shows; grows only by `take`."""

    expected_ms: dict[str, float] = field(default_factory=dict)
    """How long each check is expected to take: from the run before, or a guess."""
    profile: str = ""
    subject: str = ""
    assurance: Assurance | None = None
    started_ns: int | None = None
    now_ns: int = 0
    """Of the newest event."""
    phases: dict[PhaseId, PhaseState] = field(default_factory=dict)
    current_phase: PhaseId | None = None
    current: PlannedRef | None = None
    current_since_ns: int = 0
    tally: Counter[Outcome] = field(default_factory=Counter)
    loads: dict[str, LoadLine] = field(default_factory=dict)
    """Stream → its line, of the level that runs or ran last."""
    failures: deque[CheckFinished] = field(default_factory=lambda: deque(maxlen=NEWEST))
    stopping: bool = False
    finished: bool = False
    _refs: dict[str, PlannedRef] = field(default_factory=dict)
    _left_ms: dict[str, float] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Take the next event of the run."""
        self.now_ns = max(self.now_ns, event.at_ns)
        match event:
            case RunStarted():
                self._begin(event)
            case SystemStarted():
                self._assured(event.assurance)
            case PhaseStarted():
                self.current_phase = event.phase
                self.phases.setdefault(event.phase, PhaseState(total=event.checks))
            case PhaseFinished():
                self.phases.setdefault(event.phase, PhaseState()).ended = True
            case CheckStarted():
                self.current, self.current_since_ns = self._refs.get(event.id), event.at_ns
            case CheckFinished():
                self._check(event)
            case LoadProgress() | LoadFinished():
                self._load(event)
            case RunFinished():
                self.finished, self.current = True, None
            case _:
                pass

    def left_s(self, now_ns: int) -> float | None:
        """Return the seconds that are probably left; None before anything is known."""
        if not self._left_ms or self.finished:
            return None
        running = (now_ns - self.current_since_ns) / 1e6 if self.current else 0.0
        own = self._left_ms.get(self.current.id, 0.0) if self.current else 0.0
        return (sum(self._left_ms.values()) - min(own, running)) / 1000

    def _begin(self, event: RunStarted) -> None:
        self.profile, self.subject = event.profile.name, f"{event.subject.name} {event.subject.version}"
        self.started_ns = event.at_ns
        for ref in event.planned_checks:
            self._refs[ref.id] = ref
            self.phases.setdefault(ref.phase, PhaseState()).total += 1
            self._left_ms[ref.id] = self.expected_ms.get(ref.id, 0.0)

    def _assured(self, assurance: Assurance) -> None:
        known = (assurance, self.assurance or assurance)
        self.assurance = min(known, key=lambda a: a.rank)

    def _check(self, event: CheckFinished) -> None:
        phase = self.phases.setdefault(event.phase, PhaseState())
        phase.done += 1
        phase.tally[event.outcome] += 1
        self.tally[event.outcome] += 1
        self._left_ms.pop(event.id, None)
        self.current = None
        if event.outcome in BAD:
            self.failures.append(event)

    def _load(self, event: LoadProgress | LoadFinished) -> None:
        if isinstance(event, LoadFinished):
            load = event.load
            self.loads[load.stream] = LoadLine(
                level=load.level,
                stream=load.stream,
                achieved_per_s=load.achieved_per_s,
                offered_per_s=load.offered_per_s,
                p99_ms=load.latency_ms.p99,
                errors=load.errors,
                finished=True,
            )
            return
        point = event.point
        self.loads[event.stream] = LoadLine(
            level=event.level,
            stream=event.stream,
            achieved_per_s=point.achieved_per_s,
            p99_ms=point.p99_ms,
            errors=point.errors,
            finished=False,
        )
