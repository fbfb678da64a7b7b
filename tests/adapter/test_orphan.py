"""When the tool is killed, the host cancels open orders, stops the system and goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ADAPTER = """
import asyncio, os, time
from certify.adapter import *

class Port:
    def __init__(self, ctx, name): self.ctx, self.name = ctx, name
    def cancel_all(self): time.sleep(0.1); mark(self.ctx, "canceled " + self.name)
    def modify(self, *rest): time.sleep(60)

class Later(Port):
    async def cancel_all(self): await asyncio.sleep(0.1); mark(self.ctx, "canceled " + self.name)

def mark(ctx, text):
    with (ctx.state_dir / "marks").open("a") as file: file.write(text + "\\n")

class Sys:
    def __init__(self, ctx):
        self.ctx, self.execution, self.broker = ctx, Port(ctx, "execution"), Later(ctx, "broker")
        self.child = os.fork()
        if self.child == 0: time.sleep(60); os._exit(0)
        mark(ctx, "pids %d %d" % (os.getpid(), self.child))
    def describe(self): return SystemInfo(name="toy", version="1", environment=Environment.SIMULATED)
    def stop(self): mark(self.ctx, "stopped")

def create(ctx): return Sys(ctx)
"""
PARENT = """
import sys, time
from pathlib import Path
from certify.adapter.process import LaunchSpec, Sink, SystemProcess
place = Path(sys.argv[1])
process = SystemProcess(LaunchSpec(adapter="orphan_system:create", state_dir=place / "state",
    work_dir=place / "work", log_file=place / "log", search_paths=(str(place),)), Sink())
process.launch(20)
print("ready", flush=True)
if sys.argv[2] == "busy": process.call("execution", "modify", "a", None, None, timeout_s=60)
time.sleep(60)
"""


def gone(pid: int) -> bool:
    """Return whether a process is over (a zombie nobody waits for is)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return sys.platform.startswith("linux")


@pytest.mark.parametrize("mood", ["idle", "busy"])
def test_a_killed_tool_leaves_no_order_and_no_process_behind(tmp_path: Path, mood: str) -> None:
    (tmp_path / "orphan_system.py").write_text(ADAPTER)
    command = [sys.executable, "-c", PARENT, str(tmp_path), mood]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        time.sleep(0.2 if mood == "busy" else 0)
        os.kill(parent.pid, signal.SIGKILL)
    marks = tmp_path / "state" / "marks"
    pids = [int(pid) for pid in marks.read_text().splitlines()[0].split()[1:]]
    deadline = time.monotonic() + 20
    while not all(gone(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert all(gone(pid) for pid in pids)
    said = marks.read_text().splitlines()[1:]
    assert said[-1] == "stopped"
    expected = {"canceled broker", "stopped"} | ({"canceled execution"} if mood == "idle" else set())
    assert set(said) == expected
