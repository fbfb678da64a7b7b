"""What a person or a program is told about a certificate."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from certify import clock
from certify.attest.signers import Signer
from certify.attest.times import given_ns
from certify.attest.verify import Verification
from certify.cli.live.text import one_line
from certify.errors import UsageError
from certify.evidence.files import CERTIFICATE_FILE
from certify.model.ids import Assurance
from certify.store.runs import RunStore


def assurance_named(text: str | None) -> Assurance | None:
    """Return the assurance level of that name; raises `UsageError` for another word."""
    if text is None:
        return None
    try:
        return Assurance(text)
    except ValueError:
        names = ", ".join(level.value for level in Assurance)
        raise UsageError(f"--min-assurance: expected one of {names}, was {text!r}") from None


def moment(option: str, text: str | None) -> int | None:
    """Return a day or a time as ns since the epoch; raises `UsageError` for another word."""
    if text is None:
        return None
    try:
        return given_ns(text)
    except ValueError:
        wanted = "a day (2026-01-31) or a time with its zone (2026-01-31T09:30:00Z)"
        raise UsageError(f"{option}: expected {wanted}, was {text!r}") from None


def certificate_of(reference: str, store: RunStore) -> Path:
    """Return the certificate that a person means: a file, a run directory, or a run as for other commands.

    Raises:
        UsageError: there is no such run, or it has no certificate.
    """
    path = Path(reference) if Path(reference).is_file() else store.find(reference) / CERTIFICATE_FILE
    if not path.is_file():
        raise UsageError(f"{path.parent}: expected a run with a certificate, was one without")
    return path


def print_verification(found: Verification, out: TextIO, *, as_json: bool) -> None:
    """Print whether the certificate is acceptable, who signed it, and every reason against it."""
    if as_json:
        out.write(json.dumps(_as_json(found), indent=2) + "\n")
        return
    out.writelines(f"{label}{one_line(text)}\n" for label, text in _lines(found))


def _lines(found: Verification) -> Iterator[tuple[str, str]]:
    said = found.certificate
    if said is not None:
        yield "", said.summary
        yield "subject  ", f"{said.subject} {said.subject_version} ({said.subject_digest})"
        yield "profile  ", said.profile
        yield "valid    ", f"{said.valid_from} to {said.expires_at}"
    yield from (("signed   ", str(signer)) for signer in found.signers)
    yield "", "acceptable" if found.ok else "NOT ACCEPTABLE"
    yield from (("  ", f"{finding.where}: {finding.what}: {finding.text}") for finding in found.findings)
    yield from (("  note: ", note) for note in found.notes)


def _as_json(found: Verification) -> dict[str, Any]:
    return {
        "ok": found.ok,
        "findings": [{"what": f.what, "where": f.where, "text": f.text} for f in found.findings],
        "signers": [_signer(signer) for signer in found.signers],
        "notes": list(found.notes),
    }


def _signer(signer: Signer) -> dict[str, Any]:
    return {
        "id": signer.keyid,
        "name": signer.name,
        "trusted": signer.trusted,
        "role": signer.role,
        "said_name": signer.said_name,
        "at": None if signer.at_ns is None else clock.iso(signer.at_ns),
    }
