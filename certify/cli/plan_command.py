"""`certify plan`: what would run, what is skipped and why; touches nothing."""

from __future__ import annotations

import sys

from certify.cli.options import (
    DEFAULT_PROFILE,
    CheckOption,
    JsonOption,
    PhaseOption,
    ProfileOption,
    SeedOption,
    SetOption,
)


def plan(
    profile: ProfileOption = DEFAULT_PROFILE,
    phase: PhaseOption = None,
    check: CheckOption = None,
    set_: SetOption = None,
    seed: SeedOption = None,
    json: JsonOption = False,
) -> None:
    """Show what would run and what is skipped, with the reasons; sends no order."""
    import tempfile
    from pathlib import Path

    from certify.cli.pipeline import load, open_bench, plan_on
    from certify.cli.request import Selection, split
    from certify.cli.tables import plan_table
    from certify.plan import plan_bytes

    selection = Selection(
        profile=profile, overrides=tuple(set_ or ()), phases=split(phase), checks=split(check), seed=seed
    )
    loaded = load(selection)
    with tempfile.TemporaryDirectory() as logs, open_bench(loaded, Path(logs)) as bench:
        made = plan_on(bench, loaded, phases=selection.phases, checks=selection.checks)
    if json:
        sys.stdout.write(plan_bytes(made).decode())
    else:
        plan_table(made, sys.stdout)
