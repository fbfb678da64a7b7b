"""Every order type and time in force, by example."""

from decimal import Decimal

import pytest

from certify.model.trading import OrderType, OrdStatus


def test_a_limit_order_rests_and_is_quoted(floor, alice):
    alice.session.subscribe("ACME.SIM", ["QUOTE"])
    alice.buy(100, "10.00")
    assert alice.last().status is OrdStatus.NEW
    assert alice.last().leaves_qty == 100
    assert (alice.quotes[-1].bid, alice.quotes[-1].bid_size, alice.quotes[-1].ask) == (
        Decimal("10.00"),
        100,
        None,
    )


def test_a_crossing_limit_order_trades_at_the_resting_price(alice, bob):
    sell = alice.sell(100, "10.00")
    buy = bob.buy(100, "10.05")
    assert bob.heard(buy) == ["NEW", "TRADE"]
    assert bob.fills(buy) == alice.fills(sell) == [(100, Decimal("10.00"))]
    assert bob.last().status is alice.last().status is OrdStatus.FILLED


def test_better_prices_first_then_older_orders(floor, alice, bob):
    late = floor.desk("carol")
    second = alice.sell(10, "10.01")
    third = late.sell(10, "10.01")
    first = late.sell(10, "10.00")
    buy = bob.buy(25, "10.01")
    assert bob.fills(buy) == [(10, Decimal("10.00")), (10, Decimal("10.01")), (5, Decimal("10.01"))]
    assert late.last(first).status is alice.last(second).status is OrdStatus.FILLED
    assert late.last(third).leaves_qty == 5


def test_a_partial_fill_leaves_the_rest_working_with_its_average(floor, alice):
    floor.market("9.99", 100, "10.00", 30)
    buy = alice.buy(100, "10.01")
    update = alice.last(buy)
    assert (update.status, update.cum_qty, update.leaves_qty) == (OrdStatus.PARTIALLY_FILLED, 30, 70)
    floor.market("10.00", 100, "10.01", 10)
    assert alice.fills(buy) == [(30, Decimal("10.00")), (10, Decimal("10.01"))]
    assert alice.last(buy).avg_px == Decimal("10.0025")


def test_displayed_size_is_consumed_and_quoted(floor, alice):
    floor.market("9.99", 100, "10.00", 30)
    alice.session.subscribe("ACME.SIM", ["QUOTE", "BOOK"])
    alice.buy(10)
    assert alice.quotes[-1].ask_size == 20
    assert alice.books[-1].asks == ((Decimal("10.00"), 20),)
    alice.buy(20)
    assert alice.quotes[-1].ask is None


def test_a_market_order_without_liquidity_is_canceled_with_a_reason(floor, alice):
    floor.market("9.99", 100, "10.00", 30)
    buy = alice.buy(50)
    assert alice.heard(buy) == ["NEW", "TRADE", "CANCELED"]
    update = alice.last(buy)
    assert (update.code, update.cum_qty, update.leaves_qty) == ("NO_LIQUIDITY", 30, 0)
    assert update.price is None
    assert update.reason


@pytest.mark.parametrize(("size", "heard"), [(50, ["NEW", "TRADE"]), (30, ["NEW", "TRADE", "CANCELED"])])
def test_ioc_takes_what_is_there(floor, alice, size, heard):
    floor.market("9.99", 100, "10.00", size)
    buy = alice.buy(50, "10.00", tif="IOC")
    assert alice.heard(buy) == heard
    assert alice.session.open_orders() == []


def test_ioc_without_a_match_is_canceled(floor, alice):
    floor.market("9.99", 100, "10.00", 100)
    buy = alice.buy(50, "9.99", tif="IOC")
    assert alice.heard(buy) == ["NEW", "CANCELED"]
    assert alice.last(buy).code == "IOC"


@pytest.mark.parametrize(("qty", "heard"), [(80, ["NEW", "TRADE", "TRADE"]), (81, ["NEW", "CANCELED"])])
@pytest.mark.parametrize("price", ["10.01", None])
def test_fok_is_all_or_nothing(floor, alice, bob, qty, heard, price):
    floor.market("9.99", 100, "10.00", 50)
    bob.sell(30, "10.01")
    buy = alice.buy(qty, price, tif="FOK")
    assert alice.heard(buy) == heard
    assert sum(lots for lots, _ in alice.fills(buy)) == (80 if qty == 80 else 0)
    if qty == 81:
        assert alice.last(buy).code == "FOK"


def test_fok_does_not_count_on_its_own_account(floor, alice):
    floor.market("9.99", 100, "10.01", 50)
    resting = alice.sell(50, "10.00")
    buy = alice.buy(100, "10.01", tif="FOK")
    assert alice.heard(buy) == ["NEW", "CANCELED"]
    assert alice.heard(resting) == ["NEW"]


@pytest.mark.parametrize(
    ("side", "stop", "quiet", "loud"), [("BUY", "10.05", "10.04", "10.05"), ("SELL", "9.95", "9.96", "9.95")]
)
def test_a_stop_waits_for_a_trade_and_becomes_a_market_order(floor, alice, side, stop, quiet, loud):
    floor.market("9.99", 100, "10.00", 100)
    order = alice.order(side, 10, type="STOP", stop=stop)
    floor.trade(quiet)
    assert alice.heard(order) == ["NEW"]
    assert alice.session.open_orders()[0].stop_price == Decimal(stop)
    floor.trade(loud)
    assert alice.fills(order) == [(10, Decimal("10.00") if side == "BUY" else Decimal("9.99"))]


def test_a_quote_does_not_trigger_a_stop(floor, alice):
    stop = alice.buy(10, type="STOP", stop="10.05")
    floor.market("10.10", 100, "10.11", 100)
    assert alice.heard(stop) == ["NEW"]


def test_a_trade_between_ticks_triggers_only_what_it_reaches(floor, alice):
    floor.market("9.99", 100, "10.00", 100)
    above = alice.buy(10, type="STOP", stop="10.05")
    floor.trade("10.045")
    assert alice.heard(above) == ["NEW"]
    floor.trade("10.055")
    assert alice.heard(above) == ["NEW", "TRADE"]


def test_a_stop_that_the_last_trade_has_passed_triggers_at_once(floor, alice):
    floor.market("9.99", 100, "10.00", 100)
    floor.trade("10.05")
    assert alice.heard(alice.buy(10, type="STOP", stop="10.00")) == ["NEW", "TRADE"]


def test_a_triggered_stop_limit_rests_at_its_limit(floor, alice):
    floor.market("9.99", 100, "10.10", 100)
    order = alice.buy(10, "10.05", type="STOP_LIMIT", stop="10.00")
    floor.trade("10.00")
    assert alice.heard(order) == ["NEW"]
    alice.session.subscribe("ACME.SIM", ["QUOTE"])
    assert alice.quotes[-1].bid == Decimal("10.05")


def test_stops_set_one_another_off_nearest_first(floor, alice, bob):
    floor.market("9.90", 100, "10.00", 10)
    bob.sell(10, "10.03")
    bob.sell(10, "10.06")
    far = alice.buy(10, type="STOP", stop="10.02")
    near = alice.buy(10, type="STOP", stop="10.01")
    floor.trade("10.01")
    assert alice.fills(near) == [(10, Decimal("10.00"))]
    assert alice.fills(far) == []
    alice.buy(10)
    assert alice.fills(far) == [(10, Decimal("10.06"))]


def test_day_orders_expire_at_the_close_and_gtc_orders_stay(floor, alice):
    day, gtc = alice.buy(10, "10.00"), alice.buy(10, "9.00", tif="GTC")
    stop = alice.buy(10, type="STOP", stop="11.00")
    floor.venue.close_session()
    assert alice.heard(day) == alice.heard(stop) == ["NEW", "EXPIRED"]
    assert alice.last(day).status is OrdStatus.EXPIRED
    assert [u.client_order_id for u in alice.session.open_orders()] == [gtc]


def test_gtd_expires_when_it_is_due_and_not_before(floor, alice):
    order = alice.buy(10, "10.00", tif="GTD", expire=floor.now + 10)
    floor.now += 9
    floor.venue.advance()
    assert alice.heard(order) == ["NEW"]
    floor.now += 1
    floor.venue.advance()
    assert alice.heard(order) == ["NEW", "EXPIRED"]
    assert alice.last(order).code == "GTD_EXPIRED"


def test_an_expired_gtd_order_cannot_trade_even_before_anyone_looks(floor, alice, bob):
    order = alice.buy(10, "10.00", tif="GTD", expire=floor.now + 10)
    floor.now += 10
    bob.sell(10, "10.00")
    assert alice.heard(order) == ["NEW", "EXPIRED"]


def test_an_order_never_trades_with_its_own_account(alice, bob):
    own = alice.sell(10, "10.00")
    other = bob.sell(10, "10.01")
    buy = alice.buy(10, "10.01")
    assert alice.heard(own) == ["NEW", "CANCELED"]
    assert alice.last(own).code == "SELF_MATCH"
    assert alice.fills(buy) == bob.fills(other) == [(10, Decimal("10.01"))]


def test_the_house_fills_customers_whom_its_quote_crosses(floor, alice):
    order = alice.sell(50, "10.00")
    alice.session.subscribe("ACME.SIM", ["QUOTE"])
    floor.market("10.02", 30, "10.03", 100)
    assert alice.fills(order) == [(30, Decimal("10.00"))]
    quote = alice.quotes[-1]
    assert (quote.bid, quote.ask, quote.ask_size) == (None, Decimal("10.00"), 20)


def test_a_house_order_that_only_shrinks_keeps_its_place(floor, alice, bob):
    floor.market("9.99", 100, "10.00", 100)
    behind = bob.sell(10, "10.00")
    floor.market("9.99", 100, "10.00", 50)
    alice.buy(50, "10.00")
    assert bob.heard(behind) == ["NEW"]
    floor.market("9.99", 100, "10.00", 60)
    alice.buy(10, "10.00")
    assert bob.heard(behind) == ["NEW", "TRADE"]


@pytest.mark.parametrize("kind", list(OrderType))
def test_a_report_says_what_the_venue_holds(floor, alice, kind):
    order = alice.buy(
        10,
        "10.05" if "LIMIT" in kind.value else None,
        type=kind.value,
        stop="10.00" if "STOP" in kind.value else None,
    )
    new = alice.reports[0]
    assert (new.client_order_id, new.type, new.qty, new.account) == (order, kind, 10, "alice")
    assert new.price == (Decimal("10.05") if "LIMIT" in kind.value else None)
    assert new.stop_price == (Decimal("10.00") if "STOP" in kind.value else None)
    assert new.ts_event_ns == floor.now
    assert new.broker_order_id
