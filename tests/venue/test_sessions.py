"""Links and feeds: who hears what, when, on which thread."""

import pickle
import threading
from dataclasses import FrozenInstanceError, fields
from decimal import Decimal

import pytest

from certify import clock
from certify.errors import SystemUnavailable
from certify.model.trading import Instrument, Order, OrderUpdate, Quote, Side, TimeInForce
from certify.venue import SimulatedVenue

MS = clock.NS_PER_MS


def test_a_closed_link_hears_nothing_and_orders_stay(floor, alice, bob):
    order = alice.buy(10, "10.00")
    alice.session.subscribe("ACME.SIM", ["QUOTE", "TRADE", "BOOK"])
    before = len(alice.reports), len(alice.quotes), len(alice.trades), len(alice.books)
    alice.session.close()
    bob.sell(4, "10.00")
    assert (len(alice.reports), len(alice.quotes), len(alice.trades), len(alice.books)) == before
    floor.login("alice", alice)
    assert [u.exec_type.value for u in alice.session.executions()] == ["TRADE"]
    (status,) = alice.session.open_orders()
    assert (status.client_order_id, status.exec_type, status.leaves_qty) == (order, "STATUS", 6)
    bob.sell(6, "10.00")
    assert alice.heard(order)[-1] == "TRADE"


def test_a_closed_session_says_so(alice):
    session = alice.session
    session.close()
    session.close()
    for call in (session.open_orders, session.cancel_all, session.account, session.positions):
        with pytest.raises(SystemUnavailable):
            call()
    with pytest.raises(SystemUnavailable):
        alice.buy(1)


def test_two_links_of_an_account_hear_the_same(floor, alice):
    twin = floor.login("alice", type(alice)())
    alice.buy(10, "10.00")
    assert twin.reports == alice.reports != []


def test_a_subscription_starts_with_the_current_state_and_has_no_gap(floor, alice):
    floor.market("9.99", 100, "10.00", 100)
    alice.session.subscribe("ACME.SIM", ["QUOTE", "BOOK"])
    floor.market("9.99", 100, "10.01", 100)
    alice.buy(10)
    alice.buy(10, "9.00")
    assert [q.seq for q in alice.quotes] == [1, 2, 3]
    assert [b.seq for b in alice.books] == [1, 2, 3, 4]
    assert alice.quotes[0].ask == Decimal("10.00")
    assert alice.trades == []
    alice.session.unsubscribe("ACME.SIM")
    floor.market("9.99", 100, "10.02", 100)
    assert len(alice.quotes) == 3


def test_prints_carry_the_feeds_own_sequence(floor, alice):
    alice.session.subscribe("ACME.SIM", ["TRADE"])
    floor.market("9.99", 100, "10.00", 100)
    floor.trade("9.995", "1.5")
    alice.buy(10)
    assert [(t.seq, t.price, t.size) for t in alice.trades] == [
        (1, Decimal("9.995"), Decimal("1.5")),
        (2, Decimal("10.00"), 10),
    ]
    assert alice.trades[1].trade_id


def test_the_book_shows_so_many_levels(new_floor):
    floor = new_floor(book_depth=2)
    desk = floor.desk("alice")
    for price in ("9.97", "9.99", "9.98", "9.99"):
        desk.buy(10, price)
    desk.session.subscribe("ACME.SIM", ["BOOK"])
    assert desk.books[0].bids == ((Decimal("9.99"), 20), (Decimal("9.98"), 10))


def test_late_reports_wait_for_their_time_in_order(new_floor):
    floor = new_floor(order_latency_ns=26 * MS)
    desk = floor.desk("alice")
    floor.market("9.99", 100, "10.00", 100)
    order = desk.buy(10)
    floor.now += 26 * MS - 1
    floor.venue.advance()
    assert desk.reports == []
    assert desk.held() == 10
    floor.now += 1
    floor.venue.advance()
    assert desk.heard(order) == ["NEW", "TRADE"]
    assert desk.last().ts_event_ns == 1_000_000_000


def test_a_report_that_is_late_does_not_reach_a_later_link(new_floor):
    floor = new_floor(order_latency_ns=MS)
    desk = floor.desk("alice")
    desk.buy(10, "10.00")
    desk.session.close()
    floor.login("alice", desk)
    floor.now += MS
    floor.venue.advance()
    assert desk.reports == []
    assert len(desk.session.open_orders()) == 1


def test_a_listener_may_call_the_venue_and_hears_in_order(floor, alice, bob):
    def answer(update):
        alice.reports.append(update)
        if update.client_order_id == "first" and update.exec_type == "NEW":
            alice.session.submit(Order("second", "ACME.SIM", Side.BUY, Decimal(5), price=Decimal("9.00")))
            alice.session.cancel("first", "ACME.SIM")

    alice.session.on_report = answer
    alice.buy(10, "9.50", id="first")
    assert [(u.client_order_id, u.exec_type.value) for u in alice.reports] == [
        ("first", "NEW"),
        ("second", "NEW"),
        ("first", "CANCELED"),
    ]


def test_a_listener_that_raises_silences_nobody(floor, alice, bob):
    def broken(update):
        raise RuntimeError(update.client_order_id)

    alice.session.on_report = broken
    sell = alice.sell  # raises through the caller, after everyone has heard
    with pytest.raises(RuntimeError):
        sell(10, "10.00")
    with pytest.raises(RuntimeError):
        bob.buy(10, "10.00")
    assert bob.heard("bob-1") == ["NEW", "TRADE"]
    assert bob.held() == 10


def test_a_thread_that_holds_its_own_lock_can_always_order(floor, alice, bob):
    """The platform's lock and the venue's are taken in both orders at once; neither waits for the other."""
    mine, inside, ordered = threading.Lock(), threading.Event(), threading.Event()

    def on_report(update):
        inside.set()
        with mine:
            alice.reports.append(update)

    alice.session.on_report = on_report
    alice.sell(10, "10.00")
    inside.clear()

    def fill():
        bob.buy(10, "10.00")

    with mine:
        feeder = threading.Thread(target=fill, daemon=True)
        feeder.start()
        assert inside.wait(10)
        alice.sell(10, "11.00", id="while-held")
        ordered.set()
    feeder.join(10)
    assert not feeder.is_alive()
    assert ordered.is_set()
    assert alice.heard("while-held") == ["NEW"]


def test_the_timer_thread_delivers_and_expires_and_ends():
    heard = threading.Event()
    venue = SimulatedVenue([Instrument("ACME.SIM")], order_latency_ns=2 * MS)
    venue.open_account("alice", Decimal(1000))

    class Listener:
        def __init__(self):
            self.kinds = []

        def on_report(self, update):
            self.kinds.append((update.exec_type.value, threading.current_thread().name))
            if update.exec_type == "EXPIRED":
                heard.set()

        on_quote = on_trade = on_book = on_report

    listener = Listener()
    session = venue.login("alice", listener)
    session.submit(
        Order(
            client_order_id="1",
            instrument="ACME.SIM",
            side=Side.BUY,
            qty=Decimal(1),
            price=Decimal(1),
            tif=TimeInForce.GTD,
            expire_at_ns=clock.now_ns() + 500 * MS,
        )
    )
    assert heard.wait(10)
    venue.shutdown()
    assert listener.kinds == [("NEW", "venue-alarm"), ("EXPIRED", "venue-alarm")]
    assert not [thread for thread in threading.enumerate() if thread.name == "venue-alarm"]


def test_many_threads_at_once_lose_nothing(floor):
    desks = [floor.desk(f"desk{number}") for number in range(4)]
    start = threading.Barrier(4)

    def work(desk, side):
        start.wait(10)
        for _ in range(250):
            desk.order(side, 1, "10.00")

    threads = [
        threading.Thread(target=work, args=(desk, side))
        for desk, side in zip(desks, ("BUY", "SELL") * 2, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(desk.held() for desk in desks) == 0
    assert sum(abs(desk.held()) for desk in desks) == 1000
    for desk in desks:
        assert len(desk.reports) == 500
        assert len({u.exec_id for u in desk.session.executions()}) == 250


def test_the_house_moves_while_reports_wait(new_floor):
    floor = new_floor(order_latency_ns=MS)
    desk = floor.desk("alice")
    desk.session.subscribe("ACME.SIM", ["QUOTE"])
    floor.venue.set_market(Quote("ACME.SIM", Decimal(9), Decimal(1), Decimal(10), Decimal(1), 77))
    assert [(q.seq, q.ts_event_ns) for q in desk.quotes] == [(0, floor.now), (1, 77)]


def test_a_report_is_a_whole_value(alice):
    """Reports are made in a quick way; they equal, hash and pickle as if made by their constructor."""
    alice.buy(10, "10.00")
    report = alice.last()
    again = OrderUpdate(**{field.name: getattr(report, field.name) for field in fields(OrderUpdate)})
    assert list(report.__dict__) == list(again.__dict__)
    assert (report, hash(report)) == (again, hash(again))
    assert pickle.loads(pickle.dumps(report)) == report
    with pytest.raises(FrozenInstanceError):
        report.qty = Decimal(1)
