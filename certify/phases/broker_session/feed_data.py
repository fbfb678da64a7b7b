"""Market data that is not what it should be: farms down, delayed, not subscribed, torn in pieces."""

from __future__ import annotations

from decimal import Decimal

from certify.model.trading import Quote, SystemEvent
from certify.phases.api import Check, Finding, Unmet, check, expect, not_applicable, passed
from certify.phases.broker_session.cards import (
    BACK_WITHIN,
    CRITICAL,
    MAJOR,
    MINOR,
    SAID_WITHIN,
    SILENT_FOR,
    feed_card,
)
from certify.phases.broker_session.desk import SessionDesk
from certify.phases.broker_session.feed_links import KINDS, flowing, quiet, subscribed
from certify.phases.broker_session.hearing import Hearing
from certify.phases.broker_session.house import House
from certify.phases.integration.feed import heard
from certify.phases.trial import Trial

FARM = {"kind": "market", "name": "usfarm"}
GOOD_NEWS = (2104, 2106, 2107, 2108, 2119, 2158)
"""Notices that everything is well, or will be on demand; IB sends them at every login."""
CHURN = 4
SETTLED_S = 0.5
"""Quotes of before a change are through after this time."""
JUMP_TICKS = 300
DEEP = Decimal(500)


@check(
    feed_card(
        "farm_broken_said",
        "A broken market data farm is said in time, and no quotes are made up meanwhile",
        CRITICAL,
        steps=("subscribe", "break the market data farm (2103)", "listen", "mend it (2104)", "listen"),
        passes_when="it is said, nothing is published meanwhile, and quotes of each flow again by themselves",
        remedy="watch each instrument for silence and say it; do not drop what is wanted when a farm breaks",
        parameters=(BACK_WITHIN, SAID_WITHIN),
        references=("MD-14", "nautechsystems/nautilus_trader#3968", "IbcAlpha/IBC#143"),
        destructive=True,
    )
)
def farm_broken_said(trial: Trial) -> Finding:
    """Break a farm, listen, mend it."""
    names, house = subscribed(trial), House(trial)
    hearing = Hearing(trial)
    with house.during("farm", {**FARM, "state": "broken"}, {**FARM, "state": "ok"}):
        text = "expected stale data or the broken farm to be said"
        took = hearing.until(hearing.stale, text, trial.seconds("said_within"))
        quiet(trial, "the farm is broken")
    flowing(trial, names, trial.seconds("back_within"))
    return passed(f"said after {took.value:.0f} ms, and quotes came back", took)


@check(
    feed_card(
        "good_news",
        "Notices that a farm is well do no harm and raise no alarm",
        MINOR,
        steps=("let the gateway send 2104, 2106, 2107, 2108, 2119 and 2158", "listen"),
        passes_when="no link is said to be down, no alert is raised, quotes go on",
        remedy="sort codes by what they mean: of the 21xx only 2103, 2105, 2110 and 2157 are bad news",
        parameters=(BACK_WITHIN, SILENT_FOR),
        references=("MD-24", "BR-19"),
    )
)
def good_news(trial: Trial) -> Finding:
    """Send good news, listen."""
    names, house = subscribed(trial), House(trial)
    hearing = Hearing(trial)
    for code in GOOD_NEWS:
        house.do("notice", code=code, text="Market data farm connection is OK:usfarm")
    trial.wait("market_data", lambda: hearing.links() or hearing.alerts(), trial.seconds("silent_for"))
    words = [link.reason for link in hearing.links() if not link.connected]
    words += [alert.text for alert in hearing.alerts()]
    expect(not words, f"expected no alarm at good news, was {'; '.join(words)}")
    flowing(trial, names, trial.seconds("back_within"))
    return passed(f"{len(GOOD_NEWS)} notices without an alarm")


@check(
    feed_card(
        "delayed_marked",
        "Delayed data is marked as delayed, live data is not",
        CRITICAL,
        steps=("let the gateway send delayed data (10167)", "subscribe and look", "let it be live again"),
        passes_when="every quote of the delayed feed says so, and no quote of the live one",
        remedy="take the market data type and the tick types 66 to 76 over into the quote",
        parameters=(BACK_WITHIN,),
        references=("MD-14", "BR-20"),
        destructive=True,
    )
)
def delayed_marked(trial: Trial) -> Finding:
    """Compare the marks of delayed and of live data."""
    house = House(trial)
    subscribed(trial)
    with house.during("delayed", {"on": True}, {"on": False}):
        marked(trial, delayed=True)
    marked(trial, delayed=False)
    return passed("delayed quotes are marked, live ones are not")


def marked(trial: Trial, *, delayed: bool) -> None:
    """Subscribe anew, and fail unless the quotes become, and then stay, delayed or live."""
    name = trial.instrument.id
    renewed(trial, name)
    inbox, seen = trial.session("market_data").inbox, list[Quote]()

    def note(_stamp_ns: int, event: SystemEvent) -> None:
        if isinstance(event, Quote) and event.instrument == name:
            seen.append(event)

    word = "delayed" if delayed else "live"
    with inbox.listening(note):
        text = f"expected quotes of {name} marked as {word}"
        trial.until(
            "market_data", lambda: any(q.delayed is delayed for q in seen), text, trial.seconds("back_within")
        )
        seen.clear()
        trial.wait("market_data", lambda: len(seen) > CHURN, trial.seconds("back_within"))
    if not seen:
        raise Unmet(f"expected further quotes of {name}, was silence")
    wrong = sum(quote.delayed is not delayed for quote in seen)
    expect(not wrong, f"expected every quote to be marked as {word}, was {wrong} of {len(seen)} not")


def renewed(trial: Trial, name: str) -> None:
    """End the subscription of an instrument and begin it again."""
    trial.call("market_data", "unsubscribe", name)
    trial.wait("market_data", lambda: None, 0.2)
    trial.call("market_data", "subscribe", name, KINDS)


@check(
    feed_card(
        "not_subscribed_said",
        "An instrument without a market data subscription (354, 10167) is never shown as live, and said",
        MAJOR,
        steps=(
            "take the entitlement of one instrument away",
            "reset the socket, so that it is asked for again",
            "listen to the others and for a word on it",
        ),
        passes_when="the others have live quotes; that one is named as dark, or marked as delayed",
        remedy="tie error 354 to its request and tell the user which instrument is dark",
        parameters=(BACK_WITHIN, SAID_WITHIN),
        references=("MD-13", "MD-23"),
        not_applicable_when="the profile has one instrument only",
        destructive=True,
    )
)
def not_subscribed_said(trial: Trial) -> Finding:
    """Take an entitlement away."""
    house, names = House(trial), subscribed(trial)
    if len(names) == 1:
        return not_applicable("the profile has one instrument only")
    dark, others = names[-1], names[:-1]
    with house.during("subscribed", {"instrument": dark, "on": False}, {"instrument": dark, "on": True}):
        house.do("reset")
        flowing(trial, others, trial.seconds("back_within"))
        trial.wait("market_data", lambda: None, SETTLED_S)
        inbox, hearing, live = trial.session("market_data").inbox, Hearing(trial), list[Quote]()

        def note(_stamp_ns: int, event: SystemEvent) -> None:
            if isinstance(event, Quote) and event.instrument == dark and not event.delayed:
                live.append(event)

        def word() -> bool:
            last = inbox.quotes.get(dark)
            return bool(hearing.of(dark)) or (last is not None and last.delayed)

        with inbox.listening(note):
            text = f"expected {dark} to be said to have no data, or delayed data"
            took = hearing.until(word, text, trial.seconds("said_within"))
            heard(trial)
    renewed(trial, dark)
    expect(not live, f"expected no live quotes of {dark}, which is not subscribed to, was {len(live)}")
    return passed(f"{dark} was said to be dark or delayed after {took.value:.0f} ms, others went on", took)


@check(
    feed_card(
        "competing_session_said",
        "Data that stops for a competing session (10197) is said, and comes back when that ends",
        MAJOR,
        steps=("subscribe", "let a competing session take the data (10197)", "listen", "let it end"),
        passes_when="it is said in time, nothing is published meanwhile, quotes of each flow again",
        remedy="watch for silence and for 10197; subscribe again once the other session is over",
        parameters=(BACK_WITHIN, SAID_WITHIN),
        references=("FW-05", "MD-14"),
        destructive=True,
    )
)
def competing_session_said(trial: Trial) -> Finding:
    """Let somebody else take the data."""
    names, house = subscribed(trial), House(trial)
    hearing = Hearing(trial)
    with house.during("competing_session", {"on": True}, {"on": False}):
        text = "expected it to be said that data has stopped"
        took = hearing.until(hearing.stale, text, trial.seconds("said_within"))
        quiet(trial, "another session has the data")
    flowing(trial, names, trial.seconds("back_within"))
    return passed(f"said after {took.value:.0f} ms, and quotes came back", took)


@check(
    feed_card(
        "torn_frames",
        "Messages that arrive in small pieces lose no quote and change none",
        MAJOR,
        steps=("let the gateway write in pieces of a few bytes", "set several markets there", "compare"),
        passes_when="each market that is set is shown with its prices and sizes",
        remedy="put messages together by their length, whatever the reads bring",
        parameters=(BACK_WITHIN,),
        references=("MD-32", "MD-33"),
        destructive=True,
    )
)
def torn_frames(trial: Trial) -> Finding:
    """Write in pieces, compare."""
    house = House(trial)
    subscribed(trial)
    with house.during("frames", {"fragment": 7, "delay_ms": 1}, {}):
        count = same_as_shown(trial)
    return passed(f"{count} markets came through in pieces")


@check(
    feed_card(
        "same_as_gateway",
        "What the gateway shows is what the system shows, once both have come to rest",
        CRITICAL,
        steps=("set several markets at the gateway", "compare prices and sizes with the system's last quote"),
        passes_when="each market becomes the system's quote with its prices and sizes",
        remedy="put price and size ticks of one moment together; look for swapped tick types and stale sizes",
        parameters=(BACK_WITHIN,),
        references=("MD-31",),
    )
)
def same_as_gateway(trial: Trial) -> Finding:
    """Set, compare."""
    subscribed(trial)
    return passed(f"{same_as_shown(trial)} markets are shown as at the gateway")


def same_as_shown(trial: Trial) -> int:
    """Set several markets at the gateway, and fail unless each is shown to the last digit."""
    desk, shifts = SessionDesk(trial, "market_data"), (4, -9, 15, 2, 2)  # the last: other sizes alone
    for number, shift in enumerate(shifts, start=1):
        bid = desk.centre() + shift * desk.tick
        quote = desk.shown(bid, bid + 3 * desk.tick, bid_lots=100 * number, ask_lots=700 - 100 * number)
        shown_whole(trial, quote, trial.seconds("back_within"))
    return len(shifts)


def shown_whole(trial: Trial, quote: Quote, within_s: float) -> None:
    """Wait until the system's last quote has the prices and the sizes of a market."""
    inbox = trial.session("market_data").inbox
    wanted = (quote.bid, quote.bid_size, quote.ask, quote.ask_size)

    def last() -> tuple[object, ...]:
        found = inbox.quotes.get(quote.instrument)
        return (found.bid, found.bid_size, found.ask, found.ask_size) if found else ()

    if trial.wait("market_data", lambda: last() == wanted, within_s) is None:
        raise Unmet(f"quote: expected {_words(wanted)} as at the gateway, was {_words(last())}")


def _words(parts: tuple[object, ...]) -> str:
    return " ".join(str(part) for part in parts) or "none"


@check(
    feed_card(
        "never_half_moved",
        "A market that jumps is never shown crossed, though its ticks come one by one",
        MAJOR,
        steps=("let the market at the gateway jump up and down by more than its spread", "listen"),
        passes_when="no quote has a bid at or above its ask",
        remedy="publish when the ticks of one update are in, not after each of them",
        parameters=(BACK_WITHIN,),
        references=("MD-02", "MD-31"),
    )
)
def never_half_moved(trial: Trial) -> Finding:
    """Let the market jump, listen."""
    subscribed(trial)
    desk, name, crossed = SessionDesk(trial, "market_data"), trial.instrument.id, list[Quote]()

    def note(_stamp_ns: int, event: SystemEvent) -> None:
        if isinstance(event, Quote) and event.instrument == name and _crossed(event):
            crossed.append(event)

    with trial.session("market_data").inbox.listening(note):
        for shift in (JUMP_TICKS, 0, -JUMP_TICKS, 0):
            desk.market(shift=shift)
    if crossed:
        raise Unmet(f"expected bid below ask at each moment, was {crossed[0].bid}/{crossed[0].ask}")
    return passed("4 jumps, never a crossed quote")


def _crossed(quote: Quote) -> bool:
    return quote.bid is not None and quote.ask is not None and quote.bid >= quote.ask


CHECKS: tuple[Check, ...] = (
    farm_broken_said,
    good_news,
    delayed_marked,
    not_subscribed_said,
    competing_session_said,
    torn_frames,
    same_as_gateway,
    never_half_moved,
)
