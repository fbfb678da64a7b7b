"""One of many writers: indexes its share of the runs of a home. Run as a program: URL, home, first, step."""

from __future__ import annotations

import sys
from pathlib import Path

from certify.store.index import opened_index
from certify.store.runs import RunStore


def main(url: str, home: str, first: int, step: int) -> None:
    store = RunStore(Path(home))
    print("ready", flush=True)
    sys.stdin.readline()
    for run_dir in store.all()[first::step]:
        with opened_index(url, str) as index:
            index.put(run_dir, f"host-{first}:{home}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
