"""Revocation: found wherever it lies, made once, and neither forged nor undone unseen."""

from __future__ import annotations

import base64
import json
import threading

import pytest
from securesystemslib.signer import CryptoSigner

from certify import clock
from certify.attest.here import rules_here
from certify.attest.keys import public_pem
from certify.attest.revoke import REVOCATIONS_FILE, read_revocations, revoke
from certify.attest.trust import Trust, TrustedKey
from certify.attest.verify import VerifyRules, verify
from certify.errors import AttestationError, UsageError
from certify.evidence.files import json_bytes


@pytest.fixture(autouse=True)
def today(monkeypatch, issued):
    monkeypatch.setattr(clock, "now_ns", lambda: issued.at_ns)


@pytest.fixture
def elsewhere(tmp_path):
    return tmp_path / "elsewhere" / REVOCATIONS_FILE


def check(issued, *lists, **more):
    rules = VerifyRules(revocations=lists, **more)
    return verify(issued.certificate, keys=(issued.signer.public_key,), at_ns=issued.at_ns, rules=rules)


def enter(issued, *lists, reason="withdrawn by the desk", by="", signer=None):
    return revoke(issued.certificate, lists, reason=reason, by=by, signer=signer or issued.signer)


def kinds(found) -> list[str]:
    return [finding.what for finding in found.findings]


def test_a_revoked_certificate_is_refused_with_the_reason(issued, elsewhere):
    assert check(issued).ok
    enter(issued, elsewhere, by="A. Turing")
    found = check(issued, elsewhere)
    assert kinds(found) == ["revoked"]
    assert found.findings[0].text == "revoked on 2026-01-02T00:00:00.000Z by A. Turing: withdrawn by the desk"
    assert check(issued).ok  # nobody was told of that list


@pytest.mark.parametrize("where", ["beside", "home"])
def test_it_is_found_beside_the_certificate_and_in_its_home(issued, where):
    place = issued.run_dir if where == "beside" else issued.run_dir.parents[1]
    enter(issued, place / REVOCATIONS_FILE)
    assert kinds(check(issued)) == ["revoked"]


def test_it_is_found_in_the_home_of_the_verifier_and_said_once(issued, tmp_path):
    public = tmp_path / "k.pub"
    public.write_bytes(public_pem(issued.signer.public_key))
    home = tmp_path / "home"
    enter(issued, home / REVOCATIONS_FILE, issued.run_dir / REVOCATIONS_FILE)
    rules = rules_here(home, keys=[public])
    assert rules.revocations == (home / REVOCATIONS_FILE,)
    assert kinds(verify(issued.certificate, at_ns=issued.at_ns, rules=rules)) == ["revoked"]


def test_revoking_twice_changes_nothing(issued, elsewhere):
    first, new = enter(issued, elsewhere)
    data = elsewhere.read_bytes()
    second, again = enter(issued, elsewhere, issued.run_dir / REVOCATIONS_FILE, reason="another reason")
    assert (new, again) == (True, False)
    assert second.envelope == first.envelope
    assert elsewhere.read_bytes() == data == (issued.run_dir / REVOCATIONS_FILE).read_bytes()


def test_the_list_only_grows_and_many_may_write_it(issued, elsewhere):
    signers = [CryptoSigner.generate_ed25519() for _ in range(6)]
    enter(issued, elsewhere, signer=signers[0])
    first = elsewhere.read_text().index('"sig"')
    before = elsewhere.read_text()[:first]
    threads = [
        threading.Thread(target=enter, args=(issued, elsewhere), kwargs={"signer": s}) for s in signers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert elsewhere.read_text().startswith(before)
    assert {entry.remark.keyid for entry in read_revocations(elsewhere)} == {
        signer.public_key.keyid for signer in signers
    }


def test_another_certificate_is_not_touched(issued, issue_run, elsewhere):
    enter(issued, elsewhere)
    other = issue_run(latency_ms=21.0)
    assert check(other, elsewhere).ok


def test_a_stranger_s_revocation_is_said_and_not_obeyed(issued, elsewhere):
    enter(issued, elsewhere, signer=CryptoSigner.generate_ed25519())
    found = check(issued, elsewhere)
    assert found.ok
    assert len(found.notes) == 1
    assert "a key that is not trusted, is not obeyed" in found.notes[0]


def test_a_key_rotated_out_may_still_revoke_and_a_distrusted_one_may_not(issued, elsewhere):
    desk = CryptoSigner.generate_ed25519()
    enter(issued, elsewhere, signer=desk)
    rotated = TrustedKey(key=desk.public_key, name="desk", valid_until_ns=1)
    assert kinds(check(issued, elsewhere, trust=Trust((rotated,)))) == ["revoked"]
    lost = TrustedKey(key=desk.public_key, name="desk", distrusted_ns=1)
    found = check(issued, elsewhere, trust=Trust((lost,)))
    assert found.ok
    assert "distrusted" in found.notes[0]


def forged(issued, elsewhere, change) -> None:
    """Enter a revocation and change what it says, or its signature, but not its form."""
    enter(issued, elsewhere)
    data = json.loads(elsewhere.read_bytes())
    change(data["revocations"][0])
    elsewhere.write_bytes(json_bytes(data))


def reworded(entry) -> None:
    payload = base64.b64decode(entry["payload"]).replace(b"withdrawn", b"WITHDRAWN")
    entry["payload"] = base64.b64encode(payload).decode()


def resigned(entry) -> None:
    entry["signatures"][0]["sig"] = base64.b64encode(b"x" * 64).decode()


@pytest.mark.parametrize("change", [reworded, resigned])
def test_one_whose_signature_does_not_hold_is_neither_obeyed_nor_passed_over(issued, elsewhere, change):
    forged(issued, elsewhere, change)
    found = check(issued, elsewhere)
    assert kinds(found) == ["revocation"]
    assert "was not what it signed" in found.findings[0].text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"format": "certify/revocations/1", "revocations": 5}',
        b'{"format": "certify/revocations/1", "revocations": [5]}',
        b'{"format": "certify/revocations/1", "revocations": [{"payload": "", "payloadType": "x"}]}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_list_is_a_finding_and_is_not_written_over(issued, elsewhere, data):
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(data)
    assert kinds(check(issued, elsewhere)) == ["revocation"]
    with pytest.raises(AttestationError):
        enter(issued, elsewhere)
    assert elsewhere.read_bytes() == data


def test_a_list_that_was_named_and_is_not_there(issued, elsewhere):
    assert kinds(check(issued, elsewhere)) == ["revocation"]


def test_a_sign_off_or_certificate_is_no_revocation(issued, elsewhere):
    elsewhere.parent.mkdir()
    entry = json.loads(issued.certificate.read_bytes())
    elsewhere.write_bytes(json_bytes({"format": "certify/revocations/1", "revocations": [entry]}))
    found = check(issued, elsewhere)
    assert kinds(found) == ["revocation"]
    assert "expected a statement about a certificate" in found.findings[0].text


@pytest.mark.parametrize("reason", ["", "  ", "a\nb", "\x1b[2J", "x" * 1001])
def test_a_reason_has_to_be_given_in_plain_words(issued, elsewhere, reason):
    with pytest.raises(UsageError, match="--reason: expected 1 to 1000 printable characters"):
        enter(issued, elsewhere, reason=reason)
    assert not elsewhere.exists()


def test_what_is_no_certificate_cannot_be_revoked(issued, elsewhere):
    issued.certificate.write_bytes(b"{}")
    with pytest.raises(AttestationError):
        enter(issued, elsewhere)
    assert not elsewhere.exists()


def test_a_clock_set_back_is_noticed_by_a_revocation(issued, elsewhere, monkeypatch):
    late = issued.at_ns + 10 * 86_400 * clock.NS_PER_S
    monkeypatch.setattr(clock, "now_ns", lambda: late)
    enter(issued, elsewhere)
    assert kinds(check(issued, elsewhere)) == ["revoked", "clock"]
