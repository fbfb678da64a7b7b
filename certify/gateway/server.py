"""The gateway's port: accepts connections on loopback, few enough to serve, and closes them all."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket

from certify.errors import UsageError
from certify.gateway.connection import Connection
from certify.gateway.house import Gateway

_BACKLOG = 128
_OPEN_AGAIN_S = 0.1
_TRIES = 50

log = logging.getLogger(__name__)


def bound(host: str, port: int) -> socket.socket:
    """Return a listening socket on loopback; raises `UsageError` when the port cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server(("127.0.0.1" if host == "localhost" else host, port), family=family,
                                    backlog=_BACKLOG)  # fmt: skip
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            why = "the port is in use; choose another with --port, or end the program that has it"
        else:
            why = error.strerror or str(error)
        raise UsageError(f"cannot listen on {host}:{port}: {why}") from error


class GatewayServer:
    """The sockets in front of a `Gateway`; to be used on one running loop."""

    def __init__(self, gateway: Gateway) -> None:
        """Serve `gateway`; nothing is opened before `start`."""
        self.gateway = gateway
        self.host = gateway.settings.host
        self.port = gateway.settings.port
        """The port clients connect to; a free one was chosen for 0 once the server has started."""
        self._socket: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._opening: asyncio.Task[None] | None = None
        self._connections: set[Connection] = set()
        self._closed = asyncio.Event()

    async def start(self) -> None:
        """Open the port and let time pass; raises `UsageError` when the port cannot be had."""
        self.gateway.server = self
        self.open()
        if self._opening is not None:
            await self._opening
        self.gateway.start()

    async def close(self) -> None:
        """Close the port and every connection, and wait until they have ended."""
        self.shut()
        self.gateway.stop()
        self._closed.clear()
        if self._connections:
            try:
                await asyncio.wait_for(self._closed.wait(), 3.0)
            except TimeoutError:
                for connection in tuple(self._connections):
                    connection.link.abort()
                await asyncio.sleep(0)
        if self._opening is not None:
            await asyncio.gather(self._opening, return_exceptions=True)

    # -- the port

    def open(self) -> None:
        """Listen; nothing happens when the port is open. Raises `UsageError` when it cannot be had."""
        if self._socket is not None:
            return
        self._socket = bound(self.host, self.port)
        self.port = self._socket.getsockname()[1]
        self._opening = asyncio.get_running_loop().create_task(self._serve(self._socket))

    async def _serve(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(self), sock=listening)
        if self._socket is listening:
            self._server = server
        else:
            server.close()

    def open_later(self, tries: int = _TRIES) -> None:
        """Listen, and try again for some seconds while somebody else has the port."""
        try:
            self.open()
        except UsageError:
            if not tries:
                raise
            self.gateway.later(_OPEN_AGAIN_S, self.open_later, tries - 1)

    def shut(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
        elif self._socket is not None:
            self._socket.close()
        self._server = self._socket = None
        self.end_all()

    # -- connections

    def take(self, connection: Connection) -> bool:
        """Take a connection, unless there are too many."""
        limits = self.gateway.settings.limits
        self._connections.add(connection)
        return len(self._connections) <= limits.clients + limits.waiting

    def drop(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        self._connections.discard(connection)
        if not self._connections:
            self._closed.set()

    def reset(self, client_id: int | None, *, mid_message: bool) -> list[int]:
        """Reset the connection of one client or all; return whose."""
        done = []
        for connection in tuple(self._connections):
            client = connection.client
            if client_id is not None and (client is None or client.client_id != client_id):
                continue
            connection.reset(mid_message=mid_message)
            if client is not None:
                done.append(client.client_id)
        return done

    def end_all(self) -> None:
        """Close every connection."""
        for connection in tuple(self._connections):
            connection.end()
