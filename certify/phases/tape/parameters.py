"""Every parameter of the tape checks, with its default and the reason for it."""

from __future__ import annotations

from collections.abc import Mapping

from certify.model.card import Parameter
from certify.phases.tape import units
from certify.phases.tape.settings import DEFAULTS

_ALL = (
    Parameter(
        name="scope",
        default=DEFAULTS["scope"],
        text="venue: each instrument at each venue is a book; nbbo: the rows of all venues make one market",
    ),
    Parameter(
        name="sequence",
        default=DEFAULTS["sequence"],
        text="contiguous: every number must arrive; shared: other message types take numbers in between; "
        "none; auto: contiguous when 9 of 10 steps are one",
    ),
    Parameter(
        name="sequence_scope",
        default=DEFAULTS["sequence_scope"],
        text="what one numbering runs over: feed, instrument, stream (instrument and kind); "
        "auto: the one in which most steps are one",
    ),
    Parameter(
        name="session",
        default=DEFAULTS["session"],
        text="trading hours, as '09:30-16:00 America/New_York'; silence and crossings count inside only; "
        "empty: always open",
    ),
    Parameter(name="max_missing", default="0", text="numbers that may be missing where they are contiguous"),
    Parameter(name="max_resets", default="0", text="restarts of the numbering; allow one per session"),
    Parameter(
        name="max_packet_hole_share",
        default="0.1%",
        text="holes between regular steps within one packet; it is filled in order, so none is expected",
    ),
    Parameter(
        name="max_hole_share",
        default="0.25%",
        text="isolated holes in shared numbers; a clean exchange recording shows 0.12 %",
    ),
    Parameter(
        name="expected_quotes", default="", text="quotes that the recording says it holds; empty: unknown"
    ),
    Parameter(
        name="expected_trades", default="", text="trades that the recording says it holds; empty: unknown"
    ),
    Parameter(
        name="order_scope",
        default="instrument",
        text="within what event times must ascend where there are no numbers: instrument, or feed (a file)",
    ),
    Parameter(
        name="max_out_of_order_share",
        default="0.1%",
        text="events stamped before the one before, where there are no numbers to tell order from lateness",
    ),
    Parameter(name="max_duplicate_share", default="0%", text="events with a number or trade id seen before"),
    Parameter(
        name="max_repeat_share",
        default="0.5%",
        text="quotes without numbers that repeat a row of the same time; raise it for millisecond stamps",
    ),
    Parameter(
        name="max_recv_before_event_share",
        default="1%",
        text="events received before they happened; the two clocks may differ a little, not always",
    ),
    Parameter(
        name="max_lateness_p99",
        default="5s",
        text="99th percentile of receive minus event time; wide, as recordings hold real delays",
    ),
    Parameter(name="max_crossed_share", default="0%", text="quotes that leave their book crossed"),
    Parameter(name="max_locked_share", default="1%", text="quotes that leave their book locked (bid = ask)"),
    Parameter(name="max_zero_share", default="0%", text="events with a price at or below zero"),
    Parameter(name="max_zero_size_share", default="0%", text="events with a size of zero beside a price"),
    Parameter(
        name="stub_spread",
        default=DEFAULTS["stub_spread"],
        text="a spread above this share of the mid is a stub",
    ),
    Parameter(name="max_stub_share", default="0%", text="stub quotes; single venues may show some off hours"),
    Parameter(
        name="max_off_tick_share", default="0%", text="quotes off the price grid, where the tick is known"
    ),
    Parameter(
        name="max_stale",
        default=DEFAULTS["max_stale"],
        text="silence of an active instrument while others tick that counts as stale",
    ),
    Parameter(name="max_stale_share", default="0%", text="stale episodes per instrument"),
    Parameter(name="max_busted_share", default="0.1%", text="trades that were cancelled or marked as errors"),
    Parameter(
        name="outside_tolerance",
        default=DEFAULTS["outside_tolerance"],
        text="how far outside the prevailing quote counts (10 %: the widest band of FINRA 11892 above $1)",
    ),
    Parameter(name="max_outside_share", default="0.1%", text="trades far outside the prevailing quote"),
)

PARAMETERS: dict[str, Parameter] = {parameter.name: parameter for parameter in _ALL}
"""By name, in the order of the cards."""


def written(parameters: Mapping[str, str], name: str) -> str:
    """Return a parameter as written, or its default."""
    return parameters.get(name, PARAMETERS[name].default)


def share_of(parameters: Mapping[str, str], name: str) -> float:
    """Return a percentage parameter in percent; UsageError when it is none."""
    return units.percent(written(parameters, name), name)


def count_of(parameters: Mapping[str, str], name: str) -> int | None:
    """Return a count parameter, None when it is empty; UsageError when it is none."""
    return units.count(written(parameters, name), name)


def ms_of(parameters: Mapping[str, str], name: str) -> float:
    """Return a duration parameter in milliseconds; UsageError when it is none."""
    return units.duration_ns(written(parameters, name), name) / 1e6
