"""JUnit, JSON, Prometheus and the files in the run directory."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from certify import report
from certify.errors import UsageError
from certify.model.ids import Outcome


def test_junit_keeps_the_outcomes_apart(views, case, name):
    root = ET.fromstring(report.render_junit(views[name]))
    tally = Counter(check.outcome for check in case(name).result.checks)
    suites = [suite for suite in root if suite.get("name") != "certify.verdict"]
    cases = [one for suite in suites for one in suite.iter("testcase")]
    kinds = Counter(child.tag for one in cases for child in one)
    assert len(cases) == sum(tally.values())
    assert kinds["failure"] == tally[Outcome.FAILED]
    assert kinds["error"] == tally[Outcome.ERROR] + tally[Outcome.INCONCLUSIVE]
    assert kinds["skipped"] == tally[Outcome.SKIPPED] + tally[Outcome.NOT_APPLICABLE]
    types = Counter(child.get("type") for one in cases for child in one if child.tag == "error")
    assert types["inconclusive"] == tally[Outcome.INCONCLUSIVE]


def test_junit_fails_by_the_rules_of_the_verdict(views):
    root = ET.fromstring(report.render_junit(views["critical_fails"]))
    verdict = next(suite for suite in root if suite.get("name") == "certify.verdict")
    assert [one.get("name") for one in verdict.iter("testcase") if len(one)] == [
        "criticals",
        "majors",
        "phase_minima",
    ]
    failure = next(root.iter("failure"))
    assert "expected: " in failure.text
    assert "do: Look at" in failure.text


def test_junit_survives_any_text(views):
    root = ET.fromstring(report.render_junit(views["hostile"]))
    messages = [finding.get("message") for finding in root.iter("failure")]
    assert "</details></table><h1>owned" in messages
    assert any("\\u202e" in message for message in messages)


def samples(text: str) -> dict[tuple[str, frozenset[str]], float]:
    return {
        (sample.name, frozenset(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: dict[tuple[str, frozenset[str]], float], name: str, *labels: str) -> float | None:
    return next((v for (n, have), v in found.items() if n == name and set(labels) <= have), None)


def test_prometheus_says_the_grade_the_dates_and_the_load(views):
    good = samples(report.render_prometheus(views["all_pass"]))
    assert value(good, "certify_grade", "CERTIFIED") == 1
    assert value(good, "certify_grade", "NOT_CERTIFIED") == 0
    assert value(good, "certify_assurance", "simulated") == 1
    assert value(good, "certify_certificate_not_after_seconds") == pytest.approx(1777627896.4)
    assert value(good, "certify_checks", "passed") == 18
    assert value(good, "certify_load_latency_p99_seconds", "heavy", "orders") == pytest.approx(0.0417)


def test_prometheus_has_no_sample_for_what_is_not_known(views):
    found = samples(report.render_prometheus(views["inconclusive"]))
    assert value(found, "certify_certificate_not_after_seconds") is None
    assert value(found, "certify_load_latency_p99_seconds", "heavy", "orders") is None
    assert value(found, "certify_load_generator_limited", "heavy", "orders") == 1


def test_prometheus_can_be_read_whatever_the_names(views, name):
    assert samples(report.render_prometheus(views[name]))


def test_json_is_the_evidence_with_accounts_masked(run_dirs, case):
    data = json.loads(report.render(run_dirs["critical_fails"], "json", {}))
    assert data["schema"] == "certify/report/1"
    assert data["result"]["run_id"] == case("critical_fails").result.run_id
    assert data["verdict"]["grade"] == "NOT_CERTIFIED"
    assert "DU1234567" not in json.dumps(data)
    assert data["digests"]["result.json"].startswith("sha256:")


def test_an_unknown_format_is_a_usage_error(run_dirs):
    with pytest.raises(UsageError, match="markdown, html"):
        report.render(run_dirs["all_pass"], "pdf", {})


@pytest.mark.parametrize("kind", report.FORMATS)
def test_rendering_twice_gives_the_same_bytes(run_dirs, cards, case, tmp_path, kind):
    elsewhere = case("conditional").write(tmp_path / "somewhere else")
    first = report.render(run_dirs["conditional"], kind, cards)
    assert report.render(elsewhere, kind, cards) == first
    assert str(tmp_path) not in first


def test_everything_is_written_and_written_again_the_same(case, cards, tmp_path):
    directory = case("all_pass").write(tmp_path)
    written = report.write_all(directory, cards)
    before = {path: path.read_bytes() for path in written}
    names = {str(path.relative_to(directory)) for path in written}
    assert {"report.md", "report.html", "junit.xml", "metrics.prom", "charts/latency-orders.png"} <= names
    assert all(content.startswith(b"\x89PNG") for path, content in before.items() if path.suffix == ".png")
    assert report.write_all(directory, cards) == written
    assert {path: path.read_bytes() for path in written} == before
    assert [path for path in directory.rglob(".*") if path.is_file()] == []


def test_the_same_bytes_in_another_process(case, cards, tmp_path):
    directory = case("all_pass").write(tmp_path)
    code = (
        "import hashlib, pathlib, sys; from certify import report;"
        "print(hashlib.sha256(report.render(pathlib.Path(sys.argv[1]), 'html', {}).encode()).hexdigest())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code, str(directory)],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C", "MPLCONFIGDIR": str(tmp_path / "mpl")},
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    ]
    assert runs[0] == runs[1]


def test_heavy_libraries_wait_until_they_are_needed():
    heavy = "{'matplotlib', 'pandas', 'jinja2', 'junitparser'}"
    code = f"import sys, certify.report; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_nothing_is_read_but_the_run_directory(case, cards, tmp_path: Path, monkeypatch):
    directory = case("all_pass").write(tmp_path / "run")
    style = tmp_path / "matplotlibrc"
    style.write_text("font.size: 40\naxes.facecolor: red\n")
    first = report.render(directory, "html", cards)
    import matplotlib as mpl

    with mpl.rc_context(fname=style):
        assert report.render(directory, "html", cards) == first
