"""Every component in scope is there and answers its plain questions with values of the contract."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from certify.model.card import CheckCard
from certify.model.ids import ComponentId, PhaseId, Severity
from certify.model.trading import (
    LIMIT_UNITS,
    AccountState,
    Alert,
    BrokerInfo,
    Criterion,
    Instrument,
    Limit,
    OrderUpdate,
    Position,
)
from certify.phases.api import Check, Finding, expect, passed
from certify.phases.trial import Trial

Question = tuple[str, type]
"""A method without arguments, and what each item of its answer must be."""

ORDER_QUESTIONS: tuple[Question, ...] = (
    ("account", AccountState),
    ("positions", Position),
    ("open_orders", OrderUpdate),
    ("executions", OrderUpdate),
)
QUESTIONS: dict[str, tuple[Question, ...]] = {
    "market_data": (("instruments", Instrument),),
    "broker": ORDER_QUESTIONS,
    "broker_framework": (("brokers", BrokerInfo), ("active", str)),
    "execution": ORDER_QUESTIONS,
    "paper_trading": (("account", AccountState), ("readiness", Criterion), ("mode", str)),
    "risk": (("limits", Limit), ("state", str)),
    "trade_monitor": (("metrics", Decimal), ("alerts", Alert)),
}
OPTIONAL = {"account": "orders.account", "executions": "orders.executions"}
"""Questions that a system may declare, with a reason, not to answer."""

DEFECTS = {
    "market_data": ("market_data_missing", "instruments_forgotten"),
    "broker": ("broker_account_none",),
    "broker_framework": ("registry_empty",),
    "execution": ("execution_positions_of_dicts",),
    "paper_trading": ("paper_mode_unknown",),
    "risk": ("limits_unknown_names",),
    "trade_monitor": ("metrics_missing",),
}


def ask(trial: Trial, port: str, question: Question) -> list[object]:
    """Ask a port a question and return the items of its answer; another type fails the check."""
    method, kind = question
    answer = trial.call(port, method)
    items: list[object] = list(answer.values()) if isinstance(answer, dict) else _items(answer)
    for item in items:
        ok = isinstance(item, (Decimal, int)) if kind is Decimal else isinstance(item, kind)
        expect(ok, f"{port}.{method}: expected {kind.__name__}, was {type(item).__name__}")
    return items


def _items(answer: object) -> list[object]:
    return list(answer) if isinstance(answer, (list, tuple)) else [answer]


def _asked(trial: Trial, port: str) -> dict[str, list[object]]:
    expect(trial.has(port), f"expected a port {port}: the profile puts it in scope, but the system has none")
    info = trial.session(port).info
    declared = info.capabilities if info else {}
    questions = (
        question
        for question in QUESTIONS[port]
        if not isinstance(declared.get(OPTIONAL.get(question[0], ""), True), str)
    )
    return {question[0]: ask(trial, port, question) for question in questions}


def _market_data(answers: dict[str, list[object]], trial: Trial) -> None:
    listed = {item.id for item in answers["instruments"] if isinstance(item, Instrument)}
    missing = [instrument.id for instrument in trial.plan.instruments if instrument.id not in listed]
    expect(not missing, f"expected every instrument of the profile, was without {', '.join(missing)}")


def _broker_framework(answers: dict[str, list[object]], _trial: Trial) -> None:
    names = [item.name for item in answers["brokers"] if isinstance(item, BrokerInfo)]
    active = answers["active"][0]
    expect(active in names, f"expected the active broker among {names}, was {active!r}")
    expect(len(set(names)) == len(names), f"expected each broker once, was {names}")


def _paper_trading(answers: dict[str, list[object]], _trial: Trial) -> None:
    mode = answers["mode"][0]
    expect(mode in ("PAPER", "LIVE"), f"mode: expected PAPER or LIVE, was {mode!r}")


def _risk(answers: dict[str, list[object]], _trial: Trial) -> None:
    state = answers["state"][0]
    expect(state == "ACTIVE", f"state: expected ACTIVE at the start, was {state!r}")
    unknown = [
        item.name for item in answers["limits"] if isinstance(item, Limit) and item.name not in LIMIT_UNITS
    ]
    expect(not unknown, f"limits: expected names of the contract, was {', '.join(unknown)}")


def _trade_monitor(answers: dict[str, list[object]], _trial: Trial) -> None:
    expect(answers["metrics"], "metrics: expected at least one figure, was none")


EXTRA: dict[str, Callable[[dict[str, list[object]], Trial], None]] = {
    "market_data": _market_data,
    "broker_framework": _broker_framework,
    "paper_trading": _paper_trading,
    "risk": _risk,
    "trade_monitor": _trade_monitor,
}


def _check(port: str) -> Check:
    names = ", ".join(method for method, _ in QUESTIONS[port])
    card = CheckCard(
        id=f"{port}.answers",
        title=f"The component {port} is there and answers with values of the contract",
        phase=PhaseId.FRAMEWORK,
        component=ComponentId(port),
        severity=Severity.CRITICAL,
        ports=(),
        steps=(f"call {names}", "look at the type and sense of each answer"),
        passes_when="every answer comes within 10 s and is made of the contract's values",
        remedy="implement the port of the adapter as `certify.adapter.contract` describes it",
        references=("FW-11", "FW-13"),
        defects=DEFECTS[port],
    )

    def run(trial: Trial) -> Finding:
        answers = _asked(trial, port)
        if port in EXTRA:
            EXTRA[port](answers, trial)
        return passed("; ".join(f"{method}: {len(items)}" for method, items in answers.items()))

    return Check(card, run)


CHECKS: tuple[Check, ...] = tuple(_check(port) for port in QUESTIONS)
