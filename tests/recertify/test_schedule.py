"""One expression, two schedulers: what is written for each, and when it would run."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from certify.errors import UsageError
from certify.recertify.schedule import (
    Job,
    calendar,
    crontab_lines,
    next_runs,
    scheduled_in,
    service_unit,
    timer_unit,
    without_lines,
)

JOB = Job(
    cron="17 5,17 * * *",
    command=("/opt/my tools/certify", "recertify", "--out", "/srv/100%"),
    directory=Path("/srv/my desk"),
    environment=(("CERTIFY_KEY", "/srv/key.pem"),),
)


@pytest.mark.parametrize(
    ("cron", "lines"),
    [
        ("17 5,17 * * *", ["*-*-* 05,17:17:00"]),
        ("*/15 * * * *", ["*-*-* *:0/15:00"]),
        ("0 9-17/2 * * mon-fri", ["Mon..Fri *-*-* 9..17/2:00:00"]),
        ("30 4 1 */3 *", ["*-1/3-01 04:30:00"]),
        ("30 4 1 jan 0,7", ["*-01-01 04:30:00", "Sun,Sun *-01-* 04:30:00"]),
    ],
)
def test_an_expression_as_systemd_says_it(cron: str, lines: list[str]) -> None:
    assert list(calendar(cron)) == lines


@pytest.mark.parametrize("cron", ["0 0 L * *", "0 0 * * 5#2", "0 0 * *", "@daily"])
def test_what_systemd_cannot_say_is_refused(cron: str) -> None:
    with pytest.raises(UsageError, match="--cron"):
        list(calendar(cron))


def test_the_next_runs_follow_each_other() -> None:
    start = datetime(2026, 3, 1, 6, 0).astimezone()
    runs = next_runs("17 5,17 * * *", 3, after_ns=int(start.timestamp()) * 10**9)
    assert [(run.day, run.hour, run.minute) for run in runs] == [(1, 17, 17), (2, 5, 17), (2, 17, 17)]
    with pytest.raises(UsageError, match="expected five fields"):
        next_runs("every day", 1, after_ns=0)


def test_the_lines_are_found_and_taken_out_again() -> None:
    lines = crontab_lines(JOB)
    assert lines.splitlines()[1] == (
        "17 5,17 * * * cd '/srv/my desk' && CERTIFY_KEY=/srv/key.pem '/opt/my tools/certify' recertify"
        " --out /srv/100\\%"
    )
    own = "MAILTO=me\n0 1 * * * backup\n"
    assert scheduled_in(own + lines) == ("17 5,17 * * *",)
    assert without_lines(own + lines) == own


def test_units_quote_what_systemd_would_read() -> None:
    service, timer = service_unit(JOB), timer_unit(JOB, 3600.0)
    assert 'ExecStart="/opt/my tools/certify" recertify --out /srv/100%%' in service
    assert "WorkingDirectory=/srv/my desk" in service
    assert {"Persistent=true", "RandomizedDelaySec=3600", "OnCalendar=*-*-* 05,17:17:00"} <= set(
        timer.split("\n")
    )
