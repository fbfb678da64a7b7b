"""`certify gateway`: a simulated IB Gateway for any client of the TWS API."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from certify.gateway.settings import GatewaySettings


def gateway(
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", help="Where clients connect; 0: any free port.")
    ] = 4002,
    account: Annotated[
        list[str] | None,
        typer.Option("--account", metavar="ID[=CASH]", help="An account (DU…: paper); may be repeated."),
    ] = None,
    script: Annotated[
        Path | None, typer.Option("--script", metavar="FILE", help="A scenario script (YAML).")
    ] = None,
    magic: Annotated[
        bool, typer.Option("--magic", help="Orders over magic quantities make things happen.")
    ] = False,
    max_version: Annotated[
        int, typer.Option("--max-version", metavar="N", help="Highest server version, 157 to 178.")
    ] = 178,
    control_port: Annotated[
        int, typer.Option("--control-port", metavar="PORT", help="Where actions are taken; 0: any free port.")
    ] = 0,
    instrument: Annotated[
        list[str] | None,
        typer.Option("--instrument", metavar="ID", help="A further share, as ACME.NASDAQ; may be repeated."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of everything simulated.")] = 0,
    pacing: Annotated[
        int, typer.Option("--pacing", metavar="N", help="Messages a second of one client; 0: no limit.")
    ] = 50,
    read_only: Annotated[bool, typer.Option("--read-only", help="Refuse orders with error 321.")] = False,
    host: Annotated[str, typer.Option("--host", help="Loopback only.")] = "127.0.0.1",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Run a simulated IB Gateway until Ctrl-C: any client of the TWS API can connect, on this machine only.

    Nothing of it is real: prices are made up, orders go nowhere, and who asks what it is hears so.
    """
    from certify.gateway.settings import DEFAULT_INSTRUMENTS, GatewaySettings, PacingSettings
    from certify.model.trading import Instrument

    given: dict[str, Any] = {"accounts": _accounts(account)} if account else {}
    further = [
        Instrument(name) for name in instrument or () if name not in {i.id for i in DEFAULT_INSTRUMENTS}
    ]
    settings = GatewaySettings(
        host=host,
        port=port,
        control_port=control_port,
        max_version=max_version,
        instruments=(*DEFAULT_INSTRUMENTS, *further),
        seed=seed,
        magic=magic,
        read_only=read_only,
        pacing=PacingSettings(limit=pacing),
        **given,
    )
    _serve(settings, script, quiet=quiet)


def _accounts(texts: list[str]) -> tuple[Any, ...]:
    """Read `DU1` or `DU1=50000`."""
    from dataclasses import replace

    from certify.gateway.settings import AccountSettings
    from certify.gateway.values import decimal

    read = []
    for text in texts:
        name, _, cash = text.partition("=")
        named = AccountSettings(id=name)
        read.append(replace(named, cash=decimal(cash, f"the cash of {name}")) if cash else named)
    return tuple(read)


def _serve(settings: GatewaySettings, script: Path | None, *, quiet: bool) -> None:
    """Run until a signal comes; raises `KeyboardInterrupt` then, as Ctrl-C does everywhere."""
    import asyncio

    from certify.cli.failure import say
    from certify.gateway.embed import Station

    async def run() -> None:
        station = Station(settings, script=script)
        stopped = _stop_signals()
        await station.start()
        try:
            if not quiet:
                say(_listening(settings, station.address))
            await stopped.wait()
        finally:
            await station.close()

    asyncio.run(run())
    raise KeyboardInterrupt


def _stop_signals() -> Any:
    """Return an event that Ctrl-C and SIGTERM set."""
    import asyncio
    import contextlib
    import signal

    stopped = asyncio.Event()
    with contextlib.suppress(
        NotImplementedError
    ):  # no signals on this kind of loop: Ctrl-C raises all the same
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped


def _listening(settings: GatewaySettings, address: Any) -> str:
    accounts = ", ".join(account.id for account in settings.accounts)
    control = f", control port {address.control_port}" if address.control_port is not None else ""
    return (
        f"certify gateway: SIMULATED, listening on {address.host}:{address.port}{control}, "
        f"accounts {accounts}; Ctrl-C ends it"
    )
