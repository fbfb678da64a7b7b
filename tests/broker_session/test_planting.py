"""Each planted defect finds the seams that it replaces."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from certify.backends.ibkr import create
from certify.defects import gateway_session, ib
from certify.defects.api import Defect
from certify.gateway.embed import EmbeddedGateway
from certify.gateway.house import Gateway
from certify.model.trading import SystemEvent
from certify.phases.broker_session.intruder import Intruder
from certify.phases.gateway import GatewayAddress

ACCOUNT = "DU1000001"


def platform_over(address: tuple[str, int, int | None], state_dir: Path) -> tuple[Any, list[SystemEvent]]:
    """Return a platform over a gateway, not started, and what it says."""
    host, port, control_port = address
    events: list[SystemEvent] = []
    gateway = {
        "host": host,
        "port": port,
        "control_port": control_port,
        "account": ACCOUNT,
        "simulated": True,
    }
    context: Any = SimpleNamespace(
        config={"gateway": gateway}, state_dir=state_dir, log=logging.getLogger("tests"), emit=events.append
    )
    return create(context), events


@pytest.fixture
def gateway() -> Iterator[EmbeddedGateway]:
    with EmbeddedGateway() as running:
        yield running


@pytest.mark.parametrize("each", ib.DEFECTS, ids=lambda each: str(each.name))
def test_a_defect_of_the_client_changes_the_platform(each: Defect, tmp_path: Path) -> None:
    platform, _ = platform_over(("127.0.0.1", 1, None), tmp_path)
    before = _methods(platform)
    each.plant(platform)
    assert _methods(platform) != before


def _methods(platform: Any) -> list[object]:
    """Return what is set on the parts of a platform, in order."""
    parts = (
        platform,
        platform.kernel,
        platform.connection,
        platform.market_data,
        platform.broker,
        platform.execution,
        platform.broker_framework,
        platform.broker_framework.session,
        platform.trade_monitor,
    )
    return [sorted((name, id(value)) for name, value in vars(part).items()) for part in parts]


@pytest.mark.parametrize("each", gateway_session.DEFECTS, ids=lambda each: str(each.name))
def test_a_defect_of_the_gateway_changes_one_of_its_parts(each: Defect) -> None:
    def parts(gateway: Gateway) -> list[object]:
        owners = (gateway, gateway.faults, gateway.orders, gateway.orders.interventions)
        return [sorted((name, id(value)) for name, value in vars(owner).items()) for owner in owners]

    gateway = Gateway()
    before = parts(gateway)
    each.plant(gateway)
    assert parts(gateway) != before


def test_a_defect_of_the_client_reaches_its_sockets(gateway: EmbeddedGateway, tmp_path: Path) -> None:
    platform, _ = platform_over(gateway.address, tmp_path)
    next(each for each in ib.DEFECTS if each.name == "ib_pacing_off").plant(platform)
    platform.start()
    try:
        assert {socket.client.MaxRequests for socket in platform.connection.sockets.values()} == {0}
    finally:
        platform.stop()


def test_a_defect_of_the_client_reaches_its_ledger(gateway: EmbeddedGateway, tmp_path: Path) -> None:
    platform, _ = platform_over(gateway.address, tmp_path)
    next(each for each in ib.DEFECTS if each.name == "ib_correction_counts_again").plant(platform)
    ledger = platform.connection._desk(ACCOUNT).ledger
    assert "on_execution" in vars(ledger)
    assert platform.connection._desk(ACCOUNT).ledger is ledger


def test_a_second_client_comes_in_only_with_the_defect() -> None:
    defect = next(e for e in gateway_session.DEFECTS if e.name == "gateway_lets_second_client_in")
    with EmbeddedGateway(prepare=defect.plant) as gateway:
        host, port, _ = gateway.address
        address = GatewayAddress(host=host, port=port, control_port=0, account=ACCOUNT)
        with Intruder(address, 7), Intruder(address, 7) as second:
            assert not second.refused(0.3)
