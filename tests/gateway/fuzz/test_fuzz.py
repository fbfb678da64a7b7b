"""Whatever several clients send at once: a well-behaved one is served, and memory stays where it was."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from certify.gateway.settings import LimitSettings, PacingSettings
from certify.gateway.wire.frames import frame, framed
from certify.testing import TestGateway, running_gateway
from tests.gateway.talk import Talk, place_order

ANSWERS_WITHIN_S = 2.0
GROWS_AT_MOST_BYTES = 96 << 20
CONTRACT = [0, "AAPL", "STK", "", 0, "", "", "SMART", "", "USD", "", ""]
REQUESTS: list[list[Any]] = [
    [1, 11, 5, *CONTRACT, 0, "233", 0, 0, ""], [2, 2, 5], [4, 1, 1, ""], [5, 1], [6, 2, 1, ""], [8, 1, 1],
    [7, 3, 6, 0, "", "", "", "", "", ""], [9, 8, 7, *CONTRACT, 0, "", "", ""],
    [10, 5, 8, *CONTRACT, 5, 1, ""], [11, 1, 8, 1], [12, 1, 1], [14, 1, 5], [15, 1, 1], [16, 1], [17, 1],
    [18, 1, 1], [19, 1, 1, "<x/>", 3],
    [20, 9, *CONTRACT, 0, "", "1 min", "3600 S", 0, "TRADES", 1, 1, ""], [22, 10, *[""] * 21, "", ""],
    [24, 1], [25, 1, 9], [49, 1], [50, 3, 11, *CONTRACT, 5, "TRADES", 0, ""], [51, 1, 11],
    [54, 3, 12, *CONTRACT, 1.0, 2.0, 0, ""], [58, 1], [59, 1, 3], [61, 1], [64, 1],
    [62, 1, 13, "All", "NetLiquidation,$LEDGER:ALL"], [63, 1, 13], [74, 1, 14, "", ""], [75, 1, 14],
    [76, 1, 15, "", "", 0], [77, 1, 15], [78, 16, "AAPL", "", "STK", 265598], [79, 17], [80], [82], [85],
    [81, 18, "A"], [87, 19, *CONTRACT, 0, 1, "TRADES", 1], [88, 20, *CONTRACT, 0, 1, "1 day"], [91, 26],
    [92, 21, "", ""], [93, 21], [94, 22, "", "", 265598], [95, 22],
    [96, 23, *CONTRACT, 0, "", "20260101 10:00:00 UTC", 10, "TRADES", 0, 0, ""],
    [97, 24, *CONTRACT, "BidAsk", 0, 0], [98, 24], [99, 0], [100, 25], [104, 26], [71, 2, 3, ""],
]  # fmt: skip
"""Every request as a client sends it in the dialect 178."""
NASTY = [
    "", "-1", "0", "9" * 300, "-" * 9, "nan", "inf", "Infinity", "1e999", "-1e-999", "None", "true", "?", "٣",
    "\ud7ff", "2147483647", "2147483648", "-2147483648", "9223372036854775808", "1.7976931348623157e+308",
    "{}", "%s", "{0}", "A" * 5000, "BAG", "OPT", "FUT", "20991399 99:99:99", "..", "1,000", "0x10", " 5",
    "+5", "1_0", "LMT", "PEG BENCH",
]  # fmt: skip
"""What a field may hold, against every expectation."""


def mutated(source: random.Random) -> bytes:
    """Return a request with some fields replaced, left out, doubled or swapped, or an order likewise."""
    if source.random() < 0.3:
        kind, limit = source.choice(["BUY", "SELL", "", "HOLD"]), source.choice(["", "1.00", "9e9", "-1"])
        fields = place_order(source.randint(-2, 50), "AAPL", kind, source.choice(["1", *NASTY]), limit=limit)
        texts = fields[4:].decode().split("\0")[:-1]
    else:
        texts = [str(each) for each in source.choice(REQUESTS)]
    for _ in range(source.choice([0, 1, 1, 2, 5])):
        place = source.randrange(len(texts))
        how = source.randrange(5)
        if how < 2:
            texts[place] = source.choice(NASTY)
        elif how == 2 and len(texts) > 1:
            del texts[place]
        elif how == 3:
            texts.insert(place, texts[place])
        else:
            texts[place:] = [source.choice(NASTY)] * source.randrange(1, 40)
    payload = "".join(text + "\0" for text in texts).encode("utf-8", "surrogatepass")
    if source.random() < 0.1:
        payload = payload[: source.randrange(len(payload) + 1)]
    return struct.pack(">I", len(payload)) + payload


HELLO = b"API\0" + framed("v157..178")
RAW = st.one_of(
    st.binary(max_size=300),
    st.integers(0, 2**32 - 1).map(lambda length: struct.pack(">I", length) + b"71\0"),
    st.sampled_from([b"API\0", b"GET / HTTP/1.1\r\n\r\n", framed("v1..99"), framed("v200..225"), HELLO]),
    st.sampled_from([framed(""), framed("\0"), framed("71\0" * 1000), b"\0" * 4096, b"\xff" * 4096]),
)
SESSIONS = st.tuples(st.booleans(), st.integers(100, 140), st.lists(RAW, max_size=3), st.integers(0, 2**32))


class Hostile:
    """One connection that means no good."""

    def __init__(self, port: int, session: tuple[bool, int, list[bytes], int]) -> None:
        greeted, client_id, raw, seed = session
        self.source = random.Random(seed)
        self.chunks = [HELLO, frame(71, 2, client_id, "")] if greeted else []
        self.chunks += [mutated(self.source) for _ in range(12)] if greeted else []
        for chunk in raw:
            self.chunks.insert(self.source.randrange(len(self.chunks) + 1), chunk)
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWERS_WITHIN_S)

    def step(self) -> bool:
        """Send the next piece; tells whether there is more."""
        if not self.chunks:
            return False
        chunk = self.chunks.pop(0)
        cut = self.source.choice([len(chunk), len(chunk) // 2])
        try:
            self.socket.sendall(chunk[:cut])
            self.socket.sendall(chunk[cut:])
            if self.source.random() < 0.3:
                self.socket.setblocking(False)
                self.socket.recv(1 << 16)
        except BlockingIOError:
            pass
        except OSError:
            return False  # the gateway has had enough
        finally:
            self.socket.settimeout(ANSWERS_WITHIN_S)
        return True

    def leave(self) -> None:
        """Close, now and then by a reset."""
        if self.source.random() < 0.4:
            with contextlib.suppress(OSError):
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


@pytest.fixture(scope="module")
def gateway() -> Iterator[TestGateway]:
    patient = replace(LimitSettings(), bad_messages=10_000)
    with running_gateway(pacing=PacingSettings(limit=0), limits=patient, magic=True) as running:
        yield running


@pytest.fixture(scope="module")
def healthy(gateway: TestGateway) -> Iterator[Talk]:
    with Talk(gateway, client_id=7) as talk:
        yield talk


def serves(healthy: Talk) -> None:
    """The healthy client is answered in time."""
    started = time.monotonic()
    healthy.asks_the_time()
    took = time.monotonic() - started
    assert took < ANSWERS_WITHIN_S, f"the answer took {took:.1f} s"
    healthy.heard.clear()


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@example(sessions=[(True, 100 + number, [], number) for number in range(40)])
@given(sessions=st.lists(SESSIONS, min_size=1, max_size=6))
def test_garbage_from_several_clients_at_once(
    sessions: list[tuple[bool, int, list[bytes], int]], gateway: TestGateway, healthy: Talk
) -> None:
    hostiles = [Hostile(gateway.port, session) for session in sessions]
    waiting = list(hostiles)
    while waiting:
        waiting = [hostile for hostile in waiting if hostile.step()]
    serves(healthy)
    for hostile in hostiles:
        hostile.leave()
    serves(healthy)
    assert gateway._embedded.gateway.failures == []


def test_memory_is_bounded(gateway: TestGateway, healthy: Talk) -> None:
    process = psutil.Process(os.getpid())
    for round_number in range(12):
        if round_number == 4:
            before = process.memory_info().rss
        hostiles = [
            Hostile(gateway.port, (number % 4 != 0, 100 + number, [], 1000 * round_number + number))
            for number in range(24)
        ]
        waiting = list(hostiles)
        while waiting:
            waiting = [hostile for hostile in waiting if hostile.step()]
        for hostile in hostiles:
            hostile.leave()
        serves(healthy)
    assert process.memory_info().rss - before < GROWS_AT_MOST_BYTES
    clients = lambda: gateway.do("clients")  # noqa: E731
    deadline = time.monotonic() + ANSWERS_WITHIN_S
    while len(clients()) > 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [client["client_id"] for client in clients()] == [7]


def test_those_who_ask_and_never_read_hold_up_nobody(gateway: TestGateway, healthy: Talk) -> None:
    process = psutil.Process(os.getpid())
    before = process.memory_info().rss
    asking = [frame(*request) for request in REQUESTS if request[0] in (1, 9, 20, 78, 81, 96, 97)]
    deaf = [socket.create_connection((gateway.host, gateway.port), timeout=1) for _ in range(8)]
    for number, each in enumerate(deaf):
        each.sendall(HELLO + frame(71, 2, 200 + number, ""))
    for _ in range(40):
        for each in deaf:
            with contextlib.suppress(OSError):  # dropped, or its own buffers are full
                each.sendall(b"".join(asking * 5))
        serves(healthy)
    assert process.memory_info().rss - before < 8 * (16 << 20) + GROWS_AT_MOST_BYTES
    for each in deaf:
        each.close()
    serves(healthy)
