"""The tool's side of a system's process: start it, call it, hear it, end it.

Nothing that a system does hangs this side: every call has a time limit, a death is noticed by
the process itself (not only by the pipe, which a forked child may hold open), and the whole
process group is ended.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import certify
from certify import clock
from certify.adapter import rows, wire
from certify.errors import AdapterRaised, NotSupported, SystemDied, SystemSilent, SystemUnavailable

STAGED = (
    "__init__.py",
    "clock.py",
    "errors.py",
    "model/__init__.py",
    "model/trading.py",
    "model/codec.py",
    "model/capabilities.py",
    "adapter/__init__.py",
    "adapter/contract.py",
    "adapter/wire.py",
    "adapter/outbox.py",
    "adapter/host.py",
    "adapter/installed.py",
    "adapter/load.py",
    "adapter/arrivals.py",
    "adapter/flights.py",
    "adapter/rows.py",
)
WITHHELD = frozenset({"CERTIFY_KEY", "CERTIFY_KEY_PASSPHRASE"})
"""Variables that a system never inherits: with them it could sign its own certificate."""
DRAIN_S = 1.0
"""How long a dead system's last words are waited for; a forked child may hold the pipe open for ever."""
BOOTSTRAP = (
    "import sys; root = sys.argv.pop(1); sys.path[:] = [p for p in sys.path if p]; "
    "sys.path.insert(0, root); from certify.adapter.host import main; main()"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchSpec:
    """How to start a system's process."""

    adapter: str
    state_dir: Path
    work_dir: Path
    log_file: Path
    python: str | None = None
    """Another interpreter; then it sees only a copy of the contract, none of certify's dependencies."""
    config: Mapping[str, Any] = field(default_factory=dict)
    search_paths: tuple[str, ...] = ()
    """Where the adapter's module is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """What the host found in the system it made."""

    methods: dict[str, tuple[str, ...]]
    """Port (or `system`) → its public methods."""
    python: str
    pid: int
    installed: dict[str, str] = field(default_factory=dict)
    """Its `interpreter`, digest of its `distributions`, and its `broker_library`."""


class Sink:
    """Who hears what a system says; called on the process's reader thread, in order."""

    def event(self, stamp_ns: int, event: Any) -> None:
        """An event, with the monotonic stamp of its saying."""

    def breach(self, text: str) -> None:
        """The adapter departed from the contract's types."""

    def binary(self, body: bytes) -> None:
        """A batch of raw load stamps."""


class SystemProcess:
    """One system under certification in its own process."""

    def __init__(self, spec: LaunchSpec, sink: Sink) -> None:
        """Keep how to start; nothing runs before `launch`."""
        self.spec = spec
        self._sink = sink
        self._pending: dict[int, Future[Any]] = {}
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._fd_out = -1
        self._writing = threading.Lock()
        self._closing = False
        self._watcher: threading.Thread | None = None
        self.died: SystemDied | None = None
        """Set when the process ended without being asked."""

    @property
    def pid(self) -> int:
        """The process id; 0 before `launch`."""
        return self._process.pid if self._process else 0

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def ended_unasked(self) -> bool:
        """Whether the process ended and nobody had asked it to."""
        return self.died is not None or (self._process is not None and not self.alive and not self._closing)

    def launch(self, timeout_s: float) -> HostFacts:
        """Start the process and make the system in it.

        Raises:
            SystemUnavailable: it could not be started, raised, died or did not answer in time.
        """
        self._spawn()
        message = {"do": "create", "adapter": self.spec.adapter, "config": dict(self.spec.config)}
        message |= {"state_dir": str(self.spec.state_dir.resolve()), "paths": list(self.spec.search_paths)}
        try:
            facts = self._ask(message, timeout_s, "create")
        except (AdapterRaised, NotSupported) as error:
            self.kill()
            raise SystemUnavailable(f"{self.spec.adapter}: {error}") from error
        except SystemUnavailable:
            self.kill()
            raise
        return HostFacts(
            methods={port: tuple(names) for port, names in facts["ports"].items()},
            python=facts["python"],
            pid=facts["pid"],
            installed={name: str(value) for name, value in facts["installed"].items()},
        )

    def call(self, port: str, method: str, *args: object, timeout_s: float) -> Any:
        """Call a method of a port and return what it returned.

        Raises:
            SystemSilent: no answer within `timeout_s`.
            SystemDied: the process ended.
            AdapterRaised: the method raised.
            NotSupported: the method is missing or says that it cannot.
        """
        message = {"do": "call", "port": port, "method": method, "args": wire.to_wire(list(args))}
        return self._ask(message, timeout_s, f"{port}.{method}")

    def load(self, order: Mapping[str, Any], timeout_s: float) -> Any:
        """Run a load inside the process; raw stamps arrive at the sink while it runs."""
        return self._ask({"do": "load", **order}, timeout_s, "load")

    def stop_load(self) -> None:
        """Ask a load that runs to end early; `load` then returns what there is."""
        with contextlib.suppress(wire.WireError, SystemSilent):
            self._send(wire.json_frame({"do": "stop_load"}), 1.0, "stop_load")

    def close(self, timeout_s: float = 5.0) -> None:
        """Ask the process to end, then make it."""
        self._closing = True
        if self.alive:
            with contextlib.suppress(SystemUnavailable):
                self._ask({"do": "exit"}, timeout_s, "exit")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._wait(timeout_s)
        self.kill()

    def kill(self) -> None:
        """End the whole process group at once."""
        self._closing = True
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._wait(5.0)
        if self._watcher is not None and self._watcher is not threading.current_thread():
            self._watcher.join(2 * DRAIN_S)  # what it said last is heard before anybody goes on

    def _wait(self, timeout_s: float) -> None:
        if self._process is not None:
            self._process.wait(timeout_s)

    def _spawn(self) -> None:
        for directory in (self.spec.state_dir, self.spec.work_dir, self.spec.log_file.parent):
            directory.mkdir(parents=True, exist_ok=True)
        child_in, self._fd_out = os.pipe()
        os.set_blocking(self._fd_out, False)
        parent_in, child_out = os.pipe()
        try:
            self._process = self._popen(child_in, child_out)
        except OSError as error:
            os.close(parent_in)
            raise SystemUnavailable(f"cannot start {self._interpreter()}: {error}") from error
        finally:
            os.close(child_in)
            os.close(child_out)
        reader = threading.Thread(target=self._read, args=(parent_in,), daemon=True, name="certify-reader")
        reader.start()
        self._watcher = threading.Thread(
            target=self._watch, args=(reader,), daemon=True, name="certify-watch"
        )
        self._watcher.start()

    def _popen(self, child_in: int, child_out: int) -> subprocess.Popen[bytes]:
        with self.spec.log_file.open("ab") as log:
            return subprocess.Popen(
                [self._interpreter(), "-u", "-c", BOOTSTRAP, self._root(), str(child_in), str(child_out)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.spec.work_dir,
                env={name: value for name, value in os.environ.items() if name not in WITHHELD},
                pass_fds=(child_in, child_out),
                start_new_session=True,
            )

    def _interpreter(self) -> str:
        return self.spec.python or sys.executable

    def _root(self) -> str:
        package = Path(certify.__file__).parent
        if self.spec.python is None:
            return str(package.parent)
        stage = self.spec.work_dir / ".certify-contract"
        for name in STAGED:
            target = stage / "certify" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(package / name, target)
        return str(stage.resolve())

    def _ask(self, message: Mapping[str, Any], timeout_s: float, what: str) -> Any:
        if self.died is not None:
            raise self.died
        number, answer = next(self._ids), Future[Any]()
        with self._lock:
            self._pending[number] = answer
        try:
            self._send(wire.json_frame({**message, "id": number}), timeout_s, what)
            return answer.result(timeout_s)
        except FutureTimeout:
            raise SystemSilent(f"{what}: expected an answer within {timeout_s:g} s, was silence") from None
        except wire.WireError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._wait(DRAIN_S)
            raise self._gone(what) from None
        finally:
            with self._lock:
                self._pending.pop(number, None)

    def _gone(self, what: str) -> SystemUnavailable:
        if self.alive:
            return SystemSilent(f"{what}: the system does not listen any more")
        return self.died or SystemDied(f"{what}: the system's process is gone")

    def _send(self, frame: bytes, timeout_s: float, what: str) -> None:
        """Write a frame; a system that reads nothing does not hold the tool up for longer than allowed."""
        deadline_ns = clock.monotonic_ns() + int(timeout_s * clock.NS_PER_S)
        view = memoryview(frame)
        with self._writing:
            while view:
                if self._fd_out < 0:
                    raise wire.WireError("the pipe is closed")
                try:
                    view = view[os.write(self._fd_out, view) :]
                except BlockingIOError:
                    left_s = (deadline_ns - clock.monotonic_ns()) / clock.NS_PER_S
                    if left_s <= 0 or not select.select([], [self._fd_out], [], left_s)[1]:
                        raise SystemSilent(f"{what}: expected to be heard within {timeout_s:g} s") from None
                except OSError as error:
                    raise wire.WireError(f"the pipe is closed: {error}") from error

    def _read(self, fd: int) -> None:
        with os.fdopen(fd, "rb", buffering=1 << 16) as pipe, contextlib.suppress(wire.WireError, ValueError):
            for kind, body in wire.read_frames(pipe):
                if kind == wire.BINARY:
                    self._sink.binary(body)
                else:
                    self._take(json.loads(body))

    def _take(self, message: dict[str, Any]) -> None:
        if "rows" in message:
            for name, stamp_ns, fields in message["rows"]:
                self._take_event(stamp_ns, lambda: rows.from_row(name, fields))  # noqa: B023 - called at once
            return
        for text in message.get("breaches", ()):
            self._sink.breach(text)
        if "breach" in message:
            self._sink.breach(message["breach"])
        elif "ev" in message:
            self._take_event(message["at"], lambda: wire.from_wire(message["ev"]))
        else:
            self._resolve(message)

    def _take_event(self, stamp_ns: int, decode: Callable[[], Any]) -> None:
        try:
            event = decode()
        except (ValueError, ArithmeticError) as error:
            self._sink.breach(str(error))
            return
        try:
            self._sink.event(stamp_ns, event)
        except Exception as error:  # an event that cannot be judged must not deafen the tool
            self._sink.breach(f"{type(event).__name__} that cannot be taken: {error!r}")

    def _resolve(self, message: dict[str, Any]) -> None:
        with self._lock:
            answer = self._pending.get(message["re"])
        if answer is None or answer.done():
            return  # too late: nobody waits any more
        if message.get("error") == "not_supported":
            answer.set_exception(NotSupported(message["text"]))
        elif message.get("error"):
            answer.set_exception(AdapterRaised(message["text"], trace=message.get("trace", "")))
        else:
            self._resolve_value(answer, message["value"])

    def _resolve_value(self, answer: Future[Any], value: Any) -> None:
        try:
            answer.set_result(wire.from_wire(value))
        except (ValueError, ArithmeticError) as error:
            answer.set_exception(AdapterRaised(str(error)))

    def _watch(self, reader: threading.Thread) -> None:
        assert self._process is not None  # noqa: S101 - the thread starts after the process
        code = self._process.wait()
        reader.join(timeout=DRAIN_S)
        if not self._closing:
            self.died = SystemDied(f"the system's process ended with {_how(code)}", exit_code=code)
        self._fail_pending(self.died or SystemDied("the system's process was ended", exit_code=code))
        with self._writing:  # a number that is closed may be another file's at once
            fd, self._fd_out = self._fd_out, -1
            os.close(fd)

    def _fail_pending(self, error: SystemDied) -> None:
        with self._lock:
            waiting = [answer for answer in self._pending.values() if not answer.done()]
        for answer in waiting:
            answer.set_exception(error)


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    known = {item.value: item.name for item in signal.Signals}
    return f"signal {known.get(-code, -code)}"
