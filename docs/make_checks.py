"""Write docs/checks.md, the catalogue for reading, from the cards: `python docs/make_checks.py`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from certify.defects import all_defects
from certify.model.card import CheckCard
from certify.model.ids import PhaseId
from certify.phases.catalogue import cards

GATEWAYS = {
    "any": "where a gateway of Interactive Brokers stands behind its ports",
    "simulated": "where the simulated gateway stands behind its ports: it commands faults of it",
}
PAGE = Path(__file__).with_name("checks.md")
ASKS = {
    PhaseId.FRAMEWORK: "Does every component start, answer, stop and start again; is the ground sound?",
    PhaseId.INTEGRATION: "Is what arrives right, and does it come back after a fault?",
    PhaseId.TRADING: "Order life cycle, positions, reconciliation, paper trading, going live.",
    PhaseId.PERFORMANCE: "Throughput, latency, errors and resources at each load level.",
    PhaseId.RISK: "Do limits hold through every door, does the kill switch kill, do alerts arrive?",
    PhaseId.CERTIFICATION: "Is the evidence complete, and is everything left as it was found?",
}


def page() -> str:
    """Return the whole page, from the cards and the planted defects alone."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    every = cards()
    yield "# The checks"
    yield ""
    yield "<!-- Written by docs/make_checks.py from the cards: change those, not this page. -->"
    yield ""
    yield (
        f"{len(every)} checks in six phases. Each is *turned red by* at least one planted defect, which"
        " `certify self-test` proves"
    )
    yield "on your machine. `certify checks ID` prints a card in full, with its steps and parameters."
    yield ""
    yield "| phase | checks | critical | major | minor |"
    yield "| --- | --: | --: | --: | --: |"
    for phase, group in _by_phase(every):
        yield f"| [`{phase}`](#{phase}) | {len(group)} | {_severities(group)} |"
    yield f"| | {len(every)} | {_severities(every)} |"
    for phase, group in _by_phase(every):
        yield from ("", f"## {phase}", "", ASKS[PhaseId(phase)])
        for card in group:
            yield from _card(card)
    yield from _defects(every)


def _by_phase(every: tuple[CheckCard, ...]) -> Iterator[tuple[str, tuple[CheckCard, ...]]]:
    for phase, group in groupby(every, key=lambda card: card.phase.value):
        yield phase, tuple(group)


def _severities(group: tuple[CheckCard, ...]) -> str:
    return " | ".join(
        str(sum(card.severity.value == severity for card in group))
        for severity in ("critical", "major", "minor")
    )


def _card(card: CheckCard) -> Iterator[str]:
    yield from ("", f"### `{card.id}`", "", f"{card.title}.", "")
    yield f"* **Severity** {card.severity.value}{', breaks links on purpose' if card.destructive else ''}"
    yield f"* **Passes when** {card.passes_when}"
    yield f"* **When it fails** {card.remedy}"
    if card.needs or card.methods:
        yield f"* **Needs** {_codes((*card.needs, *card.methods))}"
    if card.gateway == "simulated":
        yield "* **Gateway** a simulated one of Interactive Brokers, whose faults the check commands"
    elif card.gateway:
        yield "* **Gateway** one of Interactive Brokers, real or simulated"
    if card.gateway:
        yield f"* **Only** {GATEWAYS[card.gateway]}"
    if card.parameters:
        shown = (f"`{one.name}` ({one.default or 'empty'})" for one in card.parameters)
        yield f"* **Parameters** {', '.join(shown)}"
    if "quick" not in card.modes:
        yield f"* **Modes** {', '.join(card.modes)}"
    if card.references:
        yield f"* **References** {'; '.join(card.references)}"
    yield f"* **Turned red by** {_codes(card.defects)}"


def _codes(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _defects(every: tuple[CheckCard, ...]) -> Iterator[str]:
    known = all_defects()
    yield from (
        "",
        "## Planted defects",
        "",
        f"{len(known)} ways to break the reference systems, from outside; [cli.md](cli.md) says where.",
    )
    yield from ("", "| defect | in | what goes wrong | must be caught by |", "| --- | --- | --- | --- |")
    for name, defect in sorted(known.items()):
        claimed = tuple(card.id for card in every if name in card.defects)
        yield f"| `{name}` | {defect.where} | {defect.text.replace('|', chr(92) + '|')} | {_codes(claimed)} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
