"""The way to TWS or IB Gateway: a `VenueConnection` over the client library.

One socket for each purpose, each with a client id of its own, so that breaking one leaves the others alone:

| client id | for |
| --- | --- |
| first | orders of the main account |
| first + 1 | market data that users subscribe |
| first + 2 | reference prices of the platform |
| first + 3 … | orders of paper accounts |

Threads: the loop of the sockets never takes a lock of the platform. What it has to say is put to another
thread, which may wait. The platform's calls wait for the loop, for a bounded time.

A lost link to IB (1100) takes the links down but not the sockets: after 1102 the same subscriptions go on and
are not asked for again, after 1101 they are.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from certify import clock
from certify.backends.ibkr.contracts import ContractBook
from certify.backends.ibkr.control import ControlPort
from certify.backends.ibkr.delivery import Delivery, DeliveryThread
from certify.backends.ibkr.desk import OrderDesk
from certify.backends.ibkr.facts import SentOrders
from certify.backends.ibkr.feed import Event, Feed
from certify.backends.ibkr.gateway_socket import GatewaySocket
from certify.backends.ibkr.ledger import Waits
from certify.backends.ibkr.links import IbFeedLink, IbOrderLink
from certify.backends.ibkr.loop import LoopThread
from certify.backends.ibkr.receiver import Refused
from certify.backends.ibkr.safety import Safety
from certify.backends.ibkr.settings import IbSettings, masked
from certify.errors import CertifyError, NotSupported, UsageError
from certify.model.trading import Instrument, Order, OrderUpdate, Quote, Trade
from certify.reference.connection import FeedListener, OrderListener
from certify.reference.pricing import PriceBook

T = TypeVar("T")
ORDERS_ID, FEED_ID, PRICES_ID, PAPER_ID = 0, 1, 2, 3
"""Added to the first client id."""
PATIENCE_S = 0.25
"""So long does a login wait for a socket that opens slowly; the next attempt finds it open."""
BRAND = "certify-simulated-gateway"
"""How a simulated gateway says that it is one."""


class IbConnection:
    """Everything that is open to one gateway."""

    def __init__(
        self,
        settings: IbSettings,
        instruments: list[Instrument],
        *,
        state_dir: Path,
        log: logging.Logger,
        now_ns: Callable[[], int] = clock.now_ns,
    ) -> None:
        """Nothing is opened yet.

        Raises:
            UsageError: the account may not be traded in, or an instrument has no contract.
        """
        self.settings = settings
        self.contracts = ContractBook(instruments)
        self.prices = PriceBook()
        """The last prices of any line, for the value of orders."""
        self.safety = Safety(settings, self.contracts.instruments, self.prices.opposite)
        self.safety.check_account(settings.account)
        self.sent = SentOrders(state_dir / "ibkr.orders.jsonl")
        self.desks: dict[str, OrderDesk] = {}
        self.feeds: dict[int, Feed] = {}
        self.sockets: dict[int, GatewaySocket] = {}
        """Open sockets by client id."""
        self.on_clock: Callable[[float], None] = lambda _offset_s: None
        """Called now and then with the gateway's time less this machine's, in seconds."""
        self._log = log
        self._now_ns = now_ns
        self._links: dict[int, IbOrderLink | IbFeedLink] = {}
        self._opening: dict[int, asyncio.Task[GatewaySocket]] = {}
        self._numbers: dict[int, dict[tuple[str, str], int]] = {}
        self._brand_known = False
        self._loop: LoopThread | None = None
        self._delivery: DeliveryThread | None = None
        self._control: ControlPort | None = None
        if settings.control_port is not None:
            self._control = ControlPort(settings.host, settings.control_port)

    # -- threads -------------------------------------------------------------------------------

    def _start(self) -> LoopThread:
        if self._loop is None:
            self._loop = LoopThread("ibkr sockets")
            self._delivery = DeliveryThread("ibkr reports", self._log)
        return self._loop

    def post(self, call: Callable[..., object], *arguments: object) -> None:
        """Make a call on the loop, in order; without a loop there is nothing to call for."""
        if self._loop is not None:
            self._loop.post(call, *arguments)

    def deliver(self, call: Delivery) -> None:
        """Make a call on the thread that may wait for the platform."""
        if self._delivery is not None:
            self._delivery.put(call)

    def ask(self, link: IbOrderLink, work: Coroutine[Any, Any, T]) -> T:
        """Ask the gateway and wait for the answer.

        Raises:
            ConnectionError: the link is gone, or there is no answer in time.
        """
        if link.closed or link.lost or self._loop is None:
            work.close()
            raise ConnectionError(link.lost or "not connected")
        try:
            return self._loop.run(work, 3 * self.settings.answer_timeout_s)
        except Refused as error:
            raise ConnectionError(f"the gateway refuses the question: {error}") from error

    # -- the venue -----------------------------------------------------------------------------

    def instruments(self) -> list[Instrument]:
        """Return what is traded."""
        return list(self.contracts.instruments.values())

    def ensure_account(self, account: str, cash: Decimal, currency: str) -> None:
        """Open an account at a simulated gateway unless it exists; real accounts are what they are."""
        if self._control is None or account == self.settings.account:
            return
        if account not in self._control.do("describe")["accounts"]:
            self._control.do("open_account", account=account, cash=cash, currency=currency)

    def set_market(self, quote: Quote) -> None:
        """Set the best bid and ask of a simulated gateway."""
        self._simulated().do(
            "set_market",
            instrument=quote.instrument,
            bid=quote.bid,
            bid_size=quote.bid_size,
            ask=quote.ask,
            ask_size=quote.ask_size,
        )

    def print_trade(self, trade: Trade) -> None:
        """Let a simulated gateway print a trade."""
        self._simulated().do("print_trade", instrument=trade.instrument, price=trade.price, size=trade.size)

    def _simulated(self) -> ControlPort:
        if self._control is None:
            raise NotSupported("the market of a real broker cannot be set")
        return self._control

    def advance(self) -> None:
        """Say how far the gateway's clock is off; nothing else is due: the loop looks at its own."""
        offsets = [socket.clock_offset_s for socket in list(self.sockets.values())]
        self.on_clock(max(offsets, key=abs, default=0.0))

    # -- sockets -------------------------------------------------------------------------------

    async def _socket(self, client_id: int, patience_s: float) -> GatewaySocket:
        """Return the open socket of a client id; opens one if there is none."""
        socket = self.sockets.get(client_id)
        if socket is not None and socket.open:
            socket.check()
            return socket
        opening = self._opening.get(client_id)
        if opening is None:
            opening = self._opening[client_id] = asyncio.ensure_future(self._open(client_id))
            opening.add_done_callback(lambda task: self._opened(client_id, task))
        done, _ = await asyncio.wait({opening}, timeout=patience_s)
        if not done:
            raise ConnectionError(f"{self.settings.host}:{self.settings.port} is slow to answer")
        return opening.result()

    async def _open(self, client_id: int) -> GatewaySocket:
        socket = GatewaySocket(self.settings, client_id, self._log, self._on_lost)
        await socket.connect()
        self.sockets[client_id] = socket
        try:
            await self._check_brand(socket)
            await self._qualify(socket)
        except (ConnectionError, CertifyError):
            self._drop(socket)
            raise
        return socket

    async def _check_brand(self, socket: GatewaySocket) -> None:
        """Make sure that a simulated gateway is not taken for IB, nor IB for a simulated one.

        Raises:
            UsageError: the gateway is not what the configuration says.
        """
        if self._brand_known:
            return
        try:
            brand = await socket.ask(socket.client.reqUserInfo)
        except (ConnectionError, Refused):
            brand = ""  # an old gateway does not know the question
        if (brand == BRAND) is not self.settings.simulated:
            found = "is a simulated one" if brand == BRAND else "does not say that it is a simulated one"
            raise UsageError(f"the gateway at {socket.where} {found}: set `simulated` to what it is")
        self._brand_known = True

    def _opened(self, client_id: int, task: asyncio.Task[GatewaySocket]) -> None:
        self._opening.pop(client_id, None)
        if not task.cancelled():
            task.exception()  # has been raised where it was waited for, if it was

    async def _qualify(self, socket: GatewaySocket) -> None:
        """Learn what the contracts are, once; an instrument that IB does not know is said in the log."""
        for name in self.contracts.unqualified():
            try:
                found = await self._details(socket, name)
            except Refused as error:
                self._log.warning("%s: %s", name, error)
                continue
            if len(found) == 1:
                self.contracts.qualify(name, found[0].contract)
            else:
                self._log.warning("%s: expected one contract, was %d", name, len(found))

    async def _details(self, socket: GatewaySocket, instrument: str) -> list[Any]:
        contract = self.contracts.contract(instrument)
        found: list[Any] = await socket.ask(lambda req_id: socket.client.reqContractDetails(req_id, contract))
        return found

    def _on_lost(self, socket: GatewaySocket, reason: str) -> None:
        """Say to whoever uses a socket that it is of no use any more."""
        if not socket.open and self.sockets.get(socket.client_id) is socket:
            del self.sockets[socket.client_id]
        link = self._links.get(socket.client_id)
        if link is not None and link.socket is socket:
            link.is_lost(reason)

    def _drop(self, socket: GatewaySocket) -> None:
        """Close a socket, unless it is only waiting for IB to come back."""
        if socket.suspended and socket.open:
            return
        socket.close()
        if self.sockets.get(socket.client_id) is socket:
            del self.sockets[socket.client_id]

    def _patience_s(self, client_id: int) -> float:
        """Wait for the first socket of a client id as long as it may take, later only a moment."""
        first = client_id not in self._links
        return self.settings.connect_timeout_s + self.settings.answer_timeout_s if first else PATIENCE_S

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        limit_s = self.settings.connect_timeout_s + 5 * self.settings.answer_timeout_s
        try:
            return self._start().run(work, limit_s)
        except Refused as error:
            raise ConnectionError(f"the gateway refuses: {error}") from error

    # -- orders --------------------------------------------------------------------------------

    def login(self, account: str, listener: OrderListener) -> IbOrderLink:
        """Open an order session of one account.

        Raises:
            ConnectionError: it cannot be opened now; says why in one line.
            UsageError: the account is not one to trade in.
        """
        self.safety.check_account(account)
        return self._run(self._login(account, listener))

    async def _login(self, account: str, listener: OrderListener) -> IbOrderLink:
        desk = self._desk(account)
        client_id = self._client_id(account)
        socket = await self._socket(client_id, self._patience_s(client_id))
        socket.account(account)
        desk.attach(socket)
        try:
            found = await desk.synchronise()
        except (ConnectionError, CertifyError):
            desk.detach()
            self._drop(socket)
            raise
        link = IbOrderLink(self, socket, listener, desk, found)
        self._links[client_id] = link
        desk.speak()
        if not socket.open or socket.suspended:
            link.is_lost("the link was lost during the login")
        self._log.info("logged in to %s as client %d", masked(account), client_id)
        return link

    def _desk(self, account: str) -> OrderDesk:
        desk = self.desks.get(account)
        if desk is None:
            settings = self.settings
            desk = self.desks[account] = OrderDesk(
                account,
                self.contracts,
                self.sent,
                say=lambda update: self._say(account, update),
                now_ns=self._now_ns,
                waits=Waits(commission_ns=settings.commission_wait_ns, answer_ns=settings.answer_wait_ns),
                environment=settings.environment,
            )
        return desk

    def _client_id(self, account: str) -> int:
        if account == self.settings.account:
            return self.settings.client_id + ORDERS_ID
        return self.settings.client_id + PAPER_ID + self.sent.number(account)

    def _say(self, account: str, update: OrderUpdate) -> None:
        link = self._links.get(self._client_id(account))
        if isinstance(link, IbOrderLink):
            link.say(update)

    def refuse(self, order: Order) -> str | None:
        """Return why an order is not sent, if so."""
        return self.safety.refuse(order, len(self.sent))

    def end_orders(self, link: IbOrderLink) -> None:
        """Let go of an order session, on the loop."""
        if self._links.get(link.socket.client_id) is link:
            link.desk.detach()
        self._drop(link.socket)

    # -- market data ---------------------------------------------------------------------------

    def open_feed(self, listener: FeedListener) -> IbFeedLink:
        """Open a market data line; raises `ConnectionError`."""
        return self._run(self._open_feed(listener))

    async def _open_feed(self, listener: FeedListener) -> IbFeedLink:
        purpose = PRICES_ID if isinstance(listener, PriceBook) else FEED_ID
        client_id = self.settings.client_id + purpose
        socket = await self._socket(client_id, self._patience_s(client_id))
        feed = self.feeds.get(client_id)
        if feed is not None and feed.socket is socket:
            feed.release()
        else:
            numbers = self._numbers.setdefault(client_id, {})
            feed = Feed(self.contracts, numbers, lambda event: self._pass_on(client_id, event), self._log)
            self.feeds[client_id] = feed
            feed.attach(socket, self.settings.market_data_type)
        link = self._links[client_id] = IbFeedLink(self, socket, listener, feed)
        return link

    def _pass_on(self, client_id: int, event: Event) -> None:
        if isinstance(event, Quote):
            self.prices.on_quote(event)
        link = self._links.get(client_id)
        if isinstance(link, IbFeedLink) and not link.lost:
            link.say(event)

    def end_feed(self, link: IbFeedLink) -> None:
        """Let go of a market data line, on the loop."""
        self._drop(link.socket)

    # -- the end -------------------------------------------------------------------------------

    def close(self) -> None:
        """Close every socket and end the threads; may be used again."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.run(self._close_all(), self.settings.answer_timeout_s)
            loop.close()
        delivery, self._delivery = self._delivery, None
        if delivery is not None:
            delivery.close()
        if self._control is not None:
            self._control.close()
        self.sent.close()

    async def _close_all(self) -> None:
        for desk in self.desks.values():
            desk.detach()
        for socket in list(self.sockets.values()):
            socket.close()
        self.sockets.clear()
        self._links.clear()
        self.feeds.clear()
