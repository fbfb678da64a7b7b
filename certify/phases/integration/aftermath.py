"""What is left of the feed after all that was done to it, and what health says when no link is up."""

from __future__ import annotations

from collections.abc import Callable

from certify.model.card import Parameter
from certify.model.ids import Severity
from certify.phases.api import Check, Finding, check, not_applicable, passed
from certify.phases.framework.lifecycle import health_of
from certify.phases.integration.feed import RETURN, feed_card, live_only, quote_again
from certify.phases.trial import Trial

LINKED = ("market_data", "broker", "execution")


@check(
    feed_card(
        "still_flows",
        "After all that was done to it the feed still sends every instrument",
        Severity.CRITICAL,
        ("subscribe to every instrument again", "wait for a further quote of each"),
        "each has a quote within `max_silence`",
        "watch every instrument for silence, and each thread of the feed for its life",
        parameters=(Parameter(name="max_silence", default="10s", text="longest silence of an instrument"),),
        modes=("standard", "certified"),
        references=("MD-13", "MD-14"),
        defects=("feed_dies_after_a_while", "feed_freezes_instrument"),
    )
)
def still_flows(trial: Trial) -> Finding:
    """Listen once more."""
    if found := live_only(trial):
        return found
    for instrument in trial.plan.instruments:
        trial.call("market_data", "subscribe", instrument.id, {"QUOTE", "TRADE"})
    for instrument in trial.plan.instruments:
        for _ in range(2):  # the first may only answer the subscription
            quote_again(trial, instrument.id, trial.seconds("max_silence"))
    return passed(f"{len(trial.plan.instruments)} instruments still have quotes")


@check(
    feed_card(
        "health_follows_links",
        "Health says so when no link is up",
        Severity.MAJOR,
        ("break every link that can be broken", "ask for health", "let them come back", "ask again"),
        "`connected` is false once all are down, and true once all are back, within the limit",
        "compute health from the state of the links when it is asked for",
        needs=("market_data.disconnect",),
        methods=("market_data.disconnect", "market_data.reconnect"),
        parameters=(RETURN,),
        references=("MD-14", "BR-02", "FW-14"),
        defects=("health_always_connected",),
        not_applicable_when="the system has no health",
        destructive=True,
    )
)
def health_follows_links(trial: Trial) -> Finding:
    """Break all, ask, mend all, ask."""
    if health_of(trial, "market_data") is None:
        return not_applicable("the system has no health")
    session, within_s = trial.session("market_data"), trial.seconds("back_within")
    links = [port for port in LINKED if trial.has(port, "disconnect") and trial.session(port) is session]
    for connected in (False, True):
        for port in links:
            (trial.mend if connected else trial.cut)(port)
        look, word = _says(trial, connected), "connected" if connected else "not connected"
        trial.poll(look, f"expected health to say {word}", within_s)
    return passed(f"health followed {len(links)} links down and up")


def _says(trial: Trial, connected: bool) -> Callable[[], bool]:
    def look() -> bool:
        health = health_of(trial, "market_data")
        return health is not None and health.connected is connected

    return look


CHECKS: tuple[Check, ...] = (health_follows_links, still_flows)
