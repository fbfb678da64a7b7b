"""Profiles, the catalogue, a first own system, the doctor."""

from __future__ import annotations

import json

import pytest

from certify.cli.doctor.examination import Symptom, as_json, fail, fit, healthy, tell, warn
from certify.cli.naming import profile_name
from certify.cli.pipeline import load
from certify.cli.profile_yaml import profile_text
from certify.cli.request import Selection, read_request, split, write_request
from certify.errors import EvidenceError
from certify.phases.catalogue import cards

from .conftest import ROOT, certify

SHIPPED = ("quick", "staging", "certified", "replay", "ws4-p4")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_profile_that_is_shown_loads_to_the_same_values(name, tmp_path) -> None:
    from dataclasses import replace

    shown = tmp_path / "shown.yaml"
    original = load(Selection(profile=str(ROOT / "profiles" / f"{name}.yaml")))
    shown.write_text(profile_text(original))
    again = load(Selection(profile=str(shown)))
    assert replace(again, path=original.path, digest=original.digest) == original


def test_profiles_are_listed_shown_and_validated(tmp_path) -> None:
    listed = json.loads(certify("profile", "list", "--json", cwd=tmp_path).stdout)
    assert set(SHIPPED) < set(listed)
    shown = certify("profile", "show", "staging", "--set", "seed=5", cwd=tmp_path)
    assert "\nseed: 5\n" in shown.stdout
    assert "duration: 5s" in shown.stdout
    (tmp_path / "bad.yaml").write_text("version: 1\nmode: standart\n")
    (tmp_path / "worse.yaml").write_text("version: 1\nsafety: {max_orders: 5s}\n")
    done = certify("profile", "validate", "quick", "bad.yaml", "worse.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout.startswith("valid: ")
    first, second = done.stderr.splitlines()
    assert first.startswith("certify: bad.yaml:2:7: ")
    assert second.startswith("certify: worse.yaml:2:")
    schema = json.loads(certify("profile", "schema", cwd=tmp_path).stdout)
    assert schema["title"] == "certify profile"
    assert "execution.smoke" in json.dumps(schema)


def test_the_catalogue_is_listed_whole_and_by_phase(tmp_path) -> None:
    every = json.loads(certify("checks", "--json", cwd=tmp_path).stdout)
    assert {card["id"] for card in every} == {card.id for card in cards()}
    some = json.loads(certify("checks", "--phase", "risk", "--json", cwd=tmp_path).stdout)
    assert {card["phase"] for card in some} == {"risk"}
    table = certify("checks", cwd=tmp_path).stdout
    assert f"{len(every)} checks." in table
    assert all(f"  {card['id']} " in table for card in every)


def test_one_card_is_shown_in_full(tmp_path) -> None:
    shown = certify("checks", "execution.smoke", cwd=tmp_path).stdout
    (card,) = [card for card in cards() if card.id == "execution.smoke"]
    for text in (card.title, *card.steps, card.passes_when, card.remedy, *card.references, *card.defects):
        assert text in shown
    done = certify("checks", "execution.smok", cwd=tmp_path)
    assert done.returncode == 2
    assert "did you mean 'execution.smoke'" in done.stderr


def test_what_init_writes_is_certified_at_once(tmp_path) -> None:
    made = certify("init", "my-desk", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    command = made.stdout.split()
    assert command == ["certify", "run", "--profile", "./my-desk/profile.yaml"]
    done = certify(*command[1:], cwd=tmp_path, CERTIFY_KEY=str(tmp_path / "key.pem"))
    assert done.returncode == 0, done.stderr
    assert "SIMULATED ✔ CERTIFIED" in done.stderr
    again = certify("init", "my-desk", cwd=tmp_path)
    assert again.returncode == 2
    assert "there already" in again.stderr


@pytest.mark.parametrize(
    ("directory", "name"), [("My Desk", "my-desk"), ("2nd", "system-2nd"), ("___", "system"), ("a_b", "a-b")]
)
def test_a_directory_gives_a_profile_its_name(tmp_path, directory, name) -> None:
    assert profile_name(tmp_path / directory) == name


def test_the_doctor_looks_at_machine_and_profile(tmp_path) -> None:
    done = certify("doctor", "--profile", "quick", "--json", cwd=tmp_path)
    found = {finding["name"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert done.returncode == 0, done.stdout
    assert {"python", "clock", "waiting", "load", "disk", "key", "dependencies"} < set(found)
    assert found["system mock"]["state"] == "ok"
    assert list(tmp_path.iterdir()) == []


def test_the_doctor_names_what_is_missing(tmp_path) -> None:
    (tmp_path / "adapter.py").write_text("import nonesuch_library\n")
    (tmp_path / "own.yaml").write_text(
        "version: 1\nextends: base\ncomponents:\n"
        "  market_data: {backend: python, adapter: adapter.py:create}\n"
        "  execution: {backend: python, adapter: adapter.py:create, python: no-such-python}\n"
    )
    key = tmp_path / "key.pem"
    key.write_text("not a key")
    key.chmod(0o600)
    done = certify("doctor", "--profile", "own.yaml", cwd=tmp_path, CERTIFY_KEY=str(key))
    assert done.returncode == 3
    failed = [line for line in done.stdout.splitlines() if line.startswith("fail")]
    assert any("nonesuch_library" in line for line in failed), failed
    assert any("no-such-python" in line for line in failed)
    assert any("expected a private key" in line for line in failed)


def test_a_warning_is_no_illness(capsys) -> None:
    import sys

    found: list[Symptom] = [fit("a", "well"), warn("b", "so so", "rest")]
    assert healthy(found)
    assert not healthy([*found, fail("c", "broken", "mend it")])
    tell(found, sys.stdout)
    assert capsys.readouterr().out.splitlines()[1] == "warn  b                so so; rest"
    assert as_json(found)["ok"] is True


def test_a_request_reads_back_with_its_profile_by_whole_path(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    asked = Selection(profile="./own.yaml", overrides=("a=b",), phases=("risk",), checks=("x",), seed=3)
    write_request(asked, tmp_path)
    found = read_request(tmp_path)
    assert found.profile == str(tmp_path / "own.yaml")
    assert (found.overrides, found.phases, found.checks, found.seed) == (("a=b",), ("risk",), ("x",), 3)
    (tmp_path / "request.json").write_text("{}")
    with pytest.raises(EvidenceError, match="damaged"):
        read_request(tmp_path)


def test_lists_may_be_repeated_or_separated_by_commas() -> None:
    assert split(["a, b", "c", ","]) == ("a", "b", "c")
    assert split(None) == ()
