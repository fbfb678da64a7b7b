"""The alert rules and the dashboard that ship: whole, and of figures that are really written."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from certify.model.fingerprint import Fingerprint
from certify.model.ids import Assurance, Outcome, StopReason
from certify.model.results import LoadResult, Percentiles, ProfileRef, RunResult, Subject
from certify.recertify.metrics import Figures, metrics_text
from certify.recertify.standing import Standing, State
from certify.recertify.state import Attempt

PLACE = Path(__file__).parents[2] / "examples" / "monitoring"
HOSTILE = 'a"} 1\nfake{x="\\'


def figures(subject: str = "desk") -> Figures:
    load = LoadResult(
        level="heavy",
        stream="orders",
        offered_per_s=100.0,
        achieved_per_s=99.0,
        duration_s=1.0,
        sent=100,
        completed=99,
        errors=1,
        error_rate=0.01,
        error_rate_interval=(0.0, 0.05),
        latency_ms=Percentiles(p99=12.5, samples=100),
    )
    result = RunResult(
        run_id="r",
        profile=ProfileRef(name="staging", digest="sha256:1"),
        plan_digest="sha256:2",
        subject=Subject(name=subject, version="1", digest="sha256:3"),
        assurance=Assurance.PAPER,
        stop=StopReason.COMPLETED,
        started_at="",
        finished_at="",
        started_at_ns=0,
        finished_at_ns=5 * 10**9,
        seed=1,
        load=(load,),
        fingerprint=Fingerprint(),
    )
    standing = Standing(
        profile="staging",
        subject=subject,
        state=State.DUE,
        reason="",
        grade="CERTIFIED",
        assurance=Assurance.PAPER,
        issued="2026-01-01T00:00:00.000Z",
        expires="2026-04-01T00:00:00.000Z",
        renew_at="2026-03-02T00:00:00.000Z",
    )
    attempt = Attempt(
        profile="staging", subject=subject, at_ns=10**18, exit_code=1, text="NOT_CERTIFIED", took_s=4.5
    )
    return Figures(standing=standing, attempt=attempt, result=result, grade="NOT_CERTIFIED")


def written(text: str) -> dict[str, float]:
    from prometheus_client.parser import text_string_to_metric_families

    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            own = sample.labels.get("state") or sample.labels.get("grade") or ""
            found[f"{sample.name} {own}".strip()] = sample.value
    return found


def test_the_figures_are_what_was_found() -> None:
    found = written(metrics_text([figures()], at_ns=10**18))
    assert found["certify_load_latency_p99_seconds"] == 0.0125
    assert found["certify_load_error_ratio"] == 0.01
    assert found["certify_run_duration_seconds"] == 5.0
    assert found["certify_renewal_failed"] == 1.0
    assert found["certify_certificate_not_after_seconds"] == 1775001600.0
    assert (found["certify_certificate_state due"], found["certify_certificate_state valid"]) == (1.0, 0.0)
    assert (found["certify_certificate_grade CERTIFIED"], found["certify_grade NOT_CERTIFIED"]) == (1.0, 1.0)


def test_a_name_cannot_make_a_figure() -> None:
    text = metrics_text([figures(HOSTILE)], at_ns=10**18)
    assert not any(line.startswith("fake") for line in text.splitlines())
    assert len(written(text)) == len(written(metrics_text([figures()], at_ns=10**18)))


@pytest.mark.parametrize("name", ["certify.rules.yml", "grafana-dashboard.json"])
def test_only_figures_that_are_written_are_asked_for(name: str) -> None:
    asked = set(re.findall(r"\bcertify_[a-z0-9_]+", (PLACE / name).read_text()))
    known = {key.split()[0] for key in written(metrics_text([figures()], at_ns=10**18))}
    assert len(asked) >= 5
    assert asked - known == set()


def test_every_alert_says_what_to_do() -> None:
    (group,) = yaml.safe_load((PLACE / "certify.rules.yml").read_text())["groups"]
    for rule in group["rules"]:
        assert rule["alert"].startswith("Certify")
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert all(rule["annotations"][key] for key in ("summary", "description"))


def test_the_dashboard_is_whole() -> None:
    board = json.loads((PLACE / "grafana-dashboard.json").read_text())
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids)) >= 8
    named = {variable["name"] for variable in board["templating"]["list"]}
    for panel in board["panels"]:
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        for target in panel["targets"]:
            used = set(re.findall(r"\$(\w+)", target["expr"]))
            assert used <= named
            assert target["expr"].count("(") == target["expr"].count(")")


def test_promtool_agrees() -> None:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("needs promtool")
    for arguments in (("check", "rules", "certify.rules.yml"), ("test", "rules", "certify.test.yml")):
        done = subprocess.run([tool, *arguments], cwd=PLACE, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_outcome_has_a_figure() -> None:
    text = metrics_text([figures()], at_ns=10**18)
    assert all(f'outcome="{outcome}"' in text for outcome in Outcome)
