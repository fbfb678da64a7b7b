"""The live view: its state from events, its picture from the state, and plain lines."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from certify.cli.live.draw import draw
from certify.cli.live.plain import PlainLines
from certify.cli.live.state import RunState
from certify.cli.live.text import clock_text, one_line
from certify.cli.options import Progress
from certify.cli.views import PlainView, view_for, wants_live
from certify.model.events import (
    CheckFinished,
    CheckStarted,
    LoadProgress,
    Note,
    PhaseFinished,
    PhaseStarted,
    PlannedRef,
    RunFinished,
    RunStarted,
)
from certify.model.ids import ComponentId, Outcome, PhaseId, Severity, StopReason
from certify.model.results import LoadPoint, ProfileRef, Scope, Subject

S = 1_000_000_000
EVIL = "gone \x1b[2J\x1b]0;title\x07 [red]markup[/red]\nsecond\u202eline"


def ref(name: str, phase: PhaseId) -> PlannedRef:
    return PlannedRef(
        id=name, title=f"Title of {name}", phase=phase, component=ComponentId.RISK, severity=Severity.MAJOR
    )


REFS = (
    *(ref(f"a.{i}", PhaseId.FRAMEWORK) for i in range(3)),
    *(ref(f"b.{i}", PhaseId.TRADING) for i in range(40)),
)


def begin() -> RunStarted:
    return RunStarted(
        run_id="r",
        at_ns=0,
        seed=1,
        profile=ProfileRef(name="p", digest="d"),
        plan_digest="d",
        subject=Subject(name="s" * 90, version=EVIL, digest="d"),
        scope=Scope(),
        partial_selection=False,
        planned=tuple(r.id for r in REFS),
        planned_checks=REFS,
        tool_version="1",
    )


def finish(
    planned: PlannedRef, at_s: int, outcome: Outcome = Outcome.PASSED, message: str = "m"
) -> CheckFinished:
    return CheckFinished(
        at_ns=at_s * S,
        id=planned.id,
        title=planned.title,
        phase=planned.phase,
        component=planned.component,
        severity=planned.severity,
        outcome=outcome,
        message=message,
    )


def story() -> list[object]:
    load = LoadPoint(at_s=1.0, achieved_per_s=99.5, p50_ms=1.0, p99_ms=3.25, errors=2)
    return [
        begin(),
        PhaseStarted(at_ns=0, phase=PhaseId.FRAMEWORK, checks=3),
        *(finish(r, 1) for r in REFS[:3]),
        PhaseFinished(at_ns=S, phase=PhaseId.FRAMEWORK, took_ms=1000.0),
        PhaseStarted(at_ns=S, phase=PhaseId.TRADING, checks=40),
        *(finish(r, 2, Outcome.FAILED, EVIL) for r in REFS[3:33]),
        LoadProgress(at_ns=2 * S, level="heavy", stream="orders", point=load),
        CheckStarted(at_ns=2 * S, id="b.30"),
    ]


def told(events, **more) -> RunState:
    state = RunState(**more)
    for event in events:
        state.take(event)
    return state


def picture(state: RunState, width: int, height: int) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, force_terminal=True, color_system=None)
    console.print(draw(state, 5 * S, width, height))
    return out.getvalue().rstrip("\n")


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("height", [10, 24, 60])
def test_the_picture_fits_the_terminal(width, height) -> None:
    lines = picture(told(story()), width, height).split("\n")
    assert len(lines) <= height
    assert max(map(len, lines)) <= width


def test_the_picture_says_what_matters() -> None:
    shown = picture(told(story()), 120, 40)
    for wanted in ("Framework", "3/3", "30/40", "Title of b.30", "b.30, 3 s", "3 passed · 30 failed"):
        assert wanted in shown
    assert "heavy orders 99.5/s · p99 3.25 ms · 2 errors" in shown
    assert "0:05" in shown


@pytest.mark.parametrize("height", [24, 60])
def test_what_a_system_says_is_neither_control_nor_markup(height) -> None:
    shown = picture(told(story()), 120, height)
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "\u202e" not in shown
    assert "[red]markup[/red]" in shown


def test_the_time_left_shrinks_with_every_check_and_ends() -> None:
    state = told([begin()], expected_ms={r.id: 1000.0 for r in REFS})
    assert state.left_s(0) == len(REFS)
    state.take(finish(REFS[0], 1))
    assert state.left_s(S) == len(REFS) - 1
    state.take(CheckStarted(at_ns=S, id="a.1"))
    assert state.left_s(S + S // 2) == len(REFS) - 1.5
    assert state.left_s(9 * S) == len(REFS) - 2  # a slow check costs no more than was expected
    state.take(RunFinished(at_ns=S, stop=StopReason.COMPLETED))
    assert state.left_s(S) is None


def test_stopping_is_said_in_the_picture() -> None:
    state = told(story())
    state.stopping = True
    assert "stopping: cancelling orders" in picture(state, 80, 24)


def test_plain_lines_are_single_and_harmless() -> None:
    lines = PlainLines()
    texts = [lines.line(event) for event in (*story(), Note(at_ns=0, text=EVIL))]
    assert all("\n" not in text and "\x1b" not in text and "\u202e" not in text for text in texts)
    assert "== framework: 3 passed in 1 s" in texts
    assert any(text.startswith("failed         b.29  gone \\x1b[2J") for text in texts)


def test_a_view_that_writes_lines_writes_each_at_once() -> None:
    out = io.StringIO()
    with PlainView(out) as view:
        view.handle(finish(REFS[0], 1))
        assert out.getvalue() == "passed         a.0  m\n"


def test_off_a_terminal_there_are_plain_lines(monkeypatch) -> None:
    assert isinstance(view_for(Progress.AUTO, {}), PlainView)
    monkeypatch.setattr("sys.stderr", type("Tty", (io.StringIO,), {"isatty": lambda self: True})())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert wants_live(Progress.AUTO)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_live(Progress.AUTO)
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not wants_live(Progress.AUTO)
    assert wants_live(Progress.RICH)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (-3, "0:00"), (65.9, "1:05"), (3725, "1:02:05")])
def test_lengths_of_time(seconds, text) -> None:
    assert clock_text(seconds) == text


def test_one_line_keeps_words_apart() -> None:
    assert one_line("a\n\tb\x00c") == "a b\\x00c"
