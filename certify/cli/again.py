"""Runs that begin from an earlier one: go on where it was interrupted, or repeat what did not pass."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from certify.cli.pipeline import (
    Listen,
    Outcome,
    conclude,
    leaving_at_once,
    load,
    open_bench,
    refuse_live,
    stands_on,
)
from certify.cli.request import Selection, read_request
from certify.engine.runner import execute
from certify.errors import EvidenceError, UsageError
from certify.evidence.files import JOURNAL_FILE, PLAN_FILE
from certify.evidence.journal import read_journal
from certify.model import codec
from certify.model import ids as model_ids
from certify.model.events import CheckFinished
from certify.model.fingerprint import Fingerprint, changes
from certify.model.fold import fold
from certify.model.ids import StopReason
from certify.model.results import RunResult
from certify.phases.catalogue import BY_ID
from certify.plan import Plan
from certify.profile.model import Profile
from certify.profile.subject import subject_of

SETTLED = (model_ids.Outcome.PASSED, model_ids.Outcome.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A run as its directory tells it."""

    run_dir: Path
    plan: Plan
    result: RunResult
    done: frozenset[str]
    """Checks with an outcome."""


def read_earlier(run_dir: Path) -> Earlier:
    """Return an earlier run.

    Raises:
        EvidenceError: its plan or journal is missing, damaged, or they do not belong together.
    """
    try:
        plan = codec.decode(Plan, json.loads((run_dir / PLAN_FILE).read_bytes()))
    except (OSError, ValueError) as error:
        raise EvidenceError(f"{run_dir / PLAN_FILE}: expected the plan of a run, was {error}") from error
    events = read_journal(run_dir / JOURNAL_FILE).events
    done = frozenset(event.id for event in events if isinstance(event, CheckFinished))
    return Earlier(run_dir=run_dir, plan=plan, result=fold(events), done=done)


def resume_run(run_dir: Path, listen: Listen, *, live: bool = False) -> Outcome:
    """Go on with an interrupted run in its own directory; checks with an outcome are not run again.

    Raises:
        UsageError: the run was completed, what it runs on has changed since, or it was a live one and
            `live` does not say so again.
        EvidenceError: the run directory is damaged.
    """
    earlier = read_earlier(run_dir)
    if earlier.result.stop is StopReason.COMPLETED:
        raise UsageError(f"{run_dir.name} was completed: there is nothing to resume (--rerun-failed?)")
    profile = load(read_request(run_dir))
    _refuse_changed(earlier.plan, profile)
    if earlier.plan.safety.live and not live:
        raise UsageError(f"{run_dir.name} was told --live: expected it again before it goes on")
    plan, run_id = earlier.plan, earlier.result.run_id
    with open_bench(profile, run_dir / "logs", plan.backends) as bench, leaving_at_once(bench):
        refuse_live(plan, bench)
        now = stands_on(plan, bench)
        _refuse_moved(earlier.result.fingerprint, now)
        for name in ("result.json", "verdict.json", "certificate.json"):
            (run_dir / name).unlink(missing_ok=True)
        stream = execute(
            plan,
            bench,
            run_id=run_id,
            run_dir=run_dir,
            catalogue=BY_ID,
            done=earlier.done,
            stands_on=now,
        )
        listen(stream, plan)
    return conclude(plan, run_dir)


def _refuse_changed(plan: Plan, profile: Profile) -> None:
    """Refuse to mix two subjects, two profiles or two catalogues in one run."""
    now = subject_of(profile.subject, Path.cwd())
    unknown = sorted({check.id for check in plan.checks} - set(BY_ID))
    for what, was, found in (
        ("profile", plan.profile.digest, profile.digest),
        ("subject", plan.subject.digest, now.digest),
        ("catalogue", "", ", ".join(unknown)),
    ):
        if was != found:
            raise UsageError(f"the {what} has changed since the run began ({was} → {found}): run again")


def _refuse_moved(was: Fingerprint | None, now: Fingerprint) -> None:
    """Refuse to go on where another interpreter, library or gateway stands behind the same subject."""
    for change in changes(was, now) if was is not None else ():
        raise UsageError(f"{change} since the run began: run again")


def failed_again(run_dir: Path) -> Selection:
    """Return the selection that repeats what did not pass in a run.

    Raises:
        UsageError: everything passed.
    """
    earlier = read_earlier(run_dir)
    left = tuple(check.id for check in earlier.result.checks if check.outcome not in SETTLED)
    if not left:
        raise UsageError(f"{run_dir.name}: everything passed: there is nothing to run again")
    return replace(read_request(run_dir), checks=left, phases=())
