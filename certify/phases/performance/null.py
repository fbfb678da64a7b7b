"""The null test: the same harness around a system that does nothing but answer."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from certify.adapter.process import LaunchSpec, Sink, SystemProcess
from certify.load.meter import StreamMeter
from certify.load.request import TIMEOUT_S, OrderTerms, orders_stream
from certify.phases.performance.drive import Carrier, drive
from certify.profile.model import LoadLevel

ADAPTER = "certify.load.null_system:create"
LAUNCH_S = 30.0


class StampSink(Sink):
    """Takes the raw stamps of a load and nothing else."""

    def __init__(self) -> None:
        """Take nothing until told where to put it."""
        self.take: Callable[[bytes], None] | None = None

    def listen(self, take: Callable[[bytes], None] | None) -> None:
        """Put stamps there from now on."""
        self.take = take

    def binary(self, body: bytes) -> None:
        """Hand a batch on."""
        if self.take is not None:
            self.take(body)


def measure_harness(
    level: LoadLevel, duration_s: float, check_stop: Callable[[], None], seed: int = 0
) -> StreamMeter:
    """Drive the null system with the orders of a level for a while and return what was measured.

    Raises:
        SystemUnavailable: the harness cannot even start a system that does nothing.
    """
    short = replace(level, name="null", warmup_s=min(level.warmup_s, 0.5), duration_s=duration_s)
    meter = StreamMeter(short, "orders", timeout_s=TIMEOUT_S)
    with tempfile.TemporaryDirectory(prefix="certify-null-") as place:
        sink = StampSink()
        process = SystemProcess(_spec(Path(place)), sink)
        process.launch(LAUNCH_S)
        try:
            carrier = Carrier(process, [_stream(short, seed)], [meter], sink.listen)
            drive(short, [carrier], timeout_s=TIMEOUT_S, on_point=_ignore, check_stop=check_stop)
        finally:
            process.close()
        if carrier.error is not None:
            raise carrier.error
    return meter


def _spec(place: Path) -> LaunchSpec:
    return LaunchSpec(
        adapter=ADAPTER,
        python=None,
        state_dir=place / "state",
        work_dir=place / "work",
        log_file=place / "null.log",
        search_paths=tuple(path for path in sys.path if path),
    )


def _stream(level: LoadLevel, seed: int) -> dict[str, Any]:
    terms = OrderTerms(
        port="execution",
        prefix="null-",
        instrument="NULL",
        qty=Decimal(1),
        buy_price=Decimal(1),
        sell_price=Decimal(1),
    )
    return orders_stream(level, terms, seed)


def _ignore(*_: object) -> None:
    """Points of the null test are no part of the run."""
