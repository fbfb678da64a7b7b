"""When recertification runs: a line for cron, or a service and a timer for systemd, from one expression."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from certify import clock
from certify.errors import UsageError

DEFAULT_CRON = "17 5,17 * * *"
"""Twice a day, off the full hour, as every machine's first thought is the full hour."""
DEFAULT_DELAY = "1h"
BEGIN, END = "# certify: begin", "# certify: end"
UNIT = "certify-recertify"
_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is run, from where, and when."""

    cron: str
    command: tuple[str, ...]
    """The program by its whole path, with what it is asked."""
    directory: Path
    """Where it starts: the working directory of who set it up."""
    environment: tuple[tuple[str, str], ...] = ()
    """Variables that a scheduler's bare environment needs to have."""


def next_runs(cron: str, count: int, *, after_ns: int) -> tuple[datetime, ...]:
    """Return the next times, in the local time zone, which is cron's.

    Raises:
        UsageError: the expression is none.
    """
    from cronsim import CronSim, CronSimError

    try:
        times = CronSim(cron, clock.utc(after_ns).astimezone())
        return tuple(islice(times, count))
    except CronSimError as error:
        raise UsageError(f"--cron: expected five fields as {DEFAULT_CRON!r}, was {cron!r}: {error}") from None


def crontab_lines(job: Job) -> str:
    """Return the lines for a crontab, between marks by which they are found again."""
    words = [f"{name}={shlex.quote(value)}" for name, value in job.environment]
    words += [shlex.quote(word) for word in job.command]
    line = f"cd {shlex.quote(str(job.directory))} && {' '.join(words)}"
    if "\n" in line:
        raise UsageError("a crontab cannot hold a path with a line break in it")
    # A percent sign ends the command in a crontab.
    return f"{BEGIN}\n{job.cron} {line.replace('%', chr(92) + '%')}\n{END}\n"


def without_lines(crontab: str) -> str:
    """Return a crontab without the lines that `crontab_lines` made."""
    marked = re.compile(rf"^{re.escape(BEGIN)}\n.*?^{re.escape(END)}\n?", re.MULTILINE | re.DOTALL)
    return marked.sub("", crontab)


def scheduled_in(crontab: str) -> tuple[str, ...]:
    """Return the expressions of every line of a crontab that recertifies, whoever wrote it."""
    found = []
    for line in crontab.splitlines():
        fields = line.split(None, 5)
        if len(fields) == 6 and not line.lstrip().startswith("#") and re.search(r"\brecertify\b", fields[5]):
            found.append(" ".join(fields[:5]))
    return tuple(found)


def service_unit(job: Job) -> str:
    """Return the systemd service that runs it once."""
    lines = [f"Environment={_quoted(f'{name}={value}')}" for name, value in job.environment]
    return "\n".join(
        [
            "[Unit]",
            "Description=Renew the certificates of certify that are due or stale",
            "Wants=network-online.target",
            "After=network-online.target",
            "",
            "[Service]",
            "Type=oneshot",
            f"WorkingDirectory={str(job.directory).replace('%', '%%')}",
            *lines,
            f"ExecStart={' '.join(_systemd(word) for word in job.command)}",
            "",
        ]
    )


def timer_unit(job: Job, delay_s: float) -> str:
    """Return the systemd timer; what was missed while the machine was off is made up for."""
    return "\n".join(
        [
            "[Unit]",
            "Description=When the certificates of certify are looked at",
            "",
            "[Timer]",
            *(f"OnCalendar={line}" for line in calendar(job.cron)),
            f"RandomizedDelaySec={delay_s:g}",
            "Persistent=true",
            "",
            "[Install]",
            "WantedBy=timers.target",
            "",
        ]
    )


def _systemd(word: str) -> str:
    """Return a word of a unit file: quoted, its specifiers and variables taken as they are."""
    return _quoted(word).replace("$", "$$")


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if re.search(r"[\s\"'\\;]", word) or not word else escaped


def calendar(cron: str) -> Iterator[str]:
    """Yield the `OnCalendar=` of an expression of cron: two where day and weekday are both given.

    Cron runs when either of the two fits, systemd when both do.

    Raises:
        UsageError: the expression has something that systemd cannot say.
    """
    fields = cron.split()
    if len(fields) != 5:
        raise UsageError(f"--cron: expected five fields as {DEFAULT_CRON!r}, was {cron!r}")
    minute, hour = _numbers(fields[0], 0), _numbers(fields[1], 0)
    day, month = _numbers(fields[2], 1), _numbers(_named(fields[3], _MONTHS, 1), 1)
    weekday = _weekdays(fields[4])
    time = f"{hour}:{minute}:00"
    if weekday and fields[2] != "*":
        yield f"*-{month}-{day} {time}"
        yield f"{weekday} *-{month}-* {time}"
    else:
        yield f"{weekday} *-{month}-{day} {time}".strip()


def _numbers(field: str, first: int) -> str:
    """Return a field of numbers as systemd writes it: `1-5` as `1..5`, `*/2` as `0/2`."""
    parts = []
    for part in field.split(","):
        found = re.fullmatch(r"(\*|\d+)(?:-(\d+))?(?:/(\d+))?", part)
        if not found or (found[1] == "*" and found[2]):
            raise UsageError(
                f"--cron: systemd has no word for {field!r}: use --crontab, or another expression"
            )
        start, end, step = found.groups()
        if start == "*":
            parts.append("*" if step is None else f"{first}/{step}")
        else:
            parts.append(f"{start}{f'..{end}' if end else ''}{f'/{step}' if step else ''}")
    return ",".join(f"{int(part):02d}" if part.isdigit() else part for part in parts)


def _named(field: str, names: tuple[str, ...], first: int) -> str:
    for number, name in enumerate(names, start=first):
        field = re.sub(rf"\b{name}\b", str(number), field, flags=re.IGNORECASE)
    return field


def _weekdays(field: str) -> str:
    """Return the days of a week by name; empty for all of them."""
    if field in ("*", "?"):
        return ""
    text = _named(field, ("sun", "mon", "tue", "wed", "thu", "fri", "sat"), 0)
    parts = []
    for part in text.split(","):
        found = re.fullmatch(r"([0-7])(?:-([0-7]))?", part)
        if not found:
            raise UsageError(
                f"--cron: systemd has no word for {field!r}: use --crontab, or another expression"
            )
        start, end = int(found[1]), int(found[2] or found[1])
        parts.append(_DAYS[start] if start == end else f"{_DAYS[start]}..{_DAYS[end]}")
    return ",".join(parts)
