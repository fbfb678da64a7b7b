"""The shipped profiles, and the agreement of the JSON Schema with the loader."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from certify import resources
from certify.errors import ProfileError
from certify.model.ids import Mode, PhaseId
from certify.profile import load_profile, profile_schema, yaml
from certify.profile.thresholds import METRICS
from certify.profile.vocabulary import Vocabulary

SHIPPED = sorted(resources.profiles_dir().glob("*.yaml"))
TYPES = {
    "object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool,
    "null": type(None),
}  # fmt: skip
KNOWN_WORDS = {
    "$schema", "$id",
    "title", "description", "type", "properties", "additionalProperties", "required", "anyOf",
    "enum", "pattern", "minLength", "minimum", "maximum", "exclusiveMinimum", "items",
}  # fmt: skip


def fits(schema: dict[str, Any], value: Any) -> bool:
    """Return whether a value fits a schema; knows the words that the profile's schema is made of."""
    assert set(schema) <= KNOWN_WORDS
    if "anyOf" in schema and not any(fits(option, value) for option in schema["anyOf"]):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    kinds = schema.get("type", [])
    if kinds and not any(is_a(kind, value) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        return False
    if isinstance(value, str):
        return bool(re.search(schema.get("pattern", ""), value)) and len(value) >= schema.get("minLength", 0)
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = schema.get("minimum", value), schema.get("maximum", value)
        return low <= value <= high and (
            "exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"]
        )
    if isinstance(value, list):
        return all(fits(schema.get("items", {}), item) for item in value)
    return fits_object(schema, value) if isinstance(value, dict) else True


def is_a(kind: str, value: Any) -> bool:
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def fits_object(schema: dict[str, Any], value: dict[str, Any]) -> bool:
    known, more = schema.get("properties", {}), schema.get("additionalProperties", {})
    if not set(schema.get("required", ())) <= set(value):
        return False
    for name, item in value.items():
        rule = known.get(name, more)
        if rule is False or not fits(rule, item):
            return False
    return True


def content(text: str) -> Any:
    def build(node: yaml.Node) -> Any:
        if isinstance(node, yaml.Scalar):
            return node.value
        if isinstance(node, yaml.Listing):
            return [build(item) for item in node.items]
        return {name: build(item) for name, item in node.entries.items()}

    return build(yaml.parse(text, "x"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_profile_loads_and_fits_the_schema(path: Path, tmp_path: Path) -> None:
    profile = load_profile(path.stem, cwd=tmp_path)
    assert profile.name == path.stem
    assert fits(profile_schema(), content(path.read_text()))


def test_the_schema_is_json() -> None:
    schema = json.loads(json.dumps(profile_schema()))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert (
        "loads"
        in schema["properties"]["phases"]["anyOf"][0]["properties"]["performance"]["anyOf"][0]["properties"]
    )


@pytest.mark.parametrize(
    "body",
    [
        "nonsense: 1",
        "components: {risks: {}}",
        "components: {risk: {bakend: mock}}",
        "phases: {performance: {lods: []}}",
        "phases: {performance: {loads: [{name: a, duration: 5s, order: 1/s}]}}",
        "phases: {performance: {loads: [{name: a, orders: 1/s}]}}",
        "phases: {risk: {limits: {max_order: 5}}}",
        "phases: {risk: {limits: {max_order_rate: 5}}}",
        "phases: {risk: {limits: {max_order_qty: 1.5}}}",
        "phases: {integration: {market_data: {max_stail: 2s}}}",
        "phases: {integration: {market_data: {max_stale: 2}}}",
        "policy: {checks: {orders.cancel_unknow: {severity: minor}}}",
        "policy: {checks: {orders.cancel_unknown: {severity: low}}}",
        "policy: {validity: 90}",
        "policy: {waivers: [{check: orders.cancel_unknown}]}",
        "safety: {allow_live: yes}",
        "safety: {max_order_qty: -1}",
        "seed: -1",
        "mode: fast",
        "instruments: [{id: A, tick: 0.01}]",
        "instruments: [{id: A, tack: 1}]",
        "hooks: {before: x}",
        "subject: {nam: x}",
        "phases: {performance: {thresholds: [orders.latency.p98 < 5ms]}}",
        "notify: 5",
        "extends: 5",
    ],
)
def test_what_the_loader_refuses_the_schema_refuses(body: str, tmp_path: Path, known: Vocabulary) -> None:
    text = f"version: 1\nbackend: mock\n{body}\n"
    (tmp_path / "p.yaml").write_text(text)
    assert not fits(profile_schema(known), content(text))
    with pytest.raises(ProfileError):
        load_profile("p.yaml", cwd=tmp_path, known=known)


def test_the_schema_takes_what_the_loader_takes(known: Vocabulary, full: str) -> None:
    assert fits(profile_schema(known), content(full))


def test_base_puts_nothing_in_scope(tmp_path: Path) -> None:
    assert load_profile("base", cwd=tmp_path).components == {}


def test_quick_and_staging_run_all_six_phases(tmp_path: Path) -> None:
    assert load_profile("quick", cwd=tmp_path).mode is Mode.QUICK
    for name in ("quick", "staging", "certified", "ws4-p4"):
        assert load_profile(name, cwd=tmp_path).phases == tuple(PhaseId)


def test_ws4_p4_rebuilds_what_the_report_measured(tmp_path: Path) -> None:
    profile = load_profile("ws4-p4", cwd=tmp_path)
    rates = [(level.market_data_per_s, level.orders_per_s) for level in profile.performance.loads]
    assert rates == [(10, 190), (50, 770), (100, 1920)]
    options = profile.components["execution"].options
    assert options == {"order_latency_ms": 26, "reject_rate": "0.05", "go_live": "refused"}
    held = {(t.level, t.stream, t.metric, t.op, t.value, t.unit) for t in profile.performance.thresholds}
    assert held == {
        ("heavy", "orders", "achieved", ">", 500.0, "1/s"),
        (None, "orders", "latency.p99", "<", 50.0, "ms"),
        (None, "orders", "error_rate", "<", 2.0, "%"),
        (None, "orders", "latency.p50", "<", 20.0, "ms"),
    }
    assert profile.policy.min_phase_score == {"performance": 70.0}


@pytest.mark.parametrize("name", ["quick", "staging", "certified", "ws4-p4"])
def test_the_reference_profiles_leave_room_above_every_limit_and_load(name: str, tmp_path: Path) -> None:
    profile = load_profile(name, cwd=tmp_path)
    assert profile.safety.max_order_qty > profile.limits["max_order_qty"]
    assert profile.safety.max_order_notional > profile.limits["max_order_notional"]
    levels = profile.performance.loads
    assert max(level.orders_per_s for level in levels) < profile.limits["max_order_rate"]
    assert sum(level.orders_per_s * level.duration_s for level in levels) < profile.safety.max_orders / 2


def test_every_metric_can_be_held_to_a_threshold(tmp_path: Path) -> None:
    values = {"ms": "5ms", "%": "5%", "1/s": "5/s", "MB": "5MB"}
    lines = "".join(f"      - orders.{metric} < {values[unit]}\n" for metric, unit in METRICS.items())
    loads = "phases:\n  performance:\n    loads: [{name: a, orders: 1/s, duration: 5s}]\n    thresholds:\n"
    (tmp_path / "p.yaml").write_text("version: 1\nbackend: mock\n" + loads + lines)
    assert len(load_profile("p.yaml", cwd=tmp_path).performance.thresholds) == len(METRICS)
