"""Where the wall clock of `certify run --profile quick` goes beyond its planned load and waits.

    python benchmarks/overhead.py [PROFILE]

Waiting is what the checks planned: time in which the run listens, watches or sleeps. Load is what the
levels planned. Calls are answered by the system, in its own process. The rest is the tool's own.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

BEGAN = time.monotonic()
SPENT: dict[str, float] = defaultdict(float)
INSIDE = threading.local()
RUN_BY = ("MainThread", "certify-engine")
"""The threads that a run goes through one after the other; what others do meanwhile costs no time."""


def timed(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """Add the time of a call to a name, unless it runs inside another that is counted."""

    @functools.wraps(call)
    def run(*args: Any, **named: Any) -> Any:
        if getattr(INSIDE, "name", "") or threading.current_thread().name not in RUN_BY:
            return call(*args, **named)
        INSIDE.name, began = name, time.monotonic()
        try:
            return call(*args, **named)
        finally:
            INSIDE.name = ""
            SPENT[name] += time.monotonic() - began

    return run


COUNTED = {
    "waiting": (
        "certify.phases.inbox:Inbox.wait",
        "certify.phases.trial:Trial.poll",
        "certify.clock:sleep_s",
    ),
    "load": (
        "certify.phases.performance.levels:_run_once",
        "certify.phases.performance.fitness:measure_harness",
    ),
    "launching the system": ("certify.adapter.process:SystemProcess.launch",),
    "calls of the system": ("certify.adapter.process:SystemProcess.call",),
    "ending the system": (
        "certify.adapter.process:SystemProcess.close",
        "certify.adapter.process:SystemProcess.kill",
    ),
    "journal": ("certify.evidence.journal:JournalWriter.append", "certify.cli.pipeline:read_journal"),
    "folding and judging": ("certify.cli.pipeline:fold", "certify.cli.pipeline:judge"),
    "certificate": ("certify.cli.pipeline:issue",),
    "charts": ("certify.report.draw:svg", "certify.report.draw:png"),
    "reports": ("certify.cli.pipeline:write_all",),
    "profile and plan": ("certify.cli.pipeline:load", "certify.cli.pipeline:plan_on"),
}


def count() -> None:
    """Wrap what is counted."""
    for name, places in COUNTED.items():
        for place in places:
            module_name, _, path = place.partition(":")
            owner: Any = importlib.import_module(module_name)
            *outer, last = path.split(".")
            for part in outer:
                owner = getattr(owner, part)
            if hasattr(owner, last):
                setattr(owner, last, timed(name, getattr(owner, last)))


def main() -> None:
    profile = sys.argv[1] if len(sys.argv) > 1 else "quick"
    sys.path.insert(0, str(Path(__file__).parent.parent))
    from certify.cli.pipeline import certify_run
    from certify.cli.request import Selection
    from certify.store.runs import RunStore

    SPENT["imports"] = time.monotonic() - BEGAN
    count()
    with tempfile.TemporaryDirectory() as place:
        certify_run(
            Selection(profile=profile), RunStore(Path(place)), lambda stream, _: list(stream) and None
        )
    total = time.monotonic() - BEGAN
    SPENT["everything else"] = total - sum(SPENT.values())
    planned = SPENT["waiting"] + SPENT["load"]
    for name, seconds in sorted(SPENT.items(), key=lambda item: -item[1]):
        print(f"{name:24} {seconds:7.2f} s  {100 * seconds / total:5.1f} %")
    cpu = sum(os.times()[:4])
    print(f"{'total':24} {total:7.2f} s   processor {cpu:.1f} s")
    print(f"overhead: {total - planned:.2f} s = {100 * (total - planned) / total:.0f} % of the wall clock")


if __name__ == "__main__":
    main()
