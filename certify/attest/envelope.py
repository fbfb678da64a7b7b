"""DSSE envelopes: signed bytes stay opaque bytes, under one signature or several.

A file of ours has exactly one form, its signatures in the order of their key ids. Whoever formats it
anew has changed it, and a changed byte is refused even where JSON or base64 would not mind it.
"""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import FormatError, UnverifiedSignatureError, VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from certify.errors import AttestationError
from certify.evidence.files import json_bytes

PAYLOAD_TYPE = "application/vnd.in-toto+json"

MOST_SIGNATURES = 32
"""More are refused before any of them is looked at."""


class UntrustedKey(AttestationError):
    """The envelope was signed by a key that is not trusted."""


def seal(payload: bytes, signer: CryptoSigner) -> bytes:
    """Return the bytes of the file that holds `payload`, signed."""
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(signer)
    return json_bytes(envelope.to_dict())


def countersigned(envelope: Envelope, signer: CryptoSigner) -> bytes:
    """Return the bytes of the file that holds the same payload under one signature more."""
    more = Envelope(envelope.payload, envelope.payload_type, dict(envelope.signatures))
    more.sign(signer)
    more.signatures = dict(sorted(more.signatures.items()))
    return json_bytes(more.to_dict())


def payload_digest(envelope: Envelope) -> str:
    """Return what a certificate is known by, whoever else signs it: the SHA-256 of its payload."""
    return f"sha256:{hashlib.sha256(envelope.payload).hexdigest()}"


def parse(data: bytes) -> Envelope:
    """Return the envelope in the bytes of a file, its signatures not yet verified.

    Raises:
        AttestationError: the bytes are not those of an envelope as `seal` or `countersigned` writes it.
    """
    envelope = _parsed(data)
    if json_bytes(envelope.to_dict()) != data:
        raise AttestationError("expected the envelope as it was written, was changed in form")
    if envelope.payload_type != PAYLOAD_TYPE:
        raise AttestationError(f"expected payload type {PAYLOAD_TYPE}, was {envelope.payload_type}")
    if not 1 <= len(envelope.signatures) <= MOST_SIGNATURES:
        raise AttestationError(f"expected 1 to {MOST_SIGNATURES} signatures, was {len(envelope.signatures)}")
    if any(signature.unrecognized_fields for signature in envelope.signatures.values()):
        raise AttestationError("expected key id and signature, was more")
    if list(envelope.signatures) != sorted(envelope.signatures):
        raise AttestationError("expected the signatures in the order of their key ids, was changed in form")
    return envelope


def _parsed(data: bytes) -> Envelope:
    try:
        fields: Any = json.loads(data)
        return Envelope.from_dict(copy.deepcopy(fields))  # from_dict changes what it is given
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, FormatError) as error:
        raise AttestationError(f"expected a DSSE envelope, was not one: {error}") from error


def holds(envelope: Envelope, key: SSlibKey) -> bool:
    """Return whether the signature under the id of `key` is its signature of the payload."""
    try:
        key.verify_signature(envelope.signatures[key.keyid], envelope.pae())
    except (UnverifiedSignatureError, VerificationError, ValueError):
        return False
    return True


def opened(envelope: Envelope, keys: tuple[SSlibKey, ...]) -> bytes:
    """Return the payload when one of `keys` has signed it, and none of them something else.

    Raises:
        UntrustedKey: no trusted key is the signer.
        AttestationError: a signature does not fit the payload.
    """
    trusted = [key for key in keys if key.keyid in envelope.signatures]
    if not trusted:
        raise untrusted(envelope, keys)
    if not all(holds(envelope, key) for key in trusted):
        raise AttestationError("expected the signature of the content, was the signature of another")
    return envelope.payload


def untrusted(envelope: Envelope, keys: tuple[SSlibKey, ...]) -> UntrustedKey:
    """Return the error that says who signed and who is trusted."""
    own = ", ".join(key.keyid[:16] for key in keys) or "none given"
    other = ", ".join(signer[:16] for signer in sorted(envelope.signatures))
    return UntrustedKey(f"expected a signature by a trusted key ({own}), was by {other}")
