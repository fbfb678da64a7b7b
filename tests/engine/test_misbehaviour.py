"""Every way to misbehave ends as the right outcome of a check, and the run ends in one `RunFinished`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from certify.engine import runner, tidy
from certify.engine.bench import Bench
from certify.engine.runner import execute
from certify.errors import EvidenceError, SystemUnavailable
from certify.model.events import Event, Note, RunFinished, SystemStopped
from certify.model.ids import StopReason
from certify.phases import session
from certify.phases.api import Check, Finding, passed
from certify.phases.trial import Trial
from tests.engine.bed import ADAPTER, Run, card, does, fine, plan_of, run


@pytest.fixture(autouse=True)
def _short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "LAUNCH_TIMEOUT_S", 8.0)
    monkeypatch.setattr(session, "CALL_TIMEOUT_S", 1.0)
    monkeypatch.setattr(tidy, "TIDY_PATIENCE_S", 1.0)


def stop_of(came: Run) -> StopReason:
    last = came.events[-1]
    assert isinstance(last, RunFinished)
    return last.stop


CASES: list[tuple[str, float, str, str, bool]] = [
    # what the method does, its time limit, outcome, words in the message, whether the system is replaced
    ("raise", 5, "error", "boom", False),
    ("not_supported", 5, "failed", "claims it can do", False),
    ("silence", 0.3, "failed", "silence is failure", True),
    ("die", 5, "failed", "exit code 9", True),
    ("exit", 5, "error", "SystemExit", False),
    ("chatter", 5, "passed", "answered", False),
    ("close_all", 0.5, "failed", "expected", True),
    ("signals", 5, "passed", "answered", False),
    ("fork", 5, "failed", "exit code 7", True),
    ("huge", 20, "error", "at most", False),
    ("garbage", 5, "error", "cannot be put on the wire", False),
    ("extreme", 5, "passed", "E+999999", False),
]


@pytest.mark.parametrize(("what", "limit_s", "outcome", "text", "replaced"), CASES, ids=[c[0] for c in CASES])
def test_what_a_method_does_is_the_outcome_of_its_check_and_the_next_check_is_unharmed(
    tmp_path: Path, what: str, limit_s: float, outcome: str, text: str, replaced: bool
) -> None:
    came = run(tmp_path, does(what, timeout_s=limit_s), fine)
    assert came.outcomes == {f"execution.{what}": outcome, "execution.fine": "passed"}
    assert text in came.messages[f"execution.{what}"]
    assert came.starts == (2 if replaced else 1)
    assert stop_of(came) is StopReason.COMPLETED
    assert all(not s.running for s in came.bench.sessions)


def test_an_exit_in_a_coroutine_is_the_adapters_error(tmp_path: Path) -> None:
    def cancel_all(trial: Trial) -> Finding:
        trial.call("execution", "cancel_all", timeout_s=5.0)
        return passed("canceled")

    came = run(tmp_path, cancel_all, fine)
    assert came.outcomes == {"execution.cancel_all": "error", "execution.fine": "passed"}
    assert came.starts == 1


def test_a_blocked_event_loop_is_silence_of_what_runs_on_it(tmp_path: Path) -> None:
    came = run(tmp_path, does("block_loop"), does("answer", name="worker"), on_the_loop, fine)
    assert came.outcomes["execution.worker"] == "passed"
    assert came.outcomes["execution.on_the_loop"] == "failed"
    assert came.outcomes["execution.fine"] == "passed"


def on_the_loop(trial: Trial) -> Finding:
    trial.call("execution", "cancel_all", timeout_s=0.3)
    return passed("canceled")


def test_a_late_answer_is_not_the_answer_of_the_next_call(tmp_path: Path) -> None:
    def twice(trial: Trial) -> Finding:
        process = trial.session("execution").process
        with pytest.raises(SystemUnavailable):
            process.call("execution", "modify", "late", timeout_s=0.1)
        return passed(str(process.call("execution", "modify", "answer", timeout_s=5)))

    assert run(tmp_path, twice).messages == {"execution.twice": "answer"}


def test_a_death_between_two_checks_is_said_and_the_next_check_has_a_fresh_system(tmp_path: Path) -> None:
    def until_dead(trial: Trial) -> Finding:
        trial.call("execution", "modify", "die_later", timeout_s=5)
        process = trial.session("execution").process
        deadline = time.monotonic() + 5
        while process.alive and time.monotonic() < deadline:
            time.sleep(0.01)
        return passed("said nothing")

    came = run(tmp_path, until_dead, fine)
    assert came.outcomes["execution.fine"] == "passed"
    assert came.starts == 2
    assert any(isinstance(e, SystemStopped) and not e.expected for e in came.events)


@pytest.mark.parametrize(
    ("mood", "text"),
    [("dies on start", "exit code 8"), ("hangs on start", "silence"), ("raises on start", "no licence")],
)
def test_a_system_that_does_not_start_makes_the_run_unavailable(
    tmp_path: Path, mood: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if mood == "hangs on start":
        monkeypatch.setattr(session, "LAUNCH_TIMEOUT_S", 2.0)
    came = run(tmp_path, fine, mood=mood)
    assert stop_of(came) is StopReason.UNAVAILABLE
    assert came.outcomes == {}
    assert [check.outcome.value for phase in came.result.phases for check in phase.checks] == ["skipped"]
    assert any(text in note for note in came.result.notes)


@pytest.mark.parametrize("mood", ["hangs on stop", "raises on stop", "exits on stop"])
def test_a_system_that_does_not_stop_is_stopped_and_it_is_said(tmp_path: Path, mood: str) -> None:
    came = run(tmp_path, fine, mood=mood)
    assert came.outcomes == {"execution.fine": "passed"}
    stopped = [event for event in came.events if isinstance(event, SystemStopped)]
    assert [event.expected for event in stopped] == [False]
    assert all(not s.running for s in came.bench.sessions)


def test_create_start_stop_and_describe_may_be_coroutines(tmp_path: Path) -> None:
    assert run(tmp_path, fine, function="create_async").outcomes == {"execution.fine": "passed"}


@pytest.mark.parametrize(
    ("function", "text"),
    [("create_none", "was None"), ("create_bare", "describe"), ("create_exits", "SystemExit")],
)
def test_what_is_no_system_cannot_be_launched(tmp_path: Path, function: str, text: str) -> None:
    with pytest.raises(SystemUnavailable, match=text):
        run(tmp_path, fine, function=function)


def test_what_a_system_says_after_its_end_is_not_the_next_ones(tmp_path: Path) -> None:
    def restart(trial: Trial) -> Finding:
        ears = [trial.session("execution")._ear]
        trial.restart("execution")
        ears.append(trial.session("execution")._ear)
        return passed(str([ear.over for ear in ears]))

    came = run(tmp_path, restart, fine, mood="talks")
    assert came.messages["execution.restart"] == "[True, False]"
    assert came.outcomes["execution.fine"] == "passed"


def test_a_flood_of_events_neither_blocks_the_system_nor_loses_anything(tmp_path: Path) -> None:
    def flood(trial: Trial) -> Finding:
        inbox = trial.session("execution").inbox
        took_s = trial.call("execution", "modify", "flood", timeout_s=60)
        assert isinstance(took_s, float)
        assert took_s < 30
        trial.until("execution", lambda: inbox.quote_counts.get("X") == 100_000, "all", 60)
        return passed(f"{inbox.quotes['X'].seq}")

    assert run(tmp_path, flood).messages == {"execution.flood": "99999"}


def test_a_check_that_takes_too_long_loses_its_system_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "CHECK_LIMIT_S", 0.3)
    came = run(tmp_path, does("silence", timeout_s=30, name="endless"), fine)
    assert came.outcomes == {"execution.endless": "failed", "execution.fine": "passed"}


def broken(trial: Trial) -> Finding:
    raise KeyError("a mistake of the check")


def exits(trial: Trial) -> Finding:
    raise SystemExit(3)


def test_a_check_that_breaks_is_an_error(tmp_path: Path) -> None:
    came = run(tmp_path, broken, fine)
    assert came.outcomes == {"execution.broken": "error", "execution.fine": "passed"}


def begun(tmp_path: Path, *bodies: Callable[[Trial], Finding]) -> tuple[Bench, Any]:
    """Begin a run and return its bench and its stream."""
    (tmp_path / "toy_system.py").write_text(ADAPTER)
    cards = [card(body.__name__) for body in bodies]
    plan = plan_of(cards, "create", "")
    bench = Bench(plan.backends, tmp_path / "logs", (str(tmp_path),))
    bench.launch()
    catalogue = {c.id: Check(c, body) for c, body in zip(cards, bodies, strict=True)}
    return bench, execute(plan, bench, run_id="r1", run_dir=tmp_path / "run", catalogue=catalogue)


def test_the_stream_ends_even_when_the_engine_is_torn_away(tmp_path: Path) -> None:
    bench, stream = begun(tmp_path, exits)
    with bench:
        events = list(stream)
    assert [event.stop for event in events if isinstance(event, RunFinished)] == [StopReason.BROKEN]


def test_the_stream_ends_when_the_journal_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(trial: Trial) -> Finding:
        journal = bench.publisher._journal
        assert journal is not None

        def refuse(event: Event) -> int:
            raise EvidenceError("events.jsonl: expected to write on, was No space left on device")

        monkeypatch.setattr(journal, "append", refuse)
        return passed("wrote")

    bench, stream = begun(tmp_path, full)
    with bench:
        events = list(stream)
    assert [event.stop for event in events if isinstance(event, RunFinished)] == [StopReason.BROKEN]


def test_a_run_asked_to_stop_ends_as_an_honest_partial_run(tmp_path: Path) -> None:
    began = threading.Event()

    def waits(trial: Trial) -> Finding:
        began.set()
        trial.wait("execution", lambda: None, 30)
        return passed("waited")

    bench, stream = begun(tmp_path, waits, fine)
    with bench:
        began.wait(10)
        stream.stop()
        events = list(stream)
    assert isinstance(events[-1], RunFinished)
    assert events[-1].stop is StopReason.INTERRUPTED
    assert not [event for event in events if isinstance(event, Note) and "left behind" in event.text]
