"""Whatever a client does, the gateway goes on, serves the others and keeps its memory."""

from __future__ import annotations

import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certify.gateway.embed import EmbeddedGateway
from certify.gateway.settings import GatewaySettings, LimitSettings, PacingSettings
from certify.gateway.wire.frames import frame, framed

HELLO = b"API\0" + framed("v157..178")


@pytest.fixture(scope="module")
def shared():
    """One gateway that all the garbage of this module is thrown at."""
    limits = LimitSettings(handshake_s=1.0)
    with EmbeddedGateway(
        GatewaySettings(market_rate_per_s=0, limits=limits, pacing=PacingSettings(limit=0))
    ) as gateway:
        yield gateway
        assert gateway.gateway.failures == []


def throw(gateway: EmbeddedGateway, *pieces: bytes) -> None:
    """Send what the gateway may refuse at any time, then go away."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as raw:
        try:
            for piece in pieces:
                raw.sendall(piece)
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(65_536):
                pass
        except OSError:  # closed or reset meanwhile, as it may be
            pass


def is_well(gateway: EmbeddedGateway, connect) -> None:
    client = connect(gateway)
    client.start(1_000_000)
    client.ping()
    client.close()


@pytest.fixture
def well(shared, connect, eventually):
    """After the test another client is served, and nobody is left over."""
    yield
    is_well(shared, connect)
    assert eventually(lambda: not shared.call(lambda house: house.server._connections))
    assert shared.call(lambda house: house.failures) == []


fields = st.lists(
    st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=12), min_size=1, max_size=80
)
numbers = st.sampled_from(
    ["1", "0", "-1", "", "1.7976931348623157E308", "2147483647", "99999999999", "x", "NaN"]
)
requests = st.tuples(st.integers(0, 110), st.lists(numbers, max_size=80))
relaxed = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@relaxed
@given(st.lists(st.binary(max_size=3000), max_size=5))
def test_garbage_instead_of_a_greeting(shared, well, pieces):
    throw(shared, *pieces)


@relaxed
@given(st.lists(st.binary(max_size=3000), max_size=5))
def test_garbage_after_the_greeting(shared, well, pieces):
    throw(shared, HELLO, *pieces)


@relaxed
@given(st.lists(st.one_of(st.binary(max_size=500), fields.map(lambda texts: frame(*texts))), max_size=8))
def test_garbage_in_frames_of_a_session(shared, well, payloads):
    begun = HELLO + frame(71, 2, 5, "")
    throw(shared, begun, *[len(each).to_bytes(4, "big") + each for each in payloads])


@relaxed
@given(st.lists(requests, min_size=1, max_size=8))
def test_requests_with_senseless_fields(shared, well, asked):
    throw(shared, HELLO + frame(71, 2, 5, ""), *[frame(kind, *texts) for kind, texts in asked])


@relaxed
@given(st.integers((1 << 20) + 1, (1 << 32) - 1), st.booleans())
def test_a_frame_that_is_announced_too_long_ends_the_connection(shared, well, length, in_session):
    begun = HELLO + (frame(71, 2, 5, "") if in_session else b"")
    throw(shared, begun + length.to_bytes(4, "big"), b"x" * 1000)


def test_a_long_message_that_never_ends_is_held_within_bounds(shared, well):
    throw(shared, HELLO + frame(71, 2, 5, "") + (1 << 20).to_bytes(4, "big"), b"x" * ((1 << 20) - 1))


def test_fifty_thousand_empty_messages_do_not_keep_the_others_waiting(shared, well, connect):
    throw(shared, HELLO + frame(71, 2, 5, ""), b"\0\0\0\0" * 50_000)


def test_a_client_that_says_nothing_is_closed_in_time(gateway_with, connect):
    gateway = gateway_with(limits=LimitSettings(handshake_s=0.1))
    silent, half, versioned = connect(gateway), connect(gateway), connect(gateway)
    half.socket.sendall(b"API\0\0\0\0")
    versioned.greet()
    assert [each.ends() for each in (silent, half, versioned)] == ["closed"] * 3
    started = connect(gateway)
    started.start(1)
    assert started.is_silent(0.3)
    started.ping()


def test_40_clients_are_32_sessions(gateway, connect):
    clients = [connect(gateway) for _ in range(40)]
    for number, client in enumerate(clients):
        client.greet()
        client.send(71, 2, number, "")
    served = [client for client in clients[:32] if client.read()[0] == "15"]
    assert len(served) == 32
    assert [client.ends() for client in clients[32:]] == ["closed"] * 8
    for client in served:
        client.ping()
    served[0].close()
    late = connect(gateway)
    served[1].ping()
    assert late.start(77)[0][0] == "15"


def test_connections_beyond_all_bounds_are_closed_at_once(gateway_with, connect):
    gateway = gateway_with(limits=LimitSettings(clients=3, waiting=4))
    kept = [connect(gateway) for _ in range(7)]
    for client in kept:
        client.greet()
    beyond = [connect(gateway) for _ in range(5)]
    assert {client.ends() for client in beyond} <= {"closed", "reset"}
    kept[0].send(71, 2, 1, "")
    assert kept[0].read()[0] == "15"


def flood(gateway: EmbeddedGateway, client_id: int, size: int, count: int, *, ticks: bool) -> None:
    def send(house) -> None:
        client = house.clients.get(client_id)
        for _ in range(count if client else 0):
            (client.tick if ticks else client.send)(frame(1, "x" * size))

    gateway.call(send)


def test_a_slow_reader_loses_ticks_and_keeps_its_session(gateway, connect, eventually):
    slow, other = connect(gateway, buffer_bytes=4096), connect(gateway)
    slow.start(1)
    other.start(2)
    assert eventually(lambda: flood(gateway, 1, 10_000, 100, ticks=True) or lost(gateway)), "no tick was lost"
    gateway.call(lambda house: house.clients[1].send(frame(49, "still there")))
    unread = gateway.call(lambda house: max(each.link.unread_bytes for each in house.server._connections))
    assert unread < 3_000_000
    other.ping()
    assert slow.until(lambda fields: fields[0] == "49") == ["49", "still there"]
    assert eventually(lambda: not gateway.call(lambda house: house.clients[1].congested))
    slow.ping()


def lost(gateway) -> int:
    return gateway.do("clients", client_id=1)[0]["dropped_ticks"]


def test_a_reader_that_never_reads_is_dropped_before_memory_runs_out(gateway_with, connect, eventually):
    gateway = gateway_with(limits=LimitSettings(unread_bytes=1 << 20))
    slow, other = connect(gateway, buffer_bytes=4096), connect(gateway)
    slow.start(1)
    other.start(2)
    assert eventually(
        lambda: flood(gateway, 1, 100_000, 5, ticks=False) or not gateway.do("clients", client_id=1)
    )
    other.ping()


def test_one_answer_beyond_the_limit_drops_the_client_within_the_turn(gateway_with, connect, eventually):
    gateway = gateway_with(limits=LimitSettings(unread_bytes=1 << 20))
    client = connect(gateway)
    client.start(1)
    flood(gateway, 1, 100_000, 1000, ticks=False)
    assert client.ends() in ("closed", "reset")


def test_a_reader_that_stays_behind_is_dropped_in_time(gateway_with, connect, eventually):
    gateway = gateway_with(limits=LimitSettings(stalled_s=0.2))
    slow = connect(gateway, buffer_bytes=4096)
    slow.start(1)
    flood(gateway, 1, 100_000, 100, ticks=False)
    assert eventually(lambda: not gateway.do("clients"))


def send_for_ever(client, question: bytes) -> None:
    for _ in range(5000):
        client.socket.sendall(question)


def test_a_client_that_asks_without_reading_is_not_heard_until_it_reads(gateway_with, connect, eventually):
    gateway = gateway_with(pacing=PacingSettings(limit=0), limits=LimitSettings(bad_messages=10**9))
    client, other = connect(gateway, buffer_bytes=4096, limit_s=0.2), connect(gateway)
    client.start(1)
    other.start(2)
    question = frame(998) * 2000
    with pytest.raises(TimeoutError):
        send_for_ever(client, question)
    other.ping()
    unread = gateway.call(lambda house: max(each.link.unread_bytes for each in house.server._connections))
    assert unread < 4_000_000
