"""`certify keys`, `revoke`, `sign-off` and what `verify` makes of them, as a person has them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from .conftest import certify


class Desk:
    """A user with a configuration of their own and a copy of the shared run."""

    def __init__(self, quick, home: Path) -> None:
        self.home, self.quick = home, quick
        self.run = Path(shutil.copytree(quick.run_dir, home / ".certify" / "runs" / quick.run_dir.name))
        self.key = home / "key.pem"
        for name in ("key.pem", "key.pub"):
            shutil.copy2(quick.home / name, home / name)

    def __call__(self, *arguments: object, **more: str):
        own = {"CERTIFY_KEY": str(self.key), "XDG_CONFIG_HOME": str(self.home / "config"), **more}
        return certify(*arguments, cwd=self.home, **own)

    def listed(self) -> list[dict[str, object]]:
        return json.loads(self("keys", "--json").stdout)


@pytest.fixture
def desk(quick, tmp_path) -> Desk:
    return Desk(quick, tmp_path)


def test_keys_are_made_listed_and_exported(tmp_path) -> None:
    own = {"CERTIFY_KEY": str(tmp_path / "k.pem"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    assert "No key yet" in certify("keys", cwd=tmp_path, **own).stdout
    made = certify("keys", "new", cwd=tmp_path, **own)
    keyid = made.stdout.strip()
    assert (made.returncode, len(keyid)) == (0, 64)
    assert (tmp_path / "k.pem").stat().st_mode & 0o777 == 0o600
    (row,) = json.loads(certify("keys", "--json", cwd=tmp_path, **own).stdout)
    assert (row["id"], row["current"], row["trusted"], row["state"]) == (keyid, True, True, "in use")
    assert row["where"] == str(tmp_path / "k.pem")
    assert keyid[:16] in certify("keys", cwd=tmp_path, **own).stdout
    again = certify("keys", "new", cwd=tmp_path, **own)
    assert again.returncode == 2
    assert "certify keys rotate" in again.stderr
    done = certify("keys", "export", "-o", "out.pub", cwd=tmp_path, **own)
    assert done.returncode == 0
    assert (tmp_path / "out.pub").read_bytes() == (tmp_path / "k.pub").read_bytes()


def test_a_new_key_may_be_protected(tmp_path) -> None:
    own = {"CERTIFY_KEY": str(tmp_path / "k.pem")}
    nobody = certify("keys", "new", "--passphrase", cwd=tmp_path, **own)
    assert nobody.returncode == 2
    assert "expected one in CERTIFY_KEY_PASSPHRASE" in nobody.stderr
    assert not (tmp_path / "k.pem").exists()
    made = certify("keys", "new", "--passphrase", cwd=tmp_path, CERTIFY_KEY_PASSPHRASE="open sesame", **own)
    assert made.returncode == 0, made.stderr
    assert b"ENCRYPTED" in (tmp_path / "k.pem").read_bytes()
    assert "open sesame" not in made.stdout + made.stderr


def test_rotation_as_a_runbook_has_it(desk) -> None:
    old = desk.listed()[0]["id"]
    assert desk("verify", desk.run).returncode == 0
    done = desk("keys", "rotate", "--name", "before the audit")
    assert done.returncode == 0, done.stderr
    current, archived = desk.listed()
    assert current["id"] == done.stdout.strip() != old
    assert (archived["id"], archived["name"], archived["trusted"]) == (old, "before the audit", True)
    assert archived["state"].startswith("archived, trusted for signatures until 2")
    verified = desk("verify", desk.run)
    assert verified.returncode == 0, verified.stdout
    assert f"signed   before the audit ({old[:16]})" in verified.stdout
    desk("keys", "distrust", "before the audit", "--reason", "stolen")
    refused = desk("verify", desk.run)
    assert refused.returncode == 6
    assert "stolen" in refused.stdout


def test_a_stranger_is_trusted_by_name(desk, tmp_path) -> None:
    elsewhere = {"CERTIFY_KEY": str(tmp_path / "other" / "k.pem")}
    desk("keys", "new", **elsewhere)
    assert desk("verify", desk.run, **elsewhere).returncode == 6
    named = desk("keys", "trust", "key.pub", "--name", "build farm", **elsewhere)
    assert named.returncode == 0, named.stderr
    said = json.loads(desk("verify", desk.run, "--json", **elsewhere).stdout)
    assert said["ok"]
    assert [(signer["id"], signer["name"]) for signer in said["signers"]] == [
        (named.stdout.strip(), "build farm")
    ]
    late = desk("keys", "trust", "key.pub", "--name", "build farm", "--valid-from", "2099-01-01", **elsewhere)
    assert late.returncode == 0
    assert desk("verify", desk.run, **elsewhere).returncode == 6


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("keys", "trust", "none.pub", "--name", "x"), "none.pub: expected a public key"),
        (("keys", "trust", "key.pub", "--name", "\x1b[31m"), "--name: expected"),
        (("keys", "trust", "key.pub", "--name", "x", "--valid-from", "soon"), "--valid-from: expected a day"),
        (("keys", "distrust", "nobody"), "expected one key, was 0"),
        (("keys", "export", "nobody"), "expected one key, was 0"),
        (("revoke", "nonesuch", "--reason", "x"), "no such run"),
        (("revoke", "latest", "--reason", ""), "--reason: expected"),
        (("sign-off", "latest", "--as", "\x07"), "--as: expected"),
        (("sign-off", "latest", "--as", "boss"), "was the issuer's"),
        (("verify", "key.pem", "--not-before", "2026-01-01T00:00:00"), "--not-before: expected a day"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_2(desk, arguments, told) -> None:
    done = desk(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_open_key_is_refused_before_anything_runs(desk) -> None:
    desk.key.chmod(0o644)
    done = desk("run", "--profile", "quick")
    assert done.returncode == 2
    assert f"chmod 600 {desk.key}" in done.stderr
    assert len(list((desk.home / ".certify" / "runs").iterdir())) == 1


def test_a_certificate_is_revoked_once_and_for_all(desk, tmp_path) -> None:
    done = desk("revoke", "latest", "--reason", "wrong venue", "--by", "A. Turing")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2
    refused = desk("verify", desk.run)
    assert refused.returncode == 6
    assert "revoked: revoked on" in refused.stdout
    assert "by A. Turing: wrong venue" in refused.stdout
    again = desk("revoke", desk.run, "--reason", "once more")
    assert (again.returncode, "was revoked already" in again.stderr) == (0, True)
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy2(desk.run / "certificate.json", alone)
    assert desk("verify", alone, "--key", "key.pub", "--out", "nowhere").returncode == 0
    lists = ("--revocations", desk.home / ".certify" / "revocations.json")
    assert desk("verify", alone, "--key", "key.pub", "--out", "nowhere", *lists).returncode == 6


def test_a_named_person_signs_off(desk) -> None:
    desk("keys", "new", "--output", "alice.pem")
    desk("keys", "trust", "alice.pub", "--name", "alice")
    needs_two = ("verify", desk.run, "--evidence", desk.run, "--require-signatures", 2)
    assert desk(*needs_two).returncode == 6
    done = desk("sign-off", "latest", "--as", "head of trading", "--name", "Alice", "--key", "alice.pem")
    assert done.returncode == 0, done.stderr
    verified = desk(*needs_two, "--require-signer", "alice")
    assert verified.returncode == 0, verified.stdout
    assert "head of trading" in verified.stdout
    assert desk("verify", desk.run, "--require-signer", "bob").returncode == 6


def test_nobody_signs_off_what_does_not_verify(desk) -> None:
    desk("keys", "new", "--output", "alice.pem")
    desk("keys", "trust", "alice.pub", "--name", "alice")
    before = (desk.run / "certificate.json").read_bytes()
    with (desk.run / "result.json").open("ab") as file:
        file.write(b" ")
    done = desk("sign-off", "latest", "--as", "head of trading", "--key", "alice.pem")
    assert done.returncode == 6
    assert "result.json" in done.stderr
    assert (desk.run / "certificate.json").read_bytes() == before


def test_an_old_certificate_and_a_clock_set_back(desk) -> None:
    assert desk("verify", desk.run, "--not-before", "2000-01-01").returncode == 0
    old = desk("verify", desk.run, "--not-before", "2099-01-01")
    assert (old.returncode, "older: expected one issued since 2099" in old.stdout) == (6, True)
    (desk.home / ".certify" / "runs" / "20990101T000000Z-quick-0000").mkdir()
    back = desk("verify", desk.run)
    assert back.returncode == 6
    assert "clock: expected 2099-01-01T00:00:00.000Z or later" in back.stdout
