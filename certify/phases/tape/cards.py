"""The cards of the tape checks: the same for a live feed and for a recording."""

from __future__ import annotations

from typing import TypedDict, Unpack

from certify.model.card import CheckCard
from certify.model.ids import ComponentId, PhaseId, Severity
from certify.phases.tape.parameters import PARAMETERS

_STEPS = (
    "subscribe to quotes and trades",
    "audit every event as it passes, in the order in which it comes",
    "judge the figures when the time or the recording ends",
)


_Names = tuple[str, ...]


class _Extra(TypedDict, total=False):
    references: _Names
    defects: _Names
    needs: _Names
    not_applicable_when: str


def _card(
    name: str,
    title: str,
    severity: Severity,
    passes_when: str,
    remedy: str,
    *,
    parameters: _Names,
    **extra: Unpack[_Extra],
) -> CheckCard:
    return CheckCard(
        id=f"market_data.{name}",
        title=title,
        phase=PhaseId.INTEGRATION,
        component=ComponentId.MARKET_DATA,
        severity=severity,
        steps=_STEPS,
        passes_when=passes_when,
        remedy=remedy,
        parameters=tuple(PARAMETERS[parameter] for parameter in parameters),
        **extra,
    )


SEQUENCE = _card(
    "sequence",
    "No numbered event is missing and the numbering does not start over",
    Severity.CRITICAL,
    "contiguous numbers have no gap, shared ones no more holes in regular runs than allowed; no reset",
    "find where events are lost between the feed handler and here; request a replay or snapshot at a gap",
    parameters=(
        "sequence", "sequence_scope", "max_missing", "max_resets", "max_packet_hole_share", "max_hole_share",
    ),
    defects=("feed_drops_quotes", "feed_restarts_sequence"),
    references=("MD-06", "MD-33", "IEX-TP 1.25 (message sequence numbers)"),
    needs=("market_data.sequence",),
    not_applicable_when="the feed has no numbers, or shares them so that a lost event leaves no trace",
)  # fmt: skip
COMPLETENESS = _card(
    "completeness",
    "As many events arrive as the recording says it holds, and not none",
    Severity.CRITICAL,
    "the counts of quotes and trades equal the declared ones",
    "get the recording again and compare its checksum; look for a reader that skips rows",
    parameters=("expected_quotes", "expected_trades"),
    defects=("feed_silent",),
    references=("MD-33",),
    not_applicable_when="no expected number is declared",
)
OUT_OF_ORDER = _card(
    "out_of_order",
    "Events arrive in the order in which they were sent",
    Severity.MAJOR,
    "no numbered event follows a higher number; without numbers, event times ascend but for a small share",
    "process each instrument's events on one thread; do not merge feeds by arrival",
    parameters=("order_scope", "max_out_of_order_share", "sequence_scope"),
    defects=("feed_swaps_quotes",),
    references=("MD-15",),
)
DUPLICATES = _card(
    "duplicates",
    "No event arrives twice",
    Severity.MAJOR,
    "no number and no trade id comes twice; unnumbered quotes repeat a row of the same time at most rarely",
    "drop what was seen before by number or id; do not subscribe twice after a reconnect",
    parameters=("max_duplicate_share", "max_repeat_share", "sequence_scope"),
    defects=("feed_duplicates_quotes", "feed_duplicates_trades"),
    references=("MD-15", "MD-18"),
)
CLOCKS = _card(
    "clocks",
    "Event and receive times are what they say: nanoseconds, the right way round",
    Severity.CRITICAL,
    "event times lie between 1980 and 2100 as nanoseconds; hardly any event is received before it happened",
    "check the unit and the meaning of each time field against the specification; synchronise the clock",
    parameters=("max_recv_before_event_share",),
    defects=("feed_wrong_clock", "feed_swaps_clocks"),
    references=("MD-16",),
)
LATENESS = _card(
    "lateness",
    "Events arrive soon after they happen",
    Severity.MINOR,
    "the 99th percentile of receive minus event time keeps the limit",
    "look for queues between the venue and the system; compare the clocks",
    parameters=("max_lateness_p99",),
    defects=("feed_delays_quotes",),
    references=("MD-14", "MD-15"),
    not_applicable_when="the events carry no receive time",
)
CROSSED = _card(
    "crossed",
    "No book shows a bid above its offer",
    Severity.CRITICAL,
    "the share of quotes that leave the book crossed keeps the limit, by default none",
    "do not merge venues into one book by last quote; clear a book at a gap",
    parameters=("scope", "session", "max_crossed_share"),
    defects=("feed_crosses_quotes",),
    references=("MD-02", "SEC Rule 610(d) of Regulation NMS"),
)
LOCKED = _card(
    "locked",
    "Books are hardly ever locked",
    Severity.MINOR,
    "the share of quotes that leave bid equal to offer keeps the limit",
    "check the order in which the sides of a quote are applied",
    parameters=("scope", "session", "max_locked_share"),
    defects=("feed_locks_quotes",),
    references=("MD-02", "SEC Rule 610(d) of Regulation NMS"),
)
ZERO_PRICES = _card(
    "zero_prices",
    "An absent side is absent, never a price of zero",
    Severity.CRITICAL,
    "no price is zero and no price or size is negative",
    "map the feed's 'no quote' to an absent side (for a recording: zero_is_absent)",
    parameters=("max_zero_share",),
    defects=("feed_zero_prices", "feed_negative_prices"),
    references=("MD-01", "MD-03"),
)
ZERO_SIZES = _card(
    "zero_sizes",
    "A price comes with a size",
    Severity.MINOR,
    "the share of events with a size of zero keeps the limit",
    "map a side without size to an absent side",
    parameters=("max_zero_size_share",),
    defects=("feed_zero_sizes",),
    references=("MD-01", "MD-03"),
)
STUB_QUOTES = _card(
    "stub_quotes",
    "Quotes are prices, not placeholders",
    Severity.MAJOR,
    "the share of quotes far wider than any market, or at 0.01 or 99,999, keeps the limit",
    "leave out quotes outside hours and from venues without a market before using a mid",
    parameters=("stub_spread", "max_stub_share"),
    defects=("feed_stub_quotes",),
    references=("MD-01", "SEC Release 34-63255 (stub quotes)"),
)
TICK_SIZE = _card(
    "tick_size",
    "Quotes lie on the price grid",
    Severity.MINOR,
    "the share of quotes off the instrument's tick keeps the limit; trades may print between ticks",
    "check price scaling and decimal conversion; refresh the reference data",
    parameters=("max_off_tick_share",),
    defects=("feed_off_tick_quotes",),
    references=("MD-34", "SEC Rule 612 of Regulation NMS"),
    not_applicable_when="no instrument's tick is known",
)
STALE_INSTRUMENTS = _card(
    "stale_instruments",
    "No active instrument falls silent while others tick",
    Severity.MAJOR,
    "no instrument that ticked regularly is silent beyond the limit inside the session",
    "watch each subscription by itself; subscribe again what goes silent",
    parameters=("max_stale", "max_stale_share", "session"),
    defects=("one_instrument_dark",),
    references=("MD-13", "MD-14"),
)
BUSTED_TRADES = _card(
    "busted_trades",
    "Busted trades are rare, told in full, and in no volume",
    Severity.MINOR,
    "the share of cancelled trades keeps the limit and each marked original has its cancel record",
    "apply cancels and corrections to volume, last price and bars",
    parameters=("max_busted_share",),
    defects=("feed_busts_trades",),
    references=("NYSE Daily TAQ: trade correction indicator",),
    needs=("market_data.trades",),
)
TRADES_THROUGH_QUOTE = _card(
    "trades_through_quote",
    "Trades happen near the prevailing quote",
    Severity.MAJOR,
    "the share of trades beyond the tolerance around the prevailing quote keeps the limit",
    "check price scaling and instrument mapping; leave out conditions that do not set the last price",
    parameters=("outside_tolerance", "max_outside_share"),
    defects=("feed_misprices_trades",),
    references=("FINRA Rule 11892 (clearly erroneous transactions)",),
    needs=("market_data.trades",),
)
