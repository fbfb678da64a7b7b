"""How a session begins and ends: greeting, versions, client ids, and what comes first."""

from __future__ import annotations

import pytest

from certify.clock import now_ns
from certify.errors import SystemDied, UsageError
from certify.gateway.embed import EmbeddedGateway
from certify.gateway.settings import AccountSettings, GatewaySettings
from certify.gateway.wire.frames import framed


@pytest.mark.parametrize(
    ("offered", "most", "agreed"),
    [
        ("v157..176", 178, "176"),
        ("v157..178", 178, "178"),
        ("v100..225", 178, "178"),
        ("v100..157", 178, "157"),
        ("v157", 178, "157"),
        ("v157..176 +PACEAPI", 178, "176"),
        ("v157..178", 160, "160"),
    ],
)
def test_the_highest_version_that_both_speak_is_answered_in_two_fields(
    gateway_with, connect, offered, most, agreed
):
    answer = connect(gateway_with(max_version=most)).greet(offered)
    assert len(answer) == 2
    assert answer[0] == agreed
    assert answer[1][:2] == "20"


@pytest.mark.parametrize(
    "offered", ["v179..200", "v100..156", "v99", "178", "v..178", "", "v1..9999999999999"]
)
def test_a_client_without_a_common_version_is_closed_without_an_answer(gateway, connect, offered):
    client = connect(gateway)
    client.socket.sendall(b"API\0" + framed(offered))
    with pytest.raises(EOFError):
        client.read()


def test_nothing_is_sent_between_the_version_and_start_api(gateway, connect):
    client = connect(gateway)
    client.greet()
    gateway.do("notice", code=2104)
    assert client.is_silent()


def test_a_session_begins_with_accounts_next_id_and_farms_in_this_order(gateway_with, connect):
    gateway = gateway_with(
        accounts=(AccountSettings(id="DU1"), AccountSettings(id="DU2")), first_order_id=41
    )  # fmt: skip
    begins = connect(gateway).start(7)
    assert begins[0] == ["15", "1", "DU1,DU2"]
    assert begins[1] == ["9", "1", "41"]
    assert [fields[3] for fields in begins[2:]] == ["2104", "2106", "2158"]
    assert {fields[2] for fields in begins[2:]} == {"-1"}
    assert gateway.do("clients") == [{"client_id": 7, "version": 178, "dropped_ticks": 0}]


def test_errors_have_the_reject_json_from_version_166_on(gateway, connect):
    old, new = connect(gateway).start(1, "v157..165"), connect(gateway).start(2, "v157..166")
    assert len(old[2]) == 5
    assert len(new[2]) == 6


def test_a_client_id_in_use_gets_326_and_the_first_session_lives_on(gateway, connect):
    first, second = connect(gateway), connect(gateway)
    first.start(7)
    second.greet()
    second.send(71, 2, 7, "")
    assert second.read()[:4] == ["4", "2", "-1", "326"]
    assert second.ends() == "closed"
    first.ping()


def test_a_client_id_is_free_again_after_its_client_has_gone(gateway, connect, eventually):
    client = connect(gateway)
    client.start(7)
    client.close()
    assert eventually(lambda: not gateway.do("clients"))
    assert connect(gateway).start(7)[0][0] == "15"


def test_a_client_id_can_stay_in_use_after_a_connection_that_broke(gateway_with, connect, eventually):
    gateway = gateway_with(id_release_s=30)
    client = connect(gateway)
    client.start(7)
    client.socket.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER 0: closing resets
    client.close()
    assert eventually(lambda: not gateway.do("clients"))
    again = connect(gateway)
    again.greet()
    again.send(71, 2, 7, "")
    assert again.read()[3] == "326"


def test_a_message_before_start_api_ends_the_connection(gateway, connect):
    client = connect(gateway)
    client.greet()
    client.send(49, 1)
    assert client.ends() == "closed"


def test_messages_in_single_bytes_are_understood(gateway, connect):
    client = connect(gateway)
    for byte in b"API\0" + framed("v157..178"):
        client.socket.sendall(bytes([byte]))
    assert client.read()[0] == "178"


def test_messages_of_one_turn_leave_in_one_write(gateway_with, connect):
    for coalesce, reads in ((True, 1), (False, None)):
        gateway = gateway_with(coalesce=coalesce)
        client = connect(gateway)
        client.greet()
        client.reads.clear()
        client.send(71, 2, 1, "")
        for _ in range(5):
            client.read()
        assert reads is None or len(client.reads) == reads


def test_an_unknown_and_an_unreadable_message_are_answered_and_ten_end_the_connection(gateway, connect):
    client = connect(gateway)
    client.start(1)
    client.send(998)
    assert client.error(505)[4].endswith("998")
    client.send(1, 11, "x")
    assert client.error(320)
    for _ in range(8):
        client.send(998)
    assert client.ends() == "closed"


def test_who_asks_what_this_is_hears_that_it_is_simulated(gateway, connect):
    client = connect(gateway)
    client.start(3)
    client.send(104, 9)
    assert client.read() == ["107", "9", "certify-simulated-gateway"]


def test_the_time_is_the_gateways(gateway, connect):
    client = connect(gateway)
    client.start(3)
    gateway.do("clock_offset", s=-100)
    client.send(49, 1)
    told = client.read()
    assert told[:2] == ["49", "1"]
    assert 99 <= now_ns() / 1e9 - int(told[2]) <= 102


def test_what_an_ordinary_login_does_not_have_is_answered_with_nothing(gateway, connect):
    client = connect(gateway)
    client.start(3)
    for asked, answered in (
        ((80,), ["78", "1", "DU1000001", ""]),
        ((79, 5), ["77", "5", "0"]),
        ((85,), ["85", "0"]),
        ((83, 6, "a6"), ["82", "6", "0"]),
    ):
        client.send(*asked)
        assert client.read() == answered
    client.send(14, 1, 5)
    client.send(18, 1, 1)
    assert client.read()[3] == "321"


def test_requests_are_counted_by_name(gateway, connect):
    client = connect(gateway)
    client.start(3)
    client.send(49, 1)
    client.send(49, 1)
    client.ping()
    assert gateway.do("requests") == {3: {"ReqCurrentTime": 2, "Unknown": 1}}
    assert gateway.do("requests", client_id=4) == {}


def test_an_embedded_gateway_closes_twice_and_is_dead_then():
    gateway = EmbeddedGateway(GatewaySettings(market_rate_per_s=0))
    gateway.close()
    gateway.close()
    with pytest.raises(SystemDied):
        gateway.do("describe")


def test_a_port_in_use_is_told_in_one_line(gateway):
    with pytest.raises(UsageError, match=f"{gateway.port}: the port is in use"):
        EmbeddedGateway(GatewaySettings(port=gateway.port))
    with pytest.raises(UsageError, match="the port is in use"):
        EmbeddedGateway(GatewaySettings(control_port=gateway.port))


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "0.0.0.0"},
        {"host": "example.org"},
        {"max_version": 179},
        {"max_version": 156},
        {"port": 70_000},
        {"control_port": -1},
        {"accounts": ()},
        {"accounts": (AccountSettings(id="DU1"), AccountSettings(id="DU1"))},
        {"instruments": ()},
        {"market_rate_per_s": -1},
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_refused(wrong):
    with pytest.raises(UsageError):
        GatewaySettings(**wrong)


def test_two_gateways_run_side_by_side(gateway_with, connect):
    one, two = gateway_with(), gateway_with()
    connect(one).start(1)
    connect(two).start(1)
    one.do("connectivity", state="lost")
    assert one.call(lambda g: g.faults.connected_to_ib) is False
    assert two.call(lambda g: g.faults.connected_to_ib) is True
