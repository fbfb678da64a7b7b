"""A client of few words: connects, places orders and waits for what comes, in the dialect 178."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from certify.gateway.wire.frames import Deframer, framed
from certify.gateway.wire.frames import frame as encode

WAIT_S = 15.0
Fields = list[str]

_AFTER_HIDDEN = [
    "",
    0,
    "",
    "",
    "",
    "",
    "",
    "",
    0,
    "",
    -1,
    0,
    "",
    "",
    0,
    "",
    "",
    0,
    0,
    "",
    0,
    "",
    "",
    "",
    "",
    "",
    0,
]
"""sharesAllocation to overridePercentageConstraints."""
_VOLATILITY = ["", "", "", ""]
_TRAIL_AND_SCALE = [0, "", "", "", "", "", ""]
_HEDGE_TO_PRICES = ["", "", "", "", 0, "", "", 0, 0, "", "", 0, "", 0, 0, 0]
"""scaleTable to randomizePrice, with no delta-neutral contract and no algorithm."""
_ADJUSTED = ["", "", "", "", "", "", 0, "", "", "", "", "", "", "", "", 0, 0, 0, ""]
_GATED = ["", "", 0, "", ""]


def place_order(number: int, symbol: str, side: str, qty: object, *, limit: object = "") -> bytes:
    """Return placeOrder for a share of a US company: at the market, or at a limit."""
    contract = [0, symbol, "STK", "", 0, "", "", "SMART", "", "USD", "", ""]
    terms = [side, qty, "LMT" if limit else "MKT", limit, "", "", "", "", "O", 0, "", 1, 0, 0, 0, 0, 0, 0, 0]
    rest = [*_AFTER_HIDDEN, *_VOLATILITY, *_TRAIL_AND_SCALE, *_HEDGE_TO_PRICES, 0, *_ADJUSTED, *_GATED]
    return encode(3, number, *contract, "", "", *terms, *rest)


class Talk:
    """A session with a gateway; what came is kept, so that no wait misses anything."""

    def __init__(self, address: Any, *, client_id: int = 1) -> None:
        self.heard: list[Fields] = []
        self._deframer = Deframer(16 << 20)
        self._socket = socket.create_connection((address.host, address.port), timeout=WAIT_S)
        self._socket.sendall(b"API\0" + framed("v157..178"))
        self.wait(lambda fields: len(fields) == 2, "the handshake")
        self.send(71, 2, client_id, "")
        self.wait(lambda fields: fields[0] == "9", "nextValidId")

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *error: object) -> None:
        self._socket.close()

    def send(self, *fields: Any) -> None:
        self._socket.sendall(encode(*fields))

    def place(self, number: int, symbol: str, side: str, qty: object, *, limit: object = "") -> None:
        self._socket.sendall(place_order(number, symbol, side, qty, limit=limit))

    def wait(self, wanted: Callable[[Fields], bool], what: str, *, count: int = 1) -> list[Fields]:
        """Return the first `count` messages that are wanted, among what has come and what comes."""
        while len(found := [fields for fields in self.heard if wanted(fields)]) < count:
            try:
                data = self._socket.recv(1 << 20)
            except TimeoutError:
                raise AssertionError(f"waited {WAIT_S:g} s for {what}; last: {self.heard[-8:]}") from None
            assert data, f"the connection ended before {what}; last: {self.heard[-8:]}"
            self.heard += [payload.decode().split("\0")[:-1] for payload in self._deframer.feed(data)]
        return found[:count]

    def reaches(self, number: int, status: str) -> None:
        """Wait until an order has a status."""
        self.wait(lambda fields: fields[:3] == ["3", str(number), status], f"{status} of order {number}")

    def error_about(self, number: int, *, but: tuple[str, ...] = ()) -> int:
        """Return the code of the first error about an order."""
        found = self.wait(
            lambda fields: fields[0] == "4" and fields[2] == str(number) and fields[3] not in but,
            f"an error about {number}",
        )
        return int(found[0][3])

    def notice(self, code: int) -> None:
        """Wait for an error message with this code."""
        self.wait(lambda fields: fields[0] == "4" and fields[3] == str(code), f"code {code}")

    def executions(self, count: int) -> list[dict[str, str]]:
        """Return the first executions that come by themselves."""
        found = self.wait(lambda fields: fields[:2] == ["11", "-1"], "executions", count=count)
        return [{"exec_id": fields[14], "shares": fields[19], "price": fields[20]} for fields in found]

    def asks_the_time(self) -> None:
        """Ask what the time is, and wait for the answer."""
        before = sum(fields[0] == "49" for fields in self.heard)
        self.send(49, 1)
        self.wait(lambda fields: fields[0] == "49", "the time", count=before + 1)

    def ended(self) -> None:
        """Wait for the end of the connection, however it comes."""
        try:
            while self._socket.recv(1 << 20):
                pass
        except ConnectionError:
            pass
