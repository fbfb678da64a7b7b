"""How many orders a second the simulated venue takes, beside a bare two-heap book in the same run.

    python benchmarks/venue.py [orders]

Every order trades: pairs of a sell that rests and a buy that takes it, at prices that wander. The venue
does all it does in a certification: checks, books, accounts, commissions, reports to two listeners.
The machine's speed cancels out of the ratio.
"""

from __future__ import annotations

import heapq
import random
import sys
from decimal import Decimal

from certify import clock
from certify.model.trading import BookUpdate, Instrument, Order, OrderUpdate, Quote, Side, Trade
from certify.venue import SimulatedVenue

Flow = list[tuple[int, int, int]]
"""(sign, price in ticks, lots)."""
REPEATS = 3
"""The best of so many is printed: what else the machine does can only make it slower."""


class Counter:
    """A listener that counts reports."""

    def __init__(self) -> None:
        self.reports = 0

    def on_report(self, update: OrderUpdate) -> None:  # noqa: ARG002 - the protocol's name
        self.reports += 1

    def on_quote(self, quote: Quote) -> None: ...

    def on_trade(self, trade: Trade) -> None: ...

    def on_book(self, book: BookUpdate) -> None: ...


def make_flow(orders: int) -> Flow:
    source = random.Random(7)
    flow: Flow = []
    price = 10_000
    for _ in range(orders // 2):
        price += source.choice((-1, 0, 1))
        lots = source.randint(1, 10) * 100
        flow += [(-1, price, lots), (1, price, lots)]
    return flow


def two_heaps(flow: Flow) -> float:
    """Return the orders per second of a book that is nothing but two heaps."""
    bids: list[list[int]] = []
    asks: list[list[int]] = []
    started = clock.monotonic_ns()
    trades = 0
    for seq, (sign, price, lots) in enumerate(flow):
        own, other = (bids, asks) if sign > 0 else (asks, bids)
        left = lots
        while left and other and other[0][0] * -sign <= price * sign:
            best = other[0]
            traded = min(left, best[2])
            left -= traded
            best[2] -= traded
            trades += 1
            if not best[2]:
                heapq.heappop(other)
        if left:
            heapq.heappush(own, [-price * sign, seq, left])
    assert trades == len(flow) // 2
    return len(flow) / ((clock.monotonic_ns() - started) / clock.NS_PER_S)


def venue(flow: Flow, feeds: tuple[str, ...]) -> float:
    """Return the orders per second of the whole venue, with `feeds` subscribed."""
    ticks = {price: Decimal(price) / 100 for _, price, _ in flow}
    orders = [
        Order(str(number), "ACME.SIM", Side.BUY if sign > 0 else Side.SELL, Decimal(lots), price=ticks[price])
        for number, (sign, price, lots) in enumerate(flow)
    ]
    exchange = SimulatedVenue([Instrument("ACME.SIM")], threaded=False)
    counters = Counter(), Counter()
    sessions = []
    for name, counter in zip(("maker", "taker"), counters, strict=True):
        exchange.open_account(name, Decimal(1_000_000))
        sessions.append(exchange.login(name, counter))
    if feeds:
        sessions[0].subscribe("ACME.SIM", feeds)
    maker, taker = (session.submit for session in sessions)
    started = clock.monotonic_ns()
    for number, order in enumerate(orders):
        (taker if number % 2 else maker)(order)
    took_s = (clock.monotonic_ns() - started) / clock.NS_PER_S
    assert sum(counter.reports for counter in counters) == 2 * len(flow)
    return len(flow) / took_s


def main() -> None:
    """Print the rates."""
    flow = make_flow(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
    bare = max(two_heaps(flow) for _ in range(REPEATS))
    print(f"two heaps           {bare:12,.0f} orders/s")
    for feeds in ((), ("QUOTE", "TRADE"), ("QUOTE", "TRADE", "BOOK")):
        rate = max(venue(flow, feeds) for _ in range(REPEATS))
        print(f"venue {'+'.join(feeds) or 'orders only':<16}{rate:10,.0f} orders/s  1 : {bare / rate:.1f}")


if __name__ == "__main__":
    main()
