"""The system at the end: alive, honest about its types, and without an order or a position left."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from certify.errors import CertifyError, SystemUnavailable
from certify.evidence.files import JOURNAL_FILE
from certify.evidence.journal import iter_journal
from certify.model.card import CheckCard
from certify.model.events import SystemStopped
from certify.model.ids import ComponentId, PhaseId, Severity
from certify.model.trading import ExecType, OrderUpdate, Side
from certify.phases.api import Check, Finding, Unmet, check, expect, expect_equal, passed
from certify.phases.framework.lifecycle import health_of
from certify.phases.orders import OrderDesk
from certify.phases.trial import QUICK_LOOK_S, Trial


def _card(name: str, title: str, severity: Severity, component: ComponentId, **more: Any) -> CheckCard:
    return CheckCard(
        id=f"{component.value}.{name}",
        title=title,
        phase=PhaseId.CERTIFICATION,
        component=component,
        severity=severity,
        **more,
    )


def _round_trip(desk: OrderDesk) -> None:
    """Buy and sell a lot: what is judged at the end must have been traded at least once."""
    desk.trial.set_market()
    desk.fill(Side.BUY)
    desk.fill(Side.SELL)


def _settled(desk: OrderDesk, instrument: str) -> Decimal:
    """Return the position once it is flat, or as it stays: it may lag behind the fills."""
    try:
        desk.trial.poll(lambda: not desk.position(instrument), "flat")
    except Unmet:
        return desk.position(instrument)
    return Decimal(0)


def _left_clean(port: str) -> Check:
    card = _card(
        "left_clean",
        f"After everything {port} has no open order and holds nothing",
        Severity.CRITICAL,
        ComponentId(port),
        steps=("buy and sell one lot", "list the open orders", "list the positions"),
        passes_when="both are empty",
        remedy="look at what the last cancels and closing trades were answered with",
        references=("FW-14", "law 8: nobody loses money by running it"),
        defects=(f"{port}_ghost_order_at_end", f"{port}_ghost_position_at_end"),
    )

    def run(trial: Trial) -> Finding:
        desk = OrderDesk(trial, port)
        _round_trip(desk)
        trial.poll(lambda: not desk.open_ids(), "expected no open order")
        for instrument in trial.plan.instruments:
            expect_equal(_settled(desk, instrument.id), Decimal(0), f"position in {instrument.id}")
        return passed("no open order, no position")

    return Check(card, run)


@check(
    _card(
        "three_way_match",
        "The tool's ledger, the executions and the positions of the system tell the same story",
        Severity.CRITICAL,
        ComponentId.EXECUTION,
        steps=(
            "buy and sell one lot",
            "sum the fills of the tool's ledger",
            "sum the executions that the system lists",
            "compare",
        ),
        passes_when="each fill of the ledger is listed once with its quantity and price",
        remedy="book each execution by its id, exactly once, from whichever source it comes first",
        needs=("orders.executions",),
        references=("EX-48", "rts6.17.3", "FIA drop copy guidance"),
        defects=("executions_lose_one", "executions_double_one"),
    )
)
def three_way_match(trial: Trial) -> Finding:
    """Compare fill by fill."""
    desk = OrderDesk(trial, "execution")
    _round_trip(desk)
    mine = {
        fill.exec_id: (fill.last_qty, fill.last_px)
        for entry in trial.ledger.entries.values()
        if entry.port == "execution"
        for fill in entry.fills.values()
    }
    ids = {
        entry.order.client_order_id for entry in trial.ledger.entries.values() if entry.port == "execution"
    }

    def of_mine() -> list[OrderUpdate]:
        listed = [u for u in desk.listed("executions") if u.client_order_id in ids]
        return [u for u in listed if u.exec_type is ExecType.TRADE]

    trades = of_mine()
    if len(trades) < len(mine):  # the list may lag behind the reports
        trial.wait("execution", lambda: None, QUICK_LOOK_S)
        trades = of_mine()
    theirs = {u.exec_id: (u.last_qty, u.last_px) for u in trades}
    expect_equal(len(trades), len(theirs), "executions listed, each once")
    missing = sorted(str(name) for name in mine.keys() - theirs.keys())
    expect(not missing, f"expected every fill among the executions, was without {', '.join(missing[:5])}")
    wrong = sorted(str(name) for name in mine if mine[name] != theirs[name])
    expect(not wrong, f"expected equal quantities and prices, was different for {', '.join(wrong[:5])}")
    return passed(f"{len(mine)} fills agree one by one")


@check(
    _card(
        "contract_types",
        "Everything the system said was made of the contract's types",
        Severity.MAJOR,
        ComponentId.EXECUTION,
        steps=(
            "look at every event and answer of the run for floats as money and times that are no integers",
        ),
        passes_when="no event or answer departed from the contract",
        remedy="use Decimal for prices, quantities and money, and integer nanoseconds for times",
        references=("FW-10", "hollow certificate T11"),
        defects=("prices_are_floats", "times_are_floats"),
    )
)
def contract_types(trial: Trial) -> Finding:
    """Look at what was noted, once each kind of thing was said."""
    sessions = {id(session): session for session in trial.shared.sessions.values()}
    if trial.has("market_data"):
        _hear_something(trial)
    OrderDesk(trial, "execution").position()
    found = [text for session in sessions.values() for text in session.breaches]
    expect(not found, f"expected the contract's types, was: {'; '.join(found[:5])}")
    return passed("no departure from the contract's types")


def _hear_something(trial: Trial) -> None:
    """Wait for a quote, or for something in the place of one."""
    session = trial.session("market_data")
    trial.call("market_data", "subscribe", trial.instrument.id, {"QUOTE"})
    trial.wait("market_data", lambda: bool(session.breaches or session.inbox.quotes))


@check(
    _card(
        "survived",
        "The system lived through the run without dying or falling silent",
        Severity.CRITICAL,
        ComponentId.EXECUTION,
        steps=(
            "cancel and change an order that nobody sent",
            "look for ends of its process that nobody asked for",
            "ask for its health",
        ),
        passes_when="there was none, and it says that it is alive and connected",
        remedy="look into the run's logs/ for the last words before the end",
        references=("BR-02", "rts6.10.a"),
        defects=("dies_on_odd_order", "health_says_dead"),
    )
)
def survived(trial: Trial) -> Finding:
    """Poke it once more, then look for unexpected ends and ask."""
    _poke(trial)
    stops = [e for e in iter_journal(trial.shared.run_dir / JOURNAL_FILE) if isinstance(e, SystemStopped)]
    dead = [event.reason for event in stops if not event.expected]
    expect(not dead, f"expected no end that nobody asked for, was: {'; '.join(dead[:3])}")
    try:
        health = health_of(trial, "execution")
    except CertifyError as error:
        expect(False, f"expected an answer about its health, was {error}")
    if health is None:
        return passed("no unexpected end; the system has no word on its health")
    expect(health.alive and health.connected, f"expected alive and connected, was {health}")
    return passed("no unexpected end; alive and connected")


def _poke(trial: Trial) -> None:
    """Ask for what cannot be; how it is answered is the business of other checks."""
    unknown = f"{trial.shared.tag}-nobody"
    for method, args in (
        ("cancel", (unknown, trial.instrument.id)),
        ("modify", (unknown, trial.instrument.lot, None)),
    ):
        try:
            trial.call("execution", method, *args)
        except SystemUnavailable:
            raise
        except CertifyError:
            continue


CHECKS: tuple[Check, ...] = (
    *(_left_clean(port) for port in ("broker", "execution", "paper_trading")),
    three_way_match,
    contract_types,
    survived,
)
