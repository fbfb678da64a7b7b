"""Issue a certificate: only on a verdict that allows one, only on evidence that replays."""

from __future__ import annotations

from pathlib import Path

from securesystemslib.signer import CryptoSigner

from certify.attest.envelope import opened, parse, seal
from certify.attest.replay import replay
from certify.attest.statement import evidence_root, statement, statement_bytes
from certify.errors import AttestationError
from certify.evidence.files import CERTIFICATE_FILE, VERDICT_FILE, value_bytes, write_bytes
from certify.model.judgement import Verdict
from certify.model.results import RunResult


def issue(result: RunResult, verdict: Verdict, run_dir: Path, key: CryptoSigner) -> Path:
    """Sign the verdict, write `certificate.json` beside its evidence and return its path.

    The journal is closed and `plan.json`, `result.json` and `verdict.json` are written before.

    Raises:
        AttestationError: the verdict allows no certificate, or the evidence does not lead to it.
        EvidenceError: a file of the evidence is missing or damaged.
    """
    if not verdict.certificate:
        raise AttestationError(f"expected a verdict that allows a certificate, was {verdict.grade}")
    _hold_evidence(result, verdict, run_dir)
    data = seal(statement_bytes(statement(result, verdict, evidence_root(run_dir))), key)
    path = run_dir / CERTIFICATE_FILE
    write_bytes(path, data)
    opened(parse(path.read_bytes()), (key.public_key,))
    return path


def _hold_evidence(result: RunResult, verdict: Verdict, run_dir: Path) -> None:
    """Refuse to sign what a third party could not recompute."""
    if findings := replay(run_dir):
        raise AttestationError(f"expected evidence that leads to the verdict: {findings[0]}")
    # What replays is on disk; what is signed has to be the same.
    if result.run_id != verdict.run_id or (run_dir / VERDICT_FILE).read_bytes() != value_bytes(verdict):
        raise AttestationError(f"expected the verdict in {VERDICT_FILE}, was another")
