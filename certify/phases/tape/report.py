"""What the auditor found: frozen figures, one finding per kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from certify.phases.tape.settings import TapeSettings


class Kind(StrEnum):
    """Everything that a tape can show; the last word on each is the judge's."""

    SEQUENCE_GAP = "sequence_gap"
    SEQUENCE_RESET = "sequence_reset"
    SEQUENCE_HOLE = "sequence_hole"
    BURST_HOLE = "burst_hole"
    SEQUENCE_INVERSION = "sequence_inversion"
    DUPLICATE_SEQUENCE = "duplicate_sequence"
    DUPLICATE_TRADE_ID = "duplicate_trade_id"
    REPEATED_QUOTE = "repeated_quote"
    EQUAL_PRINT = "equal_print"
    EVENT_BEFORE_PREVIOUS = "event_before_previous"
    EVENT_BEFORE_PREVIOUS_OF_INSTRUMENT = "event_before_previous_of_instrument"
    RECV_BEFORE_EVENT = "recv_before_event"
    IMPLAUSIBLE_TIME = "implausible_time"
    CROSSED = "crossed"
    LOCKED = "locked"
    ZERO_PRICE = "zero_price"
    ZERO_SIZE = "zero_size"
    NEGATIVE = "negative"
    STUB_QUOTE = "stub_quote"
    ONE_SIDED = "one_sided"
    EMPTY_BOOK = "empty_book"
    OFF_TICK = "off_tick"
    STALE = "stale"
    TAPE_SILENCE = "tape_silence"
    DARK = "dark"
    BUSTED = "busted"
    UNMATCHED_CANCEL = "unmatched_cancel"
    TRADE_OUTSIDE = "trade_outside"
    OUTSIDE_SESSION = "outside_session"


HINTS: dict[Kind, str] = {
    **dict.fromkeys(Kind, "fail"),
    Kind.LOCKED: "warn",
    Kind.ZERO_SIZE: "warn",
    Kind.EVENT_BEFORE_PREVIOUS: "warn",
    Kind.SEQUENCE_HOLE: "warn",
    Kind.STALE: "warn",
    Kind.TAPE_SILENCE: "warn",
    Kind.BUSTED: "warn",
    Kind.TRADE_OUTSIDE: "warn",
    Kind.REPEATED_QUOTE: "warn",
    Kind.OFF_TICK: "warn",
    Kind.EQUAL_PRINT: "note",
    Kind.ONE_SIDED: "note",
    Kind.EMPTY_BOOK: "note",
    Kind.OUTSIDE_SESSION: "note",
}
"""How serious a kind usually is; equal prints, one-sided books and the like are legal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TapeFinding:
    """One kind of thing seen on the tape: how often, for how long, and where first."""

    kind: Kind
    count: int
    population: int
    """Out of how many it could have been: quotes, trades, steps, instruments."""
    duration_s: float | None = None
    """Summed time it lasted, where it lasts."""
    longest_s: float | None = None
    share_of_time: float | None = None
    """Its duration over the time in which books were watched, as a ratio."""
    first: str = ""
    """The first example: time and values of the row."""
    hint: str = "fail"
    """`fail`, `warn` or `note`."""

    @property
    def share(self) -> float:
        """Count over population, 0 when there was nothing to count."""
        return self.count / self.population if self.population else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """Receive time minus event time, milliseconds; negative lateness counts as 0."""

    samples: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    max_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceFigures:
    """How one way of reading the sequence numbers fits the tape."""

    scope: str
    """`feed`, `instrument` or `stream`."""
    numbered: int = 0
    numberings: int = 0
    """How many separate numberings there are: one for a feed, else one per instrument or stream."""
    steps: int = 0
    """Steps upwards."""
    unit_steps: int = 0
    """Steps of exactly one."""
    missing: int = 0
    """Numbers between the first and the last that never arrived."""
    gaps: int = 0
    resets: int = 0
    inversions: int = 0
    duplicates: int = 0
    holes: int = 0
    """Steps that are a multiple of two equal neighbours: a row seems to be missing in a regular run."""
    burst_holes: int = 0
    """The same within one packet (equal receive times)."""
    burst_steps: int = 0
    examples: dict[Kind, str] = field(default_factory=dict)

    @property
    def unit_share(self) -> float:
        """Steps of one over all steps upwards."""
        return self.unit_steps / self.steps if self.steps else 0.0

    @property
    def fit(self) -> float:
        """Steps of one over all steps, those backwards and in place among them."""
        followers = self.numbered - self.numberings
        return self.unit_steps / followers if followers > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TapeReport:
    """Everything the auditor knows of a tape, by value."""

    settings: TapeSettings = TapeSettings()
    quotes: int = 0
    trades: int = 0
    instruments: int = 0
    books: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    on_grid: int = 0
    """Quotes of instruments whose tick is known."""
    volume: str = "0"
    """Traded quantity without busted, cancelled and correcting records."""
    busted_volume: str = "0"
    lateness: Lateness = Lateness()
    sequence: SequenceFigures = SequenceFigures(scope="feed")
    """The reading of the numbers that was asked for, or the one that fits best."""
    time_unit: str = "ns"
    """The unit in which most event times would be plausible."""
    findings: dict[Kind, TapeFinding] = field(default_factory=dict)
    """Only the kinds that were seen."""

    def finding(self, kind: Kind) -> TapeFinding:
        """Return the finding of `kind`; with count 0 when it was not seen."""
        return self.findings.get(kind) or TapeFinding(kind=kind, count=0, population=self.population(kind))

    def population(self, kind: Kind) -> int:
        """Return out of how many events, steps or instruments `kind` is counted."""
        if kind in (Kind.SEQUENCE_HOLE, Kind.SEQUENCE_GAP, Kind.SEQUENCE_RESET, Kind.SEQUENCE_INVERSION):
            return self.sequence.steps
        if kind is Kind.OFF_TICK:
            return self.on_grid
        if kind is Kind.BURST_HOLE:
            return self.sequence.burst_steps
        if kind is Kind.DUPLICATE_SEQUENCE:
            return self.sequence.numbered
        if kind in TRADE_KINDS:
            return self.trades
        if kind in EVENT_KINDS:
            return self.quotes + self.trades
        if kind in (Kind.STALE, Kind.DARK):
            return max(self.instruments, len(self.settings.expected))
        return self.quotes


TRADE_KINDS = frozenset(
    {Kind.DUPLICATE_TRADE_ID, Kind.EQUAL_PRINT, Kind.BUSTED, Kind.UNMATCHED_CANCEL, Kind.TRADE_OUTSIDE}
)
"""Counted out of the trades."""
EVENT_KINDS = frozenset(
    {
        Kind.EVENT_BEFORE_PREVIOUS,
        Kind.EVENT_BEFORE_PREVIOUS_OF_INSTRUMENT,
        Kind.RECV_BEFORE_EVENT,
        Kind.IMPLAUSIBLE_TIME,
        Kind.OUTSIDE_SESSION,
        Kind.TAPE_SILENCE,
        Kind.ZERO_PRICE,
        Kind.ZERO_SIZE,
        Kind.NEGATIVE,
    }
)
"""Counted out of quotes and trades together."""
