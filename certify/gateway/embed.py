"""The gateway on a thread of its own, for tests, runs and programs that want one beside them."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

from certify.errors import SystemDied, SystemSilent
from certify.gateway.control import ControlServer
from certify.gateway.house import Gateway
from certify.gateway.server import GatewayServer
from certify.gateway.settings import GatewaySettings

T = TypeVar("T")

_ANSWER_S = 10.0
_END_S = 10.0


class Address(NamedTuple):
    """Where a gateway listens."""

    host: str
    port: int
    control_port: int | None


class Station:
    """A gateway with its ports and its script, on the loop that runs."""

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        script: Path | None = None,
        prepare: Callable[[Gateway], None] | None = None,
    ) -> None:
        """Build it; nothing is opened before `start`. Raises `UsageError` for a script without sense."""
        self._conduct = _conducted(script, magic=settings.magic)
        self._prepare = prepare
        self.gateway = Gateway(settings, prepare=self._equip)
        self._server = GatewayServer(self.gateway)
        self._control: ControlServer | None = None
        if settings.control_port is not None:
            self._control = ControlServer(self.gateway, settings.host, settings.control_port)

    def _equip(self, gateway: Gateway) -> None:
        """Do what each new life of the gateway needs."""
        if self._conduct is not None:
            self._conduct(gateway)
        if self._prepare is not None:
            self._prepare(gateway)

    @property
    def address(self) -> Address:
        """Where it listens, once started."""
        control = self._control.port if self._control is not None else None
        return Address(self.gateway.settings.host, self._server.port, control)

    async def start(self) -> None:
        """Open the ports; raises `UsageError` when one cannot be had."""
        try:
            await self._server.start()
            if self._control is not None:
                await self._control.start()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the ports and every connection."""
        if self._control is not None:
            await self._control.close()
        await self._server.close()


def _conducted(script: Path | None, *, magic: bool) -> Callable[[Gateway], None] | None:
    """Return what runs a scenario script and the magic quantities on a gateway; `None` without either."""
    if script is None and not magic:
        return None
    from certify.gateway.director import conduct
    from certify.gateway.magic import magic_script
    from certify.gateway.script import load_script

    return conduct([*([load_script(script)] if script else []), *([magic_script()] if magic else [])])


class EmbeddedGateway:
    """A running gateway; every method may be called from any thread, and `close` any number of times.

    `with EmbeddedGateway() as gateway:` gives an address to connect to: `gateway.host`, `gateway.port`.
    """

    def __init__(
        self,
        settings: GatewaySettings = GatewaySettings(),  # noqa: B008 - a frozen value
        *,
        script: Path | None = None,
        prepare: Callable[[Gateway], None] | None = None,
    ) -> None:
        """Start it and wait until it listens.

        `prepare` is called with the gateway, on its loop, now and after each `fresh`. Raises `UsageError`
        when a port cannot be had or the script makes no sense.
        """
        self._settings, self._script, self._prepare = settings, script, prepare
        self._started: concurrent.futures.Future[Station] = concurrent.futures.Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="certify-gateway", daemon=True)
        self._thread.start()
        try:
            self._station = self._started.result(_ANSWER_S)
        except BaseException:
            self.close()
            raise
        self.address = self._station.address
        """Host, port and control port; the same for its whole life."""

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except Exception as error:  # noqa: BLE001 - told to whoever waits for the start
            if not self._started.done():
                self._started.set_exception(error)

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        station = Station(self._settings, script=self._script, prepare=self._prepare)
        await station.start()
        self._started.set_result(station)
        try:
            await self._stop.wait()
        finally:
            await station.close()

    @property
    def host(self) -> str:
        """Where clients connect to."""
        return self.address.host

    @property
    def port(self) -> int:
        """Where clients connect to."""
        return self.address.port

    @property
    def gateway(self) -> Gateway:
        """The gateway itself; what is done to it belongs on its loop: see `call`."""
        return self._station.gateway

    def do(self, action: str, /, **arguments: Any) -> Any:
        """Do one action of the table and return its answer.

        Raises:
            UsageError: there is no such action, or an argument makes no sense.
            SystemDied: the gateway has ended.
            SystemSilent: no answer within ten seconds.
        """
        return self.call(lambda gateway: gateway.do(action, **arguments))

    def call(self, use: Callable[[Gateway], T]) -> T:
        """Call `use` with the gateway on its loop and return what it returns; raises as `do` does."""
        if self._loop is None or not self._thread.is_alive():
            raise SystemDied("the simulated gateway has ended")

        async def run() -> T:
            return use(self._station.gateway)

        waiting = run()
        try:
            future = asyncio.run_coroutine_threadsafe(waiting, self._loop)
        except RuntimeError as error:  # the loop was closed this moment
            waiting.close()
            raise SystemDied("the simulated gateway has ended") from error
        try:
            return future.result(_ANSWER_S)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise SystemSilent(f"the simulated gateway did not answer within {_ANSWER_S:g} s") from None
        except concurrent.futures.CancelledError:
            raise SystemDied("the simulated gateway has ended") from None

    def fresh(self) -> None:
        """End every client and forget everything: as just started, on the same port."""
        self.do("fresh")

    def close(self) -> None:
        """Close every connection and the ports, and end the thread."""
        loop, stop = self._loop, self._stop
        if loop is not None and stop is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                loop.call_soon_threadsafe(stop.set)
        if self._thread is not threading.current_thread():
            self._thread.join(_END_S)

    def __enter__(self) -> EmbeddedGateway:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
