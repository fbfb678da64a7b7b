"""Run files and check cards → the view of a report."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Any, TypeVar

from certify.model.card import CheckCard
from certify.model.ids import Assurance, Outcome
from certify.model.judgement import Verdict
from certify.report import appendix, checks, load, summary, words
from certify.report.checks import BROKEN, KEPT, Cards
from certify.report.difference import difference
from certify.report.files import RunFiles
from certify.report.metrics import metrics
from certify.report.views import CheckView, Fact, Mark, PhaseView, ReportView, RuleView

T = TypeVar("T")


def view(files: RunFiles, cards: Mapping[str, CheckCard]) -> ReportView:
    """Return everything that a report shows, from the evidence and the cards of the checks alone.

    A check without a card, made by another version, is shown without a remedy and references.
    Account ids and secrets are masked in every text.
    """
    return safe(_assembled(files, cards))


def safe(value: T) -> T:
    """Return the view with every text in it masked and legible."""
    return _safe(value)  # type: ignore[no-any-return]


def _safe(value: Any) -> Any:
    if isinstance(value, str):
        return words.legible(words.mask(value))
    if isinstance(value, tuple):
        return tuple(_safe(item) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: _safe(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)
    return value


def _assembled(files: RunFiles, cards: Cards) -> ReportView:
    result, verdict = files.result, files.verdict
    known = checks.anchors(result.checks)
    shown = {check.id: checks.check_view(check, files, cards, known[check.id]) for check in result.checks}
    rules = tuple(_rule(verdict, known))
    tally = Counter(check.outcome for check in result.checks)
    counted = [outcome for outcome in Outcome if tally[outcome]]
    return ReportView(
        run_id=result.run_id,
        grade=_grade(verdict, partial=result.partial_selection),
        assurance=_assurance(verdict.assurance),
        assurance_text=words.ASSURANCE_WORDS[verdict.assurance],
        title=f"{result.subject.name} {result.subject.version}",
        headline=summary.headline(files),
        tallies=tuple(Fact(name=words.OUTCOME_WORDS[o][1], text=f"{tally[o]:,}") for o in counted),
        marks=tuple(checks.outcome_mark(o) for o in counted),
        facts=summary.facts(files),
        problems=_chosen(files, shown, Outcome.FAILED),
        unmeasured=_chosen(files, shown, Outcome.ERROR, Outcome.INCONCLUSIVE),
        broken_rules=tuple(rule for rule in rules if rule.held.key != "passed"),
        conditions=verdict.conditions,
        warnings=summary.warnings(files),
        not_tested=summary.not_tested(files, known),
        score=summary.total_score(verdict),
        phase_scores=summary.phase_scores(files, known),
        matrix=checks.matrix(result.phases, result.scope.out_of_scope),
        phases=_phases(files, shown),
        load=load.load_view(result.load, files.plan.performance.thresholds),
        rules=rules,
        scope=appendix.scope(files),
        waivers=appendix.waivers(files),
        difference=difference(files.comparison),
        trace=appendix.trace(result.checks, cards, known),
        explanation=appendix.explanation(files),
        environment=appendix.environment(result),
        digests=appendix.digests(files),
        verify=appendix.verify_commands(files),
        notes=result.notes,
        finished_at=result.finished_at,
        metrics=metrics(files),
    )


def _phases(files: RunFiles, shown: Mapping[str, CheckView]) -> tuple[PhaseView, ...]:
    return tuple(
        checks.phase_view(phase, tuple(shown[check.id] for check in phase.checks))
        for phase in files.result.phases
    )


def _chosen(files: RunFiles, shown: Mapping[str, CheckView], *outcomes: Outcome) -> tuple[CheckView, ...]:
    chosen = [check for check in files.result.checks if check.outcome in outcomes]
    return tuple(shown[check.id] for check in summary.worst_first(chosen))


def _grade(verdict: Verdict, *, partial: bool) -> Mark:
    sign, text = words.grade_words(verdict.grade, partial=partial)
    return Mark(key=verdict.grade.value.lower(), sign=sign, words=text)


def _assurance(assurance: Assurance) -> Mark:
    return Mark(key=assurance.value, sign="", words=assurance.value.upper())


def _rule(verdict: Verdict, known: Mapping[str, str]) -> list[RuleView]:
    return [
        RuleView(
            id=rule.id,
            held=KEPT if rule.held else Mark(key=BROKEN.key, sign=BROKEN.sign, words="not held"),
            text=rule.text,
            because=tuple(checks.link(text, known) for text in rule.because),
            effect="" if rule.held or rule.cap is None else f"at best {words.GRADE_WORDS[rule.cap][1]}",
        )
        for rule in verdict.rules
    ]
