"""A gateway with a market that stands still, and ib_insync on a loop of its own as scripts use it."""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from certify.gateway.embed import EmbeddedGateway
from certify.gateway.settings import GatewaySettings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # eventkit asks for a loop at import
    import ib_insync

WAIT_S = 8.0
APPLE = "AAPL.NASDAQ"


class Script(ib_insync.IB):
    """An IB as a script has it, with what was heard of errors, and waiting with an end."""

    def __init__(self) -> None:
        super().__init__()
        self.RequestTimeout = WAIT_S
        self.errors: list[tuple[int, int, str]] = []
        self.errorEvent += lambda req_id, code, text, _: self.errors.append((req_id, code, text))

    def until(self, holds: Callable[[], Any], what: str = "it") -> None:
        """Let the library work until something holds."""

        async def wait() -> None:
            async with asyncio.timeout(WAIT_S):
                while not holds():  # noqa: ASYNC110 - what scripts look at has no event
                    await asyncio.sleep(0.005)

        try:
            self._run(wait())
        except TimeoutError:
            raise AssertionError(f"waited {WAIT_S:g} s for {what}; errors: {self.errors[-5:]}") from None

    def codes(self, req_id: int) -> list[int]:
        """Return the codes of the errors about an order or a request."""
        return [code for about, code, _ in self.errors if about == req_id]


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The loop of the thread, for as long as the test."""
    made = asyncio.new_event_loop()
    asyncio.set_event_loop(made)
    yield made
    made.run_until_complete(asyncio.sleep(0))
    made.close()
    asyncio.set_event_loop(None)


@pytest.fixture
def gateway() -> Iterator[EmbeddedGateway]:
    """A gateway whose market only does what it is told; nothing may go wrong inside of it."""
    with EmbeddedGateway(GatewaySettings(market_rate_per_s=0)) as running:
        quote(running, "229.99", "230.01")
        yield running
        assert running.gateway.failures == []


def quote(gateway: EmbeddedGateway, bid: str, ask: str, size: str = "1000", instrument: str = APPLE) -> None:
    """Show a market."""
    gateway.do("set_market", instrument=instrument, bid=bid, bid_size=size, ask=ask, ask_size=size)


@pytest.fixture
def connect(
    gateway: EmbeddedGateway, loop: asyncio.AbstractEventLoop, caplog: pytest.LogCaptureFixture
) -> Iterator[Callable[..., Script]]:
    """Connect a script; none of its messages may be one that the library cannot read."""
    scripts: list[Script] = []

    def make(client_id: int = 1) -> Script:
        script = Script()
        scripts.append(script)
        script.connect(gateway.host, gateway.port, clientId=client_id, timeout=WAIT_S)
        return script

    caplog.set_level(logging.ERROR)
    yield make
    for script in scripts:
        script.disconnect()
    loop.run_until_complete(asyncio.sleep(0.02))
    assert "Error handling fields" not in caplog.text


@pytest.fixture
def ib(connect: Callable[..., Script]) -> Script:
    """One connected script."""
    return connect()


@pytest.fixture
def apple(ib: Script) -> ib_insync.Contract:
    """Apple's share, qualified."""
    contract = ib_insync.Stock("AAPL", "SMART", "USD")
    ib.qualifyContracts(contract)
    return contract
