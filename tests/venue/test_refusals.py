"""Rejected orders, cancels and replaces, by example; each leaves everything as it was."""

from decimal import Decimal

import pytest

from certify.errors import UsageError
from certify.model.trading import OrdStatus, Quote, Trade

BAD_ORDERS = {
    "off the tick": ("TICK", {"price": "10.005"}),
    "stop off the tick": ("TICK", {"price": None, "type": "STOP", "stop": "10.005"}),
    "off the lot": ("LOT", {"qty": "1.5"}),
    "price of zero": ("PRICE", {"price": 0}),
    "negative price": ("PRICE", {"price": -1}),
    "price that is no number": ("PRICE", {"price": "NaN"}),
    "infinite price": ("PRICE", {"price": "Infinity"}),
    "missing price": ("PRICE", {"price": None, "type": "LIMIT"}),
    "missing price of a stop limit": ("PRICE", {"price": None, "type": "STOP_LIMIT", "stop": "10"}),
    "price on a market order": ("PRICE", {"type": "MARKET"}),
    "missing stop": ("STOP_PRICE", {"price": None, "type": "STOP"}),
    "negative stop": ("STOP_PRICE", {"price": None, "type": "STOP", "stop": -1}),
    "stop on a limit order": ("STOP_PRICE", {"stop": "10"}),
    "quantity of zero": ("QTY", {"qty": 0}),
    "negative quantity": ("QTY", {"qty": -10}),
    "unknown instrument": ("UNKNOWN_INSTRUMENT", {"instrument": "NONE.SIM"}),
    "another's account": ("ACCOUNT", {"account": "bob"}),
    "GTD without expiry": ("EXPIRE_TIME", {"tif": "GTD"}),
    "GTD that has expired": ("EXPIRE_TIME", {"tif": "GTD", "expire": 1}),
}


@pytest.mark.parametrize(("code", "change"), BAD_ORDERS.values(), ids=BAD_ORDERS)
def test_a_bad_order_is_rejected_with_code_and_reason(alice, code, change):
    before = alice.session.account()
    order = alice.buy(**{"qty": 10, "price": "10.00", **change})
    assert alice.heard(order) == ["REJECTED"]
    update = alice.last(order)
    assert (update.status, update.code, update.leaves_qty) == (OrdStatus.REJECTED, code, 0)
    assert update.reason
    assert alice.session.open_orders() == []
    assert alice.session.account() == before


def test_a_quantity_must_be_whole_lots_of_its_instrument(alice):
    alice.buy(15, "100.25", instrument="GLOBEX.SIM")
    assert alice.last().code == "LOT"
    alice.buy(20, "100.30", instrument="GLOBEX.SIM")
    assert alice.last().code == "TICK"
    alice.buy(20, "100.25", instrument="GLOBEX.SIM")
    assert alice.last().status is OrdStatus.NEW


def test_an_order_in_a_foreign_currency_is_rejected(floor, alice):
    floor.venue.open_account("eve", Decimal(1000), "EUR")
    session = floor.venue.login("eve", alice)
    alice.session = session
    alice.buy(10, "10.00")
    assert alice.last().code == "CURRENCY"


def test_a_client_order_id_is_used_once_whatever_became_of_it(alice, bob):
    alice.buy(10, "10.00", id="x")
    alice.session.cancel("x", "ACME.SIM")
    alice.buy(10, "10.005", id="y")
    for client_order_id in ("x", "y"):
        alice.buy(10, "10.00", id=client_order_id)
        assert alice.last().code == "DUPLICATE_ORDER_ID"
    bob.buy(10, "10.00", id="x")
    assert bob.last().status is OrdStatus.NEW


def test_nothing_is_taken_while_the_session_is_closed(floor, alice):
    gtc = alice.buy(10, "10.00", tif="GTC")
    floor.venue.close_session()
    alice.buy(10, "10.00")
    assert alice.last().code == "CLOSED"
    alice.session.modify(gtc, Decimal(5))
    assert alice.last(gtc).code == "CLOSED"
    alice.session.cancel(gtc, "ACME.SIM")
    assert alice.heard(gtc) == ["NEW", "REPLACE_REJECTED", "CANCELED"]
    floor.venue.open_session()
    alice.buy(10, "10.00")
    assert alice.last().status is OrdStatus.NEW


def test_a_halt_rejects_new_orders_and_replaces_but_lets_cancel(floor, alice):
    order = alice.buy(10, "10.00")
    floor.venue.halt("ACME.SIM")
    alice.buy(10, "10.00")
    assert alice.last().code == "HALTED"
    alice.session.modify(order, Decimal(5))
    assert alice.last().code == "HALTED"
    alice.buy(10, "100.00", instrument="GLOBEX.SIM")
    assert alice.last().status is OrdStatus.NEW
    alice.session.cancel(order, "ACME.SIM")
    assert alice.last().status is OrdStatus.CANCELED


def test_what_comes_during_a_halt_takes_effect_at_the_resume(floor, alice):
    order = alice.sell(10, "10.00")
    stop = alice.buy(10, type="STOP", stop="10.50")
    floor.venue.halt("ACME.SIM")
    floor.market("10.01", 100, "10.02", 100)
    floor.trade("10.60")
    assert alice.heard(order) == alice.heard(stop) == ["NEW"]
    floor.venue.resume("ACME.SIM")
    assert alice.fills(order) == [(10, Decimal("10.00"))]
    assert alice.fills(stop) == [(10, Decimal("10.02"))]


def test_the_house_leaves_at_the_close_and_is_back_at_the_open(floor, alice):
    floor.market("9.99", 100, "10.00", 100)
    alice.session.subscribe("ACME.SIM", ["QUOTE"])
    floor.venue.close_session()
    assert (alice.quotes[-1].bid, alice.quotes[-1].ask) == (None, None)
    floor.market("10.99", 100, "11.00", 100)
    assert alice.quotes[-1].ask is None
    floor.venue.open_session()
    assert alice.quotes[-1].ask == Decimal("11.00")
    assert [quote.seq for quote in alice.quotes] == [1, 2, 3]


def test_cancel_of_an_unknown_order(alice, bob):
    bob.buy(10, "10.00", id="his")
    for client_order_id, instrument in (("none", "ACME.SIM"), ("his", "ACME.SIM")):
        alice.session.cancel(client_order_id, instrument)
        assert (alice.last().exec_type, alice.last().code) == ("CANCEL_REJECTED", "UNKNOWN_ORDER")
        assert alice.last().status is OrdStatus.REJECTED
    bob.session.cancel("his", "GLOBEX.SIM")
    assert bob.last().code == "UNKNOWN_ORDER"


def test_cancel_and_replace_of_an_ended_order_come_too_late(alice):
    ended = alice.buy(10, "10.00")
    rejected = alice.buy(10, "10.005")
    alice.session.cancel(ended, "ACME.SIM")
    for order, status in ((ended, OrdStatus.CANCELED), (rejected, OrdStatus.REJECTED)):
        alice.session.cancel(order, "ACME.SIM")
        assert (alice.last().exec_type, alice.last().code) == ("CANCEL_REJECTED", "TOO_LATE")
        alice.session.modify(order, Decimal(5))
        assert (alice.last().exec_type, alice.last().code) == ("REPLACE_REJECTED", "TOO_LATE")
        assert alice.last().status is status


def test_cancel_all_cancels_the_accounts_orders_everywhere(alice, bob):
    mine = [alice.buy(10, "10.00"), alice.sell(10, type="STOP", stop="9.00")]
    mine.append(alice.buy(10, "100.00", instrument="GLOBEX.SIM"))
    his = bob.buy(10, "10.00")
    alice.session.cancel_all()
    assert [alice.last(order).status for order in mine] == [OrdStatus.CANCELED] * 3
    assert alice.session.open_orders() == []
    assert bob.heard(his) == ["NEW"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "NOTHING_TO_CHANGE"),
        ({"qty": Decimal("1.5")}, "LOT"),
        ({"qty": Decimal(0)}, "QTY"),
        ({"price": Decimal("10.005")}, "TICK"),
        ({"price": Decimal(0)}, "PRICE"),
        ({"qty": Decimal(29)}, "BELOW_CUM_QTY"),
    ],
)
def test_a_bad_replace_is_rejected_and_the_order_stands(floor, alice, change, code):
    floor.market("9.99", 100, "10.00", 30)
    order = alice.buy(100, "10.00")
    standing = alice.session.open_orders()
    alice.session.modify(order, **change)
    update = alice.last(order)
    assert (update.exec_type, update.code) == ("REPLACE_REJECTED", code)
    assert (update.status, update.qty, update.leaves_qty) == (OrdStatus.PARTIALLY_FILLED, 100, 70)
    assert alice.session.open_orders() == standing


def test_a_stop_has_no_limit_price_to_replace(alice):
    order = alice.buy(10, type="STOP", stop="10.00")
    alice.session.modify(order, price=Decimal("10.00"))
    assert alice.last().code == "PRICE"
    alice.session.modify("none", Decimal(1))
    assert alice.last().code == "UNKNOWN_ORDER"


@pytest.mark.parametrize("rate", ["0", "0.05", "1"])
def test_the_venue_rejects_its_share_of_good_orders(new_floor, rate):
    floor = new_floor(reject_rate=Decimal(rate), seed=3)
    desk = floor.desk("alice")
    for _ in range(1000):
        desk.buy(10, "10.00")
    rejected = [u for u in desk.reports if u.code == "VENUE_REJECT"]
    expected = int(1000 * Decimal(rate))
    assert abs(len(rejected) - expected) <= (25 if rate == "0.05" else 0)


@pytest.mark.parametrize(
    "quote",
    [
        ("NONE.SIM", "9", 10, "10", 10),
        ("ACME.SIM", "10", 10, "10", 10),
        ("ACME.SIM", "11", 10, "10", 10),
        ("ACME.SIM", "9.001", 10, "10", 10),
        ("ACME.SIM", "-9", 10, "10", 10),
        ("ACME.SIM", "9", "1.5", "10", 10),
    ],
)
def test_a_house_quote_must_be_possible(floor, quote):
    name, bid, bid_size, ask, ask_size = quote
    with pytest.raises(UsageError):
        floor.venue.set_market(
            Quote(name, Decimal(bid), Decimal(bid_size), Decimal(ask), Decimal(ask_size), 0)
        )


def test_what_the_driver_gets_wrong_is_said(floor, alice):
    calls = [
        lambda: floor.venue.bust("X1"),
        lambda: floor.venue.halt("NONE.SIM"),
        lambda: floor.venue.print_trade(Trade("ACME.SIM", Decimal(0), Decimal(1), 0)),
        lambda: floor.venue.open_account("alice", Decimal(1)),
        lambda: floor.venue.login("nobody", alice),
        lambda: floor.venue.open_account("new", Decimal("0.000000000001")),
        lambda: alice.session.subscribe("NONE.SIM", ["QUOTE"]),
        lambda: alice.session.subscribe("ACME.SIM", ["NEWS"]),
    ]
    for call in calls:
        with pytest.raises(UsageError):
            call()


def test_a_stop_canceled_between_its_trigger_and_the_resume_does_not_trade(floor, alice):
    floor.market("9.99", 100, "10.00", 100)
    stop = alice.buy(10, type="STOP", stop="10.50")
    floor.venue.halt("ACME.SIM")
    floor.trade("10.60")
    alice.session.cancel(stop, "ACME.SIM")
    floor.venue.resume("ACME.SIM")
    assert alice.heard(stop) == ["NEW", "CANCELED"]
    assert alice.held() == 0


def test_cancel_all_is_quoted(alice):
    alice.buy(10, "10.00")
    alice.session.subscribe("ACME.SIM", ["QUOTE"])
    alice.session.cancel_all()
    assert [quote.bid for quote in alice.quotes] == [Decimal("10.00"), None]
