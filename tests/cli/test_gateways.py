"""The gateways of a run: made from profile and plan, commanded, broken on purpose, and refreshed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from certify import defects
from certify.cli.gateways import RunGateway, gateway_opener
from certify.cli.pipeline import load, open_bench
from certify.cli.request import Selection
from certify.defects.api import Defect
from certify.errors import UsageError
from certify.phases.gateway import GatewayControl
from certify.plan import backend_plans


def opened(*overrides: str) -> GatewayControl:
    profile = load(Selection(profile="ibkr-sim", overrides=overrides))
    (backend,) = backend_plans(profile)
    return gateway_opener(profile)(backend)


@pytest.fixture
def gateway() -> Iterator[GatewayControl]:
    running = opened("account=DU7000007", "paper_account=DU7000008", "seed=9", "gateway.max_version=176")
    yield running
    running.close()


def test_it_is_what_the_profile_says(gateway: GatewayControl) -> None:
    said = gateway.do("describe")
    assert said["accounts"] == ["DU7000007", "DU7000008"]
    assert said["instruments"] == ["AAPL.NASDAQ", "MSFT.NASDAQ", "SPY.ARCA"]
    assert (said["seed"], said["max_version"]) == (9, 176)
    address = gateway.address
    assert address.as_config() == {
        "host": "127.0.0.1",
        "port": said["port"],
        "control_port": address.control_port,
        "account": "DU7000007",
        "simulated": True,
    }
    assert address.control_port > 0


def test_an_account_of_its_own_without_any_word() -> None:
    running = opened()
    try:
        assert running.address.account.startswith("DU")
        assert running.do("describe")["accounts"] == [running.address.account]
    finally:
        running.close()


def test_a_script_is_played(tmp_path: Path) -> None:
    script = tmp_path / "none.yaml"
    script.write_text("nonsense: [")
    with pytest.raises(UsageError):
        opened(f"gateway.script={script}")


def test_closed_more_than_once(gateway: GatewayControl) -> None:
    gateway.close()
    gateway.close()


def test_what_is_planted_stays_when_everything_else_is_forgotten(
    gateway: GatewayControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken: list[Any] = []
    planted = {
        "gateway_odd": Defect("gateway_odd", "", broken.append, "gateway"),
        "late": Defect("late", "", broken.append, "system"),
    }
    monkeypatch.setattr(defects, "all_defects", lambda: planted)
    gateway.plant("gateway_odd")
    gateway.fresh()
    assert len(broken) == 2
    assert gateway.do("clients") == []
    for name in ("late", "nothing"):
        with pytest.raises(UsageError, match=f"unknown defect of a gateway: '{name}'"):
            gateway.plant(name)


def test_the_bench_runs_one_for_the_backend_and_closes_it(tmp_path: Path) -> None:
    profile = load(Selection(profile="ibkr-sim"))
    with open_bench(profile, tmp_path) as bench:
        (session,) = bench.sessions
        gateway = session.gateway
        assert isinstance(gateway, RunGateway)
        assert session.assurance.value == "simulated"
        bench.start()
        assert gateway.do("clients")
        session.restart("as if it had crashed", graceful=False)
        assert gateway.do("clients")
        assert gateway.do("heal") is None
    assert session.gateway is None
