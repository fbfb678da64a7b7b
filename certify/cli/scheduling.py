"""The job that a scheduler runs, as this machine and this user would run it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from certify.attest.keys import KEY_VARIABLE
from certify.attest.trust import TRUST_VARIABLE
from certify.recertify.install import install_crontab, install_systemd, installed
from certify.recertify.schedule import UNIT, Job, crontab_lines, service_unit, timer_unit

KEPT = (KEY_VARIABLE, TRUST_VARIABLE, "XDG_CONFIG_HOME")
"""Variables that say where things are, and that a scheduler's own environment lacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is scheduled, and by whom."""

    job: Job
    systemd: bool
    install: bool
    delay_s: float


def job_of(cron: str, home: Path, delay: str, *, systemd: bool) -> Job:
    """Return the job: this `certify`, by its whole path, on this home.

    A timer of systemd delays by itself; cron has the command wait.
    """
    wait = () if systemd else ("--random-delay", delay)
    kept = [(name, os.environ[name]) for name in KEPT if name in os.environ]
    # A key in the environment itself is a secret: it is not written into anybody's crontab.
    named = tuple((name, value) for name, value in kept if "-----BEGIN" not in value)
    command = (*program(), "recertify", "--all", *wait, "--out", str(home))
    return Job(cron=cron, command=command, directory=Path.cwd(), environment=named)


def program() -> tuple[str, ...]:
    """Return how this `certify` is started from anywhere."""
    beside = Path(sys.executable).with_name("certify")
    found = str(beside) if beside.is_file() else shutil.which("certify")
    return (found,) if found else (sys.executable, "-c", "from certify.cli import main; main()")


def print_or_install(wanted: Wanted, out: TextIO, say: Callable[[str], None]) -> None:
    """Install it, or print what would be installed; warn where it is already.

    Raises:
        UsageError: it is installed elsewhere, or the scheduler does not take it.
    """
    if wanted.install:
        done = install_systemd(wanted.job, wanted.delay_s) if wanted.systemd else install_crontab(wanted.job)
        say(done)
    else:
        out.write(_text(wanted))
    already = installed()
    if already.twice:
        say(f"warning: scheduled more than once: in {already.places()}")
    elif places := already.places():
        say(f"installed: in {places}")
    else:
        say("not installed: `--install` does it")


def _text(wanted: Wanted) -> str:
    if not wanted.systemd:
        return crontab_lines(wanted.job)
    units = (
        (f"{UNIT}.service", service_unit(wanted.job)),
        (f"{UNIT}.timer", timer_unit(wanted.job, wanted.delay_s)),
    )
    return "\n".join(f"# ~/.config/systemd/user/{name}\n{text}" for name, text in units)
