"""Hooks: the facts reach them in their environment, they end in time, and nothing is read as a command."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from certify.recertify.facts import Facts
from certify.recertify.hooks import run_hook
from certify.recertify.log import Log

HOSTILE = "$(touch pwned); `touch pwned`\n\x1b[31m"


def facts(**more: object) -> Facts:
    given = {"event": "failed", "profile": "staging", "subject": "acme", "reason": "NOT_CERTIFIED"}
    return Facts(**{**given, **more})


def script(tmp_path: Path, text: str) -> str:
    path = tmp_path / "hook.py"
    path.write_text(text)
    return f"{sys.executable} '{path}' --flag"


def test_a_hook_finds_the_facts_and_no_signing_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CERTIFY_KEY", "canary")
    command = script(tmp_path, "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ)]))")
    end = run_hook(command, facts(run_dir=tmp_path / "r1", exit_code=1, days_left=3.5, dry_run=True))
    arguments, environment = json.loads(end.output)
    assert (end.ok, arguments) == (True, ["--flag"])
    assert "CERTIFY_KEY" not in environment
    said = {
        name: environment[f"CERTIFY_{name}"] for name in ("EVENT", "RUN", "EXIT_CODE", "DAYS_LEFT", "DRY_RUN")
    }
    assert said == {"EVENT": "failed", "RUN": "r1", "EXIT_CODE": "1", "DAYS_LEFT": "3.5", "DRY_RUN": "1"}


def test_what_a_system_says_is_never_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    command = script(tmp_path, "import os; print(os.environ['CERTIFY_REASON'])")
    end = run_hook(command, facts(reason=HOSTILE, subject=HOSTILE))
    assert "$(touch pwned)" in end.output
    assert not (tmp_path / "pwned").exists()
    log = Log(tmp_path)
    log.write(end.output)
    assert "\x1b" not in log.path.read_text()


@pytest.mark.parametrize("command", ["/nowhere/at/all", "'unclosed", ""])
def test_what_cannot_be_started_is_said(command: str) -> None:
    end = run_hook(command, facts())
    assert not end.ok
    assert "cannot be started" in str(end)


def test_a_hook_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    pid_file = tmp_path / "child"
    hook = tmp_path / "hook.sh"
    hook.write_text(f"sleep 60 &\necho $! > '{pid_file}'\necho begun\nsleep 60\n")
    end = run_hook(f"/bin/sh {hook}", facts(), limit_s=2.0)
    assert end.exit_code is None
    assert end.output.endswith("it took longer than 2 s")
    assert end.output.startswith("begun")
    state = Path(f"/proc/{pid_file.read_text().strip()}/stat")
    deadline = time.monotonic() + 10  # the kernel ends it in its own time
    while lives(state) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not lives(state)


def lives(state: Path) -> bool:
    try:
        return state.read_text().split()[2] != "Z"
    except OSError:
        return False


def test_the_exit_code_of_a_hook_is_kept(tmp_path: Path) -> None:
    end = run_hook(script(tmp_path, "import sys; print('no'); sys.exit(7)"), facts())
    assert (end.ok, end.exit_code, end.output) == (False, 7, "no")
