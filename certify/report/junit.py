"""Renders a report as JUnit XML for continuous integration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certify.report.views import CheckView, PhaseView, ReportView

if TYPE_CHECKING:
    from junitparser import TestCase, TestSuite


def render_junit(view: ReportView) -> str:
    """Return one test suite a phase and one for the rules of the verdict.

    Failed is a failure, waived or not; error and inconclusive are errors, told apart by their
    type; skipped and not applicable are skipped.
    """
    from junitparser import JUnitXml

    document = JUnitXml(f"certify {view.title}")
    for phase in view.phases:
        document.add_testsuite(_phase(phase, view))
    document.add_testsuite(_verdict(view))
    document.update_statistics()  # type: ignore[no-untyped-call]
    raw: bytes = document.tostring()  # type: ignore[no-untyped-call]
    return raw.decode().rstrip() + "\n"


def _phase(phase: PhaseView, view: ReportView) -> TestSuite:
    suite = _suite(f"certify.{phase.id}", view)
    for check in phase.checks:
        suite.add_testcase(_check(check, phase.id))
    return suite


def _suite(name: str, view: ReportView) -> TestSuite:
    from junitparser import TestSuite

    suite = TestSuite(name)
    suite.timestamp = view.finished_at
    facts = (("run", view.run_id), ("grade", view.grade.words), ("assurance", view.assurance.words))
    for key, text in facts:
        suite.add_property(key, text)
    return suite


def _check(check: CheckView, phase: str) -> TestCase:
    from junitparser import Error, Failure, Skipped, TestCase

    case = TestCase(check.id, f"certify.{phase}", check.took_s)
    kinds = {
        "failed": Failure,
        "error": Error,
        "inconclusive": Error,
        "skipped": Skipped,
        "not_applicable": Skipped,
    }
    kind = kinds.get(check.outcome.key)
    if kind is not None:
        finding = kind(check.message, _type(check))
        if check.troubled:
            finding.text = _details(check)
        case.result = [finding]
    return case


def _type(check: CheckView) -> str:
    return f"{check.outcome.key}.{check.severity}" if check.outcome.key == "failed" else check.outcome.key


def _details(check: CheckView) -> str:
    lines = [check.title, f"expected: {check.expected}", f"actual: {check.message}"]
    lines += [
        f"measured: {m.name} {m.value} ({m.samples})"
        + (f", limit {m.limit}: {m.kept.words}" if m.kept else "")
        for m in check.measures
    ]
    lines += [f"do: {check.remedy}", *check.notes]
    if check.journal:
        lines.append(f"evidence: {check.journal.place}")
    return "\n".join(lines)


def _verdict(view: ReportView) -> TestSuite:
    from junitparser import Failure, TestCase

    suite = _suite("certify.verdict", view)
    for rule in view.rules:
        case = TestCase(rule.id, "certify.verdict", 0.0)
        if rule.held.key != "passed":
            because = ", ".join(link.text for link in rule.because)
            case.result = [Failure(f"{rule.text}: {because}" if because else rule.text, "rule")]
        suite.add_testcase(case)
    return suite
