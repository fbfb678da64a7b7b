"""Run one level of load on the systems that carry its streams, and meter it while it runs."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from certify import clock
from certify.adapter.process import SystemProcess
from certify.errors import CertifyError
from certify.load.fitness import Noise
from certify.load.meter import Meters, StreamMeter
from certify.load.request import load_request, patience_s
from certify.load.resources import MachineWatch, ResourceSampler
from certify.model.results import LoadPoint
from certify.profile.model import LoadLevel

TICK_S = 0.2
OnPoint = Callable[[str, LoadPoint], None]


@dataclass(slots=True)
class Carrier:
    """One process and the streams of a level that it carries."""

    process: SystemProcess
    streams: list[dict[str, Any]]
    meters: list[StreamMeter]
    listen: Callable[[Callable[[bytes], None] | None], None]
    """Where to have the raw stamps sent; `None` ends it."""
    batches: queue.SimpleQueue[bytes] = field(default_factory=queue.SimpleQueue)
    sampler: ResourceSampler = field(init=False)
    account: Mapping[str, Any] | None = None
    error: CertifyError | None = None

    def __post_init__(self) -> None:
        """Sample the process from outside."""
        self.sampler = ResourceSampler(self.process.pid)

    def run(self, request: dict[str, Any], timeout_s: float) -> None:
        """Have the load run; on a thread of its own."""
        try:
            self.account = self.process.load(request, timeout_s)
        except CertifyError as error:
            self.error = error

    def take(self) -> None:
        """Meter the stamps that have come."""
        meters = Meters(self.meters)
        while not self.batches.empty():
            meters.take(self.batches.get())


def drive(
    level: LoadLevel,
    carriers: list[Carrier],
    *,
    timeout_s: float,
    on_point: OnPoint,
    check_stop: Callable[[], None],
) -> Noise:
    """Run a level to its end, whatever happens; what went wrong with a process is in its carrier.

    Raises:
        Stopped: by `check_stop`, after the load was told to end.
    """
    watch = MachineWatch(tuple(carrier.process.pid for carrier in carriers))
    threads = [_thread(level, carrier, timeout_s) for carrier in carriers]
    for carrier in carriers:
        carrier.listen(carrier.batches.put)
        carrier.sampler.start()
    watch.start()
    began = clock.monotonic_ns()
    try:
        for thread in threads:
            thread.start()
        _attend(carriers, threads, began, on_point, check_stop)
    finally:
        _end(carriers, threads)
        watch.stop()
    for carrier in carriers:
        _report(carrier, 1 << 62, on_point)
    length_ms = 1000 * (level.warmup_s + level.duration_s)
    return Noise(stalled=watch.stalled_ms / length_ms, starved=watch.starved)


def _thread(level: LoadLevel, carrier: Carrier, timeout_s: float) -> threading.Thread:
    request = load_request(level, carrier.streams, timeout_s=timeout_s)
    arguments = (request, patience_s(level, timeout_s))
    return threading.Thread(target=carrier.run, args=arguments, daemon=True, name="certify-load")


def _attend(
    carriers: list[Carrier],
    threads: list[threading.Thread],
    began_ns: int,
    on_point: OnPoint,
    check_stop: Callable[[], None],
) -> None:
    while any(thread.is_alive() for thread in threads):
        check_stop()
        for thread in threads:
            thread.join(TICK_S)
        for carrier in carriers:
            _report(carrier, clock.monotonic_ns() - began_ns, on_point)


def _report(carrier: Carrier, now_ns: int, on_point: OnPoint) -> None:
    carrier.take()
    for meter in carrier.meters:
        limit = min(now_ns, meter.length_ns)
        for point in meter.close_until(limit, carrier.sampler.latest):
            on_point(meter.stream, point)


def _end(carriers: list[Carrier], threads: list[threading.Thread]) -> None:
    for carrier, thread in zip(carriers, threads, strict=True):
        if thread.is_alive():
            carrier.process.stop_load()
        if thread.ident is not None:
            thread.join(TICK_S * 10)
        carrier.sampler.stop()
        carrier.listen(None)
