"""A venue that runs for weeks: what it forgets, what it keeps, and the short questions about it."""

from decimal import Decimal

import pytest

from certify.errors import UsageError
from certify.venue import forget_past, held_values, house_prices


def equity(venue, account):
    cash, held = held_values(venue, account)
    return cash + sum(value for _, value in held.values())


def test_positions_cash_and_working_orders_outlive_the_past(floor, alice, bob):
    resting = alice.sell(100, "10.10")
    bob.buy(40, "10.10")
    gone = alice.buy(10, "9.00")
    alice.session.cancel(gone, "ACME.SIM")
    before = [(d.session.positions(), d.session.account()) for d in (alice, bob)]
    forget_past(floor.venue)
    assert [(d.session.positions(), d.session.account()) for d in (alice, bob)] == before
    assert [u.client_order_id for u in alice.session.open_orders()] == [resting]
    assert alice.session.executions() == bob.session.executions() == []
    bob.buy(60, "10.10")
    assert alice.heard(resting)[-1] == "TRADE"
    assert bob.held() == 100


def test_what_is_forgotten_cannot_be_busted_and_what_came_after_can(floor, alice, bob):
    alice.sell(100, "10.00")
    bob.buy(100, "10.00")
    forgotten = bob.last().exec_id
    forget_past(floor.venue)
    with pytest.raises(UsageError, match=forgotten):
        floor.venue.bust(forgotten)
    [held], money = bob.session.positions(), bob.session.account().cash
    alice.sell(50, "11.00")
    bob.buy(50, "11.00")
    floor.venue.bust(bob.last().exec_id)
    assert bob.session.positions()[0].avg_px == held.avg_px == Decimal(10)
    assert (bob.held(), bob.session.account().cash) == (100, money)


def test_an_order_that_has_ended_leaves_its_id_free(floor, alice):
    for _ in range(2):
        floor.market("9.99", 100, "10.00", 100)
        alice.buy(10, "10.00", id="again")
        assert alice.heard("again")[-1] == "TRADE"
        forget_past(floor.venue)


def test_an_order_with_a_far_end_goes_when_it_is_cancelled_and_ends_when_it_works(floor, alice):
    gone, kept = (alice.buy(10, "9.00", tif="GTD", expire=floor.now + later) for later in (50, 60))
    alice.session.cancel(gone, "ACME.SIM")
    forget_past(floor.venue)
    floor.now += 100
    floor.venue.advance()
    assert (alice.heard(gone)[-1], alice.heard(kept)[-1]) == ("CANCELED", "EXPIRED")


def test_the_short_way_to_equity_says_what_the_session_says(floor, alice, bob):
    alice.sell(100, "10.00")
    bob.buy(100, "10.00")
    for market in (("9.99", 100, "10.03", 100), ("12.00", 100, "12.01", 100)):
        floor.market(*market)
        for desk in (alice, bob):
            state = desk.session.account()
            assert equity(floor.venue, state.account) == state.equity
    assert held_values(floor.venue, "alice")[1]["ACME.SIM"][0] == -100


def test_the_prices_of_the_house_are_not_those_of_customers(floor, alice):
    assert house_prices(floor.venue, "ACME.SIM") == (None, None)
    floor.market("9.99", 100, "10.03", 100)
    alice.buy(10, "10.01")
    assert house_prices(floor.venue, "ACME.SIM") == (Decimal("9.99"), Decimal("10.03"))
    alice.buy(100, "10.03")
    assert house_prices(floor.venue, "ACME.SIM") == (Decimal("9.99"), None)
