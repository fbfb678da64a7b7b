"""A system in its own process: every way to misbehave ends as the right error, and never hangs."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from certify.adapter import Environment, Order, OrderUpdate, Side
from certify.adapter.process import LaunchSpec, Sink, SystemProcess
from certify.errors import AdapterRaised, NotSupported, SystemDied, SystemSilent, SystemUnavailable

ADAPTER = """
import asyncio, os, sys, threading, time
from decimal import Decimal
from certify.adapter import *

class Port:
    def __init__(self, ctx): self.ctx = ctx
    def submit(self, order):
        print("noise on stdout"); os.chdir("/")
        self.ctx.emit(OrderUpdate(client_order_id=order.client_order_id, instrument=order.instrument,
            exec_type=ExecType.NEW, status=OrdStatus.NEW, side=order.side,
            qty=order.qty, leaves_qty=order.qty))
    async def cancel(self, client_order_id, instrument):
        await asyncio.sleep(0.01)
        def say():
            self.ctx.emit(OrderUpdate(client_order_id=client_order_id, instrument=instrument,
                exec_type=ExecType.CANCELED, status=OrdStatus.CANCELED, side=Side.BUY, qty=Decimal(1)))
        thread = threading.Thread(target=say); thread.start(); thread.join()
    def modify(self, client_order_id, qty=None, price=None): raise RuntimeError("boom\\nsecond line")
    def cancel_all(self): raise NotSupported("no such thing")
    def open_orders(self): time.sleep(60)
    def positions(self): return [Position(instrument="X", qty=1.5)]
    def executions(self): os._exit(9)
    def account(self): return object()

class Sys:
    def __init__(self, ctx):
        assert threading.current_thread() is threading.main_thread()
        self.ctx, self.execution, self.broker = ctx, Port(ctx), None
    def describe(self):
        return SystemInfo(name="toy", version=sys.version.split()[0], environment=Environment.SIMULATED)
    def start(self):
        assert threading.current_thread() is threading.main_thread()
        asyncio.get_event_loop().run_until_complete(asyncio.sleep(0))
    def stop(self): (self.ctx.state_dir / "mark").write_text("kept")
    def health(self): return Health(alive=True, connected=(self.ctx.state_dir / "mark").exists())

def create(ctx): return Sys(ctx)
async def create_async(ctx): return Sys(ctx)
def create_raises(ctx): raise ValueError("no licence")
def create_dies(ctx): os._exit(4)
def create_hangs(ctx): time.sleep(60)
"""


class Recorder(Sink):
    def __init__(self) -> None:
        self.events: list[Any] = []
        self.breaches: list[str] = []

    def event(self, stamp_ns: int, event: Any) -> None:
        self.events.append(event)

    def breach(self, text: str) -> None:
        self.breaches.append(text)


def spec(tmp_path: Path, function: str = "create", python: str | None = None) -> LaunchSpec:
    (tmp_path / "toy_adapter.py").write_text(ADAPTER)
    return LaunchSpec(
        adapter=f"toy_adapter:{function}",
        state_dir=tmp_path / "state",
        work_dir=tmp_path / "work",
        log_file=tmp_path / "logs" / "system.log",
        search_paths=(str(tmp_path),),
        python=python,
    )


@pytest.fixture
def toy(tmp_path: Path) -> Any:
    sink = Recorder()
    process = SystemProcess(spec(tmp_path), sink)
    process.sink = sink  # type: ignore[attr-defined]
    process.launch(20)
    yield process
    process.kill()


ORDER = Order(client_order_id="a1", instrument="X", side=Side.BUY, qty=Decimal(3), price=Decimal("1.10"))


def test_events_arrive_before_the_answer_of_the_call_that_caused_them(toy: Any) -> None:
    toy.call("execution", "submit", ORDER, timeout_s=5)
    assert [type(e) for e in toy.sink.events] == [OrderUpdate]
    toy.call("execution", "cancel", "a1", "X", timeout_s=5)
    assert [e.exec_type.value for e in toy.sink.events] == ["NEW", "CANCELED"]
    assert toy.sink.breaches == []


def test_what_it_prints_goes_to_its_log_only(toy: Any, tmp_path: Path) -> None:
    toy.call("execution", "submit", ORDER, timeout_s=5)
    toy.close()
    assert "noise on stdout" in (tmp_path / "logs" / "system.log").read_text()


def test_an_exception_is_the_adapters_error_and_the_system_goes_on(toy: Any) -> None:
    with pytest.raises(AdapterRaised, match="boom"):
        toy.call("execution", "modify", "a1", None, Decimal(2), timeout_s=5)
    assert toy.call("system", "health", timeout_s=5).alive


def test_what_it_cannot_do_is_not_supported(toy: Any) -> None:
    for method in ("cancel_all", "no_such_method"):
        with pytest.raises(NotSupported):
            toy.call("execution", method, timeout_s=5)
    with pytest.raises(NotSupported, match="no port broker"):
        toy.call("broker", "submit", ORDER, timeout_s=5)


def test_silence_ends_at_the_time_limit(toy: Any) -> None:
    with pytest.raises(SystemSilent, match=r"within 0\.2 s"):
        toy.call("execution", "open_orders", timeout_s=0.2)


def test_a_death_in_mid_call_is_noticed_at_once(toy: Any) -> None:
    with pytest.raises(SystemDied, match="exit code 9"):
        toy.call("execution", "executions", timeout_s=30)
    with pytest.raises(SystemDied):
        toy.call("system", "health", timeout_s=30)


def test_departures_from_the_contracts_types_are_named(toy: Any) -> None:
    positions = toy.call("execution", "positions", timeout_s=5)
    assert positions[0].qty == Decimal("1.5")
    assert toy.sink.breaches == ["Position.qty: expected Decimal, was float"]
    with pytest.raises(AdapterRaised, match="cannot be put on the wire"):
        toy.call("execution", "account", timeout_s=5)


def test_state_survives_a_restart_in_the_same_directory(tmp_path: Path) -> None:
    for expected in (False, True):
        process = SystemProcess(spec(tmp_path), Sink())
        process.launch(20)
        process.call("system", "start", timeout_s=5)
        assert process.call("system", "health", timeout_s=5).connected is expected
        process.call("system", "stop", timeout_s=5)
        process.close()
        assert not process.alive
        assert process.died is None


@pytest.mark.parametrize(
    ("function", "text"),
    [
        ("create_raises", "no licence"),
        ("create_dies", "exit code 4"),
        ("create_hangs", "silence"),
        ("nope", "nope"),
    ],
)
def test_a_system_that_cannot_be_made_is_unavailable(tmp_path: Path, function: str, text: str) -> None:
    process = SystemProcess(spec(tmp_path, function), Sink())
    with pytest.raises(SystemUnavailable, match=text):
        process.launch(2 if function == "create_hangs" else 20)
    assert not process.alive


def test_create_may_be_a_coroutine(tmp_path: Path) -> None:
    process = SystemProcess(spec(tmp_path, "create_async"), Sink())
    assert "submit" in process.launch(20).methods["execution"]
    process.kill()


def other_pythons() -> list[str]:
    found = [
        shutil.which(name) for name in ("python3.8", "python3.9", "python3.10", "python3.12", "python3.13")
    ]
    found += [str(path) for path in Path.home().glob(".pyenv/versions/3.*/bin/python")]
    return [path for path in found if path and runs(path)]


def runs(python: str) -> bool:
    code = "import sys; sys.exit(not ((3, 8) <= sys.version_info[:2] != (3, 11)))"
    return subprocess.run([python, "-c", code], check=False, capture_output=True).returncode == 0


def test_another_interpreter_needs_nothing_of_certifys_dependencies(tmp_path: Path) -> None:
    pythons = other_pythons()
    if not pythons:
        pytest.skip("no other Python 3.8+ on this machine")
    for number, python in enumerate(sorted(pythons)):
        place = tmp_path / str(number)
        subprocess.run([python, "-m", "venv", "--without-pip", str(place / "venv")], check=True)
        sink = Recorder()
        process = SystemProcess(spec(place, python=str(place / "venv" / "bin" / "python")), sink)
        facts = process.launch(20)
        process.call("execution", "submit", ORDER, timeout_s=5)
        info = process.call("system", "describe", timeout_s=5)
        process.close()
        assert info.version == facts.python
        assert info.environment is Environment.SIMULATED
        assert len(sink.events) == 1


def test_a_system_never_sees_the_key_that_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CERTIFY_KEY", "the private key itself")
    monkeypatch.setenv("CERTIFY_KEY_PASSPHRASE", "its passphrase")
    monkeypatch.setenv("DESK_TOKEN", "the system's own")
    where = tmp_path / "seen.txt"
    (tmp_path / "nosy.py").write_text(
        "import os, subprocess\n"
        "def create(ctx):\n"
        f"    with open({str(where)!r}, 'wb') as out: subprocess.run(['env'], stdout=out, check=True)\n"
        f"    with open({str(where)!r}, 'a') as out: out.write(repr(dict(os.environ)))\n"
        "    return object()\n"
    )
    process = SystemProcess(replace(spec(tmp_path), adapter="nosy:create"), Recorder())
    process.launch(20)
    process.close()
    seen = where.read_text()
    assert "the system's own" in seen
    assert "the private key itself" not in seen
    assert "its passphrase" not in seen
