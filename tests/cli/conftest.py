"""The command line as a person has it: a process of its own, seen from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

CERTIFY = (sys.executable, "-c", "from certify.cli import main; main()")
LONGEST_S = 110
ROOT = Path(__file__).parents[2]


def environment(**more: str) -> dict[str, str]:
    """The environment of the command: the package is found from any directory."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def certify(*arguments: object, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [*CERTIFY, *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=LONGEST_S, env=environment(**more)
    )


@dataclass(frozen=True)
class Run:
    """A run that was made with the command."""

    home: Path
    run_dir: Path
    done: subprocess.CompletedProcess[str]

    def json(self, name: str) -> Any:
        return json.loads((self.run_dir / name).read_text())


def run_of(home: Path) -> Path:
    """The one run under a home."""
    (found,) = (home / ".certify" / "runs").iterdir()
    return found


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Run:
    """One whole run of the profile `quick`, made once for all workers; nobody may change it."""
    base = tmp_path_factory.getbasetemp()
    home = (base if worker_id == "master" else base.parent) / "shared-quick-run"
    said = home / "said.json"
    with FileLock(f"{home}.lock"):
        if not said.is_file():
            home.mkdir()
            done = certify("run", "--profile", "quick", "--json", cwd=home, CERTIFY_KEY=str(home / "key.pem"))
            said.write_text(json.dumps([done.returncode, done.stdout, done.stderr]))
    code, out, err = json.loads(said.read_text())
    return Run(home, run_of(home), subprocess.CompletedProcess(["certify"], code, out, err))


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start a command that a test talks to while it runs; ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: object, **more: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*CERTIFY, *map(str, arguments)],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(CERTIFY_KEY=str(tmp_path / "key.pem"), **more),
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()
