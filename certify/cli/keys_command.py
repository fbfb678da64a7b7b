"""`certify keys`: the keys that sign, and the keys that are believed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from certify.cli.options import JsonOption

app = typer.Typer(
    help="Keys: list them, make and rotate one's own, trust and distrust others.",
    invoke_without_command=True,
    rich_markup_mode=None,
)

TrustFileOption = Annotated[
    Path | None,
    typer.Option("--trust", help="Trust file; default: CERTIFY_TRUST, else in the configuration directory."),
]
PassphraseOption = Annotated[
    bool, typer.Option("--passphrase", help="Protect it: CERTIFY_KEY_PASSPHRASE, or asked for at a terminal.")
]


@app.callback()
def keys(context: typer.Context, trust: TrustFileOption = None, json: JsonOption = False) -> None:
    """List every key: id, name, created, current, trusted, state and where it is."""
    if context.invoked_subcommand is not None:
        return
    import json as json_module

    from certify.attest.trust import trust_path
    from certify.cli.keyring import COLUMNS, rows
    from certify.cli.tables import key_table

    found = rows(trust_path(trust))
    if json:
        data = [{name: getattr(row, name) for name in COLUMNS} for row in found]
        typer.echo(json_module.dumps(data, indent=2, ensure_ascii=False))
    else:
        key_table(found, sys.stdout)


@app.command("new")
def new(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Make it here; default: one's own key.")
    ] = None,
    passphrase: PassphraseOption = False,
) -> None:
    """Make a private key (mode 0600) and its public half beside it; print its id."""
    from certify.attest.keys import default_key_path, make_key, public_key_path
    from certify.cli.failure import say
    from certify.cli.signing import chosen_passphrase, signing_key
    from certify.errors import UsageError

    path = output or default_key_path()
    if path.exists():
        raise UsageError(f"{path}: expected no key yet, was one; replace it with `certify keys rotate`")
    try:
        make_key(path, chosen_passphrase(str(path)) if passphrase else None)
    except OSError as error:
        raise UsageError(f"{path}: cannot be made: {error.strerror}") from error
    key = signing_key(path).public_key
    say(f"made: {path} and {public_key_path(path)}")
    typer.echo(key.keyid)


@app.command("rotate")
def rotate(
    name: Annotated[str, typer.Option("--name", help="What the old key is called from now on.")] = "",
    trust: TrustFileOption = None,
) -> None:
    """Replace one's own key: the old one is archived and goes on verifying what it has signed."""
    from certify.attest.keys import default_key_path, rotate_key
    from certify.attest.remark import plain
    from certify.attest.trust import trust_path
    from certify.cli.failure import say
    from certify.cli.keyring import end_trust, keep_trust
    from certify.cli.signing import asking
    from certify.errors import UsageError

    path, trust_file = default_key_path(), trust_path(trust)
    called = plain(name, "--name") if name else ""
    try:
        old, fresh = asking(
            lambda ask: rotate_key(path, ask=ask, keep=lambda key: keep_trust(trust_file, key, called))
        )
    except OSError as error:
        raise UsageError(f"{path}: cannot be replaced: {error.strerror}") from error
    end_trust(trust_file, old)
    say(f"{old.keyid[:16]} is archived; what it signed until now goes on verifying ({trust_file})")
    typer.echo(fresh.keyid)


@app.command("export")
def export(
    key: Annotated[
        str | None, typer.Argument(metavar="[ID|NAME]", help="Which key; default: one's own.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write here, not to stdout.")] = None,
    trust: TrustFileOption = None,
) -> None:
    """Print the public half of a key as PEM, to be given to whoever verifies."""
    from certify.attest.keys import own_public_key, public_pem
    from certify.attest.trust import trust_path
    from certify.cli.failure import say
    from certify.cli.keyring import meant
    from certify.evidence.files import write_bytes

    public = own_public_key() if key is None else meant(key, trust_path(trust)).public
    assert public is not None  # noqa: S101 - `meant` finds only keys whose public half is known
    if output is None:
        typer.echo(public_pem(public).decode(), nl=False)
    else:
        write_bytes(output, public_pem(public))
        say(f"written: {output}")


@app.command("trust")
def trust_key(
    public: Annotated[Path, typer.Argument(metavar="PUB", help="Public key in PEM.")],
    name: Annotated[str, typer.Option("--name", help="What it is called here, as `risk desk`.")],
    valid_from: Annotated[
        str | None, typer.Option("--valid-from", metavar="TIME", help="Signatures count since then.")
    ] = None,
    valid_until: Annotated[
        str | None, typer.Option("--valid-until", metavar="TIME", help="Signatures count until then.")
    ] = None,
    trust: TrustFileOption = None,
) -> None:
    """Believe certificates signed by a key; print its id, to be compared with what its owner says."""
    from certify.attest.trust import trust_path
    from certify.cli.keyring import begin_trust, public_given
    from certify.cli.verification import moment

    key = public_given(public)
    since, until = moment("--valid-from", valid_from), moment("--valid-until", valid_until)
    begin_trust(trust_path(trust), key, name, valid_from_ns=since, valid_until_ns=until)
    typer.echo(key.keyid)


@app.command("distrust")
def distrust(
    key: Annotated[str, typer.Argument(metavar="ID|NAME", help="Key id, its start, or its name.")],
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    trust: TrustFileOption = None,
) -> None:
    """Refuse whatever a key has signed, whenever it did: for a key that somebody else may have."""
    from certify.attest.trust import trust_path
    from certify.cli.failure import say
    from certify.cli.keyring import meant, withdraw_trust

    found = meant(key, trust_path(trust))
    withdraw_trust(trust_path(trust), found, reason)
    if found.current:
        say("this is the key in use: `certify keys rotate` makes another")
    typer.echo(found.id)
