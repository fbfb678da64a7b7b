"""Files of the run directory: whole or not at all, and what was written is what is read."""

from __future__ import annotations

import hashlib
import json
import os
import stat

import pytest

from certify.errors import EvidenceError
from certify.evidence.artifacts import manifest, store_artifact
from certify.evidence.files import read_json, sha256_file, value_bytes, write_bytes, write_json
from certify.model.ids import Assurance, Grade
from certify.model.judgement import Rule, Verdict


def verdict(**changes) -> Verdict:
    values = {
        "run_id": "r1",
        "grade": Grade.CERTIFIED,
        "assurance": Assurance.PAPER,
        "score": 99.5,
        "phase_scores": {"risk": 99.5},
        "rules": (Rule(id="completed", held=True, text="– \udc80 ü"),),
    }
    return Verdict(**{**values, **changes})


def test_a_value_is_written_sorted_and_comes_back(tmp_path):
    path = tmp_path / "a" / "verdict.json"
    write_json(path, verdict())
    assert read_json(path, Verdict) == verdict()
    data = json.loads(path.read_bytes())
    assert list(data) == sorted(data)
    assert "@type" not in path.read_text(encoding="utf-8")
    assert path.read_bytes().endswith(b"\n}\n")
    assert [file.name for file in path.parent.iterdir()] == ["verdict.json"]


def test_the_same_value_is_the_same_bytes():
    assert value_bytes(verdict()) == value_bytes(verdict())


def test_a_file_has_the_mode_that_the_user_s_umask_gives(tmp_path):
    umask = os.umask(0o027)
    try:
        write_bytes(tmp_path / "f", b"x")
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o640


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "verdict.json"
    write_json(path, verdict())
    old = path.read_bytes()

    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("certify.evidence.files.os.fsync", fail)
    with pytest.raises(OSError, match="Input/output"):
        write_json(path, verdict(run_id="r2"))
    assert path.read_bytes() == old
    assert [file.name for file in tmp_path.iterdir()] == ["verdict.json"]


def test_what_does_not_read_back_is_refused(tmp_path):
    with pytest.raises(EvidenceError, match=r"verdict\.json"):
        write_json(tmp_path / "verdict.json", verdict(score="high"))


def test_a_figure_that_json_cannot_say_is_refused(tmp_path):
    with pytest.raises(EvidenceError, match="expected finite numbers"):
        write_json(tmp_path / "verdict.json", verdict(score=float("nan")))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "[]", '{"run_id": 1}', '{"unknown": 1}', "nonsense"])
def test_what_is_no_verdict_is_refused_by_name(tmp_path, content):
    path = tmp_path / "verdict.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(EvidenceError, match=r"^verdict\.json: "):
        read_json(path, Verdict)


def test_a_missing_file_is_evidence_missing(tmp_path):
    with pytest.raises(EvidenceError, match=r"verdict\.json: expected a file, was No such file"):
        read_json(tmp_path / "verdict.json", Verdict)
    with pytest.raises(EvidenceError, match=r"verdict\.json: expected a file, was No such file"):
        sha256_file(tmp_path / "verdict.json")


def test_artifacts_are_listed_by_digest(tmp_path):
    store_artifact(tmp_path, "tape/b.csv", b"b")
    stored = store_artifact(tmp_path, "a.txt", b"aa")
    assert (stored.sha256, stored.size_bytes) == (hashlib.sha256(b"aa").hexdigest(), 2)
    assert [artifact.name for artifact in manifest(tmp_path)] == ["a.txt", "tape/b.csv"]


def test_evidence_is_not_overwritten(tmp_path):
    store_artifact(tmp_path, "a.txt", b"aa")
    assert store_artifact(tmp_path, "a.txt", b"aa").size_bytes == 2
    with pytest.raises(EvidenceError, match="taken by other bytes"):
        store_artifact(tmp_path, "a.txt", b"bb")
    assert (tmp_path / "artifacts/a.txt").read_bytes() == b"aa"


@pytest.mark.parametrize("name", ["", "..", "../result.json", "/etc/passwd", "a/../../b", "a\0b"])
def test_artifacts_stay_in_their_place(tmp_path, name):
    with pytest.raises(EvidenceError, match="expected a name below artifacts/"):
        store_artifact(tmp_path, name, b"x")


def test_a_run_without_artifacts_has_none(tmp_path):
    assert manifest(tmp_path) == ()
