"""Rules over outcomes → the verdict. Averages never certify: scores are shown beside it.

Every rule is one small function that says whether it held, because of what, and which grade is
the best that is left when it did not (`Rule.cap`). The grade is the worst of those caps:
CERTIFIED > CONDITIONAL > INCONCLUSIVE > NOT_CERTIFIED. So no rule can make up for another, and
an outcome that becomes worse can never make the grade better. Dates come from the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date

from certify import clock
from certify.evidence.consistency import contradictions
from certify.model.ids import ComponentId, ExitCode, Grade, Mode, Outcome, PhaseId, Severity, StopReason
from certify.model.judgement import AcceptedFailure, Rule, Verdict, VerdictPolicy
from certify.model.results import CheckResult, LoadResult, RunResult
from certify.model.score import readiness_score

LONGEST_VALIDITY_DAYS = 365
NS_PER_DAY = 24 * 60 * 60 * clock.NS_PER_S

WORST_FIRST = (Grade.NOT_CERTIFIED, Grade.INCONCLUSIVE, Grade.CONDITIONAL, Grade.CERTIFIED)

RuleFunction = Callable[[RunResult, VerdictPolicy], Rule]


def judge(result: RunResult, policy: VerdictPolicy) -> Verdict:
    """Return the verdict on a run; pure, so that anybody can repeat it from the evidence."""
    rules = tuple(rule(result, policy) for rule in RULES)
    grade = worst_grade(rule.cap for rule in rules if not rule.held and rule.cap is not None)
    issues = grade in (Grade.CERTIFIED, Grade.CONDITIONAL) and not result.partial_selection
    return Verdict(
        run_id=result.run_id,
        grade=grade,
        assurance=result.assurance,
        score=readiness_score(phase.score for phase in result.phases),
        phase_scores={str(phase.id): phase.score for phase in result.phases if phase.score is not None},
        rules=rules,
        conditions=tuple(_conditions(result, policy)) if grade is Grade.CONDITIONAL else (),
        waivers=_relied_on(result, policy),
        valid_from=result.finished_at if issues else None,
        expires_at=_expires_at(result, policy, grade) if issues else None,
        certificate=issues,
    )


def worst_grade(grades: Iterable[Grade]) -> Grade:
    """Return the worst of the grades; CERTIFIED when there is none."""
    found = set(grades)
    return next((grade for grade in WORST_FIRST if grade in found), Grade.CERTIFIED)


def exit_code(
    verdict: Verdict, *, stop: StopReason = StopReason.COMPLETED, accept_conditional: bool = False
) -> ExitCode:
    """Return what the process says to the shell; a run that was interrupted or broke says that."""
    if stop is StopReason.INTERRUPTED:
        return ExitCode.INTERRUPTED
    if stop is StopReason.BROKEN:
        return ExitCode.INTERNAL
    if verdict.grade is Grade.CONDITIONAL and accept_conditional:
        return ExitCode.CERTIFIED
    return ExitCode[verdict.grade.name]


def _expires_at(result: RunResult, policy: VerdictPolicy, grade: Grade) -> str:
    """Return the end of the validity: never beyond a year, nor beyond a waiver that the grade hangs on."""
    days = policy.validity_days
    if grade is Grade.CONDITIONAL:
        days = min(days, policy.conditional_validity_days)
    ends = [result.finished_at_ns + min(days, LONGEST_VALIDITY_DAYS) * NS_PER_DAY]
    ends += [_end_of_day_ns(waiver.expires) for waiver in _relied_on(result, policy)]
    return clock.iso(min(ends))


def _end_of_day_ns(day: str) -> int:
    return (date.fromisoformat(day) - date(1970, 1, 1)).days * NS_PER_DAY + NS_PER_DAY


def _relied_on(result: RunResult, policy: VerdictPolicy) -> tuple[AcceptedFailure, ...]:
    """Return the waivers of checks that did not pass and so would have weighed more."""
    fine = (Outcome.PASSED, Outcome.NOT_APPLICABLE)
    waived = {check.id for check in result.checks if check.waived and check.outcome not in fine}
    return tuple(waiver for waiver in policy.waivers if waiver.check in waived)


# ------------------------------------------------------------------------------------------- rules


def _rule(name: str, text: str, because: Iterable[str], cap: Grade | None) -> Rule:
    """Return a rule that held when nothing speaks against it."""
    reasons = tuple(because)
    return Rule(id=name, held=not reasons, text=text, because=reasons, cap=cap if reasons else None)


def _plan_not_empty(result: RunResult, _policy: VerdictPolicy) -> Rule:
    """A run of which nothing passed has nothing to certify, whether nothing was asked or nothing known."""
    planned = len(result.checks)
    return _rule(
        "plan_not_empty",
        "Something was found right: an empty plan certifies nothing.",
        [] if _with_outcome(result, Outcome.PASSED) else [f"{planned} checks planned, none passed"],
        Grade.INCONCLUSIVE,
    )


def _completed(result: RunResult, _policy: VerdictPolicy) -> Rule:
    return _rule(
        "completed",
        "The run was carried through to its end.",
        [] if result.stop is StopReason.COMPLETED else [str(result.stop)],
        Grade.INCONCLUSIVE,
    )


def _criticals_passed(result: RunResult, _policy: VerdictPolicy) -> Rule:
    return _failures(result, Severity.CRITICAL, "criticals_passed", "No critical check failed.")


def _majors_passed(result: RunResult, _policy: VerdictPolicy) -> Rule:
    return _failures(result, Severity.MAJOR, "majors_passed", "No major check failed.")


def _minors_passed(result: RunResult, _policy: VerdictPolicy) -> Rule:
    return _failures(result, Severity.MINOR, "minors_passed", "No minor check failed.")


def _failures(result: RunResult, severity: Severity, name: str, text: str) -> Rule:
    failed = [c for c in _with_outcome(result, Outcome.FAILED) if c.severity is severity]
    return _rule(name, text, map(_named, failed), worst_grade(map(_cap_of_failure, failed)))


def _nothing_errored(result: RunResult, _policy: VerdictPolicy) -> Rule:
    return _unevaluated(result, Outcome.ERROR, "nothing_errored", "No check broke while it ran.")


def _nothing_inconclusive(result: RunResult, _policy: VerdictPolicy) -> Rule:
    text = "Everything could be measured well enough."
    return _unevaluated(result, Outcome.INCONCLUSIVE, "nothing_inconclusive", text)


def _nothing_skipped(result: RunResult, policy: VerdictPolicy) -> Rule:
    text = "Nothing was skipped."
    if policy.mode != Mode.CERTIFIED:
        return _rule("nothing_skipped", f"{text} (Asked for in mode certified only.)", (), None)
    return _unevaluated(result, Outcome.SKIPPED, "nothing_skipped", text)


def _unevaluated(result: RunResult, outcome: Outcome, name: str, text: str) -> Rule:
    found = _with_outcome(result, outcome)
    return _rule(name, text, map(_named, found), worst_grade(map(_cap_of_unevaluated, found)))


def _nothing_flaky(result: RunResult, _policy: VerdictPolicy) -> Rule:
    text = "Nothing passed only when tried again."
    return _rule("nothing_flaky", text, map(_named, _flaky(result)), Grade.CONDITIONAL)


def _phase_minima(result: RunResult, policy: VerdictPolicy) -> Rule:
    return _rule(
        "phase_minima",
        "Every phase reached the score that the profile asks of it.",
        (f"{phase}: {_shown(score)} of {minimum:g}" for phase, score, minimum in _too_low(result, policy)),
        Grade.CONDITIONAL,
    )


def _assurance_reached(result: RunResult, policy: VerdictPolicy) -> Rule:
    """Ask it of what was tried, not only of what was evaluated: else not knowing would count for more."""
    wanted = policy.min_assurance
    weak = [
        f"{check.id}: {check.assurance}"
        for check in result.checks
        if _tried(check) and check.component is not ComponentId.CERTIFY and check.assurance.rank < wanted.rank
    ]
    if not weak and result.assurance.rank < wanted.rank:
        weak = [f"nothing was measured on {wanted}"]
    return _rule(
        "assurance_reached",
        f"It was measured on at least the level that the profile asks for: {wanted}.",
        weak,
        Grade.INCONCLUSIVE,
    )


def _generator_fit(result: RunResult, _policy: VerdictPolicy) -> Rule:
    return _rule(
        "generator_fit",
        "The load generator itself could hold every level.",
        (_load_name(load) for load in result.load if load.generator.limited),
        Grade.INCONCLUSIVE,
    )


def _every_component_evaluated(result: RunResult, _policy: VerdictPolicy) -> Rule:
    """A component that nobody could judge is not certified; a single phase is not asked for all of them."""
    text = "Every component in scope was evaluated by at least one check."
    if result.partial_selection:
        return _rule("every_component_evaluated", f"{text} (Not asked of a part of the plan.)", (), None)
    evaluated = {str(check.component) for check in result.checks if check.outcome.evaluated}
    # A check that broke or was inconclusive has capped the grade by its own rule; here it is enough that
    # there was one: otherwise a failure, which is an evaluation, would count for more than not knowing.
    tried = {str(check.component) for check in result.checks if _tried(check)}
    missing = [component for component in result.scope.components if component not in evaluated]
    cap = Grade.CONDITIONAL if set(missing) <= tried else Grade.INCONCLUSIVE
    return _rule("every_component_evaluated", text, missing, cap)


def _whole_plan(result: RunResult, _policy: VerdictPolicy) -> Rule:
    return _rule(
        "whole_plan",
        "The whole plan was asked for: a part is judged and reported, but gets no certificate.",
        ["only a part of the plan was asked for"] if result.partial_selection else [],
        None,
    )


def _evidence_consistent(result: RunResult, _policy: VerdictPolicy) -> Rule:
    return _rule(
        "evidence_consistent",
        "Outcomes, scores and percentiles agree with the measurements beneath them.",
        contradictions(result),
        Grade.INCONCLUSIVE,
    )


RULES: tuple[RuleFunction, ...] = (
    _plan_not_empty,
    _completed,
    _criticals_passed,
    _majors_passed,
    _minors_passed,
    _nothing_errored,
    _nothing_inconclusive,
    _phase_minima,
    _assurance_reached,
    _generator_fit,
    _nothing_flaky,
    _nothing_skipped,
    _every_component_evaluated,
    _whole_plan,
    _evidence_consistent,
)
"""Every rule of the verdict, in the order in which a report shows them."""


# ---------------------------------------------------------------------------------- what they ask


def _cap_of_failure(check: CheckResult) -> Grade:
    """Critical and major failures veto; a minor or a waived one leaves a certificate under conditions."""
    return Grade.NOT_CERTIFIED if _required(check) else Grade.CONDITIONAL


def _cap_of_unevaluated(check: CheckResult) -> Grade:
    return Grade.INCONCLUSIVE if _required(check) else Grade.CONDITIONAL


def _required(check: CheckResult) -> bool:
    """Whether a certificate, even a conditional one, hangs on it."""
    return check.severity is not Severity.MINOR and not check.waived


def _with_outcome(result: RunResult, outcome: Outcome) -> list[CheckResult]:
    return [check for check in result.checks if check.outcome is outcome]


def _tried(check: CheckResult) -> bool:
    return check.outcome not in (Outcome.SKIPPED, Outcome.NOT_APPLICABLE)


def _flaky(result: RunResult) -> list[CheckResult]:
    return [check for check in result.checks if check.flaky and check.outcome is Outcome.PASSED]


def _too_low(result: RunResult, policy: VerdictPolicy) -> Iterator[tuple[PhaseId, float | None, float]]:
    """Yield the phases below their minimum; a phase that was not asked for has none to reach."""
    scores = {phase.id: phase.score for phase in result.phases}
    for phase in PhaseId:
        minimum = policy.min_phase_score.get(phase)
        if minimum is None or (result.partial_selection and phase not in scores):
            continue
        score = scores.get(phase)
        if score is None or score < minimum:
            yield phase, score, minimum


def _named(check: CheckResult) -> str:
    return f"{check.id} (waived)" if check.waived else check.id


def _shown(score: float | None) -> str:
    return "not evaluated" if score is None else f"{score:g}"


def _load_name(load: LoadResult) -> str:
    return f"{load.level} {load.stream}"


# ------------------------------------------------------------------------------------- conditions


def _conditions(result: RunResult, policy: VerdictPolicy) -> Iterator[str]:
    """Yield what must be put right, in plain sentences."""
    for check in result.checks:
        if sentence := _condition(check, policy):
            yield sentence
    for phase, score, minimum in _too_low(result, policy):
        yield f"Bring the score of phase {phase} from {_shown(score)} to at least {minimum:g}."


def _condition(check: CheckResult, policy: VerdictPolicy) -> str:
    strict = policy.mode == Mode.CERTIFIED
    said = f": {check.message.rstrip('.')}." if check.message else "."
    waived = ", waived" if check.waived else ""
    match check.outcome:
        case Outcome.FAILED:
            return f"Put right {check.id} ({check.severity}{waived}), which failed{said}"
        case Outcome.ERROR:
            return f"Run {check.id} ({check.severity}{waived}) again, which broke{said}"
        case Outcome.INCONCLUSIVE:
            return f"Measure {check.id} ({check.severity}{waived}) again, which was inconclusive{said}"
        case Outcome.SKIPPED if strict:
            return f"Run {check.id} ({check.severity}{waived}), which was skipped{said}"
        case Outcome.PASSED if check.flaky:
            return (
                f"Make {check.id} ({check.severity}) pass at the first try; it passed only when tried again."
            )
    return ""
