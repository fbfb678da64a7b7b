"""The report tells what differs from the last certificate, from the file beside the run and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from certify.evidence.files import write_json
from certify.model.comparison import CheckChange, ComparedRun, Comparison, FigureChange, ValueChange
from certify.model.ids import Assurance, Grade, Severity
from certify.model.judgement import AcceptedFailure
from certify.report import render

from .conftest import CARDS, SHA, all_pass


def comparison_of(run_id: str, **changes) -> Comparison:
    run = ComparedRun(
        run_id=run_id,
        finished_at="2026-01-31T09:31:36.400Z",
        subject="acme-trading",
        subject_version="2",
        subject_digest=SHA,
        profile="staging",
        grade=Grade.CERTIFIED,
        assurance=Assurance.SIMULATED,
        score=90.0,
        partial_selection=False,
    )
    before = replace(run, run_id="20260101T000000Z-staging-0001", finished_at="2026-01-01T00:00:00.000Z")
    return Comparison(before=before, after=run, **changes)


CHANGED = {
    "newly_failing": (
        CheckChange(
            id="risk.kill_switch",
            title="x",
            severity=Severity.CRITICAL,
            before="passed",
            after="failed",
            message="<script>alert(1)</script> on DU1234567",
        ),
    ),
    "worse": (
        FigureChange(
            level="heavy",
            stream="orders",
            metric="latency.p99",
            unit="ms",
            before=41.0,
            after=63.5,
            before_interval=(40.0, 43.0),
            after_interval=(61.0, 66.0),
            p_value=0.0012,
        ),
    ),
    "new_waivers": (
        AcceptedFailure(check="orders.latency", reason="ticket 7", approved_by="Ann", expires="2026-12-31"),
    ),
    "environment": (ValueChange(name="python", before="3.11", after="3.12"),),
}


@pytest.mark.parametrize("format_", ["markdown", "html"])
def test_what_differs_is_told(tmp_path, format_) -> None:
    case = all_pass()
    run_dir = case.write(tmp_path / "run")
    write_json(run_dir / "comparison.json", comparison_of(case.result.run_id, **CHANGED))
    text = render(run_dir, format_, CARDS)
    assert "Difference to the last certificate" in text
    assert "Since the certificate of 1 January 2026" in text
    for told in ("newly failing", "63.5 ms", "p = 0.0012", "until 2026-12-31", "3.12"):
        assert told in text, told
    assert "<script>alert" not in text
    assert "DU1234567" not in text
    assert render(run_dir, format_, CARDS) == text


@pytest.mark.parametrize("format_", ["markdown", "html"])
def test_nothing_that_differs_is_said_and_no_comparison_is_no_section(tmp_path, format_) -> None:
    case = all_pass()
    run_dir = case.write(tmp_path / "run")
    assert "last certificate" not in render(run_dir, format_, CARDS)
    write_json(run_dir / "comparison.json", comparison_of(case.result.run_id))
    assert "nothing differs" in render(run_dir, format_, CARDS)
    write_json(run_dir / "comparison.json", comparison_of("another run"))
    assert "last certificate" not in render(run_dir, format_, CARDS)
