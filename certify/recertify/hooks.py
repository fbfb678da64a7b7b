"""The commands that a profile has run around a renewal.

A command is split like a shell's words and started without a shell: the facts reach it in its
environment only, so that nothing of a system or a profile is ever read as a command.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from typing import IO

from certify import clock
from certify.adapter.process import WITHHELD
from certify.recertify.facts import Facts

LIMIT_S = 120.0
"""How long a hook may take; then it is ended with everything that it has started."""
MOST_BYTES = 20_000
"""So much of what a hook says is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookEnd:
    """How a hook ended."""

    command: str
    exit_code: int | None
    """`None`: it could not be started, or was ended for taking too long."""
    output: str
    took_s: float

    @property
    def ok(self) -> bool:
        """Whether it ended well."""
        return self.exit_code == 0

    def __str__(self) -> str:
        """Return as `hook failed: exit code 1 after 0.2 s: mail ops`."""
        how = f"exit code {self.exit_code}" if self.exit_code is not None else self.output.splitlines()[-1]
        return f"{how} after {self.took_s:.1f} s: {self.command}"


def run_hook(command: str, facts: Facts, limit_s: float = LIMIT_S) -> HookEnd:
    """Run a hook with the facts in `CERTIFY_…` variables; never raises.

    It inherits the environment less the signing key; both its outputs are kept together.
    """
    began_ns = clock.monotonic_ns()

    def end(code: int | None, output: str) -> HookEnd:
        took_s = (clock.monotonic_ns() - began_ns) / clock.NS_PER_S
        return HookEnd(command=command, exit_code=code, output=output, took_s=took_s)

    with tempfile.TemporaryFile() as said:  # a pipe would be held open by whatever it leaves running
        try:
            process = _start(command, facts, said)
        except (OSError, ValueError, IndexError) as error:
            return end(None, f"cannot be started: {error}")
        with process:
            try:
                process.wait(limit_s)
            except subprocess.TimeoutExpired:
                _kill(process)
                process.wait()
                late = f"ended: it took longer than {limit_s:g} s"
                return end(None, f"{_text(said)}\n{late}".lstrip("\n"))
        return end(process.returncode, _text(said))


def _start(command: str, facts: Facts, said: IO[bytes]) -> subprocess.Popen[bytes]:
    own = {name: value for name, value in os.environ.items() if name not in WITHHELD}
    return subprocess.Popen(
        shlex.split(command),
        stdin=subprocess.DEVNULL,
        stdout=said,
        stderr=subprocess.STDOUT,
        env={**own, **facts.as_environment()},
        start_new_session=True,
    )


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _text(said: IO[bytes]) -> str:
    said.seek(max(0, said.seek(0, os.SEEK_END) - MOST_BYTES))
    return said.read().decode("utf-8", "replace").rstrip("\n")
