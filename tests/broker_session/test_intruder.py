"""The second client and the port that counts, against a gateway that runs."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from certify.gateway.embed import EmbeddedGateway
from certify.phases.broker_session.intruder import Intruder, KnockCounter
from certify.phases.gateway import GatewayAddress


@pytest.fixture
def gateway() -> Iterator[EmbeddedGateway]:
    with EmbeddedGateway() as running:
        yield running


def address_of(gateway: EmbeddedGateway) -> GatewayAddress:
    return GatewayAddress(
        host=gateway.address.host,
        port=gateway.address.port,
        control_port=gateway.address.control_port or 0,
        account=gateway.do("describe")["accounts"][0],
    )


def test_a_free_client_id_is_taken(gateway: EmbeddedGateway) -> None:
    with Intruder(address_of(gateway), 7) as first:
        assert not first.refused(0.5)
        assert [row["client_id"] for row in gateway.do("clients")] == [7]


def test_a_client_id_in_use_is_refused_and_the_first_stays(gateway: EmbeddedGateway) -> None:
    with Intruder(address_of(gateway), 7) as first, Intruder(address_of(gateway), 7) as second:
        assert second.refused(5)
        assert not first.refused(0.3)
        assert [row["client_id"] for row in gateway.do("clients")] == [7]


def test_knocks_are_counted_while_the_gateway_is_shut(gateway: EmbeddedGateway) -> None:
    address = address_of(gateway)
    gateway.do("listen", on=False)
    with KnockCounter(address) as door:
        for _ in range(3):
            with socket.create_connection((address.host, address.port), timeout=5) as visitor:
                assert visitor.recv(1) == b""
        assert door.count == 3
    gateway.do("listen", on=True)
    with Intruder(address, 9) as back:
        assert not back.refused(0.2)
