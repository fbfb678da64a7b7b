"""Market data lines: streams and snapshots, live, frozen or delayed, and what stops them.

Lines are counted over all clients, as IB counts them per user. After a break of the farm or of the connection
that kept the data (1102) a line goes on with what has changed; after 1101 it is gone. A snapshot ends at once
when all its ticks are there, while TWS may wait eleven seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from certify.gateway.generic_ticks import GENERIC_TICKS, generic_ticks
from certify.gateway.lines import DELAYED, DELAYED_FROZEN, FROZEN, LIVE, Line
from certify.gateway.real_time_bars import RealTimeBars
from certify.gateway.tape import Feed, Tape
from certify.gateway.tick_by_tick import TickByTick
from certify.gateway.wire import answers
from certify.gateway.wire import market_requests as asked

if TYPE_CHECKING:
    from certify.gateway.client import ClientSession
    from certify.gateway.contracts.listing import Listing
    from certify.gateway.house import Gateway

SNAPSHOT_S = 0.02
"""So long after its ticks a snapshot ends."""
_SUPPORT = " Delayed market data is not enabled."


class MarketDataDesk:
    """Streams quotes and trades; tick-by-tick and five-second bars are its parts."""

    def __init__(self, gateway: Gateway) -> None:
        """Begin with no line."""
        self._gateway = gateway
        self.feed = Feed(gateway, self.begin_day)
        self.tick_by_tick = TickByTick(gateway, self)
        self.real_time_bars = RealTimeBars(gateway, self)
        self.coalesce = gateway.settings.coalesce
        """Whether messages that leave together may be made together."""
        self._lines: dict[tuple[int, int], Line] = {}
        self._types: dict[int, int] = {}
        self._held: dict[Line, list[bytes]] = {}

    def handlers(self) -> Mapping[type[Any], Callable[[ClientSession, Any], None]]:
        """Return the method for each request."""
        return {
            asked.ReqMktData: self.req_mkt_data,
            asked.CancelMktData: self.cancel_mkt_data,
            asked.ReqMarketDataType: self.req_market_data_type,
            **self.tick_by_tick.handlers(),
            **self.real_time_bars.handlers(),
        }

    def actions(self) -> Mapping[str, Callable[..., Any]]:
        """Return no action."""
        return {}

    def begin_day(self, tape: Tape) -> None:
        """Fill in what the contract did today before anybody watched, from its history."""
        history = getattr(self._gateway, "history", None)
        if history is not None:
            history.begin_day(tape)

    # -- requests

    def req_market_data_type(self, client: ClientSession, request: asked.ReqMarketDataType) -> None:
        """Note which kind of data the client's next requests are for."""
        if LIVE <= request.market_data_type <= DELAYED_FROZEN:
            self._types[client.client_id] = request.market_data_type
        else:
            cause = f"Invalid market data type {request.market_data_type}"
            client.error(-1, 321, f"Error validating request.-'bX' : cause - {cause}")

    def req_mkt_data(self, client: ClientSession, request: asked.ReqMktData) -> None:
        """Begin a stream or answer with a snapshot."""
        generic = self._generic(client, request)
        if generic is None:
            return
        if (client.client_id, request.req_id) in self._lines:
            text = "Error processing request.-'bN' : cause - Duplicate ticker id"
            client.error(request.req_id, 322, text)
            return
        listing = self._gateway.contracts.resolve_or_refuse(client, request.req_id, request.contract)
        if listing is None:
            return
        snapshot = request.snapshot or request.regulatory_snapshot
        if not snapshot and self.used_lines() >= self._gateway.settings.max_tickers:
            client.error(request.req_id, 101)
            return
        kind = self.kind_for(client, request.req_id, listing)
        if kind:
            self.open_line(client, request.req_id, listing, kind=kind, generic=generic, snapshot=snapshot)

    def _generic(self, client: ClientSession, request: asked.ReqMktData) -> frozenset[int] | None:
        """Return the generic ticks asked for; `None`, and error 321, for what is not one."""
        asked_for = [each.strip() for each in request.generic_tick_list.split(",") if each.strip()]
        names = [each.split(":")[0] for each in asked_for]
        if request.snapshot and names:
            cause = "Snapshot market data subscription is not applicable to generic ticks"
        elif all(each.isdigit() and int(each) in GENERIC_TICKS for each in names if each != "mdoff"):
            return frozenset(int(each) for each in names if each != "mdoff")
        else:
            legal = ",".join(map(str, sorted(GENERIC_TICKS)))
            cause = f"Incorrect generic tick list of {request.generic_tick_list}.  Legal ones are: {legal}"
        client.error(request.req_id, 321, f"Error validating request.-'bN' : cause - {cause}")
        return None

    def kind_for(self, client: ClientSession, req_id: int, listing: Listing) -> int:
        """Return the kind of data that a request gets; 0 when it is refused, with the error sent."""
        faults, wanted = self._gateway.faults, self._types.get(client.client_id, LIVE)
        if faults.competing_session:
            client.error(req_id, 10197)
            return 0
        subscribed = faults.is_subscribed(listing.instrument.id)
        if subscribed and not faults.delayed:
            return FROZEN if wanted == FROZEN and not self._gateway.market.on else LIVE
        if faults.delayed or wanted in (DELAYED, DELAYED_FROZEN):
            client.error(req_id, 10167)
            return DELAYED_FROZEN if wanted == DELAYED_FROZEN and not self._gateway.market.on else DELAYED
        client.error(req_id, 354, f"Requested market data is not subscribed.{_SUPPORT}")
        return 0

    def open_line(
        self, client: ClientSession, req_id: int, listing: Listing, *, kind: int,
        generic: frozenset[int], snapshot: bool,
    ) -> None:  # fmt: skip
        """Send what is known now; then stream, or end a snapshot."""
        tape = self.feed.tape(listing)
        line = Line(self, client, req_id, tape, kind=kind, generic=generic, snapshot=snapshot)
        self._lines[client.client_id, req_id] = line
        if not snapshot:
            self.feed.watch(listing, line)
        self.send_line(line)
        if snapshot:
            self._gateway.later(SNAPSHOT_S, self.end_snapshot, line)

    def end_snapshot(self, line: Line) -> None:
        """Say that a snapshot is complete; while no data flows it stays open."""
        if self._lines.get((line.client.client_id, line.req_id)) is not line:
            return
        if not self._gateway.faults.market_flows:
            self._gateway.later(0.25, self.end_snapshot, line)
            return
        self.send_line(line)
        line.client.tick(answers.tick_snapshot_end(req_id=line.req_id))
        self.drop(line)

    def cancel_mkt_data(self, client: ClientSession, request: asked.CancelMktData) -> None:
        """End a line, without an answer; error 300 when there is none."""
        line = self._lines.get((client.client_id, request.req_id))
        if line is None:
            client.error(request.req_id, 300, ticker_id=request.req_id)
        else:
            self.drop(line)

    def drop(self, line: Line) -> None:
        """Forget a line."""
        self._lines.pop((line.client.client_id, line.req_id), None)
        self.feed.unwatch(line.tape, line)

    # -- ticks

    def send_line(self, line: Line) -> None:
        """Send the ticks that a line's client has not heard, unless no data flows or it does not read."""
        client = line.client
        if line.refused or not self._gateway.faults.market_flows:
            return
        if client.congested:
            client.dropped_ticks += 1
            return
        frames = line.frames()
        if not frames:
            return
        if not self.feed.telling_each:
            self.send_ticks(client, frames)
        elif (held := self._held.get(line)) is not None:
            held += frames
        else:
            self._held[line] = frames

    def send_held(self) -> None:
        """Send the ticks of a turn in which each event was told by itself."""
        lines, self._held = self._held, {}
        for line, frames in lines.items():
            self.send_ticks(line.client, frames)

    def send_ticks(self, client: ClientSession, frames: list[bytes]) -> None:
        """Send ticks in one piece, or one by one where every message is written by itself."""
        if self._gateway.settings.coalesce:
            client.tick(b"".join(frames))
            return
        for frame in frames:
            client.tick(frame)

    def generic_ticks(self, line: Line) -> Iterator[bytes]:
        """Yield the ticks that a generic tick list asks for, and an option's computation."""
        yield from generic_ticks(self._gateway, line)

    # -- limits and lists

    def used_lines(self) -> int:
        """Return how many lines stream, over all clients."""
        return sum(not line.snapshot for line in self._lines.values())

    def subscriptions(self, client_id: int | None = None) -> list[dict[str, Any]]:
        """List the lines, tick-by-tick requests and bars that stream."""
        lines = [
            {"client_id": owner, "kind": "mkt_data", "req_id": req_id, "instrument": line.name}
            for (owner, req_id), line in self._lines.items()
            if client_id in (None, owner)
        ]
        return lines + self.tick_by_tick.list(client_id) + self.real_time_bars.list(client_id)

    # -- what happens around

    def forget(self, client: ClientSession) -> None:
        """Drop everything of a client that has gone."""
        for line in [each for each in self._lines.values() if each.client is client]:
            self.drop(line)
        self._types.pop(client.client_id, None)
        self.tick_by_tick.forget(client)
        self.real_time_bars.forget(client)

    def new_day(self) -> None:
        """Begin the day's values anew."""
        self.feed.new_day()

    def fault(self, name: str) -> None:
        """Lose the lines, refuse or change them, or go on, as the fault says."""
        if name == "restored_data_lost":
            for line in list(self._lines.values()):
                self.drop(line)
            self.tick_by_tick.clear()
            self.real_time_bars.clear()
        elif name == "competing_session" and self._gateway.faults.competing_session:
            for line in self._lines.values():
                line.client.error(line.req_id, 10197)
        elif name in ("delayed", "subscribed"):
            for line in list(self._lines.values()):
                self.change_kind(line)
        for line in list(self._lines.values()):
            self.send_line(line)

    def change_kind(self, line: Line) -> None:
        """Give a line what its client is entitled to now; one that is entitled to nothing stays, silent."""
        faults = self._gateway.faults
        good = faults.is_subscribed(line.listing.instrument.id) and not faults.delayed
        if good != (line.refused or line.delayed):
            return
        kind = self.kind_for(line.client, line.req_id, line.listing)
        line.refused = not kind
        if kind and kind != line.kind:
            line.kind = kind
            line.forget_sent()
