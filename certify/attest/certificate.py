"""What a certificate says, read from its signed statement."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from certify.attest.envelope import opened, parse
from certify.attest.statement import PREDICATE_TYPE, STATEMENT_TYPE
from certify.attest.times import ns_of
from certify.errors import AttestationError
from certify.model.ids import Assurance


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What a certificate says, read from its statement."""

    summary: str
    run_id: str
    grade: str
    assurance: Assurance
    subject: str
    subject_version: str
    subject_digest: str
    """`algorithm:hex`."""
    profile: str
    profile_digest: str
    plan_digest: str
    valid_from: str
    expires_at: str
    conditions: tuple[str, ...]
    statement: dict[str, Any]
    """The whole in-toto statement, as it was signed."""

    @property
    def valid_from_ns(self) -> int:
        """Return when it was issued, in ns since the epoch, by the word of its signer."""
        return ns_of(self.valid_from)

    @property
    def expires_ns(self) -> int:
        """Return from when it is expired, in ns since the epoch."""
        return ns_of(self.expires_at)


def read_certificate(path: Path, keys: tuple[SSlibKey, ...]) -> Certificate:
    """Return what a certificate signed by one of `keys` says; dates and evidence are not looked at.

    Raises:
        UntrustedKey: it is signed by another key.
        AttestationError: it is no certificate, or not as it was signed.
    """
    return said_in(opened(read_envelope(path), keys))


def read_envelope(path: Path, what: str = "a certificate") -> Envelope:
    """Return the envelope in a file, its signatures not yet verified.

    Raises:
        AttestationError: there is none.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AttestationError(f"expected {what}, was {error.strerror}") from error
    return parse(data)


def said_in(payload: bytes) -> Certificate:
    """Return what the payload of a certificate says.

    Raises:
        AttestationError: it is the payload of something else.
    """
    try:
        return _certificate(json.loads(payload))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise AttestationError(f"expected a statement of certify, was another: {error!r}") from error


def _certificate(statement: dict[str, Any]) -> Certificate:
    kinds = (statement["_type"], statement["predicateType"])
    if kinds != (STATEMENT_TYPE, PREDICATE_TYPE):
        raise ValueError(f"expected {PREDICATE_TYPE} in {STATEMENT_TYPE}, was {kinds[1]} in {kinds[0]}")
    (subject,) = statement["subject"]
    ((algorithm, digest),) = subject["digest"].items()
    said = statement["predicate"]
    for date in ("valid_from", "expires_at"):
        ns_of(said[date])
    return Certificate(
        summary=said["summary"],
        run_id=said["run_id"],
        grade=said["grade"],
        assurance=Assurance(said["assurance"]),
        subject=subject["name"],
        subject_version=said["subject_version"],
        subject_digest=f"{algorithm}:{digest}",
        profile=said["profile"]["name"],
        profile_digest=said["profile"]["digest"],
        plan_digest=said["plan"]["digest"],
        valid_from=said["valid_from"],
        expires_at=said["expires_at"],
        conditions=tuple(said["conditions"]),
        statement=statement,
    )
