"""The simulated gateways of a run: made from the profile, run by the tool, closed with the bench."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certify.errors import UsageError
from certify.phases.gateway import GatewayAddress, GatewayControl, OpenGateway
from certify.plan import BackendPlan
from certify.profile.model import Profile

if TYPE_CHECKING:
    from certify.defects.api import Defect
    from certify.gateway.house import Gateway
    from certify.gateway.settings import AccountSettings, GatewaySettings


class RunGateway:
    """An embedded gateway as the checks command it."""

    def __init__(self, settings: GatewaySettings, script: Path | None = None) -> None:
        """Start it, and wait until it listens. Raises `UsageError` for a script that makes no sense."""
        from certify.gateway.embed import EmbeddedGateway

        self._account = settings.accounts[0].id
        self._planted: list[Defect] = []
        self._embedded = EmbeddedGateway(settings, script=script, prepare=self._break)

    def _break(self, gateway: Gateway) -> None:
        """Plant what was planted again: a fresh gateway has nothing wrong by itself."""
        for defect in self._planted:
            defect.plant(gateway)

    @property
    def address(self) -> GatewayAddress:
        """Where it listens."""
        host, port, control_port = self._embedded.address
        return GatewayAddress(host=host, port=port, control_port=control_port or 0, account=self._account)

    def do(self, action: str, **arguments: Any) -> Any:
        """Carry out an action and return what it answers; raises `CertifyError` for what makes no sense."""
        return self._embedded.do(action, **arguments)

    def fresh(self) -> None:
        """End every client and forget everything, on the same port."""
        self._embedded.fresh()

    def plant(self, name: str) -> None:
        """Break it in the way that a planted defect says.

        Raises:
            UsageError: no defect of a gateway has this name.
        """
        from certify.defects import all_defects

        defect = all_defects().get(name)
        if defect is None or defect.where != "gateway":
            raise UsageError(f"unknown defect of a gateway: {name!r}")
        self._planted.append(defect)
        self._embedded.call(defect.plant)

    def close(self) -> None:
        """End it."""
        self._embedded.close()


def gateway_opener(profile: Profile) -> OpenGateway:
    """Return what starts the gateway that a backend of this profile asks for; nothing is imported before."""
    return partial(open_gateway, profile)


def open_gateway(profile: Profile, backend: BackendPlan) -> GatewayControl:
    """Start the simulated gateway of one backend on free ports of loopback.

    Raises:
        UsageError: its settings or its script make no sense.
    """
    options = backend.gateway.options if backend.gateway else {}
    script = Path(options["script"]) if "script" in options else None
    return RunGateway(_settings(profile, backend), script)


def _settings(profile: Profile, backend: BackendPlan) -> GatewaySettings:
    from certify.gateway.settings import GatewaySettings

    options = backend.gateway.options if backend.gateway else {}
    given: dict[str, Any] = {}
    if profile.instruments:
        given["instruments"] = profile.instruments
    if "max_version" in options:
        given["max_version"] = options["max_version"]
    if "account" in options:
        given["accounts"] = _accounts(options["account"], backend.options)
    return GatewaySettings(seed=int(backend.options.get("seed", profile.seed)), **given)


def _accounts(first: str, options: dict[str, Any]) -> tuple[AccountSettings, ...]:
    from certify.gateway.settings import AccountSettings

    names = dict.fromkeys([first, *([options["paper_account"]] if options.get("paper_account") else [])])
    return tuple(AccountSettings(id=name) for name in names)
