"""Bars of five seconds, each sent when its time is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from certify.clock import NS_PER_S
from certify.gateway.live_bars import LiveBar, price_now
from certify.gateway.tape import Tape
from certify.gateway.wire import answers
from certify.gateway.wire import market_requests as asked

if TYPE_CHECKING:
    from certify.gateway.client import ClientSession
    from certify.gateway.house import Gateway
    from certify.gateway.market_data import MarketDataDesk

LENGTH_S = 5
"""There is no other length."""
_KINDS = ("TRADES", "MIDPOINT", "BID", "ASK")


class BarStream:
    """One `reqRealTimeBars`."""

    __slots__ = ("bar", "client", "req_id", "tape", "what")

    needs_events = True

    def __init__(self, client: ClientSession, req_id: int, tape: Tape, what: str) -> None:
        """Begin with the price of now."""
        self.client = client
        self.req_id = req_id
        self.tape = tape
        self.what = what
        self.bar = LiveBar(what, price_now(what, tape))

    def turn(self, tape: Tape) -> None:
        """Put the events of this turn into the bar."""
        for event in tape.events:
            self.bar.take(event)


class RealTimeBars:
    """The streams of every client, on one timer."""

    def __init__(self, gateway: Gateway, market_data: MarketDataDesk) -> None:
        """Begin with none."""
        self._gateway = gateway
        self._market_data = market_data
        self._streams: dict[tuple[int, int], BarStream] = {}
        self._ticking = False

    def handlers(self) -> Mapping[type[Any], Callable[[ClientSession, Any], None]]:
        """Return the method for each request."""
        return {asked.ReqRealTimeBars: self.req_real_time_bars, asked.CancelRealTimeBars: self.cancel}

    def req_real_time_bars(self, client: ClientSession, request: asked.ReqRealTimeBars) -> None:
        """Begin a stream; the first bar is that of the five seconds now."""
        if request.what_to_show not in _KINDS:
            cause = f"Invalid what-to-show {request.what_to_show}; expected one of {', '.join(_KINDS)}"
            client.error(request.req_id, 321, f"Error validating request.-'ch' : cause - {cause}")
            return
        listing = self._gateway.contracts.resolve_or_refuse(client, request.req_id, request.contract)
        if listing is None:
            return
        faults = self._gateway.faults
        if faults.delayed or not faults.is_subscribed(listing.instrument.id):
            client.error(request.req_id, 420, reason="No market data permissions for real-time bars")
            return
        tape = self._market_data.feed.tape(listing)
        stream = BarStream(client, request.req_id, tape, request.what_to_show)
        self._streams[client.client_id, request.req_id] = stream
        tape.watchers.append(stream)
        if not self._ticking:
            self._ticking = True
            self._wait()

    def _wait(self) -> None:
        now_ns = self._gateway.now_ns()
        step_ns = LENGTH_S * NS_PER_S
        end_ns = (now_ns // step_ns + 1) * step_ns
        self._gateway.later((end_ns - now_ns) / NS_PER_S, self.finish, end_ns)

    def finish(self, end_ns: int) -> None:
        """Send the bars that end at `end_ns`, and begin the next ones; ends when nobody listens."""
        self._ticking = bool(self._streams)
        if self._ticking:
            self._wait()
        begin_s = end_ns // NS_PER_S - LENGTH_S
        for stream in list(self._streams.values()):
            self.send(stream, begin_s)
            stream.bar = LiveBar(stream.what, price_now(stream.what, stream.tape))

    def send(self, stream: BarStream, begin_s: int) -> None:
        """Send a stream's bar that began at `begin_s`."""
        stream.client.tick(
            answers.real_time_bar(
                stream.client.version, req_id=stream.req_id, time_s=begin_s, bar=stream.bar.wire()
            )
        )

    def cancel(self, client: ClientSession, request: asked.CancelRealTimeBars) -> None:
        """End a stream; error 300 when there is none."""
        stream = self._streams.get((client.client_id, request.req_id))
        if stream is None:
            client.error(request.req_id, 300, ticker_id=request.req_id)
        else:
            self.drop(stream)

    def drop(self, stream: BarStream) -> None:
        """Forget a stream."""
        self._streams.pop((stream.client.client_id, stream.req_id), None)
        self._market_data.feed.unwatch(stream.tape, stream)

    def forget(self, client: ClientSession) -> None:
        """Forget a client's streams."""
        for stream in [each for each in self._streams.values() if each.client is client]:
            self.drop(stream)

    def clear(self) -> None:
        """Forget all streams."""
        for stream in list(self._streams.values()):
            self.drop(stream)

    def list(self, client_id: int | None = None) -> list[dict[str, Any]]:
        """List the streams."""
        return [
            {
                "client_id": owner,
                "kind": "real_time_bars",
                "req_id": req_id,
                "instrument": stream.tape.listing.instrument.id,
            }
            for (owner, req_id), stream in self._streams.items()
            if client_id in (None, owner)
        ]
