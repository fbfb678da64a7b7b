"""The way out to one client: messages of one turn in one write, in pieces if asked, never without bound."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from certify.gateway.house import Gateway

_RESET_AT_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on, for 0 seconds: closing sends RST."""
_LAST_WORDS_S = 2.0
"""How long a client may take to read what was sent before the end."""
_HALF_MESSAGE_S = 0.05
"""Between half a message and the reset, so that the half arrives."""
_HELD_S = 0.05

log = logging.getLogger(__name__)


class Link:
    """Writes to one socket; an `Outlet`."""

    def __init__(self, gateway: Gateway, transport: asyncio.Transport) -> None:
        """Take over the writing side of `transport`."""
        self.congested = False
        self._gateway = gateway
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._limits = gateway.settings.limits
        self._coalesce = gateway.settings.coalesce
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._scheduled = False
        self._slow: deque[tuple[float, bytes]] = deque()
        """What leaves late or in pieces: not before when (loop time), and what."""
        self._slow_bytes = 0
        self._piece_timer: asyncio.TimerHandle | None = None
        self._end_timer: asyncio.TimerHandle | None = None
        self._ending = self._gone = False
        transport.set_write_buffer_limits(high=self._limits.congested_bytes)
        # asyncio sets this only where the socket says that it is TCP; an accepted one does not.
        self._socket = cast("socket.socket", transport.get_extra_info("socket"))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def unread_bytes(self) -> int:
        """What is written and has not left yet."""
        return self._waiting_bytes + self._slow_bytes + self._transport.get_write_buffer_size()

    def write(self, frame: bytes) -> None:
        """Take one message; it leaves with all others of this turn. Who does not read is dropped."""
        if self._ending or self._gone:
            return
        self._waiting.append(frame)
        self._waiting_bytes += len(frame)
        if self._waiting_bytes > self._limits.unread_bytes:
            self._drop()
        elif not self._coalesce:
            self._flush()
        elif not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._scheduled = False
        if self._gone or not self._waiting:
            return
        data = b"".join(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0
        faults = self._gateway.faults
        if self._slow or faults.fragment or faults.delay_s:
            self._slow.append((self._loop.time() + faults.delay_s, data))
            self._slow_bytes += len(data)
            self._wait_for_piece(faults.delay_s)
        else:
            self._transport.write(data)
        if self.unread_bytes > self._limits.unread_bytes:
            self._drop()

    def _drop(self) -> None:
        log.warning("a client with %d unread bytes is dropped", self.unread_bytes)
        self.abort()

    # -- in pieces

    def _wait_for_piece(self, delay_s: float) -> None:
        if self._piece_timer is None and self._slow:
            self._piece_timer = self._loop.call_later(delay_s, self._send_piece)

    def _send_piece(self) -> None:
        """Send the next piece, or everything that is due when there are no pieces."""
        self._piece_timer = None
        if self._gone or not self._slow:
            return
        faults = self._gateway.faults
        if faults.half_open:
            self._wait_for_piece(_HELD_S)
            return
        if faults.fragment:
            self._send_slow(faults.fragment)
            self._wait_for_piece(faults.delay_s)
        else:
            now_s = self._loop.time()
            while self._slow and self._slow[0][0] <= now_s:
                self._send_slow(len(self._slow[0][1]))
            self._wait_for_piece(self._slow[0][0] - now_s if self._slow else 0.0)
        if self._ending and not self._slow:
            self._transport.close()

    def _send_slow(self, size: int) -> None:
        due_s, data = self._slow.popleft()
        if len(data) > size:
            self._slow.appendleft((due_s, data[size:]))
        self._slow_bytes -= min(size, len(data))
        self._transport.write(data[:size])

    # -- congestion, told by the transport

    def pause(self) -> None:
        """Take no more ticks: the client does not keep up. If it never does, it is dropped."""
        self.congested = True
        if self._end_timer is None:
            self._end_timer = self._loop.call_later(self._limits.stalled_s, self._drop)

    def resume(self) -> None:
        """Go on: the client has caught up."""
        self.congested = False
        if self._end_timer is not None and not self._ending:
            self._end_timer.cancel()
            self._end_timer = None

    # -- the end

    def close(self) -> None:
        """Send what was written, then end; a client that does not read it is cut off."""
        if self._ending or self._gone:
            return
        self._flush()
        self._ending = True
        if self._end_timer is not None:
            self._end_timer.cancel()
        if not self._transport.is_closing():
            self._end_timer = self._loop.call_later(_LAST_WORDS_S, self.abort)
        if not self._slow:
            self._transport.close()

    def abort(self) -> None:
        """End at once; what was not sent is lost."""
        self.gone()
        self._transport.abort()

    def reset(self, half: bytes = b"") -> None:
        """Send RST, after `half` a message if there is one."""
        if self._gone:
            return
        self._flush()
        if half and not self._gone:
            self._transport.write(half)
        self._ending = True
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        if half:
            self._loop.call_later(_HALF_MESSAGE_S, self.abort)
        else:
            self.abort()

    def gone(self) -> None:
        """Forget everything: the socket is no more."""
        self._gone = True
        self._waiting.clear()
        self._slow.clear()
        self._waiting_bytes = self._slow_bytes = 0
        for timer in (self._piece_timer, self._end_timer):
            if timer is not None:
                timer.cancel()
        self._piece_timer = self._end_timer = None
