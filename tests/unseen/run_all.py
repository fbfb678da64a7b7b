"""Certify every unseen system and every mutant, and print what was caught by what.

python tests/unseen/run_all.py                    all of them: half an hour
python tests/unseen/run_all.py healthy            the healthy ones alone
python tests/unseen/run_all.py mutants [NAME …]   the mutants, or some of them
… --whole                                         every phase, not only where a mutant must show
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import lab
import mutants

BAD = ("failed", "error")
GOOD = ("passed", "not_applicable")


def healthy(out: Path) -> Iterator[str]:
    """Yield a line for each healthy system, and one for each outcome that it must not have."""
    for name in lab.SYSTEMS:
        checks = lab.outcomes(lab.certify(name, out / name))
        count = Counter(check["outcome"] for check in checks.values())
        yield f"{name:10} " + (", ".join(f"{n} {what}" for what, n in sorted(count.items())) or "NO RESULT")
        for name_of, check in checks.items():
            if check["outcome"] not in GOOD:
                yield f"    {check['outcome']:12} {name_of}: {check['message']}"


def judged(name: str, out: Path, whole: bool) -> tuple[str, list[str], dict[str, str]]:
    """Certify one mutant; return its name, the checks that failed, and what else was not as usual."""
    system, _, _, where = mutants.MUTANTS[name]
    load = whole or "performance" in where
    phases = () if whole else where
    mode = "standard"
    result = lab.certify(system, out / name, mode=mode, mutant=name, load=load, phases=phases)
    checks = lab.outcomes(result)
    red = [i for i, check in checks.items() if check["outcome"] == "failed"]
    odd = {
        i: check["message"] for i, check in checks.items() if check["outcome"] in ("error", "inconclusive")
    }
    return name, red, odd if checks else {"-": "no result"}


def table(names: list[str], out: Path, whole: bool, jobs: int) -> Iterator[str]:
    """Yield a line for each mutant as it is judged, and the sum at last."""
    caught, rows = 0, {}
    with ThreadPoolExecutor(jobs) as pool:
        for name, red, odd in pool.map(lambda name: judged(name, out, whole), names):
            caught += bool(red)
            rows[name] = red
            seen = ", ".join(red[:4]) + (f" and {len(red) - 4} more" if len(red) > 4 else "")
            beside = "; ".join(f"{i}: {text[:90]}" for i, text in list(odd.items())[:2])
            yield f"{'caught' if red else 'MISSED'}  {mutants.MUTANTS[name][0]:7} {name:28} {seen or beside}"
    (out / "table.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    yield f"{caught} of {len(names)} caught"


def main() -> None:
    """Read the arguments and print as it comes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=("all", "healthy", "mutants"), default="all")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    out = (given.out or Path(tempfile.mkdtemp(prefix="certify-unseen-"))).absolute()
    if given.what in ("all", "healthy"):
        for line in healthy(out):
            print(line, flush=True)
    if given.what in ("all", "mutants"):
        names = given.names or sorted(mutants.MUTANTS, key=lambda name: mutants.MUTANTS[name][0])
        for line in table(names, out, given.whole, given.jobs):
            print(line, flush=True)


if __name__ == "__main__":
    main()
