"""What the doctor says of a gateway: one finding and a remedy for each thing that can be wrong with it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from certify.cli.doctor import gateway as looks
from certify.cli.doctor import line as ib
from certify.cli.doctor.examination import State, Symptom
from certify.cli.doctor.gateway import Place, look_at_gateway
from certify.gateway.embed import EmbeddedGateway
from certify.gateway.settings import AccountSettings, GatewaySettings
from certify.gateway.wire.frames import frame
from certify.model.trading import Instrument

STOCK = Instrument("AAPL.NASDAQ")
ACCOUNT = "DU1000001"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "SETTLE_S", 0.2)
    monkeypatch.setattr(looks, "TICKS_S", 1.0)
    monkeypatch.setattr(ib, "ANSWER_S", 1.0)


@pytest.fixture
def gateway() -> Iterator[EmbeddedGateway]:
    with EmbeddedGateway(GatewaySettings(accounts=(AccountSettings(id=ACCOUNT),))) as running:
        yield running


def place(port: int, **terms: object) -> Place:
    return replace(Place(host="127.0.0.1", port=port, account=ACCOUNT, instrument=STOCK), **terms)


def found(where: Place) -> dict[str, Symptom]:
    return {symptom.name: symptom for symptom in look_at_gateway(where)}


def only_failure(where: Place) -> Symptom:
    bad = [symptom for symptom in found(where).values() if symptom.state is State.FAIL]
    assert len(bad) == 1, bad
    assert bad[0].remedy
    return bad[0]


def test_a_healthy_gateway_has_nothing_wrong(gateway: EmbeddedGateway) -> None:
    seen = found(place(gateway.port))
    assert {name: symptom.state for name, symptom in seen.items()} == dict.fromkeys(
        ("gateway", "gateway farms", "gateway clock", "gateway API mode", "gateway data"), State.OK
    )
    assert "server version 178" in seen["gateway"].text
    assert ACCOUNT not in seen["gateway"].text
    assert gateway.do("orders") == []
    assert gateway.do("clients") == []


# -- the port and the API


def test_a_closed_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    symptom = only_failure(place(port))
    assert f"nothing answers at 127.0.0.1:{port}" in symptom.text


@contextlib.contextmanager
def answering(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that treats each connection with `serve`."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def work() -> None:
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    serve(connection)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            thread.join()


def replies(*answers: bytes) -> Callable[[socket.socket], None]:
    """Answer each thing that is said with the next of these, then wait for the end."""

    def serve(connection: socket.socket) -> None:
        for answer in answers:
            connection.recv(4096)
            connection.sendall(answer)
        while connection.recv(4096):
            pass

    return serve


@pytest.mark.parametrize(
    ("serve", "name", "words"),
    [
        (replies(), "gateway API", "does not answer as the API: silence"),
        (
            lambda connection: connection.recv(1),
            "gateway API",
            "does not answer as the API: the connection ended",
        ),
        (replies(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "gateway API", "is no gateway of Interactive Brokers"),
        (replies(frame("hello")), "gateway API", "is no gateway of Interactive Brokers"),
        (replies(frame(151, "now")), "gateway version", "expected a server version of 157 to 178, was 151"),
        (replies(frame(225, "now")), "gateway version", "expected a server version of 157 to 178, was 225"),
        (replies(frame(176, "now"), frame(9, 1, 1)), "gateway session", "no accounts within"),
        (
            replies(frame(176, "now"), frame(4, 2, -1, 504, "Not connected")),
            "gateway session",
            "no accounts and next order id within 1 s (504 Not connected)",
        ),
        (replies(frame(176, "now"), frame(15, 1, "") + frame(9, 1, 1)), "gateway account", "has no accounts"),
    ],
)
def test_what_does_not_answer_as_a_gateway(
    serve: Callable[[socket.socket], None], name: str, words: str
) -> None:
    with answering(serve) as port:
        symptom = only_failure(place(port))
    assert symptom.name == name
    assert words in symptom.text


@pytest.mark.parametrize(("port", "who"), [(7496, "TWS"), (4001, "IB Gateway")])
def test_the_ports_of_a_live_login_are_pointed_out(
    port: int, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_host: str, _port: int) -> None:
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(ib, "connect", refuse)
    first = next(look_at_gateway(place(port)))
    assert (first.state, first.text) == (State.WARN, f"{port} is the port of a live {who}")
    assert next(look_at_gateway(place(port, allow_live=True))).state is State.FAIL


# -- the session


def test_a_client_id_in_use(gateway: EmbeddedGateway) -> None:
    other = ib.connect("127.0.0.1", gateway.port)
    try:
        assert ib.greet(other)
        assert ib.begin(other, 101)
        symptom = only_failure(place(gateway.port))
        assert (symptom.name, symptom.text) == ("gateway client id", "client id 101 is in use")
        assert found(place(gateway.port, client_id=900))["gateway"].state is State.OK
    finally:
        other.close()


def test_a_live_account_behind_the_port() -> None:
    with EmbeddedGateway(GatewaySettings(accounts=(AccountSettings(id="U7654321"),))) as live:
        symptom = only_failure(place(live.port))
        assert symptom.text.startswith(f"a live account is behind 127.0.0.1:{live.port}")
        assert "U7654321" not in symptom.text
        assert found(place(live.port, account="U7654321", allow_live=True))["gateway"].state is State.OK


def test_another_account_than_the_profile_s(gateway: EmbeddedGateway) -> None:
    symptom = only_failure(place(gateway.port, account="DU7"))
    assert symptom.name == "gateway account"
    assert "correct `account`" in symptom.remedy


def test_an_old_version_that_is_still_spoken() -> None:
    with EmbeddedGateway(GatewaySettings(max_version=157)) as old:
        assert "server version 157" in found(place(old.port))["gateway"].text


# -- what goes wrong behind it


@pytest.mark.parametrize(
    ("action", "arguments", "name", "words"),
    [
        ("read_only", {"on": True}, "gateway API mode", "the API is read-only"),
        (
            "farm",
            {"kind": "market", "state": "broken"},
            "gateway farms",
            "Market data farm connection is broken",
        ),
        ("farm", {"kind": "secdef", "state": "broken"}, "gateway farms", "Sec-def data farm"),
        ("connectivity", {"state": "lost"}, "gateway farms", "is broken"),
        ("clock_offset", {"s": 30}, "gateway clock", "s or more ahead of this machine's"),
        ("clock_offset", {"s": -30}, "gateway clock", "s or more behind this machine's"),
        ("competing_session", {"on": True}, "gateway data", "10197"),
    ],
)
def test_what_is_wrong_behind_the_gateway(
    gateway: EmbeddedGateway, action: str, arguments: dict[str, object], name: str, words: str
) -> None:
    gateway.do(action, **arguments)
    seen = found(place(gateway.port))
    assert seen[name].state is State.FAIL, seen
    assert words in seen[name].text
    assert seen[name].remedy
    gateway.do("heal")
    assert found(place(gateway.port))[name].state is State.OK


@pytest.mark.parametrize(
    ("action", "arguments"),
    [("delayed", {"on": True}), ("subscribed", {"instrument": STOCK.id, "on": False})],
)
def test_delayed_data_is_a_warning(
    gateway: EmbeddedGateway, action: str, arguments: dict[str, object]
) -> None:
    gateway.do(action, **arguments)
    seen = found(place(gateway.port))["gateway data"]
    assert (seen.state, seen.text) == (State.WARN, "AAPL.NASDAQ: delayed data only (10167)")


def test_a_market_without_prices_is_a_warning() -> None:
    with EmbeddedGateway(GatewaySettings(market_rate_per_s=0)) as quiet:
        seen = found(place(quiet.port))["gateway data"]
    assert seen.state is not State.FAIL


def test_an_instrument_that_nobody_knows(gateway: EmbeddedGateway) -> None:
    seen = found(place(gateway.port, instrument=Instrument("NOSUCHTHING.NASDAQ")))["gateway data"]
    assert seen.state is State.FAIL
    assert seen.remedy.startswith("correct the instrument's id")


def test_what_is_no_stock_is_not_looked_at(gateway: EmbeddedGateway) -> None:
    for instrument in (None, Instrument("EUR.USD.IDEALPRO", kind="CASH")):
        assert "not looked at" in found(place(gateway.port, instrument=instrument))["gateway data"].text
