"""`certify phase`: `run` for one phase or a few."""

from __future__ import annotations

from typing import Annotated

import typer

from certify.cli.options import (
    DEFAULT_PROFILE,
    AcceptOption,
    CheckOption,
    IndexOption,
    JsonOption,
    LiveOption,
    OutOption,
    ProfileOption,
    Progress,
    ProgressOption,
    SeedOption,
    SetOption,
)


def phase(
    phases: Annotated[
        list[str], typer.Argument(metavar="PHASE …", help="framework, integration, trading, …")
    ],
    profile: ProfileOption = DEFAULT_PROFILE,
    check: CheckOption = None,
    set_: SetOption = None,
    seed: SeedOption = None,
    out: OutOption = None,
    index: IndexOption = None,
    accept: AcceptOption = None,
    live: LiveOption = False,
    progress: ProgressOption = Progress.AUTO,
    json: JsonOption = False,
) -> None:
    """Run only the named phases; judged and reported, but no certificate."""
    from certify.cli.perform import Manner, perform
    from certify.cli.request import Selection, split

    selection = Selection(
        profile=profile,
        overrides=tuple(set_ or ()),
        phases=split(phases),
        checks=split(check),
        seed=seed,
        live=live,
    )
    manner = Manner(out=out, index=index, accept=accept, progress=progress, as_json=json)
    raise typer.Exit(perform(selection, manner))
