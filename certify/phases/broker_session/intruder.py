"""A second client of the gateway in the hands of a check, and a port that only counts who knocks.

The handshake is that of the TWS API: four bytes of greeting, the versions that the client speaks, then
who it is; see Interactive Brokers' documentation of the API's protocol.
"""

from __future__ import annotations

import itertools
import socket
import threading
from types import TracebackType

from certify import clock
from certify.phases.gateway import GatewayAddress

TIMEOUT_S = 5.0
GREETING = b"API\0"
VERSIONS = b"v157..176"
IN_USE = b"\x00326\x00"
"""Error 326 on the wire: the client id is in use."""
READ = 65536
BURST = 40
"""Requests in one second; the gateway takes 50."""


class Intruder:
    """A client that takes a client id and says nothing more."""

    def __init__(self, address: GatewayAddress, client_id: int) -> None:
        """Connect and begin a session under `client_id`.

        Raises:
            OSError: nobody listens.
        """
        self._socket = socket.create_connection((address.host, address.port), timeout=TIMEOUT_S)
        self._read = b""
        self._numbers = itertools.count(1)
        self._socket.sendall(GREETING + _framed(VERSIONS))
        self._receive()
        self._socket.sendall(_framed(b"71\x002\x00%d\x00\x00" % client_id))

    def stream(self, symbol: str, primary: str, count: int) -> None:
        """Ask for so many lines of market data of a share, not faster than the gateway takes requests."""
        for number in range(count):
            contract = (0, symbol, "STK", "", 0, "", "", "SMART", primary, "USD", "", "")
            fields = (1, 11, next(self._numbers), *contract, 0, "", 0, 0, "")
            self._socket.sendall(_framed("".join(f"{field}\0" for field in fields).encode()))
            if number % BURST == BURST - 1:
                clock.sleep_s(1.0)

    def refused(self, within_s: float) -> bool:
        """Whether the gateway says in time that the id is in use (326), or hangs up."""
        deadline_ns = clock.monotonic_ns() + int(within_s * clock.NS_PER_S)
        while IN_USE not in self._read:
            left_s = (deadline_ns - clock.monotonic_ns()) / clock.NS_PER_S
            if left_s <= 0:
                return False
            self._socket.settimeout(left_s)
            try:
                if not self._receive():
                    return True
            except TimeoutError:
                return False
            except OSError:
                return True
        return True

    def _receive(self) -> bool:
        data = self._socket.recv(READ)
        self._read += data
        return bool(data)

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    def __enter__(self) -> Intruder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _framed(payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "big") + payload


class KnockCounter:
    """Listens where the gateway did, hangs up on everybody, and counts them."""

    def __init__(self, address: GatewayAddress) -> None:
        """Take the port.

        Raises:
            OSError: it is not free.
        """
        self.count = 0
        self._socket = socket.create_server((address.host, address.port), backlog=64)
        self._socket.settimeout(0.1)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._answer, name="knock-counter", daemon=True)
        self._thread.start()

    def _answer(self) -> None:
        while not self._over.is_set():
            try:
                visitor, _ = self._socket.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self.count += 1
            visitor.close()

    def close(self) -> None:
        """Give the port back."""
        self._over.set()
        self._thread.join()
        self._socket.close()

    def __enter__(self) -> KnockCounter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
