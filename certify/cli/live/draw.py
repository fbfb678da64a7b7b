"""A run's state → lines of styled text that fit a terminal. Values from the system are never markup."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.text import Text

from certify.cli.live.state import LoadLine, PhaseState, RunState
from certify.cli.live.text import clock_text, one_line
from certify.model.events import CheckFinished
from certify.model.ids import Outcome, PhaseId
from certify.report.words import OUTCOME_WORDS, PHASE_TITLES, STREAM_TITLES, number

STYLES: dict[Outcome, str] = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "bold red",
    Outcome.ERROR: "bold magenta",
    Outcome.INCONCLUSIVE: "yellow",
    Outcome.SKIPPED: "dim",
    Outcome.NOT_APPLICABLE: "dim",
}
WIDEST = 120
"""Wider lines are no easier to read."""
LABEL = 10
WRONG: tuple[Outcome, ...] = (Outcome.FAILED, Outcome.ERROR)


def draw(state: RunState, now_ns: int, width: int, height: int) -> Text:
    """Return the whole picture: at most `height` lines of at most `width` cells."""
    width = min(width, WIDEST)
    lines = [
        _header(state, now_ns, width),
        Text(),
        *_phases(state, width),
        Text(),
        *_now(state, now_ns),
        *_loads(state),
        _labelled("so far", _tally(state.tally)),
    ]
    room = height - len(lines) - 1
    if state.failures and room > 0:
        lines += [Text(), *_failures(list(state.failures)[-room:])]
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return Text("\n", no_wrap=True, overflow="ellipsis").join(lines[:height])


def _header(state: RunState, now_ns: int, width: int) -> Text:
    left = Text("certify ", style="bold").append(
        one_line(f"{state.profile} · {state.subject}"), style="not bold"
    )
    if state.assurance is not None:
        left.append(f" · {state.assurance.value.upper()}", style="bold yellow")
    right = Text(_times(state, now_ns), style="dim")
    if state.stopping:
        right = Text("stopping: cancelling orders, closing positions", style="bold yellow")
    left.truncate(max(10, width - right.cell_len - 2), overflow="ellipsis")
    left.append(" " * max(1, width - left.cell_len - right.cell_len))
    return left.append_text(right)


def _times(state: RunState, now_ns: int) -> str:
    if state.started_ns is None:
        return "starting"
    elapsed = clock_text((now_ns - state.started_ns) / 1e9)
    left = state.left_s(now_ns)
    return elapsed if left is None else f"{elapsed}, about {clock_text(max(left, 1))} left"


def _phases(state: RunState, width: int) -> Iterator[Text]:
    bar = max(10, min(40, width - 46))
    for phase in PhaseId:
        found = state.phases.get(phase)
        if found is not None:
            yield _phase(phase, found, bar, current=phase is state.current_phase and not found.ended)


def _phase(phase: PhaseId, found: PhaseState, bar: int, *, current: bool) -> Text:
    bad = any(found.tally[outcome] for outcome in WRONG)
    sign, style = ("✗", "bold red") if bad else ("✓", "green") if found.ended else ("▸", "cyan")
    if not (current or found.ended or bad):
        sign, style = " ", "dim"
    filled = bar * found.done // found.total if found.total else 0
    line = Text(f" {sign} ", style=style).append(
        f"{PHASE_TITLES[phase]:<14}", style="bold" if current else ""
    )
    line.append("━" * filled, style="red" if bad else "green").append("─" * (bar - filled), style="dim")
    line.append(f" {found.done:>3}/{found.total:<3} ")
    shown = Counter[Outcome]({o: n for o, n in found.tally.items() if o in WRONG})
    return line.append_text(_tally(shown)) if shown else line


def _now(state: RunState, now_ns: int) -> Iterator[Text]:
    if state.current is None:
        yield _labelled("now", Text("between checks" if not state.finished else "done", style="dim"))
        return
    since_s = (now_ns - state.current_since_ns) / 1e9
    text = Text(one_line(state.current.title))
    yield _labelled("now", text)
    yield _labelled("", Text(f"{state.current.id}, {since_s:.0f} s", style="dim"))


def _loads(state: RunState) -> Iterator[Text]:
    for stream in ("market_data", "orders"):
        if stream in state.loads:
            yield _labelled("load", _load(state.loads[stream]))


def _load(line: LoadLine) -> Text:
    text = Text(f"{one_line(line.level)} {STREAM_TITLES[line.stream]} ", style="bold")
    rate = f"{number(line.achieved_per_s)}/s"
    if line.offered_per_s is not None:
        rate += f" of {number(line.offered_per_s)}/s"
    p99 = "p99 –" if line.p99_ms is None else f"p99 {number(line.p99_ms)} ms"
    text.append(f"{rate} · {p99} · ", style="not bold")
    errors = f"{line.errors} error{'' if line.errors == 1 else 's'}"
    text.append(errors, style="bold red" if line.errors else "not bold")
    return text.append("" if not line.finished else " · done", style="dim")


def _tally(tally: Counter[Outcome]) -> Text:
    parts = [Text(f"{tally[o]} {OUTCOME_WORDS[o][1]}", style=STYLES[o]) for o in Outcome if tally[o]]
    return Text(" · ").join(parts) if parts else Text("nothing yet", style="dim")


def _failures(failures: list[CheckFinished]) -> Iterator[Text]:
    for event in failures:
        sign, word = OUTCOME_WORDS[event.outcome]
        yield Text(f" {sign} {word} ", style=STYLES[event.outcome]).append(
            f"{event.id}: {one_line(event.message)}", style="default not bold"
        )


def _labelled(label: str, text: Text) -> Text:
    return Text(f" {label:<{LABEL - 2}} ", style="dim").append_text(_plain_start(text))


def _plain_start(text: Text) -> Text:
    """Return the text so that the label's style does not run into it."""
    return Text("", style="not dim").append_text(text)
