"""`certify history`: what was run, when, and what came of it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from certify.cli.options import IndexOption, JsonOption, OutOption


def history(
    profile: Annotated[
        str | None, typer.Option("--profile", "-p", metavar="NAME", help="Only runs of this profile.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", metavar="NAME|DIGEST", help="Only runs of this subject.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many at most.")] = 20,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make the index again from the run directories first.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Show which evidence need not be kept any longer.")
    ] = False,
    keep: Annotated[
        str | None, typer.Option("--keep", metavar="AGE", help="With --prune: nothing younger, as 10y, 90d.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="With --prune: delete it.")] = False,
    index: IndexOption = None,
    out: OutOption = None,
    json: JsonOption = False,
) -> None:
    """List the newest runs with grade, score, checks and the p99 of the heaviest level."""
    from certify.cli.failure import say
    from certify.cli.history_view import print_history
    from certify.cli.live.text import clean
    from certify.cli.prune import print_pruning
    from certify.store.history import past_runs
    from certify.store.remember import rebuilt, recalled, remember
    from certify.store.runs import run_store

    store = run_store(out)
    if prune or keep or yes:
        print_pruning(store, keep, asked=prune, delete=yes)
        remember(store, clean, say, index)
        return
    if rebuild:
        done = rebuilt(store, clean, index)
        say(f"index made again from {store.runs_dir}: {done.written} runs")
    with recalled(store, clean, say, index) as found:
        runs = past_runs(found, profile=profile, subject=subject, limit=limit)
    print_history(runs, sys.stdout, as_json=json)
