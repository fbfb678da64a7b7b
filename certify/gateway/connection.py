"""One TCP connection: handshake, version, startApi, then requests at a bounded pace."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, cast

from certify import clock
from certify.gateway import handshake
from certify.gateway.client import ClientSession
from certify.gateway.handshake import GREETING, HandshakeError
from certify.gateway.link import Link
from certify.gateway.pacing import Pace, PaceMeter
from certify.gateway.wire import answers
from certify.gateway.wire.codes import code_text
from certify.gateway.wire.frames import Deframer, FrameError, WireError
from certify.gateway.wire.requests import StartApi, Unknown, parse_request

if TYPE_CHECKING:
    from certify.gateway.server import GatewayServer

_PER_TURN = 64
"""Requests of one client answered in one turn of the loop, so that the others get theirs."""
_LONGEST_VERSION_BYTES = 1024

log = logging.getLogger(__name__)


class Connection(asyncio.Protocol):
    """Reads from one socket; what it writes goes through a `Link`."""

    def __init__(self, server: GatewayServer) -> None:
        """Made by the server for each connection it accepts."""
        self._server = server
        self._gateway = server.gateway
        self._limits = self._gateway.settings.limits
        self._greeting: bytes | None = b""
        """What has come of the greeting; `None` once it is complete."""
        self._deframer = Deframer(self._limits.frame_bytes)
        self._inbox: deque[bytes] = deque()
        self._working = False
        self._ended = False
        self._version = 0
        self._paced = False
        self._meter: PaceMeter | None = None
        self._requests: dict[str, int] = {}
        self._bad_messages = 0
        self._deadline: asyncio.TimerHandle | None = None
        self.client: ClientSession | None = None

    # -- called by the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless there are too many connections."""
        self._transport = cast("asyncio.Transport", transport)
        self.link = Link(self._gateway, self._transport)
        if not self._server.take(self):
            self._end("there are too many connections")
            return
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(self._limits.handshake_s, self._end, "no startApi came in time")

    def data_received(self, data: bytes) -> None:
        """Cut what came into messages and work on them; while the link is half open nothing is heard."""
        if self._ended:
            return
        if self._greeting is not None:
            data = self._greet(data)
        try:
            payloads = self._deframer.feed(data) if data else []
        except FrameError as error:
            self._inbox.extend(error.complete)
            self._work()
            self._end(str(error))
            return
        if payloads and not self._gateway.faults.half_open:
            self._inbox.extend(payloads)
            if not self._working:
                self._work()

    def eof_received(self) -> bool:
        """Answer what came before the end, then close."""
        self._end("", quietly=True)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._ended = True
        self._inbox.clear()
        self.link.gone()
        if self._deadline is not None:
            self._deadline.cancel()
        self._server.drop(self)
        if self.client is not None:
            if exc is not None:
                self._gateway.faults.hold_id(self.client.client_id, self._gateway.settings.id_release_s)
            self._gateway.leave(self.client)

    def pause_writing(self) -> None:
        """Hear nothing more from a client that does not read the answers."""
        self.link.pause()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self.link.resume()
        if not self._working and not self._transport.is_closing():
            self._transport.resume_reading()

    # -- messages

    def _greet(self, data: bytes) -> bytes:
        """Take the greeting off the stream; return what follows it."""
        whole = (self._greeting or b"") + data
        if not (whole.startswith(GREETING) or GREETING.startswith(whole)):
            self._end("this is not the API's greeting")
            return b""
        if len(whole) < len(GREETING):
            self._greeting = whole
            return b""
        self._greeting = None
        return whole[len(GREETING) :]

    def _work(self) -> None:
        """Answer messages; come back later for those that are too many for one turn or too soon."""
        was_working, self._working = self._working, False
        for _ in range(_PER_TURN):
            if self._ended or not self._inbox:
                break
            wait_s = self._wait_s()
            if wait_s > 0:
                self._come_back(wait_s)
                return
            self._take(self._inbox.popleft())
        if self._ended:
            return
        if self._inbox:
            self._come_back(0.0)
        elif was_working and not self.link.congested and not self._transport.is_closing():
            self._transport.resume_reading()

    def _come_back(self, wait_s: float) -> None:
        self._working = True
        self._transport.pause_reading()
        asyncio.get_running_loop().call_later(wait_s, self._work)

    def _wait_s(self) -> float:
        """Return how long a client that asked for it is slowed down now."""
        if not self._paced or self._meter is None:
            return 0.0
        return self._meter.room_in_s(clock.monotonic_ns())

    def _take(self, payload: bytes) -> None:
        if self.client is not None:
            self._request(self.client, payload)
        elif self._version:
            self._start(payload)
        else:
            self._agree(payload)

    def _agree(self, payload: bytes) -> None:
        """Answer the version frame."""
        try:
            if len(payload) > _LONGEST_VERSION_BYTES:
                raise HandshakeError("the version frame is too long")
            offered = handshake.offer(payload)
            self._version = handshake.agree(offered, self._gateway.settings.max_version)
        except HandshakeError as error:
            self._end(str(error))
            return
        self._paced = offered.paced
        self.link.write(handshake.answer(self._version, self._gateway.now_ns()))

    def _start(self, payload: bytes) -> None:
        """Begin the session, or refuse a client id that is in use and end."""
        try:
            request = parse_request(payload, self._version)
        except WireError as error:
            self._end(f"startApi cannot be read: {error}")
            return
        if not isinstance(request, StartApi):
            self._end(f"expected startApi, was {type(request).__name__}")
            return
        gateway = self._gateway
        if gateway.in_use(request.client_id):
            self.link.write(answers.error(self._version, -1, 326, code_text(326)))
            self._end(f"client id {request.client_id} is in use")
            return
        if len(gateway.clients) >= self._limits.clients:
            self._end(f"there are {self._limits.clients} clients")
            return
        if self._deadline is not None:
            self._deadline.cancel()
        self._meter = gateway.traffic.meter(request.client_id)
        self._requests = gateway.traffic.tally(request.client_id).requests
        self.client = gateway.admit(
            request.client_id, self._version, self.link, capabilities=request.optional_capabilities
        )

    def _request(self, client: ClientSession, payload: bytes) -> None:
        """Judge the pace of one request, read it and have it answered."""
        if not self._keeps_pace(client):
            return
        try:
            request = parse_request(payload, self._version)
        except WireError as error:
            self._bad(
                client, 320, f"Error reading request. Message id={error.message_id}. {error}", error.req_id
            )
            return
        name = type(request).__name__
        self._requests[name] = self._requests.get(name, 0) + 1
        if isinstance(request, Unknown):
            self._bad(client, 505, f"Fatal Error: Unknown message id. {request.message_id}")
        elif isinstance(request, StartApi):
            log.debug("client %d sends startApi again", client.client_id)
        else:
            self._gateway.handle(client, request)

    def _keeps_pace(self, client: ClientSession) -> bool:
        meter = self._meter
        if meter is None:
            return True
        pace = meter.count(clock.monotonic_ns(), self._gateway.lag_ns())
        if pace is Pace.FINE or pace is Pace.ABOVE:
            return True
        limit, received = self._gateway.settings.pacing.limit, len(meter.sent_ns)
        if pace is Pace.WARN:
            client.error(-1, 0, limit=limit, received=received)
            return True
        client.error(-1, 100, limit=limit, received=received)
        if pace is Pace.DROP:
            self._end(f"client {client.client_id} sent too fast {meter.violations} times")
            return False
        return True

    def _bad(self, client: ClientSession, code: int, text: str, req_id: int = -1) -> None:
        client.error(req_id, code, text)
        self._bad_messages += 1
        if self._bad_messages >= self._limits.bad_messages:
            self._end(f"{self._bad_messages} messages could not be read")

    # -- the end

    def _end(self, reason: str, *, quietly: bool = False) -> None:
        """Take nothing more and close after what was sent."""
        if self._ended:
            return
        if not quietly:
            log.info("a connection is closed: %s", reason)
        self._ended = True
        self._inbox.clear()
        self.link.close()

    def end(self) -> None:
        """Close the connection."""
        self._end("the gateway closes it", quietly=True)

    def reset(self, *, mid_message: bool) -> None:
        """Send RST, after half a message if asked."""
        self._ended = True
        self._inbox.clear()
        whole = answers.error(self._version or 178, -1, 2104, "Market data farm connection is OK:usfarm")
        self.link.reset(whole[: len(whole) // 2] if mid_message else b"")
