"""What a certificate says: an in-toto Statement v1 about the subject, by digest."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from certify.evidence.artifacts import manifest
from certify.evidence.files import (
    JOURNAL_FILE,
    PLAN_FILE,
    RESULT_FILE,
    VERDICT_FILE,
    sha256_file,
    value_bytes,
)
from certify.evidence.journal import JournalReader
from certify.model import codec
from certify.model.ids import Assurance, Outcome
from certify.model.judgement import Verdict
from certify.model.results import CheckResult, RunResult

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:certify:certificate:v1"

SEALED_FILES = (JOURNAL_FILE, PLAN_FILE, RESULT_FILE, VERDICT_FILE)
"""The files of the run directory whose digests the certificate carries."""

_LARGEST_SAFE_INT = 2**53 - 1
"""Beyond it a JSON number is read as another one by every reader that keeps numbers as doubles."""


def statement(result: RunResult, verdict: Verdict, root: dict[str, Any]) -> dict[str, Any]:
    """Return the statement on a run whose evidence has the root `root`; pure."""
    algorithm, _, digest = result.subject.digest.rpartition(":")
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": result.subject.name, "digest": {algorithm or "sha256": digest}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": safe_for_json(_predicate(result, verdict, root)),
    }


def statement_bytes(data: dict[str, Any]) -> bytes:
    """Return the statement as the bytes that are signed."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", errors="backslashreplace")


def safe_for_json(data: Any) -> Any:
    """Return JSON-ready data with integers beyond 2^53 as strings, so that every reader reads the same."""
    if isinstance(data, dict):
        return {key: safe_for_json(value) for key, value in data.items()}
    if isinstance(data, list):
        return [safe_for_json(value) for value in data]
    if isinstance(data, int) and abs(data) > _LARGEST_SAFE_INT:
        return str(data)
    return data


def _predicate(result: RunResult, verdict: Verdict, root: dict[str, Any]) -> dict[str, Any]:
    return {
        "summary": _summary(result, verdict),
        "run_id": result.run_id,
        "subject_version": result.subject.version,
        "profile": codec.encode(result.profile, tag=False),
        "plan": {"digest": result.plan_digest},
        "evidence": root,
        "scope": {
            "components": dict(result.scope.components),
            "out_of_scope": dict(result.scope.out_of_scope),
            "waived": [_left_out(check) for check in result.checks if check.waived],
            "not_evaluated": [_left_out(check) for check in result.checks if not check.outcome.evaluated],
            "systems": dict(result.systems),
        },
        "tool": {"name": "certify", "version": result.tool_version},
        **_fingerprint(result),
        **_verdict_fields(verdict),
    }


def _fingerprint(result: RunResult) -> dict[str, Any]:
    """Return what the run stands on; nothing where the run's version did not record it."""
    if result.fingerprint is None:
        return {}
    return {"fingerprint": codec.encode(result.fingerprint, tag=False)}


def _verdict_fields(verdict: Verdict) -> dict[str, Any]:
    """Return what the certificate repeats of the verdict."""
    fields: dict[str, Any] = codec.encode(verdict, tag=False)
    repeated = (
        "grade",
        "assurance",
        "score",
        "phase_scores",
        "rules",
        "conditions",
        "waivers",
        "valid_from",
        "expires_at",
    )
    return {name: fields[name] for name in repeated}


def evidence_root(run_dir: Path) -> dict[str, Any]:
    """Return the root of the evidence: the journal's last hash and the digest of every file.

    Raises:
        EvidenceError: a file is missing or the journal is damaged.
    """
    journal = JournalReader(run_dir / JOURNAL_FILE)
    for _ in journal:
        pass
    artifacts = manifest(run_dir)
    return {
        "journal": {"root": f"sha256:{journal.root_hash}", "lines": journal.lines},
        "files": {name: f"sha256:{sha256_file(run_dir / name)}" for name in SEALED_FILES},
        "artifacts": {artifact.name: f"sha256:{artifact.sha256}" for artifact in artifacts},
        "artifacts_manifest": "sha256:" + hashlib.sha256(value_bytes(artifacts)).hexdigest(),
    }


def _summary(result: RunResult, verdict: Verdict) -> str:
    """Say the whole in one line; what was only simulated begins with that."""
    simulated = "SIMULATED: " if verdict.assurance is Assurance.SIMULATED else ""
    return (
        f"{simulated}{result.subject.name} {result.subject.version} is {verdict.grade} by profile"
        f" {result.profile.name}, measured on {verdict.assurance}, until {verdict.expires_at}"
    )


def _left_out(check: CheckResult) -> dict[str, str]:
    kept = {"check": check.id, "outcome": str(check.outcome), "message": check.message}
    return kept if check.outcome is not Outcome.PASSED else {**kept, "message": ""}
