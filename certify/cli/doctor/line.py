"""A connection to a gateway of Interactive Brokers as the doctor has it: one socket, no library, no order.

The messages and their fields are those of IB's published clients at server versions 157 to 178.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from certify import clock
from certify.gateway.wire.frames import Deframer, Field, FrameError, frame
from certify.model.trading import Instrument

OLDEST_VERSION, NEWEST_VERSION = 157, 178
CONNECT_S = 3.0
ANSWER_S = 5.0
START_API, CANCEL_ORDER, OPEN_ORDERS, CURRENT_TIME = 71, 4, 5, 49
MARKET_DATA, CANCEL_MARKET_DATA, MARKET_DATA_TYPE = 1, 2, 59
TICK_PRICE, ERROR, NEXT_ID, ACCOUNTS, OPEN_ORDERS_END = "1", "4", "9", "15", "53"
Heard = list[str]


@dataclass(frozen=True, slots=True)
class Notice:
    """An error message or notice: to a request, or to nobody (-1)."""

    req_id: int
    code: int
    text: str


@dataclass(slots=True)
class Line:
    """An open connection; closed by `close`, or by the other side."""

    socket: socket.socket
    deframer: Deframer = field(default_factory=lambda: Deframer(16 << 20))
    heard: list[Heard] = field(default_factory=list)
    """Every message since the handshake, as its fields."""
    notices: list[Notice] = field(default_factory=list)
    closed: str = ""
    """How the other side ended it; empty while it has not."""
    version: int = 0

    def send(self, *fields: Field) -> None:
        """Send a message; one that cannot be sent ends the line."""
        self.send_raw(frame(*fields))

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        try:
            self.socket.sendall(data)
        except OSError as error:
            self.closed = self.closed or str(error)

    def listen(self, until: Callable[[], bool], within_s: float) -> bool:
        """Take what comes until `until` holds, the line ends or the time is over; return whether it holds."""
        deadline_ns = clock.monotonic_ns() + int(within_s * clock.NS_PER_S)
        while not until():
            left_s = (deadline_ns - clock.monotonic_ns()) / clock.NS_PER_S
            if self.closed or left_s <= 0:
                return until()
            self._read(left_s)
        return True

    def _read(self, within_s: float) -> None:
        self.socket.settimeout(within_s)
        try:
            data = self.socket.recv(1 << 16)
        except TimeoutError:
            return
        except OSError as error:
            self.closed = str(error)
            return
        if not data:
            self.closed = "closed by the other side"
            return
        try:
            payloads = self.deframer.feed(data)
        except FrameError as error:
            payloads, self.closed = list(error.complete), "no messages of the API"
        for payload in payloads:
            self._take(payload.decode("utf-8", "replace").split("\0")[:-1])

    def _take(self, fields: Heard) -> None:
        self.heard.append(fields)
        if fields and fields[0] == ERROR and len(fields) >= 5:
            self.notices.append(Notice(_whole(fields[2]), _whole(fields[3]), fields[4]))

    def first(self, message_id: str) -> Heard | None:
        """Return the first message of a kind that was heard."""
        return next((fields for fields in self.heard if fields and fields[0] == message_id), None)

    def notice(self, *codes: int, req_id: int | None = None) -> Notice | None:
        """Return the first notice of these codes, of one request or any."""
        return next((n for n in self.notices if n.code in codes and req_id in (None, n.req_id)), None)

    def close(self) -> None:
        """End the connection."""
        self.socket.close()


def _whole(text: str) -> int:
    return int(text) if text.lstrip("-").isdigit() else 0


def connect(host: str, port: int) -> Line:
    """Return a line; raises `OSError` when nobody answers at the address."""
    return Line(socket.create_connection((host, port), CONNECT_S))


def greet(line: Line) -> bool:
    """Say the first words, and return whether the answer is a gateway's: its version and a time."""
    versions = f"v{OLDEST_VERSION}..{NEWEST_VERSION}".encode()
    line.send_raw(b"API\0" + len(versions).to_bytes(4, "big") + versions)
    line.listen(lambda: bool(line.heard), ANSWER_S)
    if not line.heard or len(line.heard[0]) != 2 or not line.heard[0][0].isdigit():
        return False
    line.version = int(line.heard[0][0])
    return True


def begin(line: Line, client_id: int) -> bool:
    """Start the session, and return whether accounts and the next order id came."""
    line.send(START_API, 2, client_id, "")
    return line.listen(lambda: bool(line.first(ACCOUNTS) and line.first(NEXT_ID)), ANSWER_S)


def ask_market(line: Line, req_id: int, instrument: Instrument) -> None:
    """Ask for a stock's market, delayed where there is no subscription, as the backend does."""
    symbol, _, venue = instrument.id.rpartition(".")
    primary = "" if venue == "SMART" else venue
    contract = (0, symbol, "STK", "", 0, "", "", "SMART", primary, instrument.currency, "", "")
    line.send(MARKET_DATA_TYPE, 1, 3)
    line.send(MARKET_DATA, 11, req_id, *contract, False, "", False, False, "")
