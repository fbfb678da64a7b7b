"""What the README shows is what there is: the example runs, and links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from certify.model.ids import ExitCode

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "first_adapter"
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
MAIN = "from certify.cli import main; main()"
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)?(#[^)\s]*)?\)")


def blocks(language: str) -> list[str]:
    """Return what stands in the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(("language", "file"), [("python", "adapter.py"), ("yaml", "profile.yaml")])
def test_the_example_is_shown_as_it_is(language: str, file: str) -> None:
    assert blocks(language) == [(EXAMPLE / file).read_text(encoding="utf-8")]


def test_the_example_is_small() -> None:
    lines = (EXAMPLE / "adapter.py").read_text(encoding="utf-8").splitlines()
    body = lines[next(number for number, line in enumerate(lines) if line.startswith("def create")) :]
    assert len([line for line in body if line.strip()]) <= 35


def test_the_example_is_certified(tmp_path: Path) -> None:
    for file in ("adapter.py", "profile.yaml"):
        shutil.copy(EXAMPLE / file, tmp_path)
    command = ["-c", MAIN, "run", "--profile", "profile.yaml", "--progress", "none"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CERTIFY_KEY": str(tmp_path / "key.pem")}
    done = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == ExitCode.CERTIFIED, done.stdout + done.stderr
    (run,) = (tmp_path / ".certify" / "runs").iterdir()
    outcomes = {
        check["outcome"]
        for phase in json.loads((run / "result.json").read_text())["phases"]
        for check in phase["checks"]
    }
    assert outcomes == {"passed", "not_applicable"}
    assert (run / "certificate.json").exists()


def test_every_exit_code_is_in_the_table() -> None:
    table = README.split("## Exit codes")[1].split("\n## ")[0]
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)] == list(ExitCode)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    broken = []
    for target, anchor in LINK.findall(text):
        if target.startswith("https://"):
            continue
        file = page.parent / target if target else page
        if not file.exists() or (anchor and file.is_file() and anchor[1:] not in anchors(file)):
            broken.append(target + anchor)
    assert broken == []


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    named = {target for target, _ in LINK.findall(index)}
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"} <= named


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    roots = "certify|tests|docs|examples|profiles|templates|benchmarks"
    named = set(re.findall(rf"`((?:{roots})/[\w./-]+)`", text))
    named = {name for name in named if not re.search(r"/\d+$", name)}  # the name of a schema
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def test_every_package_has_its_place_in_the_architecture() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    layers = set(re.findall(r"\w+", text.split("## Layers")[1].split("Imports go down")[0]))
    packages = {path.stem for path in (ROOT / "certify").iterdir() if not path.name.startswith("_")}
    assert {name for name in packages if (ROOT / "certify" / name).suffix != ".pyc"} - {"_data"} <= layers
