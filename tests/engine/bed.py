"""A test bed: the real engine, a small adapter in its own process, and a catalogue of own checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from certify.engine.bench import Bench
from certify.engine.runner import execute
from certify.evidence.journal import read_journal
from certify.model.card import CheckCard
from certify.model.events import CheckFinished, Event, RunFinished, SystemStarted
from certify.model.fold import fold
from certify.model.ids import ComponentId, PhaseId, Severity
from certify.model.results import ProfileRef, RunResult, Scope, Subject
from certify.model.trading import Instrument, Order, Side
from certify.phases.api import Check, Finding, passed
from certify.phases.trial import Trial
from certify.plan import BackendPlan, Plan, PlannedCheck
from certify.profile.model import Performance, Safety

ADAPTER = """
import asyncio, os, signal, sys, threading, time
from decimal import Decimal
from certify.adapter import *

MOODS = set()

def update(order_id, exec_type, status, **more):
    return OrderUpdate(client_order_id=order_id, instrument="X", exec_type=exec_type, status=status,
                       side=Side.BUY, qty=Decimal(1), **more)

class Port:
    def __init__(self, ctx): self.ctx = ctx
    def submit(self, order):
        self.ctx.emit(update(order.client_order_id, ExecType.NEW, OrdStatus.NEW, leaves_qty=Decimal(1)))
    def cancel(self, client_order_id, instrument):
        self.ctx.emit(update(client_order_id, ExecType.CANCELED, OrdStatus.CANCELED))
    def open_orders(self): return []
    def positions(self): return []

    def modify(self, what, *rest): return getattr(self, "do_" + what)()
    async def cancel_all(self): raise SystemExit(3)
    def do_raise(self): raise RuntimeError("boom")
    def do_not_supported(self): raise NotSupported("cannot")
    def do_silence(self): time.sleep(60)
    def do_late(self): time.sleep(0.6); return "late"
    def do_answer(self): return "answer"
    def do_die(self): os._exit(9)
    def do_die_later(self): threading.Timer(0.05, os._exit, (9,)).start(); return 'soon'
    def do_chatter(self): print("x" * 10000); sys.stderr.write("y" * 10000); os.chdir("/")
    def do_exit(self): sys.exit(5)
    def do_close_all(self): os.closerange(3, 256)
    def do_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            try: signal.signal(number, signal.SIG_IGN)
            except ValueError: pass
    def do_fork(self):
        if os.fork() == 0: time.sleep(60)
        os._exit(7)
    def do_huge(self): return "x" * (70 * 1024 * 1024)
    def do_garbage(self):
        self.ctx.emit(object()); self.ctx.emit(None); self.ctx.emit({"a": 1})
        self.ctx.emit(update("g", ExecType.TRADE, OrdStatus.FILLED, last_qty=Decimal("NaN")))
        self.ctx.emit(Quote("X", 1.5, None, float("nan"), None, "now"))
        return object()
    def do_extreme(self):
        self.ctx.emit(update("e", ExecType.TRADE, OrdStatus.FILLED, cum_qty=Decimal("9E+999999")))
        return Decimal("9E+999999")
    def do_block_loop(self):
        asyncio.run_coroutine_threadsafe(self.hog(), LOOP[0]); time.sleep(0.05)
    async def hog(self): time.sleep(60)
    def do_flood(self):
        began = time.monotonic()
        for seq in range(100000):
            self.ctx.emit(Quote("X", Decimal(1), Decimal(1), Decimal(2), Decimal(1), seq, seq=seq))
        return time.monotonic() - began

LOOP = []

class Sys:
    def __init__(self, ctx):
        self.ctx, self.execution = ctx, Port(ctx)
        self.mood = ctx.config.get("mood", "")
        LOOP[:] = [asyncio.get_event_loop()]
        def talk():
            while True:
                time.sleep(0.01)
                ctx.emit(Quote("X", Decimal(1), Decimal(1), Decimal(2), Decimal(1), time.time_ns()))
        if self.mood == "talks": threading.Thread(target=talk, daemon=True).start()
    def describe(self): return SystemInfo(name="toy", version="1", environment=Environment.SIMULATED)
    def health(self): return Health(alive=True, connected=True)
    def start(self):
        if self.mood == "dies on start": os._exit(8)
        if self.mood == "hangs on start": time.sleep(60)
        if self.mood == "raises on start": raise ValueError("no licence")
    def stop(self):
        if self.mood == "hangs on stop": time.sleep(60)
        if self.mood == "raises on stop": raise ValueError("not now")
        if self.mood == "exits on stop": sys.exit(1)

class Patient(Sys):
    async def start(self): await asyncio.sleep(0.01)
    async def stop(self): await asyncio.sleep(0.01)
    async def describe(self): return Sys.describe(self)

def create(ctx): return Sys(ctx)
async def create_async(ctx): await asyncio.sleep(0); return Patient(ctx)
def create_none(ctx): return None
def create_bare(ctx): return object()
def create_exits(ctx): sys.exit(2)
"""

CheckBody = Callable[[Trial], Finding]


@dataclass(frozen=True)
class Run:
    """What came of a run."""

    events: list[Event]
    result: RunResult
    bench: Bench
    run_dir: Path

    @property
    def outcomes(self) -> dict[str, str]:
        """Check id → outcome."""
        return {event.id: event.outcome.value for event in self.events if isinstance(event, CheckFinished)}

    @property
    def messages(self) -> dict[str, str]:
        """Check id → message."""
        return {event.id: event.message for event in self.events if isinstance(event, CheckFinished)}

    @property
    def starts(self) -> int:
        """How often a system was started."""
        return sum(isinstance(event, SystemStarted) for event in self.events)


def run(tmp_path: Path, *bodies: CheckBody, function: str = "create", mood: str = "") -> Run:
    """Execute these checks, in order, on the adapter above; the stream is consumed to its end."""
    (tmp_path / "toy_system.py").write_text(ADAPTER)
    cards = [card(body.__name__) for body in bodies]
    plan = plan_of(cards, function, mood)
    catalogue = {c.id: Check(c, body) for c, body in zip(cards, bodies, strict=True)}
    run_dir = tmp_path / "run"
    with Bench(plan.backends, tmp_path / "logs", (str(tmp_path),)) as bench:
        bench.launch()
        events = list(execute(plan, bench, run_id="r1", run_dir=run_dir, catalogue=catalogue))
    assert [type(event) for event in events].count(RunFinished) == 1
    assert isinstance(events[-1], RunFinished)
    reading = read_journal(run_dir / "events.jsonl")
    assert repr(list(reading.events)) == repr(events)  # a NaN that was said is not equal to itself
    return Run(events, fold(reading.events), bench, run_dir)


def card(name: str) -> CheckCard:
    return CheckCard(
        id=f"execution.{name}",
        title=name,
        phase=PhaseId.TRADING,
        component=ComponentId.EXECUTION,
        severity=Severity.MAJOR,
        steps=("try",),
        passes_when="it works",
        remedy="mend it",
    )


def plan_of(cards: list[CheckCard], function: str, mood: str) -> Plan:
    backend = BackendPlan(
        key="toy",
        backend="python",
        ports=("execution",),
        adapter=f"toy_system:{function}",
        options={"mood": mood},
    )
    return Plan(
        profile=ProfileRef(name="bed", digest="sha256:0"),
        subject=Subject(name="toy", version="1", digest="sha256:0"),
        seed=1,
        mode="quick",
        scope=Scope(components={"execution": "python"}),
        backends=(backend,),
        instruments=(Instrument(id="X"),),
        checks=tuple(planned(c) for c in cards),
        performance=Performance(),
        safety=Safety(),
    )


def planned(c: CheckCard) -> PlannedCheck:
    return PlannedCheck(id=c.id, title=c.title, phase=c.phase, component=c.component, severity=c.severity)


def does(what: str, *, timeout_s: float = 5.0, name: str = "") -> CheckBody:
    """Return a check that has the system do something and passes with its answer."""

    def body(trial: Trial) -> Finding:
        answer = trial.call("execution", "modify", what, timeout_s=timeout_s)
        return passed(f"answered {answer}")

    body.__name__ = name or what
    return body


def fine(trial: Trial) -> Finding:
    """The system takes an order and ends it."""
    order = Order(
        client_order_id=f"O{next(trial.shared.order_numbers)}", instrument="X", side=Side.BUY, qty=Decimal(1)
    )
    trial.ledger.sent("execution", order)
    trial.call("execution", "submit", order, timeout_s=5.0)
    inbox: Any = trial.session("execution").inbox
    trial.until("execution", lambda: inbox.updates(order.client_order_id), "expected NEW")
    trial.call("execution", "cancel", order.client_order_id, "X", timeout_s=5.0)
    return passed("alive")
