"""What the gateway says of a fill: twice, too early, late, corrected, taken back, or only in part."""

from __future__ import annotations

from decimal import Decimal

from certify.model.card import Parameter
from certify.model.trading import ExecType, Order, OrdStatus, Side
from certify.phases.api import Check, Finding, Unmet, check, expect, expect_equal, passed
from certify.phases.broker_session.cards import CRITICAL, MAJOR, SAID_WITHIN, monitor_card, order_card
from certify.phases.broker_session.desk import SessionDesk
from certify.phases.broker_session.house import Row
from certify.phases.trial import Trial

PORT = "broker"
LATE_MS = 2500
CENT = Decimal("0.01")
FILL_WITHIN = Parameter(name="fill_within", default="10s", text="how long a fill may take to be said")


def strange_fill(trial: Trial, behaviour: str, lots: int = 3, **terms: object) -> tuple[SessionDesk, Order]:
    """Buy with a behaviour of the gateway, and fail unless what is said comes to what the gateway has."""
    desk = SessionDesk(trial, PORT)
    quote = desk.market()
    order = desk.marketable(Side.BUY, desk.lots(lots), quote)
    desk.house.behave(behaviour, order, **terms)
    desk.submit(order)
    desk.filled(order, within_s=trial.seconds("fill_within"))
    expect_equal(desk.ended(order).status, OrdStatus.FILLED, "state at the end")
    desk.agrees(order)
    desk.matches_house()
    return desk, order


def executions_listed(desk: SessionDesk, order: Order) -> Decimal:
    """Return what the port's list of executions comes to for an order."""
    rows = [u for u in desk.listed("executions") if u.client_order_id == order.client_order_id]
    back = {u.exec_ref_id for u in rows if u.exec_type is ExecType.TRADE_CANCEL}
    trades = [u for u in rows if u.exec_type is ExecType.TRADE and u.exec_id not in back]
    return sum((u.last_qty for u in trades), Decimal(0))


def lists_quantity(desk: SessionDesk, order: Order, qty: Decimal, when: str) -> None:
    """Fail unless the list of executions comes to a quantity in time."""
    try:
        desk.trial.poll(lambda: executions_listed(desk, order) == qty, "so")
    except Unmet:
        total = executions_listed(desk, order)
        raise Unmet(f"executions listed {when}: expected {qty} in all, was {total}") from None


def lists_costs(desk: SessionDesk, order: Order, within_s: float) -> None:
    """Fail unless each listed execution of an order soon has the gateway's commission, where claimed."""
    if not desk.claims("orders.commission"):
        return
    theirs = sorted((Decimal(str(r["qty"])), _commission(r)) for r in desk.house.executions_of(order))

    def ours() -> list[tuple[Decimal, Decimal]]:
        rows = [u for u in desk.listed("executions") if u.client_order_id == order.client_order_id]
        return sorted((u.last_qty, u.commission or Decimal(0)) for u in rows)

    def same() -> bool:
        mine = ours()
        near = (
            q == qty and abs(paid - due) < CENT for (q, paid), (qty, due) in zip(mine, theirs, strict=False)
        )
        return len(mine) == len(theirs) and all(near)

    try:
        desk.trial.poll(same, "so", within_s)
    except Unmet:
        told = [", ".join(f"{paid} for {qty}" for qty, paid in rows) for rows in (theirs, ours())]
        raise Unmet(f"commissions listed: expected {told[0]} as at the gateway, was {told[1]}") from None


@check(
    order_card(
        "duplicate_execution",
        "An execution that is sent twice counts once",
        CRITICAL,
        steps=("let the gateway send the next execution twice", "buy", "compare with the gateway"),
        passes_when="fills, executions and position are those of the gateway, each told once",
        remedy="know executions by their execId, whatever message or list they come in",
        parameters=(FILL_WITHIN,),
        references=("EX-22", "BR-09"),
    )
)
def duplicate_execution(trial: Trial) -> Finding:
    """Hear a fill twice."""
    desk, order = strange_fill(trial, "duplicate_execution")
    lists_quantity(desk, order, order.qty, "after a repeated one")
    return passed(f"{order.qty} filled, counted once")


@check(
    order_card(
        "execution_first",
        "An execution that arrives before the order's acknowledgement is not lost",
        CRITICAL,
        steps=("let the gateway send the execution before openOrder", "buy", "compare with the gateway"),
        passes_when="fills, executions and position are those of the gateway",
        remedy="keep an execution by its orderId and permId until its order is known",
        parameters=(FILL_WITHIN,),
        references=("EX-23", "nautechsystems/nautilus_trader#4970"),
    )
)
def execution_first(trial: Trial) -> Finding:
    """Hear the fill first."""
    desk, order = strange_fill(trial, "execution_first")
    lists_quantity(desk, order, order.qty, "after an early one")
    return passed(f"{order.qty} filled before it was acknowledged")


@check(
    order_card(
        "status_lost",
        "An order is filled by its executions, though no status message says so",
        CRITICAL,
        steps=("let the gateway leave out the status messages of the next order", "buy"),
        passes_when="it is FILLED in time; fills and position are those of the gateway",
        remedy="count executions: IB does not promise a status message for each change",
        parameters=(FILL_WITHIN,),
        references=("EX-20", "BR-05", "erdewit/ib_insync#502"),
    )
)
def status_lost(trial: Trial) -> Finding:
    """Hear no status."""
    _, order = strange_fill(trial, "status_lost")
    return passed(f"{order.qty} filled by executions alone")


@check(
    order_card(
        "partial_fill_counts",
        "A fill in two parts is two executions that come to the whole",
        CRITICAL,
        steps=("let the gateway fill the next order in parts", "buy", "compare each with the gateway"),
        passes_when="quantities said and commissions listed are those of the gateway, each with its own",
        remedy="take each execution as it comes; the status message repeats totals, it adds nothing",
        parameters=(FILL_WITHIN,),
        references=("EX-20", "EX-22"),
    )
)
def partial_fill_counts(trial: Trial) -> Finding:
    """Be filled in parts."""
    desk = SessionDesk(trial, PORT)
    quote = desk.market(ask_lots=2)
    order = desk.marketable(Side.BUY, desk.lots(5), quote)
    desk.submit(order)
    desk.filled(order, desk.lots(2), within_s=trial.seconds("fill_within"))
    desk.alive(order, "after a part of it was filled")
    desk.shown(quote.bid or desk.centre(), quote.ask or desk.centre(), ask_lots=500)
    desk.filled(order, within_s=trial.seconds("fill_within"))
    desk.agrees(order)
    theirs = sorted(Decimal(str(row["qty"])) for row in desk.house.executions_of(order))
    ours = sorted(u.last_qty for u in desk.fills(order))
    expect_equal(ours, theirs, "quantities of the fills, as at the gateway")
    lists_costs(desk, order, trial.seconds("fill_within"))
    desk.matches_house()
    return passed(f"{len(ours)} fills make {order.qty}")


@check(
    order_card(
        "commission_late",
        "A commission that comes late is booked in the end, to the cent",
        MAJOR,
        steps=("let the gateway report the next commission late", "buy", "compare commissions"),
        passes_when="the fill is said in time, and the executions listed carry the gateway's commission",
        remedy="do not wait for the report to say the fill; add the commission by execId when it comes",
        needs=("orders.commission",),
        parameters=(FILL_WITHIN, SAID_WITHIN),
        references=("EX-24", "BR-16"),
    )
)
def commission_late(trial: Trial) -> Finding:
    """Pay later."""
    desk, order = strange_fill(trial, "commission_late", delay_ms=LATE_MS)
    theirs = sum((_commission(row) for row in desk.house.executions_of(order)), Decimal(0))

    def ours() -> Decimal:
        rows = [u for u in desk.listed("executions") if u.client_order_id == order.client_order_id]
        return sum((u.commission or Decimal(0) for u in rows), Decimal(0))

    try:
        trial.poll(lambda: abs(ours() - theirs) < CENT, "so", trial.seconds("said_within"))
    except Unmet:
        raise Unmet(f"commission listed: expected {theirs} as at the gateway, was {ours()}") from None
    return passed(f"the fill came first, its commission of {theirs} later")


def _commission(row: Row) -> Decimal:
    return Decimal(str(row.get("commission") or 0))


@check(
    order_card(
        "commission_lost",
        "A commission report that is lost does not hold the fill back",
        CRITICAL,
        steps=("let the gateway leave out the next commission report", "buy"),
        passes_when="the fill is said in time; fills and position are those of the gateway",
        remedy="a fill is complete with its execution; do not wait for a report that may never come",
        parameters=(FILL_WITHIN,),
        references=("EX-22", "EX-30"),
    )
)
def commission_lost(trial: Trial) -> Finding:
    """Never hear of the commission."""
    _, order = strange_fill(trial, "commission_lost")
    return passed(f"{order.qty} filled without a commission report")


@check(
    order_card(
        "busted_execution",
        "An execution that is taken back takes its quantity back, in reports, executions and position",
        CRITICAL,
        steps=("buy", "let IB bust the execution", "compare with the gateway"),
        passes_when="TRADE_CANCEL names the execution in time, the position is as before the purchase",
        remedy="book the bust by the execution it names; ask for executions and positions where none is sent",
        parameters=(SAID_WITHIN,),
        references=("EX-24",),
    )
)
def busted_execution(trial: Trial) -> Finding:
    """Buy, be taken back."""
    desk = SessionDesk(trial, PORT)
    desk.market()
    held = desk.matches_house()
    order = desk.bought(2)
    fill = desk.fills(order)[0]
    desk.house.do("bust", exec_id=desk.house.executions_of(order)[0]["exec_id"])
    within_s = trial.seconds("said_within")
    answer = desk.answer(order, {ExecType.TRADE_CANCEL}, within_s=within_s)
    expect_equal(answer.exec_ref_id, fill.exec_id, "execution that is taken back")
    text = "expected the position to be as before"
    trial.poll(lambda: desk.position() == held == desk.house.position(order.instrument), text, within_s)
    lists_quantity(desk, order, order.qty - fill.last_qty, "after the bust")
    return passed(f"{fill.last_qty} taken back everywhere")


@check(
    order_card(
        "corrected_execution",
        "A corrected execution replaces the one that was sent before",
        CRITICAL,
        steps=("buy", "let IB correct the execution's price", "compare with the gateway"),
        passes_when="the quantity counts once everywhere, and the price is the corrected one",
        remedy="the id of a correction ends in .02 and up: take the earlier one back, book the new one",
        parameters=(SAID_WITHIN,),
        references=("EX-24", "EX-22"),
    )
)
def corrected_execution(trial: Trial) -> Finding:
    """Buy, be corrected."""
    desk = SessionDesk(trial, PORT)
    order = desk.bought(2)
    held, first = desk.matches_house(), desk.fills(order)[0]
    price = (first.last_px or desk.centre()) - 2 * desk.tick
    desk.house.do("correct", exec_id=desk.house.executions_of(order)[0]["exec_id"], price=price)
    text = f"expected the price of the execution to become {price}"
    trial.poll(lambda: _prices(desk, order) == {price}, text, trial.seconds("said_within"))
    expect_equal(executions_listed(desk, order), order.qty, "executions listed after the correction")
    expect_equal(desk.entry(order).cum_qty, order.qty, "filled after the correction")
    expect_equal(desk.position(), held, "position after the correction")
    desk.matches_house()
    return passed(f"{order.qty} at {price} instead of {first.last_px}")


def _prices(desk: SessionDesk, order: Order) -> set[Decimal | None]:
    rows = [u for u in desk.listed("executions") if u.client_order_id == order.client_order_id]
    back = {u.exec_ref_id for u in rows if u.exec_type is ExecType.TRADE_CANCEL}
    return {u.last_px for u in rows if u.exec_type is ExecType.TRADE and u.exec_id not in back}


@check(
    order_card(
        "account_at_gateway",
        "The account's equity is its cash and what the gateway's positions are worth",
        MAJOR,
        steps=("buy at the gateway's market", "move that market", "compare equity with cash and positions"),
        passes_when="equity is cash plus the gateway's position between bid and ask, within `slack`",
        remedy="take NetLiquidation and cash of one moment; ask for the account's values after each fill",
        needs=("orders.account",),
        parameters=(
            Parameter(name="slack", default="1%", text="of the position's value; values come in steps"),
            Parameter(name="settled_within", default="15s", text="how long account values may lag"),
        ),
        references=("BR-15", "BR-16", "rts6.17.3"),
        not_applicable_when="the account holds other instruments, or its instrument is not paid in full",
    )
)
def account_at_gateway(trial: Trial) -> Finding:
    """Hold, move, do the sum."""
    desk = SessionDesk(trial, PORT)
    desk.bought(20)
    desk.matches_house()
    quote = desk.market(shift=30)
    value = desk.house.position(quote.instrument) * trial.instrument.multiplier
    low, high = value * (quote.bid or Decimal(0)), value * (quote.ask or Decimal(0))
    slack = abs(high) * Decimal(str(trial.number("slack"))) / 100
    said_of: list[tuple[Decimal, Decimal]] = []

    def look() -> bool:
        state = desk.account()
        said_of[:] = [(state.cash, state.equity)]
        return low - slack <= state.equity - state.cash <= high + slack

    try:
        trial.poll(look, "so", trial.seconds("settled_within"))
    except Unmet:
        cash, equity = said_of[0]
        raise Unmet(
            f"equity less cash: expected {low} to {high} as at the gateway, was {equity - cash}"
        ) from None
    return passed(f"cash {said_of[0][0]} and the position make {said_of[0][1]}")


@check(
    monitor_card(
        "figures_at_gateway",
        "The monitor's figures of fills and volume are the gateway's, also after strange ones",
        MAJOR,
        steps=("buy with a repeated execution, and with lost status messages", "compare with the gateway"),
        passes_when="fills and volume have grown by what the gateway has executed for the system",
        remedy="count executions once, by their id, where they are booked",
        ports=("trade_monitor", "execution"),
        parameters=(FILL_WITHIN,),
        references=("MN-03", "EX-22"),
    )
)
def figures_at_gateway(trial: Trial) -> Finding:
    """Trade strangely, compare the figures."""
    desk = SessionDesk(trial, "execution")
    before, rows, volume = _figures(trial), 0, Decimal(0)
    for behaviour in ("duplicate_execution", "status_lost", "execution_first"):
        quote = desk.market()
        order = desk.marketable(Side.BUY, desk.lots(2), quote)
        desk.house.behave(behaviour, order)
        desk.submit(order)
        desk.filled(order, within_s=trial.seconds("fill_within"))
        found = desk.house.executions_of(order)
        rows, volume = rows + len(found), volume + sum((Decimal(str(r["qty"])) for r in found), Decimal(0))
    wanted = (before[0] + rows, before[1] + volume)
    try:
        trial.poll(lambda: _figures(trial) == wanted, "so", trial.seconds("fill_within"))
    except Unmet:
        now = _figures(trial)
        raise Unmet(
            f"growth of fills and volume: expected {rows} and {volume} as at the gateway, "
            f"was {now[0] - before[0]} and {now[1] - before[1]}"
        ) from None
    expect(rows, "expected executions at the gateway, was none")
    return passed(f"{rows} fills of {volume} in all, as at the gateway")


def _figures(trial: Trial) -> tuple[Decimal, Decimal]:
    metrics = trial.call("trade_monitor", "metrics")
    if not isinstance(metrics, dict):
        raise Unmet(f"expected figures by name, was {type(metrics).__name__}")
    return Decimal(metrics.get("fills", 0)), Decimal(metrics.get("volume", 0))


CHECKS: tuple[Check, ...] = (
    partial_fill_counts,
    duplicate_execution,
    execution_first,
    status_lost,
    commission_late,
    commission_lost,
    busted_execution,
    corrected_execution,
    account_at_gateway,
)
MONITORING: tuple[Check, ...] = (figures_at_gateway,)
