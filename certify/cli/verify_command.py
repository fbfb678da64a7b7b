"""`certify verify`: is this certificate acceptable, and does its evidence lead to it?"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from certify.cli.options import JsonOption, OutOption, TrustOption

KeyOption = Annotated[
    list[Path] | None,
    typer.Option("--key", help="Trust only this public key; repeatable. Default: own and trust file."),
]
RevocationsOption = Annotated[
    list[Path] | None, typer.Option("--revocations", help="A further list of revocations.")
]
SignaturesOption = Annotated[
    int, typer.Option("--require-signatures", min=1, metavar="N", help="By so many trusted keys.")
]
SignerOption = Annotated[
    list[str] | None,
    typer.Option("--require-signer", metavar="ID|NAME", help="Signed by this trusted key; repeatable."),
]


def verify(
    certificate: Annotated[Path, typer.Argument(help="The certificate, its run directory, or an archive.")],
    key: KeyOption = None,
    trust: TrustOption = None,
    revocations: RevocationsOption = None,
    require_signatures: SignaturesOption = 1,
    require_signer: SignerOption = None,
    subject: Annotated[str | None, typer.Option("--subject", help="Name or digest it must be for.")] = None,
    profile: Annotated[str | None, typer.Option("--profile", help="Profile name or digest.")] = None,
    min_assurance: Annotated[
        str | None, typer.Option("--min-assurance", help="simulated, paper or live.")
    ] = None,
    not_before: Annotated[
        str | None, typer.Option("--not-before", metavar="TIME", help="Refuse one issued before this.")
    ] = None,
    evidence: Annotated[
        Path | None, typer.Option("--evidence", help="Run directory or archive: recompute the verdict.")
    ] = None,
    out: OutOption = None,
    json: JsonOption = False,
) -> None:
    """Verify signatures, dates, revocation, subject and assurance offline; exit 6 when not acceptable."""
    from certify import clock
    from certify.attest.here import rules_here
    from certify.attest.verify import VerifyRules
    from certify.attest.verify import verify as verify_certificate
    from certify.cli.verification import assurance_named, moment, print_verification
    from certify.evidence.files import CERTIFICATE_FILE
    from certify.model.ids import ExitCode
    from certify.store.archive import evidence_dir
    from certify.store.runs import run_store

    asked = VerifyRules(
        require_signatures=require_signatures,
        require_signers=tuple(require_signer or ()),
        not_before_ns=moment("--not-before", not_before),
    )
    wanted = assurance_named(min_assurance)
    rules = rules_here(
        run_store(out).home, keys=key or (), trust=trust, revocations=revocations or (), base=asked
    )
    with ExitStack() as unpacked:
        said = unpacked.enter_context(evidence_dir(certificate))
        against = (
            said if evidence == certificate else evidence and unpacked.enter_context(evidence_dir(evidence))
        )
        found = verify_certificate(
            said / CERTIFICATE_FILE if said.is_dir() else said,
            at_ns=clock.now_ns(),
            subject=subject,
            profile=profile,
            min_assurance=wanted,
            evidence=against,
            rules=rules,
        )
    print_verification(found, sys.stdout, as_json=json)
    if not found.ok:
        raise typer.Exit(ExitCode.NOT_ACCEPTABLE)
