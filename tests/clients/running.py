"""Starts `certify gateway` and the clients, each a process of its own, as their users do."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Any, NamedTuple

import pytest

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parents[1] / ".venv-clients"
MAIN = "from certify.cli import main; main()"
LISTENS = re.compile(r"127\.0\.0\.1:(\d+)")
TROUBLE = re.compile(r"Error handling fields|Traceback|Underrun|Unexpected|unpack|invalid literal")
STARTS_WITHIN_S = 30.0


class Finished(NamedTuple):
    """A client that has ended well."""

    seen: dict[str, Any]
    talk: str
    """What it wrote to stderr."""


@contextmanager
def certify_gateway(*options: str) -> Iterator[int]:
    """Run `certify gateway` on a free port; yields the port, and sees that it ends in order."""
    command = [sys.executable, "-c", MAIN, "gateway", "--port", "0", *options]
    gateway = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    lines: list[str] = []
    try:
        yield _port_of(gateway, lines)
        assert gateway.poll() is None, "".join(lines)
    finally:
        gateway.terminate()
        gateway.wait(10)
        assert gateway.stdout is not None
        gateway.stdout.close()
    assert "Traceback" not in "".join(lines)


def _port_of(gateway: subprocess.Popen[str], lines: list[str]) -> int:
    """Read the gateway's output, for ever, and return the port as soon as it says it."""
    found: list[int] = []
    known = threading.Event()

    def read() -> None:
        try:
            for line in gateway.stdout or ():
                lines.append(line)
                match = LISTENS.search(line)
                if match and not found:
                    found.append(int(match[1]))
                    known.set()
        except ValueError:
            pass  # closed while reading
        known.set()

    threading.Thread(target=read, daemon=True).start()
    known.wait(STARTS_WITHIN_S)
    assert found, "".join(lines) or "certify gateway says nothing"
    return found[0]


def interpreter(client: str) -> str:
    """Return the interpreter of a Python client's environment; skips the test when there is none."""
    if client == "ib_insync":
        return sys.executable
    python = ENVIRONMENTS / client / "bin" / "python"
    if not python.exists():
        pytest.skip(f"no environment for {client}: make clients")
    return str(python)


def command_of(client: str) -> list[str]:
    """Return how a client's scenario is started, without address and id; skips when it cannot be."""
    if client != "node":
        return [interpreter(client), str(HERE / f"{client}_client.py")]
    if which("node") is None:
        pytest.skip("no node here: the Node client is left out")
    if not (HERE / "node" / "node_modules").is_dir():
        pytest.skip("the Node client is not installed: make clients")
    return ["node", str(HERE / "node" / "client.mjs")]


def run_client(command: list[str], port: int, *, client_id: int = 7, timeout_s: float = 60) -> Finished:
    """Run a client to its end; fails when it fails, with all it said."""
    done = subprocess.run(
        [*command, "127.0.0.1", str(port), str(client_id)],
        capture_output=True, text=True, timeout=timeout_s, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return Finished(json.loads(done.stdout.splitlines()[-1]), done.stderr)
