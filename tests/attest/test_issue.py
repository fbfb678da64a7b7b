"""What is signed, and that others can check it without us."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from securesystemslib.dsse import Envelope

from certify.attest.issue import issue
from certify.attest.verify import verify
from certify.errors import AttestationError
from certify.evidence.files import RESULT_FILE, sha256_file, write_json
from certify.model.ids import Assurance, Grade
from certify.model.judgement import VerdictPolicy


def test_the_whole_way_verifies(issued):
    found = verify(
        issued.certificate,
        keys=(issued.signer.public_key,),
        at_ns=issued.at_ns,
        subject="acme-trading",
        profile="staging",
        evidence=issued.run_dir,
    )
    assert found.findings == ()
    assert found.ok
    assert found.certificate.grade == "CERTIFIED"
    assert found.certificate.expires_at == "2026-04-01T00:00:11.000Z"


def test_securesystemslib_alone_verifies_it(issued):
    envelope = Envelope.from_dict(json.loads(issued.certificate.read_bytes()))
    accepted = envelope.verify([issued.signer.public_key], threshold=1)
    assert list(accepted) == [issued.signer.public_key.keyid]


def test_plain_cryptography_verifies_it_by_hand(issued):
    envelope = json.loads(issued.certificate.read_bytes())
    payload = base64.b64decode(envelope["payload"])
    kind = envelope["payloadType"].encode()
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(issued.signer.public_key.keyval["public"]))
    key.verify(base64.b64decode(envelope["signatures"][0]["sig"]), signed)
    statement = json.loads(payload)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["subject"] == [{"name": "acme-trading", "digest": {"sha256": "2" * 64}}]


def test_the_predicate_carries_the_root_of_the_evidence(issued):
    payload = base64.b64decode(json.loads(issued.certificate.read_bytes())["payload"])
    said = json.loads(payload)["predicate"]
    for name, digest in said["evidence"]["files"].items():
        assert digest == "sha256:" + sha256_file(issued.run_dir / name)
    assert set(said["evidence"]["artifacts"]) == {"logs/system.txt"}
    assert said["scope"]["out_of_scope"] == {"risk": "not in this profile"}
    assert [left["check"] for left in said["scope"]["not_evaluated"]] == ["orders.short"]
    assert said["grade"] == "CERTIFIED"
    assert said["tool"] == {"name": "certify", "version": "0.1.0"}


def test_no_certificate_without_a_verdict_for_it(issue_run):
    with pytest.raises(AttestationError, match="allows a certificate, was INCONCLUSIVE"):
        issue_run(VerdictPolicy(min_assurance=Assurance.LIVE))


def test_conditional_is_issued_for_the_shorter_time(issue_run):
    issued = issue_run(latency_ms=80.0)
    assert issued.verdict.grade is Grade.CONDITIONAL
    found = verify(issued.certificate, keys=(issued.signer.public_key,), at_ns=issued.at_ns)
    assert found.ok
    assert found.certificate.expires_at == "2026-01-31T00:00:11.000Z"
    assert found.certificate.conditions[0].startswith("Put right orders.ack_time (minor), which failed")


def test_evidence_that_does_not_lead_to_the_verdict_is_not_signed(issued):
    write_json(issued.run_dir / RESULT_FILE, replace(issued.result, seed=1))
    with pytest.raises(AttestationError, match=r"result\.json: seed"):
        issue(issued.result, issued.verdict, issued.run_dir, issued.signer)
