"""The bench: one process per backend of a plan, launched, described, started and ended."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from certify.engine.stream import Publisher
from certify.errors import SystemUnavailable
from certify.phases.gateway import OpenGateway
from certify.phases.ledger import Ledger
from certify.phases.session import SessionPlace, SystemSession
from certify.plan import BackendPlan


class Bench:
    """Every system under certification of one run."""

    def __init__(
        self,
        backends: Iterable[BackendPlan],
        log_dir: Path,
        search_paths: tuple[str, ...] = (),
        *,
        open_gateway: OpenGateway | None = None,
    ) -> None:
        """Prepare the places; nothing runs before `launch`.

        `open_gateway` starts the simulated gateway of a backend whose plan asks for one.
        """
        self._open_gateway = open_gateway
        self.publisher = Publisher()
        self.ledger = Ledger()
        self.stopping = threading.Event()
        self._root = Path(tempfile.mkdtemp(prefix="certify-"))
        self.sessions = tuple(self._session(backend, log_dir, search_paths) for backend in backends)

    def _session(self, backend: BackendPlan, log_dir: Path, search_paths: tuple[str, ...]) -> SystemSession:
        place = SessionPlace(
            root=self._root / backend.key, log_file=log_dir / f"{backend.key}.log", search_paths=search_paths
        )
        return SystemSession(
            backend,
            place,
            ledger=self.ledger,
            publish=self.publisher.publish,
            stopping=self.stopping,
        )

    @property
    def by_port(self) -> dict[str, SystemSession]:
        """Port → the session that answers for it."""
        return {port: session for session in self.sessions for port in session.backend.ports}

    def launch(self) -> None:
        """Make every system, without starting it, so that it can say what it is.

        A gateway that a plan asks for runs before its system is made.

        Raises:
            SystemUnavailable: one of them cannot be made.
        """
        for session in self.sessions:
            self._run_gateway(session)
            session.launch()

    def _run_gateway(self, session: SystemSession) -> None:
        plan = session.backend.gateway
        if plan is None or not plan.embedded or session.gateway is not None:
            return
        if self._open_gateway is None:
            raise SystemUnavailable(f"{session.backend.key}: expected a gateway to run, was none to run it")
        session.gateway = self._open_gateway(session.backend)

    def start(self) -> None:
        """Start every system."""
        for session in self.sessions:
            session.start()

    def close(self, reason: str = "the run ended") -> None:
        """Stop every system, then its gateway, and remove working and state directories; never raises."""
        for session in self.sessions:
            session.stop(reason)
        for session in self.sessions:
            gateway, session.gateway = session.gateway, None
            if gateway is not None:
                gateway.close()
        shutil.rmtree(self._root, ignore_errors=True)

    def __enter__(self) -> Bench:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
