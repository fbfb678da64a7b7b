"""The figures of every certificate for Prometheus' textfile collector: `metrics/certify.prom`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from certify import clock
from certify.evidence.files import write_bytes
from certify.model.ids import Assurance, Grade, Outcome
from certify.model.results import RunResult
from certify.recertify.standing import Standing, State
from certify.recertify.state import Attempt

METRICS_FILE = "metrics/certify.prom"
Labels = dict[str, str]
Sample = tuple[str, str, float, Labels]
"""Name, help, value, labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One identity: how its certificate stands, and what its newest run found."""

    standing: Standing
    attempt: Attempt | None = None
    result: RunResult | None = None
    """Of the newest run, whatever came of it."""
    grade: str = ""
    """Of that run."""


def write_metrics(home: Path, figures: Iterable[Figures], *, at_ns: int) -> Path:
    """Write the file so that the collector sees the old one or the whole new one; return its path."""
    path = home / METRICS_FILE
    write_bytes(path, metrics_text(figures, at_ns=at_ns).encode(), mode=0o644)
    return path


def metrics_text(figures: Iterable[Figures], *, at_ns: int) -> str:
    """Return the figures in the Prometheus text format."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()
    gauges: dict[str, Gauge] = {}
    for name, text, value, labels in (*_now(at_ns), *(s for one in figures for s in _samples(one))):
        if name not in gauges:
            gauges[name] = Gauge(f"certify_{name}", text, list(labels), registry=registry)
        (gauges[name].labels(**labels) if labels else gauges[name]).set(value)
    return generate_latest(registry).decode()


def _now(at_ns: int) -> Iterator[Sample]:
    yield "recertify_time_seconds", "When certify recertify last ended, Unix time", _s(at_ns), {}


def _samples(one: Figures) -> Iterator[Sample]:
    who = {"subject": one.standing.subject, "profile": one.standing.profile}
    yield from _certificate(one.standing, who)
    if one.attempt is not None:
        yield from _attempt(one.attempt, who)
    if one.result is not None:
        yield from _run(one, one.result, who)


def _certificate(standing: Standing, who: Labels) -> Iterator[Sample]:
    for state in State:
        yield (
            "certificate_state",
            "1 for the state of the certificate",
            float(state is standing.state),
            {**who, "state": state.value},
        )
    for name, text in (
        ("not_before", standing.issued),
        ("not_after", standing.expires),
        ("renew_at", standing.renew_at),
    ):
        if text:
            yield f"certificate_{name}_seconds", "Dates of the certificate, Unix time", _unix(text), who
    if standing.grade:
        yield from _one_of("certificate_grade", "grade", Grade, standing.grade, who)
    if standing.assurance is not None:
        yield from _one_of("certificate_assurance", "assurance", Assurance, standing.assurance, who)


def _one_of(
    name: str, label: str, kinds: Iterable[Grade] | Iterable[Assurance], found: str, who: Labels
) -> Iterator[Sample]:
    for kind in kinds:
        yield name, f"1 for the {label} of the certificate", float(kind == found), {**who, label: kind.value}


def _attempt(attempt: Attempt, who: Labels) -> Iterator[Sample]:
    yield "renewal_exit_code", "How the last renewal ended: an exit code of certify", attempt.exit_code, who
    yield "renewal_failed", "1 when the last renewal left no certificate", float(attempt.failed), who
    yield "renewal_time_seconds", "When it was tried last, Unix time", _s(attempt.at_ns), who
    yield "renewal_duration_seconds", "How long the last renewal took", attempt.took_s, who


def _run(one: Figures, result: RunResult, who: Labels) -> Iterator[Sample]:
    if one.grade:
        for grade in Grade:
            yield (
                "grade",
                "1 for the grade of the newest run",
                float(grade == one.grade),
                {**who, "grade": grade},
            )
    took_s = (result.finished_at_ns - result.started_at_ns) / clock.NS_PER_S
    yield "run_finished_seconds", "End of the newest run, Unix time", _s(result.finished_at_ns), who
    yield "run_duration_seconds", "How long the newest run took", took_s, who
    tally: Mapping[Outcome, int] = Counter(check.outcome for check in result.checks)
    for outcome in Outcome:
        yield (
            "checks",
            "Checks of the newest run by outcome",
            tally.get(outcome, 0),
            {**who, "outcome": outcome},
        )
    for load in result.load:
        where = {**who, "level": load.level, "stream": load.stream}
        if load.latency_ms.p99 is not None:
            value = load.latency_ms.p99 / 1000
            yield "load_latency_p99_seconds", "Response time, 99th percentile", value, where
        if load.sent:
            yield "load_error_ratio", "Errors by calls sent, 0 to 1", load.error_rate, where


def _s(at_ns: int) -> float:
    return at_ns / clock.NS_PER_S


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
