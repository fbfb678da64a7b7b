"""A market-data system small enough to read at once: put calls to your own in its place."""

from __future__ import annotations

import asyncio
import random
import time
from decimal import Decimal

from certify.adapter import Context, Environment, Health, Instrument, Quote, SystemInfo

APPLE = Instrument("AAPL.NASDAQ", tick=Decimal("0.01"))
QUOTES_ONLY = dict.fromkeys(("market_data.trades", "market_data.books"), "publishes quotes only")


def create(ctx: Context) -> Desk:  # called in a process of its own
    return Desk(ctx)


class Desk:
    def __init__(self, ctx: Context) -> None:
        self.emit = ctx.emit  # takes everything the system has to say
        self.market_data = self  # one object may answer for several ports
        self.wanted: set[str] = set()

    def describe(self) -> SystemInfo:  # what is not mentioned as impossible is claimed, and tried
        return SystemInfo("first", "0.1", Environment.SIMULATED, QUOTES_ONLY)

    async def start(self) -> None:  # `async def` runs on the host's loop: no locks needed here
        self.publishing = asyncio.create_task(self.publish())

    async def stop(self) -> None:
        self.publishing.cancel()
        await asyncio.wait([self.publishing])

    def health(self) -> Health:
        return Health(alive=True, connected=not self.publishing.done())

    def instruments(self) -> list[Instrument]:
        return [APPLE]

    async def subscribe(self, instrument: str, kinds: set[str]) -> None:
        if instrument != APPLE.id:
            raise ValueError("unknown instrument " + instrument)
        if "QUOTE" in kinds:
            self.wanted.add(instrument)

    async def unsubscribe(self, instrument: str) -> None:
        self.wanted.discard(instrument)

    async def publish(self) -> None:
        seq, bid, size = 0, Decimal("150.00"), Decimal(100)
        while True:
            seq, bid, now = seq + 1, bid + random.choice((-1, 0, 1)) * APPLE.tick, time.time_ns()
            for name in self.wanted:
                self.emit(Quote(name, bid, size, bid + APPLE.tick, size, now, now, seq))
            await asyncio.sleep(0.02)
