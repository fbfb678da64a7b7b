"""The laws of order state, over everything that was seen so far: one check for each law."""

from __future__ import annotations

from collections.abc import Callable

from certify.errors import CertifyError
from certify.model.card import CheckCard
from certify.model.ids import ComponentId, PhaseId, Severity
from certify.model.trading import Side, TimeInForce
from certify.phases.api import Check, Finding, Unmeasurable, Unmet, failed, inconclusive, passed
from certify.phases.ledger import LAWS
from certify.phases.trading.desk import Desk
from certify.phases.trading.family import ALL_MODES
from certify.phases.trading.red import TURNS_RED
from certify.phases.trial import Trial

PORT = "execution"
ENOUGH = 60
"""Reports that were seen before a law is judged; with fewer the check first makes some of its own."""
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
        steps=(
            "hold every report of every port against the tool's own ledger",
            "where there were few so far: rest, change, cancel and trade orders first",
            "count what breaks this law",
        ),
        passes_when="no report on any order port broke the law",
        remedy=REMEDIES[law],
        references=REFERENCES,
        defects=TURNS_RED.get(name, ()),
        modes=ALL_MODES,
    )
    return Check(card, _judge(law))


def _exercise(trial: Trial) -> None:
    """Let every kind of report be made; what goes wrong on the way is for other checks to say."""
    if not trial.has(PORT):
        return
    for step in (_rest_and_change, _trade, _trade_in_parts, _trade_now_or_never):
        try:
            step(Desk(trial, PORT))
        except (Unmet, Unmeasurable, CertifyError) as error:
            trial.note(f"while exercising the laws: {error}")


def _rest_and_change(desk: Desk) -> None:
    desk.market()
    order = desk.rest(Side.BUY, desk.lots(2))
    if desk.claims("orders.modify") and order.price is not None:
        desk.modify(order, price=order.price - desk.tick)
    desk.cancel(order)
    desk.cancel(order)


def _trade(desk: Desk) -> None:
    for side in (Side.BUY, Side.SELL):
        order = desk.trade(side, desk.lots(2))
        desk.cancel(order)


def _trade_in_parts(desk: Desk) -> None:
    if not desk.trial.can_set_market or not desk.claims("orders.partial_fills"):
        return
    quote = desk.market(ask_lots=2)
    order = desk.order(Side.BUY, desk.lots(5), price=quote.ask)
    desk.submit(order)
    desk.filled(order, desk.lots(2))
    if quote.bid is not None and quote.ask is not None:
        desk.push(quote.bid, quote.ask, lots=1)
    desk.filled(order, desk.lots(3))
    desk.cancel(order)


def _trade_now_or_never(desk: Desk) -> None:
    if desk.claims("orders.ioc"):
        desk.market()
        order = desk.order(Side.BUY, desk.lots(1), tif=TimeInForce.IOC)
        desk.submit(order)
        desk.ended(order)


def _judge(law: str) -> Callable[[Trial], Finding]:
    def run(trial: Trial) -> Finding:
        if trial.ledger.updates < ENOUGH:
            _exercise(trial)
        found = [breach for breach in trial.ledger.breaches if breach.law == law]
        if found:
            texts = "; ".join(f"{breach.client_order_id}: {breach.text}" for breach in found[:EXAMPLES])
            return failed(f"broken {len(found)} times, first: {texts}")
        if not trial.ledger.updates:
            return inconclusive("expected reports to judge, was none so far")
        return passed(f"{trial.ledger.updates} reports kept it")

    return run


CHECKS = tuple(law_check(law) for law in LAWS)
