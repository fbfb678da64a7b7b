"""`certify run`: plan, execute, judge, certify, report."""

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
    PhaseOption,
    ProfileOption,
    Progress,
    ProgressOption,
    SeedOption,
    SetOption,
)


def run(
    profile: ProfileOption = DEFAULT_PROFILE,
    phase: PhaseOption = None,
    check: CheckOption = None,
    set_: SetOption = None,
    seed: SeedOption = None,
    out: OutOption = None,
    index: IndexOption = None,
    resume: Annotated[
        str | None, typer.Option("--resume", metavar="RUN", help="Go on with an interrupted run.")
    ] = None,
    rerun_failed: Annotated[
        str | None, typer.Option("--rerun-failed", metavar="RUN", help="Only what did not pass in a run.")
    ] = None,
    accept: AcceptOption = None,
    live: LiveOption = False,
    progress: ProgressOption = Progress.AUTO,
    json: JsonOption = False,
) -> None:
    """Run the phases, judge what was found, issue a certificate and write the report.

    A partial selection (--phase, --check, --rerun-failed) is judged and reported, but issues no certificate.
    """
    from certify.cli.perform import Manner, perform
    from certify.cli.request import Selection, split

    selection = Selection(
        profile=profile,
        overrides=tuple(set_ or ()),
        phases=split(phase),
        checks=split(check),
        seed=seed,
        live=live,
    )
    manner = Manner(out=out, index=index, accept=accept, progress=progress, as_json=json)
    raise typer.Exit(perform(selection, manner, resume=resume, rerun_failed=rerun_failed))
