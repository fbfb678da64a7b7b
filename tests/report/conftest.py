"""Run directories of every kind that a report may be asked for, made from values as the tool writes them."""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from certify import clock, report
from certify.model import codec
from certify.model.card import CheckCard
from certify.model.events import CommandSent, LawBroken, Note
from certify.model.ids import Assurance, ComponentId, Grade, Outcome, PhaseId, Severity, StopReason
from certify.model.judgement import AcceptedFailure, Rule, Verdict, VerdictPolicy
from certify.model.measure import Bound, Measurement
from certify.model.results import (
    CheckResult,
    GeneratorFitness,
    LoadPoint,
    LoadResult,
    Percentiles,
    PhaseResult,
    ProfileRef,
    Resources,
    RunResult,
    Scope,
    Subject,
)
from certify.plan import Plan, PlannedCheck, plan_bytes, plan_digest
from certify.profile.model import Performance, Safety, Threshold

START_NS = 1_769_851_800_000_000_000  # 2026-01-31T09:30:00Z
SHA = "sha256:" + "4be1" * 16

COMPONENTS = {
    "market_data": "mock",
    "broker": "mock",
    "execution": "mock",
    "paper_trading": "mock",
    "risk": "mock",
    "trade_monitor": "mock",
}

# id, title, phase, component, severity, remedy
CATALOGUE = (
    ("broker.starts", "The broker link answers within its limit", "framework", "broker", "critical"),
    (
        "execution.starts",
        "The execution engine starts, stops and starts again",
        "framework",
        "execution",
        "critical",
    ),
    (
        "paper_trading.isolated",
        "Paper orders reach no other account",
        "framework",
        "paper_trading",
        "critical",
    ),
    (
        "market_data.staleness",
        "A quote older than its limit is flagged as stale",
        "integration",
        "market_data",
        "critical",
    ),
    ("market_data.gap", "A gap in the sequence is noticed", "integration", "market_data", "critical"),
    (
        "broker.resubscribes",
        "After a lost link everything wanted is subscribed again",
        "integration",
        "broker",
        "critical",
    ),
    ("broker.heartbeat", "A silent link is noticed", "integration", "broker", "major"),
    ("execution.partial_fill", "A partial fill leaves the rest working", "trading", "execution", "critical"),
    ("execution.cancel", "A cancel ends an order once", "trading", "execution", "major"),
    (
        "execution.rounding",
        "A price off the tick is refused, never rounded silently",
        "trading",
        "execution",
        "major",
    ),
    (
        "paper_trading.go_live",
        "Going live needs met criteria and a name",
        "trading",
        "paper_trading",
        "critical",
    ),
    (
        "orders.latency",
        "Orders are answered within the limits at each level",
        "performance",
        "execution",
        "major",
    ),
    (
        "market_data.latency",
        "Quotes arrive within the limits at each level",
        "performance",
        "market_data",
        "major",
    ),
    (
        "risk.max_order_qty",
        "An order above the quantity limit is refused through every door",
        "risk",
        "risk",
        "critical",
    ),
    ("risk.kill_switch", "The kill switch cancels every order and latches", "risk", "risk", "critical"),
    ("risk.daily_loss", "A daily loss beyond the limit stops trading", "risk", "risk", "critical"),
    ("trade_monitor.alert", "An alert is raised within its limit", "risk", "trade_monitor", "major"),
    ("certify.evidence", "The evidence of the run is complete", "certification", "certify", "critical"),
)

REFERENCES = {
    "risk": ("RTS 6 Art. 15(1)(c)", "SEC 15c3-5(c)(1)(i)"),
    "trade_monitor": ("RTS 6 Art. 16(5)",),
    "execution": ("FIX 4.4 App. D",),
}


def card_of(row: tuple[str, ...]) -> CheckCard:
    return CheckCard(
        id=row[0],
        title=row[1],
        phase=PhaseId(row[2]),
        component=ComponentId(row[3]),
        severity=Severity(row[4]),
        steps=("Prepare.", "Do it.", "Look at what became of it."),
        passes_when=f"{row[1].lower()}, on every try",
        remedy=f"Look at how the {row[3].replace('_', ' ')} component handles this and compare the journal.",
        references=REFERENCES.get(row[3], ()),
        defects=("planted",),
    )


CARDS = {row[0]: card_of(row) for row in CATALOGUE}


def check_of(row: tuple[str, ...], **changes: Any) -> CheckResult:
    base = CheckResult(
        id=row[0],
        title=row[1],
        phase=PhaseId(row[2]),
        component=ComponentId(row[3]),
        severity=Severity(row[4]),
        outcome=Outcome.PASSED,
        message=f"{row[1]}: seen on each of 20 tries.",
        measurements=(Measurement(name="answer_time_p99", value=31.4, unit="ms", samples=2000),),
        limits=(Bound(name="answer_time_p99", op="<", value=50.0, unit="ms"),),
        took_ms=812.5,
        score=85.0,
    )
    return replace(base, **changes)


def points(seconds: int, rate: float, latency_ms: float, rss_mb: float) -> tuple[LoadPoint, ...]:
    return tuple(
        LoadPoint(
            at_s=float(at),
            achieved_per_s=rate * (1 - 0.01 * (at % 3)),
            p50_ms=latency_ms / 3,
            p99_ms=latency_ms * (1 + 0.1 * (at % 4)),
            errors=at % 2,
            rss_mb=rss_mb + 0.4 * at,
            cpu_percent=12 + 6 * (at % 5),
        )
        for at in range(1, seconds + 1)
    )


def load_of(
    level: str, stream: str, rate: float, p99: float | None, share_of_errors: float, **changes: Any
) -> LoadResult:
    sent = round(rate * 10)
    errors = round(sent * share_of_errors)
    base = LoadResult(
        level=level,
        stream=stream,
        offered_per_s=rate,
        achieved_per_s=rate * (1 - share_of_errors) * 0.998,
        duration_s=10.0,
        sent=sent,
        completed=sent - errors,
        errors=errors,
        error_rate=errors / sent,
        error_rate_interval=(max(0.0, errors / sent * 0.8 - 0.0004), errors / sent * 1.22 + 0.0009),
        error_classes={"rejected": errors} if errors else {},
        latency_ms=Percentiles(
            p50=p99 and p99 / 2.9,
            p90=p99 and p99 / 1.5,
            p99=p99,
            p99_9=None,
            max=p99 and p99 * 1.4,
            samples=sent,
        ),
        service_ms=Percentiles(
            p50=p99 and p99 / 3, p90=p99 and p99 / 1.6, p99=p99 and p99 / 1.1, samples=sent
        ),
        generator=GeneratorFitness(late_p99_ms=0.41, dropped=0, limited=False),
        resources=Resources(rss_mb=148.2, cpu_percent=36.0, threads=9),
        points=points(10, rate, p99 or 1.0, 140 + rate / 100),
    )
    return replace(base, **changes)


LOADS = (
    load_of("light", "market_data", 10, 1.12, 0.0),
    load_of("light", "orders", 190, 27.9, 0.011),
    load_of("medium", "market_data", 50, 1.31, 0.0),
    load_of("medium", "orders", 770, 29.4, 0.012),
    load_of("heavy", "market_data", 100, 1.9, 0.0),
    load_of("heavy", "orders", 1920, 41.7, 0.014),
)

THRESHOLDS = (
    Threshold(
        text="orders.latency.p99 < 50ms",
        level=None,
        stream="orders",
        metric="latency.p99",
        op="<",
        value=50.0,
        unit="ms",
    ),
    Threshold(
        text="orders.error_rate < 2%",
        level=None,
        stream="orders",
        metric="error_rate",
        op="<",
        value=2.0,
        unit="%",
    ),
    Threshold(
        text="heavy.market_data.latency.p99 < 5ms",
        level="heavy",
        stream="market_data",
        metric="latency.p99",
        op="<",
        value=5.0,
        unit="ms",
    ),
    Threshold(
        text="heavy.orders.throughput > 500/s",
        level="heavy",
        stream="orders",
        metric="throughput",
        op=">",
        value=500.0,
        unit="1/s",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """Everything that goes into one run directory."""

    plan: Plan
    result: RunResult
    verdict: Verdict
    journal: tuple[Any, ...] = ()
    certificate: dict[str, Any] | None = None
    cards: dict[str, CheckCard] = field(default_factory=lambda: dict(CARDS))

    def write(self, directory: Path) -> Path:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "plan.json").write_bytes(plan_bytes(self.plan))
        for name, value in (("result", self.result), ("verdict", self.verdict)):
            (directory / f"{name}.json").write_text(
                json.dumps(codec.encode(value, tag=False)), encoding="utf-8"
            )
        if self.journal:
            lines = (
                json.dumps({"n": n, "event": codec.encode(event)}) for n, event in enumerate(self.journal, 1)
            )
            (directory / "events.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        if self.certificate is not None:
            (directory / "certificate.json").write_text(json.dumps(self.certificate), encoding="utf-8")
        return directory


def envelope(predicate: dict[str, Any]) -> dict[str, Any]:
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [],
        "predicateType": "x",
        "predicate": predicate,
    }
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    return {
        "payload": payload,
        "payloadType": "application/vnd.in-toto+json",
        "signatures": [{"keyid": "c0ffee17", "sig": "AA=="}],
    }


def phases_of(checks: list[CheckResult]) -> tuple[PhaseResult, ...]:
    order = (
        Outcome.FAILED,
        Outcome.ERROR,
        Outcome.INCONCLUSIVE,
        Outcome.SKIPPED,
        Outcome.PASSED,
        Outcome.NOT_APPLICABLE,
    )
    made = []
    for phase in PhaseId:
        mine = tuple(check for check in checks if check.phase is phase)
        if mine:
            scored = [(c.severity.weight, c.score) for c in mine if c.score is not None]
            total = sum(weight for weight, _ in scored)
            score = sum(weight * value for weight, value in scored) / total if total else None
            outcome = min((c.outcome for c in mine), key=order.index)
            made.append(
                PhaseResult(
                    id=phase, outcome=outcome, score=score, checks=mine, took_ms=sum(c.took_ms for c in mine)
                )
            )
    return tuple(made)


def case_of(
    checks: list[CheckResult],
    grade: Grade,
    *,
    rules: tuple[Rule, ...] = (),
    loads: tuple[LoadResult, ...] = LOADS,
    stop: StopReason = StopReason.COMPLETED,
    **changes: Any,
) -> Case:
    phases = phases_of(checks)
    scope = Scope(
        components=COMPONENTS, out_of_scope={"broker_framework": "the profile names no registry of brokers"}
    )
    subject = Subject(name="acme-trading", version="2026.1.4+g4be1c0d", digest=SHA)
    plan = Plan(
        profile=ProfileRef(name="staging", digest=SHA),
        subject=subject,
        seed=7,
        mode="standard",
        scope=scope,
        backends=(),
        instruments=(),
        checks=tuple(
            PlannedCheck(
                id=row[0],
                title=row[1],
                phase=PhaseId(row[2]),
                component=ComponentId(row[3]),
                severity=Severity(row[4]),
            )
            for row in CATALOGUE
        ),
        performance=Performance(thresholds=THRESHOLDS),
        safety=Safety(),
        policy=VerdictPolicy(min_phase_score={"performance": 70.0}),
    )
    result = RunResult(
        run_id="20260131T093000Z-7f3a",
        profile=plan.profile,
        plan_digest=plan_digest(plan),
        subject=subject,
        assurance=Assurance.SIMULATED,
        stop=stop,
        started_at=clock.iso(START_NS),
        finished_at=clock.iso(START_NS + 96_400_000_000),
        started_at_ns=START_NS,
        finished_at_ns=START_NS + 96_400_000_000,
        seed=7,
        scope=scope,
        phases=phases,
        load=loads,
        environment={"python": "3.11.9", "platform": "Linux-6.1-x86_64", "cpus": "2"},
        systems={"mock": "reference platform 0.1.0"},
        tool_version="0.1.0",
    )
    scores = {phase.id.value: phase.score for phase in phases if phase.score is not None}
    good = grade in (Grade.CERTIFIED, Grade.CONDITIONAL)
    verdict = Verdict(
        run_id=result.run_id,
        grade=grade,
        assurance=result.assurance,
        score=sum(scores.values()) / len(scores) if scores else None,
        phase_scores=scores,
        rules=rules or HELD,
        valid_from=result.finished_at if good else None,
        expires_at="2026-05-01T09:31:36.400Z" if good else None,
        certificate=good,
    )
    base = Case(
        plan=plan,
        result=result,
        verdict=verdict,
        certificate=envelope({"grade": grade.value}) if good else None,
    )
    return replace(base, **changes)


HELD = (
    Rule(id="criticals", held=True, text="No critical check failed."),
    Rule(id="majors", held=True, text="No major check failed without a waiver."),
    Rule(id="evaluated", held=True, text="Every required check was evaluated."),
    Rule(id="phase_minima", held=True, text="Every phase reached its minimum score."),
    Rule(id="assurance", held=True, text="The assurance demanded was reached."),
)


def not_held(*broken: Rule) -> tuple[Rule, ...]:
    by_id = {rule.id: rule for rule in broken}
    return tuple(by_id.get(rule.id, rule) for rule in HELD)


def rows_but(**changed: CheckResult) -> list[CheckResult]:
    by_id = {check.id: check for check in changed.values()}
    return [by_id.get(row[0], check_of(row)) for row in CATALOGUE]


ROW = {row[0]: row for row in CATALOGUE}


def all_pass() -> Case:
    return case_of(rows_but(), Grade.CERTIFIED, loads=LOADS[-1:])


def critical_fails() -> Case:
    kill = check_of(
        ROW["risk.kill_switch"],
        outcome=Outcome.FAILED,
        message="expected 0 working orders 2 s after HALT on account DU1234567, found 3 (CERT-17, CERT-19)",
        measurements=(Measurement(name="orders_left", value=3, unit="count", samples=20),),
        limits=(Bound(name="orders_left", op="==", value=0, unit="count"),),
        score=0.0,
        evidence=(2, 9),
    )
    latency = check_of(
        ROW["orders.latency"],
        outcome=Outcome.FAILED,
        message="expected orders p99 < 50 ms at each level, was 63.2 ms at heavy",
        measurements=(Measurement(name="heavy.orders.latency.p99", value=63.2, unit="ms", samples=19200),),
        limits=(Bound(name="heavy.orders.latency.p99", op="<", value=50, unit="ms"),),
        score=0.0,
    )
    skipped = check_of(
        ROW["paper_trading.go_live"],
        outcome=Outcome.NOT_APPLICABLE,
        message="the system has no live mode",
        measurements=(),
        limits=(),
        score=None,
    )
    journal = (
        Note(at_ns=START_NS, text="start"),
        CommandSent(
            at_ns=START_NS + 1,
            port="execution",
            method="submit",
            text="CERT-17 BUY 100 AAPL.NASDAQ LIMIT 189.90 DAY",
        ),
        CommandSent(
            at_ns=START_NS + 2,
            port="execution",
            method="submit",
            text="CERT-19 BUY 100 AAPL.NASDAQ LIMIT 189.80 DAY",
        ),
        CommandSent(at_ns=START_NS + 3, port="risk", method="kill", text="HALT by certify, cancel_open=True"),
        LawBroken(
            at_ns=START_NS + 4,
            law="no_fill_after_kill",
            client_order_id="CERT-17",
            text="filled 100 at 189.90, 0.4 s after HALT, account U7654321",
        ),
    )
    rules = not_held(
        Rule(
            id="criticals",
            held=False,
            text="No critical check failed.",
            because=("risk.kill_switch",),
            cap=Grade.NOT_CERTIFIED,
        ),
        Rule(
            id="majors",
            held=False,
            text="No major check failed without a waiver.",
            because=("orders.latency",),
        ),
        Rule(
            id="phase_minima",
            held=False,
            text="Every phase reached its minimum score.",
            because=("performance 42.5 < 70",),
        ),
    )
    slow = (*LOADS[:-1], load_of("heavy", "orders", 1920, 63.2, 0.049))
    checks = rows_but(a=kill, b=latency, c=skipped)
    return case_of(checks, Grade.NOT_CERTIFIED, rules=rules, loads=slow, journal=journal)


def inconclusive() -> Case:
    limited = replace(
        LOADS[-1],
        latency_ms=Percentiles(p50=20.0, samples=40),
        generator=GeneratorFitness(late_p99_ms=212.0, dropped=1400, limited=True),
    )
    unclear = check_of(
        ROW["orders.latency"],
        outcome=Outcome.INCONCLUSIVE,
        message="the generator was late by 212 ms at heavy and dropped 1,400 calls",
        measurements=(),
        score=None,
    )
    broke = check_of(
        ROW["trade_monitor.alert"],
        outcome=Outcome.ERROR,
        message="alerts() raised KeyError: 'severity'",
        measurements=(),
        limits=(),
        score=None,
    )
    rules = not_held(
        Rule(
            id="evaluated",
            held=False,
            text="Every required check was evaluated.",
            because=("orders.latency", "trade_monitor.alert"),
        )
    )
    return case_of(
        rows_but(a=unclear, b=broke), Grade.INCONCLUSIVE, rules=rules, loads=(*LOADS[:-1], limited)
    )


def conditional() -> Case:
    waived = check_of(
        ROW["execution.rounding"],
        outcome=Outcome.FAILED,
        waived=True,
        message="expected REJECTED for 189.903, was NEW at 189.90",
        measurements=(),
        limits=(),
        score=0.0,
    )
    case = case_of(rows_but(a=waived), Grade.CONDITIONAL, loads=LOADS[:1])
    accepted = AcceptedFailure(
        check="execution.rounding", reason="fixed in 2026.2", approved_by="J. Ortiz", expires="2026-02-28"
    )
    conditions = ("execution.rounding: a price off the tick must be refused",)
    return replace(case, verdict=replace(case.verdict, conditions=conditions, waivers=(accepted,)))


def partial() -> Case:
    checks = [check_of(row) for row in CATALOGUE[:6]]
    rules = not_held(
        Rule(
            id="evaluated",
            held=False,
            text="Every required check was evaluated.",
            because=("trading", "risk"),
        )
    )
    return case_of(checks, Grade.INCONCLUSIVE, rules=rules, loads=(), stop=StopReason.PARTIAL)


def nothing() -> Case:
    return case_of([], Grade.INCONCLUSIVE, loads=(), stop=StopReason.UNAVAILABLE)


def many() -> Case:
    rows = [
        (f"{row[0]}.variant_{number:03d}", f"{row[1]} (variant {number})", *row[2:])
        for number in range(17)
        for row in CATALOGUE
    ][:300]
    checks = [
        check_of(
            row,
            outcome=Outcome.FAILED if number % 4 == 0 else Outcome.PASSED,
            message=f"expected the {number}th thing to hold on every try, "
            + "which it did not " * (number % 9),
            score=0.0 if number % 4 == 0 else 100.0,
        )
        for number, row in enumerate(rows)
    ]
    failed = tuple(check.id for check in checks if check.outcome is Outcome.FAILED)
    rules = not_held(Rule(id="criticals", held=False, text="No critical check failed.", because=failed))
    return case_of(checks, Grade.NOT_CERTIFIED, rules=rules, loads=LOADS[:1])


HOSTILE = (
    "a | b | c",
    "`code` ``more``",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</details></table><h1>owned",
    "line one\nline two\r\n# heading\n- list\n| table |",
    "[link](javascript:alert(1)) ![img](http://evil.example/x.png)",
    "@everyone fixes #12 www.evil.example",
    "{{ 7*7 }} {% for x in y %}",
    "nul\x00bell\x07esc\x1b[31m",
    "\u202ereversed\u202c \u2066isolated",
    "surrogate \ud800 and \uffff",
    "]]> --> <![CDATA[ &amp; &lt;",
    "# not a heading",
    "1. not a list",
    "\\`*_{}[]()#+-.!|~",
    "$x^2$ __bold__ ~~gone~~",
    '"quoted" \'single\' attribute="x"',
    "account DU1234567 password=hunter2",
    "",
)
"""Texts that would break out of a table, a tag, a code span or a document."""


def hostile() -> Case:
    checks = []
    for number, text in enumerate(HOSTILE):
        row = (f"execution.h{number}{text}", f"Title {text}", "trading", "execution", "major")
        failed = number % 2 == 0
        checks.append(
            check_of(
                row,
                outcome=Outcome.FAILED if failed else Outcome.INCONCLUSIVE,
                message=text,
                measurements=(Measurement(name=f"m {text}", value=1.5, unit="ms", samples=3),),
                limits=(Bound(name=f"m {text}", op="<", value=1.0, unit="ms"),),
                score=0.0 if failed else None,
                evidence=(number + 1, number + 1),
            )
        )
    rules = tuple(Rule(id=f"r{n}{t}", held=False, text=t, because=(t,)) for n, t in enumerate(HOSTILE))
    loads = tuple(
        replace(load, level=HOSTILE[n], error_classes={HOSTILE[n + 3]: 1}) for n, load in enumerate(LOADS)
    )
    case = case_of(checks, Grade.NOT_CERTIFIED, rules=rules, loads=loads)
    journal = tuple(Note(at_ns=START_NS, text=text) for text in HOSTILE)
    result = replace(
        case.result,
        subject=replace(case.result.subject, name=HOSTILE[2], version=HOSTILE[0]),
        notes=HOSTILE,
        environment={text: text for text in HOSTILE},
        scope=Scope(components={}, out_of_scope={"broker": HOSTILE[4], HOSTILE[3]: HOSTILE[1]}),
    )
    return replace(case, result=result, journal=journal, cards={})


def long_names() -> Case:
    long = "unbroken" * 30
    checks = [
        check_of(
            (f"execution.{long}{n}", f"{long} " * 6, "trading", "execution", "critical"),
            outcome=Outcome.FAILED,
            message=f"{long} " * 20,
            score=0.0,
        )
        for n in range(3)
    ]
    case = case_of(
        checks,
        Grade.NOT_CERTIFIED,
        loads=tuple(replace(load, level=f"{load.level}-{long}") for load in LOADS),
    )
    subject = replace(case.result.subject, name=long, version=long)
    return replace(case, result=replace(case.result, subject=subject))


CASES: dict[str, Callable[[], Case]] = {
    "all_pass": all_pass,
    "critical_fails": critical_fails,
    "inconclusive": inconclusive,
    "conditional": conditional,
    "partial": partial,
    "nothing": nothing,
    "many": many,
    "hostile": hostile,
    "long_names": long_names,
}


@pytest.fixture(scope="session")
def run_dirs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return case → a run directory that is never written to again."""
    base = tmp_path_factory.mktemp("runs")
    return {name: make().write(base / name) for name, make in CASES.items()}


@pytest.fixture(scope="session")
def views(run_dirs: dict[str, Path]) -> dict[str, report.ReportView]:
    return {name: report.view(report.load_run(path), CASES[name]().cards) for name, path in run_dirs.items()}


@pytest.fixture(scope="session")
def pages(views: dict[str, report.ReportView]) -> Callable[[str], str]:
    return functools.cache(lambda name: report.render_html(views[name]))


@pytest.fixture(params=sorted(CASES))
def name(request: pytest.FixtureRequest) -> str:
    """Every kind of run, one after the other."""
    return str(request.param)


@pytest.fixture
def case() -> Callable[[str], Case]:
    return lambda wanted: CASES[wanted]()


@pytest.fixture
def hostile_texts() -> tuple[str, ...]:
    return HOSTILE


@pytest.fixture
def cards() -> dict[str, CheckCard]:
    return dict(CARDS)
