"""Laws of the venue under arbitrary order flow, against a naive book where there is a choice to make."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from certify.model.trading import ExecType, Instrument, Order, OrderType, OrdStatus, Quote, Side, TimeInForce
from certify.venue import CommissionSchedule, SimulatedVenue

NAMES = ("alice", "bob", "carol")
CASH = Decimal(1_000_000)
TICK = Decimal("0.01")

sides = st.sampled_from(list(Side))
prices = st.integers(995, 1005)
lots = st.integers(1, 50)
submits = st.builds(
    dict,
    do=st.just("submit"),
    who=st.sampled_from(NAMES),
    side=sides,
    qty=lots,
    price=prices,
    type=st.sampled_from([OrderType.LIMIT, OrderType.LIMIT, OrderType.LIMIT, *OrderType]),
    tif=st.sampled_from([TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK]),
    stop=prices,
)
cancels = st.builds(dict, do=st.just("cancel"), pick=st.integers(0, 200))
modifies = st.builds(
    dict, do=st.just("modify"), pick=st.integers(0, 200), qty=st.none() | lots, price=st.none() | prices
)
markets = st.builds(
    dict, do=st.just("market"), bid=prices, spread=st.integers(1, 3), sizes=st.tuples(lots, lots)
)
flows = st.lists(st.one_of(submits, submits, submits, cancels, modifies, markets), max_size=60)


class Ear:
    """A listener that keeps everything in one list shared by all accounts."""

    def __init__(self, heard):
        self.on_report = self.on_quote = self.on_trade = self.on_book = heard.append


def play(flow, **options):
    """Run a flow and return the venue's sessions, all reports and every book in the order they came."""
    venue = SimulatedVenue([Instrument("X")], now_ns=lambda: 1, threaded=False, book_depth=100, **options)
    heard: list[object] = []
    sessions = {}
    for name in NAMES:
        venue.open_account(name, CASH)
        sessions[name] = venue.login(name, Ear(heard))
    sessions["alice"].subscribe("X", ["QUOTE", "TRADE", "BOOK"])
    sent: list[tuple[str, str]] = []
    for step in flow:
        act(venue, sessions, sent, step)
    return sessions, heard


def act(venue, sessions, sent, step):
    if step["do"] == "market":
        bid, (bid_lots, ask_lots) = step["bid"], step["sizes"]
        venue.set_market(
            Quote("X", TICK * bid, Decimal(bid_lots), TICK * (bid + step["spread"]), Decimal(ask_lots), 1)
        )
    elif step["do"] == "submit":
        sent.append((step["who"], str(len(sent))))
        kind = step["type"]
        sessions[step["who"]].submit(
            Order(
                client_order_id=sent[-1][1],
                instrument="X",
                side=step["side"],
                qty=Decimal(step["qty"]),
                type=kind,
                price=TICK * step["price"] if "LIMIT" in kind.value else None,
                stop_price=TICK * step["stop"] if "STOP" in kind.value else None,
                tif=step["tif"],
            )
        )
    elif sent:
        who, client_order_id = sent[step["pick"] % len(sent)]
        if step["do"] == "cancel":
            sessions[who].cancel(client_order_id, "X")
        else:
            qty, price = step["qty"], step["price"]
            sessions[who].modify(
                client_order_id,
                None if qty is None else Decimal(qty),
                None if price is None else TICK * price,
            )


def reports_of(heard):
    return [item for item in heard if hasattr(item, "exec_type")]


@given(flows)
def test_quantities_add_up_in_every_report(flow):
    cum: dict[str, Decimal] = defaultdict(Decimal)
    spent: dict[str, Decimal] = defaultdict(Decimal)
    ended: set[str] = set()
    for update in reports_of(play(flow)[1]):
        key = update.client_order_id
        if update.exec_type in (ExecType.CANCEL_REJECTED, ExecType.REPLACE_REJECTED):
            continue
        assert key not in ended
        if update.exec_type is ExecType.TRADE:
            cum[key] += update.last_qty
            spent[key] += update.last_qty * update.last_px
        assert update.cum_qty == cum[key] <= update.qty
        assert update.avg_px is None or abs(update.avg_px * cum[key] - spent[key]) < Decimal("1e-20")
        if update.status.terminal:
            ended.add(key)
            assert update.leaves_qty == 0
            assert (update.status is OrdStatus.FILLED) == (update.cum_qty == update.qty)
        else:
            assert update.cum_qty + update.leaves_qty == update.qty


@given(flows)
def test_every_limit_is_respected(flow):
    for update in reports_of(play(flow)[1]):
        if update.exec_type is ExecType.TRADE and update.price is not None:
            sign = 1 if update.side is Side.BUY else -1
            assert update.last_px * sign <= update.price * sign


@given(flows)
def test_the_book_is_never_crossed_or_locked_and_sequences_have_no_gap(flow):
    heard = play(flow)[1]
    books = [item for item in heard if hasattr(item, "bids")]
    quotes = [item for item in heard if hasattr(item, "bid_size")]
    for book in books:
        assert not (book.bids and book.asks) or book.bids[0][0] < book.asks[0][0]
        assert list(book.bids) == sorted(book.bids, reverse=True)
        assert list(book.asks) == sorted(book.asks)
        assert all(size > 0 for _, size in book.bids + book.asks)
    assert [book.seq for book in books] == list(range(len(books)))
    assert [quote.seq for quote in quotes] == list(range(len(quotes)))
    if books[-1].bids:
        assert (quotes[-1].bid, quotes[-1].bid_size) == books[-1].bids[0]


@given(flows)
def test_positions_and_cash_follow_from_the_executions(flow):
    sessions, _ = play(flow)
    for session in sessions.values():
        held, cash, fees = Decimal(0), CASH, Decimal(0)
        for fill in session.executions():
            sign = 1 if fill.side is Side.BUY else -1
            held += sign * fill.last_qty
            cash -= sign * fill.last_qty * fill.last_px + fill.commission
            fees += fill.commission
        state = session.account()
        assert sum(p.qty for p in session.positions()) == held
        assert (state.cash, state.commissions) == (cash, fees)
        assert state.equity == CASH + state.realized_pnl + state.unrealized_pnl - fees


@given(flows)
def test_commissions_are_the_schedules_for_each_order(flow):
    schedule = CommissionSchedule(per_unit=Decimal("0.013"), minimum_per_order=Decimal("0.25"))
    sessions, _ = play(flow, commission=schedule)
    for session in sessions.values():
        fees: dict[str, Decimal] = defaultdict(Decimal)
        traded: dict[str, Decimal] = defaultdict(Decimal)
        for fill in session.executions():
            fees[fill.client_order_id] += fill.commission
            traded[fill.client_order_id] += fill.last_qty
        for order, qty in traded.items():
            assert abs(fees[order] - max(Decimal("0.25"), qty * Decimal("0.013"))) <= Decimal("0.005")


@given(flows)
def test_without_the_house_what_one_buys_another_sells(flow):
    _, heard = play([step for step in flow if step["do"] != "market"])
    fills = [update for update in reports_of(heard) if update.exec_type is ExecType.TRADE]
    for maker, taker in zip(fills[::2], fills[1::2], strict=True):
        assert maker.side is not taker.side
        assert maker.account != taker.account
        assert (maker.last_qty, maker.last_px) == (taker.last_qty, taker.last_px)
    assert len({fill.exec_id for fill in fills}) == len(fills)


@given(flows)
def test_fok_is_all_or_nothing_and_nothing_immediate_ever_rests(flow):
    sessions, heard = play(flow)
    final = {update.client_order_id: update for update in reports_of(heard)}
    for update in final.values():
        if update.tif is TimeInForce.FOK and update.exec_type is not ExecType.REPLACE_REJECTED:
            assert update.cum_qty in (0, update.qty)
    for session in sessions.values():
        for order in session.open_orders():
            waiting = order.stop_price is not None
            assert waiting or (
                order.tif in (TimeInForce.DAY, TimeInForce.GTC) and order.type is OrderType.LIMIT
            )


@given(flows, st.integers(0, 5))
@settings(max_examples=30)
def test_the_same_flow_and_seed_give_the_same_reports(flow, seed):
    options = {"reject_rate": Decimal("0.2"), "seed": seed}
    assert play(flow, **options)[1] == play(flow, **options)[1]


@given(flows, st.data())
@settings(max_examples=50)
def test_busting_everything_leaves_nothing(flow, data):
    sessions, heard = play(flow)
    venue = sessions["alice"]._venue
    fills = [u for u in reports_of(heard) if u.exec_type is ExecType.TRADE]
    gone: set[str] = set()
    for fill in data.draw(st.permutations(fills)):
        if fill.exec_id not in gone:
            before = len(heard)
            venue.bust(fill.exec_id)
            gone |= {u.exec_ref_id for u in reports_of(heard[before:])}
    assert gone == {fill.exec_id for fill in fills}
    for session in sessions.values():
        state = session.account()
        assert (state.cash, state.commissions, state.equity) == (CASH, 0, CASH)
        assert all(p.qty == p.realized_pnl == 0 for p in session.positions())
        assert all(order.cum_qty == 0 for order in session.open_orders())


@dataclass
class Resting:
    order: str
    who: str
    sign: int
    price: int
    left: int


class NaiveBook:
    """Price-time priority in the plainest way: one list, searched and sorted each time."""

    def __init__(self):
        self.resting: list[Resting] = []
        self.fills: list[tuple[str, str, int, int]] = []

    def submit(self, incoming: Resting) -> None:
        while incoming.left:
            best = [
                other
                for other in self.resting
                if other.sign != incoming.sign
                and other.price * incoming.sign <= incoming.price * incoming.sign
            ]
            if not best:
                self.resting.append(incoming)
                return
            maker = min(best, key=lambda other: other.price * incoming.sign)  # min keeps the oldest of equals
            if maker.who == incoming.who:
                self.resting.remove(maker)
                continue
            traded = min(maker.left, incoming.left)
            self.fills.append((maker.order, incoming.order, maker.price, traded))
            maker.left -= traded
            incoming.left -= traded
            if not maker.left:
                self.resting.remove(maker)

    def modify(self, order: str, total_left: int, price: int) -> None:
        held = next(other for other in self.resting if other.order == order)
        if price == held.price and total_left <= held.left:
            held.left = total_left
        else:
            self.resting.remove(held)
            self.submit(replace(held, left=total_left, price=price))


limit_submits = submits.map(lambda step: {**step, "type": OrderType.LIMIT, "tif": TimeInForce.DAY})


@given(st.lists(st.one_of(limit_submits, limit_submits, cancels, modifies), max_size=80))
@settings(max_examples=200)
def test_price_time_priority_against_a_naive_book(flow):
    venue = SimulatedVenue([Instrument("X")], now_ns=lambda: 1, threaded=False)
    heard: list[object] = []
    sessions = {}
    for name in NAMES:
        venue.open_account(name, CASH)
        sessions[name] = venue.login(name, Ear(heard))
    naive = NaiveBook()
    sent: list[tuple[str, str]] = []
    for step in flow:
        mirror(naive, sent, step, sessions)
        act(venue, sessions, sent, step)
    fills = [u for u in reports_of(heard) if u.exec_type is ExecType.TRADE]
    pairs = zip(fills[::2], fills[1::2], strict=True)
    assert naive.fills == [
        (maker.client_order_id, taker.client_order_id, int(maker.last_px / TICK), int(maker.last_qty))
        for maker, taker in pairs
    ]
    left = {o.client_order_id: int(o.leaves_qty) for s in sessions.values() for o in s.open_orders()}
    assert left == {other.order: other.left for other in naive.resting}


def mirror(naive, sent, step, sessions):
    """Do to the naive book what `act` is about to do to the venue."""
    if step["do"] == "submit":
        sign = 1 if step["side"] is Side.BUY else -1
        naive.submit(Resting(str(len(sent)), step["who"], sign, step["price"], step["qty"]))
        return
    if not sent:
        return
    who, order = sent[step["pick"] % len(sent)]
    held = next((other for other in naive.resting if other.order == order), None)
    if held is None:
        return
    if step["do"] == "cancel":
        naive.resting.remove(held)
        return
    traded = next(int(o.cum_qty) for o in sessions[who].open_orders() if o.client_order_id == order)
    qty, price = step["qty"], step["price"]
    if (qty is None and price is None) or (qty is not None and qty < traded):
        return
    left = held.left if qty is None else qty - traded
    if left:
        naive.modify(order, left, held.price if price is None else price)
    else:
        naive.resting.remove(held)
