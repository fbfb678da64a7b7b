from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from certify.adapter.contract import PORTS
from certify.errors import ProfileError
from certify.model.ids import Assurance, Mode, PhaseId
from certify.profile import load_profile, profile_names
from certify.profile.vocabulary import Vocabulary

TODAY = date(2026, 6, 1)


def test_everything_arrives_in_the_product_s_units(
    write, tmp_path: Path, known: Vocabulary, full: str
) -> None:
    write(full)
    profile = load_profile("p", cwd=tmp_path, known=known, today=TODAY)
    assert (profile.name, profile.path, profile.mode, profile.seed) == (
        "full",
        "profiles/p.yaml",
        Mode.QUICK,
        7,
    )
    assert profile.subject.paths == ("src",)
    assert list(profile.components) == [port for port in PORTS if port != "paper_trading"]
    assert profile.out_of_scope == {"paper_trading": "not in the profile"}
    assert profile.components["execution"].options == {"order_latency_ms": 5}
    assert profile.components["risk"].options == {"order_latency_ms": 5, "extra": [1, {"a": "b"}]}
    broker = {"host": "127.0.0.1", "port": 4002, "client_id": 71, "account": "DU1"}
    assert profile.components["broker"].options == broker
    assert profile.instruments[0].tick == Decimal("0.01")
    assert profile.safety.max_order_notional == Decimal("250.50")
    assert profile.safety.max_messages_per_s == 45
    assert profile.phases == tuple(p.value for p in PhaseId if p is not PhaseId.TRADING)
    assert profile.parameters == {"integration.market_data": {"max_stale": "3s", "ratio": "0.25"}}
    level = profile.performance.loads[0]
    assert (level.market_data_per_s, level.orders_per_s, level.duration_s, level.warmup_s) == (1, 5, 0.5, 0.1)
    first, second = profile.performance.thresholds
    assert (first.level, first.stream, first.metric, first.op, first.value, first.unit) == (
        "light", "orders", "latency.p99", "<", 50, "ms",
    )  # fmt: skip
    assert (second.level, second.metric, second.value, second.unit) == (None, "error_rate", 2, "%")
    assert profile.limits == {
        "max_order_qty": 500, "max_order_rate": 50, "price_band": 5, "max_daily_loss": Decimal("2500.50"),
    }  # fmt: skip
    assert profile.policy.validity_days == 60
    assert profile.policy.min_assurance is Assurance.PAPER
    assert profile.policy.checks["orders.cancel_unknown"].parameters == {"within": "9s"}
    assert profile.policy.waivers[0].expires == "2026-06-01"
    assert profile.hooks == {"failed": "mail ops"}
    assert profile.notify == ("https://example.org/hook",)


def test_defaults(write, tmp_path: Path) -> None:
    write("version: 1\nbackend: mock\n", "here/mine.yaml")
    profile = load_profile("here/mine.yaml", cwd=tmp_path)
    assert (profile.name, profile.subject.name, profile.subject.version) == ("mine", "mine", "git")
    assert profile.phases == tuple(PhaseId)
    assert tuple(profile.components) == PORTS


def test_without_a_backend_only_what_is_given_is_in_scope(write, tmp_path: Path) -> None:
    write("version: 1\ncomponents:\n  risk: {backend: mock}\n  broker: null\n")
    profile = load_profile("p", cwd=tmp_path)
    assert list(profile.components) == ["risk"]
    assert set(profile.out_of_scope) == set(PORTS) - {"risk"}


def test_a_component_with_its_own_backend_stands_alone(write, tmp_path: Path) -> None:
    write(
        "version: 1\nbackend: mock\noptions: {a: 1}\ncomponents:\n  risk: {backend: mock, options: {b: 2}}\n"
    )
    assert load_profile("p", cwd=tmp_path).components["risk"].options == {"b": 2}


def test_an_adapter_is_found_beside_the_file_that_names_it_then_in_the_directory(
    write, tmp_path: Path
) -> None:
    write("", "sub/own.py")
    write("", "other.py")
    text = "version: 1\ncomponents:\n  risk: {{backend: python, adapter: '{}:create'}}\n"
    write(text.format("own.py"), "sub/a.yaml")
    write(text.format("other.py"), "sub/b.yaml")
    write(text.format("acme.certify"), "sub/c.yaml")
    write(text.format("gone.py"), "sub/d.yaml")
    adapters = [load_profile(f"sub/{n}.yaml", cwd=tmp_path).components["risk"].adapter for n in "abc"]
    assert adapters == [f"{tmp_path}/sub/own.py:create", f"{tmp_path}/other.py:create", "acme.certify:create"]
    with pytest.raises(ProfileError, match=r"sub/d\.yaml:3:36: no such file 'gone\.py'"):
        load_profile("sub/d.yaml", cwd=tmp_path)


def test_an_interpreter_is_not_followed_out_of_its_environment(write, tmp_path: Path) -> None:
    write("", "real-python")
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv/python").symlink_to(tmp_path / "real-python")
    text = "version: 1\ncomponents:\n  risk: {backend: python, adapter: 'a:create', python: PYTHON}\n"
    write(text.replace("PYTHON", "venv/python"), "a.yaml")
    write(text.replace("PYTHON", "python3.9"), "b.yaml")
    assert load_profile("a.yaml", cwd=tmp_path).components["risk"].python == f"{tmp_path}/venv/python"
    assert load_profile("b.yaml", cwd=tmp_path).components["risk"].python == "python3.9"


def test_extends_merges_deeply_replaces_lists_and_removes_by_null(write, tmp_path: Path) -> None:
    write(
        "version: 1\nname: ground\nbackend: mock\nhooks: {pre: a, failed: b}\nnotify: [x, y]\nseed: 3\n",
        "profiles/ground.yaml",
    )
    write("safety: {max_orders: 7}\nhooks: {pre: c}\n", "profiles/more.yaml")
    write("extends: [ground, more]\nhooks: {failed: null, expiring: d}\nnotify: [z]\n")
    profile = load_profile("p", cwd=tmp_path)
    assert profile.name == "p"
    assert profile.hooks == {"pre": "c", "expiring": "d"}
    assert profile.notify == ("z",)
    assert (profile.seed, profile.safety.max_orders) == (3, 7)


def test_what_is_extended_lies_beside_the_file_first(write, tmp_path: Path) -> None:
    write("version: 1\nbackend: mock\nseed: 1\n", "profiles/ground.yaml")
    write("version: 1\nbackend: mock\nseed: 2\n", "deep/ground.yaml")
    write("extends: ground\n", "deep/p.yaml")
    write("extends: ground\n", "elsewhere/p.yaml")
    assert load_profile("deep/p.yaml", cwd=tmp_path).seed == 2
    assert load_profile("elsewhere/p.yaml", cwd=tmp_path).seed == 1


def test_a_phase_that_is_null_in_the_base_can_come_back(write, tmp_path: Path) -> None:
    write("version: 1\nbackend: mock\nphases: {risk: null, trading: null}\n", "profiles/ground.yaml")
    write("extends: ground\nphases: {risk: {}}\n")
    assert "risk" in load_profile("p", cwd=tmp_path).phases
    assert "trading" not in load_profile("p", cwd=tmp_path).phases


def test_files_may_share_what_they_extend(write, tmp_path: Path) -> None:
    write("version: 1\nbackend: mock\n", "profiles/l0.yaml")
    for level in range(1, 20):
        write(f"extends: [l{level - 1}, l{level - 1}]\n", f"profiles/l{level}.yaml")
    assert load_profile("l19", cwd=tmp_path).name == "l19"


def test_a_name_is_looked_up_in_three_places(write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_config_dir", lambda _name: str(tmp_path / "config"))
    write("version: 1\nbackend: mock\nseed: 11\n", "config/profiles/quick.yaml")
    assert load_profile("quick", cwd=tmp_path).seed == 11
    write("version: 1\nbackend: mock\nseed: 12\n", "profiles/quick.yml")
    assert load_profile("quick", cwd=tmp_path).seed == 12
    assert load_profile("staging", cwd=tmp_path).name == "staging"
    assert {"quick", "staging", "base"} <= set(profile_names(tmp_path))
    assert profile_names(tmp_path)["quick"] == tmp_path / "profiles/quick.yml"


def test_overrides_are_laid_upon_the_file(write, tmp_path: Path, known: Vocabulary) -> None:
    write("version: 1\nbackend: mock\n")
    profile = load_profile(
        "p",
        [
            "seed=5",
            "phases.risk.limits.max_order_qty=7",
            "policy.checks.orders.cancel_unknown.severity=minor",
            "components.broker=null",
            "notify=[a, b]",
            "phases.integration.market_data.max_stale=9s",
            "seed=6",
        ],
        cwd=tmp_path,
        known=known,
    )
    assert profile.seed == 6
    assert profile.limits == {"max_order_qty": 7}
    assert profile.policy.checks["orders.cancel_unknown"].severity == "minor"
    assert "broker" not in profile.components
    assert profile.notify == ("a", "b")
    assert profile.parameters == {"integration.market_data": {"max_stale": "9s"}}


def test_the_digest_is_that_of_the_merged_content(write, tmp_path: Path) -> None:
    write("version: 1\nbackend: mock\nseed: 4\nhooks: {pre: a}\n", "profiles/ground.yaml")
    write("extends: ground\nseed: 5\n# a comment\n", "profiles/a.yaml")
    write("seed: 5\nhooks: {pre: 'a', failed: null}\nbackend: mock\nversion: 1\n", "profiles/b.yaml")
    first, second = (load_profile(name, cwd=tmp_path).digest for name in "ab")
    assert first == second
    assert first.startswith("sha256:")
    assert len(first) == 71
    assert load_profile("a", ["seed=6"], cwd=tmp_path).digest != first
    assert load_profile("a", ["components.risk=null"], cwd=tmp_path).digest != first
    assert load_profile("a", ["phases.risk=null"], cwd=tmp_path).digest != first


def test_waivers_in_a_file_of_their_own_count_in_the_digest(write, tmp_path: Path) -> None:
    waiver = "- {{check: a.b, reason: {}, approved_by: Ann, expires: 2027-01-31}}\n"
    write("version: 1\nbackend: mock\npolicy: {waivers: waivers.yaml}\n")
    write(waiver.format("known"), "profiles/waivers.yaml")
    first = load_profile("p", cwd=tmp_path, today=TODAY)
    assert first.policy.waivers[0].reason == "known"
    write("waivers:\n" + waiver.format("other"), "profiles/waivers.yaml")
    second = load_profile("p", cwd=tmp_path, today=TODAY)
    assert second.policy.waivers[0].reason == "other"
    assert first.digest != second.digest


@pytest.mark.parametrize("name", ["../out.yaml", "/etc/hostname", "link.yaml", "gone.yaml"])
def test_the_waivers_file_lies_below_the_profile_s_directory(write, tmp_path: Path, name: str) -> None:
    write("[]", "out.yaml")
    write(f"version: 1\nbackend: mock\npolicy:\n  waivers: {name}\n")
    (tmp_path / "profiles/link.yaml").symlink_to(tmp_path / "out.yaml")
    with pytest.raises(ProfileError, match=r"^profiles/p\.yaml:4:12: waivers"):
        load_profile("p", cwd=tmp_path)
