"""How certificates stand, for a person and for a program."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, TextIO

from rich.text import Text

from certify import clock
from certify.cli.console import PlainConsole
from certify.cli.live.text import clean
from certify.evidence.files import CERTIFICATE_FILE
from certify.recertify.standing import Standing, State

STYLES = {
    State.VALID: "green",
    State.DUE: "yellow",
    State.SUPERSEDED: "dim",
}
HEAD = ("subject", "profile", "state", "grade", "assurance", "days left", "expires", "why")


def print_standings(found: Sequence[Standing], out: TextIO) -> None:
    """Write one line for each certificate, the reason last."""
    console = PlainConsole(out)
    rows = [HEAD, *(_row(standing) for standing in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD) - 1)]
    styles = ["dim", *(STYLES.get(standing.state, "bold red") for standing in found)]
    for row, style in zip(rows, styles, strict=True):
        line = Text()
        for column, (cell, width) in enumerate(zip(row, widths, strict=False)):
            line.append(
                f"{cell:<{width}}  ", style=style if style == "dim" or HEAD[column] == "state" else ""
            )
        console.print(line.append(row[-1], style="dim" if style == "dim" else ""))


def _row(standing: Standing) -> tuple[str, ...]:
    days = standing.days_left
    return (
        clean(standing.subject),
        clean(standing.profile),
        standing.state.value,
        standing.grade or "-",
        standing.assurance.value if standing.assurance else "-",
        "-" if days is None else f"{days:.1f}",
        standing.expires or "-",
        clean(standing.reason),
    )


def standings_json(found: Sequence[Standing], *, ok: bool, at_ns: int) -> str:
    """Return them as JSON (schema `certify/status/1`)."""
    data = {
        "schema": "certify/status/1",
        "at": clock.iso(at_ns),
        "ok": ok,
        "certificates": [dict(_fields(standing)) for standing in found],
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _fields(standing: Standing) -> Iterator[tuple[str, Any]]:
    yield "subject", standing.subject
    yield "profile", standing.profile
    yield "state", standing.state.value
    yield "acceptable", standing.state.acceptable
    yield "reason", standing.reason
    yield "grade", standing.grade or None
    yield "assurance", standing.assurance.value if standing.assurance else None
    yield "version", standing.version or None
    for name in ("issued", "expires", "renew_at"):
        yield name, getattr(standing, name) or None
    yield "days_left", standing.days_left
    yield "run", standing.run_dir.name if standing.run_dir else None
    yield "certificate", str(standing.run_dir / CERTIFICATE_FILE) if standing.run_dir else None
    yield "changes", [asdict(change) for change in standing.changes]
