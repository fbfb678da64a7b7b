"""Ways into a platform over an Interactive Brokers connection: its ledgers, its sockets, what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from certify.defects.api import Defect, rewrite_events
from certify.defects.trading_wrap import wrap
from certify.model.trading import Alert, ConnectionChange, Health, OrderUpdate

Plant = Callable[[Any], None]


class Collected:
    """The defects of one module, in the order in which they are written."""

    def __init__(self, where: str = "ib") -> None:
        """Start empty; `where` they are planted."""
        self.defects: list[Defect] = []
        self._where = where

    def __call__(self, name: str, text: str) -> Callable[[Plant], Plant]:
        """Collect a function as the defect `name`; used as a decorator."""

        def add(function: Plant) -> Plant:
            self.defects.append(Defect(name, text, function, self._where))
            return function

        return add


def on_ledgers(platform: Any, change: Callable[[Any], None]) -> None:
    """Change the ledger of orders of each account, before anything is in it."""
    on_desks(platform, lambda desk: change(desk.ledger))


def on_desks(platform: Any, change: Callable[[Any], None]) -> None:
    """Change what follows the orders of each account, before it follows any."""
    changed: list[Any] = []

    def make(desk_of: Any) -> Any:
        def found(account: str) -> Any:
            desk = desk_of(account)
            if desk not in changed:
                changed.append(desk)
                change(desk)
            return desk

        return found

    wrap(platform.connection, "_desk", make)


def on_sockets(platform: Any, change: Callable[[Any], None]) -> None:
    """Change each socket to the gateway when it has been opened, before orders or data are asked for."""

    def make(qualify: Any) -> Any:
        async def changed(socket: Any) -> None:
            change(socket)
            await qualify(socket)

        return changed

    wrap(platform.connection, "_qualify", make)


def on_notices(platform: Any, change: Callable[[int, str], tuple[int, str]]) -> None:
    """Change the notices about the session (those with the id -1) on their way in."""

    def each(socket: Any) -> None:
        on_notice = socket.receiver._on_notice
        socket.receiver._on_notice = lambda code, text: on_notice(*change(code, text))

    on_sockets(platform, each)


def sessions(platform: Any) -> list[Any]:
    """Return every session of the platform's registry."""
    brokers = platform.broker_framework._brokers.values()
    return [broker.session for broker in brokers if broker.session is not None]


def drop(platform: Any, unsaid: Callable[[Any], bool]) -> None:
    """Let the platform never say what `unsaid` is true of."""
    rewrite_events(platform, lambda event: () if unsaid(event) else (event,))


def drop_reports(platform: Any, unsaid: Callable[[OrderUpdate], bool]) -> None:
    """Let the platform never make the reports about orders that `unsaid` is true of."""
    drop(platform, lambda event: isinstance(event, OrderUpdate) and unsaid(event))


def change_reports(platform: Any, change: Callable[[OrderUpdate], OrderUpdate]) -> None:
    """Let the platform make other reports about orders."""
    rewrite_events(platform, lambda event: (change(event) if isinstance(event, OrderUpdate) else event,))


def is_trouble(event: Any) -> bool:
    """Whether an event says that something is wrong with a link or with data."""
    if isinstance(event, ConnectionChange):
        return not event.connected
    return isinstance(event, Alert)


def seems_connected(platform: Any) -> None:
    """Let health and registry say that the session is up, whatever is so."""

    def well(health: Any) -> Any:
        def asked() -> Health:
            said: Health = health()
            return replace(said, connected=True)

        return asked

    def up(brokers: Any) -> Any:
        def asked() -> Any:
            return [replace(info, connected=True) for info in brokers()]

        return asked

    wrap(platform, "health", well)
    wrap(platform.broker_framework, "brokers", up)
