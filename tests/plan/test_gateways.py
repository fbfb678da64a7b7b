"""What a gateway behind a backend changes about a plan, and what it does not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from certify.adapter.contract import PORTS
from certify.errors import UsageError
from certify.model.ids import ComponentId, Outcome, PhaseId
from certify.model.trading import Environment
from certify.plan import GatewayPlan, SystemFacts, backend_plans, plan_bytes, plan_digest
from certify.profile.model import ComponentSpec, GatewaySpec, Safety
from tests.plan.test_make import MOCK, card, only_check, plan_of, profile, system

EMBEDDED = ComponentSpec(backend="ibkr", gateway=GatewaySpec())
REAL = ComponentSpec(backend="ibkr", options={"port": 4002, "account": "DU1"})


def facts(environment: Environment = Environment.SIMULATED) -> dict[str, SystemFacts]:
    return {"ibkr": system(environment), "mock": system()}


def test_an_embedded_gateway_is_planned_without_its_port(tmp_path: Path) -> None:
    script = tmp_path / "s.yaml"
    script.write_text("[]")
    spec = ComponentSpec(
        backend="ibkr",
        gateway=GatewaySpec(script=str(script), max_version=176),
        options={"account": "DU7", "client_id": 3},
    )
    made = profile(components=dict.fromkeys(PORTS, spec), safety=Safety(max_messages_per_s=45.0))
    (plan,) = backend_plans(made)
    assert plan.gateway is not None
    assert plan.gateway.embedded
    digest = plan.gateway.options.pop("script_digest")
    assert plan.gateway.options == {"account": "DU7", "script": str(script), "max_version": 176}
    assert "port" not in plan.options
    assert "gateway" not in plan.options
    script.write_text("[1]")
    (other,) = backend_plans(made)
    assert other.gateway is not None
    assert other.gateway.options["script_digest"] != digest


def test_the_backend_gets_the_caps_and_whether_live_was_said() -> None:
    safety = Safety(
        max_order_qty=Decimal(5),
        max_order_notional=Decimal("99.5"),
        max_orders=7,
        max_messages_per_s=45.0,
        live=True,
    )
    (plan,) = backend_plans(profile(components={"broker": REAL}, safety=safety))
    assert plan.options["safety"] == {
        "allow_live": False, "max_order_qty": "5", "max_order_notional": "99.5", "max_orders": 7,
        "max_messages_per_s": 45.0,
    }  # fmt: skip
    assert plan.options["live"] is True
    assert plan.options["port"] == 4002
    assert plan.gateway == GatewayPlan(kind="external")
    assert plan.adapter == "certify.backends.ibkr:create"


def test_a_python_backend_may_have_a_gateway_too() -> None:
    spec = ComponentSpec(backend="python", adapter="a:create", gateway=GatewaySpec(account="DU9"))
    (plan,) = backend_plans(profile(components={"broker": spec}))
    assert plan.gateway == GatewayPlan(kind="embedded", options={"account": "DU9"})
    assert "safety" not in plan.options


def test_other_backends_know_no_gateway_and_plan_as_before() -> None:
    cards = (card(), card("broker.ib", phase=PhaseId.TRADING, gateway="any"), card("risk.x"))
    plan = plan_of(profile(), *cards)
    assert plan.backends[0].gateway is None
    assert [check.id for check in plan.checks] == ["market_data.quotes", "risk.x"]
    assert not plan.partial_selection
    with pytest.raises(UsageError, match="out of scope: its phase, component or gateway"):
        plan_of(profile(), *cards, only=("broker.ib",))


def test_a_gateway_behind_another_port_is_not_the_check_s() -> None:
    made = profile(components={"market_data": EMBEDDED, "broker": MOCK})
    cards = (
        card("market_data.ib", gateway="any"),
        card("broker.ib", gateway="any"),
        card("certify.ib", component=ComponentId.CERTIFY, gateway="any"),
        card("broker.both", ports=("broker", "market_data"), gateway="any"),
    )
    plan = plan_of(made, *cards, facts=facts())
    assert [check.id for check in plan.checks] == ["market_data.ib", "certify.ib", "broker.both"]


@pytest.mark.parametrize(("spec", "decided"), [(EMBEDDED, None), (REAL, Outcome.NOT_APPLICABLE)])
def test_faults_are_commanded_of_a_simulated_gateway_only(
    spec: ComponentSpec, decided: Outcome | None
) -> None:
    made = profile(components={"broker": spec})
    check = only_check(made, card("broker.ib", gateway="simulated"), facts())
    assert check.decided is decided
    assert ("not the tool's own" in check.reason) is (decided is not None)
    assert only_check(made, card("broker.ib", gateway="any"), facts()).decided is None


@pytest.mark.parametrize(
    ("terms", "why"),
    [({"destructive": True}, "breaks links"), ({"phase": PhaseId.PERFORMANCE}, "puts load")],
)
def test_a_live_account_gets_no_load_and_no_broken_link(terms: dict[str, Any], why: str) -> None:
    made = profile(components={"broker": REAL})
    check = only_check(made, card("broker.x", **terms), facts(Environment.LIVE))
    assert check.decided is Outcome.SKIPPED
    assert why in check.reason
    assert only_check(made, card("broker.x", **terms), facts(Environment.PAPER)).decided is None


def test_a_plan_is_the_same_wherever_the_gateway_listens() -> None:
    made = profile(components={"broker": EMBEDDED})
    first, second = (plan_of(made, card("broker.ib", gateway="any"), facts=facts()) for _ in range(2))
    assert plan_digest(first) == plan_digest(second)
    assert b'"port"' not in plan_bytes(replace(first, checks=()))
