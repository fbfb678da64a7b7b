"""`certify --help` costs at most twice what importing Typer costs."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from .conftest import environment

TRIES = 7


def best_s(code: str) -> float:
    """The quickest of a few runs: what it costs on a machine that does nothing else."""
    times = []
    for _ in range(TRIES):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=environment())
        times.append(time.perf_counter() - began)
    return min(times)


@pytest.mark.alone
def test_help_costs_at_most_twice_the_import_of_typer() -> None:
    helping = "import sys; sys.argv = ['certify', '--help']; from certify.cli import main; main()"
    ratios = []
    for _ in range(3):
        ratios.append(best_s(helping) / best_s("import typer"))
        if ratios[-1] <= 2:
            return
    raise AssertionError(f"expected at most 2, was {ratios}")
