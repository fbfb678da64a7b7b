"""`certify run`: plan, execute, judge, certify, report."""

from __future__ import annotations

import typer

from certify.cli.options import (
    DEFAULT_PROFILE,
    AcceptOption,
    CheckOption,
    JsonOption,
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
    accept: AcceptOption = None,
    progress: ProgressOption = Progress.AUTO,
    json: JsonOption = False,
) -> None:
    """Run the phases, judge what was found, issue a certificate and write the report.

    A partial selection (--phase, --check) is judged and reported, but issues no certificate.
    """
    from certify.cli.perform import perform
    from certify.cli.pipeline import Selection, split

    selection = Selection(
        profile=profile, overrides=tuple(set_ or ()), phases=split(phase), checks=split(check), seed=seed
    )
    raise typer.Exit(perform(selection, out=out, accept=accept, progress=progress, as_json=json))
