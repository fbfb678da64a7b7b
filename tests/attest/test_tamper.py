"""No byte of a run that was certified and signed off can change unseen: some 2,400 ways to try."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner

from certify import clock
from certify.attest.signoff import SIGNOFFS_DIR, sign_off, signoff_path
from certify.attest.trust import Trust, TrustedKey
from certify.attest.verify import VerifyRules, verify
from certify.evidence.files import CERTIFICATE_FILE, JOURNAL_FILE, PLAN_FILE, RESULT_FILE, VERDICT_FILE

ARTIFACT = "artifacts/logs/system.txt"
EACH = 350
SEED = 20260101
FILES = (CERTIFICATE_FILE, JOURNAL_FILE, ARTIFACT, RESULT_FILE, VERDICT_FILE, PLAN_FILE, SIGNOFFS_DIR)


@pytest.fixture
def whole(issued, monkeypatch):
    """A certificate under two signatures, and how to verify it with everything it rests on."""
    monkeypatch.setattr(clock, "now_ns", lambda: issued.at_ns)
    second = CryptoSigner.generate_ed25519()
    sign_off(issued.certificate, role="head of trading", signer=second)
    keys = (issued.signer.public_key, second.public_key)
    trust = Trust(tuple(TrustedKey(key=key, name=key.keyid[:4]) for key in keys))

    def check():
        rules = VerifyRules(trust=trust)
        return verify(issued.certificate, at_ns=issued.at_ns, evidence=issued.run_dir, rules=rules)

    assert check().ok
    return issued, signoff_path(issued.certificate, second.public_key.keyid), check


def changed(data: bytes, rng: random.Random) -> tuple[str, int, bytes]:
    """Return `data` with one byte changed, dropped, added or doubled: how, where, and the bytes."""
    how = rng.choice(["flip a bit", "another byte", "drop", "add", "double"])
    at = rng.randrange(len(data))
    if how == "drop":
        return how, at, data[:at] + data[at + 1 :]
    if how in ("add", "double"):
        new = data[at] if how == "double" else rng.randrange(256)
        return how, at, data[:at] + bytes([new]) + data[at:]
    mask = 1 << rng.randrange(8) if how == "flip a bit" else rng.randrange(1, 256)
    return how, at, data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


@pytest.mark.parametrize("name", FILES)
def test_every_single_byte_change_is_seen_and_named(whole, name) -> None:
    issued, signoff, check = whole
    path: Path = signoff if name == SIGNOFFS_DIR else issued.run_dir / name
    rng, data, tried = random.Random(f"{SEED} {name}"), path.read_bytes(), Counter()
    while tried.total() < EACH:
        how, at, mutant = changed(data, rng)
        if mutant == data:
            continue
        path.write_bytes(mutant)
        found = check()
        context = (how, at, mutant[max(0, at - 20) : at + 20])
        assert not found.ok, context
        assert any(path.name in finding.where for finding in found.findings), (context, found.findings)
        tried[how] += 1
    assert min(tried.values()) > EACH / 20, tried
    path.write_bytes(data)
    assert check().ok


def test_the_number_of_changes_is_what_is_claimed() -> None:
    assert EACH * (len(FILES) - 1) >= 2000  # without those of sign-offs


@pytest.mark.parametrize("name", [PLAN_FILE, RESULT_FILE, VERDICT_FILE, JOURNAL_FILE, ARTIFACT])
def test_a_file_of_another_run_is_seen(whole, issue_run, name) -> None:
    issued, _, check = whole
    other = issue_run(latency_ms=21.0)
    data = (other.run_dir / name).read_bytes()
    if data == (issued.run_dir / name).read_bytes():
        data += b"\n"  # both runs have made the same plan and artifact
    (issued.run_dir / name).write_bytes(data)
    assert not check().ok


def test_an_older_certificate_played_again_is_seen_against_the_evidence(whole, issue_run) -> None:
    issued, _, check = whole
    older = issue_run(latency_ms=21.0, signer=issued.signer)
    issued.certificate.write_bytes(older.certificate.read_bytes())
    found = check()
    assert {"journal", "digest", "sign-off"} <= {finding.what for finding in found.findings}


def rules(**more) -> VerifyRules:
    return VerifyRules(**more)


def test_an_older_certificate_is_refused_where_a_newer_is_asked_for(issued) -> None:
    keys = (issued.signer.public_key,)
    made = verify(issued.certificate, keys=keys, at_ns=issued.at_ns).certificate.valid_from_ns
    same = verify(issued.certificate, keys=keys, at_ns=issued.at_ns, rules=rules(not_before_ns=made))
    assert same.ok
    newer = verify(issued.certificate, keys=keys, at_ns=issued.at_ns, rules=rules(not_before_ns=made + 1))
    assert [finding.what for finding in newer.findings] == ["older"]


def test_a_clock_set_back_does_not_bring_an_expired_certificate_to_life(issued) -> None:
    keys = (issued.signer.public_key,)
    later = issued.at_ns + 200 * 86_400 * clock.NS_PER_S  # when something else here was made
    back = verify(issued.certificate, keys=keys, at_ns=issued.at_ns, rules=rules(newest_known_ns=later))
    assert [finding.what for finding in back.findings] == ["clock"]
    assert "set back?" in back.findings[0].text
    slack = rules(newest_known_ns=issued.at_ns + 60 * clock.NS_PER_S)
    assert verify(issued.certificate, keys=keys, at_ns=issued.at_ns, rules=slack).ok
    before = verify(issued.certificate, keys=keys, at_ns=issued.result.started_at_ns - 10**15)
    assert [finding.what for finding in before.findings] == ["not_yet_valid"]


def test_a_key_added_later_than_now_says_that_the_clock_is_wrong(issued) -> None:
    known = TrustedKey(key=issued.signer.public_key, name="build", added_ns=issued.at_ns + 10**15)
    found = verify(issued.certificate, at_ns=issued.at_ns, rules=rules(trust=Trust((known,))))
    assert [finding.what for finding in found.findings] == ["clock"]
