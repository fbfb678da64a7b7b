"""Market data lines: there are only so many, and what is not wanted any more is given back."""

from __future__ import annotations

from certify.phases.api import Check, Finding, Unmeasurable, check, expect, not_applicable, passed
from certify.phases.broker_session.cards import BACK_WITHIN, MAJOR, SAID_WITHIN, feed_card
from certify.phases.broker_session.feed_data import CHURN, SETTLED_S, renewed
from certify.phases.broker_session.feed_links import KINDS, flowing, names_of, settled, subscribed
from certify.phases.broker_session.hearing import Hearing
from certify.phases.broker_session.house import House
from certify.phases.broker_session.intruder import Intruder
from certify.phases.trial import Trial

GREEDY_CLIENT = 78
"""A client id that no system under certification uses."""
LINES_AT_ONCE, MOST_ROUNDS = 40, 5


@check(
    feed_card(
        "line_limit_said",
        "An instrument for which no line is left (101) is said, and the others go on",
        MAJOR,
        steps=(
            "let another client take every line that is left",
            "subscribe one more instrument",
            "listen to the others and for a word on it",
            "let the other client leave, subscribe again",
        ),
        passes_when="a word names it or its feed in time, the others have quotes, and later it has them too",
        remedy="tie error 101 to its request, say which instrument is dark, and count the lines in use",
        parameters=(BACK_WITHIN, SAID_WITHIN),
        references=("MD-23", "MD-13"),
        not_applicable_when="the profile has one instrument, or its first one is no share",
        destructive=True,
    )
)
def line_limit_said(trial: Trial) -> Finding:
    """Use up the lines, subscribe."""
    house, names = House(trial), subscribed(trial)
    if len(names) == 1 or trial.instrument.kind != "STK":
        return not_applicable("the profile has one instrument, or its first one is no share")
    dark, others = names[-1], names[:-1]
    trial.call("market_data", "unsubscribe", dark)
    with Intruder(house.gateway.address, GREEDY_CLIENT) as greedy:
        _use_up(trial, house, greedy)
        hearing = Hearing(trial)
        trial.call("market_data", "subscribe", dark, KINDS)
        text = f"expected it to be said that {dark} has no line"
        took = hearing.until(lambda: hearing.of(dark), text, trial.seconds("said_within"))
        flowing(trial, others, trial.seconds("back_within"))
    trial.wait("market_data", lambda: None, SETTLED_S)
    renewed(trial, dark)
    flowing(trial, [dark], trial.seconds("back_within"))
    return passed(f"{dark} was said to be dark after {took.value:.0f} ms, the others went on", took)


def _use_up(trial: Trial, house: House, greedy: Intruder) -> None:
    """Let a client ask for lines until it gets no more."""
    symbol, _, primary = trial.instrument.id.rpartition(".")
    used = sum(settled(trial, house).values())
    for _ in range(MOST_ROUNDS):
        greedy.stream(symbol, primary, LINES_AT_ONCE)
        now = sum(settled(trial, house).values())
        if now < used + LINES_AT_ONCE:
            return
        used = now
    raise Unmeasurable(f"expected a limit of lines at the gateway, was none at {used}")


@check(
    feed_card(
        "lines_given_back",
        "Unsubscribing gives the line back at the gateway",
        MAJOR,
        steps=("unsubscribe and subscribe an instrument several times", "count the gateway's lines"),
        passes_when="after each round there are as many lines as before the first",
        remedy="cancel the request at the broker when the last user of an instrument is gone",
        parameters=(BACK_WITHIN,),
        references=("MD-21", "MD-22", "MD-23"),
    )
)
def lines_given_back(trial: Trial) -> Finding:
    """Churn, count."""
    house, name = House(trial), names_of(trial)[-1]
    subscribed(trial)
    kinds = {*KINDS, "BOOK"} if _books(trial) else KINDS
    trial.call("market_data", "subscribe", name, kinds)
    with_it = settled(trial, house)
    trial.call("market_data", "unsubscribe", name)
    without = settled(trial, house)
    for _ in range(CHURN):
        trial.call("market_data", "subscribe", name, kinds)
        settled(trial, house)
        trial.call("market_data", "unsubscribe", name)
    left = settled(trial, house)
    trial.call("market_data", "subscribe", name, KINDS)
    used, kept = sum(left.values()), sum(without.values())
    expect(used <= kept, f"lines after {CHURN} rounds: expected {kept} as after the first, was {used}")
    shared = kinds == KINDS  # its only line may be in use for something else too
    given = shared or kept < sum(with_it.values())
    expect(given, f"expected a line of {name} to be given back, was none")
    return passed(f"{used} lines after {CHURN} rounds, as after the first")


def _books(trial: Trial) -> bool:
    info = trial.session("market_data").info
    return info is None or not isinstance(info.capabilities.get("market_data.books", True), str)


CHECKS: tuple[Check, ...] = (lines_given_back, line_limit_said)
