"""One connection to the gateway under one client id: opening, asking, and finding out that it is dead."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from certify import clock
from certify.backends.ibkr.client_library import Client
from certify.backends.ibkr.codes import CONNECTIVITY_LOST, DATA_KEPT, DATA_LOST, ID_IN_USE
from certify.backends.ibkr.receiver import CURRENT_TIME, Key, Receiver
from certify.backends.ibkr.settings import IbSettings, masked

LATE_LOOP_S = 0.5
"""A loop that comes back later than that did not listen: silence meanwhile says nothing of the link."""
NO_TEXT = "connectivity between IB and the gateway is lost (1100)"


class GatewaySocket:
    """A socket with its library client. All methods are called on the loop."""

    def __init__(
        self,
        settings: IbSettings,
        client_id: int,
        log: logging.Logger,
        on_lost: Callable[[GatewaySocket, str], None],
    ) -> None:
        """Say once with `on_lost` when it is no longer of use; nothing is opened yet."""
        self.client_id = client_id
        self.settings = settings
        self.log = log
        self.open = False
        self.suspended = False
        """Whether the gateway has lost IB: the socket is up, but nothing comes and nothing goes."""
        self.on_data_lost: Callable[[], None] = lambda: None
        """Called when IB is back and subscriptions have to be made again."""
        self.clock_offset_s = 0.0
        """The gateway's time less this machine's; good to a second, because it comes in whole seconds."""
        self.receiver = Receiver(self._on_gone, self._on_notice)
        self.client: Any = Client(self.receiver)
        self.client.MaxRequests = settings.safety.max_messages_per_s
        self._on_lost = on_lost
        self._refusal: asyncio.Future[str] | None = None
        self._beat: asyncio.Task[None] | None = None
        self._locks: dict[Key, asyncio.Lock] = {}
        self.where = f"{settings.host}:{settings.port}"

    # -- opening -------------------------------------------------------------------------------

    async def connect(self) -> None:
        """Open it.

        Raises:
            ConnectionError: says in one line why not, and what to do.
        """
        self._refusal = asyncio.get_running_loop().create_future()
        settings = self.settings
        opening = asyncio.ensure_future(
            self.client.connectAsync(settings.host, settings.port, self.client_id, settings.connect_timeout_s)
        )
        await asyncio.wait({opening, self._refusal}, return_when=asyncio.FIRST_COMPLETED)
        if not opening.done():
            opening.cancel()
        outcome: object = (await asyncio.gather(opening, return_exceptions=True))[0]
        if isinstance(outcome, BaseException):
            self.client.disconnect()
            raise ConnectionError(self._why(outcome))
        self.open = True
        self._refusal.cancel()
        self._beat = asyncio.ensure_future(self._watch())

    def _why(self, error: BaseException) -> str:
        if self._refusal is not None and self._refusal.done() and not self._refusal.cancelled():
            return self._refusal.result()
        if isinstance(error, ConnectionRefusedError):
            return f"nothing listens on {self.where}: start TWS or IB Gateway and enable its API on that port"
        if isinstance(error, OSError) and not isinstance(error, TimeoutError):
            return f"{self.where} cannot be reached: {error}"
        if not self.client.serverVersion() and not self.receiver.next_order_id:
            return f"{self.where} does not greet as an API of IB does: is its API enabled?"
        return f"{self.where} greets but lists no account: is the login complete?"

    def _on_notice(self, code: int, text: str) -> None:
        """Take an error that is about the session."""
        self.log.info("gateway, client id %s: %s %s", self.client_id, code, text)
        if code == ID_IN_USE and self._refusal is not None and not self._refusal.done():
            text = f"client id {self.client_id} is in use at {self.where}"
            self._refusal.set_result(f"{text}: end the other program or set another client_id")
        elif code == CONNECTIVITY_LOST and not self.suspended:
            self.suspended = True
            if self.open:
                self._on_lost(self, NO_TEXT)
        elif code in (DATA_LOST, DATA_KEPT):
            self.suspended = False
            if code == DATA_LOST:
                self.on_data_lost()

    def _on_gone(self) -> None:
        refusal = self._refusal
        if refusal is not None and not refusal.done() and not self.open:
            refusal.set_result(f"{self.where} closed the connection of client id {self.client_id} at once")
        if self.open:
            self._end()
            self._on_lost(self, "the gateway closed the connection")

    # -- watching ------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Ask for the time again and again; silence means that the link is dead though it is open."""
        settings = self.settings
        while self.open:
            before_ns = clock.monotonic_ns()
            await asyncio.sleep(settings.heartbeat_s)
            now_ns = clock.monotonic_ns()
            late = now_ns - before_ns > (settings.heartbeat_s + LATE_LOOP_S) * clock.NS_PER_S
            quiet_s = (now_ns - self.receiver.heard_ns) / clock.NS_PER_S
            if quiet_s > settings.silence_s and not late:
                self._half_open(quiet_s)
                return
            self._ping()

    def _ping(self) -> None:
        if not self.open:
            return
        self.receiver.ask(CURRENT_TIME).add_done_callback(self._measure)
        self.client.reqCurrentTime()

    def _measure(self, answer: asyncio.Future[int]) -> None:
        if not answer.cancelled() and answer.exception() is None:
            self.clock_offset_s = answer.result() - clock.now_ns() / clock.NS_PER_S

    def _half_open(self, quiet_s: float) -> None:
        self.close()
        self._on_lost(self, f"nothing came for {quiet_s:.1f} s: the link is half open")

    # -- asking --------------------------------------------------------------------------------

    def check(self) -> None:
        """Raise `ConnectionError` unless something can be asked."""
        if not self.open:
            raise ConnectionError(f"not connected to {self.where}")
        if self.suspended:
            raise ConnectionError(NO_TEXT)

    async def ask_once(self, key: str, send: Callable[[], object]) -> Any:
        """Ask for something whose answer has no id; one at a time."""
        async with self._locks.setdefault(key, asyncio.Lock()):
            return await self._ask(key, send)

    async def ask(self, send: Callable[[int], object]) -> Any:
        """Ask for something under a new request id; raises `ConnectionError` or `Refused`."""
        self.check()
        req_id = self.client.getReqId()
        return await self._ask(req_id, lambda: send(req_id))

    async def _ask(self, key: Key, send: Callable[[], object]) -> Any:
        self.check()
        answer = self.receiver.ask(key)
        try:
            send()
            return await asyncio.wait_for(answer, self.settings.answer_timeout_s)
        except TimeoutError:
            text = f"{self.where} has not answered within {self.settings.answer_timeout_s:g} s"
            raise ConnectionError(text) from None
        finally:
            self.receiver.forget(key)

    # -- closing -------------------------------------------------------------------------------

    def _end(self) -> None:
        self.open = False
        if self._beat is not None and self._beat is not asyncio.current_task():
            self._beat.cancel()

    def close(self) -> None:
        """Close it; nothing is said about that."""
        if self.open:
            self._end()
            self.client.disconnect()

    def account(self, wanted: str) -> str:
        """Return the account to use: the one wanted, or the only one there is.

        Raises:
            ConnectionError: it is not there, or there are several.
        """
        found = self.receiver.accounts
        if wanted in found or (not wanted and len(found) == 1):
            return wanted or found[0]
        names = ", ".join(masked(each) for each in found)
        if wanted:
            raise ConnectionError(f"account {masked(wanted)} is not under this login: there are {names}")
        raise ConnectionError(f"expected `account`, one of {names}: there are {len(found)} under this login")
