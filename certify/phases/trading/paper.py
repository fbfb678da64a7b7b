"""Paper trading: an account of its own, fills that could have been, nothing that reaches the main side."""

from __future__ import annotations

from decimal import Decimal
from typing import cast

from certify.model.trading import AccountState, OrderType, Side
from certify.phases.api import Finding, expect, expect_equal, passed
from certify.phases.trading.accounts import CENT
from certify.phases.trading.desk import Desk
from certify.phases.trading.family import ALL_MODES, CRITICAL, MAJOR, behaviour
from certify.phases.trading.shown import fill_prices, watching

CASH = Decimal("250000.25")
"""What the paper account of these checks is opened with: odd, so that it is nobody's default."""
PORT = "paper_trading"


@behaviour(
    "open_account",
    "A paper account opens with the cash and currency that were asked for, flat",
    MAJOR,
    steps=("buy on the account in use, where it is simulated", f"open an account with {CASH}", "look at it"),
    passes_when="cash and currency are what was asked for; no position, no working order, no cost yet",
    remedy="give each paper account a book of its own; start it empty",
    needs=("paper.open_account",),
    references=("issue: paper trading", "IBKR paper trading account"),
)
def open_account(desk: Desk) -> Finding:
    """Open a fresh account and look at it."""
    if desk.simulated:  # elsewhere nothing is left behind on an account that cannot be reached again
        desk.trade(Side.BUY, desk.lots(1))
    currency = desk.trial.instrument.currency
    opened = cast("AccountState", desk.trial.call(PORT, "open_account", CASH, currency))
    for what, state in (("said on opening", opened), ("asked for later", desk.account())):
        expect_equal(state.cash, CASH, f"cash {what}")
        expect_equal(state.currency, currency, f"currency {what}")
        expect(abs(state.equity - CASH) < CENT, f"equity {what}: expected {CASH}, was {state.equity}")
    desk.trial.ledger.leave_account(PORT)
    expect_equal(desk.position(), Decimal(0), "position of a fresh account")
    expect_equal(len(desk.listed("open_orders")), 0, "working orders of a fresh account")
    return passed(f"opened with {CASH} {currency}, flat")


@behaviour(
    "fills_honest",
    "Paper fills are no better than the quote",
    MAJOR,
    steps=("set the market, buy at the market, sell at the market",),
    passes_when="no buy below the lowest ask shown, no sell above the highest bid shown",
    remedy="fill paper orders at the side of the quote that a taker pays, never at the middle",
    methods=("market_data.inject",),
    references=("checks.md EX-49", "IBKR paper trading limitations"),
)
def fills_honest(desk: Desk) -> Finding:
    """Buy and sell on paper and compare with the quote."""
    said = []
    for side in (Side.BUY, Side.SELL):
        quote = desk.market()
        kind = OrderType.MARKET if desk.claims("orders.market") else OrderType.LIMIT
        with watching(desk, quote) as window:
            price = desk.through(side, quote) if kind is OrderType.LIMIT else None
            order = desk.order(side, desk.lots(2), type=kind, price=price)
            desk.submit(order)
            desk.filled(order)
        for fill in fill_prices(desk.entry(order)):
            best = window.best_for(side)
            fair = fill >= best if side is Side.BUY else fill <= best
            expect(fair, f"expected a paper {side.value} at {best} or worse, was {fill}")
            said.append(f"{side.value} at {fill}")
    return passed(", ".join(said))


@behaviour(
    "separate",
    "Nothing that is done on paper reaches the main account",
    CRITICAL,
    steps=(
        "note the main account's position, cash, executions and orders",
        "trade and rest an order on paper",
    ),
    passes_when="position, cash, executions and orders of the execution port stay as they were",
    remedy="give paper and live their own sessions, books and order routes",
    references=("issue: paper trading", "checks.md EX-46"),
    modes=ALL_MODES,
)
def separate(desk: Desk) -> Finding:
    """Trade on paper and watch the other side."""
    if not desk.trial.has("execution"):
        return _alone(desk)
    main = Desk(desk.trial, "execution")
    desk.market()
    held, before = desk.held(), _facts(main)
    trades = [desk.trade(Side.BUY, desk.lots(2)), desk.trade(Side.BUY, desk.lots(1))]
    resting = desk.rest(Side.BUY, desk.lots(1))
    desk.position_is(held + desk.lots(3), "after buying three lots on paper")
    after = _facts(main)
    expect_equal(after, before, "main account (position, cash, executions, orders)")
    ids = {order.client_order_id for order in (*trades, resting)}
    expect(not ids & main.open_ids(), "expected no paper order among the main account's")
    return passed("the main account was not touched")


def _alone(desk: Desk) -> Finding:
    desk.trade(Side.BUY, desk.lots(1))
    return passed("there is no main account in scope that could be touched")


def _facts(main: Desk) -> tuple[object, ...]:
    cash = main.account().cash if main.claims("orders.account") else None
    fills = len(main.listed("executions")) if main.claims("orders.executions") else None
    return (main.held(), cash, fills, frozenset(main.open_ids()))


BEHAVIOURS = (open_account, fills_honest, separate)
