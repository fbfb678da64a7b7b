"""`certify self-test`: can the checks be trusted on this machine?"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from certify.cli.options import JsonOption


def self_test(
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            "-p",
            metavar="NAME|PATH",
            help="A profile of the reference platform; default: staging, then ibkr-sim.",
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds", min=0, help="Seeds of the healthy runs; default: 20, 10 over a gateway, or 0."
        ),
    ] = None,
    defect: Annotated[
        list[str] | None, typer.Option("--defect", help="Plant only this defect; may be repeated.")
    ] = None,
    check: Annotated[
        list[str] | None, typer.Option("--check", help="Only the defects that this check claims.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Run all checks for each defect; slow.")] = False,
    phase: Annotated[
        list[str] | None, typer.Option("--phase", help="With --full: only the checks of this phase.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Runs at a time; default: three for each core.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Plant every known defect in the reference systems and see which checks turn red.

    Then runs the healthy system under many seeds: nothing may be failed. Exit 0 when every defect was
    caught as its cards claim and no healthy run was failed, else 1.
    """
    import json as json_module

    from certify.cli.failure import say
    from certify.cli.request import split
    from certify.cli.selftest.conduct import SelfTest, conduct
    from certify.cli.selftest.matrix import as_json
    from certify.cli.selftest.show import print_matrix

    asked = SelfTest(
        profile=profile,
        seeds=seeds,
        defects=split(defect),
        checks=split(check),
        full=full,
        phases=split(phase),
        jobs=jobs,
    )
    matrix = conduct(asked, say)
    if json:
        sys.stdout.write(json_module.dumps(as_json(matrix), indent=2) + "\n")
    else:
        print_matrix(matrix, sys.stdout)
    raise typer.Exit(0 if matrix.ok else 1)
