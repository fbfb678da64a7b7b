"""`certify sign-off`: a further person signs a certificate, in a role."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from certify.cli.options import OutOption, TrustOption


def sign_off(
    certificate: Annotated[
        str, typer.Argument(metavar="RUN|CERTIFICATE", help="Run id, its start, or a path.")
    ],
    role: Annotated[str, typer.Option("--as", metavar="ROLE", help="In which role, as “head of trading”.")],
    name: Annotated[str, typer.Option("--name", help="Who signs.")] = "",
    key: Annotated[
        Path | None, typer.Option("--key", help="Private key of the person; default: one's own.")
    ] = None,
    issuer: Annotated[
        list[Path] | None,
        typer.Option("--issuer", help="Public key that issued it; default: own and trust file."),
    ] = None,
    trust: TrustOption = None,
    out: OutOption = None,
) -> None:
    """Verify a certificate with its evidence and sign it further; a second time changes nothing."""
    from certify import clock
    from certify.attest.here import rules_here
    from certify.attest.remark import plain
    from certify.attest.signoff import sign_off as countersign
    from certify.attest.verify import verify
    from certify.cli.failure import say
    from certify.cli.live.text import one_line
    from certify.cli.signing import existing_signer
    from certify.cli.verification import certificate_of, print_verification
    from certify.model.ids import ExitCode
    from certify.store.runs import run_store

    plain(role, "--as")  # before a passphrase is asked for
    store = run_store(out)
    path = certificate_of(certificate, store)
    rules = rules_here(store.home, keys=issuer or (), trust=trust)
    found = verify(path, at_ns=clock.now_ns(), evidence=path.parent, rules=rules)
    if not found.ok:
        print_verification(found, sys.stderr, as_json=False)
        raise typer.Exit(ExitCode.NOT_ACCEPTABLE)
    made, new = countersign(path, role=role, name=name, signer=existing_signer(key))
    done = "signed off" if new else "was signed off already"
    say(one_line(f"{made.remark.run_id}: {done} as {made.role} by {made.name or made.key.keyid[:16]}"))
    typer.echo(str(path))
