"""A simulated IB Gateway for your own tests.

    from certify.testing import ib_gateway, running_gateway

    def test_my_strategy(ib_gateway):  # importing the fixture is enough
        ib = IB()
        ib.connect(ib_gateway.host, ib_gateway.port, clientId=1)
        ib_gateway.do("connectivity", state="lost")

    def test_without_a_fixture():
        with running_gateway(accounts={"DU1": 50_000}) as gateway:
            ...

Nothing here needs pytest but the fixture itself, which is there when pytest can be imported.
`docs/gateway.md` lists the actions of `do`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from certify.gateway.embed import EmbeddedGateway
from certify.gateway.settings import DEFAULT_INSTRUMENTS, AccountSettings, GatewaySettings
from certify.model.trading import Instrument

__all__ = ["TestGateway", "ib_gateway", "running_gateway"]


class TestGateway:
    """A gateway that runs: where it listens, and `do`, which may be called from any thread."""

    __test__ = False  # a test class by its name only

    def __init__(self, embedded: EmbeddedGateway) -> None:
        """Take a gateway that listens already."""
        self._embedded = embedded
        self.host = embedded.host
        """Where clients connect to."""
        self.port = embedded.port
        """A port of loopback that was free."""
        self.control_port = embedded.address.control_port
        """Takes actions as lines of JSON, from other processes."""

    @property
    def account(self) -> str:
        """The first account."""
        return str(self.do("describe")["accounts"][0])

    def do(self, action: str, /, **arguments: Any) -> Any:
        """Do an action and return its answer, as plain data.

        Raises:
            UsageError: there is no such action, or an argument makes no sense.
        """
        return self._embedded.do(action, **arguments)

    def fresh(self) -> None:
        """End every client and forget everything, on the same port: as just started."""
        self._embedded.fresh()


@contextmanager
def running_gateway(
    *,
    accounts: Mapping[str, Decimal | int | str] | None = None,
    instruments: Iterable[str] | None = None,
    script: Path | str | None = None,
    magic: bool = False,
    **settings: Any,
) -> Iterator[TestGateway]:
    """Run a simulated gateway on free ports of loopback while the block lasts.

    Args:
        accounts: account → its cash; `DU1000001` with a million where nothing is said.
        instruments: ids such as `AAPL.NASDAQ`; the usual ten where nothing is said.
        script: a scenario script.
        magic: whether magic quantities do what the table says.
        settings: any further field of `certify.gateway.settings.GatewaySettings`.

    Raises:
        UsageError: a setting or the script makes no sense.
    """
    if accounts is not None:
        settings["accounts"] = tuple(
            AccountSettings(id=name, cash=Decimal(cash)) for name, cash in accounts.items()
        )
    wanted = DEFAULT_INSTRUMENTS if instruments is None else tuple(Instrument(each) for each in instruments)
    made = GatewaySettings(instruments=wanted, magic=magic, **settings)
    with EmbeddedGateway(made, script=Path(script) if script is not None else None) as embedded:
        yield TestGateway(embedded)


def _as_fixture() -> Any:
    """Return the fixture `ib_gateway`: a gateway of its own for every test that asks for it."""
    try:
        import pytest
    except ImportError:  # certify runs without pytest; then there is nobody to use the fixture
        return running_gateway

    def ib_gateway() -> Iterator[TestGateway]:
        """A simulated IB Gateway of this test's own."""
        with running_gateway() as gateway:
            yield gateway

    return pytest.fixture(name="ib_gateway")(ib_gateway)


ib_gateway = _as_fixture()
