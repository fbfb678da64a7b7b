"""What differs from the last certificate, as far as it was written beside the run when it ended."""

from __future__ import annotations

from collections.abc import Iterator

from certify.model.comparison import CheckChange, Comparison, FigureChange
from certify.report import words
from certify.report.views import Table

COLUMNS = ("What", "Which", "Before", "Now", "Because")
METRICS = {
    "latency.p50": "response time p50",
    "latency.p99": "response time p99",
    "achieved": "achieved",
    "error_rate": "error rate",
}


def difference(found: Comparison | None) -> Table | None:
    """Return what differs from the last certificate; `None` where the run was compared with none."""
    if found is None:
        return None
    before = found.before
    title = f"Since the certificate of {words.date(before.finished_at)} ({before.run_id})"
    return Table(title=title, columns=COLUMNS, rows=tuple(_rows(found)))


def _rows(found: Comparison) -> Iterator[tuple[str, ...]]:
    before, after = found.before, found.after
    if before.grade is not after.grade:
        grades = (words.grade_words(run.grade, partial=run.partial_selection)[1] for run in (before, after))
        yield ("grade", "verdict", *grades, "")
    if before.subject_digest != after.subject_digest:
        yield "subject", after.subject, before.subject_version, after.subject_version, "other files"
    yield from _checks("newly failing", found.newly_failing)
    yield from (_figure("worse beyond noise", change) for change in found.worse)
    yield from _checks("still failing", found.still_failing)
    yield from _checks("fixed", found.fixed)
    yield from (_figure("better beyond noise", change) for change in found.better)
    yield from _checks("other outcome", found.other_outcomes)
    for word, waivers in (("new waiver", found.new_waivers), ("ended waiver", found.ended_waivers)):
        for waiver in waivers:
            yield word, waiver.check, "", f"until {waiver.expires}", f"{waiver.reason} ({waiver.approved_by})"
    for word, changes in (("scope", found.scope), ("environment", found.environment)):
        yield from ((word, one.name, one.before or "none", one.after or "none", "") for one in changes)


def _checks(word: str, changes: tuple[CheckChange, ...]) -> Iterator[tuple[str, ...]]:
    for change in changes:
        yield word, change.id, change.before, change.after, change.message


def _figure(word: str, change: FigureChange) -> tuple[str, ...]:
    name = f"{change.level} {change.stream}, {METRICS.get(change.metric, change.metric)}"
    because = "" if change.p_value is None else f"p = {change.p_value:.2g}"
    if change.before_interval is not None and change.after_interval is not None:
        low, high = (
            " to ".join(map(words.number, one)) for one in (change.before_interval, change.after_interval)
        )
        because = f"{low} → {high} {change.unit}; {because}".removesuffix("; ")
    before, after = (words.figure(value, change.unit) for value in (change.before, change.after))
    return word, name, before, after, because
