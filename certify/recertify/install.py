"""Put the schedule where it works: into the user's crontab, or among the user's systemd units."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from certify.errors import UsageError
from certify.evidence.files import write_bytes
from certify.recertify.schedule import (
    UNIT,
    Job,
    crontab_lines,
    scheduled_in,
    service_unit,
    timer_unit,
    without_lines,
)

TOOL_S = 20.0
"""How long `crontab` or `systemctl` may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """Where recertification is scheduled already."""

    crontab: tuple[str, ...] = ()
    """The expressions of the lines that recertify."""
    timer: Path | None = None

    @property
    def twice(self) -> bool:
        """Whether it is scheduled more than once."""
        return len(self.crontab) + (self.timer is not None) > 1

    def places(self) -> str:
        """Return where, in words; empty where it is nowhere."""
        found = [f"the crontab ({expression})" for expression in self.crontab]
        return " and ".join([*found, *([f"systemd ({self.timer})"] if self.timer else [])])


def installed() -> Installed:
    """Return where recertification is scheduled for this user."""
    timer = units_dir() / f"{UNIT}.timer"
    return Installed(crontab=scheduled_in(read_crontab()), timer=timer if timer.is_file() else None)


def units_dir() -> Path:
    """Return where the user's systemd units lie."""
    own = os.environ.get("XDG_CONFIG_HOME")
    return (Path(own) if own else Path.home() / ".config") / "systemd" / "user"


def read_crontab() -> str:
    """Return the user's crontab; empty where there is none, or no cron."""
    try:
        done = _tool("crontab", "-l")
    except UsageError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def install_crontab(job: Job) -> str:
    """Put the lines into the user's crontab, in the place of those of before; return what was done.

    Raises:
        UsageError: it is scheduled elsewhere already, or there is no cron.
    """
    kept = without_lines(read_crontab())
    elsewhere = Installed(crontab=scheduled_in(kept), timer=installed().timer)
    _refuse_second(elsewhere)
    text = f"{kept.rstrip()}\n" if kept.strip() else ""
    done = _tool("crontab", "-", text=text + crontab_lines(job))
    if done.returncode:
        raise UsageError(f"crontab: {_said(done)}")
    return "installed in the crontab"


def install_systemd(job: Job, delay_s: float) -> str:
    """Write and enable the service and its timer; return what was done.

    Raises:
        UsageError: it is scheduled elsewhere already, or systemd does not take it.
    """
    _refuse_second(Installed(crontab=scheduled_in(read_crontab())))
    directory = units_dir()
    write_bytes(directory / f"{UNIT}.service", service_unit(job).encode())
    write_bytes(directory / f"{UNIT}.timer", timer_unit(job, delay_s).encode())
    for arguments in (("daemon-reload",), ("enable", "--now", f"{UNIT}.timer")):
        done = _tool("systemctl", "--user", *arguments)
        if done.returncode:
            raise UsageError(f"systemctl --user {' '.join(arguments)}: {_said(done)}")
    return f"installed as {directory / UNIT}.timer"


def _refuse_second(elsewhere: Installed) -> None:
    if places := elsewhere.places():
        raise UsageError(f"recertification is scheduled already, in {places}: take that out first")


def _tool(*command: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, input=text, capture_output=True, text=True, timeout=TOOL_S, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise UsageError(f"{command[0]}: cannot be run: {error}") from error


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join((done.stderr or done.stdout).split()) or f"exit code {done.returncode}"
