"""Whom a verifier believes: the trust file, its limits of time, and what is distrusted."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from securesystemslib.signer import CryptoSigner

from certify import clock
from certify.attest.keys import public_pem, rotate_key, signing_key
from certify.attest.trust import Trust, TrustedKey, change_trust, read_trust, trust_path, trusted
from certify.attest.verify import VerifyRules, verify
from certify.errors import AttestationError

DAY_NS = 86_400_000_000_000


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The user's own key, and a trust file of their own."""
    monkeypatch.setenv("CERTIFY_KEY", str(tmp_path / "own" / "k.pem"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return signing_key().public_key


def stranger(name: str = "desk", **more) -> TrustedKey:
    return TrustedKey(key=CryptoSigner.generate_ed25519().public_key, name=name, added_ns=10**18, **more)


def enter(path, *known: TrustedKey) -> Trust:
    return change_trust(path, lambda trust: Trust((*trust.keys, *known)))


def test_what_is_written_reads_back(tmp_path):
    path = tmp_path / "trust.json"
    one = stranger(valid_from_ns=10**18, valid_until_ns=2 * 10**18)
    two = stranger("risk « desk »", distrusted_ns=10**18, reason="lost")
    assert read_trust(path, missing_ok=True) == Trust()
    enter(path, one, two)
    assert read_trust(path).keys == (one, two)


def test_by_default_the_own_key_and_those_of_the_file(own):
    other = stranger()
    enter(trust_path(), other)
    assert {known.keyid for known in trusted().keys} == {own.keyid, other.keyid}
    assert trusted().get(own.keyid).name == "own key"


def test_a_named_file_alone(own, tmp_path):
    other = stranger()
    enter(tmp_path / "others.json", other)
    assert [known.keyid for known in trusted(file=tmp_path / "others.json").keys] == [other.keyid]


def test_the_environment_may_name_the_file(own, tmp_path, monkeypatch):
    other = stranger()
    enter(tmp_path / "others.json", other)
    monkeypatch.setenv("CERTIFY_TRUST", str(tmp_path / "others.json"))
    assert {known.keyid for known in trusted().keys} == {own.keyid, other.keyid}
    monkeypatch.setenv("CERTIFY_TRUST", str(tmp_path / "none.json"))
    with pytest.raises(AttestationError, match="expected a trust file, was none"):
        trusted()


def test_named_keys_alone_but_never_a_distrusted_one(own, tmp_path):
    one, other = stranger(), stranger("bad", distrusted_ns=10**18)
    enter(trust_path(), one, other)
    (tmp_path / "other.pub").write_bytes(public_pem(other.key))
    found = trusted(keys=[tmp_path / "other.pub"])
    assert [known.keyid for known in found.keys] == [other.keyid]
    assert "distrusted on" in found.get(other.keyid).refusal(0)


def test_the_own_key_may_be_distrusted(own):
    enter(trust_path(), TrustedKey(key=own, name="mine", added_ns=1, distrusted_ns=10**18))
    assert trusted().get(own.keyid).refusal(0)


def test_nobody_to_trust(tmp_path, monkeypatch):
    monkeypatch.setenv("CERTIFY_KEY", str(tmp_path / "none.pem"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with pytest.raises(AttestationError, match="expected a public key"):
        trusted()
    enter(trust_path(), stranger())
    assert len(trusted().keys) == 1
    assert not (tmp_path / "none.pem").exists()


def spoil(**fields):
    return lambda entry: {**entry, **fields}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (spoil(id="0" * 64), "expected id"),
        (spoil(name=""), "keys.0.name"),
        (spoil(name="a\x1b[31m"), "expected printable characters"),
        (spoil(valid_from="2026-01-01"), "keys.0.valid_from"),
        (spoil(valid_until="soon"), "keys.0.valid_until"),
        (spoil(valid_unitl="2026-01-01T00:00:00Z"), "keys.0.valid_unitl"),
        (spoil(public="-----BEGIN PUBLIC KEY-----"), "expected a public key in PEM"),
        (spoil(added=5), "keys.0.added"),
        (lambda entry: {k: v for k, v in entry.items() if k != "added"}, "keys.0.added"),
    ],
)
def test_a_file_against_the_schema_is_refused_by_its_place(tmp_path, change, told):
    path = tmp_path / "trust.json"
    enter(path, stranger())
    data = json.loads(path.read_bytes())
    path.write_text(json.dumps({**data, "keys": [change(entry) for entry in data["keys"]]}))
    before = path.read_bytes()
    with pytest.raises(AttestationError, match=told):
        read_trust(path)
    with pytest.raises(AttestationError, match=told):
        enter(path, stranger())
    assert path.read_bytes() == before


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b'{"format": "certify/trust/2", "keys": []}', b"\xff"])
def test_what_is_no_trust_file(tmp_path, data):
    (tmp_path / "trust.json").write_bytes(data)
    with pytest.raises(AttestationError, match=r"trust\.json: "):
        read_trust(tmp_path / "trust.json")


def test_a_key_twice_is_refused(tmp_path):
    known = stranger()
    with pytest.raises(AttestationError, match="each key once"):
        enter(tmp_path / "trust.json", known, known)


def test_a_file_that_anybody_may_write_is_refused(tmp_path):
    path = tmp_path / "trust.json"
    enter(path, stranger())
    path.chmod(0o666)
    with pytest.raises(AttestationError, match=f"chmod o-w {path}"):
        read_trust(path)


def test_a_key_is_meant_by_name_id_or_eight_digits(tmp_path):
    one, two = stranger("desk"), stranger("desk")
    trust = Trust((one, two, stranger("")))
    assert trust.named("desk") == {one.keyid, two.keyid}
    assert trust.named(one.keyid) == trust.named(one.keyid[:8].upper()) == {one.keyid}
    assert trust.named(one.keyid[:7]) == trust.named("") == trust.named("nobody") == frozenset()


def check(issued, known: TrustedKey, **more):
    return verify(issued.certificate, at_ns=issued.at_ns, rules=VerifyRules(trust=Trust((known,)), **more))


def test_a_certificate_counts_within_the_limits_of_its_key(issued):
    known = TrustedKey(key=issued.signer.public_key, name="build")
    made = check(issued, known).certificate.valid_from_ns
    for limits in ({}, {"valid_from_ns": made}, {"valid_until_ns": made}):
        found = check(issued, replace(known, **limits))
        assert found.ok, found.findings
        assert [(signer.name, signer.keyid) for signer in found.signers] == [("build", known.keyid)]
    for limits in (
        {"valid_from_ns": made + 1},
        {"valid_until_ns": made - 1},
        {"distrusted_ns": made + DAY_NS},
    ):
        found = check(issued, replace(known, **limits))
        assert not found.ok
        assert {finding.what for finding in found.findings} == {"key", "signers"}


def test_a_key_given_outright_has_no_limits_but_cannot_be_redeemed(issued):
    known = TrustedKey(key=issued.signer.public_key, name="build", valid_until_ns=1)
    keys = (issued.signer.public_key,)
    rules = VerifyRules(trust=Trust((known,)))
    assert verify(issued.certificate, keys=keys, at_ns=issued.at_ns, rules=rules).ok
    rules = VerifyRules(trust=Trust((replace(known, distrusted_ns=1),)))
    assert not verify(issued.certificate, keys=keys, at_ns=issued.at_ns, rules=rules).ok


def test_after_rotation_old_certificates_verify_and_new_ones_by_the_old_key_do_not(
    issue_run, tmp_path, monkeypatch
):
    monkeypatch.setenv("CERTIFY_KEY", str(tmp_path / "own" / "k.pem"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    old_signer = signing_key()
    issued = issue_run(signer=old_signer)
    made_ns = verify(
        issued.certificate, keys=(old_signer.public_key,), at_ns=issued.at_ns
    ).certificate.valid_from_ns

    def end(at_ns: int) -> None:
        known = TrustedKey(key=old_signer.public_key, name="old", added_ns=1, valid_until_ns=at_ns)
        change_trust(trust_path(), lambda trust: trust.with_key(known))

    old, new = rotate_key(tmp_path / "own" / "k.pem", keep=lambda key: None)
    end(made_ns + DAY_NS)
    found = verify(issued.certificate, at_ns=issued.at_ns, rules=VerifyRules(trust=trusted()))
    assert found.ok, found.findings
    assert [signer.name for signer in found.signers] == ["old"]
    assert trusted().get(new.keyid).name == "own key"
    end(made_ns - clock.NS_PER_MS)
    found = verify(issued.certificate, at_ns=issued.at_ns, rules=VerifyRules(trust=trusted()))
    assert {finding.what for finding in found.findings} == {"key", "signers"}
    assert old.keyid == old_signer.public_key.keyid
