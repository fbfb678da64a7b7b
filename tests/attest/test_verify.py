"""What is refused, and that it is said where."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner

from certify.attest.verify import verify
from certify.evidence.files import (
    CERTIFICATE_FILE,
    JOURNAL_FILE,
    PLAN_FILE,
    RESULT_FILE,
    VERDICT_FILE,
    write_json,
)
from certify.evidence.journal import line_hash
from certify.model.ids import Assurance, Outcome

DAY_NS = 86_400_000_000_000


def check(issued, **wanted):
    options = {"keys": (issued.signer.public_key,), "at_ns": issued.at_ns, "evidence": issued.run_dir}
    return verify(issued.certificate, **{**options, **wanted})


def kinds(found) -> set[str]:
    assert not found.ok
    assert found.findings
    return {finding.what for finding in found.findings}


def places(found) -> list[str]:
    return [finding.where for finding in found.findings]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_expired(issued):
    found = check(issued, at_ns=issued.at_ns + 90 * DAY_NS)
    assert kinds(found) == {"expired"}
    assert "2026-04-01T00:00:11.000Z" in found.findings[0].text
    assert found.certificate is not None


def test_the_last_moment_counts_and_the_next_does_not(issued):
    end_ns = issued.result.finished_at_ns + 90 * DAY_NS
    assert check(issued, at_ns=end_ns - 1).ok
    assert kinds(check(issued, at_ns=end_ns)) == {"expired"}


def test_not_yet_valid(issued):
    assert kinds(check(issued, at_ns=issued.result.started_at_ns)) == {"not_yet_valid"}
    assert check(issued, at_ns=issued.result.finished_at_ns).ok


@pytest.mark.parametrize("subject", ["acme-trading", "acme-trading@1.2.3", "sha256:" + "2" * 64])
def test_the_subject_is_known_by_name_version_and_digest(issued, subject):
    assert check(issued, subject=subject).ok


def test_wrong_subject_profile_and_assurance(issued):
    found = check(issued, subject="acme", profile="certified", min_assurance=Assurance.LIVE)
    assert kinds(found) == {"subject", "profile", "assurance"}
    assert check(issued, min_assurance=Assurance.PAPER, profile="sha256:" + "1" * 64).ok


def test_a_stranger_s_key(issued):
    found = check(issued, keys=(CryptoSigner.generate_ed25519().public_key,))
    assert kinds(found) == {"key"}
    assert found.certificate is None
    assert kinds(check(issued, keys=())) == {"key"}


def test_a_stranger_s_key_under_a_trusted_id(issued):
    own = issued.signer.public_key
    stranger = CryptoSigner.generate_ed25519().public_key
    stranger.keyid = own.keyid
    assert kinds(check(issued, keys=(stranger,))) == {"signature"}


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"nonsense", b"\xff\xfe", b'{"payload": 1}', b"null"])
def test_what_is_no_certificate(issued, content):
    issued.certificate.write_bytes(content)
    assert kinds(check(issued)) == {"signature"}


def test_no_certificate_at_all(issued):
    issued.certificate.unlink()
    assert kinds(check(issued)) == {"signature"}


def test_a_second_signature_is_a_change(issued):
    envelope = json.loads(issued.certificate.read_bytes())
    envelope["signatures"].append({**envelope["signatures"][0], "keyid": "ab"})
    issued.certificate.write_text(json.dumps(envelope, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    assert kinds(check(issued)) == {"signature"}


def test_the_same_envelope_in_another_form_is_a_change(issued):
    issued.certificate.write_text(json.dumps(json.loads(issued.certificate.read_bytes())), encoding="utf-8")
    found = check(issued)
    assert kinds(found) == {"signature"}
    assert "changed in form" in found.findings[0].text


def test_an_edited_result_is_named_by_path(issued):
    phase = issued.result.phases[0]
    worse = replace(phase.checks[1], outcome=Outcome.FAILED)
    phases = (replace(phase, checks=(phase.checks[0], worse, phase.checks[2])),)
    write_json(issued.run_dir / RESULT_FILE, replace(issued.result, phases=phases))
    found = check(issued)
    assert {"result", "digest"} <= kinds(found)
    assert f"{RESULT_FILE}: phases[0].checks[1].outcome" in places(found)
    assert "expected 'passed', was 'failed'" in found.findings[0].text


def test_an_edited_verdict_is_named_by_path(issued):
    write_json(issued.run_dir / VERDICT_FILE, replace(issued.verdict, expires_at="2036-01-01T00:00:00.000Z"))
    found = check(issued)
    assert {"verdict", "digest", "certificate"} == kinds(found)
    assert f"{VERDICT_FILE}: expires_at" in places(found)
    assert f"{CERTIFICATE_FILE}: predicate.expires_at" in places(found)


def test_an_edited_plan_is_found(issued):
    edit(issued.run_dir / PLAN_FILE, '"validity_days": 90', '"validity_days": 91')
    found = check(issued)
    assert {"plan", "digest", "verdict"} <= kinds(found)
    assert f"{VERDICT_FILE}: expires_at" in places(found)


@pytest.mark.parametrize("line", range(1, 13))
def test_an_edited_line_of_the_journal_is_named(issued, line):
    path = issued.run_dir / JOURNAL_FILE
    lines = path.read_bytes().split(b"\n")
    at = lines[line - 1].index(b'"at_ns":') + len(b'"at_ns":')
    lines[line - 1] = lines[line - 1][:at] + b"9" + lines[line - 1][at + 1 :]
    path.write_bytes(b"\n".join(lines))
    found = check(issued)
    assert {"journal", "digest"} <= kinds(found)
    assert f"{JOURNAL_FILE}:{line}" in places(found)


def test_a_journal_chained_anew_is_still_not_the_signed_one(issued):
    path = issued.run_dir / JOURNAL_FILE
    lines, prev = [], "0" * 64
    for line in path.read_text(encoding="utf-8").splitlines():
        data = json.loads(line)
        data["prev"] = prev
        if data["seq"] == 9:
            data["event"]["measurements"][0]["value"] = 1.0
        lines.append(json.dumps(data, ensure_ascii=False, separators=(",", ":")))
        prev = line_hash(lines[-1].encode())
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert {"journal", "digest"} <= kinds(check(issued))


def test_a_shortened_journal_is_found(issued):
    path = issued.run_dir / JOURNAL_FILE
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    found = check(issued)
    assert {"journal", "digest"} <= kinds(found)
    assert "expected 12 lines" in found.findings[0].text


@pytest.mark.parametrize(
    "name", [JOURNAL_FILE, PLAN_FILE, RESULT_FILE, VERDICT_FILE, "artifacts/logs/system.txt"]
)
def test_missing_evidence(issued, name):
    (issued.run_dir / name).unlink()
    found = check(issued)
    assert "digest" in kinds(found)
    assert name in places(found)


def test_an_edited_artifact(issued):
    (issued.run_dir / "artifacts/logs/system.txt").write_bytes(b"started?\n")
    found = check(issued)
    assert kinds(found) == {"digest"}
    assert places(found) == ["artifacts/logs/system.txt"]


def test_what_was_added_later_is_no_evidence_and_no_harm(issued):
    (issued.run_dir / "artifacts/chart.png").write_bytes(b"drawn later")
    assert check(issued).ok


def test_every_change_of_the_last_line_is_seen(issued):
    path = issued.run_dir / JOURNAL_FILE
    data = path.read_bytes()
    last = data.rstrip(b"\n").rindex(b"\n") + 1
    for at in range(last, len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert not check(issued).ok, at
