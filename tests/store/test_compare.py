"""A comparison puts every check in the one list that it belongs in, and misses no change of the scope."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from certify.errors import UsageError
from certify.model.ids import ComponentId, Grade, Outcome, PhaseId, Severity
from certify.model.judgement import AcceptedFailure, VerdictPolicy
from certify.plan import Plan, PlannedCheck
from certify.profile.model import LoadLevel, Performance, Safety, Threshold
from certify.store.compare import Compared, compare
from certify.store.pair import pair_of

from .conftest import check, result_of, verdict_of, write_run

WAIVER = AcceptedFailure(check="a", reason="ticket 7", approved_by="Ann", expires="2026-12-31")


def compared(outcomes=(), *, policy: VerdictPolicy = VerdictPolicy(), day: int = 0, **changes) -> Compared:  # noqa: B008
    own = {
        key: changes.pop(key) for key in list(changes) if key in ("environment", "systems", "tool_version")
    }
    result = result_of(day, [*outcomes], **{"load": (), **own})
    plan = Plan(
        profile=result.profile,
        subject=result.subject,
        seed=1,
        mode="standard",
        scope=result.scope,
        backends=(),
        instruments=(),
        checks=tuple(
            PlannedCheck(id=c.id, title=c.title, phase=c.phase, component=c.component, severity=c.severity)
            for c in outcomes
        ),
        performance=Performance(),
        safety=Safety(),
        policy=policy,
    )
    return Compared(plan=replace(plan, **changes), result=result, verdict=verdict_of(result))


def lists_of(before, after) -> dict[str, list[str]]:
    found = compare(compared(before), compared(after))
    names = ("newly_failing", "still_failing", "fixed", "other_outcomes")
    return {name: [c.id for c in getattr(found, name)] for name in names if getattr(found, name)}


OUTCOMES = list(Outcome)


@pytest.mark.parametrize("before", [*OUTCOMES, None])
@pytest.mark.parametrize("after", [*OUTCOMES, None])
def test_every_pair_of_outcomes_has_one_place(before, after) -> None:
    found = lists_of([check("a", before)] if before else [], [check("a", after)] if after else [])
    bad = (Outcome.FAILED, Outcome.ERROR)
    if after in bad:
        expected = "still_failing" if before in bad else "newly_failing"
    elif before in bad and after is Outcome.PASSED:
        expected = "fixed"
    elif before == after or (before not in bad and None in (before, after)):
        expected = None
    else:
        expected = "other_outcomes"
    assert found == ({expected: ["a"]} if expected else {})


def test_a_check_that_needed_another_try_has_another_outcome() -> None:
    assert lists_of([check("a")], [check("a", flaky=True)]) == {"other_outcomes": ["a"]}


def test_nothing_differs_between_a_run_and_itself() -> None:
    run = compared([check("a"), check("b", Outcome.FAILED)])
    found = compare(run, run)
    assert found.nothing
    assert [c.id for c in found.still_failing] == ["b"]


def test_waivers_begin_end_and_are_renewed() -> None:
    renewed = replace(WAIVER, expires="2027-12-31")
    none, old, new = (compared(policy=VerdictPolicy(waivers=w)) for w in ((), (WAIVER,), (renewed,)))
    assert compare(none, old).new_waivers == (WAIVER,)
    assert compare(old, none).ended_waivers == (WAIVER,)
    found = compare(old, new)
    assert (found.new_waivers, found.ended_waivers) == ((renewed,), (WAIVER,))


def planned(**changes) -> PlannedCheck:
    base = PlannedCheck(
        id="a", title="a", phase=PhaseId.RISK, component=ComponentId.RISK, severity=Severity.MAJOR
    )
    return replace(base, **changes)


LEVEL = LoadLevel(name="heavy", duration_s=10.0, orders_per_s=100.0)
THRESHOLD = Threshold(
    text="orders.latency.p99 < 50ms",
    level=None,
    stream="orders",
    metric="latency.p99",
    op="<",
    value=50.0,
    unit="ms",
)


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ({}, {"checks": (planned(),)}, "check a"),
        ({"checks": (planned(),)}, {"checks": (planned(severity=Severity.MINOR),)}, "check a"),
        ({"checks": (planned(),)}, {"checks": (planned(waived=True),)}, "check a"),
        (
            {"checks": (planned(parameters={"within": "2s"}),)},
            {"checks": (planned(parameters={"within": "9s"}),)},
            "check a, within",
        ),
        ({}, {"performance": Performance(loads=(LEVEL,))}, "load heavy"),
        ({}, {"performance": Performance(thresholds=(THRESHOLD,))}, f"threshold {THRESHOLD.text}"),
        ({}, {"limits": {"max_order_qty": Decimal(100)}}, "limit max_order_qty"),
        ({}, {"mode": "certified"}, "mode"),
        ({}, {"seed": 2}, "seed"),
        ({}, {"partial_selection": True}, "selection"),
    ],
)
def test_what_was_asked_differently_is_told(old, new, name) -> None:
    found = compare(compared(**old), compared(**new))
    assert [change.name for change in found.scope] == [name]
    assert [change.name for change in compare(compared(**new), compared(**old)).scope] == [name]
    assert not found.nothing


def test_another_environment_is_told() -> None:
    before = compared(environment={"python": "3.11", "cores": "2"}, systems={"mock": "reference 1"})
    after = compared(environment={"python": "3.12", "cores": "2"}, systems={"mock": "reference 2"})
    told = [(c.name, c.before, c.after) for c in compare(before, after).environment]
    assert told == [("python", "3.11", "3.12"), ("system mock", "reference 1", "reference 2")]


def test_previous_is_the_run_before_of_the_same_profile_and_subject(store) -> None:
    runs = [
        write_run(store, result_of(0)),
        write_run(store, result_of(1, subject="other")),
        write_run(store, result_of(2), grade=Grade.CONDITIONAL),
        write_run(store, result_of(3, profile="quick")),
        write_run(store, result_of(4)),
    ]
    assert pair_of(store, None, None) == (runs[2], runs[4])
    assert pair_of(store, "previous", runs[2].name) == (runs[0], runs[2])
    assert pair_of(store, runs[2].name, "previous") == (runs[2], runs[0])
    assert pair_of(store, runs[1].name, None) == (runs[1], runs[4])
    with pytest.raises(UsageError, match="no run of profile staging and subject acme before it"):
        pair_of(store, "previous", runs[0].name)
    with pytest.raises(UsageError, match="previous to what"):
        pair_of(store, "previous", "previous")
