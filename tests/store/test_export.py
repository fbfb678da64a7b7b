"""An archive is the same bytes every time, and nothing in one from elsewhere leaves its place."""

from __future__ import annotations

import gzip
import hashlib
import os
import random
import subprocess
import tarfile
from pathlib import Path

import pytest
import zstandard

from certify.errors import EvidenceError, UsageError
from certify.evidence.artifacts import store_artifact
from certify.evidence.files import value_bytes, write_bytes
from certify.store.archive import (
    MANIFEST_FILE,
    ArchivedFile,
    Bounds,
    Manifest,
    evidence_dir,
    is_archive,
    unpack,
)
from certify.store.export import export

from .conftest import result_of, write_run

KINDS = [".tar.zst", ".tar.gz"]


@pytest.fixture
def run_dir(store) -> Path:
    """A run with everything that lies in a run directory, and some things that do not belong to it."""
    made = write_run(store, result_of(), valid_days=30)
    write_bytes(made / "events.jsonl", b'{"seq":1}\n')
    store_artifact(made, "logs/deep/recording.bin", random.Random(1).randbytes(3_000_000))
    store_artifact(made, "größe: «x».txt", b"1")
    write_bytes(made / "report.md", b"# report\n")
    write_bytes(made / "logs" / "mock.log", b"password=hunter2\n")
    write_bytes(made / "request.json", b'{"profile": "/home/me/profile.yaml"}')
    write_bytes(made / "report.html.tmp", b"half")
    (made / "link").symlink_to("/etc/passwd")
    return made


def content(directory: Path) -> dict[str, bytes]:
    return {p.relative_to(directory).as_posix(): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_exported_comes_back_and_nothing_else(run_dir, tmp_path, kind) -> None:
    archive = tmp_path / f"run{kind}"
    manifest = export(run_dir, archive)
    assert is_archive(archive)
    with evidence_dir(archive) as found:
        assert found.name == run_dir.name
        unpacked = content(found)
    assert not found.exists()
    own = {name: data for name, data in content(run_dir).items() if name in unpacked}
    assert {name: unpacked[name] for name in own} == own
    assert set(unpacked) - set(own) == {MANIFEST_FILE, "SHA256SUMS"}
    assert {file.name for file in manifest.files} == set(own)
    assert {"events.jsonl", "certificate.json", "report.md", "artifacts/logs/deep/recording.bin"} < set(own)
    assert not {"logs/mock.log", "request.json", "link", "report.html.tmp"} & set(unpacked)
    sums = "".join(f"{hashlib.sha256(own[name]).hexdigest()}  {name}\n" for name in sorted(own))
    assert unpacked["SHA256SUMS"].decode() == sums


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_run_is_the_same_bytes(run_dir, tmp_path, kind) -> None:
    export(run_dir, tmp_path / f"a{kind}")
    for path in run_dir.rglob("*.json"):
        os.utime(path, (1, 1))
        path.chmod(0o600)
    export(run_dir, tmp_path / f"b{kind}")
    assert (tmp_path / f"a{kind}").read_bytes() == (tmp_path / f"b{kind}").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"a{kind}", f"b{kind}", "home"]


def test_other_programs_read_it(run_dir, tmp_path) -> None:
    export(run_dir, tmp_path / "run.tar.gz")
    subprocess.run(["tar", "-xzf", "run.tar.gz"], cwd=tmp_path, check=True)
    done = subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"],
        cwd=tmp_path / run_dir.name,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_run_that_is_not_finished_and_a_wrong_name_are_refused(run_dir, tmp_path) -> None:
    with pytest.raises(UsageError, match=r"ends in \.tar\.zst or \.tar\.gz"):
        export(run_dir, tmp_path / "run.zip")
    with pytest.raises(UsageError, match="cannot be written"):
        export(run_dir, tmp_path / "none" / "run.tar.gz")
    (run_dir / "verdict.json").unlink()
    with pytest.raises(EvidenceError, match=r"without verdict\.json"):
        export(run_dir, tmp_path / "run.tar.gz")
    store_artifact(run_dir, "a/b/c/d/e/f/g/h/i", b"")
    write_bytes(run_dir / "verdict.json", b"{}")
    with pytest.raises(EvidenceError, match="expected a depth"):
        export(run_dir, tmp_path / "run.tar.gz")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def member(name: str, data: bytes = b"", **fields) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    return info.tobuf(tarfile.GNU_FORMAT) + data + b"\0" * (-len(data) % 512)


def manifest_of(files: dict[str, bytes], **changes) -> bytes:
    listed = tuple(
        ArchivedFile(name=name, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        for name, data in files.items()
    )
    return value_bytes(Manifest(**{"run_id": "r", "tool_version": "1", "files": listed, **changes}))


GOOD = {"result.json": b"{}\n"}
START = member("r/manifest.json", manifest_of(GOOD)) + member("r/result.json", GOOD["result.json"])
END = bytes(1024)


def packed(place: Path, tar: bytes) -> Path:
    path = place / "hostile.tar.gz"
    path.write_bytes(gzip.compress(tar))
    return path


def test_a_tar_made_by_hand_is_read(tmp_path) -> None:
    found = unpack(packed(tmp_path, START + END), tmp_path / "out")
    assert content(found)["result.json"] == b"{}\n"


BIG = member("r/big")[:124] + b"77777777777\0" + member("r/big")[136:]
HOSTILE = {
    "absolute": member("/etc/cron.d/x", b"x"),
    "parent": member("r/../../x", b"x"),
    "dot": member("r/./result.json", b"x"),
    "empty part": member("r//x", b"x"),
    "other directory": member("other/x", b"x"),
    "top level": member("x", b"x"),
    "too deep": member("r/" + "d/" * 9 + "x", b"x"),
    "control character": member("r/a\x1bb", b"x"),
    "newline": member("r/a\nb", b"x"),
    "symbolic link": member("r/l", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "hard link": member("r/l", type=tarfile.LNKTYPE, linkname="r/result.json"),
    "device": member("r/d", type=tarfile.CHRTYPE),
    "block device": member("r/d", type=tarfile.BLKTYPE),
    "pipe": member("r/d", type=tarfile.FIFOTYPE),
    "directory": member("r/d", type=tarfile.DIRTYPE),
    "sparse": member("r/s", type=tarfile.GNUTYPE_SPARSE),
    "long name header": member("././@LongLink", b"r/x\0", type=tarfile.GNUTYPE_LONGNAME),
    "pax header": member("r/p", b"13 path=/x/y\n", type=tarfile.XHDTYPE),
    "again": member("r/result.json", b"{}\n"),
    "file as directory": member("r/result.json/x", b"x"),
    "negative size": member("r/n")[:124] + b"\xff" * 12 + member("r/n")[136:],
    "not in the manifest": member("r/extra", b"x"),
}


def with_sum(header_and_data: bytes) -> bytes:
    """A member whose header was edited, with the checksum it then needs."""
    header = bytearray(header_and_data[:512])
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    return bytes(header) + header_and_data[512:]


@pytest.mark.parametrize("what", HOSTILE)
def test_what_must_not_be_in_an_archive_is_refused_and_nothing_is_written_outside(tmp_path, what) -> None:
    place = tmp_path / "deep" / "er" / "out"
    place.mkdir(parents=True)
    archive = packed(tmp_path, START + with_sum(HOSTILE[what]) + END)
    with pytest.raises(EvidenceError, match=r"hostile\.tar\.gz: expected an archive of a run"):
        unpack(archive, place)
    outside = [p for p in tmp_path.rglob("*") if p.is_file() and place not in p.parents and p != archive]
    assert outside == []
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))


@pytest.mark.parametrize(
    ("tar", "told"),
    [
        (END, "it is empty"),
        (b"", "cut off"),
        (START[:-100], "cut off"),
        (START, "cut off"),
        (START + END + b"x" * 512, "nothing after its end"),
        (member("r/result.json", b"{}\n") + END, "expected manifest.json, was none"),
        (member("r/manifest.json", manifest_of({**GOOD, "gone": b""})) + START[-1024:] + END, "differ"),
        (member("r/manifest.json", b"[" * 100_000) + END, "expected an archive"),
        (member("r/manifest.json", manifest_of({}, schema="other/1")) + END, "other/1"),
        (member("r/manifest.json", manifest_of(GOOD)) + member("r/result.json", b"{}x") + END, "sha256"),
    ],
)
def test_an_archive_that_is_not_whole_is_refused(tmp_path, tar, told) -> None:
    with pytest.raises(EvidenceError, match=told):
        unpack(packed(tmp_path, tar), tmp_path / "out")


def test_a_bomb_stops_where_it_is_told_to(tmp_path) -> None:
    zeros = bytes(1 << 20)
    big = [member("r/manifest.json", manifest_of(GOOD)), member("r/zeros", zeros * 8)]
    for name, data in (
        ("bomb.tar.gz", gzip.compress(b"".join(big) + END)),
        ("bomb.tar.zst", zstandard.compress(b"".join(big) + END)),
        ("tail.tar.gz", gzip.compress(START + END + zeros * 8)),
        ("claims.tar.gz", gzip.compress(START + with_sum(BIG))),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(EvidenceError, match=r"more than 1,000,000 bytes|cut off"):
            unpack(tmp_path / name, tmp_path / f"out-{name}", Bounds(size_bytes=1_000_000))
        written = sum(p.stat().st_size for p in (tmp_path / f"out-{name}").rglob("*") if p.is_file())
        assert written <= 1_000_000
    many = b"".join(member(f"r/{number}") for number in range(30))
    with pytest.raises(EvidenceError, match="more than 20 files"):
        unpack(packed(tmp_path, many + END), tmp_path / "many", Bounds(files=20))


@pytest.mark.parametrize("kind", KINDS)
def test_any_changed_byte_of_an_archive_is_noticed_or_changes_nothing(run_dir, tmp_path, kind) -> None:
    (run_dir / "artifacts" / "logs" / "deep" / "recording.bin").unlink()
    archive = tmp_path / f"run{kind}"
    export(run_dir, archive)
    whole = archive.read_bytes()
    with evidence_dir(archive) as found:
        right = content(found)
    draw = random.Random(7)
    for number in range(150):
        at = draw.randrange(len(whole))
        changed = whole[:at] + bytes([whole[at] ^ (1 << draw.randrange(8))]) + whole[at + 1 :]
        archive.write_bytes(changed)
        try:
            got = content(unpack(archive, tmp_path / f"out-{number}"))
        except EvidenceError:
            continue
        assert got == right, f"byte {at}"


def test_what_is_no_archive_is_taken_as_it_is(run_dir) -> None:
    with evidence_dir(run_dir) as found:
        assert found == run_dir
    assert not is_archive(run_dir / "result.json")
    assert not is_archive(run_dir / "none")
