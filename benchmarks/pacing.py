"""How well does the load generator keep its times? An empty system, two rates, the same harness as in a run.

    python benchmarks/pacing.py [rate per second …]

Prints the generator's own lateness and the share of the planned rate that it achieved; what it prints on
this machine bounds what can be measured on it.
"""

from __future__ import annotations

import sys

from certify.phases.performance.null import measure_harness
from certify.profile.model import LoadLevel

DURATION_S = 5.0


def main() -> None:
    rates = [float(text) for text in sys.argv[1:]] or [1000.0, 5000.0]
    heads = ("rate/s", "achieved", "late p50", "late p99", "late max", "response p50", "response p99")
    print("  ".join(f"{head:>12}" for head in heads))
    for rate in rates:
        level = LoadLevel(name="pacing", duration_s=DURATION_S, warmup_s=0.5, orders_per_s=rate)
        meter = measure_harness(level, DURATION_S, lambda: None)
        late = [meter.late.at_ms(percentile) for percentile in (50, 99, 100)]
        times = [meter.latency.at_ms(percentile) for percentile in (50, 99)]
        cells = [
            f"{rate:.0f}",
            f"{meter.achieved_per_s / rate:.1%}",
            *(f"{value:.3f} ms" for value in late + times),
        ]
        print("  ".join(f"{cell:>12}" for cell in cells))


if __name__ == "__main__":
    main()
