"""`certify diff`: what differs between two runs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from certify.cli.options import JsonOption, OutOption


def diff(
    before: Annotated[
        str | None, typer.Argument(metavar="[BEFORE]", help="Run id, its start, a path; default: previous.")
    ] = None,
    after: Annotated[str | None, typer.Argument(metavar="[AFTER]", help="The same; default: latest.")] = None,
    out: OutOption = None,
    json: JsonOption = False,
) -> None:
    """Compare two runs: fixed, newly failing, slower beyond noise, waivers, scope, environment.

    `latest` is the newest run, `previous` the one of the same profile and subject before the other.
    """
    from certify.cli.diff_view import print_comparison
    from certify.evidence.files import value_bytes
    from certify.store.compare import compare, read_compared
    from certify.store.pair import pair_of
    from certify.store.runs import run_store

    first, last = pair_of(run_store(out), before, after)
    found = compare(read_compared(first), read_compared(last))
    if json:
        sys.stdout.write(value_bytes(found).decode())
    else:
        print_comparison(found, sys.stdout)
