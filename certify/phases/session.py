"""One system under certification, as the checks see it: its process, its words, its restarts."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certify import clock
from certify.adapter.process import HostFacts, LaunchSpec, Sink, SystemProcess
from certify.errors import AdapterRaised, CertifyError, NotSupported, SystemSilent, SystemUnavailable
from certify.model.events import Event, LawBroken, Observed, SystemStarted, SystemStopped
from certify.model.ids import Assurance
from certify.model.trading import Alert, ConnectionChange, OrderUpdate, SystemEvent, SystemInfo
from certify.phases.gateway import GatewayControl
from certify.phases.inbox import Inbox
from certify.phases.ledger import Ledger
from certify.plan import BackendPlan, assurance_of

LAUNCH_TIMEOUT_S = 30.0
CALL_TIMEOUT_S = 10.0
MOST_BREACHES = 200
Publish = Callable[[Event], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPlace:
    """Where a system's process keeps its things and finds its adapter."""

    root: Path
    """A directory of its own, fresh for each run."""
    log_file: Path
    search_paths: tuple[str, ...] = ()


class Ear(Sink):
    """Listens to one process, until that one is over: what a dead system still says is not the next one's."""

    def __init__(self, session: SystemSession) -> None:
        """Listen for a session."""
        self._session = session
        self.over = False

    def event(self, stamp_ns: int, event: SystemEvent) -> None:
        """Pass an event on."""
        if not self.over:
            self._session.event(stamp_ns, event)

    def breach(self, text: str) -> None:
        """Pass a departure from the contract on."""
        if not self.over:
            self._session.breach(text)

    def binary(self, body: bytes) -> None:
        """Pass load stamps on."""
        if not self.over:
            self._session.binary(body)


class SystemSession:
    """One backend of the plan: started, called, heard, restarted, ended."""

    def __init__(
        self,
        backend: BackendPlan,
        place: SessionPlace,
        *,
        ledger: Ledger,
        publish: Publish,
        stopping: threading.Event,
    ) -> None:
        """Keep how to start it; nothing runs before `start`."""
        self.backend = backend
        self.inbox = Inbox(ledger, stopping)
        self.info: SystemInfo | None = None
        self.facts: HostFacts | None = None
        self.breaches: list[str] = []
        """Departures from the contract's types, without repeats."""
        self.quiet = False
        """While a load runs, orders are in the ledger but not line by line in the journal."""
        self.unwell = ""
        """Why the process must be replaced before the next check; empty when it need not."""
        self.binary_listener: Callable[[bytes], None] | None = None
        self.starts = 0
        self.stop_problem = ""
        """What went wrong in the last orderly stop; empty when nothing did."""
        self._place = place
        self._ledger = ledger
        self._publish = publish
        self._generations = itertools.count(1)
        self._state_dir = place.root / "state-1"
        self._process: SystemProcess | None = None
        self._ear = Ear(self)
        self.gateway: GatewayControl | None = None
        """The simulated gateway that the tool runs for it; lives on when the process does not."""

    @property
    def process(self) -> SystemProcess:
        """The running process; raises `SystemUnavailable` when there is none."""
        if self._process is None:
            raise SystemUnavailable(f"{self.backend.key} is not started")
        return self._process

    @property
    def running(self) -> bool:
        """Whether its process runs and answered so far."""
        return self._process is not None and self._process.alive and not self.unwell

    @property
    def assurance(self) -> Assurance:
        """What stands behind it, by its own word."""
        return assurance_of(self.info.environment) if self.info else Assurance.SIMULATED

    def has(self, port: str, method: str) -> bool:
        """Return whether the system has this method at all."""
        return self.facts is not None and method in self.facts.methods.get(port, ())

    def launch(self) -> SystemInfo:
        """Make the process and the system in it, without starting it; returns what it says of itself."""
        self.inbox.quotes.clear()  # a new process has no subscription, and the last quotes are of the old one
        work_dir = self._place.root / f"work-{next(self._generations)}"
        spec = LaunchSpec(
            adapter=self.backend.adapter,
            python=self.backend.python,
            config=self._config(),
            state_dir=self._state_dir,
            work_dir=work_dir,
            log_file=self._place.log_file,
            search_paths=self._place.search_paths,
        )
        self._ear = Ear(self)
        self._process = SystemProcess(spec, self._ear)
        self.facts = self._process.launch(LAUNCH_TIMEOUT_S)
        self.info = self._describe()
        self.unwell = ""
        return self.info

    def _config(self) -> dict[str, Any]:
        """Return what `create` gets: the options, and the address of its gateway, known only now."""
        if self.gateway is None:
            return self.backend.options
        return {**self.backend.options, "gateway": self.gateway.address.as_config()}

    def _describe(self) -> SystemInfo:
        try:
            info = self.process.call("system", "describe", timeout_s=CALL_TIMEOUT_S)
        except (AdapterRaised, NotSupported) as error:
            raise SystemUnavailable(f"describe: {error}") from error
        if not isinstance(info, SystemInfo):
            raise SystemUnavailable(f"describe: expected a SystemInfo, was {type(info).__name__}")
        return info

    def start(self) -> None:
        """Launch if need be, and start the system."""
        info = self.info if self._process and self._process.alive else None
        info = info or self.launch()
        if self.has("system", "start"):
            self._call_start()
        self.starts += 1
        self._publish(
            SystemStarted(
                at_ns=clock.now_ns(),
                backend=self.backend.key,
                name=info.name,
                version=info.version,
                assurance=self.assurance,
                pid=self.process.pid,
                restart=self.starts > 1,
            )
        )

    def _call_start(self) -> None:
        try:
            self.process.call("system", "start", timeout_s=LAUNCH_TIMEOUT_S)
        except CertifyError as error:
            self.unwell = f"it did not start: {error}"
            raise

    def stop(self, reason: str, *, graceful: bool = True) -> None:
        """Stop the system and end its process; never raises."""
        if self._process is None:
            return
        process, self._process = self._process, None
        expected, self.stop_problem = not process.ended_unasked, ""
        if (
            graceful
            and process.alive
            and "stop" in (self.facts.methods.get("system", ()) if self.facts else ())
        ):
            try:
                process.call("system", "stop", timeout_s=CALL_TIMEOUT_S)
            except CertifyError as error:
                reason, expected, self.stop_problem = f"{reason}; stop: {error}", False, str(error)
                graceful = not isinstance(error, SystemUnavailable)
        if graceful:
            process.close()
        else:
            process.kill()
        self._ear.over = True
        self._publish(
            SystemStopped(at_ns=clock.now_ns(), backend=self.backend.key, reason=reason, expected=expected)
        )

    def restart(self, reason: str, *, graceful: bool = True, fresh: bool = False) -> None:
        """End the process and start a new one, with the same state directory unless `fresh`.

        Fresh means everything behind it too: a gateway of its own forgets all, and lives on otherwise.
        """
        self.stop(reason, graceful=graceful)
        self.inbox.forget_market()
        if fresh:
            self._state_dir = self._place.root / f"state-{next(self._generations) + 1}"
            if self.gateway is not None:
                self.gateway.fresh()
        self.start()

    def call(self, port: str, method: str, *args: object, timeout_s: float = CALL_TIMEOUT_S) -> object:
        """Call a method; silence and death mark the process as unwell and are raised."""
        try:
            return self.process.call(port, method, *args, timeout_s=timeout_s)
        except SystemUnavailable as error:
            self.unwell = str(error)
            if isinstance(error, SystemSilent):
                self.unwell = f"silent: {error}"
            raise

    def event(self, stamp_ns: int, event: SystemEvent) -> None:
        """File what the system says: inbox, ledger, journal."""
        with self.inbox.changed:
            if isinstance(event, OrderUpdate):
                self._take_update(event)
            elif isinstance(event, (Alert, ConnectionChange)):
                self._observe("trade_monitor" if isinstance(event, Alert) else event.component, event)
            self.inbox.take(stamp_ns, event)

    def _take_update(self, update: OrderUpdate) -> None:
        entry = self._ledger.entries.get(update.client_order_id)
        self._observe(entry.port if entry else "", update)
        for breach in self._ledger.take(update):
            self._publish(
                LawBroken(
                    at_ns=clock.now_ns(),
                    law=breach.law,
                    client_order_id=breach.client_order_id,
                    text=breach.text,
                )
            )

    def _observe(self, port: str, event: OrderUpdate | Alert | ConnectionChange) -> None:
        if not self.quiet:
            self._publish(Observed(at_ns=clock.now_ns(), port=port, event=event))

    def breach(self, text: str) -> None:
        """Note a departure from the contract's types, once."""
        with self.inbox.changed:
            if text not in self.breaches and len(self.breaches) < MOST_BREACHES:
                self.breaches.append(text)

    def binary(self, body: bytes) -> None:
        """Hand raw load stamps to whoever measures."""
        if self.binary_listener is not None:
            self.binary_listener(body)
