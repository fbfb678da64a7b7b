"""Corrections and fills by hidden liquidity at the venue: the money stays right."""

from __future__ import annotations

from decimal import Decimal

import pytest

from certify.errors import UsageError
from certify.model.trading import Instrument, Order, OrderType, Quote, Side
from certify.venue import SimulatedVenue
from certify.venue.corrections import correct, fill

D = Decimal


class Listener:
    def __init__(self):
        self.reports = []
        self.trades = []

    def on_report(self, update):
        self.reports.append(update)

    def on_quote(self, quote):
        pass

    def on_trade(self, trade):
        self.trades.append(trade)

    def on_book(self, book):
        pass


@pytest.fixture
def venue():
    venue = SimulatedVenue([Instrument("ACME.SIM")], now_ns=lambda: 1_000, threaded=False)
    venue.open_account("A", D(100_000))
    venue.open_account("B", D(100_000))
    return venue


def quote(bid, ask):
    return Quote("ACME.SIM", D(bid), D(1000), D(ask), D(1000), 1_000)


def test_a_corrected_price_changes_cash_and_cost_of_both_sides_and_nothing_else(venue):
    one, other = Listener(), Listener()
    buyer, seller = venue.login("A", one), venue.login("B", other)
    seller.submit(Order("s", "ACME.SIM", Side.SELL, D(100), price=D("10.00")))
    buyer.submit(Order("b", "ACME.SIM", Side.BUY, D(100), price=D("10.00")))
    buyer.submit(Order("b2", "ACME.SIM", Side.BUY, D(100), price=D("9.00")))
    before = {s.account_id: s.account().cash for s in (buyer, seller)}
    trade = next(u for u in one.reports if u.exec_id)
    assert len(correct(venue, trade.exec_id, D("10.50"))) == 2
    assert buyer.account().cash == before["A"] - 50
    assert seller.account().cash == before["B"] + 50
    assert buyer.positions()[0].avg_px == D("10.50")
    assert seller.positions()[0].avg_px == D("10.50")
    assert buyer.positions()[0].qty == 100


def test_a_correction_of_a_closed_position_changes_what_it_realised(venue):
    listener = Listener()
    session = venue.login("A", listener)
    venue.set_market(quote("9.99", "10.00"))
    session.submit(Order("b", "ACME.SIM", Side.BUY, D(100), type=OrderType.MARKET))
    session.submit(Order("s", "ACME.SIM", Side.SELL, D(100), type=OrderType.MARKET))
    assert session.account().realized_pnl == D(-1)
    first = next(u for u in listener.reports if u.exec_id)
    correct(venue, first.exec_id, D("9.90"))
    account = session.account()
    assert account.realized_pnl == D(9)
    assert account.equity == D(100_000) + 9 - account.commissions
    venue.bust(first.exec_id)
    assert session.positions()[0].qty == -100


def test_what_cannot_be_corrected_is_refused(venue):
    listener = Listener()
    session = venue.login("A", listener)
    venue.set_market(quote("9.99", "10.00"))
    session.submit(Order("b", "ACME.SIM", Side.BUY, D(100), type=OrderType.MARKET))
    exec_id = next(u for u in listener.reports if u.exec_id).exec_id
    for bad in (D(0), D("9.999"), D(-1)):
        with pytest.raises(UsageError):
            correct(venue, exec_id, bad)
    venue.bust(exec_id)
    with pytest.raises(UsageError, match="no execution"):
        correct(venue, exec_id, D(10))


def test_hidden_liquidity_fills_a_resting_order_at_its_price_and_prints(venue):
    listener = Listener()
    session = venue.login("A", listener)
    session.subscribe("ACME.SIM", ["TRADE"])
    venue.set_market(quote("9.99", "10.00"))
    session.submit(Order("b", "ACME.SIM", Side.BUY, D(100), price=D("9.00")))
    fill(venue, "A", "b", D(40), D("9.00"))
    assert [u.leaves_qty for u in session.open_orders()] == [60]
    with pytest.raises(UsageError, match="worse"):
        fill(venue, "A", "b", D(60), D("9.01"))
    fill(venue, "A", "b", D(100), D("8.90"))
    assert session.open_orders() == []
    assert [(t.price, t.size) for t in listener.trades] == [(D("9.00"), 40), (D("8.90"), 60)]
    assert session.positions()[0].qty == 100
    with pytest.raises(UsageError, match="no working order"):
        fill(venue, "A", "b", D(1), D("9.00"))
