"""`certify doctor`: is this machine and this setup fit to certify?"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from certify.cli.options import JsonOption, OutOption


def doctor(
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile", "-p", metavar="NAME|PATH", help="Look at this profile and its systems too."
        ),
    ] = None,
    out: OutOption = None,
    json: JsonOption = False,
) -> None:
    """Look at the machine, the installation, and the systems of a profile; sends no order.

    One line for each finding: ok, warn or fail, with what to do. Exit 0, or 3 when something failed.
    """
    import json as json_module

    from certify.cli.doctor.examination import as_json, healthy, tell
    from certify.cli.doctor.looks import dependencies, machine, places
    from certify.cli.doctor.patient import look_at_profile
    from certify.model.ids import ExitCode
    from certify.store.runs import run_store

    found = [*machine(), *places(run_store(out)), dependencies()]
    if profile is not None:
        found += look_at_profile(profile)
    if json:
        sys.stdout.write(json_module.dumps(as_json(found), indent=2, ensure_ascii=False) + "\n")
    else:
        tell(found, sys.stdout)
    if not healthy(found):
        raise typer.Exit(ExitCode.INCONCLUSIVE)
