"""New orders: market, limit, and what their time in force promises."""

from __future__ import annotations

from decimal import Decimal

from certify import clock
from certify.model.trading import ExecType, OrderType, OrdStatus, Side, TimeInForce
from certify.phases.api import Finding, expect, expect_equal, inconclusive, passed
from certify.phases.orders import said
from certify.phases.trading.desk import Desk
from certify.phases.trading.family import ALL_MODES, CRITICAL, MAJOR, behaviour
from certify.phases.trading.shown import fill_prices, watching

GTD_LIFE_NS = 1_500 * clock.NS_PER_MS
"""How long a GTD order of these checks lives."""
EARLY_NS = clock.NS_PER_S
"""Expiry may be kept in whole seconds, so that an order may end this much early."""
BOTH = (Side.BUY, Side.SELL)


@behaviour(
    "market_fills",
    "A market order fills completely, both ways, inside the quote",
    CRITICAL,
    steps=("set the market where that is possible", "buy at the market, then sell the same"),
    passes_when="each order ends FILLED with exactly its quantity, no fill outside bid and ask",
    remedy="follow one market order from submit to its fills; compare fill prices with the quote shown",
    needs=("orders.market",),
    references=("checks.md EX-07", "TC-E01 TC-E02 NautilusTrader exec testing spec", "FIX 4.4 vol 4 A.1"),
    modes=ALL_MODES,
)
def market_fills(desk: Desk) -> Finding:
    """Buy and sell at the market."""
    for side in BOTH:
        quote = desk.market()
        with watching(desk, quote) as window:
            order = desk.order(side, desk.lots(2), type=OrderType.MARKET)
            desk.submit(order)
            desk.filled_end(order)
        expect_equal(desk.entry(order).cum_qty, order.qty, f"filled of a market {side.value}")
        for price in fill_prices(desk.entry(order)) if desk.trial.can_set_market else ():
            expect(
                window.low <= price <= window.high,
                f"expected a market {side.value} inside {window.low}/{window.high}, was filled at {price}",
            )
    return passed("a market buy and a market sell filled completely")


@behaviour(
    "limit_rests",
    "A limit order off the market rests, listed with exactly its terms",
    CRITICAL,
    steps=("place a buy limit below the market", "look at open_orders", "the same with a sell, when held"),
    passes_when="NEW, listed with its own instrument, side, quantity, price, leaves; no fill",
    remedy="compare what open_orders shows with what was sent: it must be what the venue holds",
    references=("checks.md EX-08", "TC-E10 TC-E11 NautilusTrader exec testing spec"),
    modes=ALL_MODES,
)
def limit_rests(desk: Desk) -> Finding:
    """Rest a buy, and a sell of what is held."""
    desk.market()
    buy = desk.rest(Side.BUY, desk.lots(2))
    desk.listed_with(buy)
    desk.cancel(buy)
    desk.trade(Side.BUY, desk.lots(1))
    sell = desk.rest(Side.SELL, desk.lots(1))
    desk.listed_with(sell)
    for order in (buy, sell):
        expect_equal(desk.entry(order).cum_qty, Decimal(0), f"filled of a resting {order.side.value}")
    return passed("a buy and a sell rested and were listed with exactly their terms")


@behaviour(
    "marketable_limit",
    "A limit order through the market fills at its limit or better",
    CRITICAL,
    steps=("buy with a limit at or above the ask", "sell with a limit at or below the bid"),
    passes_when="each order ends FILLED, no fill worse than its limit",
    remedy="look where the limit is lost between submit and matching",
    references=("checks.md EX-08", "TC-E12 NautilusTrader exec testing spec"),
    modes=ALL_MODES,
)
def marketable_limit(desk: Desk) -> Finding:
    """Trade both ways by limit."""
    prices = []
    for side in BOTH:
        quote = desk.market()
        limit = desk.through(side, quote) + (2 if side is Side.BUY else -2) * desk.tick
        order = desk.order(side, desk.lots(2), price=limit)
        desk.submit(order)
        desk.filled_end(order)
        for price in fill_prices(desk.entry(order)):
            good = price <= limit if side is Side.BUY else price >= limit
            expect(good, f"expected a {side.value} at {limit} or better, was {price}")
            prices.append(price)
    return passed(f"filled at {', '.join(map(str, prices))}")


@behaviour(
    "gtc_rests",
    "A GTC order is taken as GTC",
    MAJOR,
    steps=("place a GTC limit order off the market", "look at open_orders", "cancel it"),
    passes_when="NEW, listed with its terms (GTC where the time in force is listed), canceled on request",
    remedy="map GTC to the venue's own time in force",
    needs=("orders.gtc",),
    references=("checks.md EX-08", "TC-E10 NautilusTrader exec testing spec"),
)
def gtc_rests(desk: Desk) -> Finding:
    """Rest a GTC order."""
    desk.market()
    order = desk.rest(Side.BUY, desk.lots(1), tif=TimeInForce.GTC)
    desk.listed_with(order)
    answer = desk.cancel(order)
    expect(answer.exec_type is ExecType.CANCELED, f"expected CANCELED, was {said(answer)}")
    return passed("GTC taken, listed and canceled")


@behaviour(
    "ioc_unfilled",
    "An IOC order that cannot trade ends at once, unfilled",
    CRITICAL,
    steps=("send an IOC limit order off the market",),
    passes_when="CANCELED or EXPIRED with nothing filled, and not listed as working",
    remedy="IOC must never rest: cancel what is not filled at once and say so",
    needs=("orders.ioc",),
    references=("checks.md EX-08", "FIX 4.4 vol 4 I.1", "TC-E15 NautilusTrader exec testing spec"),
    modes=ALL_MODES,
)
def ioc_unfilled(desk: Desk) -> Finding:
    """Send an IOC order that finds nothing."""
    desk.market()
    order = desk.order(Side.BUY, desk.lots(2), tif=TimeInForce.IOC)
    desk.submit(order)
    end = desk.expect_unfilled_end(order)
    return passed(f"ended {end.exec_type.value} unfilled")


@behaviour(
    "ioc_partial",
    "An IOC order takes what is shown and its rest is canceled",
    CRITICAL,
    steps=("show 2 lots at the ask", "send an IOC buy of 5 lots at the ask"),
    passes_when="filled with at most what was shown, the rest CANCELED or EXPIRED",
    remedy="cancel the remainder of an IOC order after its first match",
    needs=("orders.ioc", "orders.partial_fills"),
    methods=("market_data.inject",),
    references=("checks.md EX-08", "FIX 4.4 vol 4 I.1"),
)
def ioc_partial(desk: Desk) -> Finding:
    """Send an IOC order for more than is shown."""
    quote = desk.market(ask_lots=2)
    order = desk.order(Side.BUY, desk.lots(5), price=quote.ask, tif=TimeInForce.IOC)
    desk.submit(order)
    end = desk.ended(order)
    expect(
        end.exec_type in (ExecType.CANCELED, ExecType.EXPIRED),
        f"expected the rest to be CANCELED with 2 of 5 lots shown, was {said(end)} {end.status.value}",
    )
    filled = desk.entry(order).cum_qty
    expect(0 < filled <= desk.lots(2), f"expected the {desk.lots(2)} shown to be filled, was {filled}")
    expect_equal(end.cum_qty, filled, "filled by the report of the end")
    desk.not_listed(order, f"after {end.exec_type.value}")
    return passed(f"{filled} of {order.qty} filled, the rest {end.exec_type.value}")


@behaviour(
    "fok_killed",
    "A FOK order that cannot trade is killed",
    MAJOR,
    steps=("send a FOK limit order off the market",),
    passes_when="CANCELED or EXPIRED with nothing filled, and not listed as working",
    remedy="FOK must never rest",
    needs=("orders.fok",),
    references=("checks.md EX-08", "FIX 4.4 vol 4 I.2", "TC-E17 NautilusTrader exec testing spec"),
)
def fok_killed(desk: Desk) -> Finding:
    """Send a FOK order that finds nothing."""
    desk.market()
    order = desk.order(Side.BUY, desk.lots(2), tif=TimeInForce.FOK)
    desk.submit(order)
    end = desk.expect_unfilled_end(order)
    return passed(f"ended {end.exec_type.value} unfilled")


@behaviour(
    "fok_all_or_nothing",
    "A FOK order fills completely or not at all",
    CRITICAL,
    steps=("show 2 lots at the ask", "send FOK buys at the ask for 5 lots, then for 2"),
    passes_when="the first ends without any fill, the second FILLED",
    remedy="check the whole quantity against what is available before the first fill",
    needs=("orders.fok", "orders.partial_fills"),
    methods=("market_data.inject",),
    references=("checks.md EX-08", "FIX 4.4 vol 4 I.2"),
)
def fok_all_or_nothing(desk: Desk) -> Finding:
    """Send a FOK order for more than is shown, and one that fits."""
    quote = desk.market(ask_lots=2)
    big = desk.order(Side.BUY, desk.lots(5), price=quote.ask, tif=TimeInForce.FOK)
    desk.submit(big)
    desk.expect_unfilled_end(big)
    quote = desk.market(ask_lots=2)
    fits = desk.order(Side.BUY, desk.lots(2), price=quote.ask, tif=TimeInForce.FOK)
    desk.submit(fits)
    desk.filled_end(fits)
    return passed("5 lots were killed with 2 shown, 2 lots were filled")


@behaviour(
    "gtd_expires",
    "A GTD order ends at its time, not before and not never",
    MAJOR,
    steps=("place a GTD limit order off the market that lives 1.5 s", "wait for its end"),
    passes_when="NEW, then EXPIRED (or CANCELED) around its time, unfilled and not listed any more",
    remedy="watch expiry times by a clock, in UTC nanoseconds; report EXPIRED",
    needs=("orders.gtd",),
    references=("checks.md EX-08", "TC-E18 NautilusTrader exec testing spec"),
)
def gtd_expires(desk: Desk) -> Finding:
    """Let a GTD order run out."""
    desk.market()
    due_ns = clock.now_ns() + GTD_LIFE_NS
    order = desk.rest(Side.BUY, desk.lots(1), tif=TimeInForce.GTD, expire_at_ns=due_ns)
    desk.ended(order, within_s=GTD_LIFE_NS / clock.NS_PER_S + 5.0)
    early_ns = due_ns - clock.now_ns()
    desk.expect_unfilled_end(order)
    expect(
        early_ns <= EARLY_NS, f"expected no end before its time, was {early_ns / clock.NS_PER_S:.2f} s early"
    )
    return passed("expired at its time")


@behaviour(
    "displayed_size",
    "An order fills at a price with no more than is shown there",
    MAJOR,
    steps=("show 2 lots at the ask", "send a limit buy of 5 lots at the ask", "show more at the ask"),
    passes_when="2 lots are filled and the rest waits as PARTIALLY_FILLED; then the rest fills",
    remedy="match against the size that is shown, not against the price alone",
    needs=("orders.partial_fills",),
    methods=("market_data.inject",),
    references=("checks.md EX-20", "FIX 4.4 vol 4 A.1.b", "Lean PartialFills"),
)
def displayed_size(desk: Desk) -> Finding:
    """Buy more than is shown, then show more."""
    quote = desk.market(ask_lots=2)
    with watching(desk, quote) as window:
        order = desk.order(Side.BUY, desk.lots(5), price=quote.ask)
        desk.submit(order)
        desk.filled(order, desk.lots(2))
        more = not desk.silent(order, {ExecType.TRADE}, since=len(desk.updates(order)))
    if more and not window.still:
        return inconclusive("the market moved by itself while it should have stood still")
    expect_equal(desk.entry(order).cum_qty, desk.lots(2), "filled with 2 lots shown")
    expect(
        desk.entry(order).status is OrdStatus.PARTIALLY_FILLED,
        f"expected PARTIALLY_FILLED, was {desk.entry(order).status}",
    )
    desk.listed_with(order, cum=desk.lots(2))
    assert quote.bid is not None  # noqa: S101 - the tool has set both sides
    assert quote.ask is not None  # noqa: S101
    desk.push(quote.bid, quote.ask)
    desk.filled_end(order)
    return passed("2 of 5 lots filled with 2 shown, the rest when more was shown")


BEHAVIOURS = (
    market_fills,
    limit_rests,
    marketable_limit,
    gtc_rests,
    ioc_unfilled,
    ioc_partial,
    fok_killed,
    fok_all_or_nothing,
    gtd_expires,
    displayed_size,
)
