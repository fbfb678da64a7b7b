"""A house's quote that is only noted while nobody's order rests has every effect of one that is matched."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certify.model.trading import Instrument, Order, OrderType, Quote, Side, TimeInForce, Trade
from certify.venue import HouseFeed, SimulatedVenue
from certify.venue.market import Market

NAME = "ACME.SIM"
PRICES = st.integers(995, 1005)
LOTS = st.integers(0, 4)
ACTIONS = st.one_of(
    st.tuples(st.just("quote"), PRICES, LOTS, st.integers(1, 3), LOTS),
    st.tuples(st.just("quote"), PRICES, LOTS, st.integers(1, 3), LOTS),
    st.tuples(st.just("print"), PRICES, LOTS),
    st.tuples(st.just("limit"), st.sampled_from(Side), PRICES, LOTS, st.sampled_from(list(TimeInForce)[:4])),
    st.tuples(st.just("market"), st.sampled_from(Side), LOTS),
    st.tuples(st.just("stop"), st.sampled_from(Side), PRICES, LOTS),
    st.tuples(st.sampled_from(["cancel_all", "halt", "resume", "close", "open", "ask", "book", "bust"])),
)


class Floor:
    """A venue, a customer and everything that is heard."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self.now_ns = self.orders = 0
        self.venue = SimulatedVenue([Instrument(NAME)], now_ns=lambda: self.now_ns, threaded=False)
        for account in ("FEED", "DU1"):
            self.venue.open_account(account, Decimal(1_000_000))
        self.feed, self.customer = (self.venue.login(account, self) for account in ("FEED", "DU1"))
        self.feed.subscribe(NAME, ["QUOTE", "TRADE"])

    def on_report(self, update) -> None:
        self.heard.append(update)

    on_quote = on_trade = on_book = on_report

    def order(self, side: Side, lots: int, **fields) -> None:
        self.orders += 1
        self.customer.submit(Order(str(self.orders), NAME, side, Decimal(lots), **fields))

    def do(self, name: str, *args) -> None:
        self.now_ns += 1_000
        if name == "quote":
            bid, bid_lots, spread, ask_lots = args
            quote = (cents(bid), Decimal(bid_lots), cents(bid + spread), Decimal(ask_lots))
            self.venue.set_market(Quote(NAME, *quote, 5), self.now_ns)
        elif name == "print":
            self.venue.print_trade(Trade(NAME, cents(args[0]) + Decimal("0.005"), Decimal(args[1]), 5))
        elif name == "limit":
            self.order(args[0], args[2], price=cents(args[1]), tif=args[3])
        elif name == "market":
            self.order(args[0], args[1], type=OrderType.MARKET)
        elif name == "stop":
            self.order(args[0], args[2], type=OrderType.STOP, stop_price=cents(args[1]))
        else:
            getattr(self, name)()

    def cancel_all(self) -> None:
        self.customer.cancel_all()

    def halt(self) -> None:
        self.venue.halt(NAME)

    def resume(self) -> None:
        self.venue.resume(NAME)

    def close(self) -> None:
        self.venue.close_session()

    def open(self) -> None:
        self.venue.open_session()

    def ask(self) -> None:
        self.heard += [self.customer.positions(), self.customer.account(), self.customer.open_orders()]

    def book(self) -> None:
        """Look at the book and follow no more: a follower would keep every quote from being only noted."""
        self.customer.subscribe(NAME, ["QUOTE", "BOOK"])
        self.customer.unsubscribe(NAME)

    def bust(self) -> None:
        for execution in list(self.venue._reporter.executions)[:1]:
            self.venue.bust(execution)


def cents(count: int) -> Decimal:
    return Decimal(count).scaleb(-2)


@given(st.lists(ACTIONS, max_size=40))
@settings(max_examples=150, deadline=None)
def test_everything_heard_is_as_if_each_quote_were_matched(actions):
    quick, plain = Floor(), Floor()
    with pytest.MonkeyPatch.context() as patch:
        for action in actions:
            quick.do(*action)
            with patch.context() as matched:
                matched.setattr(Market, "show", lambda _market, _top, _ts_event_ns: False)
                plain.do(*action)
            assert quick.heard == plain.heard
        for floor in (quick, plain):
            floor.do("ask")
            floor.do("book")
    assert quick.heard == plain.heard


def test_a_quote_is_only_noted_until_an_order_comes_and_again_after_it_has_gone(monkeypatch):
    matched = []
    floor = Floor()
    set_house = floor.venue._matching.__class__.set_house
    monkeypatch.setattr(
        floor.venue._matching.__class__,
        "set_house",
        lambda *args: (matched.append(1), set_house(*args)),
    )
    floor.do("quote", 1000, 3, 1, 3)
    floor.do("quote", 1001, 3, 1, 3)
    floor.do("ask")
    assert not matched
    floor.do("limit", Side.BUY, 990, 1, TimeInForce.GTC)
    floor.do("quote", 1000, 3, 1, 3)
    assert len(matched) == 1
    floor.do("cancel_all")
    floor.do("quote", 1001, 3, 1, 3)
    assert len(matched) == 1
    floor.do("market", Side.BUY, 2)
    fills = [each for each in floor.heard if getattr(each, "last_px", None) is not None]
    assert [(fill.last_px, fill.last_qty) for fill in fills] == [(Decimal("10.02"), Decimal(2))]


def test_several_calls_together_are_heard_at_their_end():
    floor = Floor()
    floor.heard.clear()
    with floor.venue.together():
        floor.venue.set_market(Quote(NAME, cents(1000), Decimal(1), None, None, 7))
        floor.venue.print_trade(Trade(NAME, cents(1000), Decimal(1), 8), 9)
        assert floor.heard == []
    assert [event.ts_event_ns for event in floor.heard] == [7, 9]


def test_the_short_way_leaves_the_same_numbers_and_ids_behind():
    short, plain = Floor(), Floor()
    house = HouseFeed(short.venue, NAME)
    assert house.unnoticed is False, "somebody listens"
    for step in (1000, 1001, 1001, 1002):
        plain.do("quote", step, 3, 1, 4)
        plain.venue.print_trade(Trade(NAME, cents(step), Decimal(2), 5))
        with short.venue.together():
            assert house.quote((step, 3, step + 1, 4), short.feed)
            assert house.trade(step, short.feed)
    for floor in (short, plain):
        floor.now_ns = 10_000
        floor.heard.clear()
        floor.do("ask")
        floor.do("market", Side.BUY, 2)
        floor.do("book")
    assert short.heard == plain.heard


def test_the_short_way_is_refused_where_somebody_has_to_hear_or_to_trade():
    floor = Floor()
    house = HouseFeed(floor.venue, NAME)
    top = (1000, 3, 1001, 4)
    assert house.quote(top, None) == 0, "another session listens"
    floor.do("stop", Side.BUY, 1010, 1)
    assert house.trade(1000, floor.feed) == 0
    assert house.quote(top, floor.feed) > 0
    floor.do("limit", Side.BUY, 990, 1, TimeInForce.GTC)
    assert house.quote(top, floor.feed) == 0
    floor.do("cancel_all")
    floor.do("halt")
    assert house.quote(top, floor.feed) == 0


def test_a_market_is_unnoticed_until_somebody_listens_orders_or_holds():
    floor = Floor()
    floor.feed.unsubscribe(NAME)
    house = HouseFeed(floor.venue, NAME)
    floor.do("quote", 1000, 3, 1, 3)
    assert house.unnoticed
    floor.do("limit", Side.BUY, 990, 1, TimeInForce.GTC)
    assert not house.unnoticed
    floor.do("cancel_all")
    assert house.unnoticed
    floor.do("market", Side.BUY, 1)
    assert not house.unnoticed
