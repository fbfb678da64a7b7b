"""Laws of a whole run: its journal gives its result, its reports can be made again, its stream ends once."""

from __future__ import annotations

import base64
import json

import pytest

from certify.cli.pipeline import CARDS
from certify.evidence.files import value_bytes
from certify.model.events import CheckFinished, CheckStarted, RunFinished, RunStarted
from certify.model.fold import fold
from certify.model.ids import StopReason
from certify.report import FORMATS, load_run, render
from certify.report.write import FILES
from certify.verdict import judge
from tests.laws.conftest import QuickRun


def test_the_journal_folded_is_the_result(quick: QuickRun) -> None:
    assert value_bytes(fold(quick.journal)) == (quick.run_dir / "result.json").read_bytes()


def test_what_was_heard_is_what_was_written(quick: QuickRun) -> None:
    assert quick.heard == quick.journal


def test_the_stream_begins_and_ends_once(quick: QuickRun) -> None:
    kinds = [type(event) for event in quick.heard]
    assert (kinds[0], kinds[-1]) == (RunStarted, RunFinished)
    assert (kinds.count(RunStarted), kinds.count(RunFinished)) == (1, 1)
    assert quick.heard[-1].stop is StopReason.COMPLETED


def test_nothing_that_was_planned_is_missing(quick: QuickRun) -> None:
    planned = quick.heard[0].planned
    finished = [event.id for event in quick.heard if isinstance(event, CheckFinished)]
    assert tuple(finished) == planned
    assert {event.id for event in quick.heard if isinstance(event, CheckStarted)} <= set(planned)


def test_the_healthy_reference_system_is_never_failed(quick: QuickRun) -> None:
    wrong = [
        (event.id, event.message)
        for event in quick.heard
        if isinstance(event, CheckFinished) and event.outcome.value in ("failed", "error", "inconclusive")
    ]
    assert wrong == []


def test_the_verdict_can_be_judged_again_from_the_journal(quick: QuickRun) -> None:
    again = judge(fold(quick.journal), load_run(quick.run_dir).plan.policy)
    assert value_bytes(again) == (quick.run_dir / "verdict.json").read_bytes()


@pytest.mark.parametrize("kind", FORMATS)
def test_a_report_rendered_twice_is_the_same_bytes(quick: QuickRun, kind: str) -> None:
    first, second = (render(quick.run_dir, kind, CARDS) for _ in range(2))
    assert first == second
    file = quick.run_dir / FILES.get(kind, "none")
    assert not file.exists() or file.read_text(encoding="utf-8") == first


def test_the_certificate_says_what_the_run_stands_on(quick: QuickRun) -> None:
    result = json.loads((quick.run_dir / "result.json").read_text())
    payload = json.loads((quick.run_dir / "certificate.json").read_text())["payload"]
    said = json.loads(base64.b64decode(payload))["predicate"]["fingerprint"]
    assert said == result["fingerprint"]
    assert said["profile"] == result["profile"]["digest"]
    assert said["systems"]["mock"]["interpreter"].startswith("CPython 3.")
    assert said["systems"]["mock"]["account"] == "simulated"
