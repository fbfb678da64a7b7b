"""The control port: one JSON object a line asks for an action, one line answers.

    {"do": "set_market", "instrument": "AAPL.NASDAQ", "bid": "9.99", "ask": "10.01"}
    {"ok": true, "result": null}

A refusal is `{"ok": false, "error": "…"}`. Loopback only, as the gateway itself.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from certify.errors import CertifyError
from certify.gateway.house import Gateway
from certify.gateway.server import bound

_LONGEST_LINE_BYTES = 64 << 10
_MOST_CONNECTIONS = 16


class ControlServer:
    """Serves the actions of one gateway; to be used on the gateway's own loop."""

    def __init__(self, gateway: Gateway, host: str, port: int) -> None:
        """Serve `gateway`; nothing is opened before `start`."""
        self._gateway = gateway
        self._host = host
        self.port = port
        """A free one was chosen for 0 once the server has started."""
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Open the port; raises `UsageError` when it cannot be had."""
        listening = bound(self._host, self.port)
        self.port = listening.getsockname()[1]
        self._server = await asyncio.start_server(self._serve, sock=listening, limit=_LONGEST_LINE_BYTES)

    async def close(self) -> None:
        """Close the port and every connection, and wait until they have ended."""
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if len(self._writers) >= _MOST_CONNECTIONS or task is None:
            writer.transport.abort()
            return
        self._writers.add(writer)
        self._tasks.add(task)
        try:
            await self._answer_all(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the other side has gone, or the gateway ends
        finally:
            self._writers.discard(writer)
            self._tasks.discard(task)
            writer.close()

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                line = await reader.readline()
            except ValueError:  # a line without end
                writer.write(_line({"ok": False, "error": f"a line of over {_LONGEST_LINE_BYTES} bytes"}))
                return
            if not line:
                return
            if line.strip():
                writer.write(_line(self.answer(line)))
                await writer.drain()

    def answer(self, line: bytes) -> dict[str, Any]:
        """Do what one line asks for; never raises."""
        try:
            asked = json.loads(line)
        except (ValueError, RecursionError) as error:
            return {"ok": False, "error": f"not JSON: {error}"}
        if not isinstance(asked, dict) or not isinstance(asked.get("do"), str):
            return {"ok": False, "error": 'expected an object such as {"do": "describe"}'}
        action = asked.pop("do")
        try:
            return {"ok": True, "result": self._gateway.do(action, **asked)}
        except CertifyError as error:
            return {"ok": False, "error": str(error)}
        except Exception as error:  # noqa: BLE001 - a broken action must not end the port
            self._gateway.note_failure(f"at action {action}", error)
            return {"ok": False, "error": f"{type(error).__name__}: {error}"}


def _line(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer, ensure_ascii=True, allow_nan=False, default=str).encode() + b"\n"
