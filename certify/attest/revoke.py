"""Revocations: signed statements that a certificate no longer holds, in a list that only grows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner

from certify import clock
from certify.attest.certificate import read_envelope
from certify.attest.envelope import holds, parse, payload_digest
from certify.attest.findings import Finding
from certify.attest.remark import Remark, plain, remark_bytes, remark_in
from certify.attest.trust import Trust
from certify.errors import AttestationError
from certify.evidence.files import json_bytes, write_bytes

REVOCATIONS_FILE = "revocations.json"
REVOCATION_TYPE = "urn:certify:revocation:v1"
FORMAT = "certify/revocations/1"

_TEXTS = ("reason", "by")


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """An entry of a list, its signature not yet looked at."""

    remark: Remark
    envelope: Envelope

    def __str__(self) -> str:
        """Return as `on …, because …`."""
        by = f" by {self.remark.said['by']}" if self.remark.said["by"] else ""
        return f"on {self.remark.at}{by}: {self.remark.said['reason']}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocations:
    """What the lists say of one certificate."""

    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    obeyed: tuple[Revocation, ...] = ()


def read_revocations(path: Path) -> tuple[Revocation, ...]:
    """Return the entries of a list, oldest first.

    Raises:
        AttestationError: it cannot be read, or an entry is damaged in form.
    """
    return tuple(_entry(fields, f"{path}: revocations[{n}]") for n, fields in enumerate(_fields(path)))


def _fields(path: Path) -> list[Any]:
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise AttestationError(f"{path}: expected a list of revocations, was {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise AttestationError(f"{path}: expected a list of revocations, was not JSON: {error}") from error
    if not isinstance(data, dict) or set(data) != {"format", "revocations"} or data["format"] != FORMAT:
        raise AttestationError(f"{path}: expected a list of revocations ({FORMAT}), was another")
    if not isinstance(data["revocations"], list):
        raise AttestationError(f"{path}: expected a list of revocations, was another")
    return data["revocations"]


def _entry(fields: Any, label: str) -> Revocation:
    try:
        envelope = parse(json_bytes(fields))
        return Revocation(remark=remark_in(envelope, REVOCATION_TYPE, _TEXTS), envelope=envelope)
    except AttestationError as error:
        raise AttestationError(f"{label}: {error}") from error


def revoke(
    certificate: Path, lists: tuple[Path, ...], *, reason: str, by: str = "", signer: CryptoSigner
) -> tuple[Revocation, bool]:
    """Enter a revocation of `certificate` into each of `lists`; return it and whether it is new.

    One that this key has made before is entered where it is missing, and no second one is made.

    Raises:
        UsageError: the reason or the name is empty, too long or not printable.
        AttestationError: there is no certificate, or a list is damaged; then it is left as it is.
    """
    reason, by = plain(reason, "--reason"), plain(by, "--by") if by else ""
    envelope = read_envelope(certificate)
    known = next((found for path in lists for found in _made(path, envelope, signer)), None)
    if known is None:
        said = {"reason": reason, "by": by}
        at = clock.iso(clock.now_ns())
        entry = parse(remark_bytes(envelope, REVOCATION_TYPE, said, at, signer))
        found = Revocation(remark=remark_in(entry, REVOCATION_TYPE, _TEXTS), envelope=entry)
    else:
        found = known
    for path in lists:
        _enter(path, found)
    return found, known is None


def _made(path: Path, envelope: Envelope, signer: CryptoSigner) -> Iterator[Revocation]:
    """Yield the revocations of this certificate by this key whose signature holds."""
    if not path.exists():
        return
    key, digest = signer.public_key, payload_digest(envelope)
    for entry in read_revocations(path):
        about = (entry.remark.keyid, entry.remark.certificate)
        if about == (key.keyid, digest) and holds(entry.envelope, key):
            yield entry


def _enter(path: Path, new: Revocation) -> None:
    """Add an entry to a list; of two at once, one waits. What is in the list stays as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        entries = list(read_revocations(path)) if path.exists() else []
        if any(entry.envelope == new.envelope for entry in entries):
            return
        fields = [entry.envelope.to_dict() for entry in (*entries, new)]
        write_bytes(path, json_bytes({"format": FORMAT, "revocations": fields}))


def revocations_of(digest: str, lists: tuple[Path, ...], trust: Trust) -> Revocations:
    """Return what speaks against the certificate with the payload `digest`, by the trusted keys.

    A list that cannot be read, or a revocation whose signature does not hold, is a finding of its own kind:
    it proves nothing, and passing it over would let whoever spoils it undo a revocation.
    """
    findings: dict[str, Finding] = {}
    notes: dict[str, None] = {}
    obeyed: list[Revocation] = []
    for path in lists:
        try:
            entries = read_revocations(path)
        except AttestationError as error:
            text = str(error).removeprefix(f"{path}: ")
            findings[text] = Finding(what="revocation", where=path.name, text=text)
            continue
        for entry in entries:
            if entry.remark.certificate == digest and (found := _judged(entry, trust, path.name)):
                if isinstance(found, str):
                    notes[found] = None
                    continue
                findings.setdefault(found.text, found)
                if found.what == "revoked":
                    obeyed.append(entry)
    return Revocations(findings=tuple(findings.values()), notes=tuple(notes), obeyed=tuple(obeyed))


def _judged(entry: Revocation, trust: Trust, where: str) -> Finding | str:
    known, signer = trust.get(entry.remark.keyid), entry.remark.keyid[:16]
    if known is None:
        return f"{where}: a revocation by {signer}, a key that is not trusted, is not obeyed: {entry}"
    if not holds(entry.envelope, known.key):
        text = f"expected a revocation signed by {signer}, was not what it signed: {entry}"
        return Finding(what="revocation", where=where, text=text)
    if known.distrusted_ns is not None:
        return f"{where}: a revocation by {signer}, a key that is distrusted, is not obeyed: {entry}"
    # A key that was rotated out may still revoke what it has signed.
    return Finding(what="revoked", where=where, text=f"revoked {entry}")
