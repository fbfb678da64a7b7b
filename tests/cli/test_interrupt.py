"""Ctrl-C and SIGTERM: an orderly end, an honest partial result, and a way to go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from certify.evidence.journal import read_journal
from certify.model.events import CheckFinished, SystemStarted

from .conftest import certify, environment, run_of

RUN = ("run", "--profile", "quick", "--progress", "plain")


def read_until(process: subprocess.Popen[str], wanted: str) -> None:
    """Wait for a line of talk that begins as wanted."""
    for line in process.stderr:
        if line.startswith(wanted):
            return
    raise AssertionError(f"the command ended without saying {wanted!r}")


def systems(run_dir: Path) -> list[int]:
    """The processes that the run has started."""
    return [e.pid for e in read_journal(run_dir / "events.jsonl").events if isinstance(e, SystemStarted)]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_in_order_and_goes_on_to_the_same_end(start, tmp_path, number) -> None:
    only = ("--phase", "framework", "--phase", "trading", "--phase", "certification")
    process = start(*RUN, *only)
    read_until(process, "== trading")
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    run_dir = run_of(tmp_path)
    assert process.returncode == 130, said
    assert "stopping: cancelling orders, closing positions" in said
    assert f"certify run --resume {run_dir.name}" in said
    result = json.loads((run_dir / "result.json").read_text())
    assert result["stop"] == "interrupted"
    outcomes = Counter(c["outcome"] for p in result["phases"] for c in p["checks"])
    assert outcomes["passed"] > 5
    assert outcomes["skipped"] > 5
    assert not any(map(alive, systems(run_dir)))
    goes_on_to_its_end(run_dir, tmp_path)


def goes_on_to_its_end(run_dir: Path, home: Path) -> None:
    done = certify("run", "--resume", run_dir.name, cwd=home)
    assert done.returncode in (0, 3), done.stderr
    result = json.loads((run_dir / "result.json").read_text())
    assert result["stop"] == "completed"
    assert {c["outcome"] for p in result["phases"] for c in p["checks"]} <= {
        "passed",
        "skipped",
        "not_applicable",
    }
    assert [note for note in result["notes"] if note.startswith("resumed at")]
    events = read_journal(run_dir / "events.jsonl").events
    twice = [n for n, k in Counter(e.id for e in events if isinstance(e, CheckFinished)).items() if k > 1]
    assert twice == []
    again = certify("run", "--resume", run_dir.name, cwd=home)
    assert again.returncode == 2
    assert "was completed" in again.stderr


def test_a_second_ctrl_c_leaves_at_once(start, tmp_path) -> None:
    process = start(*RUN, "--phase", "trading")
    read_until(process, "passed")
    process.send_signal(signal.SIGINT)
    read_until(process, "stopping")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert not any(map(alive, systems(run_of(tmp_path))))


def test_a_killed_run_is_resumed_from_its_journal(start, tmp_path) -> None:
    process = start(*RUN, "--phase", "framework")
    read_until(process, "passed")
    process.kill()
    process.communicate(timeout=20)
    run_dir = run_of(tmp_path)
    assert not (run_dir / "result.json").exists()
    goes_on_to_its_end(run_dir, tmp_path)


def test_a_run_of_something_else_is_not_resumed(start, tmp_path) -> None:
    (tmp_path / "own.yaml").write_text("version: 1\nextends: quick\n")
    process = start("run", "--profile", "own.yaml", "--phase", "framework", "--progress", "plain")
    read_until(process, "passed")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    (tmp_path / "own.yaml").write_text("version: 1\nextends: quick\nseed: 99\n")
    done = certify("run", "--resume", run_of(tmp_path).name, cwd=tmp_path)
    assert done.returncode == 2
    assert "the profile has changed since the run began" in done.stderr


def test_a_reader_that_goes_away_is_no_error(tmp_path) -> None:
    from .conftest import CERTIFY

    process = subprocess.Popen(
        [*CERTIFY, "checks"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(PYTHONUNBUFFERED="1"),
    )
    process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=30) == 0
    assert said == ""
