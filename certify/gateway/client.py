"""One connected client as the desks see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from certify.gateway.wire import answers
from certify.gateway.wire.codes import code_text

if TYPE_CHECKING:
    from certify.gateway.faults import Faults


class Outlet(Protocol):
    """Where a client's messages go: a socket, or a list in a test."""

    congested: bool
    """Whether the client does not keep up with reading."""

    def write(self, frame: bytes) -> None:
        """Take one framed message."""

    def close(self) -> None:
        """Send what was written, then end the connection."""


class ClientSession:
    """A client after startApi: its id, the negotiated version and three ways to talk to it."""

    __slots__ = ("_faults", "_outlet", "capabilities", "client_id", "closed", "dropped_ticks", "version")

    def __init__(
        self, client_id: int, version: int, outlet: Outlet, faults: Faults, *, capabilities: str = ""
    ) -> None:
        """Made by `Gateway.admit`."""
        self.client_id = client_id
        self.version = version
        """The negotiated server version: every message to this client is in its dialect."""
        self.capabilities = capabilities
        """The optional capabilities of startApi."""
        self.closed = False
        self.dropped_ticks = 0
        """Ticks that were not sent because the client does not read."""
        self._outlet = outlet
        self._faults = faults

    @property
    def congested(self) -> bool:
        """Whether the client does not keep up with reading."""
        return self._outlet.congested

    def send(self, frame: bytes) -> None:
        """Send an answer or a notice; nothing leaves a closed or half-open link."""
        if not self.closed and not self._faults.half_open:
            self._outlet.write(frame)

    def push(self, frame: bytes) -> None:
        """Send news of orders, executions, positions or money: lost, not queued, while IB is out of reach."""
        if self._faults.connected_to_ib:
            self.send(frame)

    def tick(self, frame: bytes) -> None:
        """Send market data: lost while none flows, and the first to go when the client does not read."""
        if not self._faults.market_flows or self.closed:
            return
        if self._outlet.congested:
            self.dropped_ticks += 1
        else:
            self.send(frame)

    def error(
        self, req_id: int, code: int, text: str | None = None, *, advanced_json: str = "", **parts: object
    ) -> None:
        """Send error `code`: its text of the table filled with `parts`, or `text` as it is."""
        if text is None:
            text = code_text(code, **parts)
        self.send(answers.error(self.version, req_id, code, text, advanced_json))

    def close(self) -> None:
        """End the connection after what was sent; the desks hear `forget`."""
        self._outlet.close()
