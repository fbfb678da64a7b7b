"""Market data and a link that breaks: what comes back, for whom, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from certify.phases.api import Check, Finding, Unmet, check, expect, expect_equal, passed
from certify.phases.broker_session.cards import BACK_WITHIN, CRITICAL, MAJOR, SAID_WITHIN, feed_card
from certify.phases.broker_session.desk import SessionDesk
from certify.phases.broker_session.hearing import Hearing, back
from certify.phases.broker_session.house import House
from certify.phases.integration.feed import heard, quote_again
from certify.phases.trial import Trial

KINDS = {"QUOTE", "TRADE"}
SETTLE_S = 1.0
"""Requests already under way arrive at the gateway within this time."""
LOST, KEPT, DATA_LOST = {"state": "lost"}, {"state": "restored"}, {"state": "restored_data_lost"}
Lines = Counter[tuple[str, str]]


def names_of(trial: Trial) -> list[str]:
    """Return the ids of the instruments of the profile."""
    return [instrument.id for instrument in trial.plan.instruments]


def subscribed(trial: Trial) -> list[str]:
    """Subscribe to every instrument, and return them once each has a quote."""
    names = names_of(trial)
    for name in names:
        trial.call("market_data", "subscribe", name, KINDS)
    flowing(trial, names, trial.seconds("back_within"))
    return names


def flowing(trial: Trial, names: list[str], within_s: float) -> None:
    """Wait for a further quote of each instrument."""
    for name in names:
        quote_again(trial, name, within_s)


def settled(trial: Trial, house: House) -> Lines:
    """Return the lines that are open once what is under way has arrived."""
    trial.wait("market_data", lambda: None, SETTLE_S)
    return house.lines()


def same_lines(trial: Trial, house: House, before: Lines, when: str) -> None:
    """Fail unless the gateway has soon, and then for good, exactly the lines of before."""
    try:
        trial.poll(lambda: house.lines() == before, "so", trial.seconds("back_within"))
        expect_equal(settled(trial, house), before, "lines")
    except Unmet:
        now = house.lines()
        lost, more = _words(before - now), _words(now - before)
        raise Unmet(
            f"lines at the gateway {when}: expected those of before, was {lost} missing, {more} too many"
        ) from None


def _words(lines: Lines) -> str:
    words = ", ".join(f"{count} {kind} of {name}" for (name, kind), count in sorted(lines.items()))
    return words or "none"


def broken(trial: Trial, action: str, begin: Mapping[str, Any], end: Mapping[str, Any] | None) -> None:
    """Break the link and let it come back; without `end` the fault is over at once."""
    house = House(trial)
    house.do(action, **begin)
    trial.wait("market_data", lambda: None, SETTLE_S)
    if end is not None:
        house.do(action, **end)


def comes_back(
    trial: Trial, when: str, action: str, begin: Mapping[str, Any], end: Mapping[str, Any] | None
) -> Finding:
    """Break the link, and judge by the gateway's own list of lines what comes back."""
    house, names = House(trial), subscribed(trial)
    unwanted = names[-1] if len(names) > 1 else ""
    if unwanted:
        trial.call("market_data", "unsubscribe", unwanted)
    before = settled(trial, house)
    broken(trial, action, begin, end)
    flowing(trial, [name for name in names if name != unwanted], trial.seconds("back_within"))
    same_lines(trial, house, before, when)
    revived = heard(trial)
    if unwanted:
        trial.call("market_data", "subscribe", unwanted, KINDS)
    expect(unwanted not in revived, f"expected silence from {unwanted}, which was unsubscribed before")
    return passed(f"{sum(before.values())} lines {when}, as before")


@check(
    feed_card(
        "lines_after_reset",
        "After the socket was reset the gateway has every line that is wanted once, and no other",
        CRITICAL,
        steps=(
            "subscribe to all but one instrument",
            "reset the socket",
            "compare the gateway's lines with those of before",
        ),
        passes_when="quotes of each flow again in time, and the gateway has the same lines as before",
        remedy="keep the wanted subscriptions apart from the connection; ask for each once after a login",
        parameters=(BACK_WITHIN,),
        references=("MD-17", "BR-04", "erdewit/ib_insync#256", "QuantConnect/Lean#2504"),
        destructive=True,
    )
)
def lines_after_reset(trial: Trial) -> Finding:
    """Reset, compare."""
    return comes_back(trial, "after a reset", "reset", {}, None)


@check(
    feed_card(
        "lines_after_1101",
        "After 1101 (data lost) every line that is wanted is asked for again",
        CRITICAL,
        steps=("subscribe", "let the gateway lose IB and come back with 1101", "compare the lines"),
        passes_when="quotes of each flow again in time, and the gateway has the same lines as before",
        remedy="act upon 1101: the socket stays open, but every market data request is gone",
        parameters=(BACK_WITHIN,),
        references=("MD-18", "BR-06"),
        destructive=True,
    )
)
def lines_after_1101(trial: Trial) -> Finding:
    """Lose the data, compare."""
    return comes_back(trial, "after 1101", "connectivity", LOST, DATA_LOST)


@check(
    feed_card(
        "lines_after_1102",
        "After 1102 (data maintained) nothing is subscribed twice",
        MAJOR,
        steps=("subscribe", "let the gateway lose IB and come back with 1102", "compare the lines"),
        passes_when="quotes of each flow again in time, and the gateway has the same lines as before",
        remedy="do not subscribe again after 1102; a line more for each of them uses up the allowance",
        parameters=(BACK_WITHIN,),
        references=("MD-18", "BR-06"),
        destructive=True,
    )
)
def lines_after_1102(trial: Trial) -> Finding:
    """Keep the data, compare."""
    return comes_back(trial, "after 1102", "connectivity", LOST, KEPT)


@check(
    feed_card(
        "reset_in_message",
        "A socket that breaks in the middle of a message leaves no half quote behind",
        MAJOR,
        steps=(
            "subscribe",
            "reset the socket after half a message",
            "wait for quotes",
            "set the market at the gateway and compare",
        ),
        passes_when="quotes flow again in time, and what is set is what is shown",
        remedy="throw the rest of the old connection's bytes away with the connection",
        parameters=(BACK_WITHIN,),
        references=("MD-32", "BR-04"),
        destructive=True,
    )
)
def reset_in_message(trial: Trial) -> Finding:
    """Break in mid-message, look."""
    names = subscribed(trial)
    House(trial).do("reset", mid_message=True)
    flowing(trial, names, trial.seconds("back_within"))
    back(trial, trial.seconds("back_within"))
    desk = SessionDesk(trial, "market_data")
    for shift in (5, -5):
        desk.market(shift=shift)
    return passed("quotes are whole and right after a break in mid-message")


@check(
    feed_card(
        "silent_while_lost",
        "While the gateway has lost IB the system says so, and shows no quotes as new",
        CRITICAL,
        steps=("subscribe", "let the gateway lose IB (1100)", "listen", "let it come back"),
        passes_when="it is said in time, and no quote is published in between",
        remedy="take 1100 for what it is: from now on every price is old, though the socket is open",
        parameters=(BACK_WITHIN, SAID_WITHIN),
        references=("MD-14", "BR-07", "IbcAlpha/IBC#143"),
        destructive=True,
    )
)
def silent_while_lost(trial: Trial) -> Finding:
    """Lose IB, listen."""
    names, house = subscribed(trial), House(trial)
    hearing = Hearing(trial)
    with house.during("connectivity", LOST, KEPT):
        took = hearing.until(hearing.stale, "expected the loss to be said", trial.seconds("said_within"))
        quiet(trial, "IB is lost")
    flowing(trial, names, trial.seconds("back_within"))
    return passed(f"said after {took.value:.0f} ms, silent meanwhile", took)


def quiet(trial: Trial, when: str) -> None:
    """Fail when quotes are published for a while in which there can be none."""
    trial.wait("market_data", lambda: None, SETTLE_S)
    made_up = heard(trial, enough=1, within_s=SETTLE_S)
    expect(not made_up, f"expected no market data while {when}, was some of {', '.join(sorted(made_up))}")


CHECKS: tuple[Check, ...] = (
    lines_after_reset,
    lines_after_1101,
    lines_after_1102,
    reset_in_message,
    silent_while_lost,
)
