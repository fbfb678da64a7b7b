"""Orders that must be refused: as they are, with a reason, and never made to fit."""

from __future__ import annotations

from decimal import Decimal

from certify.model.trading import ExecType, Order, OrderType, Side
from certify.phases.api import Finding, expect, expect_equal, passed
from certify.phases.orders import ANSWERED, said
from certify.phases.trading.desk import Desk, without
from certify.phases.trading.family import ALL_MODES, CRITICAL, MAJOR, behaviour

UNKNOWN_INSTRUMENT = "NOSUCH.CERTIFY"


@behaviour(
    "off_tick",
    "A price off the tick is refused, never rounded in silence",
    MAJOR,
    steps=("send a buy limit half a tick off the grid, and a sell limit of what is held",),
    passes_when="REJECTED with a code or reason each time; nothing is listed",
    remedy="refuse a price that is not a multiple of the tick; do not move it",
    references=("checks.md EX-33", "TWS API error 110"),
    modes=ALL_MODES,
)
def off_tick(desk: Desk) -> Finding:
    """Send prices between two ticks."""
    desk.market()
    desk.refused(desk.order(price=desk.resting_price(Side.BUY) + desk.tick / 2), "a price off the tick")
    desk.trade(Side.BUY, desk.lots(1))
    price = desk.resting_price(Side.SELL) + desk.tick / 10
    desk.refused(desk.order(Side.SELL, price=price), "a price off the tick")
    return passed("prices off the tick were refused")


@behaviour(
    "off_lot",
    "A quantity off the lot, zero or negative is refused",
    MAJOR,
    steps=("send buy limits of 1.5 lots, half a lot, 0 and -1 lot",),
    passes_when="REJECTED with a code or reason each time; nothing is listed",
    remedy="refuse a quantity that is not a positive multiple of the lot; do not round it",
    references=("checks.md EX-33", "Nautilus denied codes"),
)
def off_lot(desk: Desk) -> Finding:
    """Send quantities that cannot be."""
    desk.market()
    lot = desk.lots(1)
    for qty in (lot * 3 / 2, lot / 2, Decimal(0), -lot):
        desk.refused(without(desk.order(), qty=qty), f"a quantity of {qty}")
    return passed("quantities that are no positive multiple of the lot were refused")


@behaviour(
    "bad_price",
    "A limit price that is missing, zero or negative is refused",
    MAJOR,
    steps=("send buy limits without a price, at 0 and at a negative price",),
    passes_when="REJECTED with a code or reason each time; nothing is listed",
    remedy="check prices before anything else is done with them; none is not 0, and 0 is not market",
    references=("checks.md EX-33", "checks.md EX-26"),
)
def bad_price(desk: Desk) -> Finding:
    """Send prices that cannot be."""
    desk.market()
    for price in (None, Decimal(0), -desk.resting_price()):
        desk.refused(without(desk.order(), price=price), f"a limit price of {price}")
    return passed("limit prices of none, zero and below zero were refused")


@behaviour(
    "unknown_instrument",
    "An order in an instrument that does not exist is refused",
    MAJOR,
    steps=(f"send a buy limit of {UNKNOWN_INSTRUMENT}",),
    passes_when="REJECTED with a code or reason; nothing is listed",
    remedy="look an instrument up before sending; end the order when it is not found",
    references=("checks.md EX-37", "TWS API error 200"),
)
def unknown_instrument(desk: Desk) -> Finding:
    """Order what does not exist."""
    desk.market()
    order = desk.order(instrument=UNKNOWN_INSTRUMENT, price=desk.resting_price())
    answer = desk.refused(order, "an unknown instrument")
    return passed(f"refused: {said(answer)}")


@behaviour(
    "missing_stop",
    "A stop order without a stop price is refused",
    MAJOR,
    steps=("send a buy stop without a stop price",),
    passes_when="REJECTED with a code or reason; no fill",
    remedy="a stop order without its trigger is no market order",
    needs=("orders.stop",),
    references=("checks.md EX-33", "checks.md EX-26"),
)
def missing_stop(desk: Desk) -> Finding:
    """Send a stop order that never says when."""
    desk.market()
    desk.refused(desk.order(type=OrderType.STOP), "no stop price")
    return passed("refused")


@behaviour(
    "duplicate_id",
    "A client order id that is in use, or was used, is refused and the first order stays as it is",
    CRITICAL,
    steps=(
        "rest a buy limit, send its id again with another price and quantity",
        "cancel it, send its id again",
    ),
    passes_when="REJECTED with a code or reason each time; the first order keeps its terms, then its end",
    remedy="keep every id ever used; look it up before anything else is done with an order",
    references=("FIX 4.4 vol 4 E.1.a (PossDup, ClOrdID)", "checks.md EX-22", "checks.md EX-28"),
    modes=ALL_MODES,
)
def duplicate_id(desk: Desk) -> Finding:
    """Use an id again while its order works, and after it has ended."""
    desk.market()
    first = desk.rest(Side.BUY, desk.lots(2))
    assert first.price is not None  # noqa: S101 - a limit order
    again = without(first, qty=desk.lots(1), price=first.price - desk.tick)
    refuse_repeat(desk, again, "in use")
    desk.listed_with(first)
    desk.cancel(first)
    refuse_repeat(desk, again, "used before")
    desk.not_listed(first, "after its id was sent again")
    expect_equal(desk.entry(first).cum_qty, Decimal(0), "filled")
    return passed("refused while in use and after; the first order was not touched")


def refuse_repeat(desk: Desk, again: Order, why: str) -> None:
    """Send an id that was used before and fail unless it is REJECTED with a reason."""
    seen = len(desk.updates(again))
    desk.submit(again)
    answer = desk.answer(again, ANSWERED, since=seen)
    expect(
        answer.exec_type is ExecType.REJECTED,
        f"expected an id {why} to be REJECTED, was {said(answer)} as {answer.qty} @ {answer.price}",
    )
    desk.expect_reason(answer)


BEHAVIOURS = (off_tick, off_lot, bad_price, unknown_instrument, missing_stop, duplicate_id)
