"""What is installed where a system runs: its interpreter, and the distributions that it could import.

Runs in the system's own interpreter: standard library only, Python 3.8 or newer, and nothing of
certify: its text is also handed to an interpreter with `-c`, which then prints the same facts.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import sys
from typing import Any, Dict, Iterable, List

BROKER_LIBRARIES = ("ib_insync", "ib_async", "ibapi")
"""Clients of a broker, in the order in which they are looked for."""
_SUFFIXES = (".dist-info", ".egg-info")


def installed(paths: Iterable[str]) -> Dict[str, Any]:
    """Return interpreter, digest of the distributions on `paths`, and the broker's library among them.

    The digest is over name and version of each distribution, by the names of their directories
    (PEP 376): the first on the path wins, as it does for an import.
    """
    found: Dict[str, str] = {}
    for path in paths:
        for name in _entries(path):
            _add(found, name)
    text = "".join(f"{name}=={found[name]}\n" for name in sorted(found))
    libraries = ((name, found.get(_normal(name))) for name in BROKER_LIBRARIES)
    return {
        "interpreter": f"{platform.python_implementation()} {platform.python_version()}",
        "distributions": f"sha256:{hashlib.sha256(text.encode('utf-8', 'backslashreplace')).hexdigest()}",
        "broker_library": next((f"{name} {version}" for name, version in libraries if version), ""),
    }


def _entries(path: str) -> List[str]:
    try:
        return sorted(name for name in os.listdir(path) if name.endswith(_SUFFIXES))  # noqa: PTH208 - Python 3.8
    except OSError:
        return []


def _add(found: Dict[str, str], entry: str) -> None:
    name, _, rest = entry.rpartition(".")[0].partition("-")
    found.setdefault(_normal(name), re.sub(r"-py\d.*$", "", rest))


def _normal(name: str) -> str:
    """Return a distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> None:
    """Print the facts of this interpreter as one line of JSON."""
    sys.stdout.write(json.dumps(installed(path for path in sys.path if path)) + "\n")


if __name__ == "__main__":
    main()
