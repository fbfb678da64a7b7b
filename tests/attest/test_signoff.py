"""Sign-offs: several signatures in one envelope, who counts, and what cannot be slipped in."""

from __future__ import annotations

import base64
import json
import threading

import pytest
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner

from certify import clock
from certify.attest.envelope import parse, payload_digest
from certify.attest.signoff import sign_off, signoff_path
from certify.attest.trust import Trust, TrustedKey
from certify.attest.verify import VerifyRules, verify
from certify.errors import UsageError
from certify.evidence.files import json_bytes

HEAD = "head of trading"


@pytest.fixture(autouse=True)
def today(monkeypatch, issued):
    monkeypatch.setattr(clock, "now_ns", lambda: issued.at_ns)


@pytest.fixture
def alice():
    return CryptoSigner.generate_ed25519()


def known(signer, name: str, **more) -> TrustedKey:
    return TrustedKey(key=signer.public_key, name=name, **more)


def check(issued, *keys: TrustedKey, **more):
    trust = Trust((known(issued.signer, "build"), *keys))
    rules = VerifyRules(trust=trust, **more)
    return verify(issued.certificate, at_ns=issued.at_ns, evidence=issued.run_dir, rules=rules)


def kinds(found) -> set[str]:
    return {finding.what for finding in found.findings}


def test_a_second_person_signs_in_a_role(issued, alice):
    digest = payload_digest(parse(issued.certificate.read_bytes()))
    made, new = sign_off(issued.certificate, role=HEAD, name="Alice", signer=alice)
    assert (new, made.role, made.name) == (True, HEAD, "Alice")
    found = check(issued, known(alice, "alice"), require_signatures=2, require_signers=("alice", "build"))
    assert found.ok, found.findings
    roles = {signer.name: signer.role for signer in found.signers}
    assert roles == {"build": "", "alice": HEAD}
    assert payload_digest(parse(issued.certificate.read_bytes())) == digest


def test_many_sign_at_once_and_the_form_is_one(issued):
    signers = [CryptoSigner.generate_ed25519() for _ in range(5)]
    threads = [
        threading.Thread(
            target=sign_off, args=(issued.certificate,), kwargs={"role": f"r{n}", "signer": signer}
        )
        for n, signer in enumerate(signers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    envelope = Envelope.from_dict(json.loads(issued.certificate.read_bytes()))
    assert list(envelope.signatures) == sorted(
        signer.public_key.keyid for signer in (issued.signer, *signers)
    )
    keys = [signer.public_key for signer in (issued.signer, *signers)]
    assert len(envelope.verify(keys, threshold=6)) == 6
    found = check(issued, *(known(signer, f"s{n}") for n, signer in enumerate(signers)), require_signatures=6)
    assert found.ok, found.findings


def test_a_second_time_changes_nothing(issued, alice):
    first, _ = sign_off(issued.certificate, role=HEAD, signer=alice)
    before = issued.certificate.read_bytes()
    again, new = sign_off(issued.certificate, role="somebody else", signer=alice)
    assert (new, again.role) == (False, HEAD)
    assert again.remark == first.remark
    assert issued.certificate.read_bytes() == before


def test_the_issuer_cannot_sign_off_its_own(issued):
    with pytest.raises(UsageError, match="was the issuer's"):
        sign_off(issued.certificate, role=HEAD, signer=issued.signer)
    assert check(issued).ok


def test_what_was_left_half_done_counts_nothing_and_is_completed(issued, alice):
    before = issued.certificate.read_bytes()
    sign_off(issued.certificate, role=HEAD, signer=alice)
    whole = issued.certificate.read_bytes()
    issued.certificate.write_bytes(before)
    found = check(issued, known(alice, "alice"))
    assert found.ok
    assert "counts nothing" in found.notes[0]
    assert kinds(check(issued, known(alice, "alice"), require_signers=("alice",))) == {"signers"}
    _, new = sign_off(issued.certificate, role=HEAD, signer=alice)
    assert new
    assert issued.certificate.read_bytes() == whole


def test_a_stranger_may_sign_but_does_not_count(issued, alice):
    sign_off(issued.certificate, role=HEAD, name="build", signer=alice)
    found = check(issued)
    assert found.ok, found.findings
    assert {(signer.trusted, signer.said_name) for signer in found.signers} == {(True, ""), (False, "build")}
    assert any("not trusted" in str(signer) for signer in found.signers)
    assert kinds(check(issued, require_signatures=2)) == {"signers"}
    assert kinds(check(issued, require_signers=(alice.public_key.keyid,))) == {"signers"}


def test_the_name_that_counts_is_the_verifier_s(issued, alice):
    sign_off(issued.certificate, role=HEAD, name="risk", signer=alice)
    assert kinds(check(issued, known(alice, "alice"), require_signers=("risk",))) == {"signers"}
    assert check(issued, known(alice, "alice"), require_signers=(alice.public_key.keyid[:16],)).ok


def test_one_key_is_one_signer(issued):
    assert kinds(check(issued, known(issued.signer, "again"), require_signatures=2)) == {"signers"}


@pytest.mark.parametrize("limits", [{"distrusted_ns": 1}, {"valid_until_ns": 1}])
def test_a_signer_beyond_its_limits_is_a_finding(issued, alice, limits):
    sign_off(issued.certificate, role=HEAD, signer=alice)
    assert kinds(check(issued, known(alice, "alice", **limits))) == {"key"}


def test_a_sign_off_counts_by_its_own_time(issued, alice):
    sign_off(issued.certificate, role=HEAD, signer=alice)
    begin = issued.at_ns - clock.NS_PER_S  # after the certificate was issued
    assert check(issued, known(alice, "alice", valid_from_ns=begin), require_signatures=2).ok


def test_only_the_countersigner_is_trusted(issued, alice):
    sign_off(issued.certificate, role=HEAD, signer=alice)
    rules = VerifyRules(trust=Trust((known(alice, "alice"),)))
    found = verify(issued.certificate, at_ns=issued.at_ns, rules=rules)
    assert kinds(found) == {"signature"}
    assert "a key that is not known" in found.findings[0].text


def rewrite(issued, change) -> None:
    data = json.loads(issued.certificate.read_bytes())
    change(data)
    issued.certificate.write_bytes(json_bytes(data))


def test_signatures_in_another_order_are_a_change(issued, alice):
    sign_off(issued.certificate, role=HEAD, signer=alice)
    rewrite(issued, lambda data: data["signatures"].reverse())
    found = check(issued, known(alice, "alice"))
    assert kinds(found) == {"signature"}
    assert "in the order of their key ids" in found.findings[0].text


def test_nothing_more_fits_into_a_signature(issued):
    rewrite(issued, lambda data: data["signatures"][0].update(cert="anything"))
    assert kinds(check(issued)) == {"signature"}


def test_a_stranger_s_damaged_signature_is_seen_too(issued, alice):
    sign_off(issued.certificate, role=HEAD, signer=alice)

    def spoil(data):
        (mine,) = [entry for entry in data["signatures"] if entry["keyid"] == alice.public_key.keyid]
        raw = bytearray(base64.b64decode(mine["sig"]))
        raw[7] ^= 1
        mine["sig"] = base64.b64encode(bytes(raw)).decode()

    rewrite(issued, spoil)
    assert kinds(check(issued)) == {"signature"}


def test_a_sign_off_of_another_certificate_or_key_is_refused(issued, issue_run, alice, tmp_path):
    sign_off(issued.certificate, role=HEAD, signer=alice)
    path = signoff_path(issued.certificate, alice.public_key.keyid)
    taken, name = path.read_bytes(), path.name
    other = issue_run(latency_ms=21.0)
    place = other.run_dir / "signoffs" / name
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(taken)
    found = check(other, known(alice, "alice"))
    assert kinds(found) == {"sign-off"}
    assert "expected a sign-off of sha256:" in found.findings[0].text
    place.rename(place.with_name("0123456789abcdef.json"))
    assert "expected the sign-off of 0123456789abcdef" in check(other).findings[0].text


def test_every_changed_byte_of_a_sign_off_is_seen(issued, alice):
    sign_off(issued.certificate, role=HEAD, signer=alice)
    path = signoff_path(issued.certificate, alice.public_key.keyid)
    data = path.read_bytes()
    for at in range(0, len(data), 9):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        rules = VerifyRules(trust=Trust((known(issued.signer, "build"), known(alice, "alice"))))
        found = verify(issued.certificate, at_ns=issued.at_ns, rules=rules)
        assert kinds(found) == {"sign-off"}, at


@pytest.mark.parametrize("role", ["", "a\x07b", "x" * 1001])
def test_a_role_is_plain_words(issued, alice, role):
    with pytest.raises(UsageError, match="--as: expected"):
        sign_off(issued.certificate, role=role, signer=alice)
    assert not (issued.run_dir / "signoffs").exists()
