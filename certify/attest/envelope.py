"""DSSE envelopes: signed bytes stay opaque bytes.

A certificate file has exactly one form. Whoever formats it anew has changed it, and a changed
byte is refused even where JSON or base64 would not mind it.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import FormatError, VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from certify.errors import AttestationError
from certify.evidence.files import json_bytes

PAYLOAD_TYPE = "application/vnd.in-toto+json"


class UntrustedKey(AttestationError):
    """The envelope was signed by a key that is not trusted."""


def seal(payload: bytes, signer: CryptoSigner) -> bytes:
    """Return the bytes of the file that holds `payload`, signed."""
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(signer)
    return json_bytes(envelope.to_dict())


def parse(data: bytes) -> Envelope:
    """Return the envelope in the bytes of a file, its signature not yet verified.

    Raises:
        AttestationError: the bytes are not those of an envelope as `seal` writes it.
    """
    envelope = _parsed(data)
    if json_bytes(envelope.to_dict()) != data:
        raise AttestationError("expected the envelope as it was written, was changed in form")
    if envelope.payload_type != PAYLOAD_TYPE:
        raise AttestationError(f"expected payload type {PAYLOAD_TYPE}, was {envelope.payload_type}")
    if len(envelope.signatures) != 1:
        raise AttestationError(f"expected one signature, was {len(envelope.signatures)}")
    return envelope


def _parsed(data: bytes) -> Envelope:
    try:
        fields: Any = json.loads(data)
        return Envelope.from_dict(copy.deepcopy(fields))  # from_dict changes what it is given
    except (ValueError, KeyError, TypeError, AttributeError, FormatError) as error:
        raise AttestationError(f"expected a DSSE envelope, was not one: {error}") from error


def opened(envelope: Envelope, keys: tuple[SSlibKey, ...]) -> bytes:
    """Return the payload when one of `keys` has signed it.

    Raises:
        UntrustedKey: no trusted key is the signer.
        AttestationError: the signature does not fit the payload.
    """
    signers = set(envelope.signatures)
    trusted = [key for key in keys if key.keyid in signers]
    if not trusted:
        own = ", ".join(key.keyid[:16] for key in keys) or "none given"
        other = ", ".join(signer[:16] for signer in sorted(signers))
        raise UntrustedKey(f"expected a signature by a trusted key ({own}), was by {other}")
    try:
        envelope.verify(list(trusted), threshold=1)
    except (VerificationError, ValueError) as error:
        raise AttestationError(
            "expected the signature of the content, was the signature of another"
        ) from error
    return envelope.payload
