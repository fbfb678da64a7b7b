"""A run directory → its rows of the index: nothing is in the index that is not in the evidence."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certify import clock
from certify.attest.times import ns_of
from certify.errors import EvidenceError
from certify.evidence.files import CERTIFICATE_FILE, RESULT_FILE, VERDICT_FILE, read_json, sha256_file
from certify.model.ids import Outcome
from certify.model.judgement import Verdict
from certify.model.results import CheckResult, LoadResult, RunResult

Row = dict[str, Any]
Clean = Callable[[str], str]
"""Masks a text from the system and makes it legible: an index may be read by others than its evidence."""

STAMPED = (RESULT_FILE, VERDICT_FILE, CERTIFICATE_FILE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRows:
    """Everything that the index holds of one run."""

    run: Row
    checks: tuple[Row, ...]
    loads: tuple[Row, ...]
    certificate: Row | None


def home_of(directory: Path) -> str:
    """Return how a home directory is named in an index that many machines share."""
    return plain(f"{socket.gethostname()}:{directory.resolve()}")


def plain(path: str) -> str:
    """Return a path as a database takes it: bytes that are no text become escapes."""
    return path.encode("utf-8", errors="backslashreplace").decode()


def stamp_of(run_dir: Path) -> str | None:
    """Return what changes when the files of a run change; `None` when there is no result yet."""
    parts = []
    for name in STAMPED:
        try:
            found = (run_dir / name).stat()
        except OSError:
            if name != CERTIFICATE_FILE:
                return None
        else:
            parts.append(f"{name} {found.st_size} {found.st_mtime_ns}")
    return "; ".join(parts)


def key_of(result: RunResult) -> str:
    """Return the run's key: the same wherever its evidence lies, another for every other run.

    Run ids have the second and 16 random bits; among many machines they alone may meet.
    """
    parts = (result.run_id, str(result.started_at_ns), result.plan_digest, result.subject.digest)
    return hashlib.sha256("\0".join(parts).encode("utf-8", errors="backslashreplace")).hexdigest()[:32]


def rows_of(run_dir: Path, home: str, clean: Clean) -> RunRows:
    """Return the rows of a finished run.

    Raises:
        EvidenceError: its result, verdict or certificate is missing or damaged.
    """
    stamp = stamp_of(run_dir)  # before reading: a file that changes meanwhile is read again next time
    result = read_json(run_dir / RESULT_FILE, RunResult)
    verdict = read_json(run_dir / VERDICT_FILE, Verdict)
    if verdict.run_id != result.run_id:
        raise EvidenceError(f"{VERDICT_FILE}: expected run {result.run_id}, was {verdict.run_id}")
    key = key_of(result)
    checks = {check.id: check for check in result.checks}  # a result that lists one twice has said so
    loads = {(load.level, load.stream): load for load in result.load}
    place = {"key": key, "home": home, "directory": plain(run_dir.name), "stamp": stamp or ""}
    return RunRows(
        run={**_cleaned(_run(result, verdict), clean), **place},
        checks=tuple(_cleaned(_check(key, check), clean) for check in checks.values()),
        loads=tuple(_cleaned(_load(key, load), clean) for load in loads.values()),
        certificate=_certificate(key, run_dir / CERTIFICATE_FILE, result, clean),
    )


def _run(result: RunResult, verdict: Verdict) -> Row:
    tally = Counter(check.outcome for check in result.checks)
    return {
        "id": result.run_id,
        "profile": result.profile.name,
        "profile_digest": result.profile.digest,
        "subject": result.subject.name,
        "subject_version": result.subject.version,
        "subject_digest": result.subject.digest,
        "plan_digest": result.plan_digest,
        "tool_version": result.tool_version,
        "started_ns": result.started_at_ns,
        "finished_ns": result.finished_at_ns,
        "duration_ms": max(0, result.finished_at_ns - result.started_at_ns) / clock.NS_PER_MS,
        "grade": verdict.grade.value,
        "assurance": verdict.assurance.value,
        "score": verdict.score,
        "stop": result.stop.value,
        "partial_selection": result.partial_selection,
        **{outcome.value: tally[outcome] for outcome in Outcome},
        "flaky": sum(check.flaky for check in result.checks),
        "waived": sum(check.waived for check in result.checks),
    }


def _check(key: str, check: CheckResult) -> Row:
    return {
        "run_key": key,
        "id": check.id,
        "phase": check.phase.value,
        "component": check.component.value,
        "severity": check.severity.value,
        "outcome": check.outcome.value,
        "took_ms": check.took_ms,
        "waived": check.waived,
        "flaky": check.flaky,
        "message": check.message,
    }


def _load(key: str, load: LoadResult) -> Row:
    return {
        "run_key": key,
        "level": load.level,
        "stream": load.stream,
        "offered_per_s": load.offered_per_s,
        "achieved_per_s": load.achieved_per_s,
        "p50_ms": load.latency_ms.p50,
        "p99_ms": load.latency_ms.p99,
        "error_rate": load.error_rate,
        "samples": load.latency_ms.samples,
        "limited": load.generator.limited,
    }


def _certificate(key: str, path: Path, result: RunResult, clean: Clean) -> Row | None:
    """Return what a certificate says of itself; whether it may be believed is not the index's business."""
    if not path.is_file():
        return None
    issued_ns, expires_ns = certificate_dates(path)
    row = {
        "run_key": key,
        "profile": result.profile.name,
        "subject": result.subject.name,
        "issued_ns": issued_ns,
        "expires_ns": expires_ns,
        "digest": f"sha256:{sha256_file(path)}",
    }
    return _cleaned(row, clean)


def certificate_dates(path: Path) -> tuple[int, int]:
    """Return when a certificate says it was issued and expires, in ns; its signature is not looked at.

    Raises:
        EvidenceError: it is no certificate.
    """
    try:
        said = json.loads(base64.b64decode(json.loads(path.read_bytes())["payload"]))["predicate"]
        return ns_of(said["valid_from"]), ns_of(said["expires_at"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError, binascii.Error) as error:
        raise EvidenceError(f"{path.name}: expected a certificate, was not one: {error!r}") from error


def _cleaned(row: Mapping[str, Any], clean: Clean) -> Row:
    return {name: _storable(value, clean) for name, value in row.items()}


def _storable(value: Any, clean: Clean) -> Any:
    """Return what every database takes: legible text, numbers that are some."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float) and not math.isfinite(value):
        return 0.0
    return value
