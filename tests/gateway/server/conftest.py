"""A gateway on a thread, and a client that speaks raw bytes to it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from certify.clock import monotonic_ns
from certify.gateway.embed import EmbeddedGateway
from certify.gateway.settings import GatewaySettings
from certify.gateway.wire.frames import Deframer, framed
from certify.gateway.wire.frames import frame as encode

Fields = list[str]


class RawClient:
    """One connection; what it reads are lists of texts."""

    def __init__(self, port: int, *, limit_s: float = 5.0, buffer_bytes: int | None = None) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if buffer_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        self.socket.settimeout(limit_s)
        try:
            self.socket.connect(("127.0.0.1", port))
        except OSError:
            self.socket.close()
            raise
        self._deframer = Deframer(16 << 20)
        self._ready: list[Fields] = []
        self.reads: list[int] = []

    def greet(self, versions: str = "v157..178") -> Fields:
        self.socket.sendall(b"API\0" + framed(versions))
        return self.read()

    def start(self, client_id: int, versions: str = "v157..178") -> list[Fields]:
        """Begin a session; return what it begins with: accounts, next id, three farms."""
        self.greet(versions)
        self.send(71, 2, client_id, "")
        return [self.read() for _ in range(5)]

    def send(self, *fields: Any) -> None:
        self.socket.sendall(encode(*fields))

    def read(self) -> Fields:
        """Return the next message; raises `EOFError` at the end, `TimeoutError` when none comes."""
        while not self._ready:
            data = self.socket.recv(1 << 20)
            if not data:
                raise EOFError
            self.reads.append(len(data))
            for payload in self._deframer.feed(data):
                self._ready.append(payload.decode().split("\0")[:-1])
        return self._ready.pop(0)

    def until(self, wanted: Callable[[Fields], bool]) -> Fields:
        while True:
            fields = self.read()
            if wanted(fields):
                return fields

    def error(self, code: int) -> Fields:
        """Return the next error message with this code, whatever comes before it."""
        return self.until(lambda fields: fields[0] == "4" and fields[3] == str(code))

    def ping(self) -> None:
        """Have a question answered that every gateway can answer (an error answers it too)."""
        self.send(999)
        self.error(505)

    def is_silent(self, for_s: float = 0.15) -> bool:
        """Whether nothing comes for a while."""
        before = self.socket.gettimeout()
        self.socket.settimeout(for_s)
        try:
            self.read()
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(before)
        return False

    def ends(self) -> str:
        """Read to the end and return how it came: `closed` or `reset`."""
        try:
            while True:
                self.read()
        except EOFError:
            return "closed"
        except ConnectionResetError:
            return "reset"

    def close(self) -> None:
        self.socket.close()


class Control:
    """A connection to the control port."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self._file = self.socket.makefile("rb")

    def line(self, text: bytes) -> dict[str, Any]:
        self.socket.sendall(text + b"\n")
        return json.loads(self._file.readline())

    def do(self, action: str, **arguments: Any) -> dict[str, Any]:
        return self.line(json.dumps({"do": action, **arguments}).encode())

    def close(self) -> None:
        self._file.close()
        self.socket.close()


@pytest.fixture
def gateway_with() -> Iterator[Callable[..., EmbeddedGateway]]:
    """Start gateways with settings by name; each must end without a failure inside."""
    started: list[EmbeddedGateway] = []

    def start(**given: Any) -> EmbeddedGateway:
        started.append(EmbeddedGateway(dataclasses.replace(GatewaySettings(market_rate_per_s=0), **given)))
        return started[-1]

    yield start
    failures = [gateway.gateway.failures for gateway in started]
    for gateway in started:
        gateway.close()
    assert failures == [[] for _ in started]


@pytest.fixture
def gateway(gateway_with) -> EmbeddedGateway:
    return gateway_with()


@pytest.fixture
def connect(request) -> Iterator[Callable[..., RawClient]]:
    """Open raw connections to a gateway."""
    with contextlib.ExitStack() as opened:

        def connect(gateway: EmbeddedGateway, **more: Any) -> RawClient:
            client = RawClient(gateway.port, **more)
            opened.callback(client.close)
            return client

        yield connect


@pytest.fixture
def control() -> Iterator[Callable[[EmbeddedGateway], Control]]:
    with contextlib.ExitStack() as opened:

        def connect(gateway: EmbeddedGateway) -> Control:
            made = Control(gateway.address.control_port)
            opened.callback(made.close)
            return made

        yield connect


def eventually(condition: Callable[[], object], limit_s: float = 5.0) -> bool:
    """Ask again until a condition holds; asking goes through the gateway's loop and so takes its time."""
    deadline_ns = monotonic_ns() + int(limit_s * 1e9)
    while not condition():
        if monotonic_ns() > deadline_ns:
            return False
    return True


@pytest.fixture(name="eventually")
def _eventually() -> Callable[..., bool]:
    return eventually
