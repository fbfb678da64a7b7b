"""`certify export` makes one file that `certify verify` accepts where nothing else of the run is."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest

from .conftest import certify


@pytest.fixture
def elsewhere(quick, tmp_path: Path) -> Path:
    """Another machine: the archive and the public key, nothing else."""
    place = tmp_path / "elsewhere"
    place.mkdir()
    shutil.copy(quick.home / "key.pub", place)
    done = certify("export", "latest", "--output", place / "run.tar.gz", cwd=quick.home)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(place / "run.tar.gz")
    return place


def verify(place: Path, *more: object):
    return certify(
        "verify", *more, "--key", place / "key.pub", cwd=place, CERTIFY_KEY=str(place / "none.pem")
    )


def test_an_archive_verifies_with_its_evidence_on_another_machine(quick, elsewhere) -> None:
    done = verify(elsewhere, "run.tar.gz", "--evidence", "run.tar.gz", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["ok"] is True
    assert verify(elsewhere, "run.tar.gz").returncode == 0
    shutil.copy(quick.run_dir / "certificate.json", elsewhere / "ours.json")
    assert verify(elsewhere, "ours.json", "--evidence", "run.tar.gz").returncode == 0
    assert verify(elsewhere, "run.tar.gz", "--subject", "another").returncode == 6


def test_evidence_that_was_changed_inside_an_archive_is_refused(elsewhere) -> None:
    archive = elsewhere / "run.tar.gz"
    whole = gzip.decompress(archive.read_bytes())
    changed = whole.replace(b'"stop": "completed"', b'"stop": "cancelled"', 1)
    assert changed != whole
    archive.write_bytes(gzip.compress(changed))
    done = verify(elsewhere, "run.tar.gz", "--evidence", "run.tar.gz")
    assert done.returncode == 6
    assert "result.json: expected sha256" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_name_is_that_of_the_run_and_a_wrong_one_exits_2(quick, elsewhere) -> None:
    done = certify("export", quick.run_dir, cwd=elsewhere)
    assert done.stdout.strip() == f"{quick.run_dir.name}.tar.zst"
    assert verify(elsewhere, done.stdout.strip(), "--evidence", done.stdout.strip()).returncode == 0
    assert certify("export", quick.run_dir, "-o", "run.zip", cwd=elsewhere).returncode == 2
