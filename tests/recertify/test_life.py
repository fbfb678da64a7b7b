"""A certificate's life under a clock that is set on, from the first issue to the revocation."""

from __future__ import annotations

import os
import shutil

import pytest
from filelock import FileLock

from certify.recertify.installed import ask_interpreter
from tests.recertify.conftest import Desk

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def test_a_life(desk: Desk) -> None:
    # issued
    assert desk.status()["code"] == 0
    assert desk.certify("recertify", "--profile", "./tiny.yaml").code == 0
    first = desk.status()
    assert (first["state"], first["code"], first["grade"]) == ("valid", 0, "CERTIFIED")
    assert [facts["CERTIFY_EVENT"] for facts in desk.heard()] == ["pre", "certified"]

    # valid: nothing to do
    desk.pass_days(59)
    said = desk.certify("recertify", "--all")
    assert said.code == 0
    assert "left alone: valid" in said.err
    assert desk.status()["run"] == first["run"]
    assert desk.heard() == []

    # due, renewed; the old one is superseded
    desk.pass_days(2)
    assert (desk.status()["state"], desk.status()["code"]) == ("due", 0)
    assert desk.certify("recertify").code == 0
    second = desk.status()
    assert second["state"] == "valid"
    assert second["days_left"] > 89
    assert [one["state"] for one in second["all"]] == ["valid", "superseded"]
    desk.heard()

    # stale by a commit, renewed
    desk.commit("buy high")
    stale = desk.status("--require", "desk")
    assert (stale["state"], stale["code"]) == ("stale", 6)
    assert [change["part"] for change in stale["changes"]] == ["subject"]
    assert desk.certify("recertify").code == 0
    third = desk.status("--require", "desk", "--min-assurance", "simulated")
    assert (third["state"], third["code"]) == ("valid", 0)
    assert desk.heard()[-1]["CERTIFY_CERTIFICATE"] == third["certificate"]
    assert desk.status("--require", "desk", "--min-assurance", "paper")["code"] == 6

    # a renewal fails: loud, and the one in force stays as it is
    desk.pass_days(70)
    desk.weather("bad")
    said = desk.certify("recertify")
    assert said.code == 1
    assert "the certificate in force stays" in said.err
    assert (desk.status()["state"], desk.status()["run"]) == ("due", third["run"])
    assert desk.status()["expires"] == third["expires"]
    pre, failed = desk.heard()
    assert (pre["CERTIFY_EVENT"], failed["CERTIFY_EVENT"]) == ("pre", "failed")
    assert (failed["CERTIFY_EXIT_CODE"], failed["CERTIFY_EXPIRES"]) == ("1", third["expires"])
    figures = desk.figures()
    assert (figures["certify_renewal_failed"], figures["certify_renewal_exit_code"]) == (1.0, 1.0)
    assert (figures["certify_certificate_state due"], figures["certify_grade NOT_CERTIFIED"]) == (1.0, 1.0)
    assert figures["certify_checks failed"] == 1.0
    assert "desk could not be certified again" in (desk.home / "logs/recertify.log").read_text()

    # about to expire: told once a day
    desk.pass_days(15)
    assert desk.certify("recertify").code == 1
    assert [facts["CERTIFY_EVENT"] for facts in desk.heard()] == ["pre", "failed", "expiring"]
    desk.pass_days(0.5)
    assert desk.certify("recertify").code == 1
    assert [facts["CERTIFY_EVENT"] for facts in desk.heard()] == ["pre", "failed"]

    # expired
    desk.pass_days(5)
    assert (desk.status()["state"], desk.status()["code"]) == ("expired", 6)
    desk.weather("good")
    assert desk.certify("recertify").code == 0
    fourth = desk.status()
    assert fourth["state"] == "valid"

    # revoked: the older ones do not come back, and no machine renews it
    assert desk.certify("revoke", fourth["run"], "--reason", "wrong market data").code == 0
    revoked = desk.status()
    assert (revoked["state"], revoked["run"], revoked["code"]) == ("revoked", fourth["run"], 6)
    assert "wrong market data" in revoked["reason"]
    said = desk.certify("recertify")
    assert (said.code, desk.status()["state"]) == (0, "revoked")
    assert desk.certify("recertify", "--force").code == 0
    assert desk.status()["state"] == "valid"


def test_what_failed_last_time_is_tried_again_though_it_is_not_due(desk: Desk) -> None:
    assert desk.certify("recertify", "--profile", "./tiny.yaml").code == 0
    first = desk.status()
    desk.weather("bad")
    assert desk.certify("recertify", "--force").code == 1
    assert (desk.status()["state"], desk.status()["run"]) == ("valid", first["run"])
    desk.weather("good")
    said = desk.certify("recertify")
    assert said.code == 0
    assert "failed last time: NOT_CERTIFIED" in said.err
    assert desk.status()["run"] != first["run"]
    assert "left alone" in desk.certify("recertify").err


def test_two_schedulers_one_works(desk: Desk) -> None:
    (desk.home / "locks").mkdir(parents=True)
    with FileLock(desk.home / "locks/recertify.lock"):
        said = desk.certify("recertify", "--profile", "./tiny.yaml")
    assert said.code == 0
    assert "another certify recertify is at work" in said.err
    assert not (desk.home / "runs").exists()


def test_a_dry_run_tries_the_hooks_and_nothing_else(desk: Desk) -> None:
    said = desk.certify("recertify", "--profile", "./tiny.yaml", "--dry-run")
    assert said.code == 0
    assert "would be renewed, because missing" in said.err
    assert {(f["CERTIFY_EVENT"], f["CERTIFY_DRY_RUN"]) for f in desk.heard()} == {
        ("pre", "1"),
        ("certified", "1"),
        ("failed", "1"),
        ("expiring", "1"),
    }
    assert not (desk.home / "runs").exists()
    assert not (desk.home / "recertify.json").exists()


def test_a_hook_may_say_no(desk: Desk) -> None:
    profile = desk.place / "tiny.yaml"
    kept = [line for line in profile.read_text().splitlines() if not line.startswith("hooks")]
    profile.write_text("\n".join([*kept, "hooks: {pre: /bin/false}"]))
    said = desk.certify("recertify", "--profile", "./tiny.yaml")
    assert said.code == 3
    assert "not run: hook pre: exit code 1" in said.err
    assert not (desk.home / "runs").exists()


def test_a_profile_that_is_broken_is_stale_and_loud_and_the_certificate_stays(desk: Desk) -> None:
    assert desk.certify("recertify", "--profile", "./tiny.yaml").code == 0
    profile = desk.place / "tiny.yaml"
    profile.write_text(profile.read_text() + "nonsense: 1\n")
    found = desk.status()
    assert (found["state"], found["code"]) == ("stale", 6)
    assert "its profile cannot be used any more" in found["reason"]
    assert desk.certify("recertify").code == 2
    assert desk.status()["run"] == found["run"]
    assert desk.figures()["certify_renewal_exit_code"] == 2.0


def test_a_damaged_certificate_is_never_in_force(desk: Desk) -> None:
    assert desk.certify("recertify", "--profile", "./tiny.yaml").code == 0
    path = desk.home / "runs" / desk.status()["run"] / "certificate.json"
    path.write_bytes(path.read_bytes().replace(b'"payload": "e', b'"payload": "f'))
    found = desk.status()
    assert (found["state"], found["subject"], found["code"]) == ("invalid", "desk", 6)
    assert desk.certify("recertify").code == 0
    assert [one["state"] for one in desk.status()["all"]] == ["valid", "invalid"]


def test_a_gate_looks_at_another_checkout(desk: Desk, tmp_path) -> None:
    assert desk.certify("recertify", "--profile", "./tiny.yaml").code == 0
    other = tmp_path / "checkout"
    desk.place.rename(other)
    home = str(other / ".certify")
    gone = desk.status("--out", home)
    assert (gone["state"], gone["code"]) == ("valid", 0)
    assert "is not known" in gone["reason"]
    assert "nothing has changed" in desk.status("--out", home, "--directory", str(other))["reason"]
    (other / "src" / "strategy.py").write_text("sell")
    assert desk.status("--out", home, "--directory", str(other))["code"] == 6


def test_a_library_that_was_updated_makes_it_stale(desk: Desk, tmp_path, monkeypatch) -> None:
    site = tmp_path / "site"
    (site / "ib_async-1.0.dist-info").mkdir(parents=True)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]))
    ask_interpreter.cache_clear()
    assert desk.certify("recertify", "--profile", "./tiny.yaml").code == 0
    assert desk.status()["reason"] == "nothing has changed"
    (site / "ib_async-1.0.dist-info").rename(site / "ib_async-2.0.dist-info")
    ask_interpreter.cache_clear()
    found = desk.status()
    assert (found["state"], found["code"]) == ("stale", 6)
    assert "python: distributions" in [change["part"] for change in found["changes"]]
    ask_interpreter.cache_clear()
