"""Restarts of the system, and what others do on the same account: nothing claimed, nothing forgotten."""

from __future__ import annotations

from decimal import Decimal

from certify.model.trading import ExecType, Order, OrdStatus, Side
from certify.phases.api import Check, Finding, Unmet, check, expect, expect_equal, passed
from certify.phases.broker_session.cards import BACK_WITHIN, CRITICAL, MAJOR, SAID_WITHIN, path_card
from certify.phases.broker_session.desk import SessionDesk
from certify.phases.broker_session.fills import lists_quantity
from certify.phases.broker_session.hearing import Hearing, back
from certify.phases.orders import said
from certify.phases.trial import Trial

PORT = "execution"
AWAY_S = 1.0
RESTART = ("orders.restart",)
FOREIGN_CLIENT = 77
"""A client id that no system under certification uses."""
FAR = Decimal("0.02")
"""How far off the market somebody else's orders rest."""


@check(
    path_card(
        "restart_mid_order",
        "A restart in the middle of an order finds what was filled before, meanwhile, and what still works",
        CRITICAL,
        steps=(
            "let an order be filled in part, rest another",
            "kill the system's process",
            "let the rest trade, start the system with the same state",
            "compare fills, open orders and position with the gateway",
        ),
        passes_when="each fill is told once over both lives, the resting order is listed and cancellable",
        remedy="on start ask for orders, executions and positions before anything is sent; match by permId",
        needs=RESTART,
        parameters=(BACK_WITHIN,),
        references=("EX-40", "EX-41", "BR-06", "BR-17", "nautechsystems/nautilus_trader#3176"),
        destructive=True,
    )
)
def restart_mid_order(trial: Trial) -> Finding:
    """Fill in part, die, fill the rest, live."""
    desk = SessionDesk(trial, PORT)
    quote = desk.market(ask_lots=2)
    order = desk.marketable(Side.BUY, desk.lots(5), quote)
    desk.submit(order)
    desk.filled(order, desk.lots(2))
    resting = desk.rest(Side.BUY, desk.lots(3), price=_below(desk, quote.bid))
    at_house = desk.house.one(resting)
    session, within_s = trial.session(PORT), trial.seconds("back_within")
    session.stop("killed by a check", graceful=False)
    desk.shown(quote.bid or desk.centre(), quote.ask or desk.centre(), ask_lots=500)
    trial.poll(lambda: not desk.house.working(order), "expected the rest to trade at the gateway", within_s)
    session.inbox.forget_market()
    session.start()
    back(trial, within_s)
    desk.filled(order, within_s=within_s)
    for known in (order, resting):
        desk.agrees(known)
    expect_equal(desk.ended(order).status, OrdStatus.FILLED, "state of the order that traded")
    lists_quantity(desk, order, order.qty, "after the restart")
    desk.matches_house(within_s=within_s)
    expect_equal(desk.house.one(resting).perm_id, at_house.perm_id, "permanent id of the resting order")
    desk.listed_with(resting)
    desk.cancelled(resting)
    return passed(f"{order.qty} filled over two lives, the other order kept")


def _below(desk: SessionDesk, bid: Decimal | None) -> Decimal:
    return desk.centre() - 40 * desk.tick if bid is None else bid - 40 * desk.tick


@check(
    path_card(
        "ids_after_restart",
        "After a restart orders get ids that the gateway has not seen before",
        CRITICAL,
        steps=("rest and cancel orders", "restart the system", "send as many again", "compare their ids"),
        passes_when="each is taken, with an order id and a permanent id of its own at the gateway",
        remedy="number on from the gateway's next valid id, never from one or from a file alone",
        needs=RESTART,
        parameters=(BACK_WITHIN,),
        references=("BR-23", "erdewit/ib_insync#308", "erdewit/ib_insync#644"),
        destructive=True,
    )
)
def ids_after_restart(trial: Trial) -> Finding:
    """Number, restart, number on."""
    desk, orders = SessionDesk(trial, PORT), list[Order]()
    for life in (1, 2):
        if life == 2:
            trial.restart(PORT)
            back(trial, trial.seconds("back_within"))
        for _ in range(3):
            order, _ = desk.resting()
            desk.cancelled(order)
            orders.append(order)
    found = [desk.house.one(order) for order in orders]
    ids = {(row.client_id, row.order_id) for row in found}
    expect_equal(len(ids), len(orders), "order ids of their own")
    expect_equal(len({row.perm_id for row in found}), len(orders), "permanent ids of their own")
    return passed(f"{len(orders)} orders over a restart, each with ids of its own")


@check(
    path_card(
        "others_left_alone",
        "Orders of other clients and of a person at the TWS are neither cancelled nor claimed",
        CRITICAL,
        steps=(
            "let another client and a person rest an order each",
            "rest one's own, cancel everything, straight at the broker too",
            "look at the gateway and at what was said",
        ),
        passes_when="one's own is cancelled; theirs still work, and nothing is said or listed of them",
        remedy="cancel one's own orders one by one: reqGlobalCancel ends everybody's",
        needs=("orders.cancel_all",),
        references=("BR-22", "nautechsystems/nautilus_trader#1190"),
    )
)
def others_left_alone(trial: Trial) -> Finding:
    """Cancel everything, look at what is others'."""
    desk = SessionDesk(trial, PORT)
    quote = desk.market()
    price = _far(desk, quote.bid)
    theirs = [
        desk.house.foreign("foreign_order", Side.BUY, desk.lots(2), price, client_id=FOREIGN_CLIENT),
        desk.house.foreign("manual_order", Side.BUY, desk.lots(2), price),
    ]
    heard_before = len(trial.ledger.foreign)
    try:
        own, _ = desk.resting()
        trial.wait(PORT, lambda: None, AWAY_S)
        claimed = desk.open_ids() - {own.client_order_id}
        desk.cancel_all()
        desk.answer(own, {ExecType.CANCELED})
        if trial.has("broker", "cancel_all"):
            trial.call("broker", "cancel_all")
        trial.wait(PORT, lambda: None, AWAY_S)
        gone = [row for row in theirs if not desk.house.by_perm_id(row.perm_id).working]
    finally:
        for row in theirs:
            if desk.house.by_perm_id(row.perm_id).working:
                desk.house.do("cancel_order", perm_id=row.perm_id)
    words = [said(update) for update in trial.ledger.foreign[heard_before:]]
    expect(not gone, f"expected the orders of others to work on, was {len(gone)} of {len(theirs)} cancelled")
    expect(not claimed, f"expected one's own orders in the list, was also {', '.join(sorted(claimed))}")
    expect(not words, f"expected nothing to be said of others' orders, was {'; '.join(words)}")
    return passed("others' orders were left alone by cancel_all")


def _far(desk: SessionDesk, bid: Decimal | None) -> Decimal:
    far = (bid or desk.centre()) * (1 - FAR)
    return (far / desk.tick).to_integral_value() * desk.tick


@check(
    path_card(
        "others_fills_count",
        "A trade that somebody else makes on the account shows in the position, or is said",
        MAJOR,
        steps=("let another client buy on the account", "look at the position", "let it sell again"),
        passes_when="the position said becomes the gateway's, or an alert says that they differ",
        remedy="compare the own position with reqPositions regularly, and say a difference",
        parameters=(SAID_WITHIN,),
        references=("MN-02", "BR-22", "nautechsystems/nautilus_trader#1190"),
    )
)
def others_fills_count(trial: Trial) -> Finding:
    """Let somebody else trade."""
    desk = SessionDesk(trial, PORT)
    desk.matches_house()
    hearing = Hearing(trial)
    qty, within_s = desk.lots(3), trial.seconds("said_within")
    try:
        _trade_foreign(desk, Side.BUY, qty)
        name = trial.instrument.id

        def seen() -> bool:
            return desk.position() == desk.house.position(name)

        def told() -> bool:
            return any(alert.kind == "POSITION_BREAK" for alert in hearing.alerts())

        trial.poll(
            lambda: seen() or told(), "expected the trade of another client to show or be said", within_s
        )
        how = "shows in the position" if seen() else "is said"
    finally:
        _trade_foreign(desk, Side.SELL, qty)
    return passed(f"another client's trade {how}")


def _trade_foreign(desk: SessionDesk, side: Side, qty: Decimal) -> None:
    """Let another client trade at the market, and wait until the gateway has it."""
    quote = desk.market()
    price = desk.through(side, quote)
    row = desk.house.foreign("foreign_order", side, qty, price, client_id=FOREIGN_CLIENT)
    text = "expected the other client's order to trade at the gateway"
    desk.trial.poll(lambda: not desk.house.by_perm_id(row.perm_id).working, text)


@check(
    path_card(
        "matches_gateway",
        "After a busy while executions, positions and open orders are those of the gateway, one by one",
        CRITICAL,
        steps=(
            "buy and sell in parts, rest and cancel, with a reset in between",
            "compare each execution, the position and the open orders with the gateway",
        ),
        passes_when="the same executions by order, quantity and price, position and open orders",
        remedy="book every execution once by execId, and compare the book with the gateway after each login",
        parameters=(BACK_WITHIN,),
        references=("BR-16", "BR-17", "MN-03", "EX-20"),
        destructive=True,
    )
)
def matches_gateway(trial: Trial) -> Finding:
    """Be busy, compare."""
    desk, orders = SessionDesk(trial, PORT), list[Order]()
    for number in range(4):
        orders.append(desk.trade(Side.BUY, desk.lots(number + 2), desk.market(shift=number)))
        if number == 1:
            desk.house.do("reset")
            trial.wait(PORT, lambda: None, AWAY_S)
            back(trial, trial.seconds("back_within"))
    orders.append(desk.trade(Side.SELL, desk.lots(6), desk.market()))
    resting, _ = desk.resting()
    for order in orders:
        desk.agrees(order)
        _same_executions(desk, order)
    desk.matches_house(within_s=trial.seconds("back_within"))
    mine = {name for name in desk.open_ids() if name.startswith(trial.shared.tag)}
    expect_equal(mine, {resting.client_order_id}, "open orders")
    desk.cancelled(resting)
    return passed(f"{len(orders)} orders traded, each as at the gateway")


def _same_executions(desk: SessionDesk, order: Order) -> None:
    theirs = sorted(
        (Decimal(str(r["qty"])), Decimal(str(r["price"]))) for r in desk.house.executions_of(order)
    )

    def ours() -> list[tuple[Decimal, Decimal]]:
        rows = [u for u in desk.listed("executions") if u.client_order_id == order.client_order_id]
        return sorted((u.last_qty, u.last_px or Decimal(0)) for u in rows if u.exec_type is ExecType.TRADE)

    try:
        desk.trial.poll(lambda: ours() == theirs, "so")
    except Unmet:
        raise Unmet(
            f"executions of {order.client_order_id}: expected {_words(theirs)} as at the gateway, "
            f"was {_words(ours())}"
        ) from None


def _words(rows: list[tuple[Decimal, Decimal]]) -> str:
    return ", ".join(f"{qty} at {price}" for qty, price in rows) or "none"


CHECKS: tuple[Check, ...] = (
    restart_mid_order,
    ids_after_restart,
    others_left_alone,
    others_fills_count,
    matches_gateway,
)
