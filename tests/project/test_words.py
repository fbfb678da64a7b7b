"""The tree speaks of the project alone: no path of a machine it was written on, no package registry."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Put together here, so that this file does not hold what it looks for.
PLACES = "|".join(("work", "root", "home/[a-z]+/[.]?(?:venv|pyenv)"))
FORBIDDEN = {
    "path of a machine": re.compile(rf"(?<![\w.}}*-])/(?:{PLACES})/"),
    "package registry": re.compile(
        "|".join(("py" + "pi[.]org", "python" + "hosted", "--(?:extra-)?index" + "-url"))
    ),
}


def tracked_files() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        pytest.skip("not a git checkout: there is no list of the project's own files")
    return [path for name in listing.stdout.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize("kind", FORBIDDEN)
def test_no_tracked_file_holds_a(kind: str) -> None:
    found = []
    for path in tracked_files():
        text = path.read_bytes().decode("utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {hit.group()}" for hit in FORBIDDEN[kind].finditer(text)]
    assert found == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("path of a machine", "open('/" + "work/main/x')"),
        ("path of a machine", "see /" + "root/.cache"),
        ("package registry", "https://" + "py" + "pi.org/simple"),
        ("package registry", "--index" + "-url=somewhere"),
    ],
)
def test_the_search_finds(kind: str, text: str) -> None:
    assert FORBIDDEN[kind].search(text)


def test_the_search_leaves_relative_places_alone() -> None:
    assert not FORBIDDEN["path of a machine"].search("tmp/work/a and {base}/work/b")
