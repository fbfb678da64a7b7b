"""`certify init`: a profile and an adapter to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def init(
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to; default: here.")] = Path(),
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the profile; default: the directory's.")
    ] = None,
) -> None:
    """Write a profile and an adapter that run at once, to be filled with your own system."""
    import shlex

    from certify.cli.failure import say
    from certify.cli.naming import profile_name
    from certify.profile.scaffold import scaffold

    written = scaffold(directory, name or profile_name(directory))
    for path in written:
        say(f"written: {path}")
    profile = next(path for path in written if path.suffix == ".yaml")
    shown = str(profile) if profile.is_absolute() else f"./{profile}"
    say("next: put calls to your system into adapter.py; it runs as it is:")
    typer.echo(f"certify run --profile {shlex.quote(shown)}")
