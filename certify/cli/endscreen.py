"""The end screen: the verdict in words, why, what to do about it, and where everything is."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.text import Text

from certify.cli.console import PlainConsole
from certify.cli.live.draw import STYLES
from certify.cli.live.text import one_line
from certify.cli.pipeline import CARDS, Outcome
from certify.model.ids import Assurance, Grade, PhaseId, StopReason
from certify.model.ids import Outcome as CheckOutcome
from certify.model.results import CheckResult
from certify.report import load_run
from certify.report.summary import headline, worst_first
from certify.report.words import (
    ASSURANCE_WORDS,
    OUTCOME_WORDS,
    PHASE_TITLES,
    date,
    grade_words,
    number,
    took,
)

GRADE_STYLES = {
    Grade.CERTIFIED: "bold green",
    Grade.CONDITIONAL: "bold yellow",
    Grade.NOT_CERTIFIED: "bold red",
    Grade.INCONCLUSIVE: "bold yellow",
}
LABELS = ("subject", "profile", "valid", "scores", "took", "report", "certificate", "note")
LABEL = 13
"""How wide a label is with the blanks behind it."""
COMMAND = ("next ", "certify ")
SHOWN = 5
"""How many of the checks that did not pass are told in full."""
WIDEST = 110
BLAMED = (CheckOutcome.FAILED, CheckOutcome.ERROR, CheckOutcome.INCONCLUSIVE)


def end_screen(outcome: Outcome, out: TextIO) -> None:
    """Write the verdict, why, and the next command to type."""
    console = PlainConsole(out)
    width = min(console.width, WIDEST) if out.isatty() else None
    for line in (Text(), *_verdict(outcome), Text(), *_facts(outcome), *_blame(outcome), *_where(outcome)):
        for part in _fitted(line, console, width):
            console.print(part)


def _fitted(line: Text, console: Console, width: int | None) -> list[Text]:
    """Fold a line that is too long under its own text; a command stays whole, to be copied."""
    if width is None or line.cell_len <= width or line.plain.lstrip().startswith(COMMAND):
        return [line]
    inset = _inset(line.plain)
    label, body = line[:inset], line[inset:]
    first, *rest = body.wrap(console, max(20, width - inset))
    return [label.append_text(first), *(Text(" " * inset).append_text(part) for part in rest)]


def _inset(plain: str) -> int:
    """Return where the text of a line begins, after its label or sign."""
    if plain[:LABEL].rstrip() in LABELS:
        return LABEL
    return len(plain) - len(plain.lstrip(" ✗→-"))


def _verdict(outcome: Outcome) -> Iterator[Text]:
    verdict = outcome.verdict
    sign, words = grade_words(verdict.grade, partial=outcome.result.partial_selection)
    line = Text()
    if verdict.assurance is Assurance.SIMULATED:
        line.append("SIMULATED ", style="bold yellow")
    line.append(f"{sign} {words}", style=GRADE_STYLES[verdict.grade])
    if verdict.assurance is not Assurance.SIMULATED:
        line.append(f" {verdict.assurance.value.upper()}", style="bold")
    yield line
    yield Text(headline(load_run(outcome.run_dir)))
    yield Text(ASSURANCE_WORDS[verdict.assurance], style="dim")


def _facts(outcome: Outcome) -> Iterator[Text]:
    result, verdict = outcome.result, outcome.verdict
    subject = result.subject
    yield _fact("subject", f"{subject.name} {subject.version} ({subject.digest[:19]})")
    yield _fact("profile", f"{result.profile.name}, seed {result.seed}")
    if outcome.certificate is not None:
        yield _fact("valid", f"until {date(verdict.expires_at, 'not stated')}")
    else:
        yield _fact("valid", "no certificate was issued")
    yield _fact("scores", _scores(outcome))
    yield _fact("took", took(max(0, result.finished_at_ns - result.started_at_ns) / 1e6))


def _scores(outcome: Outcome) -> str:
    verdict = outcome.verdict
    if verdict.score is None:
        return "none: nothing was evaluated"
    parts = [
        f"{PHASE_TITLES[phase].lower()} {number(round(verdict.phase_scores[phase.value], 1))}"
        for phase in PhaseId
        if phase.value in verdict.phase_scores
    ]
    return f"{number(round(verdict.score, 1))} ({', '.join(parts)})"


def _fact(name: str, text: str) -> Text:
    return Text(f"{name:<{LABEL}}", style="dim").append(one_line(text), style="default not dim")


def _blame(outcome: Outcome) -> Iterator[Text]:
    bad = [check for check in outcome.result.checks if check.outcome in BLAMED]
    failed = [check for check in bad if check.outcome is CheckOutcome.FAILED]
    ordered = worst_first(failed) + worst_first([check for check in bad if check not in failed])
    if ordered:
        yield Text()
        yield Text("What did not pass", style="bold")
    for check in ordered[:SHOWN]:
        yield from _blamed(check)
    if len(ordered) > SHOWN:
        yield Text(f"  and {len(ordered) - SHOWN} more: see the report", style="dim")
    for note in outcome.result.notes if outcome.result.stop is not StopReason.COMPLETED else ():
        yield _fact("note", note)
    yield from _conditions(outcome)


def _blamed(check: CheckResult) -> Iterator[Text]:
    sign, word = OUTCOME_WORDS[check.outcome]
    line = Text(f"  {sign} ", style=STYLES[check.outcome]).append(check.id, style="bold")
    waived = ", waived" if check.waived else ""
    line.append(f" ({word}, {check.severity.value}{waived})", style="dim")
    yield line
    yield Text("    " + one_line(check.message))
    card = CARDS.get(check.id)
    if card is not None:
        yield Text("    → ", style="cyan").append(one_line(card.remedy), style="default")


def _conditions(outcome: Outcome) -> Iterator[Text]:
    if outcome.verdict.conditions:
        yield Text()
        yield Text("Conditions", style="bold")
    for condition in outcome.verdict.conditions:
        yield Text("  - " + one_line(condition))
    unheld = [rule for rule in outcome.verdict.rules if not rule.held]
    if unheld:
        yield Text()
        yield Text("Rules of the verdict that did not hold", style="bold")
    for rule in unheld:
        yield Text("  ✗ " + one_line(f"{rule.text} {_because(rule.because)}"))


def _because(because: tuple[str, ...]) -> str:
    shown = ", ".join(because[:3]) + (f" and {len(because) - 3} more" if len(because) > 3 else "")
    return f"({shown})" if because else ""


def _where(outcome: Outcome) -> Iterator[Text]:
    yield Text()
    run_dir = _near(outcome.run_dir)
    yield _fact("report", f"{run_dir}/report.html")
    if outcome.certificate is not None:
        yield _fact("certificate", f"{run_dir}/certificate.json")
    for index, command in enumerate(next_commands(outcome, run_dir)):
        yield Text(f"{'next' if index == 0 else '':<{LABEL}}", style="dim").append(
            command, style="cyan not dim"
        )


def next_commands(outcome: Outcome, run_dir: str) -> Iterator[str]:
    """Yield the commands that are worth typing next."""
    place = shlex.quote(run_dir)
    home = outcome.run_dir.parent.parent
    out = "" if home == Path(".certify") else f" --out {shlex.quote(_near(home))}"
    name = shlex.quote(outcome.run_dir.name)
    if outcome.result.stop is not StopReason.COMPLETED:
        yield f"certify run --resume {name}{out}"
    elif outcome.certificate is not None:
        yield f"certify verify {place} --evidence {place}"
    elif any(check.outcome in BLAMED for check in outcome.result.checks):
        yield f"certify run --rerun-failed {name}{out}"
    yield f"certify report {place} --format markdown"


def _near(path: Path) -> str:
    """Return a path as short as it can be typed here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
