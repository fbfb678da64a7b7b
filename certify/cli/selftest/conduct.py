"""The self-test from selection to matrix, telling what is done as it goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from certify.cli.pipeline import CARDS, Selection, load
from certify.cli.selftest.drive import Driver
from certify.cli.selftest.matrix import CaseResult, Matrix, SeedResult, gaps, make_cases
from certify.cli.selftest.show import case_line, seed_line
from certify.defects import all_defects

T = TypeVar("T")
R = TypeVar("R")
Say = Callable[[str], None]
SEEDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """What was asked for."""

    profile: str
    seeds: int | None = None
    """How many seeds the healthy system is run under; default: 20, none when only a part is asked for."""
    defects: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    full: bool = False
    jobs: int = 2


def conduct(asked: SelfTest, say: Say) -> Matrix:
    """Plant everything, run the healthy system, and return what came of it.

    Raises:
        UsageError: an unknown profile, defect or check.
    """
    driver = Driver(profile=load(Selection(profile=asked.profile)), full=asked.full, jobs=asked.jobs)
    known = {name: (defect.text, defect.where) for name, defect in all_defects().items()}
    cards = tuple(CARDS.values())
    cases = make_cases(known, cards, only=asked.defects, checks=asked.checks)
    partial = bool(asked.defects or asked.checks)
    seeds = (0 if partial else SEEDS) if asked.seeds is None else asked.seeds
    results = _in_order(driver, driver.case, cases, case_line, say)
    results = _again_alone(driver, results, say)
    healthy: list[SeedResult] = _in_order(driver, driver.seed, range(1, seeds + 1), seed_line, say)
    never_red, missing = ((), {}) if partial else gaps(known, cards)
    return Matrix(cases=tuple(results), seeds=tuple(healthy), never_red=never_red, without_defect=missing)


def _in_order(
    driver: Driver, work: Callable[[T], R], items: Sequence[T], line: Callable[[R], str], say: Say
) -> list[R]:
    """Return the results in the order of the items, whichever was done first."""
    found: dict[int, R] = {}
    for index, result in driver.each(work, items, driver.jobs):
        found[index] = result
        say(f"[{len(found)}/{len(items)}] {line(result)}")
    return [found[index] for index in range(len(items))]


def _again_alone(driver: Driver, results: list[CaseResult], say: Say) -> list[CaseResult]:
    """Repeat, one at a time, what could not be measured while another run used the machine."""
    doubtful = [i for i, result in enumerate(results) if result.unmeasured]
    if driver.jobs > 1:
        for place, again in driver.each(driver.case, [results[i].case for i in doubtful], 1):
            results[doubtful[place]] = again
            say(f"[alone] {case_line(again)}")
    return results
