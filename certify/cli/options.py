"""The options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

DEFAULT_PROFILE = "staging"


class Progress(StrEnum):
    """How a run is shown while it runs."""

    AUTO = "auto"
    RICH = "rich"
    PLAIN = "plain"
    NONE = "none"


class Accept(StrEnum):
    """Which grade below CERTIFIED exits with 0."""

    CONDITIONAL = "conditional"


ProfileOption = Annotated[
    str,
    typer.Option(
        "--profile", "-p", envvar="CERTIFY_PROFILE", metavar="NAME|PATH", help="Profile, by name or path."
    ),
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a value of the profile.")
]
PhaseOption = Annotated[list[str] | None, typer.Option("--phase", help="Only this phase; may be repeated.")]
CheckOption = Annotated[list[str] | None, typer.Option("--check", help="Only this check; may be repeated.")]
SeedOption = Annotated[int | None, typer.Option("--seed", help="Seed of everything simulated.")]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Where runs are kept; default: CERTIFY_HOME or .certify.")
]
IndexOption = Annotated[
    str | None,
    typer.Option(
        "--index", envvar="CERTIFY_INDEX", metavar="URL", help="Index of runs; default: a file beside them."
    ),
]
TrustOption = Annotated[
    Path | None, typer.Option("--trust", help="Trust the keys of this file, not one's own.")
]
AcceptOption = Annotated[
    Accept | None, typer.Option("--accept", help="Exit 0 for a CONDITIONAL verdict too.")
]
LiveOption = Annotated[
    bool, typer.Option("--live", help="Allow a live account, if the profile says safety.allow_live too.")
]
ProgressOption = Annotated[Progress, typer.Option("--progress", help="How to show the run while it runs.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON to stdout.")]
