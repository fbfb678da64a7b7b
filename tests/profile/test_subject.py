from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from certify.model.results import Subject
from certify.profile.model import SubjectSpec
from certify.profile.subject import UNVERSIONED, subject_of

SPEC = SubjectSpec(name="acme")


def git(directory: Path, *arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], cwd=directory, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "r"
    (root / "src").mkdir(parents=True)
    (root / "src/a.py").write_text("a = 1\n")
    (root / "other.txt").write_text("x\n")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "first")
    return root


def of(directory: Path, *paths: str) -> Subject:
    return subject_of(SubjectSpec(name="acme", paths=paths or (".",)), directory)


def test_a_clean_repository_is_its_commit(repository: Path) -> None:
    first = of(repository)
    assert first == of(repository)
    assert first.digest == of(repository, "src").digest
    assert not first.version.endswith("-dirty")
    git(repository, "commit", "-q", "--allow-empty", "-m", "second")
    assert of(repository).digest != first.digest


def test_a_changed_file_changes_the_digest_and_back(repository: Path) -> None:
    clean = of(repository)
    (repository / "src/a.py").write_text("a = 2\n")
    dirty = of(repository)
    assert dirty.version.endswith("-dirty")
    assert dirty.digest != clean.digest
    (repository / "src/a.py").write_text("a = 3\n")
    assert of(repository).digest not in (clean.digest, dirty.digest)
    (repository / "src/a.py").write_text("a = 1\n")
    assert of(repository) == clean


def test_new_and_deleted_files_count(repository: Path) -> None:
    clean = of(repository)
    (repository / "src/née \n b.py").write_text("")
    assert of(repository).digest != clean.digest
    (repository / "src/née \n b.py").unlink()
    (repository / "src/a.py").unlink()
    assert of(repository).digest != clean.digest


def test_only_the_paths_count(repository: Path) -> None:
    clean = of(repository, "src")
    (repository / "other.txt").write_text("y\n")
    assert of(repository, "src").digest == clean.digest
    assert of(repository).digest != clean.digest


def test_what_a_run_writes_does_not_change_what_is_certified(repository: Path) -> None:
    clean = of(repository)
    (repository / ".certify/runs").mkdir(parents=True)
    (repository / ".certify/runs/events.jsonl").write_text("{}\n")
    assert of(repository).digest == clean.digest


def test_the_digest_is_the_same_from_below_the_root(repository: Path) -> None:
    (repository / "src/a.py").write_text("a = 2\n")
    assert of(repository, "src").digest == of(repository / "src").digest


def test_a_given_version_is_kept(repository: Path) -> None:
    assert subject_of(SubjectSpec(name="acme", version="1.2"), repository).version == "1.2"


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    root = tmp_path / "plain"
    root.mkdir()
    (root / "a.py").write_text("a = 1\n")
    return root


def test_without_a_repository_the_files_are_hashed(bare: Path) -> None:
    first = of(bare)
    assert first.version == UNVERSIONED
    (bare / "__pycache__").mkdir()
    (bare / "__pycache__/a.pyc").write_text("x")
    assert of(bare) == first
    (bare / "a.py").write_text("a = 2\n")
    assert of(bare).digest != first.digest


def test_without_git_the_files_are_hashed(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert of(repository).version == UNVERSIONED


def test_nothing_about_the_files_fails_a_run(bare: Path) -> None:
    (bare / "broken").symlink_to(bare / "gone")
    (bare / "loop").symlink_to(bare)
    assert of(bare).digest.startswith("sha256:")
    assert of(bare, "not-there").digest != of(bare, "not-there-either").digest
    assert of(bare / "no-directory").digest.startswith("sha256:")
    git(bare, "init", "-q")  # a repository without a commit
    assert of(bare).digest.startswith("sha256:")
