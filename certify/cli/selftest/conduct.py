"""The self-test from selection to matrix, telling what is done as it goes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from certify.cli.pipeline import CARDS, load
from certify.cli.request import Selection
from certify.cli.selftest.drive import Driver
from certify.cli.selftest.matrix import Case, CaseResult, LeftOut, Matrix, SeedResult, gaps, make_cases
from certify.cli.selftest.show import case_line, seed_line
from certify.cli.selftest.stages import STANDARD, Stage, carried, share_out
from certify.defects import all_defects
from certify.errors import UsageError
from certify.model.ids import PhaseId
from certify.profile.near import unknown

Say = Callable[[str], None]
SEEDS, SEEDS_OF_A_GATEWAY = 20, 10
SEEDS_AT_ONCE = 4
LOADS_AT_ONCE = 2
"""More would show each other's load, and a defect be caught for the wrong reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """What was asked for."""

    profile: str | None = None
    """The profile whose systems are broken; `None`: those that together carry every defect."""
    seeds: int | None = None
    """How many seeds the healthy system is run under; default: 20 over the venue, 10 over a gateway, none
    when only a part is asked for."""
    defects: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    full: bool = False
    phases: tuple[str, ...] = ()
    """With `full`: only the checks of these phases."""
    jobs: int | None = None
    """Runs at a time; default: three for each core, as most of a run is waiting for silence."""

    @property
    def width(self) -> int:
        """How many runs at a time."""
        return self.jobs or min(8, 3 * (os.cpu_count() or 1))


def conduct(asked: SelfTest, say: Say) -> Matrix:
    """Plant everything, run the healthy system, and return what came of it.

    Raises:
        UsageError: an unknown profile, defect or check.
    """
    _refuse_phases(asked)
    names = STANDARD if asked.profile is None else (asked.profile,)
    drivers = [
        Driver(profile=load(Selection(profile=name)), full=asked.full, phases=asked.phases) for name in names
    ]
    known = {name: (defect.text, defect.where) for name, defect in all_defects().items()}
    cards = tuple(CARDS.values())
    cases = make_cases(known, cards, only=asked.defects, checks=asked.checks)
    staged, placed, left = _staged(drivers, cases, asked)
    results = [
        result for each in staged for result in _cases(each.driver, _of(placed, each), asked.width, say)
    ]
    partial = bool(asked.defects or asked.checks)
    healthy = [seed for each in staged for seed in _seeds(each.driver, asked, partial, say)]
    held = {check for each in staged for check in each.scope}
    asked_of = [card for card in cards if asked.profile is None or card.id in held]
    never_red, missing = ((), {}) if partial else gaps(known, asked_of)
    return Matrix(
        cases=tuple(results),
        seeds=tuple(healthy),
        never_red=never_red,
        without_defect=missing,
        left_out=left,
        whole=asked.profile is None and not partial,
    )


@dataclass(frozen=True, slots=True)
class Staged:
    """A profile, what it can show, and the checks in its scope."""

    driver: Driver
    stage: Stage
    scope: frozenset[str]


def _staged(
    drivers: Sequence[Driver], cases: tuple[Case, ...], asked: SelfTest
) -> tuple[list[Staged], tuple[Case, ...], tuple[LeftOut, ...]]:
    """Return the stages that are needed, the cases with their places in them, and what is left out."""
    staged: list[Staged] = []
    placed, left = cases, tuple[LeftOut, ...]()
    for driver in drivers:
        staged.append(Staged(driver, *driver.stage()))
        scopes = {each.stage.name: each.scope for each in staged}
        placed, left = share_out(cases, [each.stage for each in staged], scopes)
        if not left and (asked.defects or asked.checks):
            break
    return staged, placed, left


def _of(cases: Sequence[Case], staged: Staged) -> list[Case]:
    return [case for case in cases if case.profile == staged.stage.name]


def _seeds(driver: Driver, asked: SelfTest, partial: bool, say: Say) -> list[SeedResult]:
    """Run the healthy system of one profile under its seeds."""
    count = asked.seeds
    if count is None:
        count = 0 if partial else SEEDS if "venue" in carried(driver.profile) else SEEDS_OF_A_GATEWAY
    found: list[SeedResult] = []
    for _, seed in driver.each(driver.seed, range(1, count + 1), min(asked.width, SEEDS_AT_ONCE)):
        found.append(seed)
        say(f"[{len(found)}/{count}] {seed_line(seed)} ({seed.took_s:.1f} s)")
    return sorted(found, key=lambda result: result.seed)


def _refuse_phases(asked: SelfTest) -> None:
    if asked.phases and not asked.full:
        raise UsageError("--phase says which checks --full runs: expected --full with it")
    for phase in asked.phases:
        if phase not in tuple(PhaseId):
            raise UsageError(unknown("phase", phase, tuple(PhaseId)))


def _loads(case: Case) -> bool:
    return any(CARDS[check].phase is PhaseId.PERFORMANCE for check in case.claimed_by)


def _cases(driver: Driver, cases: Sequence[Case], width: int, say: Say) -> list[CaseResult]:
    """Return what became of each case, in the order of the cases, whichever was done first.

    What breaks the tool itself runs alone: it reaches into this very process. So does once more, at the
    profile's own load levels, what could not be measured while another run used the machine.
    """
    found: dict[str, CaseResult] = {}

    def work(some: Sequence[Case], jobs: int) -> None:
        for _, result in driver.each(driver.case, some, jobs):
            place = "again" if result.case.defect in found else f"{len(found) + 1}/{len(cases)}"
            found[result.case.defect] = result
            say(f"[{place}] {case_line(result)} ({result.took_s:.1f} s)")

    system = [case for case in cases if case.where != "tool"]
    work([case for case in system if not _loads(case)], width)
    work([case for case in system if _loads(case)], min(width, LOADS_AT_ONCE))
    driver.whole_levels = True
    work([result.case for result in found.values() if result.unmeasured], 1)
    work([case for case in cases if case.where == "tool"], 1)
    return [found[case.defect] for case in cases]
