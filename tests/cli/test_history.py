"""`certify history` lists what was run, with an index, without one, and after one was lost."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest

from certify.cli.history_view import print_history, sparkline
from certify.store.history import PastRun

from .conftest import certify


@pytest.fixture
def home(quick, tmp_path: Path) -> Path:
    """A home with the shared run in it."""
    shutil.copytree(quick.home / ".certify", tmp_path / "home")
    return tmp_path / "home"


def test_a_run_is_in_the_index_when_it_ends(quick) -> None:
    assert (quick.home / ".certify" / "index.sqlite").is_file()
    assert "index" not in quick.done.stderr


def test_the_table_and_the_json_tell_what_the_evidence_says(quick, home) -> None:
    verdict = quick.json("verdict.json")
    told = certify("history", "--out", home, cwd=home)
    assert (told.returncode, told.stderr) == (0, "")
    heading, line = told.stdout.splitlines()
    assert heading.split()[:3] == ["when", "run", "subject"]
    assert quick.run_dir.name in line
    assert verdict["grade"] in line
    said = json.loads(certify("history", "--out", home, "--json", cwd=home).stdout)
    assert said["schema"] == "certify/history/1"
    (run,) = said["runs"]
    assert (run["id"], run["grade"], run["score"]) == (
        quick.run_dir.name,
        verdict["grade"],
        verdict["score"],
    )
    outcomes = [c["outcome"] for p in quick.json("result.json")["phases"] for c in p["checks"]]
    assert run["passed"] == outcomes.count("passed") > 100


@pytest.mark.parametrize(("option", "value"), [("--profile", "nonesuch"), ("--subject", "nonesuch")])
def test_what_is_not_asked_for_is_left_out(quick, home, option, value) -> None:
    assert "no run yet" in certify("history", "--out", home, option, value, cwd=home).stdout
    own = {"--profile": "quick", "--subject": quick.json("result.json")["subject"]["digest"]}
    assert quick.run_dir.name in certify("history", "--out", home, option, own[option], cwd=home).stdout


def test_an_index_that_cannot_be_had_is_said_once_and_the_evidence_read(quick, home) -> None:
    (home / "index.sqlite").write_bytes(b"no database " * 500)
    told = certify("history", "--out", home, cwd=home)
    assert told.returncode == 0
    assert len(told.stderr.splitlines()) == 1
    assert "not a database" in told.stderr
    assert quick.run_dir.name in told.stdout
    again = certify("history", "--out", home, "--rebuild", cwd=home)
    assert "made again" in again.stderr
    assert quick.run_dir.name in again.stdout
    assert certify("history", "--out", home, cwd=home).stderr == ""


def test_a_run_ends_as_it_would_without_its_index(tmp_path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "index.sqlite").write_bytes(b"no database " * 500)
    done = certify(
        *("run", "--profile", "quick", "--check", "broker.clean_start", "--out", tmp_path / "home"),
        cwd=tmp_path,
        CERTIFY_KEY=str(tmp_path / "key.pem"),
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("not a database") == 1
    (tmp_path / "home" / "index.sqlite").unlink()
    told = certify("history", "--out", tmp_path / "home", cwd=tmp_path)
    assert len(told.stdout.splitlines()) == 2  # caught up


def test_where_nothing_was_run_there_is_nothing_and_nothing_is_made(tmp_path) -> None:
    told = certify("history", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (0, "no run yet; make one with `certify run`\n")
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_url_exits_2(home) -> None:
    told = certify("history", "--out", home, "--index", "mysql://db/x", cwd=home)
    assert told.returncode == 2
    assert "sqlite or postgresql" in told.stderr


def past(day: int, **changes) -> PastRun:
    same = {
        "id": f"run-{day}",
        "started_at": f"2026-01-{day:02d}T00:00:00.000Z",
        "profile": "staging",
        "subject": "acme",
        "subject_version": "1",
        "grade": "CERTIFIED",
        "assurance": "simulated",
        "score": 90.0 + day,
        "stop": "completed",
        "partial_selection": False,
        "heaviest": "heavy orders",
        "p99_ms": 10.0 * day,
        "duration_ms": 1.0,
    }
    counts = dict.fromkeys(("passed", "failed", "error", "inconclusive", "skipped", "not_applicable"), 1)
    return PastRun(**{**same, **counts, **changes})


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_is_shown_a_curve_from_the_oldest_to_the_newest(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "dumb")
    out = Terminal()
    print_history([past(3), past(2), past(1), past(4, partial_selection=True)], out, as_json=False)
    assert "staging, acme: score  ▁▅█  91 to 93" in out.getvalue()
    assert "staging, acme: p99, ms  ▁▅█  10 to 30" in out.getvalue()
    plain = io.StringIO()
    print_history([past(2), past(1)], plain, as_json=False)
    assert not set("▁█") & set(plain.getvalue())


def test_a_narrow_terminal_gets_no_broken_lines(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    out = Terminal()
    print_history([past(1, id="20260101T000000Z-staging-abcd")], out, as_json=False)
    table = out.getvalue().splitlines()
    assert len(table) == 2
    assert "20260101T000000Z-staging-abcd" in table[1]


def test_nothing_of_a_run_can_draw_on_the_terminal() -> None:
    out = io.StringIO()
    print_history([past(1, subject="\x1b[2Jx\nrun-9", id="a\x07")], out, as_json=False)
    assert "\x1b" not in out.getvalue()
    assert "\x07" not in out.getvalue()
    assert len(out.getvalue().splitlines()) == 2


def test_a_curve_has_gaps_where_nothing_was_measured() -> None:
    assert sparkline([1.0, None, 8.0]) == "▁ █"
    assert sparkline([5.0, 5.0]) == "▁▁"
    assert sparkline([None]) == " "


def test_pruning_is_dry_until_it_is_told_otherwise(quick, home) -> None:
    run = home / "runs" / quick.run_dir.name
    old = shutil.copytree(run, home / "runs" / "20000101T000000Z-quick-0000")
    (old / "certificate.json").unlink()
    (old / "retention.json").write_text('{"retention_days": 1}')
    said = json.loads((old / "result.json").read_text())
    said |= {"finished_at_ns": 946_684_800_000_000_000, "started_at_ns": 946_684_800_000_000_000}
    (old / "result.json").write_text(json.dumps(said))
    kept = certify("history", "--out", home, "--prune", "--keep", "99y", "--yes", cwd=home)
    assert "nothing may go" in kept.stderr
    dry = certify("history", "--out", home, "--prune", cwd=home)
    assert (dry.returncode, dry.stdout) == (0, "")
    assert f"goes   {old.name}" in dry.stderr
    assert "nothing was deleted" in dry.stderr
    assert old.is_dir()
    done = certify("history", "--out", home, "--prune", "--yes", cwd=home)
    assert "deleted: 1 runs" in done.stderr
    assert [path.name for path in (home / "runs").iterdir()] == [run.name]
    wrong = certify("history", "--out", home, "--yes", cwd=home)
    assert (wrong.returncode, "go with --prune" in wrong.stderr) == (2, True)
