"""What the system's process uses, sampled from outside, and whether the machine itself stood still."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import psutil

from certify import clock
from certify.load.meter import Usage
from certify.model.results import Resources

SAMPLE_S = 0.25
BYTES_PER_MB = 1_000_000
NAP_S = 0.01
STALL_NS = 20_000_000
"""A nap of 10 ms that is longer by more than this is a stall of the machine: four times the interval at
which the interpreter switches threads, so that no work of the tool itself looks like one."""

OWN_DOING = 0.8
"""Processes that use more of the machine than this wait for themselves."""


class ResourceSampler:
    """Samples one process on a thread of its own while a level runs."""

    def __init__(self, pid: int) -> None:
        """Sample process `pid`; nothing runs before `start`."""
        self.latest: Usage | None = None
        self.first_rss_mb = self.last_rss_mb = 0.0
        self._peak = [0.0, 0.0, 0]
        self._process: psutil.Process | None = None
        with contextlib.suppress(psutil.Error):
            self._process = psutil.Process(pid)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="certify-resources")

    def start(self) -> None:
        """Begin to sample; the first sample is taken at once."""
        if self._process is not None:
            with contextlib.suppress(psutil.Error):
                self._process.cpu_percent()  # since when the next call counts
                self._sample()
                self.first_rss_mb = self.last_rss_mb
        self._thread.start()

    def stop(self) -> None:
        """End, with a last sample."""
        self._ended.set()
        self._thread.join()
        self._safe_sample()

    def _run(self) -> None:
        while not self._ended.wait(SAMPLE_S):
            self._safe_sample()

    def _safe_sample(self) -> None:
        with contextlib.suppress(psutil.Error):
            self._sample()

    def _sample(self) -> None:
        if self._process is None:
            return
        rss = self._process.memory_info().rss / BYTES_PER_MB
        cpu = self._process.cpu_percent()
        threads = self._process.num_threads()
        self._peak = [max(self._peak[0], rss), max(self._peak[1], cpu), max(self._peak[2], threads)]
        self.last_rss_mb = rss
        self.latest = Usage(rss, cpu)

    @property
    def peak(self) -> Resources:
        """The highest of each that was seen."""
        return Resources(rss_mb=self._peak[0], cpu_percent=self._peak[1], threads=int(self._peak[2]))


class MachineWatch:
    """What the machine took away while a level ran: naps that were too long, and waits for a processor.

    A nap of this process is only too long when everything stood still. A process that could run and was
    not let run is told by Linux alone (`/proc/<pid>/task/*/schedstat`); elsewhere the naps must do.
    """

    def __init__(self, pids: tuple[int, ...] = ()) -> None:
        """Watch the machine, and the processes that carry the load; nothing runs before `start`."""
        self.stalled_ms = 0.0
        self._pids = pids
        self._waited_before = self._began_ns = 0
        self._cpu_before = 0.0
        self.starved = 0.0
        """Time that the watched processes waited for a processor, as a share of the time that passed; 0
        when they used up the machine by themselves."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="certify-machine-watch")

    def start(self) -> None:
        """Begin to nap."""
        self._began_ns = clock.monotonic_ns()
        self._waited_before, self._cpu_before = self._waited_ns(), self._cpu_s()
        self._thread.start()

    def stop(self) -> None:
        """End, and settle the account."""
        self._ended.set()
        self._thread.join()
        passed_ns = max(1, clock.monotonic_ns() - self._began_ns)
        waited = (self._waited_ns() - self._waited_before) / passed_ns
        used = (self._cpu_s() - self._cpu_before) * clock.NS_PER_S / passed_ns
        self.starved = 0.0 if used > OWN_DOING * (psutil.cpu_count() or 1) else max(0.0, waited)

    def _waited_ns(self) -> int:
        total = 0
        for pid in self._pids:
            for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                with contextlib.suppress(OSError, ValueError, IndexError):
                    total += int(path.read_text(encoding="ascii").split()[1])
        return total

    def _cpu_s(self) -> float:
        total = 0.0
        for pid in self._pids:
            with contextlib.suppress(psutil.Error):
                times = psutil.Process(pid).cpu_times()
                total += times.user + times.system
        return total

    def _run(self) -> None:
        while not self._ended.is_set():
            began = clock.monotonic_ns()
            clock.sleep_s(NAP_S)
            over_ns = clock.monotonic_ns() - began - int(NAP_S * clock.NS_PER_S)
            if over_ns > STALL_NS:
                self.stalled_ms += over_ns / clock.NS_PER_MS
