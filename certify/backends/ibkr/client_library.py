"""The one place where the broker's client library is imported: ib_insync, else ib_async.

Used of it is its `Client` (handshake, framing, encoding, decoding, throttle) and its data classes. Its `IB`
and `Wrapper` are not: they keep a state of orders that is wrong after many errors (a notice shows as
Cancelled, an unanswered order as PendingSubmit for ever), drop what they cannot place, and forget
subscriptions with the connection. `certify.backends.ibkr.ledger` keeps that state instead, from the same
messages.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from certify.errors import UsageError

_NAMES = ("ib_insync", "ib_async")


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """Which client library is used."""

    name: str
    version: str


def _find() -> Any:
    """Import the first library there is, on a thread with a loop of its own.

    ib_insync's events ask for the thread's event loop while they are imported; from Python 3.12 on that warns
    where none is set, and from 3.14 on it raises.
    """
    found: list[Any] = []
    missing: list[str] = []

    def search() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            for name in _NAMES:
                try:
                    found.append(import_module(name))
                    return
                except ModuleNotFoundError as error:
                    missing.append(str(error))
        finally:
            asyncio.set_event_loop(None)
            loop.close()

    thread = threading.Thread(target=search, name="import of the client library")
    thread.start()
    thread.join()
    if not found:
        raise UsageError(f"expected ib_insync or ib_async to be installed: {'; '.join(missing)}")
    return found[0]


_module = _find()
LIBRARY = Library(name=_module.__name__, version=str(_module.__version__))
Client: Any = import_module(f"{_module.__name__}.client").Client
Contract: Any = _module.Contract
Order: Any = _module.Order
ExecutionFilter: Any = _module.ExecutionFilter
UNSET_DOUBLE: float = _module.util.UNSET_DOUBLE
