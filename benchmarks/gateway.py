"""What the simulated gateway costs beside the client: processor time per order and per tick.

    python benchmarks/gateway.py [orders] [seconds of ticks]

The gateway runs in a process of its own, ib_insync in this one, with its throttle off. Both processes' times
are of the same stretch of the same run, so that what else the machine does cancels out of the ratio. An
order's time holds everything: the wire, the venue, accounts and positions. A tick's is told apart: making the
market move costs the same whether one client follows it, ten, or none; sending it costs per client.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

import psutil
from ib_insync import IB, Contract, MarketOrder, Stock

SYMBOLS = ("AAPL", "MSFT", "NVDA", "AMZN", "GOOG", "TSLA", "QQQ", "IBM", "JPM", "SPY")
TICK_BY_TICK = 5
"""Stocks followed tick by tick: as many as IB allows."""
WINDOW = 50
"""Orders on their way at a time."""


def serve(rate_per_s: float) -> None:
    """Run a gateway without a limit of messages until standard input ends; rate 0: one deep, still quote."""
    from certify.gateway.embed import EmbeddedGateway
    from certify.gateway.settings import AccountSettings, GatewaySettings, PacingSettings

    settings = GatewaySettings(
        pacing=PacingSettings(limit=0),
        market_rate_per_s=rate_per_s,
        accounts=(AccountSettings(id="DU1", cash=Decimal(10**9)),),
    )
    with EmbeddedGateway(settings) as gateway:
        for instrument in () if rate_per_s else settings.instruments:
            deep = {"bid": "99.99", "bid_size": 10**6, "ask": "100.01", "ask_size": 10**6}
            gateway.do("set_market", instrument=instrument.id, **deep)
        print(gateway.port, flush=True)
        sys.stdin.read()


@contextmanager
def session(rate_per_s: float) -> Iterator[tuple[IB, psutil.Process]]:
    """Connect to a gateway of its own; yields the client and the gateway's process."""
    command = [sys.executable, __file__, "serve", str(rate_per_s)]
    gateway = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert gateway.stdin is not None
    assert gateway.stdout is not None
    ib = IB()
    ib.client.MaxRequests = 0
    try:
        ib.connect("127.0.0.1", int(gateway.stdout.readline()), clientId=1, timeout=20)
        yield ib, psutil.Process(gateway.pid)
    finally:
        ib.disconnect()
        gateway.stdin.close()
        gateway.wait(10)
        gateway.stdout.close()


def both(ib: IB, gateway: psutil.Process, work: Callable[[], int]) -> tuple[int, float, float]:
    """Return what `work` counted, and the seconds of processor time of client and gateway meanwhile."""
    ib.sleep(0.5)
    before, own = gateway.cpu_times(), time.process_time()
    count = work()
    own = time.process_time() - own
    after = gateway.cpu_times()
    return count, own, after.user + after.system - before.user - before.system


def orders(ib: IB, count: int) -> int:
    """Send market orders, a window of them at a time, until every commission report is there."""
    contracts = stocks(ib)
    reports = 0

    def reported(*_: object) -> None:
        nonlocal reports
        reports += 1

    ib.commissionReportEvent += reported
    sent = 0
    while reports < count:
        while sent < count and sent - reports < WINDOW:
            side = "BUY" if sent // len(contracts) % 2 == 0 else "SELL"
            ib.placeOrder(contracts[sent % len(contracts)], MarketOrder(side, 1))
            sent += 1
        ib.waitOnUpdate(timeout=5)
    ib.commissionReportEvent -= reported
    return count


def ticks(ib: IB, seconds: float) -> int:
    """Follow ten stocks; return how many messages came."""
    for contract in stocks(ib):
        ib.reqMktData(contract)
    return messages(ib, seconds)


def tick_by_tick(ib: IB, seconds: float) -> int:
    """Follow every change of five stocks' best bid and ask; return how many messages came."""
    for contract in stocks(ib, TICK_BY_TICK):
        ib.reqTickByTickData(contract, "BidAsk")
    return messages(ib, seconds)


def nothing(ib: IB, seconds: float, count: int) -> int:
    """Follow nothing, while the market of so many stocks moves."""
    ib.reqTickers(*stocks(ib, count))
    return messages(ib, seconds)


def messages(ib: IB, seconds: float) -> int:
    before = ib.client.connectionStats().numMsgRecv
    ib.sleep(seconds)
    return ib.client.connectionStats().numMsgRecv - before


def stocks(ib: IB, count: int = len(SYMBOLS)) -> list[Contract]:
    return ib.qualifyContracts(*(Stock(symbol, "SMART", "USD") for symbol in SYMBOLS[:count]))


def main() -> None:
    """Print the costs side by side."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 5.0
    runs: list[tuple[str, float, Callable[[IB], int]]] = [
        ("market order to commission report", 0, lambda ib: orders(ib, count)),
        ("tick, 10 stocks at 10 events/s", 10, lambda ib: ticks(ib, seconds)),
        ("tick, 10 stocks at 200 events/s", 200, lambda ib: ticks(ib, seconds)),
        ("tick-by-tick, 5 stocks at 200/s", 200, lambda ib: tick_by_tick(ib, seconds)),
    ]
    print(
        f"{'':34}{'count':>7}{'client':>10}{'gateway':>10}{'ratio':>7}{'market':>10}{'sending':>10}{'ratio':>7}"
    )
    for name, rate_per_s, work in runs:
        with session(rate_per_s) as (ib, gateway):
            market = 0.0
            if rate_per_s:
                moving = TICK_BY_TICK if "by-tick" in name else len(SYMBOLS)
                _, _, market = both(ib, gateway, lambda ib=ib, moving=moving: nothing(ib, seconds, moving))
            done, own, other = both(ib, gateway, lambda work=work, ib=ib: work(ib))
        line = f"{name:34}{done:7}{own / done * 1e6:7.0f} µs{other / done * 1e6:7.0f} µs{other / own:7.2f}"
        if rate_per_s:
            sending = max(0.0, other - market)
            line += f"{market / done * 1e6:7.0f} µs{sending / done * 1e6:7.0f} µs{sending / own:7.2f}"
        print(line)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(float(sys.argv[2]))
    else:
        main()
