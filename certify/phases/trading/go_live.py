"""Going live: conditions that are true and able to stop it, an approval that is asked for, a way back.

`go_live` is called with an approval while every condition is met only on a simulated system.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import cast

from certify.model.trading import Criterion, Decision, Side
from certify.phases.api import Finding, expect, expect_equal, not_applicable, passed
from certify.phases.trading.desk import Desk
from certify.phases.trading.family import ALL_MODES, CRITICAL, MAJOR, behaviour

PORT = "paper_trading"
APPROVER = "certify (go-live check)"
PAPER, LIVE = "PAPER", "LIVE"
NO_APPROVALS = (None, "", "   ")
MOST_ROUNDS = 12
"""How many round trips a check makes to meet what asks for trades."""
PATIENT_ROUNDS = 3
"""How many round trips may change nothing before a check stops trying."""
COMPARED = re.compile(r"^\s*(>=|<=|≥|≤|>|<|==|=)\s*(-?\d+(?:\.\d+)?)")
FIRST_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
HOLDS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    ">=": lambda seen, wanted: seen >= wanted,
    "≥": lambda seen, wanted: seen >= wanted,
    "<=": lambda seen, wanted: seen <= wanted,
    "≤": lambda seen, wanted: seen <= wanted,
    ">": lambda seen, wanted: seen > wanted,
    "<": lambda seen, wanted: seen < wanted,
    "=": lambda seen, wanted: seen == wanted,
    "==": lambda seen, wanted: seen == wanted,
}
NEEDS = ("paper.go_live",)
REFERENCES = ("issue: paper trading and go-live", "MiFID II RTS 6 Art. 8 (controlled deployment)")


# what the system says


def readiness(desk: Desk) -> list[Criterion]:
    """Return the conditions for going live."""
    return cast("list[Criterion]", desk.trial.call(PORT, "readiness"))


def unmet(desk: Desk) -> dict[str, str]:
    """Return the conditions that are not met: name → what is observed."""
    return {c.name: c.observed for c in readiness(desk) if not c.met}


def mode(desk: Desk) -> str:
    """Return the mode of the system."""
    return str(desk.trial.call(PORT, "mode"))


def ask(desk: Desk, approved_by: str | None) -> Decision:
    """Ask to go live; whatever comes of it is taken back after the check."""
    desk.trial.shared.facts["live"] = True
    decision = cast("Decision", desk.trial.call(PORT, "go_live", approved_by))
    if not decision.accepted and mode(desk) != LIVE:
        desk.trial.shared.facts.pop("live", None)
    return decision


def revert(desk: Desk) -> None:
    """Go back to paper and fail unless the system is there."""
    desk.trial.call(PORT, "revert")
    expect_equal(mode(desk), PAPER, "mode after revert")
    desk.trial.shared.facts.pop("live", None)


def expect_refused(desk: Desk, approved_by: str | None, why: str) -> Decision:
    """Fail unless going live is refused with a reason and the system stays on paper."""
    decision = ask(desk, approved_by)
    expect(not decision.accepted, f"expected go_live to be refused {why}, was accepted")
    given = (decision.code or "").strip() or (decision.reason or "").strip()
    expect(given, f"expected a code or a reason for the refusal {why}, was neither")
    expect_equal(mode(desk), PAPER, f"mode after a refusal {why}")
    return decision


# getting there


def round_trip(desk: Desk) -> None:
    """Buy and sell one lot on paper."""
    desk.trade(Side.BUY, desk.lots(1))
    desk.trade(Side.SELL, desk.lots(1))


def make_ready(desk: Desk) -> dict[str, str]:
    """Trade on paper until every condition is met, or nothing helps; return what stays unmet."""
    missing, idle = unmet(desk), 0
    for _ in range(MOST_ROUNDS):
        if not missing or idle >= PATIENT_ROUNDS:
            break
        round_trip(desk)
        before, missing = missing, unmet(desk)
        idle = idle + 1 if missing == before else 0
    return missing


@contextmanager
def open_order(desk: Desk) -> Iterator[None]:
    """Keep a paper order working while the block runs."""
    desk.market()
    order = desk.rest(Side.BUY, desk.lots(1))
    desk.listing(order)
    yield
    desk.cancel(order)
    desk.not_listed(order, "after it was canceled")


@contextmanager
def open_position(desk: Desk) -> Iterator[None]:
    """Hold a paper position while the block runs."""
    held = desk.held()
    desk.trade(Side.BUY, desk.lots(1))
    desk.position_is(held + desk.lots(1), "after buying one lot on paper")
    yield
    desk.trade(Side.SELL, desk.lots(1))
    desk.position_is(held, "after selling it again")


@behaviour(
    "readiness_complete",
    "Readiness names every condition with what is required and what is observed",
    MAJOR,
    steps=("ask for readiness, twice",),
    passes_when="at least one condition; each with a name of its own, what is required, what is observed; "
    "met says what requirement and observation say, where both are figures",
    remedy="compute each condition when asked, and say what it was computed from",
    needs=NEEDS,
    references=REFERENCES,
)
def readiness_complete(desk: Desk) -> Finding:
    """Read the conditions."""
    found = readiness(desk)
    expect(found, "expected at least one condition for going live, was none")
    names = [criterion.name for criterion in found]
    expect_equal(len(set(names)), len(names), f"distinct names among {', '.join(names)}")
    for criterion in found:
        for what in ("name", "required", "observed"):
            expect(getattr(criterion, what).strip(), f"expected {what} of {criterion.name!r}, was empty")
        _expect_consistent(criterion)
    return passed(f"{len(found)} conditions: {', '.join(names)}")


def _expect_consistent(criterion: Criterion) -> None:
    """Fail when a requirement such as `>= 5` and a figure observed contradict `met`."""
    required, seen = COMPARED.match(criterion.required), FIRST_NUMBER.match(criterion.observed.strip())
    if required is None or seen is None:
        return
    holds = HOLDS[required[1]](Decimal(seen[0]), Decimal(required[2]))
    expect(
        holds == criterion.met,
        f"{criterion.name}: required {criterion.required}, observed {criterion.observed}: "
        f"expected met = {holds}, was {criterion.met}",
    )


@behaviour(
    "readiness_truthful",
    "Readiness follows what happens on paper",
    MAJOR,
    steps=(
        "note readiness, make a round trip, hold a position, rest an order",
        "look at readiness after each",
    ),
    passes_when="conditions about trades, positions and open orders change with them (by their names)",
    remedy="compute conditions from the account when asked, not once at start",
    needs=NEEDS,
    references=REFERENCES,
)
def readiness_truthful(desk: Desk) -> Finding:
    """Make the observed change."""
    looked = []
    before = _observed(desk)
    round_trip(desk)
    looked += _changed(before, _observed(desk), r"trades|fills|executions", "a round trip", counts=True)
    before = _observed(desk)
    with open_position(desk):
        looked += _changed(
            before, _observed(desk), r"\bflat\b|no.?position|open.?position", "a position was held"
        )
    before = _observed(desk)
    with open_order(desk):
        looked += _changed(
            before, _observed(desk), r"open.?orders|no.?orders|working.?orders", "an order was open"
        )
    if not looked:
        return not_applicable("no condition is about trades, positions or open orders")
    return passed(f"{', '.join(looked)} followed what happened")


def _observed(desk: Desk) -> dict[str, Criterion]:
    return {criterion.name: criterion for criterion in readiness(desk)}


def _changed(
    before: dict[str, Criterion], after: dict[str, Criterion], words: str, what: str, *, counts: bool = False
) -> list[str]:
    """Fail when a condition of this kind is observed as before; a count must be one to begin with."""
    names = [name for name in before if re.search(words, name, re.IGNORECASE) and name in after]
    if counts:
        names = [name for name in names if before[name].observed.strip().isdigit()]
    for name in names:
        old, new = before[name], after[name]
        expect(
            (old.observed, old.met) != (new.observed, new.met),
            f"expected {name} to change after {what}, was still {new.observed!r}",
        )
    return names


@behaviour(
    "go_live_unapproved",
    "Nobody goes live without the name of who approves",
    CRITICAL,
    steps=(
        "meet the conditions, where the system is simulated",
        "ask to go live approved by nobody, by an empty name, by blanks",
    ),
    passes_when="refused with a code or reason each time, mode stays PAPER",
    remedy="ask for the approver first; a blank name is no name",
    needs=NEEDS,
    references=REFERENCES,
    modes=ALL_MODES,
)
def go_live_unapproved(desk: Desk) -> Finding:
    """Ask without an approval."""
    missing = make_ready(desk) if desk.simulated else unmet(desk)
    for approver in NO_APPROVALS:
        expect_refused(desk, approver, f"when approved by {approver!r}")
    state = f"while {', '.join(missing)} was unmet too" if missing else "with every condition met"
    return passed(f"refused without an approver, {state}")


@behaviour(
    "go_live_unready",
    "Nobody goes live while a condition is not met",
    CRITICAL,
    steps=(
        "bring the system into states with unmet conditions: as it is, with an order, with a position",
        "ask to go live, approved, each time",
    ),
    passes_when="refused with a code or reason whenever readiness shows an unmet condition, mode stays PAPER",
    remedy="compute readiness inside go_live; every unmet condition must be able to stop it",
    needs=NEEDS,
    references=REFERENCES,
    modes=ALL_MODES,
)
def go_live_unready(desk: Desk) -> Finding:
    """Ask with an approval, but not ready."""
    tried: list[str] = []
    _ask_if_unready(desk, tried)
    if desk.simulated:
        make_ready(desk)
    for state in (open_position, open_order):
        with state(desk):
            _ask_if_unready(desk, tried)
    if not tried:
        return not_applicable("no condition could be made unmet by trading on paper")
    return passed(f"refused each time: {'; '.join(tried)}")


def _ask_if_unready(desk: Desk, tried: list[str]) -> None:
    missing = unmet(desk)
    if not missing:
        return
    text = ", ".join(f"{name} = {seen}" for name, seen in missing.items())
    expect_refused(desk, APPROVER, f"with {text}")
    tried.append(text)


@behaviour(
    "go_live_open_orders",
    "Nobody goes live with orders still working on paper",
    MAJOR,
    steps=("meet the conditions", "rest an order on paper", "ask to go live, approved"),
    passes_when="refused with a code or reason, mode stays PAPER",
    remedy="make no open orders a condition of going live",
    needs=NEEDS,
    references=REFERENCES,
)
def go_live_open_orders(desk: Desk) -> Finding:
    """Ask with an order working."""
    if not desk.simulated:
        return not_applicable("only a simulated system is asked to go live with an approval")
    missing = make_ready(desk)
    with open_order(desk):
        expect_refused(desk, APPROVER, "with an order working")
    return passed("refused" + (f" (unmet too: {', '.join(missing)})" if missing else ""))


@behaviour(
    "go_live",
    "A system that is ready and approved goes live once, and comes back",
    MAJOR,
    steps=("meet the conditions by trading on paper", "go live, approved", "ask again", "revert"),
    passes_when="accepted and mode is LIVE; the second time refused; after revert mode is PAPER",
    remedy="make the transition one step with a record; already live is a refusal",
    needs=NEEDS,
    references=REFERENCES,
)
def go_live(desk: Desk) -> Finding:
    """Go live, on a simulated system only."""
    if not desk.simulated:
        return not_applicable("only a simulated system is taken live")
    missing = make_ready(desk)
    if missing:
        text = ", ".join(f"{name} = {seen}" for name, seen in missing.items())
        return not_applicable(f"trading on paper does not make the system ready: {text}")
    expect_equal(mode(desk), PAPER, "mode before going live")
    decision = ask(desk, APPROVER)
    expect(
        decision.accepted, f"expected go_live to be accepted, was refused: {decision.code} {decision.reason}"
    )
    expect_equal(mode(desk), LIVE, "mode after going live")
    again = ask(desk, APPROVER)
    expect(not again.accepted, "expected a second go_live to be refused when already live, was accepted")
    expect_equal(mode(desk), LIVE, "mode after the second go_live")
    revert(desk)
    return passed("went live, refused to go twice, and came back")


BEHAVIOURS = (
    readiness_complete,
    readiness_truthful,
    go_live_unapproved,
    go_live_unready,
    go_live_open_orders,
    go_live,
)
