"""`certify checks`: the catalogue, or one card in full."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from certify.cli.options import JsonOption, PhaseOption


def checks(
    check: Annotated[str | None, typer.Argument(metavar="[ID]", help="One check, in full.")] = None,
    phase: PhaseOption = None,
    json: JsonOption = False,
) -> None:
    """List every check of the catalogue, or show one card in full."""
    import json as json_module

    from certify.cli.catalogue import card_json, select
    from certify.cli.request import split
    from certify.cli.tables import card_in_full, card_table

    found = select(check, split(phase))
    if json:
        data = [card_json(card) for card in found]
        sys.stdout.write(json_module.dumps(data[0] if check else data, indent=2, ensure_ascii=False) + "\n")
    elif check:
        card_in_full(found[0], sys.stdout)
    else:
        card_table(found, sys.stdout)
