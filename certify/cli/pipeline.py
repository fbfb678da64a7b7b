"""One way through: profile → plan → events → result → verdict → certificate → reports.

Each step writes its value into the run directory, so that every later command starts there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from certify import clock
from certify.attest.issue import issue
from certify.cli.external import gateway_versions
from certify.cli.gateways import gateway_opener
from certify.cli.request import Selection, write_request
from certify.cli.signing import signing_key
from certify.engine.bench import Bench
from certify.engine.environment import fingerprint
from certify.engine.runner import execute, new_run_id
from certify.engine.stream import EventStream
from certify.errors import SystemUnavailable, UsageError
from certify.evidence.files import write_bytes, write_json
from certify.evidence.journal import read_journal
from certify.model.fingerprint import Fingerprint
from certify.model.fold import fold
from certify.model.ids import Assurance
from certify.model.judgement import Verdict
from certify.model.results import RunResult, Subject
from certify.phases.catalogue import BY_ID, CATALOGUE
from certify.plan import BackendPlan, Plan, SystemFacts, backend_plans, make_plan, plan_bytes
from certify.profile.load import load_profile
from certify.profile.model import Profile
from certify.profile.subject import subject_of
from certify.profile.vocabulary import Vocabulary
from certify.report import write_all
from certify.store.retention import write_retention
from certify.store.runs import RunStore
from certify.store.since import write_comparison
from certify.verdict import judge

CARDS = {check.card.id: check.card for check in CATALOGUE}
Listen = Callable[[EventStream, Plan], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run came to, and where its files are."""

    run_dir: Path
    plan: Plan
    result: RunResult
    verdict: Verdict
    certificate: Path | None
    reports: tuple[Path, ...]


def vocabulary() -> Vocabulary:
    """Return the names that a profile is held to: those of the catalogue."""
    return Vocabulary.of(CARDS.values())


def load(selection: Selection) -> Profile:
    """Return the profile that was asked for, held to the catalogue's names.

    Raises:
        ProfileError: with file, line and column.
    """
    overrides = list(selection.overrides)
    if selection.seed is not None:
        overrides.append(f"seed={selection.seed}")
    profile = load_profile(selection.profile, overrides, known=vocabulary())
    return replace(profile, safety=replace(profile.safety, live=selection.live))


def open_bench(profile: Profile, log_dir: Path, backends: Sequence[BackendPlan] | None = None) -> Bench:
    """Return the bench with every system of the profile launched, not started.

    Raises:
        SystemUnavailable: one cannot be made; says where its log is.
    """
    paths = dict.fromkeys([str(Path(profile.path).resolve().parent), str(Path.cwd())])
    bench = Bench(
        backends or backend_plans(profile), log_dir, tuple(paths), open_gateway=gateway_opener(profile)
    )
    try:
        bench.launch()
    except BaseException as error:
        bench.close()
        if isinstance(error, SystemUnavailable):
            raise SystemUnavailable(f"{error} (log: {log_dir})") from error
        raise
    return bench


def plan_on(
    bench: Bench | None,
    profile: Profile,
    *,
    phases: Sequence[str] = (),
    checks: Sequence[str] = (),
    subject: Subject | None = None,
) -> Plan:
    """Return the plan, with what the launched systems say of themselves; without a bench, without it."""
    return make_plan(
        profile,
        tuple(CARDS.values()),
        {} if bench is None else _facts(bench),
        phases=phases,
        only=checks,
        subject=subject or subject_of(profile.subject, Path.cwd()),
        today=clock.utc(clock.now_ns()).date(),
    )


def _facts(bench: Bench) -> dict[str, SystemFacts]:
    facts = {}
    for session in bench.sessions:
        if session.info is not None and session.facts is not None:
            facts[session.backend.key] = SystemFacts(info=session.info, methods=session.facts.methods)
    return facts


def certify_run(selection: Selection, store: RunStore, listen: Listen) -> Outcome:
    """Do everything that `certify run` does; `listen` consumes the events while it runs.

    Raises:
        UsageError: the profile or the selection is wrong; nothing was run, no directory was made.
        SystemUnavailable: a system cannot be made; nothing was run.
    """
    profile = load(selection)
    subject = subject_of(profile.subject, Path.cwd())  # once: it may be many files
    asked = plan_on(None, profile, phases=selection.phases, checks=selection.checks, subject=subject)
    if not asked.partial_selection:
        signing_key()  # one that cannot sign is better found before the run than after it
    run_id = new_run_id(profile.name)
    run_dir = store.create(run_id)
    with open_bench(profile, run_dir / "logs") as bench, leaving_at_once(bench):
        plan = plan_on(bench, profile, phases=selection.phases, checks=selection.checks, subject=subject)
        refuse_live(plan, bench)
        write_request(selection, run_dir)
        write_retention(run_dir, profile.policy.retention_days)
        write_bytes(run_dir / "plan.json", plan_bytes(plan))
        stream = execute(
            plan, bench, run_id=run_id, run_dir=run_dir, catalogue=BY_ID, stands_on=stands_on(plan, bench)
        )
        listen(stream, plan)
    return conclude(plan, run_dir)


def stands_on(plan: Plan, bench: Bench) -> Fingerprint:
    """Return what a run of this plan stands on, asked of its launched systems and their gateways."""
    return fingerprint(plan, bench.sessions, gateway_versions(plan.backends))


class leaving_at_once:  # noqa: N801 - a context manager, read as a phrase
    """Ends every system without ceremony when the person does not want to wait."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def __enter__(self) -> None:
        """Nothing to begin."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Kill what runs after an interrupt; the orderly end is the bench's own."""
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            for session in self._bench.sessions:
                session.stop("left at once", graceful=False)


def refuse_live(plan: Plan, bench: Bench) -> None:
    """Refuse a live account unless told twice.

    Raises:
        UsageError: a system says that it is live, and the profile or the command line does not allow it.
    """
    allowed = plan.safety.allow_live and plan.safety.live
    for session in bench.sessions:
        if session.assurance is Assurance.LIVE and not allowed:
            raise UsageError(
                f"{session.backend.key} says it is LIVE: expected `safety.allow_live: true` in the profile "
                "and --live on the command line, both, before anything touches a live account"
            )


def conclude(plan: Plan, run_dir: Path) -> Outcome:
    """Fold, judge, certify and report a run from its journal; writes every file but the journal."""
    result = fold(read_journal(run_dir / "events.jsonl").events)
    verdict = judge(result, plan.policy)
    write_json(run_dir / "result.json", result)
    write_json(run_dir / "verdict.json", verdict)
    certificate = issue(result, verdict, run_dir, signing_key()) if verdict.certificate else None
    write_comparison(RunStore(run_dir.parent.parent), run_dir)
    reports = write_all(run_dir, CARDS)
    return Outcome(
        run_dir=run_dir,
        plan=plan,
        result=result,
        verdict=verdict,
        certificate=certificate,
        reports=tuple(reports),
    )
