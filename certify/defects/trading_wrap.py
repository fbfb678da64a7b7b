"""Ways into a built platform from outside: its ports, its links to the venue, what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from certify.defects.api import Defect
from certify.model.trading import Order, OrderUpdate

Reports = Callable[[OrderUpdate], Iterable[OrderUpdate]]
"""What becomes of a report on its way out: none, one or several."""
Plant = Callable[[Any], None]
ChangeOrder = Callable[[Order], "Order | None"]
"""What becomes of an order on its way in; `None`: it is lost."""


def ports(platform: Any) -> tuple[Any, ...]:
    """Return the three order ports."""
    return (platform.execution, platform.broker, platform.paper_trading)


def wrap(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Replace a method by what `make` makes of it."""
    setattr(owner, name, make(getattr(owner, name)))


def wrap_ports(platform: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Replace a method of all three order ports."""
    for port in ports(platform):
        wrap(port, name, make)


def on_reports(platform: Any, change: Reports) -> None:
    """Change the order reports that the platform emits."""
    emit = platform.kernel.emit

    def changed(event: Any) -> None:
        for each in change(event) if isinstance(event, OrderUpdate) else (event,):
            emit(each)

    platform.kernel.emit = changed


def on_orders(platform: Any, change: ChangeOrder) -> None:
    """Change the orders that come in at the ports."""

    def make(submit: Any) -> Any:
        def changed(order: Order) -> None:
            made = change(order)
            if made is not None:
                submit(made)

        return changed

    wrap_ports(platform, "submit", make)


def on_links(platform: Any, change: Callable[[Any, Any], None]) -> None:
    """Change each link to the venue when it is opened; `change(link, listener)`."""

    def make(login: Any) -> Any:
        def changed(account: str, listener: Any) -> Any:
            link = login(account, listener)
            change(link, listener)
            return link

        return changed

    wrap(platform.connection, "login", make)


def on_sent(platform: Any, change: ChangeOrder) -> None:
    """Change the orders that go out to the venue."""

    def each(link: Any, _listener: Any) -> None:
        submit = link.submit

        def changed(order: Order) -> None:
            made = change(order)
            if made is not None:
                submit(made)

        link.submit = changed

    on_links(platform, each)


def on_engines(platform: Any, change: Callable[[Any], None]) -> None:
    """Change every order engine: the main account's now, those of paper accounts when they are opened."""
    change(platform.execution)

    def make(open_engine: Any) -> Any:
        def changed(*args: Any) -> Any:
            engine = open_engine(*args)
            change(engine)
            return engine

        return changed

    wrap(platform.paper_trading, "_open_engine", make)


def on_sessions(platform: Any, change: Callable[[Any], None]) -> None:
    """Change every broker session: the main account's now, those of paper accounts when they are opened."""
    for broker in platform.broker_framework._brokers.values():
        if broker.session is not None:
            change(broker.session)

    def each(engine: Any) -> None:
        if engine is not platform.execution:
            change(engine.session)

    on_engines(platform, each)


class Collected:
    """The defects of one module, in the order in which they are written."""

    def __init__(self) -> None:
        """Start empty."""
        self.defects: list[Defect] = []

    def __call__(self, name: str, text: str, *, where: str = "system") -> Callable[[Plant], Plant]:
        """Collect a function as the defect `name`; used as a decorator."""

        def add(function: Plant) -> Plant:
            self.defects.append(Defect(name, text, function, where))
            return function

        return add
