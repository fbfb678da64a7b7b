"""`certify verify`: is this certificate acceptable, and does its evidence lead to it?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from certify.cli.options import JsonOption


def verify(
    certificate: Annotated[Path, typer.Argument(help="The certificate, or its run directory.")],
    key: Annotated[
        list[Path] | None, typer.Option("--key", help="Public key to trust; default: one's own.")
    ] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="Name or digest it must be for.")] = None,
    profile: Annotated[str | None, typer.Option("--profile", help="Profile name or digest.")] = None,
    min_assurance: Annotated[
        str | None, typer.Option("--min-assurance", help="simulated, paper or live.")
    ] = None,
    evidence: Annotated[
        Path | None, typer.Option("--evidence", help="Run directory: recompute the verdict from it.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Verify signature, dates, subject and assurance offline; exit 6 when not acceptable."""
    from certify import clock
    from certify.attest.keys import trusted_keys
    from certify.attest.verify import verify as verify_certificate
    from certify.cli.verification import assurance_named, print_verification
    from certify.model.ids import ExitCode

    path = certificate / "certificate.json" if certificate.is_dir() else certificate
    found = verify_certificate(
        path,
        keys=trusted_keys(key or ()),
        at_ns=clock.now_ns(),
        subject=subject,
        profile=profile,
        min_assurance=assurance_named(min_assurance),
        evidence=evidence,
    )
    print_verification(found, sys.stdout, as_json=json)
    if not found.ok:
        raise typer.Exit(ExitCode.NOT_ACCEPTABLE)
