"""`certify schedule`: have recertification run by cron or systemd, once, and see when."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from certify.cli.options import OutOption


def schedule(
    cron: Annotated[
        str, typer.Option("--cron", metavar="EXPR", help="When: minute hour day month weekday.")
    ] = "17 5,17 * * *",
    crontab: Annotated[bool, typer.Option("--crontab", help="As lines for a crontab: the default.")] = False,
    systemd: Annotated[bool, typer.Option("--systemd", help="As a user service and its timer.")] = False,
    install: Annotated[bool, typer.Option("--install", help="Install it, not only print it.")] = False,
    random_delay: Annotated[
        str, typer.Option("--random-delay", metavar="TIME", help="Spread the runs over so much time.")
    ] = "1h",
    next_: Annotated[
        int, typer.Option("--next", min=0, max=100, metavar="N", help="Show the next N runs.")
    ] = 3,
    out: OutOption = None,
) -> None:
    """Print or install what runs `certify recertify` regularly; says so where it is installed already."""
    from certify import clock
    from certify.cli.failure import say
    from certify.cli.scheduling import Wanted, job_of, print_or_install
    from certify.errors import UsageError
    from certify.profile.kinds import seconds
    from certify.recertify.schedule import next_runs
    from certify.store.runs import run_store

    delay_s = seconds(random_delay)
    if delay_s is None:
        raise UsageError(f"--random-delay: expected a time as 30m or 1h, was {random_delay!r}")
    if crontab and systemd:
        raise UsageError("--crontab and --systemd: expected one of them, as two would run it twice")
    runs = next_runs(cron, next_, after_ns=clock.now_ns())
    home = run_store(out).home.absolute()
    wanted = Wanted(
        job=job_of(cron, home, random_delay, systemd=systemd),
        systemd=systemd,
        install=install,
        delay_s=float(delay_s),
    )
    print_or_install(wanted, sys.stdout, say)
    for run in runs:
        say(f"next: {run.strftime('%Y-%m-%d %H:%M %Z').strip()}, and up to {random_delay} later")
