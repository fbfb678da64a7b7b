"""How past runs are shown: a table, and on a terminal curves of score and p99."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import TextIO

from rich.console import Console
from rich.text import Text

from certify.cli.console import PlainConsole
from certify.cli.live.text import one_line
from certify.model.ids import Grade
from certify.report.words import figure, grade_words, number
from certify.store.history import PastRun

BARS = "▁▂▃▄▅▆▇█"
NOTHING = "–"
STYLES = {
    Grade.CERTIFIED.value: "green",
    Grade.CONDITIONAL.value: "yellow",
    Grade.NOT_CERTIFIED.value: "red",
    Grade.INCONCLUSIVE.value: "yellow",
}
COLUMNS = ("when", "run", "subject", "grade", "assurance", "score", "passed", "failed", "p99", "at")
SPARED = ("subject", "at", "when", "assurance")
"""What is left out on a narrow terminal, in this order: the id says when, and most runs are alike."""
SCHEMA = "certify/history/1"


def print_history(runs: Sequence[PastRun], out: TextIO, *, as_json: bool) -> None:
    """Print the runs, newest first; as JSON for programs."""
    if as_json:
        data = {"schema": SCHEMA, "runs": [asdict(run) for run in runs]}
        out.write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
        return
    console = PlainConsole(out)
    if not runs:
        out.write("no run yet; make one with `certify run`\n")
        return
    for line in _table(runs, console.width if out.isatty() else None):
        console.print(line)
    if out.isatty():
        _curves(runs, console)


def _table(runs: Sequence[PastRun], room: int | None) -> Iterator[Text]:
    """Yield a line for each run; columns that others imply are left out where there is no room for them."""
    rows = [COLUMNS, *(_row(run) for run in runs)]
    widths = {name: max(Text(row[i]).cell_len for row in rows) for i, name in enumerate(COLUMNS)}
    for name in SPARED:
        if room is not None and sum(widths.values()) + 2 * len(widths) > room:
            del widths[name]
    for index, row in enumerate(rows):
        line = Text(style="dim" if index == 0 else "")
        for name, width in widths.items():
            cell = row[COLUMNS.index(name)]
            style = STYLES.get(runs[index - 1].grade, "") if index and name == "grade" else ""
            line.append(cell, style=style).append(" " * (width - Text(cell).cell_len + 2))
        line.rstrip()
        yield line


def _row(run: PastRun) -> tuple[str, ...]:
    grade = grade_words(Grade(run.grade), partial=run.partial_selection)[1]
    return (
        f"{run.started_at[:16].replace('T', ' ')}Z",
        one_line(run.id),
        one_line(f"{run.subject} {run.subject_version}"),
        grade if run.stop == "completed" else f"{grade}, {run.stop}",
        run.assurance,
        NOTHING if run.score is None else number(round(run.score, 1)),
        f"{run.passed}/{run.checks}",
        str(run.failed + run.error),
        NOTHING if run.p99_ms is None else figure(run.p99_ms, "ms"),
        NOTHING if run.heaviest is None else one_line(run.heaviest),
    )


def _curves(runs: Sequence[PastRun], console: Console) -> None:
    """Print score and p99 from the oldest to the newest, where there are two or more to compare."""
    whole = [run for run in reversed(runs) if not run.partial_selection]
    for profile, subject in dict.fromkeys((run.profile, run.subject) for run in whole):
        own = [run for run in whole if (run.profile, run.subject) == (profile, subject)]
        p99 = [run.p99_ms if run.heaviest == own[-1].heaviest else None for run in own]
        for name, values in (("score", [run.score for run in own]), ("p99, ms", p99)):
            known = [value for value in values if value is not None]
            if len(known) > 1:
                told = f"{number(round(min(known), 1))} to {number(round(max(known), 1))}"
                label = one_line(f"{profile}, {subject}: {name}")
                console.print(
                    Text(f"\n{label}  ").append(sparkline(values), style="cyan").append(f"  {told}")
                )


def sparkline(values: Iterable[float | None]) -> str:
    """Return a value each as a bar between the lowest and the highest; a gap where there is none."""
    shown = list(values)
    known = [value for value in shown if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    span = (high - low) or 1.0
    steps = len(BARS) - 1
    return "".join(" " if value is None else BARS[round((value - low) / span * steps)] for value in shown)
