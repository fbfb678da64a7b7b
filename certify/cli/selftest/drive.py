"""Plant, run, look: each case in its own processes and its own directory, a few at a time."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from certify import clock
from certify.cli.pipeline import CARDS, open_bench, plan_on
from certify.cli.selftest.matrix import Case, CaseResult, SeedResult, said_in, seed_result
from certify.cli.selftest.stages import Stage, carried, stage_of
from certify.defects import all_defects
from certify.defects.api import IN_PLATFORM
from certify.engine.bench import Bench
from certify.engine.runner import execute
from certify.errors import SystemUnavailable
from certify.model.fold import fold
from certify.model.ids import Outcome, PhaseId, StopReason
from certify.model.results import RunResult, Subject
from certify.phases.catalogue import BY_ID
from certify.profile.model import ComponentSpec, Performance, Profile

COMPANIONS = ("certify.evidence_writable", "execution.smoke", "broker.straight_order")
"""Run before a check of the certification phase, so that there is evidence for it to look at."""
LEVEL_S, WARMUP_S = 2.0, 0.5
"""How long a load level lasts at most: long enough for a planted defect to show."""
SUBJECT = Subject(name="certify-self-test", version="-", digest="sha256:" + "0" * 64)
T = TypeVar("T")
R = TypeVar("R")


@dataclass(slots=True)
class Driver:
    """Runs cases and seeds against the reference system of one profile."""

    profile: Profile
    full: bool = False
    """Run every check but the load levels for each defect, not only those that claim it."""
    phases: tuple[str, ...] = ()
    """With `full`: only the checks of these phases; none: of all."""
    whole_levels: bool = False
    """Drive load levels for as long as the profile says."""
    _open: set[Bench] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Refuse a profile whose systems nothing can be planted in; raises `UsageError`."""
        carried(self.profile)

    def stage(self) -> tuple[Stage, frozenset[str]]:
        """Return what the profile can show, and the checks in its scope, from the plan of the healthy system.

        The reference platform over the venue claims everything: there a check that does not apply is a
        mistake, and is tried so that it shows.

        Raises:
            SystemUnavailable: the healthy system cannot be made.
        """
        simulated = all(spec.backend == "mock" for spec in self.profile.components.values())
        if simulated:
            plan = plan_on(None, self.profile, subject=SUBJECT)
        else:
            with tempfile.TemporaryDirectory() as logs, open_bench(self.profile, Path(logs)) as bench:
                plan = plan_on(bench, self.profile, subject=SUBJECT)
        return stage_of(self.profile, plan), frozenset(check.id for check in plan.checks)

    def case(self, case: Case) -> CaseResult:
        """Plant one defect and return what the checks said."""
        began = clock.monotonic_ns()
        return replace(self._case(case), took_s=_since_s(began))

    def seed(self, seed: int) -> SeedResult:
        """Run the healthy system under a seed and return what was said against it."""
        began = clock.monotonic_ns()
        return replace(self._seed(seed), took_s=_since_s(began))

    def _case(self, case: Case) -> CaseResult:
        if not case.claimed_by and not self.full:
            return CaseResult(case=case, problem="no check claims it")
        profile = self.profile if self.whole_levels else shortened(self.profile)
        if case.where in IN_PLATFORM:
            profile = with_option(profile, "defect", case.defect)
        try:
            result, problem = self._run(profile, self._checks(case), _planter(case))
        except SystemUnavailable as error:
            return CaseResult(case=case, problem=f"the system could not be made: {error}")
        unfit = frozenset(c for c in case.claimed_by if CARDS[c].red is Outcome.INCONCLUSIVE)
        return CaseResult(case=case, said=said_in(result), problem=problem, unfit=unfit)

    def _seed(self, seed: int) -> SeedResult:
        try:
            result, problem = self._run(replace(self.profile, seed=seed), self._without_load(), None)
        except SystemUnavailable as error:
            return SeedResult(
                seed=seed, profile=self.profile.name, problem=f"the system could not be made: {error}"
            )
        return seed_result(seed, self.profile.name, result, problem)

    def _checks(self, case: Case) -> tuple[str, ...]:
        if self.full:
            wide = [c for c in self._without_load() if not self.phases or CARDS[c].phase in self.phases]
            return tuple(dict.fromkeys((*wide, *case.claimed_by)))
        judged = any(CARDS[name].phase is PhaseId.CERTIFICATION for name in case.claimed_by)
        return tuple(dict.fromkeys((*(COMPANIONS if judged else ()), *case.claimed_by)))

    def _without_load(self) -> tuple[str, ...]:
        planned = plan_on(None, self.profile, subject=SUBJECT).checks
        return tuple(check.id for check in planned if check.phase is not PhaseId.PERFORMANCE)

    def _run(
        self, profile: Profile, checks: tuple[str, ...], plant: Callable[[Bench], None] | None
    ) -> tuple[RunResult, str]:
        with tempfile.TemporaryDirectory(prefix="certify-self-test-") as home:
            run_dir = Path(home)
            (run_dir / "logs").mkdir()
            with open_bench(profile, run_dir / "logs") as bench, self._known(bench):
                plan = plan_on(bench, profile, checks=checks, subject=SUBJECT)
                if plant is not None:
                    plant(bench)
                stream = execute(plan, bench, run_id="self-test", run_dir=run_dir, catalogue=BY_ID)
                result = fold(list(stream))
        return result, "" if result.stop is StopReason.COMPLETED else _why(result)

    @contextmanager
    def _known(self, bench: Bench) -> Iterator[None]:
        with self._lock:
            self._open.add(bench)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(bench)

    def stop(self) -> None:
        """Ask every run in progress for its orderly end."""
        with self._lock:
            for bench in self._open:
                bench.stopping.set()

    def each(self, work: Callable[[T], R], items: Sequence[T], jobs: int) -> Iterator[tuple[int, R]]:
        """Yield (index, result) as the work is done, `jobs` at a time; leaves nothing running behind."""
        with ThreadPoolExecutor(max_workers=max(1, jobs), thread_name_prefix="self-test") as pool:
            waiting: dict[Future[R], int] = {pool.submit(work, item): i for i, item in enumerate(items)}
            try:
                while waiting:
                    done, _ = wait(waiting, timeout=1.0, return_when=FIRST_COMPLETED)
                    for future in sorted(done, key=waiting.__getitem__):
                        yield waiting.pop(future), future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                self.stop()
                raise


def _planter(case: Case) -> Callable[[Bench], None] | None:
    """Return what plants a defect in the launched bench; `None` for one that the system itself plants."""
    if case.where == "tool":
        return all_defects()[case.defect].plant
    if case.where != "gateway":
        return None

    def plant(bench: Bench) -> None:
        for session in bench.sessions:
            if session.gateway is not None:
                session.gateway.plant(case.defect)

    return plant


def with_option(profile: Profile, name: str, value: object) -> Profile:
    """Return the profile with one option of every component's backend set."""

    def changed(spec: ComponentSpec) -> ComponentSpec:
        return replace(spec, options={**spec.options, name: value})

    return replace(profile, components={port: changed(spec) for port, spec in profile.components.items()})


def shortened(profile: Profile) -> Profile:
    """Return the profile with few, short load levels: the lightest, the heaviest, those with thresholds."""
    levels, thresholds = profile.performance.loads, profile.performance.thresholds
    named = {threshold.level for threshold in thresholds}
    loads = tuple(
        replace(level, duration_s=min(level.duration_s, LEVEL_S), warmup_s=min(level.warmup_s, WARMUP_S))
        for place, level in enumerate(levels)
        if place in (0, len(levels) - 1) or level.name in named
    )
    return replace(profile, performance=Performance(loads=loads, thresholds=thresholds))


def _since_s(began_ns: int) -> float:
    return (clock.monotonic_ns() - began_ns) / clock.NS_PER_S


def _why(result: RunResult) -> str:
    return f"the run ended early ({result.stop.value}): {' / '.join(result.notes[-1:])}"
