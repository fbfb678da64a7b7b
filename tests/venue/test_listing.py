"""Instruments that start trading after the opening."""

from __future__ import annotations

from decimal import Decimal

import pytest

from certify.errors import UsageError
from certify.model.trading import Instrument, Order, OrdStatus, Quote, Side
from certify.venue import CommissionSchedule, SimulatedVenue

from .conftest import Desk

LATE = Instrument("LATE.SIM")


@pytest.fixture
def venue() -> SimulatedVenue:
    made = SimulatedVenue([Instrument("ACME.SIM")], now_ns=lambda: 0, threaded=False)
    made.open_account("A", Decimal(10_000))
    return made


def buy(instrument: Instrument, qty: int, name: str = "1") -> Order:
    return Order(name, instrument.id, Side.BUY, Decimal(qty), price=Decimal("10.00"))


def test_a_late_instrument_trades_with_its_own_commission(venue: SimulatedVenue) -> None:
    desk = Desk()
    desk.session = venue.login("A", desk)
    desk.session.submit(buy(LATE, 10))
    assert desk.reports[-1].code == "UNKNOWN_INSTRUMENT"

    venue.list_instrument(LATE, CommissionSchedule(per_unit=Decimal(2), minimum_per_order=Decimal(0)))
    venue.set_market(Quote(LATE.id, Decimal("9.99"), Decimal(5), Decimal("10.00"), Decimal(50), 0))
    desk.session.submit(buy(LATE, 10, "2"))
    trade = desk.reports[-1]
    assert (trade.status, trade.last_px, trade.commission) == (
        OrdStatus.FILLED,
        Decimal("10.00"),
        Decimal(20),
    )
    assert desk.session.account().equity == Decimal(10_000) - 20 - Decimal("0.05")  # valued at the middle


def test_listing_again_changes_nothing(venue: SimulatedVenue) -> None:
    venue.list_instrument(LATE)
    venue.set_market(Quote(LATE.id, Decimal("9.99"), Decimal(5), Decimal("10.00"), Decimal(50), 0))
    venue.list_instrument(LATE)
    desk = Desk()
    desk.session = venue.login("A", desk)
    desk.session.subscribe(LATE.id, ["QUOTE"])
    assert desk.quotes[-1].ask == Decimal("10.00")


def test_money_is_not_made_finer(venue: SimulatedVenue) -> None:
    with pytest.raises(UsageError, match="finer"):
        venue.list_instrument(Instrument("DUST.SIM", lot=Decimal("0.00000001")))
    with pytest.raises(ValueError, match="positive"):
        venue.list_instrument(Instrument("BAD.SIM", tick=Decimal(0)))
