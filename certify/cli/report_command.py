"""`certify report`: render a run again from its evidence, in any format."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from certify.cli.options import OutOption


def report(
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="Run id, its start, or a path.")] = None,
    format: Annotated[  # noqa: A002 - the option's name
        str, typer.Option("--format", "-f", help="markdown, html, json, junit or prometheus.")
    ] = "markdown",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write here, not to stdout.")] = None,
    out: OutOption = None,
) -> None:
    """Render the report of a run (default: the latest) from its evidence alone."""
    from certify.cli.failure import say
    from certify.evidence.files import write_bytes
    from certify.phases.catalogue import CATALOGUE
    from certify.report import render
    from certify.store.runs import run_store

    cards = {check.card.id: check.card for check in CATALOGUE}
    text = render(run_store(out).find(run), format, cards)
    if output is None:
        sys.stdout.write(text)
    else:
        write_bytes(output, text.encode())
        say(f"written: {output}")
