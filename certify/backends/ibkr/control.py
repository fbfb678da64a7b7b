"""The control port of a simulated gateway: one JSON object a line, each answered by one."""

from __future__ import annotations

import json
import socket
import threading
from typing import Any

from certify.errors import CertifyError


class ControlPort:
    """A connection to the control port; opened when it is first used."""

    def __init__(self, host: str, port: int, timeout_s: float = 3.0) -> None:
        """Use the port; nothing is opened yet."""
        self._address = (host, port)
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._rest = b""

    def do(self, action: str, **arguments: Any) -> Any:
        """Carry out an action and return its result.

        Raises:
            CertifyError: the gateway refuses it.
            ConnectionError: the port does not answer.
        """
        line = json.dumps({"do": action, **arguments}, default=str).encode() + b"\n"
        with self._lock:
            try:
                answer = json.loads(self._ask(line))
            except (OSError, ValueError) as error:
                self._drop()
                host, port = self._address
                raise ConnectionError(f"control port {host}:{port}: {error}") from error
        if not answer.get("ok"):
            raise CertifyError(f"{action}: {answer.get('error')}")
        return answer.get("result")

    def _ask(self, line: bytes) -> bytes:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, self._timeout_s)
        self._socket.sendall(line)
        while b"\n" not in self._rest:
            more = self._socket.recv(1 << 16)
            if not more:
                raise ConnectionError("closed by the gateway")
            self._rest += more
        answer, self._rest = self._rest.split(b"\n", 1)
        return answer

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._rest = None, b""

    def close(self) -> None:
        """Close the connection; the next action opens it again."""
        with self._lock:
            self._drop()
