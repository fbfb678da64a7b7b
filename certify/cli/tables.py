"""Tables of plans and cards for the terminal: plain columns, coloured where there is a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.text import Text

from certify.cli.console import PlainConsole
from certify.cli.live.draw import STYLES
from certify.cli.live.text import clock_text, one_line
from certify.model.card import CheckCard
from certify.model.ids import PhaseId
from certify.plan import Plan, PlannedCheck
from certify.report.words import OUTCOME_WORDS, PHASE_TITLES

if TYPE_CHECKING:
    from certify.cli.keyring import Row

SEVERITY_STYLES = {"critical": "bold", "major": "", "minor": "dim"}


def plan_table(plan: Plan, out: TextIO) -> None:
    """Write each check of a plan under its phase, with the reason where it is not run, and the counts."""
    console = PlainConsole(out)
    for phase in PhaseId:
        own = [check for check in plan.checks if check.phase is phase]
        if own:
            _print(console, Text(f"{PHASE_TITLES[phase]} ({len(own)})", style="bold"))
            _rows(console, [_planned_row(check) for check in own])
    for line in _plan_totals(plan):
        _print(console, Text(line))


def _planned_row(check: PlannedCheck) -> tuple[Text, ...]:
    severity = Text(check.severity.value, style=SEVERITY_STYLES[check.severity.value])
    if check.decided is None:
        told = Text("waived: " if check.waived else "", style="yellow").append(check.title)
    else:
        word = OUTCOME_WORDS[check.decided][1]
        told = Text(f"{word}: {one_line(check.reason)}", style=STYLES[check.decided])
    return Text(check.id), severity, told


def _plan_totals(plan: Plan) -> Iterator[str]:
    tally = Counter(check.decided for check in plan.checks if check.decided is not None)
    run = sum(check.decided is None for check in plan.checks)
    rest = "".join(f", {n} {OUTCOME_WORDS[outcome][1]}" for outcome, n in sorted(tally.items()))
    yield f"{run} of {len(plan.checks)} checks would be run{rest}."
    load_s = sum(level.duration_s + level.warmup_s for level in plan.performance.loads)
    if load_s:
        levels = ", ".join(level.name for level in plan.performance.loads)
        yield f"Load levels: {levels}; {clock_text(load_s)} of load."
    for component, backend in plan.scope.components.items():
        yield f"  {component:<18} {backend}"
    for component, why in plan.scope.out_of_scope.items():
        yield f"  {component:<18} out of scope: {one_line(why)}"
    if plan.partial_selection:
        yield "A partial selection: judged and reported, but no certificate is issued."


def card_table(cards: Sequence[CheckCard], out: TextIO) -> None:
    """Write one line for each check, under its phase."""
    console = PlainConsole(out)
    for phase in PhaseId:
        own = [card for card in cards if card.phase is phase]
        if own:
            _print(console, Text(f"{PHASE_TITLES[phase]} ({len(own)})", style="bold"))
            _rows(console, [_card_row(card) for card in own])
    _print(console, Text(f"{len(cards)} checks. One in full: certify checks ID"))


def _card_row(card: CheckCard) -> tuple[Text, ...]:
    severity = card.severity.value
    return Text(card.id), Text(severity, style=SEVERITY_STYLES[severity]), Text(card.title)


def key_table(rows: Sequence[Row], out: TextIO) -> None:
    """Write each key: its id, what it is called, and whether certificates by it are believed."""
    console = PlainConsole(out)
    if not rows:
        _print(console, Text("No key yet: `certify keys new`, or the first certified run, makes one."))
        return
    heads = ("id", "name", "created", "current", "trusted", "state", "where")
    table = [tuple(Text(head, style="dim") for head in heads)]
    for row in rows:
        words = ("yes" if row.current else "", "yes" if row.trusted else "no", row.state, row.where)
        cells = (row.id[:16], row.name, row.created[:19], *words)
        table.append(tuple(Text(one_line(cell)) for cell in cells))
    _rows(console, table)


def card_in_full(card: CheckCard, out: TextIO) -> None:
    """Write everything about a check."""
    console = PlainConsole(out)
    _print(console, Text(card.id, style="bold"))
    _print(console, Text(card.title))
    _print(console, Text())
    for name, texts in _card_facts(card):
        for index, text in enumerate(texts):
            label = Text(f"{name if index == 0 else '':<16}", style="dim")
            _folded(console, label, Text(text), 16)


def _card_facts(card: CheckCard) -> Iterator[tuple[str, Iterable[str]]]:
    yield "phase", [card.phase.value]
    yield "component", [card.component.value]
    yield "severity", [card.severity.value]
    yield "steps", [f"{number}. {step}" for number, step in enumerate(card.steps, start=1)]
    yield "passes when", [card.passes_when]
    yield "remedy", [card.remedy]
    yield "parameters", [f"{p.name} = {p.default}  ({p.text})" for p in card.parameters]
    yield "not applicable", [card.not_applicable_when]
    yield "needs", [*card.needs, *(f"port {port}" for port in card.ports), *card.methods]
    yield "modes", [", ".join(card.modes)]
    yield (
        "destructive",
        ["breaks links or kills processes on purpose: never on a live account"] * card.destructive,
    )
    yield "references", card.references
    yield "turned red by", card.defects


def _rows(console: Console, rows: list[tuple[Text, ...]]) -> None:
    widths = [max(row[i].cell_len for row in rows) for i in range(len(rows[0]) - 1)]
    for row in rows:
        label = Text("  ")
        for cell, width in zip(row, widths, strict=False):
            label.append_text(cell).append(" " * (width - cell.cell_len + 2))
        _folded(console, label, row[-1], label.cell_len)


def _folded(console: Console, label: Text, text: Text, inset: int) -> None:
    """Print a label and a text, folded beside it on a terminal."""
    room = console.width - inset
    parts = [text] if console.soft_wrap or room < 20 else list(text.wrap(console, room)) or [text]
    for index, part in enumerate(parts):
        start = label if index == 0 else Text(" " * inset)
        _print(console, start.copy().append_text(part))


def _print(console: Console, line: Text) -> None:
    line.rstrip()
    console.print(line)
