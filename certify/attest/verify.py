"""Is a certificate acceptable? Offline, with nothing but public keys; with evidence, recomputed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from securesystemslib.signer import SSlibKey

from certify import clock
from certify.attest.certificate import Certificate, read_certificate, read_envelope, said_in
from certify.attest.envelope import UntrustedKey, payload_digest
from certify.attest.findings import Finding, differences
from certify.attest.replay import replay
from certify.attest.revoke import REVOCATIONS_FILE, Revocations, revocations_of
from certify.attest.signers import Signed, Signer, enough, signed_by, windows
from certify.attest.statement import statement
from certify.attest.trust import Trust, trust_in
from certify.errors import AttestationError, EvidenceError
from certify.evidence.artifacts import ARTIFACTS_DIR, artifact_path
from certify.evidence.files import RESULT_FILE, VERDICT_FILE, read_json, sha256_file
from certify.model.ids import Assurance
from certify.model.judgement import Verdict
from certify.model.results import RunResult

__all__ = ["Certificate", "Signer", "Verification", "VerifyRules", "read_certificate", "verify"]

CLOCK_SLACK_NS = 300 * clock.NS_PER_S
"""By so much the clocks of two machines may differ before one of them counts as set back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyRules:
    """Whom the verifier believes, what he knows of beyond the certificate, and what he asks of it."""

    trust: Trust = field(default_factory=Trust)
    """Beside the keys that are given to `verify`."""
    revocations: tuple[Path, ...] = ()
    """Lists that are looked through beside the one that lies with the certificate."""
    require_signatures: int = 1
    """By so many different trusted keys."""
    require_signers: tuple[str, ...] = ()
    """Each a name in the trust file, a key id or the start of one."""
    not_before_ns: int | None = None
    """Certificates issued before are too old: an old one played again."""
    newest_known_ns: int | None = None
    """When the newest thing was made that this machine knows of; its clock cannot be earlier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Whether a certificate is acceptable, and what speaks against it."""

    ok: bool
    findings: tuple[Finding, ...]
    certificate: Certificate | None = None
    """What it says; `None` when its signature is not to be trusted."""
    signers: tuple[Signer, ...] = ()
    """Whose signatures of it hold, in the order of their key ids."""
    notes: tuple[str, ...] = ()
    """What a reader should know and what decides nothing."""


def verify(
    certificate: Path,
    *,
    keys: tuple[SSlibKey, ...] = (),
    at_ns: int,
    subject: str | None = None,
    profile: str | None = None,
    min_assurance: Assurance | None = None,
    evidence: Path | None = None,
    rules: VerifyRules = VerifyRules(),
) -> Verification:
    """Return whether the certificate is acceptable at `at_ns`, and every reason why not.

    `keys` are believed at any time; those of `rules.trust` within their limits. `subject` and `profile` are
    names or digests; `evidence` is the run directory. Nothing that only an untrusted signature covers is
    looked at.
    """
    where = certificate.name
    trust = _joined(rules.trust, keys)
    try:
        envelope = read_envelope(certificate)
        signed = signed_by(certificate, envelope, trust)
        said = said_in(envelope.payload)
    except UntrustedKey as error:
        return _refused(Finding(what="key", where=where, text=str(error)))
    except AttestationError as error:
        return _refused(Finding(what="signature", where=where, text=str(error)))
    lists = tuple(dict.fromkeys((*_beside(certificate), *rules.revocations)))
    revoked = revocations_of(payload_digest(envelope), lists, trust)
    findings = [
        *signed.findings,
        *windows(signed, said, trust, where),
        *revoked.findings,
        *_dates(said, at_ns, where),
        *_clock(at_ns, _newest(rules, signed, revoked, trust)),
        *enough(signed, said, trust, rules.require_signatures, rules.require_signers),
        *_wanted(said, subject, profile, min_assurance, where),
        *_old(said, rules.not_before_ns, where),
        *(_evidence(said, evidence, where) if evidence is not None else ()),
    ]
    return Verification(
        ok=not findings,
        findings=tuple(findings),
        certificate=said,
        signers=signed.signers,
        notes=(*signed.notes, *revoked.notes),
    )


def _refused(finding: Finding) -> Verification:
    return Verification(ok=False, findings=(finding,))


def _joined(trust: Trust, keys: tuple[SSlibKey, ...]) -> Trust:
    """Return the trust with `keys` in it; what is distrusted stays so."""
    for known in trust_in(keys).keys:
        before = trust.get(known.keyid)
        if before is None or before.distrusted_ns is None:
            trust = trust.with_key(known)
    return trust


def _beside(certificate: Path) -> tuple[Path, ...]:
    """Return the lists that lie with the certificate: in its directory, and in the home of the run."""
    run_dir = certificate.absolute().parent
    places = [run_dir, *([run_dir.parents[1]] if run_dir.parent.name == "runs" else [])]
    return tuple(path for place in places if (path := place / REVOCATIONS_FILE).exists())


def _newest(rules: VerifyRules, signed: Signed, revoked: Revocations, trust: Trust) -> int:
    """Return when the newest thing was made that is known and believed, in ns since the epoch."""
    return max(
        rules.newest_known_ns or 0,
        *(known.added_ns or 0 for known in trust.keys),
        *(signer.at_ns or 0 for signer in signed.signers if signer.trusted),
        *(entry.remark.at_ns for entry in revoked.obeyed),
        0,
    )


def _clock(at_ns: int, newest_ns: int) -> Iterator[Finding]:
    """Yield when the clock is earlier than what is known to have happened."""
    if at_ns < newest_ns - CLOCK_SLACK_NS:
        text = f"expected {clock.iso(newest_ns)} or later, which something known here was made at"
        yield Finding(what="clock", where="clock", text=f"{text}, was {clock.iso(at_ns)}: set back?")


def _dates(said: Certificate, at_ns: int, where: str) -> Iterator[Finding]:
    now = clock.iso(at_ns)
    if at_ns < said.valid_from_ns:
        text = f"not yet valid: expected at or after {said.valid_from}, was {now}"
        yield Finding(what="not_yet_valid", where=where, text=text)
    if at_ns >= said.expires_ns:
        text = f"expired: expected before {said.expires_at}, was {now}"
        yield Finding(what="expired", where=where, text=text)


def _old(said: Certificate, not_before_ns: int | None, where: str) -> Iterator[Finding]:
    if not_before_ns is not None and said.valid_from_ns < not_before_ns:
        text = f"expected one issued since {clock.iso(not_before_ns)}, was of {said.valid_from}"
        yield Finding(what="older", where=where, text=text)


def _wanted(
    said: Certificate, subject: str | None, profile: str | None, assurance: Assurance | None, where: str
) -> Iterator[Finding]:
    subject_names = (said.subject, said.subject_digest, f"{said.subject}@{said.subject_version}")
    if subject is not None and subject not in subject_names:
        text = f"expected subject {subject}, was {said.subject} ({said.subject_digest})"
        yield Finding(what="subject", where=where, text=text)
    if profile is not None and profile not in (said.profile, said.profile_digest):
        text = f"expected profile {profile}, was {said.profile} ({said.profile_digest})"
        yield Finding(what="profile", where=where, text=text)
    if assurance is not None and said.assurance.rank < assurance.rank:
        text = f"expected assurance {assurance} or better, was {said.assurance}"
        yield Finding(what="assurance", where=where, text=text)


def _evidence(said: Certificate, run_dir: Path, where: str) -> Iterator[Finding]:
    """Yield where the evidence is not what was signed, or does not lead to what was signed."""
    root = said.statement["predicate"]["evidence"]
    journal = root["journal"]
    yield from replay(run_dir, signed_root=(journal["lines"], journal["root"].removeprefix("sha256:")))
    yield from _digests(root, run_dir)
    try:
        result = read_json(run_dir / RESULT_FILE, RunResult)
        verdict = read_json(run_dir / VERDICT_FILE, Verdict)
    except EvidenceError:
        return  # the replay has said so
    for place, text in differences(said.statement, statement(result, verdict, root)):
        yield Finding(what="certificate", where=f"{where}: {place}", text=text)


def _digests(root: dict[str, Any], run_dir: Path) -> Iterator[Finding]:
    """Yield each file of the evidence that is not the one that was signed."""
    for name, digest in root["files"].items():
        yield from _digest(run_dir / name, name, digest)
    for name, digest in root["artifacts"].items():
        yield from _digest(artifact_path(run_dir, name), f"{ARTIFACTS_DIR}/{name}", digest)


def _digest(path: Path, name: str, signed: str) -> Iterator[Finding]:
    try:
        found = f"sha256:{sha256_file(path)}"
    except EvidenceError as error:
        yield Finding(what="digest", where=name, text=str(error).removeprefix(f"{path.name}: "))
        return
    if found != signed:
        yield Finding(what="digest", where=name, text=f"expected {signed} as signed, was {found}")
