"""Counts, durations and first examples, by kind."""

from __future__ import annotations

from certify.clock import NS_PER_S, utc
from certify.model.trading import Quote, Trade
from certify.phases.tape.report import Kind

_FORMATTABLE_NS = range(4 * 10**18)


class Tally:
    """What was seen of one kind."""

    __slots__ = ("count", "duration_ns", "event", "longest_ns", "more")

    def __init__(self, event: Quote | Trade | None, more: str = "") -> None:
        self.event, self.more = event, more
        self.count = 0
        self.duration_ns = 0
        self.longest_ns = 0


class Tallies:
    """One tally per kind seen."""

    __slots__ = ("seen",)

    def __init__(self) -> None:
        self.seen: dict[Kind, Tally] = {}

    def note(self, kind: Kind, event: Quote | Trade | None, more: str = "") -> Tally:
        """Count one of `kind`; the first event is kept as the example."""
        tally = self.seen.get(kind)
        if tally is None:
            tally = self.seen[kind] = Tally(event, more)
        tally.count += 1
        return tally

    def lasted(self, kind: Kind, piece_ns: int, episode_ns: int) -> None:
        """Add `piece_ns` to the time of `kind`; `episode_ns` is how long this episode is by now."""
        tally = self.seen.get(kind)
        if tally is not None:
            tally.duration_ns += piece_ns
            tally.longest_ns = max(tally.longest_ns, episode_ns)


def describe(event: Quote | Trade | None, more: str = "") -> str:
    """Return an event as one line: instrument, time, values of the row."""
    if event is None:
        return more
    where = event.instrument + (f" at {event.venue}" if event.venue else "")
    ids = f", seq {event.seq}" if event.seq is not None else ""
    if isinstance(event, Quote):
        what = f"{event.bid} x {event.bid_size} / {event.ask} x {event.ask_size}"
    else:
        ids += f", trade id {event.trade_id}" if event.trade_id else ""
        what = f"trade {event.size} @ {event.price}"
    return f"{where} {moment(event.ts_event_ns)}: {what}{ids}" + (f" ({more})" if more else "")


def moment(at_ns: int) -> str:
    """Return a time to the nanosecond, UTC; the bare number when it is none."""
    if at_ns not in _FORMATTABLE_NS:
        return str(at_ns)
    return utc(at_ns).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ns % NS_PER_S:09d}Z"
