"""`certify run` from outside: files, exit codes, the end screen, what is refused before anything runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import ROOT, certify

FILES = {
    "plan.json",
    "events.jsonl",
    "result.json",
    "verdict.json",
    "certificate.json",
    "report.md",
    "report.html",
    "junit.xml",
    "metrics.prom",
    "request.json",
}


def test_the_quick_profile_is_certified_and_says_so(quick) -> None:
    assert quick.done.returncode == 0, quick.done.stderr
    end = quick.done.stderr[quick.done.stderr.index("SIMULATED ✔ CERTIFIED") :]
    assert "certify verify" in end
    assert "report.html" in end
    assert quick.json("verdict.json")["grade"] == "CERTIFIED"
    assert {path.name for path in quick.run_dir.iterdir() if path.is_file()} == FILES


def test_stdout_is_the_result_and_nothing_else(quick) -> None:
    assert json.loads(quick.done.stdout) == quick.json("result.json")


def test_all_talk_off_a_terminal_is_plain_lines(quick) -> None:
    assert "\x1b" not in quick.done.stderr
    assert "\r" not in quick.done.stderr
    assert "== certification: " in quick.done.stderr


def test_nothing_is_left_in_the_working_directory(quick) -> None:
    names = {path.name for path in quick.home.iterdir()}
    assert names <= {".certify", "said.json", "key.pem", "key.pub"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--set", "mode=quik"), "quick"),
        (("--set", "nonsense"), "nonsense"),
        (("--phase", "riks"), "did you mean 'risk'"),
        (("--check", "execution.smok"), "did you mean 'execution.smoke'"),
        (("--profile", "quik"), "did you mean 'quick'"),
        (("--profile", "./none.yaml"), "none.yaml"),
        (("--resume", "none"), "no run yet"),
        (("--rerun-failed", "none"), "no run yet"),
        (("--resume", "none", "--phase", "risk"), "expected no other selection"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_made(tmp_path, arguments, told) -> None:
    given = arguments if "--profile" in arguments else ("--profile", "quick", *arguments)
    done = certify("run", *given, cwd=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [("run", "--nonsense"), ("nonsense",), ("run", "--accept", "all")])
def test_a_wrong_command_line_exits_2(tmp_path, arguments) -> None:
    done = certify(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_in_a_profile_is_told_by_file_line_and_column(tmp_path) -> None:
    (tmp_path / "own.yaml").write_text("version: 1\nextends: quick\nmoode: quick\n")
    for command in (("run", "--profile", "own.yaml"), ("profile", "validate", "own.yaml")):
        done = certify(*command, cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith("certify: own.yaml:3:1: unknown key in the profile 'moode'")
        assert "did you mean 'mode'" in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_partial_selection_is_judged_but_not_certified(tmp_path) -> None:
    done = certify("phase", "framework", "--profile", "quick", "--check", "execution.smoke", cwd=tmp_path)
    assert done.returncode in (0, 3), done.stderr
    assert "no certificate" in done.stderr
    (run_dir,) = (tmp_path / ".certify" / "runs").iterdir()
    assert not (run_dir / "certificate.json").exists()
    assert [
        c["id"] for p in json.loads((run_dir / "result.json").read_text())["phases"] for c in p["checks"]
    ] == ["execution.smoke"]


def test_a_planted_defect_fails_with_its_remedy_and_can_be_tried_again(tmp_path) -> None:
    wrong = ("--set", "options.defect=orders_into_the_void", "--check", "execution.smoke,risk.answers")
    done = certify("run", "--profile", "quick", *wrong, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "SIMULATED ✖ NOT CERTIFIED" in done.stderr
    assert "execution.smoke (failed, critical)" in done.stderr
    assert "→ look at the first step that is not answered" in done.stderr
    (first,) = (tmp_path / ".certify" / "runs").iterdir()
    again = certify("run", "--rerun-failed", first.name, cwd=tmp_path)
    assert again.returncode == 1
    assert "1 checks" in again.stderr
    assert "passed         risk.answers" not in again.stderr


def test_a_system_that_cannot_be_made_exits_3_and_says_where_its_log_is(tmp_path) -> None:
    (tmp_path / "broken.py").write_text("def create(ctx):\n    raise RuntimeError('no licence')\n")
    (tmp_path / "own.yaml").write_text(
        "version: 1\nextends: base\ncomponents:\n  execution: {backend: python, adapter: broken.py:create}\n"
    )
    done = certify("run", "--profile", "own.yaml", cwd=tmp_path)
    assert done.returncode == 3
    assert "no licence" in done.stderr
    assert "(log: " in done.stderr
    assert "Traceback" not in done.stderr


def test_an_internal_error_is_one_line_and_a_trace_only_when_asked_for(tmp_path) -> None:
    code = (
        "import certify.cli.pipeline as p, certify.cli\n"
        "def broken(*a, **k): raise ValueError('unthinkable')\n"
        "p.load = broken\n"
        "import sys; sys.argv = ['certify', 'plan']; certify.cli.main()"
    )
    import subprocess
    import sys

    from .conftest import environment

    for more, traced in (({}, False), ({"CERTIFY_DEBUG": "1"}, True)):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env=environment(**more),
        )
        assert done.returncode == 4
        assert "unthinkable" in done.stderr
        assert ("Traceback" in done.stderr) is traced


def test_plan_touches_nothing(tmp_path) -> None:
    done = certify("plan", "--profile", "quick", cwd=tmp_path)
    assert done.returncode == 0
    assert "checks would be run" in done.stdout
    assert "skipped: not in mode quick" in done.stdout
    assert list(tmp_path.iterdir()) == []
    said = certify("plan", "--profile", "quick", "--phase", "risk", "--json", cwd=tmp_path)
    plan = json.loads(said.stdout)
    assert plan["partial_selection"] is True
    assert {check["phase"] for check in plan["checks"]} == {"risk"}
    assert list(tmp_path.iterdir()) == []


def test_out_and_certify_home_say_where_runs_are_kept(tmp_path) -> None:
    only = ("run", "--profile", "quick", "--check", "certify.clock_fit", "--progress", "none")
    certify(*only, "--out", "here", cwd=tmp_path)
    certify(*only, cwd=tmp_path, CERTIFY_HOME=str(tmp_path / "there"))
    assert {path.name for path in Path(tmp_path).iterdir()} == {"here", "there"}
    assert ROOT not in tmp_path.parents
