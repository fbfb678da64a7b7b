"""The view: every sentence and figure comes from the evidence, and nothing of the evidence is lost."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from certify import report
from certify.errors import EvidenceError
from certify.model.events import Note
from certify.model.ids import Outcome


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from texts(item)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from texts(getattr(value, field.name))


def test_no_text_shows_an_account_a_secret_or_a_control_character(views, name):
    everything = "\n".join(texts(views[name]))
    assert not re.search(r"DU1234567|U7654321|hunter2|[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", everything)


def test_the_counts_are_those_of_the_result(views, case, name):
    checks = case(name).result.checks
    shown = views[name]
    assert sum(int(tally.text.replace(",", "")) for tally in shown.tallies) == len(checks)
    passed = sum(check.outcome is Outcome.PASSED for check in checks)
    assert shown.headline.startswith(f"{passed} of {len(checks)} check" if checks else "No check was run.")


def test_every_check_is_shown_once_and_counted_once_in_the_matrix(views, case, name):
    shown = views[name]
    total = len(case(name).result.checks)
    assert sum(len(phase.checks) for phase in shown.phases) == total
    cells = [cell.text for row in shown.matrix.rows for cell in row.cells if cell.mark]
    assert sum(int(found) for text in cells for found in re.findall(r"\d+", text)) == total


def test_what_fails_comes_first_by_weight_with_what_to_do(views):
    shown = views["critical_fails"]
    assert [check.id for check in shown.problems] == ["risk.kill_switch", "orders.latency"]
    first = shown.problems[0]
    assert "orders_left = 0" in first.expected
    assert "found 3" in first.message
    assert first.remedy.startswith("Look at how the risk component")
    assert [rule.id for rule in shown.broken_rules] == ["criticals", "majors", "phase_minima"]
    assert shown.broken_rules[0].because[0].anchor == first.anchor
    assert shown.broken_rules[0].effect == "at best NOT CERTIFIED"


def test_an_unwaived_failure_comes_before_a_waived_critical(case, tmp_path):
    made = case("critical_fails")
    phases = tuple(
        replace(p, checks=tuple(replace(c, waived=c.id == "risk.kill_switch") for c in p.checks))
        for p in made.result.phases
    )
    directory = replace(made, result=replace(made.result, phases=phases)).write(tmp_path)
    shown = report.view(report.load_run(directory), made.cards)
    assert [check.id for check in shown.problems] == ["orders.latency", "risk.kill_switch"]


def test_everything_not_tested_is_named(views, case, name):
    made = case(name)
    named = {link.text for group in views[name].not_tested for item in group.items for link in item.what}
    done = {check.id for check in made.result.checks}
    silent = {check.id for check in made.result.checks if not check.outcome.evaluated}
    unreached = {check.id for check in made.plan.checks} - done
    assert len(named) >= len(made.result.scope.out_of_scope)
    if name != "hostile":  # there the ids are shown with their escapes
        assert silent | unreached <= named


def test_a_score_and_what_held_it_down_make_a_hundred(views):
    risk = next(score for score in views["critical_fails"].phase_scores if score.name == "Risk")
    lost = sum(float(link.text.rpartition("−")[2]) for link in risk.lost)
    assert float(risk.score) + lost == pytest.approx(100, abs=0.3)
    assert risk.lost[0].text.startswith("risk.kill_switch")


def test_a_minimum_that_is_missed_is_said(views):
    performance = next(s for s in views["critical_fails"].phase_scores if s.name == "Performance")
    assert (performance.score, performance.minimum, performance.kept.words) == ("42.5", "70", "broken")


def test_a_check_unknown_to_this_version_is_shown_whole(run_dirs):
    shown = report.view(report.load_run(run_dirs["critical_fails"]), {})
    assert "no card" in shown.problems[0].remedy
    assert shown.problems[0].message
    assert shown.trace == ()


def test_thresholds_are_judged_at_each_level_they_hold_for(views):
    found = {(t.text, t.level): (t.measured, t.kept.words) for t in views["critical_fails"].load.thresholds}
    assert found["orders.latency.p99 < 50ms", "heavy, orders"] == ("63.2 ms", "broken")
    assert found["orders.latency.p99 < 50ms", "light, orders"] == ("27.9 ms", "held")
    assert ("heavy.market_data.latency.p99 < 5ms", "light, market data") not in found


def test_a_level_that_the_generator_could_not_hold_judges_nobody(views):
    load = views["inconclusive"].load
    heavy = [t for t in load.thresholds if t.level == "heavy, orders"]
    assert {t.kept.words for t in heavy} == {"not judged: generator limited"}
    assert any("could not hold its plan at heavy, orders" in text for text in load.summary)
    cells = next(row for row in load.tables[1].rows if row[0] == "heavy, orders")
    assert cells[3] == "not enough samples"
    findings = " ".join(chart.finding for chart in load.charts)
    assert "not enough samples at heavy" in findings


def test_no_limit_is_said_to_be_broken_or_kept_where_the_generator_failed(views):
    charts = {chart.id: chart for chart in views["inconclusive"].load.charts}
    assert "broken" not in charts["throughput-orders"].finding
    assert "could not be judged" in charts["throughput-orders"].finding


def test_a_chart_says_what_it_shows(views):
    charts = {chart.id: chart for chart in views["critical_fails"].load.charts}
    assert "63.2 ms at heavy" in charts["latency-orders"].finding
    assert "The limit p99 < 50 ms is broken at heavy." in charts["latency-orders"].finding
    assert "is kept" in charts["throughput-orders"].finding
    assert charts["memory"].categories == ("light", "medium", "heavy")
    assert charts["memory"].starts == (0.0, 10.0, 20.0)


def test_no_load_no_section(views):
    assert views["partial"].load is None
    assert views["nothing"].load is None


def test_a_run_that_did_not_end_says_so(views):
    assert "killed" in views["partial"].headline
    assert views["partial"].warnings
    assert any(group.title.startswith("Not reached") for group in views["partial"].not_tested)


def test_without_a_certificate_nothing_is_issued(views):
    facts = {fact.name: fact.text for fact in views["critical_fails"].facts}
    assert (facts["Issued"], facts["Expires"]) == ("no certificate was issued",) * 2
    assert {f.name: f.text for f in views["all_pass"].facts}["Expires"] == "1 May 2026, 09:31 UTC"


def test_a_certificate_that_says_something_else_is_pointed_at(case, tmp_path):
    made = case("all_pass")
    verdict = replace(made.verdict, grade="NOT_CERTIFIED")
    shown = report.view(report.load_run(replace(made, verdict=verdict).write(tmp_path)), made.cards)
    assert any("states CERTIFIED, the verdict NOT_CERTIFIED" in text for text in shown.warnings)


def test_a_certificate_that_is_allowed_but_missing_is_pointed_at(case, tmp_path):
    made = replace(case("all_pass"), certificate=None)
    shown = report.view(report.load_run(made.write(tmp_path)), made.cards)
    assert any("there is none" in text for text in shown.warnings)


def test_waivers_are_told_with_the_days_they_have_left(views):
    (row,) = views["conditional"].waivers.rows
    assert row == (
        "execution.rounding",
        "failed",
        "fixed in 2026.2",
        "J. Ortiz",
        "2026-02-28 (28 days after the run)",
    )
    assert views["all_pass"].waivers is None


def test_a_reference_shows_the_worst_of_its_checks(views):
    rows = {row.reference: row.outcome.words for row in views["critical_fails"].trace}
    assert rows["RTS 6 Art. 15(1)(c)"] == "failed"
    assert rows["RTS 6 Art. 16(5)"] == "passed"


def test_the_journal_lines_of_a_failure_are_shown(views):
    journal = views["critical_fails"].problems[0].journal
    assert journal.place == "events.jsonl, lines 2 to 9"
    assert [line.name for line in journal.lines] == ["2", "3", "4", "5"]
    assert "LawBroken" in journal.lines[-1].text
    assert "•••321" in journal.lines[-1].text


def test_a_long_stretch_of_the_journal_is_cut_in_the_middle(case, tmp_path):
    made = case("critical_fails")
    phases = tuple(
        replace(
            p,
            checks=tuple(
                replace(c, evidence=(1, 500)) if c.id == "risk.kill_switch" else c for c in p.checks
            ),
        )
        for p in made.result.phases
    )
    journal = tuple(Note(at_ns=1, text=f"line {number}") for number in range(1, 601))
    made = replace(made, result=replace(made.result, phases=phases), journal=journal)
    shown = report.view(report.load_run(made.write(tmp_path)), made.cards).problems[0].journal
    assert [line.name for line in shown.lines] == ["1", "2", "3", "4", *map(str, range(493, 501))]
    assert shown.omitted == "488 lines in between not shown"


@pytest.mark.parametrize("missing", ["result.json", "verdict.json", "plan.json"])
def test_a_missing_file_is_named(case, tmp_path, missing):
    directory = case("all_pass").write(tmp_path)
    (directory / missing).unlink()
    with pytest.raises(EvidenceError, match=missing):
        report.load_run(directory)


@pytest.mark.parametrize("damaged", ["result.json", "verdict.json", "plan.json", "certificate.json"])
@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"payload": 1}', '{"payload": "W10="}', '{"schema": "x", "y": 1}']
)
def test_a_damaged_file_is_named(case, tmp_path, damaged, content):
    directory = case("all_pass").write(tmp_path)
    (directory / damaged).write_text(content)
    with pytest.raises(EvidenceError, match=damaged):
        report.load_run(directory)


def test_files_of_two_runs_are_refused(case, tmp_path):
    directory = case("all_pass").write(tmp_path)
    data = json.loads((directory / "verdict.json").read_text())
    (directory / "verdict.json").write_text(json.dumps({**data, "run_id": "another"}))
    with pytest.raises(EvidenceError, match="another"):
        report.load_run(directory)


def test_what_was_not_tested_for_the_same_reason_is_said_once(views):
    groups = {group.title: group.items for group in views["partial"].not_tested}
    (unreached,) = groups["Not reached before the run ended"]
    assert len(unreached.what) == 12
    (phases,) = groups["Phases without a check"]
    assert [link.text for link in phases.what] == ["Trading", "Performance", "Risk", "Certification"]
