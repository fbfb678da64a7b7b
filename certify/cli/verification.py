"""What a person or a program is told about a certificate."""

from __future__ import annotations

import json
from typing import TextIO

from certify.attest.verify import Verification
from certify.errors import UsageError
from certify.model.ids import Assurance


def assurance_named(text: str | None) -> Assurance | None:
    """Return the assurance level of that name; raises `UsageError` for another word."""
    if text is None:
        return None
    try:
        return Assurance(text)
    except ValueError:
        names = ", ".join(level.value for level in Assurance)
        raise UsageError(f"--min-assurance: expected one of {names}, was {text!r}") from None


def print_verification(found: Verification, out: TextIO, *, as_json: bool) -> None:
    """Print whether the certificate is acceptable, and every reason against it."""
    if as_json:
        findings = [{"what": f.what, "where": f.where, "text": f.text} for f in found.findings]
        out.write(json.dumps({"ok": found.ok, "findings": findings}, indent=2) + "\n")
        return
    said = found.certificate
    if said is not None:
        out.write(f"{said.summary}\nsubject  {said.subject} {said.subject_version} ({said.subject_digest})\n")
        out.write(f"profile  {said.profile}\nvalid    {said.valid_from} to {said.expires_at}\n")
    out.write("acceptable\n" if found.ok else "NOT ACCEPTABLE\n")
    out.writelines(f"  {finding.where}: {finding.what}: {finding.text}\n" for finding in found.findings)
