"""`certify report` and `certify verify` on a finished run, whole and tampered with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from .conftest import certify


@pytest.fixture
def copy(quick, tmp_path: Path) -> Path:
    """A copy of the shared run that may be changed."""
    return Path(shutil.copytree(quick.run_dir, tmp_path / "runs" / quick.run_dir.name))


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("markdown", "report.md"),
        ("html", "report.html"),
        ("junit", "junit.xml"),
        ("prometheus", "metrics.prom"),
    ],
)
def test_a_report_is_rendered_again_to_the_same_bytes(quick, name, file) -> None:
    done = certify("report", "--format", name, cwd=quick.home)
    assert done.returncode == 0
    assert done.stdout == (quick.run_dir / file).read_text()


def test_a_report_goes_to_a_file_and_its_formats_are_what_they_say(quick, tmp_path) -> None:
    done = certify("report", quick.run_dir, "-f", "junit", "-o", tmp_path / "out.xml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert ET.parse(tmp_path / "out.xml").getroot().tag == "testsuites"
    said = certify("report", quick.run_dir, "-f", "json", cwd=tmp_path)
    assert json.loads(said.stdout)["result"]["run_id"] == quick.run_dir.name


@pytest.mark.parametrize(
    ("arguments", "told"), [(("--format", "pdf"), "pdf"), (("nonesuch",), "no such run; the nearest is")]
)
def test_an_unknown_format_or_run_exits_2(quick, arguments, told) -> None:
    done = certify("report", *arguments, cwd=quick.home)
    assert done.returncode == 2
    assert told in done.stderr


def verify(run_dir: Path, quick, *more: object):
    key = quick.home / "key.pub"
    return certify("verify", run_dir, "--key", key, "--evidence", run_dir, *more, cwd=run_dir)


def test_a_certificate_verifies_with_its_evidence(quick, copy) -> None:
    done = verify(copy, quick)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SIMULATED" in done.stdout
    assert "acceptable" in done.stdout


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("events.jsonl", b'"seed":1,', b'"seed":2,'),
        ("result.json", b'"stop": "completed"', b'"stop": "interrupted"'),
        ("verdict.json", b'"CERTIFIED"', b'"CONDITIONAL"'),
        ("plan.json", b'"mode": "quick"', b'"mode": "standard"'),
        ("certificate.json", b'"sig": "', b'"sig": "ab'),
    ],
)
def test_an_edited_file_is_refused_by_name(quick, copy, file, old, new) -> None:
    path = copy / file
    data = path.read_bytes()
    assert data.count(old) >= 1
    path.write_bytes(data.replace(old, new, 1))
    done = verify(copy, quick)
    assert done.returncode == 6, done.stdout
    assert file in done.stdout + done.stderr
    assert "NOT ACCEPTABLE" in done.stdout or "certify: " in done.stderr


def test_one_flipped_bit_deep_in_the_journal_is_found_at_its_line(quick, copy) -> None:
    lines = (copy / "events.jsonl").read_bytes().splitlines(keepends=True)
    lines[40] = lines[40].replace(b'"at_ns":1', b'"at_ns":2', 1)
    (copy / "events.jsonl").write_bytes(b"".join(lines))
    done = verify(copy, quick)
    assert done.returncode == 6
    assert "events.jsonl:41" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "more", [("--min-assurance", "paper"), ("--subject", "another"), ("--profile", "certified")]
)
def test_what_the_reader_asks_of_it_is_held(quick, copy, more) -> None:
    done = verify(copy, quick, *more)
    assert done.returncode == 6
    assert "NOT ACCEPTABLE" in done.stdout


def test_findings_are_there_for_programs(quick, copy) -> None:
    said = json.loads(verify(copy, quick, "--json").stdout)
    assert (said["ok"], said["findings"], said["notes"]) == (True, [], [])
    assert [(signer["trusted"], len(signer["id"])) for signer in said["signers"]] == [(True, 64)]
    said = json.loads(verify(copy, quick, "--min-assurance", "live", "--json").stdout)
    assert said["ok"] is False
    assert said["findings"]


def test_without_the_key_nothing_is_believed(copy, tmp_path) -> None:
    done = certify("verify", copy, cwd=tmp_path, CERTIFY_KEY=str(tmp_path / "none.pem"))
    assert done.returncode == 6
