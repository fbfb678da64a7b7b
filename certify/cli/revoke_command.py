"""`certify revoke`: say, signed, that a certificate no longer holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from certify.cli.options import OutOption


def revoke(
    certificate: Annotated[
        str, typer.Argument(metavar="RUN|CERTIFICATE", help="Run id, its start, or a path.")
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why, in words that may be passed on.")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who says so.")] = "",
    key: Annotated[
        Path | None, typer.Option("--key", help="Private key that signs it; default: one's own.")
    ] = None,
    out: OutOption = None,
) -> None:
    """Revoke a certificate: `certify verify` refuses it from now on; a second time changes nothing."""
    from certify.attest.remark import plain
    from certify.attest.revoke import REVOCATIONS_FILE
    from certify.attest.revoke import revoke as enter
    from certify.cli.failure import say
    from certify.cli.live.text import one_line
    from certify.cli.signing import existing_signer
    from certify.cli.verification import certificate_of
    from certify.store.runs import run_store

    plain(reason, "--reason")  # before a passphrase is asked for
    store = run_store(out)
    path = certificate_of(certificate, store)
    lists = (store.home / REVOCATIONS_FILE, path.parent / REVOCATIONS_FILE)
    found, new = enter(path, lists, reason=reason, by=by, signer=existing_signer(key))
    say(one_line(f"{found.remark.run_id}: {'revoked' if new else 'was revoked already'} {found}"))
    for place in lists:
        typer.echo(str(place))
