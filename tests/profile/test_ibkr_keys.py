"""The keys of backend ibkr and of a gateway that the tool runs, with what is refused about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from certify.cli.profile_yaml import profile_text
from certify.errors import ProfileError
from certify.profile.load import load_profile
from certify.profile.model import GatewaySpec, Profile
from certify.profile.schema import profile_schema

TOP = "version: 1\nname: p\n"


def loaded(tmp_path: Path, text: str, *overrides: str) -> Profile:
    path = tmp_path / "p.yaml"
    path.write_text(TOP + text)
    return load_profile(path, overrides)


@pytest.mark.parametrize("written", ["embedded", "{kind: embedded}", "{}"])
def test_a_gateway_in_a_word_or_a_mapping(tmp_path: Path, written: str) -> None:
    profile = loaded(tmp_path, f"backend: ibkr\ngateway: {written}\nclient_id: 5\naccount: DU5\n")
    assert {spec.gateway for spec in profile.components.values()} == {GatewaySpec()}
    assert profile.components["broker"].options == {"client_id": 5, "account": "DU5"}
    assert profile.safety.max_messages_per_s == 45
    assert len(profile.components) == 7


def test_a_script_lies_beside_the_profile(tmp_path: Path) -> None:
    (tmp_path / "faults.yaml").write_text("[]")
    text = "components:\n  broker:\n    backend: ibkr\n    gateway: {script: faults.yaml, max_version: 157}\n"
    profile = loaded(tmp_path, text)
    assert profile.components["broker"].gateway == GatewaySpec(
        script=str(tmp_path / "faults.yaml"), max_version=157
    )
    again = tmp_path / "again.yaml"
    again.write_text(profile_text(profile))
    assert load_profile(again).components == profile.components


def test_a_component_adds_to_the_top(tmp_path: Path) -> None:
    profile = loaded(
        tmp_path,
        "backend: ibkr\nport: 4002\naccount: DU1\n"
        "components: {broker: {client_id: 9}, risk: {backend: mock}}\n",
    )
    assert profile.components["broker"].options == {"port": 4002, "account": "DU1", "client_id": 9}
    assert profile.components["execution"].options == {"port": 4002, "account": "DU1"}
    assert profile.components["risk"].options == {}


def test_a_python_backend_may_ask_for_one(tmp_path: Path) -> None:
    profile = loaded(tmp_path, "backend: python\nadapter: a.b:create\ngateway: embedded\n")
    assert profile.components["broker"].gateway == GatewaySpec()
    assert profile.safety.max_messages_per_s is None


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (
            "backend: ibkr\n",
            "3:10",
            "expected 'gateway: embedded', or 'port' and 'account' of a gateway that runs; "
            "was without port and account",
        ),
        ("backend: ibkr\nport: 4002\n", "3:10", "was without account"),
        ("backend: ibkr\ngateway: embedded\nport: 4002\n", "5:1", "expected no 'port'"),
        ("backend: ibkr\ngateway: embeded\n", "4:10", "did you mean 'embedded'?"),
        ("backend: ibkr\ngateway: {skript: x}\n", "4:11", "did you mean 'script'?"),
        ("backend: ibkr\ngateway: {script: nowhere.yaml}\n", "4:19", "no such file 'nowhere.yaml'"),
        ("backend: ibkr\ngateway: {max_version: 100}\n", "4:24", "157 to 178"),
        ("backend: mock\ngateway: embedded\n", "4:1", "unknown key of backend mock 'gateway'"),
        ("gateway: embedded\n", "3:1", "'gateway' at the top goes with a backend"),
        ("backend: python\nadapter: a:b\nport: 4002\n", "5:1", "unknown key of backend python 'port'"),
        ("components: {broker: {backend: mock, gateway: embedded}}\n", "3:38", "unknown key of backend mock"),
        (
            "backend: ibkr\ngateway: embedded\nsafety: {max_messages_per_s: 80}\n",
            "5:30",
            "breaks the link at 50 messages/s: expected 1 to 45, was 80",
        ),
    ],
)
def test_mistakes_have_a_place(tmp_path: Path, text: str, place: str, words: str) -> None:
    with pytest.raises(ProfileError) as caught:
        loaded(tmp_path, text)
    assert f"p.yaml:{place}:" in str(caught.value)
    assert words in str(caught.value)


def test_a_component_is_left_out_for_a_reason(tmp_path: Path) -> None:
    profile = loaded(tmp_path, "backend: mock\ncomponents: {paper_trading: {skip: not ours}, risk: null}\n")
    assert profile.out_of_scope == {"paper_trading": "not ours", "risk": "not in the profile"}
    again = tmp_path / "again.yaml"
    again.write_text(profile_text(profile))
    assert load_profile(again).out_of_scope == profile.out_of_scope
    with pytest.raises(ProfileError, match=r"p\.yaml:4:46: .* expected no 'backend'"):
        loaded(tmp_path, "backend: mock\ncomponents: {paper_trading: {skip: not ours, backend: mock}}\n")


LOADS = """phases:
  performance:
    loads:
      - {name: light, orders: 40/s, duration: 1s}
      - {name: heavy, market_data: 500/s, orders: 100/s, duration: 1s}
"""


def test_load_that_a_real_gateway_would_not_bear_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileError) as caught:
        loaded(tmp_path, "backend: ibkr\nport: 4002\naccount: DU1\n" + LOADS)
    assert str(caught.value).endswith(
        "p.yaml:10:51: load level 'heavy': 100 orders/s are more than the 45 messages/s "
        "that a real gateway is sent at most (safety.max_messages_per_s)"
    )


def test_load_elsewhere_is_as_heavy_as_one_likes(tmp_path: Path) -> None:
    real = (
        "components:\n  market_data: {backend: ibkr, port: 4002, account: DU1}\n"
        "  execution: {backend: mock}\n"
    )
    for text in (real, "backend: ibkr\ngateway: embedded\n", "backend: mock\n"):
        assert len(loaded(tmp_path, text + LOADS).performance.loads) == 2


def test_a_profile_cannot_say_live(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="unknown key in safety 'live'"):
        loaded(tmp_path, "backend: mock\nsafety: {live: true}\n")


def test_the_schema_knows_both_forms() -> None:
    forms = profile_schema()["properties"]["gateway"]["anyOf"][0]["anyOf"]
    assert forms[0]["enum"] == ["embedded"]
    assert set(forms[1]["properties"]) == {"kind", "account", "script", "max_version"}
