"""A live account is refused unless told twice, each time; a paper one is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import certify, run_of

ADAPTER = """
from certify.adapter import Environment, Health, SystemInfo

class Risk:
    def limits(self): return []
    def state(self): return "ACTIVE"

class Sys:
    def __init__(self, ctx):
        self.risk, self.environment = Risk(), Environment(ctx.config["environment"])
    def describe(self): return SystemInfo(name="toy", version="1", environment=self.environment)
    def health(self): return Health(alive=True, connected=True)
    def start(self): print("STARTED", flush=True)

def create(ctx): return Sys(ctx)
"""
PROFILE = """
version: 1
name: toy
subject: {{version: "1"}}
components:
  risk: {{backend: python, adapter: "toy.py:create", options: {{environment: {environment}}}}}
safety: {{allow_live: {allow}}}
"""
ARGUMENTS = ("run", "--profile", "toy.yaml", "--check", "risk.answers", "--progress", "none")


def write(home: Path, environment: str = "LIVE", *, allow: bool = True) -> None:
    (home / "toy.py").write_text(ADAPTER)
    (home / "toy.yaml").write_text(PROFILE.format(environment=environment, allow=str(allow).lower()))


@pytest.mark.parametrize(("allow", "said"), [(True, ()), (False, ("--live",)), (False, ())])
def test_one_word_is_not_enough(tmp_path: Path, allow: bool, said: tuple[str, ...]) -> None:
    write(tmp_path, allow=allow)
    done = certify(*ARGUMENTS, *said, cwd=tmp_path)
    assert done.returncode == 2
    assert "python says it is LIVE" in done.stderr
    assert "--live" in done.stderr
    log = run_of(tmp_path) / "logs" / "python.log"
    assert not log.exists() or "STARTED" not in log.read_text()


def test_the_environment_has_no_say(tmp_path: Path) -> None:
    write(tmp_path)
    assert certify(*ARGUMENTS, cwd=tmp_path, CERTIFY_LIVE="1").returncode == 2


def test_both_words_let_it_through(tmp_path: Path) -> None:
    write(tmp_path)
    done = certify(*ARGUMENTS, "--live", cwd=tmp_path)
    run_dir = run_of(tmp_path)
    assert "STARTED" in (run_dir / "logs" / "python.log").read_text(), done.stderr
    assert json.loads((run_dir / "plan.json").read_text())["safety"]["live"] is True
    again = certify("run", "--rerun-failed", "latest", cwd=tmp_path)
    assert again.returncode == 2


def test_a_paper_account_needs_no_word(tmp_path: Path) -> None:
    write(tmp_path, "PAPER", allow=False)
    certify(*ARGUMENTS, cwd=tmp_path)
    assert "STARTED" in (run_of(tmp_path) / "logs" / "python.log").read_text()


def test_a_live_run_that_goes_on_is_told_again(tmp_path: Path) -> None:
    write(tmp_path)
    certify(*ARGUMENTS, "--live", cwd=tmp_path)
    journal = run_of(tmp_path) / "events.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:3]))  # as if it had been killed
    done = certify("run", "--resume", "latest", cwd=tmp_path)
    assert done.returncode == 2
    assert "was told --live: expected it again" in done.stderr
    assert "was told --live" not in certify("run", "--resume", "latest", "--live", cwd=tmp_path).stderr
