"""Several instruments at once: what is done in one leaves the others alone."""

from __future__ import annotations

from decimal import Decimal

from certify.model.trading import ExecType, Instrument, Order, Side
from certify.phases.api import Finding, expect, expect_equal, not_applicable, passed
from certify.phases.orders import CANCEL_ANSWERS, RESTING_DISTANCE, said, to_tick
from certify.phases.trading.desk import SLACK, Desk
from certify.phases.trading.family import CRITICAL, MAJOR, behaviour


def second(desk: Desk) -> Instrument | None:
    """Return the second instrument of the profile, if there is one."""
    instruments = desk.trial.plan.instruments
    return instruments[1] if len(instruments) > 1 else None


def buy(desk: Desk, instrument: Instrument, *, rests: bool) -> Order:
    """Return a buy of one lot of an instrument that rests, or trades at once."""
    quote = desk.trial.set_market(instrument=instrument.id)
    bid, ask = quote.bid or Decimal(0), quote.ask or Decimal(0)
    band = desk.trial.plan.limits.get("price_band")
    distance = min(RESTING_DISTANCE, band / 200) if band else RESTING_DISTANCE
    away = to_tick(bid * (1 - distance), instrument.tick, down=True)
    slack = Decimal(0) if desk.trial.can_set_market else ask * SLACK
    price = away if rests else to_tick(ask + slack, instrument.tick, down=False)
    return desk.order(Side.BUY, instrument.lot, price=price, instrument=instrument.id)


@behaviour(
    "instruments_apart",
    "What is traded in one instrument changes nothing in another",
    CRITICAL,
    steps=("rest a buy in the first instrument", "buy in the second", "look at positions and open_orders"),
    passes_when="only the second position grows, by exactly the fill; the first order still works",
    remedy="key orders, positions and prices by instrument",
    references=("checks.md EX-48", "checks.md EX-46"),
)
def instruments_apart(desk: Desk) -> Finding:
    """Trade in one, look at both."""
    other = second(desk)
    if other is None:
        return not_applicable("the profile names one instrument only")
    desk.market()
    held = (desk.held(), desk.position(other.id))
    resting = desk.rest(Side.BUY, desk.lots(1))
    order = buy(desk, other, rests=False)
    desk.submit(order)
    desk.filled(order)
    now = (held[0], held[1] + order.qty)
    desk.becomes(lambda: (desk.position(), desk.position(other.id)) == now)
    expect_equal((desk.position(), desk.position(other.id)), now, "positions of both instruments")
    desk.listed_with(resting)
    return passed(f"{order.qty} {other.id} bought, {resting.instrument} as before")


@behaviour(
    "cancel_all_instruments",
    "Cancel-all reaches the orders of every instrument",
    MAJOR,
    steps=("rest a buy in each of two instruments", "cancel_all"),
    passes_when="both orders CANCELED and gone from open_orders",
    remedy="go through all instruments with working orders",
    needs=("orders.cancel_all",),
    references=("checks.md EX-11", "TC-E41 NautilusTrader exec testing spec"),
)
def cancel_all_instruments(desk: Desk) -> Finding:
    """Cancel everything, everywhere."""
    other = second(desk)
    if other is None:
        return not_applicable("the profile names one instrument only")
    desk.market()
    orders = [desk.rest(Side.BUY, desk.lots(1)), buy(desk, other, rests=True)]
    answer = desk.place(orders[1])
    expect(answer.exec_type is ExecType.NEW, f"expected a resting order to be NEW, was {said(answer)}")
    desk.cancel_all()
    for order in orders:
        answer = desk.answer(order, CANCEL_ANSWERS)
        expect(answer.exec_type is ExecType.CANCELED, f"expected CANCELED, was {said(answer)}")
        desk.not_listed(order, "after cancel_all")
    return passed("orders of both instruments canceled")


BEHAVIOURS = (instruments_apart, cancel_all_instruments)
