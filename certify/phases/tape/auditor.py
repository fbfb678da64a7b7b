"""The streaming auditor: events in, figures out, constant memory per instrument."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from certify.clock import NS_PER_S
from certify.model.trading import Quote, Trade
from certify.phases.tape.quotes import QuoteAudit
from certify.phases.tape.report import HINTS, Kind, SequenceFigures, TapeFinding, TapeReport
from certify.phases.tape.sequence import SequenceTracker
from certify.phases.tape.session import SessionClock
from certify.phases.tape.settings import TapeSettings
from certify.phases.tape.tallies import Tallies, Tally, describe
from certify.phases.tape.times import TimeAudit
from certify.phases.tape.trades import TradeAudit

_LASTING = frozenset({Kind.CROSSED, Kind.LOCKED, Kind.STALE, Kind.TAPE_SILENCE})
_KEYS: dict[str, Callable[[Quote | Trade], object]] = {
    "feed": lambda _: None,
    "instrument": lambda event: event.instrument,
    "stream": lambda event: (event.instrument, type(event)),
}
"""Sequence scope → what one numbering belongs to; from the widest to the narrowest."""


class TapeAuditor:
    """Watches quotes and trades in the order in which they come; not thread-safe."""

    def __init__(self, settings: TapeSettings | None = None) -> None:
        """Start with nothing seen."""
        self._settings = settings or TapeSettings()
        self._tallies = Tallies()
        hours = SessionClock(self._settings.session)
        self._quotes = QuoteAudit(self._settings, self._tallies, hours)
        self._trades = TradeAudit(self._settings, self._tallies, self._quotes)
        self._times = TimeAudit(self._settings, self._tallies, hours)
        scope = self._settings.sequence_scope
        scopes = tuple(_KEYS) if scope == "auto" else (scope,)
        if self._settings.sequence == "none":
            scopes = ()
        self._numberings = [(_KEYS[name], name, dict[object, SequenceTracker]()) for name in scopes]
        self._quote_count = self._trade_count = 0

    def on_event(self, event: Quote | Trade) -> None:
        """Take the next event of the tape."""
        self._times.see(event)
        if event.seq is not None:
            for key_of, _, trackers in self._numberings:
                key = key_of(event)
                tracker = trackers.get(key)
                if tracker is None:
                    tracker = trackers[key] = SequenceTracker()
                tracker.see(event, event.seq)
        if isinstance(event, Quote):
            self._quote_count += 1
            self._quotes.see(event)
        else:
            self._trade_count += 1
            self._trades.see(event)

    def report(self) -> TapeReport:
        """Close the tape and return what was found; call once, after the last event."""
        watched_ns = self._quotes.finish(self._times.last_ns or 0)
        self._trades.finish()
        self._times.finish(self._settings.expected)
        sequence = self._sequence()
        bare = TapeReport(
            settings=self._settings,
            quotes=self._quote_count,
            trades=self._trade_count,
            instruments=len(self._times.pulses),
            books=len(self._quotes.books),
            on_grid=self._quotes.on_grid,
            first_ns=self._times.first_ns,
            last_ns=self._times.last_ns,
            volume=str(self._trades.volume),
            busted_volume=str(self._trades.busted_volume),
            lateness=self._times.lateness(),
            sequence=sequence,
            time_unit=self._times.unit(),
        )
        return _with_findings(bare, self._tallies.seen, watched_ns)

    def _sequence(self) -> SequenceFigures:
        """Return the reading of the numbers in which most steps are one; the widest among equals."""
        readings = [_sum(name, trackers.values()) for _, name, trackers in self._numberings]
        best = readings[0] if readings else SequenceFigures(scope="feed")
        for reading in readings[1:]:
            if reading.fit > best.fit:
                best = reading
        return best


def _sum(scope: str, trackers: Iterable[SequenceTracker]) -> SequenceFigures:
    found = list(trackers)
    examples: dict[Kind, str] = {}
    for tracker in found:
        for kind, (event, last) in tracker.examples.items():
            examples.setdefault(kind, describe(event, f"after seq {last}"))
    return SequenceFigures(
        scope=scope,
        numberings=len(found),
        numbered=sum(t.numbered for t in found),
        steps=sum(t.steps for t in found),
        unit_steps=sum(t.unit_steps for t in found),
        missing=sum(t.missing for t in found),
        gaps=sum(t.gaps for t in found),
        resets=sum(t.resets for t in found),
        inversions=sum(t.inversions for t in found),
        duplicates=sum(t.duplicates for t in found),
        holes=sum(t.holes for t in found),
        burst_holes=sum(t.burst_holes for t in found),
        burst_steps=sum(t.burst_steps for t in found),
        examples=examples,
    )


def _with_findings(bare: TapeReport, seen: dict[Kind, Tally], watched_ns: int) -> TapeReport:
    """Return the report with one finding per kind seen, those of the sequence among them."""
    findings = {kind: _finding(bare, kind, tally, watched_ns) for kind, tally in seen.items()}
    numbers = bare.sequence
    counts = {
        Kind.SEQUENCE_GAP: numbers.gaps if numbers.missing else 0,
        Kind.SEQUENCE_RESET: numbers.resets,
        Kind.SEQUENCE_HOLE: numbers.holes,
        Kind.BURST_HOLE: numbers.burst_holes,
        Kind.SEQUENCE_INVERSION: numbers.inversions,
        Kind.DUPLICATE_SEQUENCE: numbers.duplicates,
    }
    for kind, count in counts.items():
        if count:
            findings[kind] = TapeFinding(
                kind=kind,
                count=count,
                population=bare.population(kind),
                first=numbers.examples.get(kind, ""),
                hint=HINTS[kind],
            )
    return replace(bare, findings=dict(sorted(findings.items())))


def _finding(report: TapeReport, kind: Kind, tally: Tally, watched_ns: int) -> TapeFinding:
    lasting = kind in _LASTING
    timed = kind in (Kind.CROSSED, Kind.LOCKED) and watched_ns > 0
    return TapeFinding(
        kind=kind,
        count=tally.count,
        population=report.population(kind),
        duration_s=tally.duration_ns / NS_PER_S if lasting else None,
        longest_s=tally.longest_ns / NS_PER_S if lasting else None,
        share_of_time=tally.duration_ns / watched_ns if timed else None,
        first=describe(tally.event, tally.more),
        hint=HINTS[kind],
    )
