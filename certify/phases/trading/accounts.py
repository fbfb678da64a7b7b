"""What the fills add up to: executions, positions, average price, cash, commissions, working orders."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import cast

from certify.model.trading import ExecType, Order, OrderUpdate, Position, Quote, Side, TimeInForce
from certify.phases.api import Finding, expect, expect_equal, not_applicable, passed
from certify.phases.orders import CANCEL_ANSWERS, CASH_KINDS, said
from certify.phases.trading.desk import Desk
from certify.phases.trading.family import ALL_MODES, CRITICAL, MAJOR, behaviour

CENT = Decimal("0.01")
AVERAGE_SHARE = Decimal("0.0001")
"""How far an average price may be off: 0.01 % (catalogue EX-43)."""
MOVE_S = 5.0
MANY = 20


@behaviour(
    "exec_ids",
    "Every fill has an execution id that no other fill has",
    CRITICAL,
    steps=("trade three orders", "compare the ids of all fills of the run on this port"),
    passes_when="each fill has an id, and no id occurs twice, in events or in executions()",
    remedy="take the venue's execution id; never make one from the order's id or a counter that restarts",
    references=("checks.md EX-22", "FIX 4.4 ExecID <17>", "checks.md EX-43"),
)
def exec_ids(desk: Desk) -> Finding:
    """Compare execution ids."""
    for side in (Side.BUY, Side.BUY, Side.SELL):
        desk.trade(side, desk.lots(1))
    seen: dict[str, str] = {}
    for entry in [e for e in desk.trial.ledger.entries.values() if e.port == desk.port]:
        for fill in [u for u in entry.updates if u.exec_type is ExecType.TRADE]:
            expect(fill.exec_id, f"expected an execution id with a fill of {fill.client_order_id}, was none")
            facts = f"{fill.client_order_id} {fill.last_qty} @ {fill.last_px} at {fill.cum_qty}"
            expect_equal(facts, seen.setdefault(str(fill.exec_id), facts), f"fill {fill.exec_id}")
    return passed(f"{len(seen)} fills, each with an id of its own")


@behaviour(
    "executions_exact",
    "The list of executions holds every fill once, exactly as it was reported",
    CRITICAL,
    steps=("buy 2 lots, buy 1, sell 1", "compare executions() with the fills that were reported"),
    passes_when="for these orders: the same ids, sides, quantities and prices, nothing more",
    remedy="list what the venue has confirmed, each execution once",
    needs=("orders.executions",),
    references=("checks.md EX-48", "checks.md EX-20", "FIA drop copy recommendations"),
    modes=ALL_MODES,
)
def executions_exact(desk: Desk) -> Finding:
    """Compare the list with the events."""
    orders = [desk.trade(side, desk.lots(n)) for side, n in ((Side.BUY, 2), (Side.BUY, 1), (Side.SELL, 1))]
    same_executions(desk, orders)
    return passed(f"{sum(len(desk.entry(order).fills) for order in orders)} executions listed as reported")


def same_executions(desk: Desk, orders: Iterable[Order]) -> None:
    """Fail unless `executions` lists exactly the fills of these orders that were reported."""
    wanted = list(orders)
    listed = sorted(_facts(update) for update in desk.fills_listed(wanted))
    reported = sorted(_facts(fill) for order in wanted for fill in desk.entry(order).fills.values())
    for line in listed:
        expect(line in reported, f"executions listed: expected what was reported, was {' '.join(line)} too")
    expect_equal(len(listed), len(reported), "number of executions listed")


def _facts(update: OrderUpdate) -> tuple[str, ...]:
    price = update.last_px.normalize() if update.last_px is not None else None
    qty = update.last_qty.normalize()
    return (update.client_order_id, str(update.exec_id), update.side.value, f"{qty:f} @ {price}")


@behaviour(
    "position_sum",
    "The position is the signed sum of the fills",
    CRITICAL,
    steps=("buy 3 lots, sell 1, sell 1", "compare positions() with the fills each time"),
    passes_when="the position is exactly 3, 2, then 1 lots more than before",
    remedy="book every fill once: buys up, sells down",
    references=("checks.md EX-48", "checks.md EX-01..06"),
    modes=ALL_MODES,
)
def position_sum(desk: Desk) -> Finding:
    """Trade up and down and add up."""
    held = desk.held()
    for side, count in ((Side.BUY, 3), (Side.SELL, 1), (Side.SELL, 1)):
        order = desk.trade(side, desk.lots(count))
        held += desk.entry(order).signed_qty
        desk.position_is(held, f"after a {side.value} of {count} lots")
    return passed(f"the position follows the fills, {held} at last")


@behaviour(
    "position_flips",
    "A position goes long, flat, short, and flips, exactly",
    CRITICAL,
    steps=("buy 2", "sell 2", "sell 2", "buy 3 (short to long)", "sell 2 (long to short)", "buy 1"),
    passes_when="the position is exactly the sum of the fills after each step",
    remedy="positions are signed: a sell beyond flat is a short, not zero",
    needs=("orders.short",),
    references=("checks.md EX-01..06", "checks.md EX-42", "Lean LongFromZero … LongFromShort"),
)
def position_flips(desk: Desk) -> Finding:
    """Go through every kind of change."""
    held = desk.held()
    steps = ((Side.BUY, 2), (Side.SELL, 2), (Side.SELL, 2), (Side.BUY, 3), (Side.SELL, 2), (Side.BUY, 1))
    for side, count in steps:
        order = desk.trade(side, desk.lots(count))
        held += desk.entry(order).signed_qty
        desk.position_is(held, f"after a {side.value} of {count} lots")
    return passed("long, flat, short, long, short, flat")


@behaviour(
    "average_price",
    "The average price of a position is that of its fills",
    MAJOR,
    steps=(
        "from flat, buy 1 lot, then 3 lots at another price where it can be set",
        "sell 6 lots: the position turns",
    ),
    passes_when="within 0.01 % of the mean of the fills, weighted by quantity, with or without commission",
    remedy="weigh prices by quantity; start again at zero when a position was flat",
    references=("checks.md EX-21", "checks.md EX-43", "FIX 4.4 AvgPx <6>"),
)
def average_price(desk: Desk) -> Finding:
    """Buy at two prices and compare the average."""
    if held := desk.held():
        return not_applicable(f"the account holds {held} that these fills did not make")
    quote = desk.market()
    orders = [desk.trade(Side.BUY, desk.lots(1), quote)]
    _await_move(desk, quote)
    apart = max(8, int((quote.ask or 0) * AVERAGE_SHARE * 8 / desk.trial.instrument.tick))
    orders.append(desk.trade(Side.BUY, desk.lots(3), desk.market(shift=apart)))
    desk.position_is(desk.lots(4), "after buying 1 and 3 lots")
    fills = desk.paid(orders)
    mean = sum((f.last_qty * (f.last_px or 0) for f in fills), Decimal(0)) / desk.lots(4)
    fees = sum((f.commission or Decimal(0) for f in fills), Decimal(0))
    average = _holding(desk).avg_px
    if average is None:
        return not_applicable("the system does not state the average price of a position")
    share = fees / (desk.lots(4) * desk.trial.instrument.multiplier)
    off = min(abs(average - mean), abs(average - mean - share))
    expect(off <= mean * AVERAGE_SHARE, f"expected an average price of {mean:f}, was {average:f}")
    if desk.claims("orders.short"):
        _flip(desk)
    return passed(f"average price {average:f} of fills at {mean:f}")


def _await_move(desk: Desk, quote: Quote) -> None:
    """Where the market moves by itself, wait a while for a price that makes another average."""
    if desk.trial.can_set_market or quote.ask is None:
        return
    least, ask = quote.ask * AVERAGE_SHARE * 8, quote.ask
    desk.becomes(lambda: abs((desk.trial.quote().ask or ask) - ask) > least, within_s=MOVE_S)


def _flip(desk: Desk) -> None:
    """Sell from 4 lots long to 2 short: what is held was opened by the sale alone."""
    sale = desk.trade(Side.SELL, desk.lots(6), desk.market(shift=-8))
    desk.position_is(desk.lots(-2), "after selling 6 lots of 4")
    fills = desk.paid([sale])
    mean = sum((f.last_qty * (f.last_px or 0) for f in fills), Decimal(0)) / sale.qty
    fees = sum((f.commission or Decimal(0) for f in fills), Decimal(0))
    share = fees / (sale.qty * desk.trial.instrument.multiplier)
    average = _holding(desk).avg_px
    if average is not None:
        off = min(abs(average - mean), abs(average - mean + share))
        text = f"expected an average price of {mean:f} after the position turned, was {average:f}"
        expect(off <= mean * AVERAGE_SHARE, text)


def _holding(desk: Desk) -> Position:
    """Return the position of the instrument that is traded."""
    positions = cast("list[Position]", desk.trial.call(desk.port, "positions"))
    return next(p for p in positions if p.instrument == desk.trial.instrument.id)


@behaviour(
    "cash",
    "Cash changes by exactly what was traded and what it cost",
    CRITICAL,
    steps=(
        "note the account's cash",
        "buy lots worth some money, sell a third",
        "compare with notional and commissions",
    ),
    passes_when="cash has changed by the signed notional less commissions, to the cent",
    remedy="book notional and commission of every fill once; sells bring cash, commissions always cost",
    needs=("orders.account", "orders.commission"),
    references=("checks.md EX-38", "checks.md EX-48"),
)
def cash(desk: Desk) -> Finding:
    """Follow the money; a second time, as brokers tell the values of an account some time after fills."""
    desk.market()
    instrument, state = desk.trial.instrument, desk.account()
    if instrument.kind not in CASH_KINDS or instrument.currency != state.currency:
        kind = f"a {instrument.kind} in {instrument.currency}"
        return not_applicable(f"{kind} is not paid for from {state.currency}")
    count = desk.worth(3)
    before, expected, now = _cash_moved(desk, count)
    if now != expected:
        before, expected, now = _cash_moved(desk, count)
    expect(now == expected, f"expected cash of {expected:f} after buying {count} lots, was {now:f}")
    return passed(f"cash went from {before:f} to {now:f}, as traded")


def _cash_moved(desk: Desk, count: int) -> tuple[Decimal, Decimal, Decimal]:
    """Buy, sell, and return the cash of before, expected and said; the latter two equal if to the cent."""
    before = desk.account().cash
    orders = [
        desk.trade(side, desk.lots(lots), desk.market(ask_lots=2 * count, bid_lots=2 * count))
        for side, lots in ((Side.BUY, count), (Side.SELL, max(1, count // 3)))
    ]
    fills = [fill for order in orders for fill in desk.entry(order).fills.values()]
    value = sum((_signed(fill) * (fill.last_px or 0) for fill in fills), Decimal(0))
    expected = before - value * desk.trial.instrument.multiplier - commissions(desk, orders)
    last: list[Decimal] = []

    def look() -> bool:
        last[:] = [desk.account().cash]
        return abs(last[0] - expected) < CENT * max(1, len(fills))

    return before, expected, expected if desk.becomes(look) else last[0]


def _signed(fill: OrderUpdate) -> Decimal:
    return fill.last_qty if fill.side is Side.BUY else -fill.last_qty


def commissions(desk: Desk, orders: list[Order]) -> Decimal:
    """Return what these orders' fills cost."""
    fills = desk.paid(orders)
    missing = [fill.exec_id for fill in fills if fill.commission is None]
    expect(not missing, f"expected a commission with each fill, was none with {', '.join(map(str, missing))}")
    return sum((fill.commission or Decimal(0) for fill in fills), Decimal(0))


@behaviour(
    "commission",
    "Commissions are reported with the fills and add up in the account",
    MAJOR,
    steps=("note the account's commissions", "buy 100 lots or what the caps allow, sell them"),
    passes_when="each fill has a commission, not below zero, and where the account counts them, the same sum",
    remedy="report the venue's commission of each fill; book it once",
    needs=("orders.account", "orders.commission"),
    references=("checks.md EX-38", "Hummingbot trade fees"),
)
def commission(desk: Desk) -> Finding:
    """Add up commissions."""
    desk.market()
    before = desk.account().commissions
    count = desk.worth(100)
    orders = [
        desk.trade(side, desk.lots(count), desk.market(ask_lots=2 * count, bid_lots=2 * count))
        for side in (Side.BUY, Side.SELL)
    ]
    total = commissions(desk, orders)
    for order in orders:
        for fill in desk.entry(order).fills.values():
            expect((fill.commission or 0) >= 0, f"expected a commission of 0 or more, was {fill.commission}")
    fills = sum(len(desk.entry(order).fills) for order in orders)

    def counted() -> bool:
        now = desk.account().commissions
        return (not now and not before) or abs(now - before - total) < CENT * fills

    expect(
        desk.becomes(counted),
        f"expected commissions of {before + total:f} in the account, was {desk.account().commissions:f}",
    )
    return passed(f"commissions of {total:f} with the fills and in the account")


@behaviour(
    "open_orders_exact",
    "The list of working orders is what works, at every moment",
    CRITICAL,
    steps=("rest three buys", "cancel the second", "fill another order", "compare open_orders each time"),
    passes_when="exactly the orders that have not ended are listed, with their terms",
    remedy="answer open_orders from what the venue has confirmed, not from what was once loaded",
    references=("checks.md EX-40", "TC-E84 NautilusTrader exec testing spec"),
    modes=ALL_MODES,
)
def open_orders_exact(desk: Desk) -> Finding:
    """Compare the list again and again."""
    desk.market()
    top = desk.resting_price(Side.BUY)
    orders = [desk.rest(Side.BUY, desk.lots(i + 1), price=top - i * desk.tick) for i in range(3)]
    for order in orders:
        desk.listed_with(order)
    lists_exactly(desk, orders)
    desk.cancel(orders[1])
    lists_exactly(desk, [orders[0], orders[2]])
    done = desk.trade(Side.BUY, desk.lots(1))
    lists_exactly(desk, [orders[0], orders[2]])
    desk.not_listed(done, "after it was filled")
    for order in (orders[0], orders[2]):
        desk.listed_with(order)
    return passed("listed what works: three, then two, and nothing that has ended")


def lists_exactly(desk: Desk, orders: list[Order]) -> None:
    """Fail unless `open_orders` lists these of the run's orders on this port, each once."""
    wanted = sorted(order.client_order_id for order in orders)
    mine = {name for name, entry in desk.trial.ledger.entries.items() if entry.port == desk.port}
    last: list[str] = []

    def look() -> bool:
        last[:] = sorted(u.client_order_id for u in desk.listed("open_orders") if u.client_order_id in mine)
        return last == wanted

    same = desk.becomes(look)
    expect(same, f"open_orders: expected {', '.join(wanted) or 'none'}, was {', '.join(last) or 'none'}")


@behaviour(
    "many_orders",
    "Many orders sent at once are all answered and all can be canceled",
    MAJOR,
    steps=(f"send {MANY} resting buys without waiting", "look at open_orders", "cancel all, one by one"),
    passes_when="each is NEW, all are listed, each is CANCELED, none is left",
    remedy="look for lost or overtaken messages where requests are queued",
    references=("checks.md EX-39", "Hummingbot multiple orders", "checks.md EX-29"),
)
def many_orders(desk: Desk) -> Finding:
    """Send many orders, then cancel them."""
    desk.market()
    top = desk.resting_price(Side.BUY)
    count = desk.room(MANY)
    orders = [desk.order(Side.BUY, price=top - (i % 5) * desk.tick) for i in range(count)]
    for order in orders:
        desk.submit(order)
    for order in orders:
        answer = desk.answer(order, {ExecType.NEW, ExecType.REJECTED, ExecType.TRADE, ExecType.CANCELED})
        expect(answer.exec_type is ExecType.NEW, f"expected {order.client_order_id} NEW, was {said(answer)}")
    lists_exactly(desk, orders)
    for order in orders:
        desk.trial.call(desk.port, "cancel", order.client_order_id, order.instrument)
    for order in orders:
        answer = desk.answer(order, CANCEL_ANSWERS)
        expect(answer.exec_type is ExecType.CANCELED, f"expected CANCELED, was {said(answer)}")
    lists_exactly(desk, [])
    return passed(f"{count} orders taken, listed and canceled")


@behaviour(
    "broker_agrees",
    "What the system says of a working order is what the broker holds",
    CRITICAL,
    steps=(
        "rest a GTC (else DAY) buy limit, change its price where that can be done",
        "compare open_orders of the execution port and of the broker port",
    ),
    passes_when="the same instrument, side, quantity, price, leaves, type and time in force on both sides",
    remedy="report an order from the broker's word; find which term is lost on the way",
    references=("checks.md EX-48", "checks.md EX-40", "checks.md EX-18"),
)
def broker_agrees(desk: Desk) -> Finding:
    """Compare the system's list with the broker's own."""
    if not desk.trial.has("broker", "open_orders"):
        return not_applicable("there is no broker port in scope to compare with")
    desk.market()
    tif = TimeInForce.GTC if desk.claims("orders.gtc") else TimeInForce.DAY
    order = desk.rest(Side.BUY, desk.lots(2), tif=tif)
    assert order.price is not None  # noqa: S101 - a limit order
    broker, price = Desk(desk.trial, "broker"), order.price
    if not desk.becomes(lambda: order.client_order_id in broker.open_ids(), within_s=1.0):
        return not_applicable("the broker port does not list orders under the system's ids")
    if desk.claims("orders.modify"):
        price -= 2 * desk.tick
        answer = desk.modify(order, price=price)
        expect(answer.exec_type is ExecType.REPLACED, f"expected REPLACED, was {said(answer)}")
    broker.listed_with(order, price=price)
    desk.listed_with(order, price=price)
    return passed(f"both sides hold {order.qty} @ {price} {tif.value}")


BEHAVIOURS = (
    exec_ids,
    executions_exact,
    position_sum,
    position_flips,
    average_price,
    cash,
    commission,
    open_orders_exact,
    many_orders,
    broker_agrees,
)
