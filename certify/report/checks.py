"""Checks, phases and the matrix of both, as a report shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from certify.model import codec
from certify.model.card import CheckCard
from certify.model.ids import ComponentId, Outcome, PhaseId
from certify.model.measure import Bound, broken_bounds
from certify.model.results import CheckResult, PhaseResult
from certify.report import words
from certify.report.files import Excerpt, RunFiles
from certify.report.views import (
    Cell,
    CheckView,
    Fact,
    JournalView,
    Link,
    Mark,
    Matrix,
    MatrixRow,
    MeasureView,
    PhaseView,
)

WORST_FIRST = (
    Outcome.FAILED,
    Outcome.ERROR,
    Outcome.INCONCLUSIVE,
    Outcome.SKIPPED,
    Outcome.PASSED,
    Outcome.NOT_APPLICABLE,
)
"""A skipped check hides more than a passed one shows; what is not applicable says nothing."""

KEPT = Mark(key="passed", sign="✓", words="held")
BROKEN = Mark(key="failed", sign="✗", words="broken")
UNKNOWN = Mark(key="inconclusive", sign="?", words="not measured")

Cards = Mapping[str, CheckCard]


def outcome_mark(outcome: Outcome) -> Mark:
    """Return how an outcome is shown."""
    sign, text = words.OUTCOME_WORDS[outcome]
    return Mark(key=outcome.value, sign=sign, words=text)


def anchors(checks: tuple[CheckResult, ...]) -> dict[str, str]:
    """Return check → anchor; numbered, because an id may hold anything."""
    return {check.id: f"check-{number}" for number, check in enumerate(checks, start=1)}


def link(text: str, known: Mapping[str, str]) -> Link:
    """Return the text, linked where it names a check of this run."""
    return Link(text=text, anchor=known.get(text, ""))


def check_view(check: CheckResult, files: RunFiles, cards: Cards, anchor: str) -> CheckView:
    """Return one check as it is shown; a check without a card keeps everything but the card's words."""
    card = cards.get(check.id)
    return CheckView(
        id=check.id,
        anchor=anchor,
        title=check.title,
        phase=words.PHASE_TITLES[check.phase],
        component=words.COMPONENT_TITLES[check.component],
        severity=check.severity.value,
        outcome=outcome_mark(check.outcome),
        message=check.message,
        measures=measures(check),
        assurance=check.assurance.value,
        took=words.took(check.took_ms),
        took_s=round(check.took_ms / 1000, 3),
        score="" if check.score is None else words.number(round(check.score, 1)),
        expected=_expected(check, card),
        remedy=_remedy(check, card),
        notes=_notes(check),
        journal=_journal(check, files.excerpts.get(check.id)),
        references=card.references if card else (),
    )


def measures(check: CheckResult) -> tuple[MeasureView, ...]:
    """Return each measurement beside its limit, then the limits that nothing was measured for."""
    found = [
        _measure(m.name, m.value, m.unit, m.samples, [b for b in check.limits if b.name == m.name])
        for m in check.measurements
    ]
    measured = {m.name for m in check.measurements}
    missing = (
        MeasureView(
            name=bound.name, value="not measured", samples="no samples", limit=_limit(bound), kept=UNKNOWN
        )
        for bound in check.limits
        if bound.name not in measured
    )
    return (*found, *missing)


def _measure(name: str, value: float, unit: str, samples: int, bounds: list[Bound]) -> MeasureView:
    text = words.figure_beside(value, unit, bounds[0].value) if bounds else words.figure(value, unit)
    return MeasureView(
        name=name,
        value=text,
        samples=words.count(samples, "sample"),
        limit=" and ".join(map(_limit, bounds)),
        kept=(KEPT if all(b.holds(value) for b in bounds) else BROKEN) if bounds else None,
    )


def _limit(bound: Bound) -> str:
    return f"{words.OPERATORS.get(bound.op, bound.op)} {words.figure(bound.value, bound.unit)}"


def _expected(check: CheckResult, card: CheckCard | None) -> str:
    right = card.passes_when if card else check.title
    broken = broken_bounds(check.measurements, check.limits)
    limits = words.listed([f"{bound.name} {_limit(bound)}" for bound, _ in broken])
    return f"{right} ({limits})" if limits else right


def _remedy(check: CheckResult, card: CheckCard | None) -> str:
    if card is None:
        return "This version has no card for the check: start from its message and its lines of the journal."
    if check.outcome is Outcome.ERROR:
        return f"Mend the adapter or the check first (see logs/), then run again: {card.remedy}"
    return card.remedy


def _notes(check: CheckResult) -> tuple[str, ...]:
    notes = []
    if check.waived:
        notes.append("waived: accepted by a named person until a date, which does not make it a pass")
    if check.flaky:
        notes.append("flaky: it passed only when tried again")
    return tuple(notes)


def _journal(check: CheckResult, excerpt: Excerpt | None) -> JournalView | None:
    first, last = check.evidence
    if (first, last) == (0, 0):
        return None
    place = f"events.jsonl, line {first}" if first == last else f"events.jsonl, lines {first} to {last}"
    if excerpt is None:
        return JournalView(place=place)
    return JournalView(
        place=place,
        lines=tuple(Fact(name=str(line.number), text=event_text(line.event)) for line in excerpt.lines),
        omitted=f"{words.count(excerpt.omitted, 'line')} in between not shown" if excerpt.omitted else "",
    )


def event_text(event: Mapping[str, Any]) -> str:
    """Return a journal event in one line: its kind and its fields, the empty ones left out."""
    inner = event.get("event")
    if isinstance(inner, dict):
        return f"{event.get('port', '')} {event_text(inner)}".strip()
    fields = (
        f"{name}={words.short(_value(value), 160)}"
        for name, value in event.items()
        if name != codec.TAG and not name.endswith("_ns") and value not in (None, "", [], {})
    )
    return words.short(" ".join((str(event.get(codec.TAG, "")), *fields)), 400)


def _value(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def phase_view(phase: PhaseResult, checks: tuple[CheckView, ...]) -> PhaseView:
    """Return one phase as it is shown."""
    return PhaseView(
        id=phase.id.value,
        title=words.PHASE_TITLES[phase.id],
        question=words.PHASE_QUESTIONS[phase.id],
        outcome=outcome_mark(phase.outcome),
        summary=summary(phase.checks),
        score="not scored" if phase.score is None else words.number(round(phase.score, 1)),
        took=words.took(phase.took_ms),
        checks=checks,
    )


def summary(checks: tuple[CheckResult, ...]) -> str:
    """Return the outcomes in words, the worst first: `1 failed, 5 passed`."""
    tally = Counter(check.outcome for check in checks)
    parts = [f"{tally[o]} {words.OUTCOME_WORDS[o][1]}" for o in WORST_FIRST if tally[o]]
    return ", ".join(parts) or "no checks"


def worst(outcomes: list[Outcome]) -> Outcome:
    """Return the outcome that says most against the system."""
    return min(outcomes, key=WORST_FIRST.index)


def matrix(phases: tuple[PhaseResult, ...], out_of_scope: Mapping[str, str]) -> Matrix:
    """Return phases × components; a phase that did not run has a row that says so."""
    checks = [check for phase in phases for check in phase.checks]
    tested = {check.component for check in checks}
    columns = [c for c in ComponentId if c in tested or c.value in out_of_scope]
    ran = {phase.id: phase for phase in phases}
    rows = (
        MatrixRow(
            title=words.PHASE_TITLES[phase],
            cells=tuple(_cell(ran.get(phase), column, out_of_scope) for column in columns),
        )
        for phase in PhaseId
    )
    return Matrix(columns=tuple(words.COMPONENT_TITLES[c] for c in columns), rows=tuple(rows))


def _cell(phase: PhaseResult | None, component: ComponentId, out_of_scope: Mapping[str, str]) -> Cell:
    checks = tuple(c for c in phase.checks if c.component is component) if phase else ()
    if not checks and component.value in out_of_scope:
        return Cell(mark=None, text="out of scope")
    if not checks:
        return Cell(mark=None, text="no checks" if phase else "not run")
    return Cell(mark=outcome_mark(worst([c.outcome for c in checks])), text=summary(checks))
