"""The gateway's house: owns the venue, the clients and the desks, and hands every request to its desk.

Everything in it runs on one asyncio loop, in one thread. Methods are looked up when they are called, so that
one of them can be replaced from outside on a gateway that runs.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Protocol

from certify import clock
from certify.errors import CertifyError, UsageError
from certify.gateway.accounts import AccountDesk
from certify.gateway.client import ClientSession, Outlet
from certify.gateway.contracts import ContractDesk
from certify.gateway.contracts.desk import COMMISSIONS
from certify.gateway.depth import DepthDesk
from certify.gateway.faults import Faults
from certify.gateway.history import HistoryDesk
from certify.gateway.market import Market
from certify.gateway.market_data import MarketDataDesk
from certify.gateway.orders import OrderDesk
from certify.gateway.pacing import Traffic
from certify.gateway.reception import Reception
from certify.gateway.reference_data import ReferenceDesk
from certify.gateway.settings import FEED_ACCOUNT, AccountSettings, GatewaySettings
from certify.gateway.values import plain, whole
from certify.gateway.wire import answers
from certify.gateway.wire.contract import WireContract
from certify.model.trading import Instrument
from certify.venue import SimulatedVenue

_BEAT_S = 0.02
"""How often orders that end by the clock are looked at, and whether the loop was held up."""

log = logging.getLogger(__name__)


class Desk(Protocol):
    """Answers some requests and does some actions.

    A desk may also have any of these, called when something happened: `connected(client)` after the first
    messages of a session, `forget(client)` when a client has gone, `day_ends()` at the close and then
    `new_day()`, `opened(account)` for a further account, `started()` when time begins to pass, `closing()`
    before everything is forgotten, and `fault(name)` with the name of what has changed
    (`certify.gateway.faults`).
    """

    def handlers(self) -> Mapping[type[Any], Callable[[ClientSession, Any], None]]:
        """Return the method for each type of request; bound methods are looked up again at each call."""

    def actions(self) -> Mapping[str, Callable[..., Any]]:
        """Return the method for each action; arguments are given by name."""


class Listening(Protocol):
    """What the house needs of the server in front of it."""

    port: int
    """The port clients connect to."""

    def open(self) -> None:
        """Listen on the port; nothing happens when it is open. Raises `UsageError`."""

    def open_later(self) -> None:
        """Listen, and try again for some seconds while somebody else has the port."""

    def shut(self) -> None:
        """Close the port and every connection."""

    def reset(self, client_id: int | None, *, mid_message: bool) -> list[int]:
        """Reset the connection of one client or all; return whose."""

    def end_all(self) -> None:
        """Close every connection, known or not."""


class Gateway:
    """A simulated IB Gateway without its sockets (those are `certify.gateway.server`)."""

    def __init__(
        self,
        settings: GatewaySettings = GatewaySettings(),  # noqa: B008 - a frozen value
        *,
        prepare: Callable[[Gateway], None] | None = None,
    ) -> None:
        """Build everything; `prepare` is called with the gateway now and after each `fresh`."""
        self.settings = settings
        self.server: Listening | None = None
        self._prepare = prepare
        self._timers: set[asyncio.TimerHandle] = set()
        self._beat_due_ns = 0
        self._build()

    def _build(self) -> None:
        """Make everything that `fresh` forgets."""
        settings = self.settings
        self.clients: dict[int, ClientSession] = {}
        """Connected clients by client id."""
        self.failures: list[str] = []
        """What went wrong inside the gateway itself (the last hundred)."""
        self.faults = Faults(self)
        self.traffic = Traffic(settings.pacing)
        self.instruments: dict[str, Instrument] = {each.id: each for each in settings.instruments}
        self.account_settings: dict[str, AccountSettings] = {}
        """Accounts that clients see, in the order they were opened."""
        self.venue = SimulatedVenue(
            settings.instruments, now_ns=self.now_ns, seed=settings.seed, threaded=False
        )
        self.venue.open_account(FEED_ACCOUNT, Decimal(0))
        for account in settings.accounts:
            self._open(account)
        self.market = Market(self)
        self.desks: list[Any] = [self.faults, self.market, *self._make_desks()]
        self._route()
        if self._prepare is not None:
            self._prepare(self)

    def _make_desks(self) -> list[Any]:
        """Make the desks that answer requests, each after those that it uses."""
        self.contracts = ContractDesk(self)
        self.orders = OrderDesk(self)
        self.accounts = AccountDesk(self)
        self.market_data = MarketDataDesk(self)
        self.depth = DepthDesk(self)
        self.history = HistoryDesk(self)
        return [
            Reception(self), self.contracts, self.orders, self.accounts, self.market_data, self.depth,
            self.history, ReferenceDesk(self),
        ]  # fmt: skip

    def _route(self) -> None:
        """Note who answers what."""
        self._handlers: dict[type[Any], Callable[[ClientSession, Any], None]] = {}
        self._actions: dict[str, Callable[..., Any]] = {
            "describe": self.describe, "fresh": self.fresh, "new_day": self.new_day,
            "open_account": self.open_account, "clients": self.list_clients,
            "requests": self.list_requests, "pacing": self.list_pacing,
            "subscriptions": self.list_subscriptions,
        }  # fmt: skip
        for desk in self.desks:
            for kind, handler in desk.handlers().items():
                self._handlers[kind] = _late(handler)
            for action, call in desk.actions().items():
                self._actions[action] = call

    def listed(self, instrument: str) -> tuple[Instrument, Decimal | None]:
        """Return an instrument and where its market starts; the venue trades it from now on.

        Raises `UsageError` for one that nobody knows.
        """
        listing = self.contracts.listing(instrument)
        known = self.instruments.get(instrument)
        if known is None:
            if listing is None:
                raise UsageError(f"{instrument} is not traded here")
            known = self.instruments[instrument] = listing.instrument
            self.venue.list_instrument(known, COMMISSIONS.get(listing.sec_type))
        return known, listing.start_price if listing is not None else None

    def instrument_of(self, contract: WireContract) -> str | None:
        """Return the id of the instrument that a client's contract means; `None` when it is not one."""
        found = self.contracts.resolve(contract)
        return found.instrument.id if found is not None else None

    # -- time

    def now_ns(self) -> int:
        """Return the gateway's time in nanoseconds UTC, which `clock_offset` moves."""
        return clock.now_ns() + self.faults.clock_offset_ns

    def later(self, delay_s: float, call: Callable[..., object], *arguments: object) -> asyncio.TimerHandle:
        """Make a call on the loop after `delay_s`; `fresh` and the end of the gateway cancel it."""
        loop = asyncio.get_running_loop()

        def run() -> None:
            self._timers.discard(handle)
            try:
                call(*arguments)
            except Exception as error:  # noqa: BLE001 - one broken timer must not end the others
                self.note_failure("in a timer", error)

        handle = loop.call_later(max(0.0, delay_s), run)
        self._timers.add(handle)
        if len(self._timers) > 4096:
            self._timers = {each for each in self._timers if not each.cancelled()}
        return handle

    def start(self) -> None:
        """Let time pass; called on the loop when the gateway begins and after each `fresh`."""
        self.market.start()
        self._beat()
        self._tell("started")

    def stop(self) -> None:
        """End every timer; the server has closed its sockets."""
        self._tell("closing")
        for handle in self._timers:
            handle.cancel()
        self._timers.clear()

    def _beat(self) -> None:
        now_ns, beat_ns = clock.monotonic_ns(), int(_BEAT_S * clock.NS_PER_S)
        # At multiples, as the generated market has its turns: an awakening costs more than what it does.
        self._beat_due_ns = (now_ns // beat_ns + 1) * beat_ns
        self.later((self._beat_due_ns - now_ns) / clock.NS_PER_S, self._beat)
        self.venue.advance()

    def lag_ns(self) -> int:
        """Return how much earlier than now a message may have come that is read only now."""
        return max(0, clock.monotonic_ns() - self._beat_due_ns) if self._beat_due_ns else 0

    def note_failure(self, where: str, error: Exception) -> None:
        """Remember and log what went wrong inside the gateway itself."""
        log.error("the simulated gateway failed %s", where, exc_info=error)
        self.failures.append(f"{where}: {type(error).__name__}: {error}")
        del self.failures[:-100]

    # -- clients

    def admit(self, client_id: int, version: int, outlet: Outlet, *, capabilities: str = "") -> ClientSession:
        """Begin a session after startApi: accounts, next valid id and farm notices, as a TWS begins.

        The caller has looked whether the client id is free (`in_use`).
        """
        client = ClientSession(client_id, version, outlet, self.faults, capabilities=capabilities)
        self.clients[client_id] = client
        client.send(answers.managed_accounts(self.account_settings))
        client.send(answers.next_valid_id(self.next_valid_id(client_id)))
        self.faults.greet(client)
        self._tell("connected", client)
        return client

    def in_use(self, client_id: int) -> bool:
        """Tell whether a client id is taken, or not given back yet."""
        return client_id in self.clients or self.faults.still_in_use(client_id)

    def next_valid_id(self, client_id: int) -> int:
        """Return an order id above every one that `client_id` ever used."""
        return self.orders.next_valid_id(client_id)

    def leave(self, client: ClientSession) -> None:
        """Forget a client whose connection has ended; its orders stay."""
        client.closed = True
        if self.clients.get(client.client_id) is client:
            del self.clients[client.client_id]
            self._tell("forget", client)

    def handle(self, client: ClientSession, request: object) -> None:
        """Let the desk that knows this type of request answer it; never raises."""
        handler = self._handlers.get(type(request))
        if handler is None:
            client.error(getattr(request, "req_id", -1), 322, _not_served(request))
            return
        try:
            handler(client, request)
        except Exception as error:  # noqa: BLE001 - one request must not end the gateway
            name = type(request).__name__
            if not isinstance(error, CertifyError):
                self.note_failure(f"at {name}", error)
            req_id = getattr(request, "req_id", getattr(request, "order_id", -1))
            client.error(req_id, 322, f"Error processing request.-'{name}' : cause - {error}")

    def everyone(self) -> tuple[ClientSession, ...]:
        """Return the connected clients, in the order they came."""
        return tuple(self.clients.values())

    def _tell(self, event: str, *arguments: object) -> None:
        """Let each desk that wants to hear of something hear of it."""
        for desk in self.desks:
            listen = getattr(desk, event, None)
            if listen is None:
                continue
            try:
                listen(*arguments)
            except Exception as error:  # noqa: BLE001 - the other desks hear of it all the same
                self.note_failure(f"at {event}", error)

    def tell_fault(self, name: str) -> None:
        """Let the desks hear that a fault began or ended; see `certify.gateway.faults` for the names."""
        self._tell("fault", name)

    # -- actions

    def do(self, action: str, /, **arguments: Any) -> Any:
        """Do one action of the table and return what can be written as JSON; raises `UsageError`."""
        call = self._actions.get(action)
        if call is None:
            raise UsageError(f"no action {action}; there are {', '.join(sorted(self._actions))}")
        try:
            bound = inspect.signature(call).bind(**arguments)
        except TypeError as error:
            raise UsageError(f"{action}: {error}") from error
        return plain(_late(call)(*bound.args, **bound.kwargs))

    def all_actions(self) -> Mapping[str, Callable[..., Any]]:
        """Return the method of every action, by its name."""
        return dict(self._actions)

    def action_arguments(self) -> dict[str, tuple[str, ...]]:
        """Return the name of every action with those of its arguments; `*` where it takes any other too."""
        return {
            name: tuple("*" if each.kind is each.VAR_KEYWORD else each.name for each in _parameters(call))
            for name, call in self._actions.items()
        }

    def describe(self) -> dict[str, Any]:
        """Say what this gateway is."""
        return {
            "simulated": True,
            "accounts": list(self.account_settings),
            "instruments": list(self.instruments),
            "max_version": self.settings.max_version,
            "port": self.server.port if self.server is not None else None,
            "seed": self.settings.seed,
        }

    def fresh(self) -> None:
        """End every client and forget everything: as just started, on the same port."""
        if self.server is not None:
            self.server.end_all()
        for client in self.everyone():
            self.leave(client)
        self.stop()
        self._beat_due_ns = 0
        self._build()
        if self.server is not None:
            self.server.open()
            self.start()

    def new_day(self) -> None:
        """Begin a new trading day: first the close, then DAY orders end and the day before is forgotten."""
        self._tell("day_ends")
        self.venue.close_session()
        self.venue.open_session()
        self._tell("new_day")

    def open_account(self, account: str, cash: Decimal | str = "1000000", currency: str = "USD") -> None:
        """Open a further account under the same login; raises `UsageError` when it exists."""
        if account in self.account_settings:
            raise UsageError(f"account {account} exists")
        self._open(AccountSettings(id=account, cash=Decimal(cash), currency=currency))
        self._tell("opened", account)

    def _open(self, account: AccountSettings) -> None:
        self.venue.open_account(account.id, account.cash, account.currency)
        self.account_settings[account.id] = account

    def list_clients(self, client_id: int | None = None) -> list[dict[str, Any]]:
        """List who is connected."""
        return [
            {"client_id": client.client_id, "version": client.version, "dropped_ticks": client.dropped_ticks}
            for client in self.everyone()
            if client_id is None or client.client_id == client_id
        ]

    def list_subscriptions(self, client_id: int | None = None) -> list[dict[str, Any]]:
        """List what is subscribed to, of each desk that has subscriptions."""
        which = None if client_id is None else whole(client_id, "client_id")
        lists = (getattr(desk, "subscriptions", None) for desk in self.desks)
        return [row for listed in lists if listed is not None for row in listed(which)]

    def list_requests(self, client_id: int | None = None) -> dict[int, dict[str, int]]:
        """Count the requests of each client id by name, since the start."""
        return self.traffic.requests(client_id)

    def list_pacing(self, client_id: int | None = None) -> dict[int, dict[str, int]]:
        """Tell how fast each client id sent, and how often too fast."""
        return self.traffic.pacing(client_id)


def _late(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a call that looks a bound method up again each time, so that a replaced one is found."""
    owner, name = getattr(call, "__self__", None), getattr(call, "__name__", "")
    if owner is None or getattr(owner, name, None) is None:
        return call

    def call_late(*arguments: Any, **named: Any) -> Any:
        return getattr(owner, name)(*arguments, **named)

    return call_late


def _not_served(request: object) -> str:
    name = type(request).__name__
    return f"Error processing request.-'{name}' : cause - the simulated gateway does not answer this request"


def _parameters(call: Callable[..., Any]) -> tuple[inspect.Parameter, ...]:
    return tuple(inspect.signature(call).parameters.values())
