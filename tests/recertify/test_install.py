"""Installing with cron and systemd, and the line of a crontab in the environment that cron gives it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.recertify.conftest import Desk

FAKE_CRONTAB = """#!/bin/sh
if [ "$1" = "-l" ]; then
  [ -f '{table}' ] || {{ echo 'no crontab for desk' >&2; exit 1; }}
  cat '{table}'
else
  cat > '{table}'
fi
"""
FAKE_SYSTEMCTL = "#!/bin/sh\necho \"$@\" >> '{said}'\n"

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


@pytest.fixture
def table(tmp_path: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The crontab behind a `crontab` that stands first on the path, beside a `systemctl`."""
    place = tmp_path / "bin"
    place.mkdir()
    tools = {
        "crontab": FAKE_CRONTAB.format(table=tmp_path / "table"),
        "systemctl": FAKE_SYSTEMCTL.format(said=tmp_path / "systemctl.said"),
    }
    for name, text in tools.items():
        (place / name).write_text(text)
        (place / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "table"


def test_a_crontab_is_kept_and_installed_once(desk: Desk, table: Path) -> None:
    table.write_text("0 1 * * * backup\n")
    assert "not installed" in desk.certify("schedule").err
    for cron in ("17 5 * * *", "18 6 * * *"):
        said = desk.certify("schedule", "--install", "--cron", cron, "--next", "1")
        assert said.code == 0
        assert "next: " in said.err
    lines = table.read_text().splitlines()
    assert lines[0] == "0 1 * * * backup"
    assert [line[:10] for line in lines if "recertify" in line] == ["18 6 * * *"]


def test_a_second_scheduler_is_refused_and_a_double_one_is_found(desk: Desk, table: Path) -> None:
    units = table.parent / "config/systemd/user"
    assert desk.certify("schedule", "--install").code == 0
    said = desk.certify("schedule", "--install", "--systemd")
    assert said.code == 2
    assert "scheduled already, in the crontab" in said.err
    assert not units.exists()
    crontab = table.read_text()
    table.unlink()
    assert desk.certify("schedule", "--install", "--systemd").code == 0
    assert "Persistent=true" in (units / "certify-recertify.timer").read_text()
    assert "enable --now certify-recertify.timer" in (table.parent / "systemctl.said").read_text()
    assert desk.certify("schedule", "--install").code == 2
    table.write_text(crontab)
    assert "scheduled more than once" in desk.certify("schedule").err


def test_what_makes_no_sense_is_refused(desk: Desk, table: Path) -> None:
    for arguments in (("--cron", "whenever"), ("--random-delay", "soon"), ("--crontab", "--systemd")):
        said = desk.certify("schedule", "--install", *arguments)
        assert (said.code, said.err.count("\n")) == (2, 1)
    assert not table.exists()


def test_the_units_are_what_systemd_takes(desk: Desk, table: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("needs systemd-analyze")
    for expression in ("*-*-* 05,17:17:00", "Mon..Fri *-01-* 09..17/2:00:00"):
        assert subprocess.run([verify, "calendar", expression], capture_output=True).returncode == 0


def test_the_line_of_a_crontab_works_as_cron_runs_it(desk: Desk, table: Path) -> None:
    """No terminal, no path but cron's, none of our variables, another working directory."""
    assert desk.certify("recertify", "--profile", "./tiny.yaml").code == 0
    first = desk.status()
    desk.commit("buy high")
    assert desk.certify("schedule", "--install", "--random-delay", "0s").code == 0
    line = next(line for line in table.read_text().splitlines() if "recertify" in line)
    command = line.split(None, 5)[5].replace("\\%", "%")
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd="/",
        env={"HOME": str(table.parent), "LOGNAME": "desk", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert "stale: subject has changed" in done.stderr
    second = desk.status()
    assert (second["state"], second["reason"]) == ("valid", "nothing has changed")
    assert second["run"] != first["run"]
    assert desk.figures()["certify_renewal_failed"] == 0.0
