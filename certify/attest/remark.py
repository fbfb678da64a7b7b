"""Signed statements about a certificate: which one, who says it, when. Revocations and sign-offs are such."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner

from certify.attest.certificate import Certificate, said_in
from certify.attest.envelope import payload_digest, seal
from certify.attest.statement import STATEMENT_TYPE, safe_for_json, statement_bytes
from certify.attest.times import ns_of
from certify.errors import AttestationError, UsageError

LONGEST_TEXT = 1000
"""Characters of a reason, a role or a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What somebody signed about a certificate."""

    certificate: str
    """`sha256:` of the certificate's payload, which no further signature changes."""
    run_id: str
    at: str
    said: dict[str, Any]
    keyid: str

    @property
    def at_ns(self) -> int:
        """Return when it was made, in ns since the epoch, by the word of its signer."""
        return ns_of(self.at)


def plain(text: str, what: str, longest: int = LONGEST_TEXT) -> str:
    """Return a text that may stand in a statement and on a terminal.

    Raises:
        UsageError: it is empty, too long, or holds control characters.
    """
    text = text.strip()
    if not text or len(text) > longest or not text.isprintable():
        raise UsageError(f"{what}: expected 1 to {longest} printable characters, was {text[:40]!r}")
    return text


def remark_bytes(envelope: Envelope, kind: str, said: dict[str, Any], at: str, signer: CryptoSigner) -> bytes:
    """Return a signed statement of type `kind` about the certificate in `envelope`.

    Raises:
        AttestationError: the envelope holds no certificate.
    """
    certificate: Certificate = said_in(envelope.payload)
    digest = payload_digest(envelope)
    predicate = {**said, "certificate": digest, "run_id": certificate.run_id, "at": at}
    subject = {"name": "certificate", "digest": {"sha256": digest.removeprefix("sha256:")}}
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [subject],
        "predicateType": kind,
        "predicate": safe_for_json(predicate),
    }
    return seal(statement_bytes(statement), signer)


def remark_in(envelope: Envelope, kind: str, texts: tuple[str, ...]) -> Remark:
    """Return what a statement of type `kind` says; its signature is not looked at.

    Raises:
        AttestationError: it is another statement, or one of `texts` is missing.
    """
    try:
        statement = json.loads(envelope.payload)
        kinds, predicate = (statement["_type"], statement["predicateType"]), statement["predicate"]
        if kinds != (STATEMENT_TYPE, kind):
            raise ValueError(f"expected {kind}, was {kinds[1]}")
        (subject,) = statement["subject"]
        if f"sha256:{subject['digest']['sha256']}" != predicate["certificate"]:
            raise ValueError("expected one certificate, was two")
        if not all(isinstance(predicate[name], str) for name in (*texts, "run_id", "at")):
            raise ValueError("expected text")
        (keyid,) = envelope.signatures
        ns_of(predicate["at"])
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise AttestationError(f"expected a statement about a certificate, was another: {error}") from error
    return Remark(
        certificate=predicate["certificate"],
        run_id=predicate["run_id"],
        at=predicate["at"],
        said={name: predicate[name] for name in texts},
        keyid=keyid,
    )
