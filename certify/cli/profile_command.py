"""`certify profile`: list, show, validate, schema."""

from __future__ import annotations

import typer

app = typer.Typer(help="Profiles: list, show, validate, schema.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_profiles() -> None:
    """List every profile that can be given by name, and where it is."""
    from certify.profile.load import profile_names

    for name, path in profile_names().items():
        typer.echo(f"{name:<16} {path}")
