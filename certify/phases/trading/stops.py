"""Stop orders: they wait, they trigger, and a stop limit keeps its limit.

Systems trigger by the last trade or by the quote. The market is moved so that both say the same.
"""

from __future__ import annotations

from decimal import Decimal

from certify.model.trading import ExecType, Order, OrderType, Side
from certify.phases.api import Finding, expect, expect_equal, passed
from certify.phases.trading.desk import Desk
from certify.phases.trading.family import CRITICAL, MAJOR, behaviour
from certify.phases.trading.shown import fill_prices

STOP_TICKS = 6
"""How far above the centre of the market the stops of these checks lie."""
LIMIT_TICKS = 9


def _sign(side: Side) -> int:
    return 1 if side is Side.BUY else -1


def _stop(desk: Desk, kind: OrderType, side: Side = Side.BUY) -> Order:
    """Place a stop beyond a quiet market and return it once it is known to wait; sells are covered."""
    if side is Side.SELL:
        desk.trade(Side.BUY, desk.lots(2))
    desk.market()
    centre, sign = desk.trial.centre(), _sign(side)
    desk.print_trade(centre)
    price = centre + sign * LIMIT_TICKS * desk.tick if kind is OrderType.STOP_LIMIT else None
    stop_price = centre + sign * STOP_TICKS * desk.tick
    order = desk.order(side, desk.lots(2), type=kind, price=price, stop_price=stop_price)
    desk.submit(order)
    desk.trial.poll(lambda: _known(desk, order), f"expected the {kind.value} to be acknowledged")
    expect(
        not desk.entry(order).cum_qty and desk.entry(order).working,
        f"expected the {side.value} {kind.value} at {stop_price} to wait with the market at {centre}, was "
        f"{desk.entry(order).updates[-1].exec_type.value if desk.entry(order).updates else 'silence'}",
    )
    return order


def _known(desk: Desk, order: Order) -> bool:
    """Return whether a stop was acknowledged: some brokers only list it and never say NEW."""
    said = any(update.exec_type is not ExecType.PENDING_NEW for update in desk.updates(order))
    return said or order.client_order_id in desk.open_ids()


def _move(desk: Desk, shift: int, printed: int, side: Side = Side.BUY) -> Decimal:
    """Move the market by ticks towards a stop of `side`, print a trade there, return what a taker pays."""
    quote = desk.market(shift=_sign(side) * shift)
    desk.print_trade(desk.trial.centre() + _sign(side) * printed * desk.tick)
    far = quote.ask if side is Side.BUY else quote.bid
    assert far is not None  # noqa: S101 - the tool has set it
    return far


@behaviour(
    "stop_waits",
    "A stop order waits until the market reaches its price",
    CRITICAL,
    steps=(
        "place a buy stop 6 ticks above the market, then a sell stop 6 ticks below it",
        "move quote and last trade up to 1 tick before the stop each time",
    ),
    passes_when="acknowledged and listed, no fill while the market stays before the stop",
    remedy="compare the stop price with the last trade (or the quote), not with the limit or the order's own",
    needs=("orders.stop",),
    methods=("market_data.inject",),
    references=("checks.md EX-09", "TC-E20 NautilusTrader exec testing spec"),
)
def stop_waits(desk: Desk) -> Finding:
    """Come near a stop of each side and see that it waits."""
    for side in (Side.BUY, Side.SELL):
        order = _stop(desk, OrderType.STOP, side)
        _move(desk, STOP_TICKS - 2, STOP_TICKS - 1, side)
        desk.untouched(order, f"the {side.value} stop to wait one tick before its price")
        desk.listing(order)
        desk.cancel(order)
    return passed("stops of both sides waited one tick before their price")


@behaviour(
    "stop_triggers",
    "A stop order trades when the market goes through its price",
    CRITICAL,
    steps=(
        "place a buy stop above the market, then a sell stop below",
        "move quote and last trade through it",
    ),
    passes_when="no fill before, FILLED each time, no fill worse than the quote shown then",
    remedy="watch the market for every working stop; check after each trade and quote",
    needs=("orders.stop",),
    methods=("market_data.inject",),
    references=("checks.md EX-09", "TC-E20 NautilusTrader exec testing spec", "Lean StopMarketOrderTests"),
)
def stop_triggers(desk: Desk) -> Finding:
    """Go through a stop of each side."""
    said = []
    for side in (Side.BUY, Side.SELL):
        order = _stop(desk, OrderType.STOP, side)
        desk.untouched(order, f"the {side.value} stop to wait for the market")
        far = _move(desk, STOP_TICKS + 3, STOP_TICKS + 2, side)
        desk.filled_end(order)
        for price in fill_prices(desk.entry(order)):
            good = price <= far if side is Side.BUY else price >= far
            expect(good, f"expected a {side.value} at {far} or better, was {price}")
            said.append(f"{side.value} at {price}")
    return passed(f"triggered and filled: {', '.join(said)}")


@behaviour(
    "stop_limit",
    "A stop limit order waits, becomes a limit order, and never trades beyond its limit",
    CRITICAL,
    steps=(
        "place a buy stop limit above the market, its limit 3 ticks above the stop",
        "move the market below the stop, then beyond the limit, then back to the limit",
    ),
    passes_when="no fill below the stop or beyond the limit, FILLED at the limit or better at last",
    remedy="on trigger send a limit order at the order's own limit, not a market order",
    needs=("orders.stop_limit",),
    methods=("market_data.inject",),
    references=("checks.md EX-09", "TC-E22 NautilusTrader exec testing spec", "Lean StopLimitOrderTests"),
)
def stop_limit(desk: Desk) -> Finding:
    """Jump over stop and limit, and come back."""
    order = _stop(desk, OrderType.STOP_LIMIT)
    _move(desk, STOP_TICKS - 2, STOP_TICKS - 1)
    desk.untouched(order, "the stop limit to wait one tick below its stop")
    _move(desk, LIMIT_TICKS + 4, LIMIT_TICKS + 4)
    desk.untouched(order, f"no fill beyond the limit {order.price}")
    _, limit = _move(desk, STOP_TICKS, STOP_TICKS), order.price
    desk.filled_end(order)
    worst = max(fill_prices(desk.entry(order)))
    expect(limit is not None and worst <= limit, f"expected fills at {limit} or better, was {worst}")
    return passed(f"waited beyond its limit, then filled at {worst}")


@behaviour(
    "stop_cancels",
    "A stop order that waits can be canceled and is dead afterwards",
    MAJOR,
    steps=("place a buy stop above the market", "cancel it", "move the market through its price"),
    passes_when="CANCELED, not listed, and no fill when the market goes through",
    remedy="take a canceled stop out of the set of stops that are watched",
    needs=("orders.stop",),
    methods=("market_data.inject",),
    references=("checks.md EX-09", "checks.md EX-11", "TC-E40 NautilusTrader exec testing spec"),
)
def stop_cancels(desk: Desk) -> Finding:
    """Cancel a stop, then go through it."""
    order = _stop(desk, OrderType.STOP)
    at_broker = desk.broker_holds()
    answer = desk.cancel(order)
    expect(answer.exec_type is ExecType.CANCELED, f"expected CANCELED, was {answer.exec_type.value}")
    desk.not_listed(order, "after it was canceled")
    _move(desk, STOP_TICKS + 3, STOP_TICKS + 2)
    desk.untouched(order, "a canceled stop to stay dead")
    expect_equal(desk.broker_holds(), at_broker, "position at the broker")
    return passed("canceled, and dead when the market went through")


BEHAVIOURS = (stop_waits, stop_triggers, stop_limit, stop_cancels)
