"""The laws of order state, over everything that was seen so far: one check for each law."""

from __future__ import annotations

from collections.abc import Callable

from certify.model.card import CheckCard
from certify.model.ids import ComponentId, PhaseId, Severity
from certify.phases.api import Check, Finding, failed, inconclusive, passed
from certify.phases.ledger import LAWS
from certify.phases.trading.family import ALL_MODES
from certify.phases.trading.red import TURNS_RED
from certify.phases.trial import Trial

EXAMPLES = 3
REFERENCES = ("FIX 4.4 vol 4 appendix D", "checks.md EX-19", "checks.md EX-20", "checks.md EX-48")
REMEDIES = {
    "one_terminal": "drop what comes for an order that has ended; take only busts",
    "transitions": "keep order state in one state machine and refuse illegal steps",
    "quantities": "compute filled and leaves from the fills, never from both sides apart",
    "exec_ids": "drop a fill whose execution id was seen; pass the venue's id on",
    "terms": "report what the venue holds; never round, never report what was asked for before it is held",
    "prices": "hold every fill against the order's limit; weigh the average by quantity",
    "known": "report under the client order id that was used to send the order",
}


def law_check(law: str) -> Check:
    """Return the check of one law of the ledger."""
    name = f"ledger.{law}"
    card = CheckCard(
        id=name,
        title=f"In everything seen so far, {LAWS[law]}",
        phase=PhaseId.TRADING,
        component=ComponentId.EXECUTION,
        severity=Severity.CRITICAL,
        steps=("hold every report of every port against the tool's own ledger", "count what breaks this law"),
        passes_when="no report on any order port broke the law",
        remedy=REMEDIES[law],
        references=REFERENCES,
        defects=TURNS_RED.get(name, ()),
        modes=ALL_MODES,
    )
    return Check(card, _judge(law))


def _judge(law: str) -> Callable[[Trial], Finding]:
    def run(trial: Trial) -> Finding:
        found = [breach for breach in trial.ledger.breaches if breach.law == law]
        if found:
            texts = "; ".join(f"{breach.client_order_id}: {breach.text}" for breach in found[:EXAMPLES])
            return failed(f"broken {len(found)} times, first: {texts}")
        if not trial.ledger.updates:
            return inconclusive("expected reports to judge, was none so far")
        return passed(f"{trial.ledger.updates} reports kept it")

    return run


CHECKS = tuple(law_check(law) for law in LAWS)
