"""Two run directories → what differs between them; pure, and told from the evidence alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from certify.evidence.files import PLAN_FILE, RESULT_FILE, VERDICT_FILE, read_json
from certify.model.comparison import CheckChange, ComparedRun, Comparison, FigureChange, ValueChange
from certify.model.ids import Outcome
from certify.model.judgement import AcceptedFailure, Verdict
from certify.model.results import CheckResult, LoadResult, RunResult
from certify.plan import Plan
from certify.store.compare_load import figures, why_not

BAD = (Outcome.FAILED, Outcome.ERROR)
NOT_PLANNED = "not planned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What is read of a run to compare it."""

    plan: Plan
    result: RunResult
    verdict: Verdict


def read_compared(run_dir: Path) -> Compared:
    """Return what is compared of a finished run.

    Raises:
        EvidenceError: a file is missing or damaged.
    """
    return Compared(
        plan=read_json(run_dir / PLAN_FILE, Plan),
        result=read_json(run_dir / RESULT_FILE, RunResult),
        verdict=read_json(run_dir / VERDICT_FILE, Verdict),
    )


def compare(before: Compared, after: Compared) -> Comparison:
    """Return what differs between an earlier and a later run.

    Raises:
        EvidenceError: a recorded histogram is damaged.
    """
    worse, better, not_compared = _loads(before.result.load, after.result.load)
    new, ended = _waivers(before.plan.policy.waivers, after.plan.policy.waivers)
    return Comparison(
        before=_named(before),
        after=_named(after),
        **_checks(before.result, after.result),
        worse=worse,
        better=better,
        not_compared=not_compared,
        new_waivers=new,
        ended_waivers=ended,
        scope=tuple(_changes(_scope(before), _scope(after))),
        environment=tuple(_changes(_environment(before.result), _environment(after.result))),
    )


def _named(run: Compared) -> ComparedRun:
    result, verdict = run.result, run.verdict
    return ComparedRun(
        run_id=result.run_id,
        finished_at=result.finished_at,
        subject=result.subject.name,
        subject_version=result.subject.version,
        subject_digest=result.subject.digest,
        profile=result.profile.name,
        grade=verdict.grade,
        assurance=verdict.assurance,
        score=verdict.score,
        partial_selection=result.partial_selection,
    )


def _checks(before: RunResult, after: RunResult) -> dict[str, Any]:
    """Return every check that changed or still fails, by the list that it belongs in."""
    old = {check.id: check for check in before.checks}
    new = {check.id: check for check in after.checks}
    found: dict[str, list[CheckChange]] = {
        name: [] for name in ("newly_failing", "still_failing", "fixed", "other_outcomes")
    }
    for name in dict.fromkeys([*new, *old]):
        kind = _kind(old.get(name), new.get(name))
        if kind is not None:
            found[kind].append(_change(old.get(name), new.get(name)))
    return {kind: tuple(changes) for kind, changes in found.items()}


def _kind(old: CheckResult | None, new: CheckResult | None) -> str | None:
    was_bad, is_bad = (check is not None and check.outcome in BAD for check in (old, new))
    if is_bad:
        return "still_failing" if was_bad else "newly_failing"
    if was_bad and new is not None and new.outcome is Outcome.PASSED:
        return "fixed"
    if old is None or new is None:
        return "other_outcomes" if was_bad else None  # the scope says what was added and left out
    return "other_outcomes" if _outcome(old) != _outcome(new) else None


def _change(old: CheckResult | None, new: CheckResult | None) -> CheckChange:
    told = new or old
    assert told is not None  # noqa: S101  # it is from one of the two
    return CheckChange(
        id=told.id,
        title=told.title,
        severity=told.severity,
        before=_outcome(old),
        after=_outcome(new),
        message=told.message,
    )


def _outcome(check: CheckResult | None) -> str:
    if check is None:
        return NOT_PLANNED
    return check.outcome.value + (" (flaky)" if check.flaky else "")


def _loads(
    before: Iterable[LoadResult], after: Iterable[LoadResult]
) -> tuple[tuple[FigureChange, ...], tuple[FigureChange, ...], tuple[str, ...]]:
    old = {(load.level, load.stream): load for load in before}
    worse: list[FigureChange] = []
    better: list[FigureChange] = []
    left_out = []
    for load in after:
        was = old.get((load.level, load.stream))
        if was is None or not (was.sent or load.sent):
            continue  # that the level is new is said by the scope
        if reason := why_not(was, load):
            left_out.append(f"{load.level} {load.stream}: {reason}")
        else:
            worse += figures(was, load)
            better += map(_turned, figures(load, was))
    return tuple(worse), tuple(better), tuple(left_out)


def _turned(change: FigureChange) -> FigureChange:
    """Return a change that was looked at backwards, the right way round."""
    return replace(
        change,
        before=change.after,
        after=change.before,
        before_interval=change.after_interval,
        after_interval=change.before_interval,
    )


def _waivers(
    before: Iterable[AcceptedFailure], after: Iterable[AcceptedFailure]
) -> tuple[tuple[AcceptedFailure, ...], tuple[AcceptedFailure, ...]]:
    """Return the waivers that are new and those that ended; one that was renewed is both."""
    old, new = tuple(before), tuple(after)
    return tuple(w for w in new if w not in old), tuple(w for w in old if w not in new)


def _scope(run: Compared) -> dict[str, str]:
    """Return everything that says what was asked of the system, by name."""
    plan = run.plan
    said = {
        "profile": f"{plan.profile.name} ({plan.profile.digest[:19]})",
        "mode": plan.mode,
        "seed": str(plan.seed),
        "selection": "a part of the plan" if plan.partial_selection else "the whole plan",
    }
    said |= {f"component {name}": backend for name, backend in plan.scope.components.items()}
    said |= {f"component {name}": f"out of scope: {why}" for name, why in plan.scope.out_of_scope.items()}
    for check in plan.checks:
        said[f"check {check.id}"] = f"planned, {check.severity}" + (", waived" if check.waived else "")
        said |= {f"check {check.id}, {name}": value for name, value in check.parameters.items()}
    said |= {f"load {load.name}": _load_text(load) for load in plan.performance.loads}
    said |= {f"threshold {threshold.text}": "held to" for threshold in plan.performance.thresholds}
    return said | {f"limit {name}": str(value) for name, value in plan.limits.items()}


def _load_text(load: Any) -> str:
    rates = f"orders {load.orders_per_s:g}/s, market data {load.market_data_per_s:g}/s"
    return f"{rates}, {load.arrival}, {load.duration_s:g} s"


def _environment(result: RunResult) -> dict[str, str]:
    systems = {f"system {backend}": said for backend, said in result.systems.items()}
    return {"certify": result.tool_version, **result.environment, **systems}


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[ValueChange]:
    for name in dict.fromkeys([*after, *before]):
        was, now = before.get(name, ""), after.get(name, "")
        if was != now:
            yield ValueChange(name=name, before=was, after=now)
