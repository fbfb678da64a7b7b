"""The first screen: the verdict in words, what held it down, and what was not tested."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from certify.model.ids import Grade, Outcome, PhaseId, Severity, StopReason
from certify.model.judgement import Verdict
from certify.model.results import CheckResult, PhaseResult, RunResult
from certify.report import words
from certify.report.checks import BROKEN, KEPT, UNKNOWN, WORST_FIRST
from certify.report.files import RunFiles
from certify.report.load import place
from certify.report.views import Fact, Link, NotTested, NotTestedGroup, ScoreView

SHOWN_LOSSES = 4

SEVERITY_ORDER = (Severity.CRITICAL, Severity.MAJOR, Severity.MINOR)


def worst_first(checks: list[CheckResult]) -> list[CheckResult]:
    """Return checks by weight: unwaived before waived, critical before minor, else in their order."""
    return sorted(checks, key=lambda check: (check.waived, SEVERITY_ORDER.index(check.severity)))


def headline(files: RunFiles) -> str:
    """Return the verdict in one or two sentences, every figure counted from the result."""
    return " ".join(filter(None, (_what_was_found(files.result), _what_follows(files))))


def _what_was_found(result: RunResult) -> str:
    checks = result.checks
    tally = Counter(check.outcome for check in checks)
    if not checks:
        return "No check was run."
    text = f"{tally[Outcome.PASSED]} of {words.count(len(checks), 'check')} passed"
    failed = [check for check in checks if check.outcome is Outcome.FAILED]
    if failed:
        by = Counter(check.severity for check in failed)
        kinds = words.listed([f"{by[s]} {s.value}" for s in SEVERITY_ORDER if by[s]])
        text += f", {len(failed)} failed ({kinds})"
    rest = [
        f"{tally[o]} {words.OUTCOME_WORDS[o][1]}"
        for o in WORST_FIRST[1:]
        if tally[o] and o is not Outcome.PASSED
    ]
    return text + (f"; {words.listed(rest)}" if rest else "") + "."


def _what_follows(files: RunFiles) -> str:
    verdict, result = files.verdict, files.result
    if result.stop is not StopReason.COMPLETED:
        return words.STOP_WORDS[result.stop]
    if result.partial_selection:
        return "Only a part of the plan was asked for, so no certificate is issued."
    broken = sum(not rule.held for rule in verdict.rules)
    if verdict.grade is Grade.CERTIFIED:
        return f"All {words.count(len(verdict.rules), 'rule')} of the verdict held."
    if verdict.grade is Grade.CONDITIONAL:
        conditions = words.count(len(verdict.conditions), "condition").capitalize()
        return f"{conditions} to be put right; valid for a shorter time."
    if verdict.grade is Grade.INCONCLUSIVE:
        return "Nothing required failed, but not everything required could be measured."
    return f"{words.count(broken, 'rule').capitalize()} of the verdict did not hold." if broken else ""


def warnings(files: RunFiles) -> tuple[str, ...]:
    """Return what a reader must know before believing the rest."""
    result, verdict = files.result, files.verdict
    found = []
    if result.stop is not StopReason.COMPLETED:
        found.append(f"{words.STOP_WORDS[result.stop]} What it had not reached was not tested.")
    if result.partial_selection:
        found.append("Only a part of the plan was asked for. This is no certificate.")
    if result.assurance is not verdict.assurance:
        found.append(f"The result says {result.assurance.value}, the verdict {verdict.assurance.value}.")
    if verdict.certificate and files.certificate is None:
        found.append("The verdict allows a certificate, but there is none in the run directory.")
    stated = files.certificate.predicate.get("grade") if files.certificate else None
    if stated not in (None, verdict.grade.value):
        found.append(
            f"The certificate states {stated}, the verdict {verdict.grade.value}: do not rely on either."
        )
    return tuple(found)


def facts(files: RunFiles) -> tuple[Fact, ...]:
    """Return what identifies the report: subject, dates, profile."""
    result, verdict = files.result, files.verdict
    issued = files.certificate is not None
    none = "no certificate was issued"
    return (
        Fact(name="Subject", text=result.subject.name),
        Fact(name="Version", text=result.subject.version),
        Fact(name="Issued", text=words.date(verdict.valid_from, none) if issued else none),
        Fact(name="Expires", text=words.date(verdict.expires_at, "not stated") if issued else none),
        Fact(name="Profile", text=result.profile.name),
        Fact(name="Measured", text=f"{words.date(result.started_at)}, for {_length(result)}"),
        Fact(name="Run", text=result.run_id),
    )


def _length(result: RunResult) -> str:
    return words.took(max(0, result.finished_at_ns - result.started_at_ns) / 1e6)


def not_tested(files: RunFiles, known: Mapping[str, str]) -> tuple[NotTestedGroup, ...]:
    """Return everything that the run says nothing about, grouped by why."""
    result = files.result
    groups = (
        ("Phases without a check", _empty_phases(result)),
        ("Out of scope", _out_of_scope(result)),
        ("Could not be measured", _with(result, known, Outcome.ERROR, Outcome.INCONCLUSIVE)),
        ("Load that the generator could not hold", _limited(result)),
        ("Not reached before the run ended", _unreached(files)),
        ("Skipped", _with(result, known, Outcome.SKIPPED)),
        ("The system says that it cannot do this", _with(result, known, Outcome.NOT_APPLICABLE)),
    )
    return tuple(
        NotTestedGroup(title=title, items=items) for title, found in groups if (items := _by_reason(found))
    )


Silent = Iterator[tuple[Link, str]]


def _by_reason(found: Silent) -> tuple[NotTested, ...]:
    """Put together what was not tested for the same reason."""
    reasons: dict[str, list[Link]] = {}
    for what, why in found:
        reasons.setdefault(why, []).append(what)
    return tuple(NotTested(what=tuple(links), why=why) for why, links in reasons.items())


def _empty_phases(result: RunResult) -> Silent:
    ran = {phase.id for phase in result.phases if phase.checks}
    for phase in PhaseId:
        if phase not in ran:
            yield Link(text=words.PHASE_TITLES[phase]), "nothing of the phase was run"


def _out_of_scope(result: RunResult) -> Silent:
    titles = {key.value: title for key, title in words.COMPONENT_TITLES.items()}
    for component, why in result.scope.out_of_scope.items():
        yield Link(text=titles.get(component, component)), why or "no reason given"


def _with(result: RunResult, known: Mapping[str, str], *outcomes: Outcome) -> Silent:
    for check in result.checks:
        if check.outcome in outcomes:
            yield Link(text=check.id, anchor=known[check.id]), check.message or "no reason given"


def _limited(result: RunResult) -> Silent:
    for load in result.load:
        if load.generator.limited:
            why = (
                f"{words.count(load.generator.dropped, 'call')} dropped, the generator late by "
                f"{words.figure(load.generator.late_p99_ms, 'ms')} at its 99th percentile"
            )
            yield Link(text=place(load)), why


def _unreached(files: RunFiles) -> Silent:
    done = {check.id for check in files.result.checks}
    for planned in files.plan.checks:
        if planned.id not in done:
            yield Link(text=planned.id), "planned, but the run ended before it"


def total_score(verdict: Verdict) -> ScoreView:
    """Return the readiness score."""
    return ScoreView(name="Readiness score", score=_points(verdict.score), percent=_share(verdict.score))


def phase_scores(files: RunFiles, known: Mapping[str, str]) -> tuple[ScoreView, ...]:
    """Return each phase's score, its minimum, and the checks that held it down, the heaviest first."""
    ran = {phase.id: phase for phase in files.result.phases}
    return tuple(_phase_score(phase, ran.get(phase), files, known) for phase in PhaseId)


def _phase_score(
    phase: PhaseId, ran: PhaseResult | None, files: RunFiles, known: Mapping[str, str]
) -> ScoreView:
    score = files.verdict.phase_scores.get(phase.value, ran.score if ran else None)
    minimum = files.plan.policy.min_phase_score.get(phase.value)
    losses = _losses(ran.checks) if ran else []
    rest = len(losses) - SHOWN_LOSSES
    kept = None if minimum is None else UNKNOWN if score is None else KEPT if score >= minimum else BROKEN
    return ScoreView(
        name=words.PHASE_TITLES[phase],
        score=_points(score) if ran else "not run",
        percent=_share(score),
        minimum="" if minimum is None else words.number(minimum),
        kept=kept,
        lost=tuple(
            Link(text=f"{check} −{words.number(round(points, 1))}", anchor=known[check])
            for points, check in losses[:SHOWN_LOSSES]
        ),
        more=f"and {words.count(rest, 'more check', 'more checks')}" if rest > 0 else "",
    )


def _losses(checks: tuple[CheckResult, ...]) -> list[tuple[float, str]]:
    """Return the points of the phase's 100 that each check cost, the most first."""
    scored = [(check, check.score) for check in checks if check.score is not None]
    total = sum(check.severity.weight for check, _ in scored)
    lost = [(check.severity.weight * (100 - score) / total, check.id) for check, score in scored]
    return sorted((pair for pair in lost if pair[0] >= 0.05), key=lambda pair: -pair[0])


def _points(score: float | None) -> str:
    return "not scored" if score is None else words.number(round(score, 1))


def _share(score: float | None) -> float | None:
    return None if score is None else round(min(100.0, max(0.0, score)), 1)
