"""A simulated gateway behind a system, in the hands of the tool: what a check may command of it.

The tool runs the gateway, the system under certification connects to it like to a real one. So the same
faults can be brought about whatever system is connected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from certify import clock
from certify.errors import CertifyError
from certify.model.trading import Health
from certify.plan import BackendPlan

HEAL = "heal"
"""The action that undoes every fault: connectivity, farms, listening, sessions, clock, frames, behaviours."""
BACK_WITHIN_S = 15.0
"""How long a system may take to be connected again once every fault of its gateway is gone."""
LOOK_EVERY_S = 0.05
Ask = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayAddress:
    """Where a gateway listens, and for which account."""

    host: str
    port: int
    control_port: int
    account: str

    def as_config(self) -> dict[str, Any]:
        """Return what the system finds as `ctx.config["gateway"]`."""
        return {
            "host": self.host,
            "port": self.port,
            "control_port": self.control_port,
            "account": self.account,
            "simulated": True,
        }


class GatewayControl(Protocol):
    """One running simulated gateway. May be used from any thread."""

    @property
    def address(self) -> GatewayAddress:
        """Where it listens; the same for its whole life."""

    def do(self, action: str, **arguments: Any) -> Any:
        """Carry out an action (`docs/gateway.md` lists them) and return what it answers.

        Raises:
            CertifyError: no such action, or an argument that makes no sense.
        """

    def fresh(self) -> None:
        """End every client and forget everything, as if just started, on the same port."""

    def plant(self, name: str) -> None:
        """Break the gateway in the way that a planted defect says.

        Raises:
            UsageError: no defect of a gateway has this name.
        """

    def close(self) -> None:
        """End it; harmless when it has ended."""


OpenGateway = Callable[[BackendPlan], GatewayControl]
"""Starts the gateway that a backend's plan asks for."""


def healed(gateways: Mapping[str, GatewayControl], health: Mapping[str, Ask]) -> Iterator[str]:
    """Undo what a check did to each gateway, and yield what does not come back.

    Args:
        gateways: key of a backend → its gateway.
        health: key of a backend → asks its system how it is; without, nobody waits for it.
    """
    for key, gateway in gateways.items():
        gateway.do(HEAL)
        ask = health.get(key)
        if ask is not None and not _connected(ask):
            yield f"{key} is not connected within {BACK_WITHIN_S:g} s of its gateway's recovery"


def _connected(ask: Ask) -> bool:
    deadline_ns = clock.monotonic_ns() + int(BACK_WITHIN_S * clock.NS_PER_S)
    while True:
        try:
            found = ask()
        except CertifyError:
            return False
        if not isinstance(found, Health) or found.connected:
            return True
        if clock.monotonic_ns() > deadline_ns:
            return False
        clock.sleep_s(LOOK_EVERY_S)
