"""The back of a report: scope, waivers, traceability, how it was judged, and how to check it."""

from __future__ import annotations

from collections.abc import Mapping

from certify.model.ids import ComponentId
from certify.model.judgement import AcceptedFailure
from certify.model.results import CheckResult, RunResult
from certify.report import words
from certify.report.checks import Cards, link, outcome_mark, summary, worst
from certify.report.files import RunFiles
from certify.report.views import Fact, Table, TraceRow


def scope(files: RunFiles) -> Table:
    """Return each component with its backend and what was found, or why it was left out."""
    result = files.result
    rows = tuple(
        _scope_row(component, result) for component in ComponentId if component is not ComponentId.CERTIFY
    )
    return Table(title="Components", columns=("Component", "In scope", "Measured on", "Checks"), rows=rows)


def _scope_row(component: ComponentId, result: RunResult) -> tuple[str, ...]:
    title = words.COMPONENT_TITLES[component]
    backend = result.scope.components.get(component.value)
    if backend is None:
        return title, "no", result.scope.out_of_scope.get(component.value, "not named in the plan"), "none"
    checks = tuple(check for check in result.checks if check.component is component)
    system = result.systems.get(backend)
    return title, "yes", f"{backend} ({system})" if system else backend, summary(checks)


def waivers(files: RunFiles) -> Table | None:
    """Return what is waived, why, by whom and until when; `None` when nothing is."""
    waived = [check for check in files.result.checks if check.waived]
    accepted = {one.check: one for one in (*files.plan.policy.waivers, *files.verdict.waivers)}
    if not waived:
        return None
    rows = tuple(_waiver_row(check, accepted.get(check.id), files.result.finished_at) for check in waived)
    columns = ("Check", "Outcome", "Reason", "Approved by", "Holds until")
    return Table(title="Waivers", columns=columns, rows=rows)


def _waiver_row(check: CheckResult, waiver: AcceptedFailure | None, finished_at: str) -> tuple[str, ...]:
    outcome = words.OUTCOME_WORDS[check.outcome][1]
    if waiver is None:
        return check.id, outcome, *("not in the evidence",) * 3
    until = waiver.expires + _days_left(waiver.expires, finished_at)
    return check.id, outcome, waiver.reason, waiver.approved_by, until


def _days_left(expires: str, finished_at: str) -> str:
    """Return the days between the run and the last day of a waiver: reports know no today."""
    last, run = words.moment_of(expires), words.moment_of(finished_at)
    if last is None or run is None:
        return ""
    return f" ({words.count((last.date() - run.date()).days, 'day')} after the run)"


def trace(checks: tuple[CheckResult, ...], cards: Cards, known: Mapping[str, str]) -> tuple[TraceRow, ...]:
    """Return reference → checks → the worst of their outcomes, in the order of the references."""
    found: dict[str, list[CheckResult]] = {}
    for check in checks:
        for reference in cards[check.id].references if check.id in cards else ():
            found.setdefault(reference, []).append(check)
    return tuple(
        TraceRow(
            reference=reference,
            outcome=outcome_mark(worst([check.outcome for check in mine])),
            checks=tuple(link(check.id, known) for check in mine),
        )
        for reference, mine in sorted(found.items())
    )


def explanation(files: RunFiles) -> tuple[Fact, ...]:
    """Return how scores and the verdict come about, with the policy of this run filled in."""
    policy = files.plan.policy
    minima = [f"{name} {words.number(value)}" for name, value in sorted(policy.min_phase_score.items())]
    return (
        Fact(
            name="Score of a check",
            text="With limits: 100 when at most half of a limit is used, 85 up to 80 %, 70 up to the limit, "
            "0 beyond it. Without limits: 100 passed, 0 failed. Every other outcome is not scored.",
        ),
        Fact(
            name="Score of a phase",
            text="The mean over its scored checks, a critical weighing 5, a major 3, a minor 1. "
            "“Held down by” gives the points of the 100 that each check cost.",
        ),
        Fact(name="Readiness score", text="The weighted mean of the phases. It is shown, and never decides."),
        Fact(
            name="Verdict",
            text="Rules over outcomes, not averages. "
            "CERTIFIED: everything required passed, every minimum is met. "
            "CONDITIONAL: all criticals passed; what failed is minor, waived or below a score. "
            "NOT CERTIFIED: a critical failed, or a major that is not waived. "
            "INCONCLUSIVE: something required could not be measured and nothing failed.",
        ),
        Fact(
            name="Policy of this run",
            text=f"Mode {policy.mode}; assurance at least {policy.min_assurance.value}; "
            f"minimum scores: {words.listed(minima) or 'none'}; valid {policy.validity_days} days, "
            f"conditional {policy.conditional_validity_days} days.",
        ),
    )


def environment(result: RunResult) -> tuple[Fact, ...]:
    """Return what the run was made on and with."""
    fixed = (
        Fact(name="certify", text=result.tool_version or "not stated"),
        Fact(name="Seed", text=str(result.seed)),
        Fact(name="Started", text=result.started_at),
        Fact(name="Finished", text=result.finished_at),
    )
    systems = (Fact(name=f"System ({key})", text=text) for key, text in sorted(result.systems.items()))
    return (*fixed, *systems, *(Fact(name=k, text=v) for k, v in sorted(result.environment.items())))


def digests(files: RunFiles) -> tuple[Fact, ...]:
    """Return the digests that tie this report to its evidence."""
    result = files.result
    keys = files.certificate.key_ids if files.certificate else ()
    return (
        Fact(name="Subject", text=result.subject.digest),
        Fact(name=f"Profile {result.profile.name}", text=result.profile.digest),
        Fact(name="Plan", text=result.plan_digest),
        *(Fact(name=name, text=digest) for name, digest in files.digests.items()),
        *(Fact(name="Signed by key", text=key or "unnamed") for key in keys),
    )


def verify_commands(files: RunFiles) -> tuple[str, ...]:
    """Return what to type, in the run directory, to check the certificate without trusting this report."""
    if files.certificate is None:
        return ("certify report . --format json",)
    return (
        "certify verify certificate.json",
        "certify verify certificate.json --evidence .",
    )
