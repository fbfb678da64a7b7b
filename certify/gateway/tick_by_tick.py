"""Every tick, one message each: trades, quotes or midpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from certify.gateway.tape import Tape
from certify.gateway.wire import answers
from certify.gateway.wire import market_requests as asked
from certify.model.trading import Quote, Trade

if TYPE_CHECKING:
    from certify.gateway.client import ClientSession
    from certify.gateway.house import Gateway
    from certify.gateway.market_data import MarketDataDesk

LINES_PER_REQUEST = 20
"""There may be one tick-by-tick request for so many market data lines, as IB has it."""
_KINDS = ("Last", "AllLast", "BidAsk", "MidPoint")
_ZERO = Decimal(0)


class TickStream:
    """One `reqTickByTickData`."""

    __slots__ = ("_middle", "_sent", "client", "desk", "ignore_size", "kind", "req_id", "tape")

    needs_events = True

    def __init__(
        self, desk: TickByTick, client: ClientSession, request: asked.ReqTickByTick, tape: Tape
    ) -> None:
        """Begin after what has happened."""
        self.desk = desk
        self.client = client
        self.req_id = request.req_id
        self.kind = request.tick_type
        self.ignore_size = request.ignore_size
        self.tape = tape
        self._sent: tuple[Decimal | None, ...] = ()
        self._middle: Decimal | None = None

    def turn(self, tape: Tape) -> None:
        """Send the events of this turn."""
        frames = [frame for event in tape.events if (frame := self.frame(event))]
        if frames:
            self.desk.send(self, frames)

    def frame(self, event: Quote | Trade) -> bytes | None:
        """Return the message of an event; `None` when there is none."""
        if isinstance(event, Trade):
            return self.last(event) if self.kind in ("Last", "AllLast") else None
        if self.kind == "BidAsk":
            return self.bid_ask(event)
        return self.mid_point(event) if self.kind == "MidPoint" else None

    def last(self, trade: Trade) -> bytes:
        """Return a trade's message."""
        return answers.tick_by_tick_last(
            self.client.version,
            req_id=self.req_id,
            time_ns=trade.ts_event_ns,
            price=trade.price,
            size=trade.size,
            exchange=self.tape.listing.primary_exchange or self.tape.listing.exchange,
            all_last=self.kind == "AllLast",
        )

    def bid_ask(self, quote: Quote) -> bytes | None:
        """Return a quote's message, unless only sizes changed and they are to be ignored."""
        prices = (quote.bid, quote.ask)
        sizes = () if self.ignore_size else (quote.bid_size, quote.ask_size)
        if (*prices, *sizes) == self._sent:
            return None
        self._sent = (*prices, *sizes)
        return answers.tick_by_tick_bid_ask(
            self.client.version,
            req_id=self.req_id,
            time_ns=quote.ts_event_ns,
            bid_price=quote.bid or _ZERO,
            ask_price=quote.ask or _ZERO,
            bid_size=quote.bid_size or _ZERO,
            ask_size=quote.ask_size or _ZERO,
        )

    def mid_point(self, quote: Quote) -> bytes | None:
        """Return the midpoint's message when it has changed."""
        if quote.bid is None or quote.ask is None:
            return None
        middle = (quote.bid + quote.ask) / 2
        if middle == self._middle:
            return None
        self._middle = middle
        return answers.tick_by_tick_mid_point(req_id=self.req_id, time_ns=quote.ts_event_ns, mid_point=middle)


class TickByTick:
    """The streams of every client."""

    def __init__(self, gateway: Gateway, market_data: MarketDataDesk) -> None:
        """Begin with none."""
        self._gateway = gateway
        self._market_data = market_data
        self._streams: dict[tuple[int, int], TickStream] = {}

    def handlers(self) -> Mapping[type[Any], Callable[[ClientSession, Any], None]]:
        """Return the method for each request."""
        return {asked.ReqTickByTick: self.req_tick_by_tick, asked.CancelTickByTick: self.cancel}

    @property
    def most(self) -> int:
        """How many streams there may be."""
        return max(3, self._gateway.settings.max_tickers // LINES_PER_REQUEST)

    def req_tick_by_tick(self, client: ClientSession, request: asked.ReqTickByTick) -> None:
        """Begin a stream."""
        if request.tick_type not in _KINDS:
            cause = f"Tick-by-tick request has invalid type {request.tick_type}"
            client.error(request.req_id, 321, f"Error validating request.-'dJ' : cause - {cause}")
            return
        listing = self._gateway.contracts.resolve_or_refuse(client, request.req_id, request.contract)
        if listing is None:
            return
        if len(self._streams) >= self.most:
            client.error(request.req_id, 10190)
            return
        faults = self._gateway.faults
        if faults.competing_session:
            client.error(request.req_id, 10197)
        elif faults.delayed or not faults.is_subscribed(listing.instrument.id):
            reason = f"No market data permissions for {listing.primary_exchange or listing.exchange}"
            client.error(request.req_id, 10189, reason=f"{reason} {listing.sec_type}")
        else:
            self._begin(client, request, self._market_data.feed.tape(listing))

    def _begin(self, client: ClientSession, request: asked.ReqTickByTick, tape: Tape) -> None:
        stream = TickStream(self, client, request, tape)
        self._streams[client.client_id, request.req_id] = stream
        tape.watchers.append(stream)
        if tape.bid is not None and tape.ask is not None:
            now_ns = self._gateway.now_ns()
            quote = Quote(
                tape.listing.instrument.id, tape.bid, tape.bid_size, tape.ask, tape.ask_size, now_ns
            )
            first = stream.frame(quote)
            if first is not None:
                self.send(stream, [first])

    def send(self, stream: TickStream, frames: list[bytes]) -> None:
        """Send ticks to their client."""
        self._market_data.send_ticks(stream.client, frames)

    def cancel(self, client: ClientSession, request: asked.CancelTickByTick) -> None:
        """End a stream; error 300 when there is none."""
        stream = self._streams.get((client.client_id, request.req_id))
        if stream is None:
            client.error(request.req_id, 300, ticker_id=request.req_id)
        else:
            self.drop(stream)

    def drop(self, stream: TickStream) -> None:
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
                "kind": f"tick_by_tick {stream.kind}",
                "req_id": req_id,
                "instrument": stream.tape.listing.instrument.id,
            }
            for (owner, req_id), stream in self._streams.items()
            if client_id in (None, owner)
        ]
