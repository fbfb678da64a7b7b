"""Certify the systems over the TWS API and their mutants, and print what was caught by what.

python tests/unseen/ib_systems/run_ib.py                   all of them: half an hour
python tests/unseen/ib_systems/run_ib.py healthy [NAME …]
python tests/unseen/ib_systems/run_ib.py mutants [NAME …]
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

import ib_lab
import ib_mutants
import lab

GOOD = ("passed", "not_applicable")


def healthy(names: list[str], out: Path) -> Iterator[str]:
    """Yield a line for each healthy system, and one for each outcome that it must not have."""
    for name in names or list(ib_lab.SYSTEMS):
        checks = lab.outcomes(ib_lab.certify(name, out / name))
        count = Counter(check["outcome"] for check in checks.values())
        yield f"{name:10} " + (", ".join(f"{n} {what}" for what, n in sorted(count.items())) or "NO RESULT")
        for name_of, check in checks.items():
            if check["outcome"] not in GOOD:
                yield f"    {check['outcome']:12} {name_of}: {check['message']}"


def judged(name: str, out: Path) -> tuple[str, list[str], dict[str, str]]:
    """Certify one mutant; return its name, the checks that failed, and what else was not as usual."""
    system, _, _, group = ib_mutants.MUTANTS[name]
    wanted = known(ib_mutants.GROUPS[group].split(), system)
    checks = lab.outcomes(ib_lab.certify(system, out / name, mutant=name, checks=wanted))
    red = [i for i, check in checks.items() if check["outcome"] == "failed"]
    odd = {i: c["message"] for i, c in checks.items() if c["outcome"] in ("error", "inconclusive")}
    return name, red, odd if checks else {"-": "no result"}


def known(checks: list[str], system: str) -> list[str]:
    """Leave out the checks of ports that a system does not have."""
    return [check for check in checks if check.split(".", maxsplit=1)[0] in ib_lab.SYSTEMS[system][1]]


def table(names: list[str], out: Path, jobs: int) -> Iterator[str]:
    """Yield a line for each mutant as it is judged, and the sum at last."""
    caught, rows = 0, {}
    with ThreadPoolExecutor(jobs) as pool:
        for name, red, odd in pool.map(lambda name: judged(name, out), names):
            caught += bool(red)
            rows[name] = red
            beside = "; ".join(f"{i}: {text[:90]}" for i, text in list(odd.items())[:2])
            word = "caught" if red else "MISSED"
            yield f"{word}  {ib_mutants.MUTANTS[name][0]:7} {name:32} {', '.join(red[:4]) or beside}"
    (out / "table.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    yield f"{caught} of {len(names)} caught"


def main() -> None:
    """Read the arguments and print as it comes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=("all", "healthy", "mutants"), default="all")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    out = (given.out or Path(tempfile.mkdtemp(prefix="certify-ib-unseen-"))).absolute()
    out.mkdir(parents=True, exist_ok=True)
    if given.what in ("all", "healthy"):
        for line in healthy(given.names if given.what == "healthy" else [], out):
            print(line, flush=True)
    if given.what in ("all", "mutants"):
        names = given.names if given.what == "mutants" and given.names else list(ib_mutants.MUTANTS)
        for line in table(names, out, given.jobs):
            print(line, flush=True)


if __name__ == "__main__":
    main()
