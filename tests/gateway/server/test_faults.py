"""Every fault of a session, seen from a raw socket."""

from __future__ import annotations

import socket
import threading

import pytest

from certify import clock
from certify.errors import UsageError
from certify.gateway.wire.answers import tick_price
from certify.gateway.wire.frames import frame


def codes(client, count: int) -> list[int]:
    return [int(client.read()[3]) for _ in range(count)]


def push(gateway) -> None:
    """Send order news and a tick to everyone, as a desk does."""

    def send(house) -> None:
        for client in house.everyone():
            client.push(frame(3, "news"))
            client.tick(frame(1, "tick"))
            client.send(frame(49, "answer"))

    gateway.call(send)


@pytest.mark.parametrize(("state", "code"), [("restored", 1102), ("restored_data_lost", 1101)])
def test_while_ib_is_lost_news_and_ticks_are_lost_and_answers_come(gateway, connect, state, code):
    client = connect(gateway)
    client.start(1)
    gateway.do("connectivity", state="lost")
    assert client.read() == [
        "4", "2", "-1", "1100", "Connectivity between IB and Trader Workstation has been lost.", ""
    ]  # fmt: skip
    push(gateway)
    assert client.read() == ["49", "answer"]
    gateway.do("connectivity", state=state)
    assert codes(client, 1) == [code]
    push(gateway)
    assert [client.read()[0] for _ in range(3)] == ["3", "1", "49"]


def test_who_connects_while_ib_is_lost_is_told_so_instead_of_farms(gateway, connect):
    gateway.do("connectivity", state="lost")
    client = connect(gateway)
    client.greet()
    client.send(71, 2, 1, "")
    assert [client.read()[0] for _ in range(2)] == ["15", "9"]
    assert codes(client, 1) == [2110]


@pytest.mark.parametrize(
    ("kind", "state", "code"),
    [
        ("market", "broken", 2103), ("market", "ok", 2104), ("market", "inactive", 2108),
        ("market", "connecting", 2119), ("history", "broken", 2105), ("history", "ok", 2106),
        ("history", "inactive", 2107), ("secdef", "broken", 2157), ("secdef", "ok", 2158),
    ],
)  # fmt: skip
def test_a_farm_tells_its_state_and_only_a_working_market_farm_lets_ticks_through(
    gateway, connect, kind, state, code
):
    client = connect(gateway)
    client.start(1)
    gateway.do("farm", kind=kind, state=state, name="eufarm")
    fields = client.read()
    assert fields[3] == str(code)
    assert fields[4].endswith("eufarm")
    push(gateway)
    ticks = kind != "market" or state in ("ok", "inactive")
    assert [client.read()[0] for _ in range(2 + ticks)] == ["3", *["1"] * ticks, "49"]
    late = connect(gateway)
    assert str(code) in [fields[3] for fields in late.start(2)[2:]]


def test_a_farm_in_a_state_without_a_code_is_refused(gateway):
    for kind, state in (("market", "gone"), ("secdef", "connecting"), ("news", "ok")):
        with pytest.raises(UsageError, match="farm: expected one of"):
            gateway.do("farm", kind=kind, state=state)
    with pytest.raises(UsageError, match="connectivity: expected"):
        gateway.do("connectivity", state="gone")


def test_half_open_is_silence_on_an_open_socket_and_what_came_is_lost(gateway, connect):
    client = connect(gateway)
    client.start(1)
    gateway.do("half_open", on=True)
    client.send(999)
    push(gateway)
    gateway.do("notice", code=2104)
    stranger = connect(gateway)
    stranger.socket.sendall(b"API\0\0\0\0\x04v178")
    assert client.is_silent()
    assert stranger.is_silent(0.01)
    gateway.do("half_open", on=False)
    client.ping()


def test_a_reset_is_a_reset_and_hits_only_whom_it_shall(gateway, connect):
    one, two = connect(gateway), connect(gateway)
    one.start(1)
    two.start(2)
    assert gateway.do("reset", client_id=1) == [1]
    assert one.ends() == "reset"
    two.ping()
    assert gateway.do("reset") == [2]
    assert two.ends() == "reset"


def test_a_reset_in_mid_message_leaves_half_a_message(gateway, connect):
    client = connect(gateway)
    client.start(1)
    # The client reads while it happens, as a real one does: what is unread when RST comes may be lost.
    resetting = threading.Thread(target=gateway.do, args=("reset",), kwargs={"mid_message": True})
    resetting.start()
    half = client.socket.recv(4096)
    assert 4 < len(half) < 4 + int.from_bytes(half[:4], "big")
    with pytest.raises(ConnectionResetError):
        client.socket.recv(4096)
    resetting.join()


def test_listen_off_closes_everything_and_on_opens_the_same_port(gateway, connect):
    client = connect(gateway)
    client.start(1)
    gateway.do("listen", on=False)
    assert client.ends() == "closed"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", gateway.port), timeout=5)
    gateway.do("listen", on=True)
    gateway.do("listen", on=True)
    assert connect(gateway).start(1)[0][0] == "15"


def test_the_nightly_reset_flaps_loses_and_restores_on_an_open_socket(gateway, connect):
    for data_lost, code in ((False, 1102), (True, 1101)):
        client = connect(gateway)
        client.start(code)
        gateway.do("nightly_reset", down_s="0.05", data_lost=data_lost)
        assert codes(client, 8) == [2103, 2105, 2157, 2119, 2104, 2106, 2103, 2105]
        assert codes(client, 2) == [1100, code]
        assert codes(client, 3) == [2104, 2106, 2158]
        assert gateway.call(lambda house: house.faults.market_flows)
        client.close()


def test_a_restart_closes_the_port_and_keeps_client_ids_in_use_for_a_while(gateway, connect, eventually):
    client = connect(gateway)
    client.start(4)
    gateway.do("restart", down_s=0.2, in_use_s=0.3)
    assert client.ends() == "closed"
    with pytest.raises(ConnectionRefusedError):
        connect(gateway)
    assert eventually(lambda: reachable(gateway.port))
    early = connect(gateway)
    early.greet()
    early.send(71, 2, 4, "")
    assert early.read()[3] == "326"
    assert eventually(lambda: not gateway.call(lambda house: house.in_use(4)))
    assert connect(gateway).start(4)[0][0] == "15"


def reachable(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_a_competing_session_stops_ticks(gateway, connect):
    client = connect(gateway)
    client.start(1)
    gateway.do("competing_session", on="on")
    push(gateway)
    assert [client.read()[0] for _ in range(2)] == ["3", "49"]
    gateway.do("competing_session", on="off")
    push(gateway)
    assert [client.read()[0] for _ in range(3)] == ["3", "1", "49"]


def test_flags_are_there_for_the_desks_and_each_change_is_told(gateway):
    heard: list[str] = []

    class Ear:
        def fault(self, name: str) -> None:
            heard.append(name)

    gateway.call(lambda house: house.desks.append(Ear()))
    gateway.do("read_only", on=True)
    gateway.do("delayed", on=True)
    gateway.do("subscribed", instrument="AAPL.NASDAQ", on=False)
    gateway.do("connectivity", state="lost")
    faults = gateway.call(lambda house: house.faults)
    assert (faults.read_only, faults.delayed, faults.connected_to_ib) == (True, True, False)
    assert not faults.is_subscribed("AAPL.NASDAQ")
    assert faults.is_subscribed("MSFT.NASDAQ")
    gateway.do("heal")
    assert (faults.read_only, faults.delayed, faults.connected_to_ib) == (False, False, True)
    assert faults.is_subscribed("AAPL.NASDAQ")
    assert heard == [
        "read_only", "delayed", "subscribed", "lost", "restored", "read_only", "delayed", "subscribed", "heal"
    ]  # fmt: skip


def test_healing_undoes_every_fault_of_the_link_and_what_was_planned(gateway, connect, eventually):
    client = connect(gateway)
    client.start(1)
    gateway.do("farm", kind="secdef", state="broken")
    gateway.do("clock_offset", s=30)
    gateway.do("frames", fragment=1, delay_ms=1)
    gateway.do("nightly_reset", down_s=0)
    gateway.do("half_open", on=True)
    gateway.do("listen", on=False)
    gateway.do("heal")
    assert eventually(lambda: gateway.call(lambda house: house.clients) == {})
    again = connect(gateway)
    assert [fields[3] for fields in again.start(1)[2:]] == ["2104", "2106", "2158"]
    assert again.is_silent(0.5), "the nightly reset goes on after the healing"
    assert gateway.call(lambda house: house.faults.clock_offset_ns) == 0


@pytest.mark.parametrize("offset", [30, "-12.5"])
def test_the_clock_runs_ahead_or_behind(gateway, offset):
    gateway.do("clock_offset", s=offset)
    ahead_s = (gateway.call(lambda house: house.now_ns()) - clock.now_ns()) / 1e9
    assert float(offset) - 1 < ahead_s <= float(offset)


def test_a_notice_goes_to_one_client_or_to_all(gateway, connect):
    one, two = connect(gateway), connect(gateway)
    one.start(1)
    two.start(2)
    assert gateway.do("notice", code=10182, req_id=5, client_id=2, text="Failed.") == 1
    assert two.read()[:5] == ["4", "2", "5", "10182", "Failed."]
    assert one.is_silent(0.05)
    assert gateway.do("notice", code="2104") == 2
    with pytest.raises(UsageError, match="no text is known for code 31337"):
        gateway.do("notice", code=31337)


def test_bytes_leave_in_pieces_and_the_messages_are_whole(gateway, connect):
    client = connect(gateway)
    gateway.do("frames", fragment=20, delay_ms=3)
    client.start(1)
    assert len(client.reads) > 5, "the pieces were put together"
    gateway.do("frames")
    client.reads.clear()
    gateway.do("notice", code=2104)
    client.read()
    assert len(client.reads) == 1


def test_bytes_leave_late_and_in_order(gateway, connect):
    client = connect(gateway)
    client.start(1)
    gateway.do("frames", delay_ms=80)
    began_ns = clock.monotonic_ns()
    gateway.do("notice", code=2104)
    gateway.do("frames", delay_ms=0)
    gateway.do("notice", code=2106)
    assert codes(client, 2) == [2104, 2106]
    assert clock.monotonic_ns() - began_ns >= 75_000_000


def test_a_session_that_is_closed_hears_what_was_late(gateway, connect):
    client = connect(gateway)
    client.start(1)
    gateway.do("frames", fragment=5, delay_ms=1)
    gateway.do("notice", code=2104)
    gateway.do("listen", on=False)
    assert codes(client, 1) == [2104]
    assert client.ends() == "closed"


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("half_open", {"on": "perhaps"}),
        ("frames", {"fragment": 0}),
        ("frames", {"delay_ms": -1}),
        ("frames", {"delay_ms": "NaN"}),
        ("clock_offset", {"s": "tomorrow"}),
        ("clock_offset", {"s": 10**9}),
        ("restart", {"down_s": -1}),
        ("notice", {"code": "x"}),
        ("reset", {"client_id": "1.5"}),
        ("nightly_reset", {"data_lost": 3}),
        ("connectivity", {}),
        ("connectivity", {"state": "lost", "for": 3}),
        ("no_such_action", {}),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(gateway, action, arguments):
    with pytest.raises(UsageError):
        gateway.do(action, **arguments)
    faults = gateway.call(lambda house: house.faults)
    assert (faults.half_open, faults.fragment, faults.delay_s, faults.clock_offset_ns) == (
        False,
        None,
        0.0,
        0,
    )


def test_fresh_ends_every_client_and_forgets_everything_on_the_same_port(gateway, connect):
    client = connect(gateway)
    client.start(1)
    gateway.do("connectivity", state="lost")
    gateway.do("open_account", account="DU7", cash="5", currency="USD")
    port = gateway.address.port
    gateway.fresh()
    assert client.ends() == "closed"
    assert gateway.do("describe")["port"] == port
    assert gateway.do("describe")["accounts"] == ["DU1000001"]
    assert gateway.do("requests") == {}
    assert connect(gateway).start(1)[0] == ["15", "1", "DU1000001"]


def test_a_further_account_is_seen_by_who_connects_next(gateway, connect):
    gateway.do("open_account", account="DU7", cash="5")
    assert connect(gateway).start(1)[0] == ["15", "1", "DU1000001,DU7"]
    with pytest.raises(UsageError, match="DU7 exists"):
        gateway.do("open_account", account="DU7", cash="5")


def test_a_price_tick_is_a_tick(gateway, connect):
    client = connect(gateway)
    client.start(1)
    gateway.call(
        lambda house: house.clients[1].tick(
            tick_price(178, req_id=3, tick_type=1, price=clock.NS_PER_MS, size=1, attr_mask=0)
        )
    )
    assert client.read()[:3] == ["1", "6", "3"]
