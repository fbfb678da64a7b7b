from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from certify.adapter.contract import PORTS
from certify.errors import UsageError
from certify.model import codec
from certify.model.card import CheckCard, Parameter
from certify.model.ids import Assurance, ComponentId, Mode, Outcome, PhaseId, Severity
from certify.model.results import Subject
from certify.model.trading import Environment, Instrument, SystemInfo
from certify.plan import Plan, PlannedCheck, SystemFacts, backend_plans, make_plan, plan_bytes, plan_digest
from certify.profile.model import CheckOverride, ComponentSpec, Policy, Profile, SubjectSpec, Waiver

TODAY = date(2026, 6, 1)
SUBJECT = Subject(name="acme", version="1", digest="sha256:00")
MOCK = ComponentSpec(backend="mock")


def card(id: str = "market_data.quotes", **terms: Any) -> CheckCard:  # noqa: A002 - the field's own name
    values: dict[str, Any] = {
        "title": "It is so",
        "phase": PhaseId.INTEGRATION,
        "component": ComponentId(id.partition(".")[0]),
        "severity": Severity.MAJOR,
        "steps": ("look",),
        "passes_when": "it is so",
        "remedy": "make it so",
    }
    return CheckCard(id=id, **{**values, **terms})


def profile(**terms: Any) -> Profile:
    values: dict[str, Any] = {
        "name": "p",
        "path": "p.yaml",
        "digest": "sha256:11",
        "subject": SubjectSpec(name="acme"),
        "components": dict.fromkeys(PORTS, MOCK),
        "phases": tuple(phase.value for phase in PhaseId),
        "instruments": (Instrument("A", tick=Decimal("0.01")),),
        "limits": {"max_order_qty": Decimal(5)},
        "seed": 3,
    }
    return Profile(**{**values, **terms})


def system(environment: Environment = Environment.SIMULATED, **capabilities: bool | str) -> SystemFacts:
    claims = {name.replace("__", "."): claim for name, claim in capabilities.items()}
    info = SystemInfo("toy", "1", environment, claims)
    return SystemFacts(info=info, methods=dict.fromkeys(PORTS, ("subscribe", "submit")))


def plan_of(
    made: Profile, *cards: CheckCard, facts: Mapping[str, SystemFacts] | None = None, **terms: Any
) -> Plan:
    return make_plan(
        made, cards, {"mock": system()} if facts is None else facts, subject=SUBJECT, today=TODAY, **terms
    )


def only_check(
    made: Profile, the_card: CheckCard, facts: Mapping[str, SystemFacts] | None = None
) -> PlannedCheck:
    (check,) = plan_of(made, the_card, facts=facts).checks
    return check


# -- backends


def test_components_that_are_alike_share_a_process() -> None:
    own = ComponentSpec(backend="python", adapter="a:create", options={"x": 1})
    other = replace(own, options={"x": 2})
    components = {"market_data": own, "broker": MOCK, "execution": own, "risk": other, "trade_monitor": MOCK}
    plans = backend_plans(profile(components=components))
    assert [(plan.key, plan.ports) for plan in plans] == [
        ("python", ("market_data", "execution")),
        ("mock", ("broker", "trade_monitor")),
        ("python-2", ("risk",)),
    ]
    assert [plan.adapter for plan in plans] == ["a:create", "certify.backends.mock:create", "a:create"]


def test_the_reference_gets_the_profile_s_facts() -> None:
    spec = ComponentSpec(backend="mock", options={"seed": 9, "reject_rate": "0.05"})
    (plan,) = backend_plans(profile(components={"risk": spec}))
    rows = [{"id": "A", "kind": "STK", "currency": "USD", "tick": "0.01", "lot": "1", "multiplier": "1"}]
    assert plan.options == {
        "seed": 3, "reject_rate": "0.05", "instruments": rows, "limits": {"max_order_qty": "5"},
    }  # fmt: skip


def test_a_user_s_own_options_win() -> None:
    spec = ComponentSpec(
        backend="python", adapter="a:create", options={"seed": 9, "limits": None, "own": True}
    )
    (plan,) = backend_plans(profile(components={"risk": spec}))
    assert (plan.options["seed"], plan.options["limits"], plan.options["own"]) == (9, None, True)
    assert plan.options["instruments"][0]["id"] == "A"


def test_nothing_in_scope_is_refused() -> None:
    with pytest.raises(UsageError, match="no component in scope"):
        backend_plans(profile(components={}))


def test_a_backend_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="'fix' is not in this version"):
        backend_plans(profile(components={"broker": ComponentSpec(backend="fix")}))


# -- what is in the plan


def test_phases_in_order_and_the_catalogue_s_order_inside() -> None:
    cards = (
        card("risk.b", phase=PhaseId.RISK),
        card("market_data.z"),
        card("market_data.a"),
        card("certify.fit", component=ComponentId.CERTIFY, phase=PhaseId.FRAMEWORK),
    )
    assert [c.id for c in plan_of(profile(), *cards).checks] == [
        "certify.fit", "market_data.z", "market_data.a", "risk.b",
    ]  # fmt: skip


def test_what_is_out_of_scope_is_not_in_the_plan() -> None:
    made = profile(
        components={"market_data": MOCK}, out_of_scope={"risk": "not in the profile"}, phases=("integration",)
    )
    plan = plan_of(made, card(), card("risk.x"), card("market_data.other", phase=PhaseId.TRADING))
    assert [check.id for check in plan.checks] == ["market_data.quotes"]
    assert plan.scope.components == {"market_data": "mock"}
    assert plan.scope.out_of_scope == {"risk": "not in the profile"}
    assert not plan.partial_selection


def test_a_selection_is_partial_only_when_it_cuts() -> None:
    cards = (card(), card("risk.x", phase=PhaseId.RISK))
    assert not plan_of(profile(), *cards, phases=("risk", "integration")).partial_selection
    by_phase = plan_of(profile(), *cards, phases=("risk",))
    by_id = plan_of(profile(), *cards, only=("risk.x",))
    assert by_phase.partial_selection
    assert [c.id for c in by_phase.checks] == [c.id for c in by_id.checks] == ["risk.x"]


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"phases": ("rsk",)}, "unknown phase 'rsk': did you mean 'risk'?"),
        ({"phases": ("trading",)}, "phase trading is not run by profile 'p'"),
        (
            {"only": ("market_data.quote",)},
            "unknown check 'market_data.quote': did you mean 'market_data.quotes'?",
        ),
        ({"only": ("broker.x",)}, "check broker.x is out of scope"),
        ({"phases": ("risk",), "only": ("market_data.quotes",)}, "no check belongs"),
    ],
)
def test_a_selection_of_nothing_is_refused(terms: dict[str, Any], words: str) -> None:
    made = profile(components={"market_data": MOCK, "risk": MOCK}, phases=("integration", "risk"))
    with pytest.raises(UsageError) as caught:
        plan_of(made, card(), card("broker.x"), card("risk.x", phase=PhaseId.RISK), **terms)
    assert words in str(caught.value)


# -- what is decided


def test_a_check_is_run_unless_something_is_known_against_it() -> None:
    check = only_check(profile(), card(needs=("market_data.trades",), methods=("market_data.subscribe",)))
    assert (check.decided, check.reason) == (None, "")


def test_a_stated_reason_makes_it_not_applicable() -> None:
    facts = {"mock": system(market_data__trades="quotes only")}
    check = only_check(profile(), card(needs=("market_data.trades",)), facts)
    assert check.decided is Outcome.NOT_APPLICABLE
    assert check.reason == "the system declares market_data.trades: quotes only"


@pytest.mark.parametrize("claim", [True, False, "", "  "])
def test_without_a_reason_it_is_run(claim: bool | str) -> None:
    facts = {"mock": system(market_data__trades=claim)}
    assert only_check(profile(), card(needs=("market_data.trades",)), facts).decided is None


def test_a_reason_counts_only_where_the_check_looks() -> None:
    components = {"market_data": ComponentSpec(backend="python", adapter="a:create"), "execution": MOCK}
    facts = {"python": system(orders__stop="no"), "mock": system()}
    check = card("execution.stop", needs=("orders.stop",))
    assert only_check(profile(components=components), check, facts).decided is None
    both = replace(check, ports=("market_data", "execution"))
    assert only_check(profile(components=components), both, facts).decided is Outcome.NOT_APPLICABLE


def test_a_port_that_is_in_scope_but_missing() -> None:
    facts = {"mock": SystemFacts(info=system().info, methods={"execution": ("submit",)})}
    check = only_check(profile(), card(), facts)
    assert (check.decided, check.reason) == (Outcome.NOT_APPLICABLE, "the system has no port market_data")
    framework = card(phase=PhaseId.FRAMEWORK)
    assert only_check(profile(), framework, facts).decided is None


def test_a_check_that_needs_a_component_out_of_scope() -> None:
    made = profile(components={"market_data": MOCK})
    check = only_check(made, card(ports=("market_data", "execution")))
    assert check.decided is Outcome.NOT_APPLICABLE
    assert check.reason == "needs execution, which is out of scope: not in the profile"
    assert only_check(made, card(methods=("risk.precheck",))).decided is Outcome.NOT_APPLICABLE


def test_a_missing_optional_method() -> None:
    check = only_check(profile(), card(methods=("market_data.inject",)))
    assert check.decided is Outcome.NOT_APPLICABLE
    assert check.reason == "the system has no method market_data.inject"


def test_nothing_is_decided_by_a_system_that_nobody_looked_at() -> None:
    check = card(needs=("market_data.trades",), methods=("market_data.inject",), destructive=True)
    assert only_check(profile(), check, {}).decided is None


def test_modes_and_skips() -> None:
    check = only_check(profile(mode=Mode.QUICK), card(modes=("standard", "certified")))
    assert (check.decided, check.reason) == (Outcome.SKIPPED, "not in mode quick")
    policy = Policy(checks={"market_data.quotes": CheckOverride(skip="no data", severity="minor")})
    check = only_check(profile(policy=policy), card())
    assert (check.decided, check.reason) == (Outcome.SKIPPED, "the profile skips it: no data")
    assert check.severity is Severity.MINOR


def test_nothing_is_broken_on_purpose_against_a_live_account() -> None:
    facts = {"mock": system(Environment.LIVE)}
    assert only_check(profile(), card(destructive=True), facts).decided is Outcome.SKIPPED
    assert only_check(profile(), card(), facts).decided is None
    assert only_check(profile(), card(destructive=True)).decided is None


# -- parameters, waivers, policy


def test_parameters_are_the_card_s_then_the_profile_s_then_the_check_s() -> None:
    names = [Parameter(name=name, default="1s", text="…") for name in "abc"]
    made = profile(
        parameters={
            "integration.market_data": {"b": "2s", "c": "2s", "unknown": "9"},
            "risk.market_data": {"a": "9s"},
        },
        policy=Policy(checks={"market_data.quotes": CheckOverride(parameters={"c": "3s"})}),
    )
    assert only_check(made, card(parameters=tuple(names))).parameters == {"a": "1s", "b": "2s", "c": "3s"}


def test_a_waiver_holds_until_its_last_day() -> None:
    waiver = Waiver(check="market_data.quotes", reason="r", approved_by="Ann", expires="2026-06-01")
    assert only_check(profile(policy=Policy(waivers=(waiver,))), card()).waived
    assert not only_check(profile(policy=Policy(waivers=(waiver,))), card("market_data.other")).waived
    old = replace(waiver, expires="2026-05-31")
    with pytest.raises(UsageError, match="expired on 2026-05-31"):
        plan_of(profile(policy=Policy(waivers=(old,))), card())


def test_the_policy_goes_into_the_plan() -> None:
    policy = Policy(validity_days=10, min_assurance=Assurance.PAPER, min_phase_score={"risk": 80.0})
    found = plan_of(profile(policy=policy, mode=Mode.CERTIFIED), card()).policy
    assert (found.mode, found.validity_days, found.min_assurance) == ("certified", 10, Assurance.PAPER)
    assert found.min_phase_score == {"risk": 80.0}


def test_a_plan_survives_its_file_and_has_an_identity() -> None:
    plan = plan_of(profile(), card(), card("risk.x", phase=PhaseId.RISK))
    assert codec.decode(Plan, codec.encode(plan, tag=False)) == plan
    assert plan_bytes(plan).endswith(b"\n")
    assert plan_digest(plan) == plan_digest(plan_of(profile(), card(), card("risk.x", phase=PhaseId.RISK)))
    assert plan_digest(plan) != plan_digest(
        plan_of(profile(seed=4), card(), card("risk.x", phase=PhaseId.RISK))
    )


@pytest.mark.parametrize(
    ("environment", "assurance"),
    [
        (Environment.SIMULATED, Assurance.SIMULATED),
        (Environment.PAPER, Assurance.PAPER),
        (Environment.LIVE, Assurance.LIVE),
    ],
)
def test_evidence_is_worth_what_it_was_measured_on(environment: Environment, assurance: Assurance) -> None:
    assert system(environment).assurance is assurance
