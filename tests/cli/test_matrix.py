"""The self-test's matrix: what counts as caught, and what does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from certify.cli.selftest.matrix import Case, CaseResult, Matrix, Said, SeedResult, as_json, gaps, make_cases
from certify.cli.selftest.show import case_line, print_matrix, seed_line
from certify.errors import UsageError
from certify.model.card import CheckCard
from certify.model.ids import ComponentId, Outcome, PhaseId, Severity

DEFECTS = {"late": ("comes late", "system"), "lost": ("is lost", "tool")}


def card(name: str, *defects: str) -> CheckCard:
    return CheckCard(
        id=name,
        title=name,
        phase=PhaseId.TRADING,
        component=ComponentId.EXECUTION,
        severity=Severity.MAJOR,
        steps=(),
        passes_when="",
        remedy="",
        defects=defects,
    )


CARDS = (card("x.late", "late"), card("x.both", "late", "lost"), card("x.bare"), card("x.odd", "unheard"))


def said(check: str, outcome: Outcome) -> Said:
    return Said(check=check, outcome=outcome, message="m")


def result(*outcomes: Outcome, problem: str = "") -> CaseResult:
    names = tuple(f"x.{i}" for i in range(len(outcomes)))
    case = Case(defect="late", text="comes late", where="system", claimed_by=names)
    return CaseResult(
        case=case, said=tuple(said(n, o) for n, o in zip(names, outcomes, strict=True)), problem=problem
    )


def test_each_defect_is_tried_on_the_checks_that_claim_it() -> None:
    cases = make_cases(DEFECTS, CARDS, only=(), checks=())
    assert {c.defect: c.claimed_by for c in cases} == {"late": ("x.late", "x.both"), "lost": ("x.both",)}


def test_a_check_asked_for_brings_only_its_own_defects() -> None:
    (case,) = make_cases(DEFECTS, CARDS, only=(), checks=("x.late",))
    assert (case.defect, case.claimed_by) == ("late", ("x.late",))


@pytest.mark.parametrize(("only", "checks"), [(("latte",), ()), ((), ("x.latte",))])
def test_an_unknown_name_is_refused_with_the_nearest(only, checks) -> None:
    with pytest.raises(UsageError, match=r"did you mean '(x\.)?late'"):
        make_cases(DEFECTS, CARDS, only=only, checks=checks)


def test_gaps_are_checks_without_a_defect_and_defects_without_code() -> None:
    assert gaps(DEFECTS, CARDS) == (("x.bare", "x.odd"), {"unheard": ("x.odd",)})


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.FAILED])
def test_only_failed_counts_as_caught(outcome) -> None:
    one = result(outcome)
    assert one.caught_by == ()
    assert not one.ok
    assert one.unmeasured is (outcome is Outcome.INCONCLUSIVE)
    assert case_line(one).startswith("MISSED")
    assert outcome.value in case_line(one)


def test_every_claim_has_to_come_true() -> None:
    half = result(Outcome.FAILED, Outcome.PASSED)
    assert half.caught_by == ("x.0",)
    assert [s.check for s in half.missed_by] == ["x.1"]
    assert not half.ok
    assert result(Outcome.FAILED, Outcome.FAILED).ok


def test_a_check_that_was_not_run_has_missed_it() -> None:
    case = Case(defect="late", text="", where="system", claimed_by=("x.0",))
    broken = CaseResult(case=case, problem="the run ended early")
    assert [s.message for s in broken.missed_by] == ["the run ended early"]


def test_a_defect_that_nobody_claims_is_not_caught() -> None:
    case = Case(defect="late", text="", where="system", claimed_by=())
    unclaimed = CaseResult(case=case, said=(said("x.other", Outcome.FAILED),))
    assert not unclaimed.ok
    assert case_line(unclaimed).startswith("UNCLAIMED")
    assert unclaimed.also_red == ("x.other",)


@pytest.mark.parametrize(
    "seed",
    [
        SeedResult(seed=1, checks=3, alarms=(said("x.0", Outcome.FAILED),)),
        SeedResult(seed=1, checks=3, alarms=(said("x.0", Outcome.ERROR),)),
        SeedResult(seed=1, checks=3, problem="the run ended early"),
        SeedResult(seed=1, checks=0),
    ],
)
def test_a_healthy_run_that_is_failed_or_empty_is_an_alarm(seed) -> None:
    assert not seed.ok
    assert seed_line(seed).startswith("ALARM")


GOOD = Matrix(cases=(result(Outcome.FAILED),), seeds=(SeedResult(seed=1, checks=3),))


def test_the_whole_is_good_only_when_every_part_is() -> None:
    assert GOOD.ok
    assert not replace(GOOD, never_red=("x.bare",)).ok
    assert not replace(GOOD, without_defect={"unheard": ("x.odd",)}).ok
    assert not replace(GOOD, cases=(*GOOD.cases, result(Outcome.PASSED))).ok
    assert not replace(GOOD, seeds=(SeedResult(seed=1),)).ok


def test_the_table_and_the_json_say_the_same(capsys) -> None:
    import sys

    bad = replace(GOOD, cases=(*GOOD.cases, result(Outcome.PASSED)), never_red=("x.bare",))
    print_matrix(bad, sys.stdout)
    text, data = capsys.readouterr().out, as_json(bad)
    assert "1 of 2 planted defects caught; 1 claims" in text
    assert "NEVER RED  x.bare" in text
    assert "CANNOT be trusted" in text
    assert data["ok"] is False
    assert (data["totals"]["defects"], data["totals"]["caught"]) == (2, 1)
    assert data["defects"][1]["missed_by"] == [{"check": "x.0", "outcome": "passed", "message": "m"}]
