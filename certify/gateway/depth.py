"""Market depth: the venue's book as rows that are inserted, updated and deleted.

The house shows one price a side, so rows behind the book are made up from the price alone, as many as are
asked for: they are seen, but an order cannot trade with them. What customers' orders add is real.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from certify.gateway.contracts.listing import STOCK_EXCHANGES, Listing
from certify.gateway.wire import answers
from certify.gateway.wire import market_requests as asked
from certify.model.trading import BookUpdate, OrderUpdate, Quote, Trade

if TYPE_CHECKING:
    from certify.gateway.client import ClientSession
    from certify.gateway.house import Gateway
    from certify.venue import VenueSession

MOST_ROWS = 20
INSERT, UPDATE, DELETE = 0, 1, 2
ASK, BID = 0, 1

Row = tuple[Decimal, Decimal]
"""Price and size."""


class DepthStream:
    """One `reqMktDepth`."""

    __slots__ = ("client", "exchange", "listing", "req_id", "rows", "shown", "smart")

    def __init__(self, client: ClientSession, request: asked.ReqMktDepth, listing: Listing) -> None:
        """Begin with an empty book."""
        self.client = client
        self.req_id = request.req_id
        self.listing = listing
        self.smart = request.is_smart_depth
        self.exchange = listing.primary_exchange or listing.exchange
        self.rows = max(1, min(MOST_ROWS, request.num_rows or 5))
        self.shown: dict[int, list[Row]] = {ASK: [], BID: []}

    def changes(self, side: int, rows: list[Row]) -> Iterator[tuple[int, int, Row]]:
        """Yield (position, operation, row) that make the shown rows of a side into `rows`.

        Rows are inserted and deleted at the end only: some clients (ib_async) do not move the rows behind.
        """
        shown = self.shown[side]
        for position, row in enumerate(rows):
            if position >= len(shown):
                yield position, INSERT, row
            elif shown[position] != row:
                yield position, UPDATE, row
        for position in range(len(shown) - 1, len(rows) - 1, -1):
            yield position, DELETE, (Decimal(0), Decimal(0))
        self.shown[side] = list(rows)

    def frame(self, side: int, position: int, operation: int, row: Row) -> bytes:
        """Return one row's message: with market makers or exchanges when the depth is a smart one."""
        price, size = row
        if not self.smart:
            return answers.mkt_depth(
                self.client.version,
                req_id=self.req_id,
                position=position,
                operation=operation,
                side=side,
                price=price,
                size=size,
            )
        return answers.mkt_depth_l2(
            self.client.version,
            req_id=self.req_id,
            position=position,
            market_maker=self.exchange,
            operation=operation,
            side=side,
            price=price,
            size=size,
            is_smart_depth=True,
        )


class DepthDesk:
    """Streams books."""

    def __init__(self, gateway: Gateway) -> None:
        """Begin with no stream."""
        self._gateway = gateway
        self._session: VenueSession | None = None
        self._streams: dict[tuple[int, int], DepthStream] = {}
        self._books: dict[str, BookUpdate] = {}
        self._moved: set[str] = set()

    def handlers(self) -> Mapping[type[Any], Callable[[ClientSession, Any], None]]:
        """Return the method for each request."""
        return {
            asked.ReqMktDepth: self.req_mkt_depth,
            asked.CancelMktDepth: self.cancel_mkt_depth,
            asked.ReqMktDepthExchanges: self.mkt_depth_exchanges,
        }

    def actions(self) -> Mapping[str, Callable[..., Any]]:
        """Return no action."""
        return {}

    @property
    def most(self) -> int:
        """How many streams there may be: 3 for 100 lines, as IB has it."""
        return max(3, self._gateway.settings.max_tickers // 100 * 3)

    def req_mkt_depth(self, client: ClientSession, request: asked.ReqMktDepth) -> None:
        """Begin a stream."""
        listing = self._gateway.contracts.resolve_or_refuse(client, request.req_id, request.contract)
        if listing is None:
            return
        wants_smart = request.contract.exchange == "SMART" and not request.is_smart_depth
        if listing.sec_type == "IND" or wants_smart:
            client.error(request.req_id, 10092)
        elif (client.client_id, request.req_id) in self._streams:
            client.error(request.req_id, 322, "Error processing request.-'bV' : cause - Duplicate ticker id")
        elif len(self._streams) >= self.most:
            client.error(request.req_id, 309, limit=self.most)
        elif self._entitled(client, request.req_id, listing):
            self._begin(DepthStream(client, request, listing))

    def _entitled(self, client: ClientSession, req_id: int, listing: Listing) -> bool:
        faults = self._gateway.faults
        if faults.competing_session:
            client.error(req_id, 10197)
            return False
        if faults.delayed or not faults.is_subscribed(listing.instrument.id):
            client.error(req_id, 354, "Requested market data is not subscribed.")
            return False
        return True

    def _begin(self, stream: DepthStream) -> None:
        name = stream.listing.instrument.id
        self._streams[stream.client.client_id, stream.req_id] = stream
        if name not in self._books:
            self._books[name] = BookUpdate(name, (), (), 0)
            self.session.subscribe(name, ["BOOK"])
        self.send_rows(stream)

    @property
    def session(self) -> VenueSession:
        """The session of the venue that books are heard through."""
        if self._session is None:
            from certify.gateway.settings import FEED_ACCOUNT

            self._session = self._gateway.venue.login(FEED_ACCOUNT, self)
        return self._session

    def cancel_mkt_depth(self, client: ClientSession, request: asked.CancelMktDepth) -> None:
        """End a stream; error 310 when there is none."""
        if self._streams.pop((client.client_id, request.req_id), None) is None:
            client.error(request.req_id, 310, ticker_id=request.req_id)

    def mkt_depth_exchanges(self, client: ClientSession, _request: asked.ReqMktDepthExchanges) -> None:
        """Answer with the exchanges that have a book."""
        stocks = [(each, "STK", "", "Deep", "2147483647") for each in STOCK_EXCHANGES[1:]]
        others = [("CME", "FUT"), ("CBOT", "FUT"), ("NYMEX", "FUT"), ("COMEX", "FUT"), ("IDEALPRO", "CASH")]
        rows = [*stocks, *((name, kind, "", "Deep", "2147483647") for name, kind in others)]
        client.send(answers.mkt_depth_exchanges(rows))

    # -- books

    def on_book(self, book: BookUpdate) -> None:
        """Take a book from the venue; it is shown in the next turn of the loop."""
        self._books[book.instrument] = book
        if not self._moved:
            self._gateway.later(0.0, self.flush)
        self._moved.add(book.instrument)

    def on_quote(self, quote: Quote) -> None:
        """Hear nothing: quotes have a desk of their own."""

    def on_trade(self, trade: Trade) -> None:
        """Hear nothing: trades have a desk of their own."""

    def on_report(self, update: OrderUpdate) -> None:
        """Hear nothing: nobody trades in this account."""

    def flush(self) -> None:
        """Show the books that have changed."""
        moved, self._moved = self._moved, set()
        for stream in list(self._streams.values()):
            if stream.listing.instrument.id in moved:
                self.send_rows(stream)

    def send_rows(self, stream: DepthStream) -> None:
        """Send what has changed of a stream's rows, unless no data flows or the client does not read."""
        client = stream.client
        if not self._gateway.faults.market_flows or client.congested:
            return
        book = self._books[stream.listing.instrument.id]
        frames = []
        for side, rows in ((BID, book.bids), (ASK, book.asks)):
            wanted = self.rows_of(stream, side, list(rows[: stream.rows]))
            for position, operation, row in stream.changes(side, wanted):
                frames.append(stream.frame(side, position, operation, row))
        if frames:
            client.tick(b"".join(frames))

    def rows_of(self, stream: DepthStream, side: int, rows: list[Row]) -> list[Row]:
        """Return the rows of a side, filled up behind its last price to the number asked for."""
        instrument = stream.listing.instrument
        if not rows:
            return rows
        step = -instrument.tick if side == BID else instrument.tick
        price = rows[-1][0]
        while len(rows) < stream.rows and price + step > 0:
            price += step
            lots = 100 + zlib.crc32(f"{instrument.id}/{price.normalize()}".encode()) % 900
            rows.append((price, lots * instrument.lot))
        return rows

    # -- what happens around

    def subscriptions(self, client_id: int | None = None) -> list[dict[str, Any]]:
        """List the streams."""
        return [
            {
                "client_id": owner,
                "kind": "mkt_depth",
                "req_id": req_id,
                "instrument": stream.listing.instrument.id,
            }
            for (owner, req_id), stream in self._streams.items()
            if client_id in (None, owner)
        ]

    def forget(self, client: ClientSession) -> None:
        """Forget a client's streams."""
        for key, stream in list(self._streams.items()):
            if stream.client is client:
                del self._streams[key]

    def fault(self, name: str) -> None:
        """Lose the streams (1101), or reset the books (317) when data flows again."""
        faults = self._gateway.faults
        if name == "restored_data_lost":
            self._streams.clear()
        elif name == "competing_session" and faults.competing_session:
            for stream in self._streams.values():
                stream.client.error(stream.req_id, 10197)
        elif name in ("restored", "farm", "competing_session") and faults.market_flows:
            for stream in self._streams.values():
                self.reset(stream)

    def reset(self, stream: DepthStream) -> None:
        """Tell a client to empty its book, and show all of it again."""
        stream.client.error(stream.req_id, 317)
        stream.shown = {ASK: [], BID: []}
        self.send_rows(stream)
