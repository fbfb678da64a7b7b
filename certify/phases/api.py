"""What a check is: a card, and a function from a `Trial` to a `Finding`.

A check says `failed` by returning it or by an expectation that is not met; a check that raises
anything else is `error`. A check never says `passed` without having looked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certify.model.card import CheckCard
from certify.model.ids import Outcome
from certify.model.measure import Bound, Measurement, broken_bounds

if TYPE_CHECKING:
    from certify.phases.trial import Trial


class Unmet(Exception):
    """An expectation of a check is not met: the system is wrong."""


class Unmeasurable(Exception):
    """A check could not measure well enough to say anything."""


class Stopped(Exception):
    """The run was asked to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found."""

    outcome: Outcome
    message: str
    measurements: tuple[Measurement, ...] = ()
    limits: tuple[Bound, ...] = ()


def passed(message: str, *measurements: Measurement) -> Finding:
    """Return that the system did what it should, in words that say what was seen."""
    return Finding(outcome=Outcome.PASSED, message=message, measurements=measurements)


def failed(message: str, *measurements: Measurement) -> Finding:
    """Return that the system is wrong: what was expected, what it was."""
    return Finding(outcome=Outcome.FAILED, message=message, measurements=measurements)


def inconclusive(message: str, *measurements: Measurement) -> Finding:
    """Return that it could not be measured well enough."""
    return Finding(outcome=Outcome.INCONCLUSIVE, message=message, measurements=measurements)


def not_applicable(reason: str) -> Finding:
    """Return that this cannot be asked of the system, and why."""
    return Finding(outcome=Outcome.NOT_APPLICABLE, message=reason)


def bounded(message: str, measurements: tuple[Measurement, ...], limits: tuple[Bound, ...]) -> Finding:
    """Return passed when every measurement keeps its bound, else failed with the ones that do not."""
    broken = broken_bounds(measurements, limits)
    if not broken:
        return Finding(outcome=Outcome.PASSED, message=message, measurements=measurements, limits=limits)
    text = "; ".join(
        f"expected {bound}, was {value if value is None else f'{value:g}'}" for bound, value in broken
    )
    return Finding(
        outcome=Outcome.FAILED, message=f"{message}: {text}", measurements=measurements, limits=limits
    )


def expect(condition: object, text: str) -> None:
    """Go on when `condition` holds; otherwise the check fails with `text` (expected …, was …)."""
    if not condition:
        raise Unmet(text)


def expect_equal(actual: object, expected: object, what: str) -> None:
    """Go on when both are equal; otherwise the check fails, saying both."""
    if actual != expected:
        raise Unmet(f"{what}: expected {expected}, was {actual}")


CheckFunction = Callable[["Trial"], Finding]


@dataclass(frozen=True, slots=True)
class Check:
    """One entry of the catalogue."""

    card: CheckCard
    run: CheckFunction


def check(card: CheckCard) -> Callable[[CheckFunction], Check]:
    """Make a `Check` of a function; used as a decorator with the check's card."""
    return lambda function: Check(card, function)
