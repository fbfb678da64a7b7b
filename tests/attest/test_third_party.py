"""Others check what we sign: by the DSSE protocol with `cryptography` alone, and with in-toto's own package.

None of these tests asks certify.attest whether a signature holds. The protocol is
https://github.com/secure-systems-lab/dsse/blob/v1.0.0/protocol.md; of its implementations for Python
sigstore's verifies neither Ed25519 nor several signatures, and securesystemslib's is the one we sign with.
"""

from __future__ import annotations

import base64
import binascii
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from google.protobuf import json_format
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner

from certify import clock
from certify.attest.keys import public_pem
from certify.attest.revoke import revoke
from certify.attest.signoff import sign_off, signoff_path


def pae(kind: str, body: bytes) -> bytes:
    """The pre-authentication encoding of the protocol."""
    return b" ".join([b"DSSEv1", b"%d" % len(kind.encode()), kind.encode(), b"%d" % len(body), body])


def decoded(text: str) -> bytes:
    """Base64, standard or URL-safe: a verifier has to take both."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return base64.b64decode(text, altchars=b"-_", validate=True)


def dsse_verified(envelope: dict[str, object], keys: list[bytes], threshold: int) -> bytes:
    """Verify as the protocol has it, trusting no key id, and return the payload."""
    body = decoded(envelope["payload"])
    signed, accepted = pae(envelope["payloadType"], body), set()
    for signature in envelope["signatures"]:
        for key in keys:
            try:
                load_pem_public_key(key).verify(decoded(signature["sig"]), signed)
            except InvalidSignature:
                continue
            accepted.add(key)
    if len(accepted) < threshold:
        raise InvalidSignature(f"{len(accepted)} of {threshold}")
    return body


@pytest.fixture
def second():
    return CryptoSigner.generate_ed25519()


@pytest.fixture
def signed(issued, second, monkeypatch):
    """A certificate under two signatures, with a sign-off and a revocation."""
    monkeypatch.setattr(clock, "now_ns", lambda: issued.at_ns)
    sign_off(issued.certificate, role="head of trading", signer=second)
    revoke(issued.certificate, (issued.run_dir / "revocations.json",), reason="to see", signer=issued.signer)
    return issued


def envelopes(issued, second) -> dict[str, dict[str, object]]:
    signoff = signoff_path(issued.certificate, second.public_key.keyid)
    (revocation,) = json.loads((issued.run_dir / "revocations.json").read_bytes())["revocations"]
    return {
        "certificate": json.loads(issued.certificate.read_bytes()),
        "sign-off": json.loads(signoff.read_bytes()),
        "revocation": revocation,
    }


def pems(*signers: CryptoSigner) -> list[bytes]:
    return [public_pem(signer.public_key) for signer in signers]


def test_the_encoding_here_is_that_of_the_protocol() -> None:
    assert (
        pae("http://example.com/HelloWorld", b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_both_signatures_verify_by_the_protocol_alone(signed, second) -> None:
    envelope = envelopes(signed, second)["certificate"]
    body = dsse_verified(envelope, pems(signed.signer, second), 2)
    assert json.loads(body)["predicate"]["run_id"] == signed.result.run_id
    assert dsse_verified(envelope, pems(second), 1) == body


def test_one_key_given_twice_or_a_stranger_s_is_not_enough(signed, second) -> None:
    envelope = envelopes(signed, second)["certificate"]
    with pytest.raises(InvalidSignature, match="1 of 2"):
        dsse_verified(envelope, pems(signed.signer, CryptoSigner.generate_ed25519()), 2)
    with pytest.raises(InvalidSignature, match="1 of 2"):
        dsse_verified(envelope, pems(second, second), 2)


@pytest.mark.parametrize("field", ["payload", "payloadType"])
def test_a_changed_payload_or_type_fails_by_the_protocol(signed, second, field) -> None:
    envelope = envelopes(signed, second)["certificate"]
    envelope[field] = base64.b64encode(b"{}").decode() if field == "payload" else "application/json"
    with pytest.raises(InvalidSignature, match="0 of 1"):
        dsse_verified(envelope, pems(signed.signer, second), 1)


@pytest.mark.parametrize("kind", ["certificate", "sign-off", "revocation"])
def test_in_toto_s_own_package_takes_the_statement_and_loses_nothing(signed, second, kind) -> None:
    envelope = envelopes(signed, second)[kind]
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    body = dsse_verified(envelope, pems(signed.signer, second), 1)
    message = json_format.Parse(body, StatementMessage())  # refuses fields that a statement does not have
    Statement.copy_from_pb(message).validate()
    said = json.loads(body)
    assert message.predicate_type == said["predicateType"]
    assert message.predicate_type.startswith("urn:certify:")
    assert json_format.MessageToDict(message)["predicate"] == said["predicate"]
    assert [dict(subject.digest) for subject in message.subject] == [s["digest"] for s in said["subject"]]


def test_in_toto_s_own_package_refuses_what_is_no_statement() -> None:
    with pytest.raises(ValueError, match="At least one subject"):
        Statement.copy_from_pb(
            json_format.Parse(
                '{"_type": "https://in-toto.io/Statement/v1", "predicateType": "x", "predicate": {"a": 1}}',
                StatementMessage(),
            )
        ).validate()


def test_securesystemslib_counts_both(signed, second) -> None:
    envelope = Envelope.from_dict(envelopes(signed, second)["certificate"])
    keys = [signed.signer.public_key, second.public_key]
    assert set(envelope.verify(keys, threshold=2)) == {key.keyid for key in keys}
