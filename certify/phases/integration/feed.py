"""The market data system as a subscriber sees it: flow, subscriptions, books, faults."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from certify import clock
from certify.errors import CertifyError, SystemUnavailable
from certify.model.card import Parameter
from certify.model.ids import ComponentId, Severity
from certify.model.measure import Bound, Measurement
from certify.model.trading import BookUpdate, Quote, SystemEvent, Trade
from certify.phases.api import (
    Check,
    Finding,
    Unmeasurable,
    bounded,
    check,
    expect,
    expect_equal,
    not_applicable,
    passed,
)
from certify.phases.integration.cards import card
from certify.phases.integration.tape_checks import DURATION, is_recording, tape_of
from certify.phases.trial import QUICK_LOOK_S, Trial, two_sided

RETURN = Parameter(name="back_within", default="10s", text="how long data may take to come back")
ENOUGH, LISTEN_S = 25, 3.0
"""To hear that something does not arrive, listen to this many events of others, or this long."""
SETTLE_S = 0.5
"""Events already under way may still arrive this long after a subscription ends."""


feed_card = partial(card, ComponentId.MARKET_DATA)
"""Makes the card `market_data.…` of this phase."""


def live_only(trial: Trial) -> Finding | None:
    """Return why a check of a live feed does not apply to a recording; None for a live feed."""
    if is_recording(trial.session("market_data")):
        return not_applicable("a recording has no live feed to disturb")
    return None


def heard(trial: Trial, enough: int = ENOUGH, within_s: float = LISTEN_S) -> set[str]:
    """Return the instruments whose market data arrives until `enough` events came, or a while passed."""
    names: list[str] = []

    def note(_stamp_ns: int, event: SystemEvent) -> None:
        if isinstance(event, (Quote, Trade, BookUpdate)):
            names.append(event.instrument)

    with trial.session("market_data").inbox.listening(note):
        trial.wait("market_data", lambda: len(names) >= enough, within_s)
    return set(names)


def quote_again(trial: Trial, instrument: str, within_s: float) -> None:
    """Fail unless a further two-sided quote of an instrument comes in time."""
    inbox = trial.session("market_data").inbox
    seen = inbox.quote_counts.get(instrument, 0)

    def look() -> Quote | None:
        fresh = inbox.quote_counts.get(instrument, 0) > seen
        return two_sided(inbox.quotes.get(instrument)) if fresh else None

    trial.until("market_data", look, f"expected a quote of {instrument}", within_s)


@check(
    feed_card(
        "flow",
        "Quotes of every instrument arrive and keep arriving",
        Severity.CRITICAL,
        (
            "subscribe to quotes and trades of every instrument",
            "listen for `duration`",
            "wait for one more quote of each",
        ),
        "every instrument has quotes and is never silent for longer than `max_silence`",
        "look at the subscription of the silent instrument, its entitlements and the feed's own log",
        parameters=(
            DURATION,
            Parameter(name="max_silence", default="10s", text="longest silence of an instrument"),
        ),
        references=("MD-01", "MD-13", "MD-14", "TC-D20 NautilusTrader data testing spec"),
        defects=(
            "feed_silent",
            "one_instrument_dark",
            "feed_dies_after_a_while",
            "feed_freezes_instrument",
        ),
    )
)
def flow(trial: Trial) -> Finding:
    """Listen and look for silence."""
    tape = tape_of(trial)
    expect(sum(tape.quotes.values()) > 0, "expected quotes, was silence")
    if is_recording(trial.session("market_data")):
        return passed(f"{sum(tape.quotes.values())} quotes of {len(tape.quotes)} instruments")
    dark = [i.id for i in trial.plan.instruments if not tape.quotes.get(i.id)]
    expect(not dark, f"expected quotes of every instrument, was silence from {', '.join(dark)}")
    limit_s = trial.seconds("max_silence")
    for instrument in trial.plan.instruments:
        quote_again(trial, instrument.id, limit_s)
    silence_s = max(tape.longest_silence_ns.values()) / 1e9
    return bounded(
        f"{sum(tape.quotes.values())} quotes of {len(tape.quotes)} instruments",
        (Measurement(name="longest_silence", value=round(silence_s, 3), unit="s"),),
        (Bound(name="longest_silence", op="<=", value=limit_s, unit="s"),),
    )


@check(
    feed_card(
        "shows_the_market",
        "What the venue shows is what the system shows: price, size and time to the last digit",
        Severity.CRITICAL,
        ("set the market several times", "compare each quote that comes out"),
        "bid, ask, sizes and event time of each quote equal what was set; the time not of a feed that "
        "declares that it has none",
        "look for rounding, swapped sides, stale caches and float arithmetic between wire and event",
        methods=("market_data.inject",),
        references=("MD-31", "rts7.9.3.c.feed"),
        defects=("quote_sides_swapped", "quote_rounds_price", "quote_sizes_stale", "quote_restamped"),
    )
)
def shows_the_market(trial: Trial) -> Finding:
    """Set the market and compare."""
    tick, centre = trial.instrument.tick, trial.centre()
    for step in (3, -7, 12, 1):
        bid = centre + step * tick
        size = Decimal(100 * (abs(step) + 1)) * trial.instrument.lot
        sent = Quote(trial.instrument.id, bid, size, bid + 3 * tick, size * 2, clock.now_ns())
        shown = trial.show(sent)
        for name in ("bid", "bid_size", "ask", "ask_size", *(("ts_event_ns",) if _stamps(trial) else ())):
            expect_equal(getattr(shown, name), getattr(sent, name), f"{name} of the quote")
    return passed("4 markets shown as set, to the last digit")


def _stamps(trial: Trial) -> bool:
    """Whether the feed knows when a quote came about; not every protocol says so."""
    info = trial.session("market_data").info
    return info is None or not isinstance(info.capabilities.get("market_data.event_time"), str)


@check(
    feed_card(
        "unsubscribe",
        "After unsubscribing nothing more arrives, and subscribing again brings it back",
        Severity.MAJOR,
        ("subscribe to two instruments", "unsubscribe one", "listen", "subscribe again"),
        "only the other one is heard in between, and both afterwards",
        "keep one set of wanted subscriptions and filter by it",
        parameters=(RETURN,),
        references=("MD-21", "TC-D70 NautilusTrader data testing spec"),
        defects=("unsubscribe_ignored", "resubscribe_ignored"),
    )
)
def unsubscribe(trial: Trial) -> Finding:
    """Unsubscribe, listen, subscribe again."""
    if found := live_only(trial):
        return found
    name = trial.plan.instruments[-1].id
    trial.call("market_data", "subscribe", name, {"QUOTE"})
    quote_again(trial, name, trial.seconds("back_within"))
    trial.call("market_data", "subscribe", trial.instrument.id, {"QUOTE"})
    trial.call("market_data", "unsubscribe", name)
    trial.wait("market_data", lambda: None, SETTLE_S)
    still = heard(trial)
    trial.call("market_data", "subscribe", name, {"QUOTE", "TRADE"})
    quote_again(trial, name, trial.seconds("back_within"))
    expect(name not in still, f"expected silence from {name} after unsubscribing, was market data")
    return passed(f"{name}: silent after unsubscribing, back after subscribing")


@check(
    feed_card(
        "only_wanted",
        "Only what was subscribed arrives",
        Severity.MINOR,
        ("unsubscribe all but the first instrument", "listen", "subscribe to all again"),
        "nothing is heard of the others",
        "do not publish what nobody asked for: it hides what was asked for and costs time",
        modes=("standard", "certified"),
        references=("MD-17", "TC-D70 NautilusTrader data testing spec"),
        defects=("feed_sends_everything",),
    )
)
def only_wanted(trial: Trial) -> Finding:
    """Listen with one subscription."""
    if found := live_only(trial):
        return found
    first, *others = [instrument.id for instrument in trial.plan.instruments]
    for name in (first, *others):
        trial.call("market_data", "subscribe", name, {"QUOTE", "TRADE"})
    for name in others:
        trial.call("market_data", "unsubscribe", name)
    trial.wait("market_data", lambda: None, SETTLE_S)
    names = heard(trial)
    for name in others:
        trial.call("market_data", "subscribe", name, {"QUOTE", "TRADE"})
    unwanted = sorted(names - {first})
    if not names:
        raise Unmeasurable(f"expected to hear {first}, was silence")
    expect(not unwanted, f"expected only {first}, was also {', '.join(unwanted)}")
    return passed(f"only {first} was heard")


@check(
    feed_card(
        "unknown_instrument",
        "Asking for an instrument that does not exist harms nothing",
        Severity.MAJOR,
        ("subscribe to an instrument that does not exist", "look for quotes of a real one"),
        "no data of the unknown one is made up, the system lives and the real one goes on",
        "answer an unknown instrument with an error for it alone",
        parameters=(RETURN,),
        references=("MD-32",),
        defects=("unknown_instrument_invented", "unknown_instrument_kills_feed"),
    )
)
def unknown_instrument(trial: Trial) -> Finding:
    """Ask for nonsense, look at the rest."""
    if found := live_only(trial):
        return found
    nonsense = "NO-SUCH-THING.NOWHERE"
    try:
        trial.call("market_data", "subscribe", nonsense, {"QUOTE"})
    except SystemUnavailable:
        raise
    except CertifyError:
        pass  # to say no by an exception is an answer too: the question is what it breaks
    quote_again(trial, trial.instrument.id, trial.seconds("back_within"))
    invented = trial.session("market_data").inbox.quotes.get(nonsense)
    expect(invented is None, f"expected no quote of {nonsense}, was {invented}")
    return passed("nothing was made up and the others went on")


@check(
    feed_card(
        "book_levels",
        "Books are sorted, positive and agree with the best bid and ask",
        Severity.CRITICAL,
        ("subscribe to books", "set the market where that is possible", "look at each level"),
        "bids fall, asks rise, sizes are positive, the best bid is below the best ask",
        "apply updates in sequence to one book per instrument and rebuild it from a snapshot after a gap",
        needs=("market_data.books",),
        references=("MD-02", "MD-03", "MD-05", "TC-D12..14 NautilusTrader data testing spec"),
        defects=("book_unsorted", "book_keeps_empty_levels", "book_silent"),
    )
)
def book_levels(trial: Trial) -> Finding:
    """Look at every level of a few books."""
    if found := live_only(trial):
        return found
    name, books = trial.instrument.id, list[BookUpdate]()

    def note(_stamp_ns: int, event: SystemEvent) -> None:
        if isinstance(event, BookUpdate) and event.instrument == name:
            books.append(event)

    with trial.session("market_data").inbox.listening(note):
        trial.call("market_data", "subscribe", name, {"QUOTE", "TRADE", "BOOK"})
        if trial.can_set_market:
            trial.set_market()
        trial.until("market_data", lambda: books, f"expected a book of {name}")
        trial.wait("market_data", lambda: len(books) > 5, SETTLE_S)
    for book in list(books):
        _judge_book(book)
    return passed(
        f"{len(books)} book updates of {name}", Measurement(name="books", value=len(books), unit="count")
    )


def _judge_book(book: BookUpdate) -> None:
    if not book.snapshot:
        return
    bids, asks = [price for price, _ in book.bids], [price for price, _ in book.asks]
    expect(bids == sorted(set(bids), reverse=True), f"expected bids to fall, was {_short(bids)}")
    expect(asks == sorted(set(asks)), f"expected asks to rise, was {_short(asks)}")
    sizes = [size for _, size in (*book.bids, *book.asks)]
    expect(all(size > 0 for size in sizes), f"expected sizes above zero, was {_short(sizes)}")
    if bids and asks:
        expect(bids[0] < asks[0], f"expected bid below ask, was {bids[0]} and {asks[0]}")


def _short(values: list[Decimal]) -> str:
    return ", ".join(str(value) for value in values[:5])


@check(
    feed_card(
        "reconnect",
        "After a broken link everything wanted comes back, and nothing unwanted",
        Severity.CRITICAL,
        ("subscribe to all but one instrument", "break the link", "let it come back", "listen"),
        "the break is said or seen, and then every wanted instrument and no other is heard in time",
        "keep the wanted subscriptions apart from the link and replay them when it is back",
        needs=("market_data.disconnect",),
        methods=("market_data.disconnect", "market_data.reconnect"),
        parameters=(RETURN,),
        references=("MD-17", "BR-04", "erdewit/ib_insync#256"),
        defects=("reconnect_forgets_subscriptions", "reconnect_revives_unsubscribed", "reconnect_never"),
        destructive=True,
    )
)
def reconnect(trial: Trial) -> Finding:
    """Break the link and look at what comes back."""
    names = [instrument.id for instrument in trial.plan.instruments]
    unwanted = names[-1] if len(names) > 1 else ""
    for name in names:
        trial.call("market_data", "subscribe", name, {"QUOTE", "TRADE"})
    if unwanted:
        trial.call("market_data", "unsubscribe", unwanted)
    trial.cut("market_data")
    trial.wait("market_data", lambda: None, QUICK_LOOK_S)
    trial.mend("market_data")
    for name in names:
        if name != unwanted:
            quote_again(trial, name, trial.seconds("back_within"))
    revived = heard(trial)
    if unwanted:
        trial.call("market_data", "subscribe", unwanted, {"QUOTE", "TRADE"})
    expect(unwanted not in revived, f"expected silence from {unwanted}, which was unsubscribed before")
    return passed(f"{len(names) - bool(unwanted)} subscriptions came back, nothing else")


@check(
    feed_card(
        "link_loss_said",
        "A broken link to the feed is noticed and said, and so is its return",
        Severity.MAJOR,
        ("break the link", "wait for a word of it", "let it come back", "wait for a word of that"),
        "a connection event or the health says so within the limit, both times",
        "watch the link by heartbeats, publish its state, and let strategies stop on it",
        needs=("market_data.disconnect",),
        methods=("market_data.disconnect", "market_data.reconnect"),
        parameters=(RETURN,),
        references=("MD-14", "BR-02", "rts7.9.3.c.feed"),
        defects=("feed_link_loss_silent",),
        destructive=True,
    )
)
def link_loss_said(trial: Trial) -> Finding:
    """Break the link and wait for the system to say so."""
    said_down = cut_and_hear(trial, "market_data", trial.seconds("back_within"))
    return passed(
        f"said so after {said_down:.0f} ms", Measurement(name="noticed", value=said_down, unit="ms")
    )


def cut_and_hear(trial: Trial, port: str, within_s: float) -> float:
    """Cut a port's link and return the milliseconds until the system says so; mends it again."""
    inbox = trial.session(port).inbox
    seen, began = len(inbox.links), clock.monotonic_ns()
    trial.cut(port)
    trial.until(
        port,
        lambda: any(not link.connected for link in inbox.links[seen:]),
        "expected the loss of the link to be said",
        within_s,
    )
    took_ms = (clock.monotonic_ns() - began) / clock.NS_PER_MS
    seen = len(inbox.links)
    trial.mend(port)
    trial.until(
        port,
        lambda: any(link.connected for link in inbox.links[seen:]),
        "expected the return of the link to be said",
        within_s,
    )
    return round(took_ms, 3)


CHECKS: tuple[Check, ...] = (
    flow,
    unsubscribe,
    only_wanted,
    unknown_instrument,
    link_loss_said,
    reconnect,
    shows_the_market,
    book_levels,
)
