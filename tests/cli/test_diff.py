"""`certify diff` of the shared run with a changed copy of itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from .conftest import certify

LATER = "20991231T000000Z-quick-ffff"


@pytest.fixture
def home(quick, tmp_path: Path) -> Path:
    """A home with the shared run and a later one, in which one check fails and says something hostile."""
    shutil.copytree(quick.home / ".certify", tmp_path / "home")
    later = tmp_path / "home" / "runs" / LATER
    shutil.copytree(quick.run_dir, later)
    for name in ("result.json", "verdict.json"):
        said = json.loads((later / name).read_text())
        said["run_id"] = LATER
        if name == "result.json":
            broken = next(c for p in said["phases"] for c in p["checks"] if c["outcome"] == "passed")
            broken |= {"outcome": "failed", "message": "expected \x1b[2J of DU1234567, was <b>"}
        (later / name).write_text(json.dumps(said))
    return tmp_path / "home"


def test_the_previous_run_is_compared_with_the_latest(quick, home) -> None:
    told = certify("diff", "--out", home, cwd=home)
    assert told.returncode == 0, told.stderr
    assert told.stdout.index(quick.run_dir.name) < told.stdout.index(LATER)
    assert "Newly failing" in told.stdout
    assert "passed → failed" in told.stdout
    assert "\x1b" not in told.stdout
    assert "DU1234567" not in told.stdout
    turned = certify("diff", "latest", quick.run_dir.name, "--out", home, cwd=home)
    assert "Fixed" in turned.stdout
    assert "failed → passed" in turned.stdout


def test_the_json_holds_the_whole_comparison(quick, home) -> None:
    told = certify("diff", quick.run_dir, home / "runs" / LATER, "--json", cwd=home)
    said = json.loads(told.stdout)
    assert (told.returncode, said["schema"]) == (0, "certify/comparison/1")
    assert (said["before"]["run_id"], said["after"]["run_id"]) == (quick.run_dir.name, LATER)
    assert [c["after"] for c in said["newly_failing"]] == ["failed"]
    assert said["scope"] == said["environment"] == []


def test_a_run_compared_with_itself_differs_in_nothing(quick) -> None:
    told = certify("diff", "latest", "latest", cwd=quick.home)
    assert told.returncode == 0
    assert "nothing differs" in told.stdout


def test_without_a_run_before_it_exits_2(quick) -> None:
    told = certify("diff", cwd=quick.home)
    assert told.returncode == 2
    assert "before it" in told.stderr


def test_the_next_run_is_compared_with_the_last_certificate(quick, tmp_path) -> None:
    shutil.copytree(quick.home / ".certify", tmp_path / "home")
    done = certify(
        *("run", "--profile", "quick", "--seed", 2, "--out", tmp_path / "home"),
        cwd=quick.home,
        CERTIFY_KEY=str(quick.home / "key.pem"),
    )
    run_dir = max((tmp_path / "home" / "runs").iterdir())
    said = json.loads((run_dir / "comparison.json").read_text())
    assert said["before"]["run_id"] == quick.run_dir.name, done.stderr
    assert {"name": "seed", "before": "1", "after": "2"} in said["scope"]
    report = (run_dir / "report.md").read_text()
    assert f"({quick.run_dir.name})" in report
    again = certify("report", run_dir, "--format", "markdown", cwd=tmp_path)
    assert again.stdout == report
    assert "Difference to the last certificate" not in (quick.run_dir / "report.md").read_text()
