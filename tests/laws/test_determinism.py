"""Same seed, same profile: the same journal, but for times and what was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.laws.conftest import run_quick
from tests.laws.sameness import comparable

PHASES = ("framework", "trading", "risk")


@pytest.mark.parametrize("seed", [1, 29])
def test_the_same_seed_gives_the_same_journal(tmp_path: Path, seed: int) -> None:
    first, second = (comparable(run_quick(tmp_path / name, seed, PHASES).journal) for name in "ab")
    different = [pair for pair in zip(first, second, strict=False) if pair[0] != pair[1]]
    assert different[:3] == []
    assert len(first) == len(second)
    assert len(first) > 100
