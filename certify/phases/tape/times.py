"""Times: plausible, in order, how late, and who has gone quiet."""

from __future__ import annotations

from certify.clock import NS_PER_S
from certify.model.trading import Quote, Trade
from certify.phases.tape.histogram import LogHistogram
from certify.phases.tape.report import Kind, Lateness
from certify.phases.tape.session import SessionClock
from certify.phases.tape.settings import TapeSettings
from certify.phases.tape.tallies import Tallies

EARLIEST_NS = 315_532_800 * NS_PER_S
"""1980: before electronic markets published nanoseconds, or anything at all."""
LATEST_NS = 4_102_444_800 * NS_PER_S
"""2100."""
UNITS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": NS_PER_S}
ACTIVE_AFTER = 20
"""Events after which an instrument's usual distance between events is known."""
OTHERS_TICK = 10
"""Events of others during a silence that show that the feed itself was alive."""


class Pulse:
    """When one instrument ticked."""

    __slots__ = ("events", "events_of_all", "first_ns", "last_ns", "previous_ns")

    def __init__(self, at_ns: int) -> None:
        self.first_ns = self.last_ns = self.previous_ns = at_ns
        self.events = 0
        self.events_of_all = 0


class TimeAudit:
    """Judges the times of every event."""

    def __init__(self, settings: TapeSettings, tallies: Tallies, hours: SessionClock) -> None:
        self._tallies, self._hours = tallies, hours
        self._max_stale_ns, self._factor = settings.max_stale_ns, settings.stale_factor
        self._previous_ns: int | None = None
        self._events = 0
        self._units = dict.fromkeys(UNITS, 0)
        self._late = LogHistogram()
        self.pulses: dict[str, Pulse] = {}
        self.first_ns: int | None = None
        self.last_ns: int | None = None

    def see(self, event: Quote | Trade) -> None:
        """Take one event's times."""
        at_ns = event.ts_event_ns
        if not EARLIEST_NS <= at_ns < LATEST_NS:
            self._implausible(event, at_ns)
            return
        if self.first_ns is None or self.last_ns is None or self._previous_ns is None:
            self.first_ns = self.last_ns = at_ns
        else:
            self._order(event, at_ns, self._previous_ns, self.last_ns)
        self._previous_ns = at_ns
        if event.ts_recv_ns is not None:
            self._late.add(event.ts_recv_ns - at_ns)
            if event.ts_recv_ns < at_ns:
                self._tallies.note(Kind.RECV_BEFORE_EVENT, event, f"received {event.ts_recv_ns - at_ns} ns")
        if not self._hours.inside(at_ns):
            self._tallies.note(Kind.OUTSIDE_SESSION, event)
        self._beat(event, at_ns)

    def finish(self, expected: tuple[str, ...]) -> None:
        """Look for instruments that fell silent before the end, or never spoke."""
        for name, pulse in self.pulses.items():
            if self.last_ns is not None and self._is_silence(pulse, self.last_ns, self._events):
                self._silence(Kind.STALE, None, pulse, self.last_ns, f"{name}: silent to the end")
        for name in expected:
            if name not in self.pulses:
                self._tallies.note(Kind.DARK, None, f"{name} never ticked")

    def lateness(self) -> Lateness:
        """Return receive minus event time."""
        late = self._late
        p50, p99, longest = (
            value / 1e6 for value in (late.percentile(50), late.percentile(99), late.maximum)
        )
        return Lateness(samples=late.samples, p50_ms=p50, p99_ms=p99, max_ms=longest)

    def unit(self) -> str:
        """Return the unit in which most implausible times would be plausible; `ns` when none are."""
        return max(self._units, key=lambda unit: self._units[unit])

    def _implausible(self, event: Quote | Trade, at_ns: int) -> None:
        self._tallies.note(Kind.IMPLAUSIBLE_TIME, event)
        for unit, factor in UNITS.items():
            if EARLIEST_NS <= at_ns * factor < LATEST_NS:
                self._units[unit] += 1

    def _order(self, event: Quote | Trade, at_ns: int, previous_ns: int, last_ns: int) -> None:
        if at_ns < previous_ns:
            behind = f"{previous_ns - at_ns} ns before the event before"
            self._tallies.note(Kind.EVENT_BEFORE_PREVIOUS, event, behind)
        if at_ns <= last_ns:
            return
        silence = at_ns - last_ns
        self.last_ns = at_ns
        if silence > self._max_stale_ns and self._same_session(last_ns, at_ns):
            tally = self._tallies.note(
                Kind.TAPE_SILENCE, event, f"nothing for {silence / NS_PER_S:.1f} s before"
            )
            tally.duration_ns += silence
            tally.longest_ns = max(tally.longest_ns, silence)

    def _beat(self, event: Quote | Trade, at_ns: int) -> None:
        self._events += 1
        pulse = self.pulses.get(event.instrument)
        if pulse is None:
            pulse = self.pulses[event.instrument] = Pulse(at_ns)
        elif at_ns < pulse.previous_ns:
            self._tallies.note(Kind.EVENT_BEFORE_PREVIOUS_OF_INSTRUMENT, event)
        elif at_ns - pulse.last_ns > self._max_stale_ns and self._is_silence(pulse, at_ns, self._events - 1):
            self._silence(Kind.STALE, event, pulse, at_ns)
        pulse.previous_ns = at_ns
        pulse.last_ns = max(pulse.last_ns, at_ns)
        pulse.events += 1
        pulse.events_of_all = self._events

    def _is_silence(self, pulse: Pulse, at_ns: int, events: int) -> bool:
        """Return whether an active instrument was quiet for long while others ticked, within one session."""
        quiet = at_ns - pulse.last_ns
        if quiet <= self._max_stale_ns or pulse.events < ACTIVE_AFTER:
            return False
        if events - pulse.events_of_all < OTHERS_TICK or not self._same_session(pulse.last_ns, at_ns):
            return False
        return quiet * (pulse.events - 1) > self._factor * (pulse.last_ns - pulse.first_ns)

    def _silence(
        self, kind: Kind, event: Quote | Trade | None, pulse: Pulse, at_ns: int, more: str = ""
    ) -> None:
        quiet = at_ns - pulse.last_ns
        tally = self._tallies.note(kind, event, more or f"silent for {quiet / NS_PER_S:.1f} s before")
        tally.duration_ns += quiet
        tally.longest_ns = max(tally.longest_ns, quiet)

    def _same_session(self, from_ns: int, to_ns: int) -> bool:
        if not self._hours.inside(from_ns) or not self._hours.inside(to_ns):
            return False
        return self._hours.edge_ns(to_ns) <= from_ns
