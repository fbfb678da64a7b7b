"""`certify status`: how every certificate stands today, and whether a deployment may rely on it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from certify.cli.options import JsonOption, OutOption, TrustOption


def status(
    require: Annotated[
        list[str] | None,
        typer.Option(
            "--require", metavar="NAME", help="Profile or subject that must stand well; repeatable."
        ),
    ] = None,
    min_assurance: Annotated[
        str | None, typer.Option("--min-assurance", help="simulated, paper or live.")
    ] = None,
    within: Annotated[
        str, typer.Option("--within", metavar="SHARE", help="The last share of its life in which it is due.")
    ] = "1/3",
    directory: Annotated[
        Path | None,
        typer.Option(
            "--directory", help="What is certified lies here, not where the certificates were made."
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Show superseded certificates too.")] = False,
    trust: TrustOption = None,
    out: OutOption = None,
    json: JsonOption = False,
) -> None:
    """Say how each certificate stands today, and why; exit 6 when one that is needed is not acceptable.

    Valid and due ones are acceptable; stale, expired and revoked ones are not. Stale: something of what was
    certified has changed since. No system is started.
    """
    from certify import clock
    from certify.cli.standings import standings
    from certify.cli.standings_view import print_standings, standings_json
    from certify.cli.verification import assurance_named
    from certify.model.ids import ExitCode
    from certify.recertify.due import share
    from certify.recertify.gate import needed, refused
    from certify.recertify.standing import current
    from certify.store.runs import RunStore, run_store

    level, part = assurance_named(min_assurance), share(within)
    store = RunStore(run_store(out).home.absolute())
    everything = standings(store, within=part, trust=trust, directory=directory)
    wanted = needed(current(everything), tuple(require or ()))
    against = refused(wanted, level)
    if json:
        listed = (*everything, *(one for one in wanted if one.run_dir is None))
        sys.stdout.write(standings_json(listed, ok=not against, at_ns=clock.now_ns()))
    elif everything or wanted:
        shown = everything if every else current(everything)
        print_standings((*shown, *(one for one in wanted if one.run_dir is None)), sys.stdout)
    else:
        sys.stderr.write(f"{store.runs_dir}: no certificate yet; make one with `certify run`\n")
    for text in against:
        sys.stderr.write(f"certify: {text}\n")
    if against:
        raise typer.Exit(ExitCode.NOT_ACCEPTABLE)
