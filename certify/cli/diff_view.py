"""How a comparison of two runs is shown: what got worse first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from rich.text import Text

from certify.cli.console import PlainConsole
from certify.cli.live.text import clean, one_line
from certify.model.comparison import CheckChange, ComparedRun, Comparison, FigureChange, ValueChange
from certify.model.judgement import AcceptedFailure
from certify.report.words import figure, grade_words, number

SHOWN_SCOPE = 40
"""How many changes of the scope are told; the JSON has them all."""
METRICS = {
    "latency.p50": "response time p50",
    "latency.p99": "response time p99",
    "achieved": "achieved",
    "error_rate": "error rate",
}


def print_comparison(found: Comparison, out: TextIO) -> None:
    """Print what differs between two runs, section by section."""
    console = PlainConsole(out)
    for line in (*_heads(found), *_sections(found)):
        console.print(line)


def _heads(found: Comparison) -> Iterator[Text]:
    for name, run in (("before", found.before), ("after", found.after)):
        yield Text(f"{name:<8}", style="dim").append(_head(run), style="not dim")
    if found.nothing and not found.still_failing:
        yield Text("\nnothing differs")


def _head(run: ComparedRun) -> str:
    score = "no score" if run.score is None else f"score {number(round(run.score, 1))}"
    grade = grade_words(run.grade, partial=run.partial_selection)[1]
    subject = f"{run.subject} {run.subject_version}"
    return one_line(f"{run.run_id}  {subject}, {grade}, {run.assurance.value}, {score}")


def _sections(found: Comparison) -> Iterator[Text]:
    yield from _section("Newly failing", "bold red", _checks("✗", found.newly_failing))
    yield from _section("Worse beyond noise", "bold red", _figures(found.worse))
    yield from _section("Still failing", "bold yellow", _checks("✗", found.still_failing))
    yield from _section("Fixed", "bold green", _checks("✓", found.fixed, messages=False))
    yield from _section("Better beyond noise", "bold green", _figures(found.better))
    yield from _section("Other outcomes", "bold", _checks("·", found.other_outcomes))
    yield from _section("New waivers", "bold yellow", _waivers(found.new_waivers))
    yield from _section("Ended waivers", "bold", _waivers(found.ended_waivers))
    yield from _section("Scope", "bold", _values(found.scope, SHOWN_SCOPE))
    yield from _section("Environment", "bold", _values(found.environment))
    yield from _section("Load not compared", "dim", map(_safe, found.not_compared))


def _section(title: str, style: str, lines: Iterable[str]) -> Iterator[Text]:
    shown = list(lines)
    if shown:
        yield Text(f"\n{title}", style=style)
        yield from (Text(f"  {line}") for line in shown)


def _safe(text: str) -> str:
    return one_line(clean(text))


def _checks(sign: str, changes: Iterable[CheckChange], *, messages: bool = True) -> Iterator[str]:
    for change in changes:
        yield _safe(f"{sign} {change.id} ({change.severity.value}): {change.before} → {change.after}")
        if messages and change.message:
            yield f"    {_safe(change.message)}"


def _figures(changes: Iterable[FigureChange]) -> Iterator[str]:
    for change in changes:
        before, after = figure(change.before, change.unit), figure(change.after, change.unit)
        name = METRICS.get(change.metric, change.metric)
        yield _safe(f"{change.level} {change.stream}, {name}: {before} → {after} ({_ground(change)})")


def _ground(change: FigureChange) -> str:
    """Return what a change is told by: where the figure lies, and how likely the seconds are by chance."""
    parts = []
    if change.before_interval is not None and change.after_interval is not None:
        (a, b), (c, d) = change.before_interval, change.after_interval
        parts.append(f"{number(a)} to {number(b)} → {number(c)} to {number(d)} {change.unit}")
    if change.p_value is not None:
        parts.append(f"p = {change.p_value:.2g}")
    return "; ".join(parts)


def _waivers(waivers: Iterable[AcceptedFailure]) -> Iterator[str]:
    for waiver in waivers:
        approved = f"approved by {waiver.approved_by}, until {waiver.expires}"
        yield _safe(f"{waiver.check}: {waiver.reason} ({approved})")


def _values(changes: Sequence[ValueChange], most: int | None = None) -> Iterator[str]:
    for change in changes[:most]:
        yield _safe(f"{change.name}: {change.before or 'not there'} → {change.after or 'not there'}")
    if most is not None and len(changes) > most:
        yield f"and {len(changes) - most} more: see --json"
