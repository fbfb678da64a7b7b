"""A small run with everything in it, issued: journal, plan, result, verdict, artifact, certificate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner

from certify.attest.issue import issue
from certify.evidence.artifacts import store_artifact
from certify.evidence.files import (
    CERTIFICATE_FILE,
    JOURNAL_FILE,
    PLAN_FILE,
    RESULT_FILE,
    VERDICT_FILE,
    write_bytes,
    write_json,
)
from certify.evidence.journal import JournalWriter, iter_journal
from certify.model.events import (
    CheckFinished,
    CheckStarted,
    Event,
    LoadFinished,
    Note,
    PhaseFinished,
    PhaseStarted,
    RunFinished,
    RunStarted,
    SystemStarted,
)
from certify.model.fold import fold
from certify.model.ids import Assurance, ComponentId, Outcome, PhaseId, Severity, StopReason
from certify.model.judgement import Verdict, VerdictPolicy
from certify.model.measure import Bound, Measurement
from certify.model.results import LoadResult, ProfileRef, RunResult, Scope, Subject
from certify.plan import Plan, PlannedCheck, plan_bytes, plan_digest
from certify.profile.model import Performance, Safety
from certify.verdict import judge

START_NS = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z
DAY_NS = 86_400_000_000_000


@dataclass(frozen=True)
class Issued:
    run_dir: Path
    signer: CryptoSigner
    plan: Plan
    result: RunResult
    verdict: Verdict
    at_ns: int = START_NS + DAY_NS

    @property
    def certificate(self) -> Path:
        return self.run_dir / CERTIFICATE_FILE


def make_plan(policy: VerdictPolicy) -> Plan:
    check = PlannedCheck(
        id="orders.limit_rests",
        title="A limit order away from the market rests",
        phase=PhaseId.TRADING,
        component=ComponentId.EXECUTION,
        severity=Severity.CRITICAL,
    )
    return Plan(
        profile=ProfileRef(name="staging", digest="sha256:" + "1" * 64),
        subject=Subject(name="acme-trading", version="1.2.3", digest="sha256:" + "2" * 64),
        seed=2**60 + 1,
        mode="standard",
        scope=Scope(components={"execution": "mock"}, out_of_scope={"risk": "not in this profile"}),
        backends=(),
        instruments=(),
        checks=(
            check,
            replace(
                check, id="orders.ack_time", title="Orders are acknowledged in time", severity=Severity.MINOR
            ),
            replace(
                check,
                id="orders.short",
                severity=Severity.MAJOR,
                decided=Outcome.NOT_APPLICABLE,
                reason="cash accounts only – « short » is ☠",
            ),
        ),
        performance=Performance(),
        safety=Safety(),
        policy=policy,
    )


def finished(planned: PlannedCheck, at_ns: int, outcome: Outcome, latency_ms: float) -> CheckFinished:
    measured = planned.id == "orders.ack_time"
    return CheckFinished(
        at_ns=at_ns,
        id=planned.id,
        title=planned.title,
        phase=planned.phase,
        component=planned.component,
        severity=planned.severity,
        outcome=outcome,
        message=planned.reason,
        measurements=(Measurement(name="p99", value=latency_ms, unit="ms", samples=200),) if measured else (),
        limits=(Bound(name="p99", op="<", value=50.0, unit="ms"),) if measured else (),
        assurance=Assurance.PAPER,
        took_ms=12.5,
    )


def events_of(plan: Plan, latency_ms: float) -> list[Event]:
    first, second, third = plan.checks
    at = iter(range(START_NS, START_NS + 10**12, 10**9))
    load = LoadResult(
        level="light",
        stream="orders",
        offered_per_s=5.0,
        achieved_per_s=5.0,
        duration_s=2.0,
        sent=10,
        completed=10,
        errors=0,
        error_rate=0.0,
        error_rate_interval=(0.0, 0.27),
    )
    return [
        RunStarted(
            run_id="20260101-000000-staging",
            at_ns=next(at),
            seed=plan.seed,
            profile=plan.profile,
            plan_digest=plan_digest(plan),
            subject=plan.subject,
            scope=plan.scope,
            partial_selection=False,
            planned=tuple(check.id for check in plan.checks),
            tool_version="0.1.0",
        ),
        SystemStarted(
            at_ns=next(at), backend="mock", name="mock", version="1", assurance=Assurance.PAPER, pid=7
        ),
        PhaseStarted(at_ns=next(at), phase=PhaseId.TRADING, checks=3),
        CheckStarted(at_ns=next(at), id=first.id),
        Note(at_ns=next(at), text="a note – with « signs »"),
        finished(first, next(at), Outcome.PASSED, latency_ms),
        CheckStarted(at_ns=next(at), id=second.id),
        LoadFinished(at_ns=next(at), load=load),
        finished(second, next(at), Outcome.PASSED, latency_ms),
        finished(third, next(at), Outcome.NOT_APPLICABLE, latency_ms),
        PhaseFinished(at_ns=next(at), phase=PhaseId.TRADING, took_ms=7000.0),
        RunFinished(at_ns=next(at), stop=StopReason.COMPLETED),
    ]


def make_run(run_dir: Path, policy: VerdictPolicy, latency_ms: float) -> tuple[Plan, RunResult, Verdict]:
    plan = make_plan(policy)
    write_bytes(run_dir / PLAN_FILE, plan_bytes(plan))
    with JournalWriter(run_dir / JOURNAL_FILE) as journal:
        for event in events_of(plan, latency_ms):
            journal.append(event)
    store_artifact(run_dir, "logs/system.txt", b"started\n")
    result = fold(iter_journal(run_dir / JOURNAL_FILE))
    write_json(run_dir / RESULT_FILE, result)
    verdict = judge(result, policy)
    write_json(run_dir / VERDICT_FILE, verdict)
    return plan, result, verdict


@pytest.fixture
def issue_run(tmp_path: Path) -> Callable[..., Issued]:
    """Make a run, issue its certificate and return where all of it lies."""

    made = iter(range(100))

    def make(
        policy: VerdictPolicy = VerdictPolicy(),  # noqa: B008
        *,
        latency_ms: float = 20.0,
        signer: CryptoSigner | None = None,
    ) -> Issued:
        run_dir = tmp_path / f"home{next(made)}" / "runs" / "20260101-000000-staging"
        plan, result, verdict = make_run(run_dir, policy, latency_ms)
        signer = signer or CryptoSigner.generate_ed25519()
        issue(result, verdict, run_dir, signer)
        return Issued(run_dir, signer, plan, result, verdict)

    return make


@pytest.fixture
def issued(issue_run: Callable[..., Issued]) -> Issued:
    return issue_run()
