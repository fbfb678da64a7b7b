"""Raw stamps → intervals and the result of one stream at one level, in memory that does not grow."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from certify.adapter.flights import CODES, COLUMNS, DROPPED, NEVER, OK, TIMEOUT
from certify.load.fitness import IN_TIME_NS, OWN_SHARE, fitness
from certify.load.statistics import LatencyHistogram, exact_percentile, wilson
from certify.model.ids import Assurance
from certify.model.results import LoadPoint, LoadResult, Resources
from certify.profile.model import LoadLevel

NS_PER_S = 1_000_000_000
WIDTH = len(COLUMNS)
SETTLE_NS = 500_000_000
"""An interval is closed this long after its end: stamps travel in batches."""

Row = tuple[int, ...]


def rows_of(body: bytes) -> Iterator[Row]:
    """Yield the rows of one batch of stamps, in the order of `certify.adapter.flights.COLUMNS`."""
    stamps = array("q")
    stamps.frombytes(body)
    for start in range(0, len(stamps), WIDTH):
        yield tuple(stamps[start : start + WIDTH])


@dataclass(slots=True)
class Interval:
    """What ended in one second."""

    latencies_ms: list[float] = field(default_factory=list)
    errors: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """Resources of the system's process at one moment."""

    rss_mb: float
    cpu_percent: float


class StreamMeter:
    """Takes the stamps of one stream at one level."""

    def __init__(self, level: LoadLevel, stream: str, *, timeout_s: float) -> None:
        """Measure from the end of the warm-up on."""
        self.level = level
        self.stream = stream
        self.points: list[LoadPoint] = []
        """Closed intervals of the measured part."""
        self.latency, self.service, self.late = LatencyHistogram(), LatencyHistogram(), LatencyHistogram()
        self.punctual = LatencyHistogram()
        """Response times without the generator's own lateness: what a perfect generator would have seen."""
        self.first, self.last = LatencyHistogram(), LatencyHistogram()
        """Response times of the first and the last third, by planned time."""
        self.sent = self.completed = self.too_late = self.warmup_rows = 0
        self.classes: Counter[str] = Counter()
        self.dropped = 0
        self._from_ns = int(level.warmup_s * NS_PER_S)
        self._until_ns = self._from_ns + int(level.duration_s * NS_PER_S)
        self._timeout_ns = int(timeout_s * NS_PER_S)
        self._open: dict[int, Interval] = {}
        self._closed = 0
        self._last_answer_ns = 0

    @property
    def length_ns(self) -> int:
        """From the start of the warm-up until every answer must be there, rounded up to a second."""
        return (self._until_ns // NS_PER_S + 1) * NS_PER_S + SETTLE_NS

    def take(self, row: Row) -> None:
        """Take one row of stamps."""
        _, _, planned, called, _, answered, late, code = row
        self._file(planned, answered, code)
        if planned < self._from_ns:
            self.warmup_rows += 1
            return
        self._judge_generator(late, called - planned, code)
        self.sent += called != NEVER
        if code == OK:
            self._complete(planned, called, answered, late)
        elif code != DROPPED:
            self.classes[CODES[code]] += 1

    def _judge_generator(self, late_ns: int, behind_ns: int, code: int) -> None:
        self.late.record_ns(late_ns)
        if code == DROPPED:
            self.dropped += 1
        elif late_ns > max(IN_TIME_NS, behind_ns * OWN_SHARE):
            self.too_late += 1

    def _complete(self, planned: int, called: int, answered: int, late: int) -> None:
        self.completed += 1
        self._last_answer_ns = max(self._last_answer_ns, answered)
        self.latency.record_ns(answered - planned)
        self.service.record_ns(answered - called)
        self.punctual.record_ns(answered - planned - late)
        third = (self._until_ns - self._from_ns) // 3
        if planned < self._from_ns + third:
            self.first.record_ns(answered - planned)
        elif planned >= self._until_ns - third:
            self.last.record_ns(answered - planned)

    def _file(self, planned: int, answered: int, code: int) -> None:
        ended = answered if answered != NEVER else planned + (self._timeout_ns if code == TIMEOUT else 0)
        interval = self._open.setdefault(max(ended // NS_PER_S, self._closed), Interval())
        if code == OK:
            interval.latencies_ms.append((answered - planned) / 1e6)
        elif code != DROPPED:
            interval.errors += 1

    def close_until(self, now_ns: int, usage: Usage | None) -> list[LoadPoint]:
        """Close the intervals that ended before `now_ns` after the start, and return them."""
        made = []
        while (self._closed + 1) * NS_PER_S + SETTLE_NS <= now_ns:
            made.append(self._point(self._open.pop(self._closed, Interval()), usage))
            self._closed += 1
            if self._from_ns <= (self._closed - 1) * NS_PER_S < self._until_ns:
                self.points.append(made[-1])
        return made

    def _point(self, interval: Interval, usage: Usage | None) -> LoadPoint:
        return LoadPoint(
            at_s=float(self._closed + 1),
            achieved_per_s=float(len(interval.latencies_ms)),
            p50_ms=exact_percentile(interval.latencies_ms, 50.0),
            p99_ms=exact_percentile(interval.latencies_ms, 99.0),
            errors=interval.errors,
            rss_mb=usage.rss_mb if usage else None,
            cpu_percent=usage.cpu_percent if usage else None,
        )

    @property
    def errors(self) -> int:
        """Requests of the measured part that ended with an error of the system."""
        return sum(self.classes.values())

    @property
    def planned(self) -> int:
        """Requests of the measured part: ok, failed and dropped ones."""
        return self.completed + self.errors + self.dropped

    @property
    def achieved_per_s(self) -> float:
        """Completed without error, per second until the last of them was answered."""
        took_ns = max(self._until_ns, self._last_answer_ns) - self._from_ns
        return self.completed * NS_PER_S / took_ns

    def result(self, *, in_flight: int, resources: Resources, assurance: Assurance) -> LoadResult:
        """Return what the stream showed at this level."""
        answered = self.completed + self.errors
        latency = self.latency.percentiles()
        return LoadResult(
            level=self.level.name,
            stream=self.stream,
            offered_per_s=self.planned / self.level.duration_s,
            achieved_per_s=self.achieved_per_s,
            duration_s=self.level.duration_s,
            sent=self.sent,
            completed=self.completed,
            errors=self.errors,
            error_rate=self.errors / answered if answered else 0.0,
            error_rate_interval=wilson(self.errors, answered),
            error_classes=dict(sorted(self.classes.items())),
            in_flight=in_flight,
            latency_ms=latency,
            service_ms=self.service.percentiles(),
            generator=fitness(
                self.late,
                planned=self.planned,
                dropped=self.dropped,
                too_late=self.too_late,
            ),
            resources=resources,
            points=tuple(self.points),
            histogram=self.latency.encode(),
            service_histogram=self.service.encode(),
            assurance=assurance,
        )


class Meters:
    """The meters of the streams of one load request, by the index in their rows."""

    def __init__(self, meters: list[StreamMeter]) -> None:
        """Keep them in the order of the request's streams."""
        self.meters = meters

    def take(self, body: bytes) -> None:
        """Take one batch of stamps."""
        takes: list[Callable[[Row], None]] = [meter.take for meter in self.meters]
        for row in rows_of(body):
            takes[row[0]](row)
