"""The process that a system under certification lives in.

`create(ctx)`, `start` and `stop` run on the main thread with no event loop running (so that a
system may run its own); other plain methods run on one worker thread, in order; coroutines run
on the event loop of the main thread. Answers and events leave through one queue, in order.

Runs in the system's own interpreter: standard library only, Python 3.8 or newer.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import inspect
import json
import logging
import os
import platform
import queue
import signal
import sys
import threading
import traceback
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

from certify import clock
from certify.adapter import wire
from certify.adapter.contract import PORTS
from certify.adapter.installed import installed
from certify.adapter.outbox import Outbox
from certify.errors import NotSupported

ON_MAIN_THREAD = ("start", "stop", "describe")
ORDER_PORTS = ("broker", "execution", "paper_trading")
ORPHAN_GRACE_S = 5.0
ORPHAN_STEP_S = 1.5
"""How long each step of leaving may take when the tool is gone."""
Job = Tuple[Optional[int], Callable[[], Any]]


class HostContext:
    """What `create` is given; see `certify.adapter.contract.Context`."""

    def __init__(self, config: Dict[str, Any], state_dir: Path, outbox: Outbox) -> None:
        """Keep what the system may use."""
        self.config = config
        self.state_dir = state_dir
        self.log = logging.getLogger("certify.system")
        self._outbox = outbox

    def emit(self, event: Any) -> None:
        """Say something; from any thread, never blocks, stamps the monotonic clock at once."""
        self._outbox.event(clock.monotonic_ns(), event)


class Host:
    """Takes commands from the pipe and runs them where the contract says."""

    def __init__(self, fd_in: int, fd_out: int) -> None:
        """Own both ends of the pipe; nothing runs before `run`."""
        self._fd_in = fd_in
        self.outbox = Outbox(fd_out)
        self.system: Any = None
        self._loop = asyncio.new_event_loop()
        self._main_jobs: List[Job] = []
        self._main_wake: Optional[asyncio.Event] = None
        self._worker_jobs: queue.SimpleQueue[Optional[Job]] = queue.SimpleQueue()
        self._closing = False
        self._stop_load = threading.Event()
        self._orphan = False

    def run(self) -> None:
        """Serve until the tool says exit or goes away."""
        asyncio.set_event_loop(self._loop)
        self.outbox.start()
        for target in (self._read, self._work):
            threading.Thread(target=target, daemon=True, name=f"certify-{target.__name__}").start()
        while not self._closing:
            self._loop.run_until_complete(self._next_main_job())
            while self._main_jobs:
                self._answer(*self._main_jobs.pop(0))
        if self._orphan:
            end_group()
        self.outbox.close()

    async def _next_main_job(self) -> None:
        self._main_wake = asyncio.Event()
        while not self._main_jobs and not self._closing:
            self._main_wake.clear()
            await self._main_wake.wait()

    def _on_main(self, job: Job) -> None:
        self._loop.call_soon_threadsafe(self._push_main, job)

    def _push_main(self, job: Job) -> None:
        self._main_jobs.append(job)
        if self._main_wake is not None:
            self._main_wake.set()

    def _read(self) -> None:
        with os.fdopen(self._fd_in, "rb", buffering=65536) as pipe:
            try:
                for _, body in wire.read_frames(pipe):
                    self._dispatch(json.loads(body))
            except (wire.WireError, OSError):
                pass  # the tool is gone, or the system closed what was not its own
            if not self._closing:
                self._orphaned()

    def _work(self) -> None:
        for job in iter(self._worker_jobs.get, None):
            self._answer(*job)

    def _dispatch(self, message: Dict[str, Any]) -> None:
        action, reply = message["do"], message.get("id")
        if action == "exit":
            self._on_main((reply, self._exit))
        elif action == "create":
            self._on_main((reply, lambda: self._create(message)))
        elif action == "load":
            self._load(reply, message)
        elif action == "stop_load":
            self._stop_load.set()
        else:
            self._call(reply, message)

    def _call(self, reply: Optional[int], message: Dict[str, Any]) -> Optional[Future[None]]:
        """Have a method called where it belongs; returns the future of a coroutine."""
        try:
            method = self._method(message["port"], message["method"])
            args = wire.from_wire(message["args"])
        except Exception as error:
            self.outbox.failure(reply, error)
            return None
        if inspect.iscoroutinefunction(method):
            return asyncio.run_coroutine_threadsafe(self._await(reply, lambda: method(*args)), self._loop)
        if message["method"] in ON_MAIN_THREAD:
            self._on_main((reply, lambda: method(*args)))
        else:
            self._worker_jobs.put((reply, lambda: method(*args)))
        return None

    def _load(self, reply: Optional[int], message: Dict[str, Any]) -> None:
        from certify.adapter.load import run_load  # late: most processes never carry load

        def run() -> Any:
            return run_load(self.system, self.outbox, self._loop, message, self._stop_load)

        self._stop_load.clear()
        self._worker_jobs.put((reply, run))

    def _method(self, port: str, name: str) -> Callable[..., Any]:
        owner = self.system if port == "system" else getattr(self.system, port, None)
        if owner is None:
            raise NotSupported(f"the system has no port {port}")
        method = getattr(owner, name, None)
        if method is None:
            raise NotSupported(f"{port} has no method {name}")
        return method  # type: ignore[no-any-return]

    async def _await(self, reply: Optional[int], call: Callable[[], Any]) -> None:
        try:
            self.outbox.answer(reply, await call())
        except BaseException as error:  # a SystemExit would end the loop without a word
            self.outbox.failure(reply, error)

    def _answer(self, reply: Optional[int], job: Callable[[], Any]) -> None:
        try:
            value = job()
            if inspect.isawaitable(value):
                value = self._finish(value)
            self.outbox.answer(reply, value)
        except BaseException as error:
            self.outbox.failure(reply, error)

    def _finish(self, awaitable: Any) -> Any:
        async def ended() -> Any:
            return await awaitable

        if threading.current_thread() is threading.main_thread():
            return self._loop.run_until_complete(ended())
        return asyncio.run_coroutine_threadsafe(ended(), self._loop).result()

    def _create(self, message: Dict[str, Any]) -> Dict[str, Any]:
        own = installed(sys.path[1:])  # the first is where certify's contract lies
        for path in reversed(message["paths"]):
            sys.path.insert(0, path)
        create = load_function(message["adapter"])
        context = HostContext(message["config"], Path(message["state_dir"]), self.outbox)
        system = create(context)
        self.system = self._finish(system) if inspect.isawaitable(system) else system
        if self.system is None:
            raise TypeError("create: expected a system, was None")
        return {
            "ports": port_methods(self.system),
            "python": platform.python_version(),
            "pid": os.getpid(),
            "installed": own,
        }

    def _exit(self) -> None:
        self._closing = True
        self._worker_jobs.put(None)

    def _orphaned(self) -> None:
        """The tool is gone: leave no order behind, stop, then go too, whatever hangs."""
        last = threading.Timer(ORPHAN_GRACE_S, end_group)
        last.daemon = True
        last.start()
        self._stop_load.set()
        self._orphan = True
        ports = [port for port in ORDER_PORTS if getattr(self.system, port, None) is not None]
        waiting = [self._call(None, {"port": port, "method": "cancel_all", "args": []}) for port in ports]
        worked = threading.Event()
        self._worker_jobs.put((None, worked.set))
        worked.wait(ORPHAN_STEP_S)
        wait([future for future in waiting if future is not None], ORPHAN_STEP_S)
        stopping = self._call(None, {"port": "system", "method": "stop", "args": []})
        if stopping is not None:
            wait([stopping], ORPHAN_STEP_S)
        self._on_main((None, self._exit))


def end_group() -> None:
    """End this process and what it has forked, at once."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(3)


def load_function(reference: str) -> Callable[..., Any]:
    """Return the function that `module:function` or `path/to/file.py:function` names."""
    place, _, name = reference.rpartition(":")
    if place.endswith(".py"):
        spec = importlib.util.spec_from_file_location(Path(place).stem, place)
        if spec is None or spec.loader is None:
            raise ImportError(f"no module at {place}")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(place)
    return getattr(module, name)  # type: ignore[no-any-return]


def port_methods(system: Any) -> Dict[str, List[str]]:
    """Return the public methods of each port that is there, and of the system itself."""
    owners = {"system": system}
    owners.update({port: getattr(system, port, None) for port in PORTS})
    return {name: _public(owner) for name, owner in owners.items() if owner is not None}


def _public(owner: Any) -> List[str]:
    """Return the names of public methods without running any property of the system."""
    own = vars(owner) if hasattr(owner, "__dict__") else {}
    methods = {name for name in dir(type(owner)) if callable(getattr(type(owner), name, None))}
    methods |= {name for name, item in own.items() if callable(item)}
    return sorted(name for name in methods if not name.startswith("_"))


def main() -> None:
    """Serve on the two file descriptors given as arguments."""
    fd_in, fd_out = int(sys.argv[1]), int(sys.argv[2])
    for fd in (fd_in, fd_out):
        os.set_inheritable(fd, False)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    try:
        Host(fd_in, fd_out).run()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(70)
    sys.stdout.flush()
    os._exit(0)  # threads that a system left behind must not keep the process


if __name__ == "__main__":
    main()
