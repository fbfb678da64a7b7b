"""Bars that are kept up to date: the last one grows with the live market, and new ones begin on time."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from certify.clock import NS_PER_S
from certify.gateway.history.path import Bar
from certify.gateway.history.wanted import DAY_S
from certify.gateway.live_bars import LiveBar, price_now
from certify.gateway.tape import Tape
from certify.gateway.trading_calendar import epoch_s, local
from certify.gateway.wire import answers, times
from certify.gateway.wire.market_requests import ReqHistoricalData

if TYPE_CHECKING:
    from certify.gateway.client import ClientSession
    from certify.gateway.house import Gateway

UPDATE_EVERY_S = 0.25
"""A bar that grows is sent at most so often."""


class KeptBar:
    """One request's growing bar."""

    __slots__ = ("bar", "begin_s", "client", "keeper", "request", "size_s", "tape", "waiting")
    needs_events = True

    def __init__(
        self, keeper: KeptBars, client: ClientSession, request: ReqHistoricalData, tape: Tape, size_s: int
    ) -> None:
        """Begin at the price of now, in the step of the clock that is now."""
        self.keeper = keeper
        self.client = client
        self.request = request
        self.tape = tape
        self.size_s = size_s
        self.waiting = False
        self.begin_s = keeper.step(size_s)
        self.bar = LiveBar(request.what_to_show, price_now(request.what_to_show, tape))

    def go_on_from(self, last: Bar) -> None:
        """Go on with the last bar of the past when it is not over."""
        if last.start != self.begin_s and self.size_s < DAY_S:
            return
        if (
            self.size_s >= DAY_S
            and local(last.end * NS_PER_S - 1).date() != local(self.begin_s * NS_PER_S).date()
        ):
            return
        tick, bar = self.tape.listing.instrument.tick, self.bar
        bar.open = last.open * tick
        bar.high, bar.low = max(bar.high, last.high * tick), min(bar.low, last.low * tick)
        bar.begin_with(Decimal(last.volume), (last.volume + 99) // 100)

    def turn(self, tape: Tape) -> None:
        """Let the bar grow by the events of this turn; they are sent a little later, together."""
        begin_s = self.keeper.step(self.size_s)
        if begin_s != self.begin_s:
            self.keeper.send(self)
            self.begin_s = begin_s
            self.bar = LiveBar(self.bar.what, price_now(self.bar.what, tape))
        grown = [self.bar.take(event) for event in tape.events]
        if any(grown) and not self.waiting:
            self.waiting = True
            self.keeper.soon(self)


class KeptBars:
    """The growing bars of every client."""

    def __init__(self, gateway: Gateway) -> None:
        """Begin with none."""
        self._gateway = gateway
        self._kept: dict[tuple[int, int], KeptBar] = {}

    def begin(
        self, client: ClientSession, request: ReqHistoricalData, tape: Tape, size_s: int, last: Bar
    ) -> None:
        """Keep a request's bars up to date from `last` on."""
        kept = KeptBar(self, client, request, tape, size_s)
        kept.go_on_from(last)
        self._kept[client.client_id, request.req_id] = kept
        tape.watchers.append(kept)

    def step(self, size_s: int) -> int:
        """Return when the bar of now began, seconds since the epoch; days begin at midnight in New York."""
        now_ns = self._gateway.now_ns()
        if size_s >= DAY_S:
            now = local(now_ns)
            return epoch_s(now.date(), now.time().min)
        return now_ns // NS_PER_S // size_s * size_s

    def soon(self, kept: KeptBar) -> None:
        """Send the bar when it has had time to grow."""
        self._gateway.later(UPDATE_EVERY_S, self.send, kept)

    def send(self, kept: KeptBar) -> None:
        """Send the bar as it is."""
        kept.waiting = False
        request = kept.request
        if self._kept.get((kept.client.client_id, request.req_id)) is not kept:
            return
        daily = kept.size_s >= DAY_S
        date = times.bar_time(
            kept.client.version, kept.begin_s * NS_PER_S, format_date=request.format_date, daily=daily
        )
        message = answers.historical_data_update(
            kept.client.version, req_id=request.req_id, bar=kept.bar.wire(date)
        )
        kept.client.tick(message)

    def cancel(self, client: ClientSession, req_id: int) -> bool:
        """Stop keeping a request's bars; whether there was one."""
        kept = self._kept.pop((client.client_id, req_id), None)
        if kept is not None:
            self._gateway.market_data.feed.unwatch(kept.tape, kept)
        return kept is not None

    def disconnect(self) -> None:
        """End all: their clients hear 10182 and have to ask again."""
        for kept in list(self._kept.values()):
            self.cancel(kept.client, kept.request.req_id)
            kept.client.error(kept.request.req_id, 10182)

    def forget(self, client: ClientSession) -> None:
        """Forget a client's bars."""
        for kept in [each for each in self._kept.values() if each.client is client]:
            self.cancel(client, kept.request.req_id)

    def count(self, client: ClientSession) -> int:
        """Return how many requests of a client are kept up to date."""
        return sum(kept.client is client for kept in self._kept.values())

    def list(self, client_id: int | None = None) -> list[dict[str, Any]]:
        """List what is kept up to date."""
        return [
            {
                "client_id": owner,
                "kind": "historical_data",
                "req_id": req_id,
                "instrument": kept.tape.listing.instrument.id,
            }
            for (owner, req_id), kept in self._kept.items()
            if client_id in (None, owner)
        ]
