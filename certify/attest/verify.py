"""Is a certificate acceptable? Offline, with nothing but the public key; with evidence, recomputed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from securesystemslib.signer import SSlibKey

from certify import clock
from certify.attest.envelope import UntrustedKey, opened, parse
from certify.attest.findings import Finding, differences
from certify.attest.replay import replay
from certify.attest.statement import PREDICATE_TYPE, STATEMENT_TYPE, statement
from certify.errors import AttestationError, EvidenceError
from certify.evidence.artifacts import ARTIFACTS_DIR, artifact_path
from certify.evidence.files import RESULT_FILE, VERDICT_FILE, read_json, sha256_file
from certify.model.ids import Assurance
from certify.model.judgement import Verdict
from certify.model.results import RunResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What a certificate says, read from its statement."""

    summary: str
    run_id: str
    grade: str
    assurance: Assurance
    subject: str
    subject_version: str
    subject_digest: str
    """`algorithm:hex`."""
    profile: str
    profile_digest: str
    plan_digest: str
    valid_from: str
    expires_at: str
    conditions: tuple[str, ...]
    statement: dict[str, Any]
    """The whole in-toto statement, as it was signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Whether a certificate is acceptable, and what speaks against it."""

    ok: bool
    findings: tuple[Finding, ...]
    certificate: Certificate | None = None
    """What it says; `None` when its signature is not to be trusted."""


def verify(
    certificate: Path,
    *,
    keys: tuple[SSlibKey, ...],
    at_ns: int,
    subject: str | None = None,
    profile: str | None = None,
    min_assurance: Assurance | None = None,
    evidence: Path | None = None,
) -> Verification:
    """Return whether the certificate is acceptable at `at_ns`, and every reason why not.

    `subject` and `profile` are names or digests; `evidence` is the run directory. Nothing that an
    untrusted signature covers is looked at.
    """
    where = certificate.name
    try:
        said = read_certificate(certificate, keys)
    except UntrustedKey as error:
        return _refused(Finding(what="key", where=where, text=str(error)))
    except AttestationError as error:
        return _refused(Finding(what="signature", where=where, text=str(error)))
    findings = [
        *_dates(said, at_ns, where),
        *_wanted(said, subject, profile, min_assurance, where),
        *(_evidence(said, evidence, where) if evidence is not None else ()),
    ]
    return Verification(ok=not findings, findings=tuple(findings), certificate=said)


def _refused(finding: Finding) -> Verification:
    return Verification(ok=False, findings=(finding,))


def read_certificate(path: Path, keys: tuple[SSlibKey, ...]) -> Certificate:
    """Return what a certificate signed by one of `keys` says; dates and evidence are not looked at.

    Raises:
        UntrustedKey: it is signed by another key.
        AttestationError: it is no certificate, or not as it was signed.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AttestationError(f"expected a certificate, was {error.strerror}") from error
    payload = opened(parse(data), keys)
    try:
        return _certificate(json.loads(payload))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise AttestationError(f"expected a statement of certify, was another: {error!r}") from error


def _certificate(statement: dict[str, Any]) -> Certificate:
    kinds = (statement["_type"], statement["predicateType"])
    if kinds != (STATEMENT_TYPE, PREDICATE_TYPE):
        raise ValueError(f"expected {PREDICATE_TYPE} in {STATEMENT_TYPE}, was {kinds[1]} in {kinds[0]}")
    (subject,) = statement["subject"]
    ((algorithm, digest),) = subject["digest"].items()
    said = statement["predicate"]
    for date in ("valid_from", "expires_at"):
        _ns(said[date])
    return Certificate(
        summary=said["summary"],
        run_id=said["run_id"],
        grade=said["grade"],
        assurance=Assurance(said["assurance"]),
        subject=subject["name"],
        subject_version=said["subject_version"],
        subject_digest=f"{algorithm}:{digest}",
        profile=said["profile"]["name"],
        profile_digest=said["profile"]["digest"],
        plan_digest=said["plan"]["digest"],
        valid_from=said["valid_from"],
        expires_at=said["expires_at"],
        conditions=tuple(said["conditions"]),
        statement=statement,
    )


def _ns(text: str) -> int:
    """Return the nanoseconds since the epoch of an RFC 3339 time with milliseconds."""
    since = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    seconds = since.days * 86_400 + since.seconds
    return seconds * clock.NS_PER_S + since.microseconds * 1000


def _dates(said: Certificate, at_ns: int, where: str) -> Iterator[Finding]:
    now = clock.iso(at_ns)
    if at_ns < _ns(said.valid_from):
        text = f"not yet valid: expected at or after {said.valid_from}, was {now}"
        yield Finding(what="not_yet_valid", where=where, text=text)
    if at_ns >= _ns(said.expires_at):
        text = f"expired: expected before {said.expires_at}, was {now}"
        yield Finding(what="expired", where=where, text=text)


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
