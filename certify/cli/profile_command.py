"""`certify profile`: list, show, validate, schema."""

from __future__ import annotations

from typing import Annotated

import typer

from certify.cli.options import DEFAULT_PROFILE, JsonOption, SetOption

app = typer.Typer(help="Profiles: list, show, validate, schema.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_profiles(json: JsonOption = False) -> None:
    """List every profile that can be given by name, and where it is."""
    import json as json_module

    from certify.profile.load import profile_names

    names = {name: str(path) for name, path in profile_names().items()}
    if json:
        typer.echo(json_module.dumps(names, indent=2))
    else:
        for name, path in names.items():
            typer.echo(f"{name:<16} {path}")


@app.command("show")
def show(
    profile: Annotated[str, typer.Argument(metavar="[NAME|PATH]")] = DEFAULT_PROFILE,
    set_: SetOption = None,
) -> None:
    """Print a profile with everything it extends merged in; the output is a profile itself."""
    from certify.cli.pipeline import load
    from certify.cli.profile_yaml import profile_text
    from certify.cli.request import Selection

    loaded = load(Selection(profile=profile, overrides=tuple(set_ or ())))
    typer.echo(f"# {loaded.path}, {loaded.digest}")
    typer.echo(profile_text(loaded), nl=False)


@app.command("validate")
def validate(
    profiles: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME|PATH …]", help="Default: every known profile.")
    ] = None,
    set_: SetOption = None,
) -> None:
    """Hold profiles to the catalogue's names and units; exit 2 with file:line:column of each mistake."""
    from certify.cli.failure import say
    from certify.cli.pipeline import load
    from certify.cli.request import Selection
    from certify.errors import UsageError
    from certify.model.ids import ExitCode
    from certify.profile.load import profile_names

    wrong = 0
    for name in profiles or profile_names():
        try:
            loaded = load(Selection(profile=name, overrides=tuple(set_ or ())))
        except UsageError as error:
            say(f"certify: {error}")
            wrong += 1
        else:
            typer.echo(f"valid: {loaded.path}")
    if wrong:
        raise typer.Exit(ExitCode.USAGE)


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of a profile, for the completion of an editor."""
    import json as json_module

    from certify.cli.pipeline import vocabulary
    from certify.profile.schema import profile_schema

    typer.echo(json_module.dumps(profile_schema(vocabulary()), indent=2, ensure_ascii=False))
