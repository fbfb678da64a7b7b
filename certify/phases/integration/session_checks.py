"""The broker's session: account, links, what a broken link must not lose."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial

from certify import clock
from certify.errors import CertifyError, SystemUnavailable
from certify.model.card import Parameter
from certify.model.ids import ComponentId, Severity
from certify.model.measure import Measurement
from certify.model.trading import AccountState, ExecType, OrderType, OrderUpdate, Quote, Side
from certify.phases.api import Check, Finding, Unmet, check, expect, expect_equal, passed
from certify.phases.integration.cards import card
from certify.phases.integration.feed import cut_and_hear
from certify.phases.orders import CASH_KINDS, ENDED, OrderDesk
from certify.phases.trial import QUICK_LOOK_S, Trial

BACK = Parameter(name="back_within", default="10s", text="how long the session may take to come back")
CUT_NEEDS = ("orders.disconnect",)
CUT_METHODS = ("broker.disconnect", "broker.reconnect")
CENT = Decimal("0.01")
LOOK_EVERY_S = 0.1
DEEP = 1000
"""Lots that are shown where size must not matter."""
MOVE_TICKS = 20
"""How far the market moves under a position, so that its gain is more than the spread."""


_card = partial(card, ComponentId.BROKER)


@check(
    _card(
        "account_adds_up",
        "The account's equity is its cash and what its positions are worth",
        Severity.MAJOR,
        (
            "buy at the market",
            "move the market up",
            "buy a lot more, so that the account is valued anew",
            "compare equity with cash + quantity × price",
            "sell again",
        ),
        "equity lies between cash + position at bid and at ask, give or take a cent a share; "
        "of what is not paid in full, as a future, only the gain counts",
        "value positions at the market, in the account's currency, with the multiplier",
        needs=("orders.account",),
        methods=("market_data.inject",),
        parameters=(Parameter(name="settled_within", default="5s", text="how long account values may lag"),),
        references=("BR-15", "BR-16", "rts6.17.3"),
        defects=("equity_ignores_positions",),
    )
)
def account_adds_up(trial: Trial) -> Finding:
    """Hold a position and do the sum."""
    desk, lot = OrderDesk(trial, "broker"), trial.instrument.lot
    quote = trial.set_market()
    flat = _account_like(desk, lambda state: state.equity == state.cash)
    expect_equal(flat.equity, flat.cash, "equity while flat")
    orders, qty = [desk.fill(Side.BUY, 10 * lot)], 11 * lot
    desk.position_is(10 * lot, "after buying")
    bid = (quote.bid or Decimal(0)) + MOVE_TICKS * trial.instrument.tick
    quote = trial.set_market(bid, bid + 2 * trial.instrument.tick)
    orders.append(desk.fill(Side.BUY, lot))  # a broker may value an account anew when its positions change
    desk.position_is(qty, "after buying a lot more")
    bought = [fill for order in orders for fill in trial.ledger.entries[order.client_order_id].fills.values()]

    def fits(state: AccountState) -> bool:
        low, high = _worth(trial, bought, quote, state.cash, flat.equity)
        return low <= state.equity <= high

    held = _account_like(desk, fits)
    desk.fill(Side.SELL, qty)
    low, high = _worth(trial, bought, quote, held.cash, flat.equity)
    expect(low <= held.equity <= high, f"equity: expected between {low} and {high}, was {held.equity}")
    return passed(f"cash {held.cash} and {qty} shares make {held.equity}")


def _account_like(desk: OrderDesk, fits: Callable[[AccountState], bool]) -> AccountState:
    """Return the account as soon as it fits, or as it is when its time is up."""
    trial = desk.trial
    deadline_ns = clock.monotonic_ns() + int(trial.seconds("settled_within") * clock.NS_PER_S)
    while True:
        state = desk.account()
        if fits(state) or clock.monotonic_ns() > deadline_ns:
            return state
        trial.wait("broker", lambda: None, LOOK_EVERY_S)


def _worth(
    trial: Trial, bought: list[OrderUpdate], quote: Quote, cash: Decimal, flat: Decimal
) -> tuple[Decimal, Decimal]:
    """Return the least and the most that an account may be worth that holds what was bought."""
    qty = sum((fill.last_qty for fill in bought), Decimal(0))
    if trial.instrument.kind in CASH_KINDS:
        base, paid = cash, Decimal(0)
    else:  # profit and loss alone is settled, into the cash or beside it
        fees = sum((fill.commission or Decimal(0) for fill in bought), Decimal(0))
        cost = sum((fill.last_qty * (fill.last_px or 0) for fill in bought), Decimal(0))
        base, paid = flat - fees, cost / qty
    value, slack = qty * trial.instrument.multiplier, min(CENT, 5 * trial.instrument.tick)
    low = base + value * ((quote.bid or 0) - paid - slack)
    return low, base + value * ((quote.ask or 0) - paid + slack)


@check(
    _card(
        "link_loss_said",
        "A broken link to the broker is noticed and said, and so is its return",
        Severity.CRITICAL,
        ("break the link", "wait for a word of it", "let it come back", "wait for a word of that"),
        "a connection event says so within the limit, both times",
        "watch the session by heartbeats and publish its state at once",
        needs=CUT_NEEDS,
        methods=CUT_METHODS,
        parameters=(BACK,),
        references=("BR-01", "BR-02", "deepentropy/ibx#113"),
        defects=("broker_link_loss_silent",),
        destructive=True,
    )
)
def link_loss_said(trial: Trial) -> Finding:
    """Break the link and wait for the system to say so."""
    took_ms = cut_and_hear(trial, "broker", trial.seconds("back_within"))
    return passed(f"said so after {took_ms:.0f} ms", Measurement(name="noticed", value=took_ms, unit="ms"))


@check(
    _card(
        "orders_survive_reconnect",
        "A resting order is still there with its terms after the link was broken, and can be cancelled",
        Severity.CRITICAL,
        ("rest an order", "break the link and let it come back", "list the open orders", "cancel it"),
        "it is listed once with the same quantity and price, and the cancel works",
        "ask the broker for open orders after every reconnect and match them by client order id",
        needs=CUT_NEEDS,
        methods=CUT_METHODS,
        parameters=(BACK,),
        references=("BR-04", "BR-06", "BR-17", "ib_insync#411"),
        defects=("reconnect_forgets_orders", "reconnect_doubles_orders"),
        destructive=True,
    )
)
def orders_survive_reconnect(trial: Trial) -> Finding:
    """Rest, break, look, cancel."""
    desk = OrderDesk(trial, "broker")
    trial.set_market()
    order = desk.rest(Side.BUY, 5 * trial.instrument.lot)
    blink(trial, "broker")
    listed = trial.poll(
        lambda: [u for u in listed_or_none(desk) if u.client_order_id == order.client_order_id],
        "expected the resting order to be listed",
        trial.seconds("back_within"),
    )
    expect_equal(len(listed), 1, "times that the order is listed")
    expect_equal((listed[0].qty, listed[0].price), (order.qty, order.price), "quantity and price listed")
    trial.poll(  # refused while the session is not back yet
        lambda: desk.cancel(order).exec_type is ExecType.CANCELED,
        "expected the order to be cancelled after the reconnect",
        trial.seconds("back_within"),
    )
    return passed("the order was kept with its terms, and cancelled")


@check(
    _card(
        "missed_fill_recovered",
        "A fill that happens while the link is broken is reported once when it is back",
        Severity.CRITICAL,
        ("rest an order", "break the link", "move the market through it", "let the link come back"),
        "the order ends as filled, its fill is reported exactly once, the position is right",
        "ask the broker for executions after every reconnect and take those that are not known by id",
        needs=CUT_NEEDS,
        methods=(*CUT_METHODS, "market_data.inject"),
        parameters=(BACK,),
        references=("BR-05", "BR-14", "QuantConnect/Lean.Brokerages.InteractiveBrokers#249"),
        defects=("missed_fill_lost", "missed_fill_doubled"),
        destructive=True,
    )
)
def missed_fill_recovered(trial: Trial) -> Finding:
    """Fill an order while nobody listens."""
    desk = OrderDesk(trial, "broker")
    trial.set_market()
    before = desk.position()
    order = desk.rest(Side.BUY, 7 * trial.instrument.lot)
    trial.cut("broker")
    tick = trial.instrument.tick
    price = order.price or trial.centre()
    through = price - 5 * tick
    # Not waited for to be shown: a system may have one link for orders and market data.
    size = DEEP * trial.instrument.lot
    market = Quote(order.instrument, through - tick, size, through, size, clock.now_ns())
    trial.call("market_data", "inject", market)
    trial.wait("broker", lambda: None, QUICK_LOOK_S)
    trial.mend("broker")
    desk.filled(order, within_s=trial.seconds("back_within"))
    trial.wait("broker", lambda: None, QUICK_LOOK_S)
    fills = [u for u in desk.updates(order) if u.exec_type is ExecType.TRADE]
    expect_equal(sum((u.last_qty for u in fills), Decimal(0)), order.qty, "quantity of the fills reported")
    desk.position_is(before + order.qty, "after the missed fill")
    return passed(f"{order.qty} filled while away, reported once")


@check(
    _card(
        "query_while_away",
        "A question asked while the link is broken ends in bounded time",
        Severity.MAJOR,
        ("break the link", "ask for account, positions and open orders", "let it come back"),
        "each ends, with an answer or an error, within 10 s",
        "give every request to the broker a time limit",
        needs=CUT_NEEDS,
        methods=CUT_METHODS,
        references=("BR-03",),
        defects=("query_hangs_while_away",),
        destructive=True,
    )
)
def query_while_away(trial: Trial) -> Finding:
    """Ask while away."""
    trial.cut("broker")
    worst_ms = 0.0
    for method in ("account", "positions", "open_orders"):
        began = clock.monotonic_ns()
        try:
            trial.call("broker", method)
        except SystemUnavailable:
            raise
        except CertifyError:
            pass  # an error in time is an answer
        worst_ms = max(worst_ms, (clock.monotonic_ns() - began) / clock.NS_PER_MS)
    trial.mend("broker")
    return passed(
        f"each answered within {worst_ms:.0f} ms",
        Measurement(name="answered", value=round(worst_ms, 3), unit="ms"),
    )


@check(
    _card(
        "reconnects_every_time",
        "The session comes back after each of several breaks, and orders work",
        Severity.CRITICAL,
        ("break the link and let it come back, three times", "send an order each time"),
        "an order is accepted after each return",
        "release everything of the old session before the new one begins",
        needs=CUT_NEEDS,
        methods=CUT_METHODS,
        parameters=(BACK,),
        modes=("standard", "certified"),
        references=("BR-01", "Lean ConnectDisconnectLoop"),
        defects=("second_reconnect_fails",),
        destructive=True,
    )
)
def reconnects_every_time(trial: Trial) -> Finding:
    """Three breaks, three orders."""
    desk = OrderDesk(trial, "broker")
    trial.set_market()
    for number in range(1, 4):
        blink(trial, "broker")
        trial.poll(lambda: accepted(desk), f"expected an order to be accepted after break {number}", 10.0)
    return passed("back after each of 3 breaks")


@check(
    _card(
        "straight_order",
        "An order straight to the broker is acknowledged, filled and booked",
        Severity.CRITICAL,
        ("send a market order to the broker", "look at fill and position", "close again"),
        "it is filled in full and the position follows",
        "follow the order from the request to the execution in the broker's own log",
        references=("BR-16", "EX-07"),
        defects=("broker_fills_unbooked",),
    )
)
def straight_order(trial: Trial) -> Finding:
    """Send, fill, book."""
    desk = OrderDesk(trial, "broker")
    trial.set_market()
    before, qty = desk.position(), 3 * trial.instrument.lot
    order = desk.order(Side.BUY, qty, type=OrderType.MARKET)
    began = clock.monotonic_ns()
    desk.submit(order)
    desk.filled(order)
    took_ms = round((clock.monotonic_ns() - began) / clock.NS_PER_MS, 3)
    desk.position_is(before + qty, "after buying")
    desk.fill(Side.SELL, qty)
    desk.position_is(before, "after selling")
    return passed("filled and booked", Measurement(name="filled", value=took_ms, unit="ms"))


def blink(trial: Trial, port: str) -> None:
    """Break a port's link for a moment."""
    trial.cut(port)
    trial.wait(port, lambda: None, QUICK_LOOK_S)
    trial.mend(port)


def listed_or_none(desk: OrderDesk) -> list[OrderUpdate]:
    """Return the open orders, or nothing while the session is not back yet."""
    try:
        return desk.listed("open_orders")
    except SystemUnavailable:
        raise
    except CertifyError:
        return []


def accepted(desk: OrderDesk) -> bool:
    """Return whether a resting order is accepted now; it is cancelled again."""
    order = desk.order()
    answer = desk.place(order)
    if answer.exec_type in ENDED:
        return False
    if desk.cancel(order).exec_type is not ExecType.CANCELED:
        raise Unmet("expected the order to be cancelled after the reconnect, was not")
    return True


CHECKS: tuple[Check, ...] = (
    straight_order,
    account_adds_up,
    link_loss_said,
    query_while_away,
    orders_survive_reconnect,
    missed_fill_recovered,
    reconnects_every_time,
)
