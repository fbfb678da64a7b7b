"""The shipped profile, its small recording and the examples."""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path

import pytest

from certify import resources
from certify.backends.replay.options import read_options
from certify.backends.replay.reader import RecordedFile, merged
from certify.phases.tape import TAPE_CHECKS
from certify.phases.tape.parameters import PARAMETERS
from certify.phases.tape.report import Kind
from certify.plan import backend_plans
from certify.profile.load import load_profile

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples" / "replay").glob("*.yaml"))


def test_the_shipped_recording_passes_every_check(audited, tmp_path):
    profile = load_profile("replay", cwd=tmp_path)
    (plan,) = backend_plans(profile)
    assert plan.ports == ("market_data",)
    files = [RecordedFile(spec) for spec in read_options(plan.options).files]
    audit = audited(merged(files), plan.options, **profile.parameters["integration.market_data"])
    assert audit.failed == set()
    assert audit.report.quotes > 5_000
    assert audit.report.trades > 1_000


def test_the_shipped_recording_is_small_and_what_its_script_writes(tmp_path):
    place = importlib.util.spec_from_file_location("make_sample", ROOT / "examples/replay/make_sample.py")
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    module.main(tmp_path)
    for made in tmp_path.iterdir():
        shipped = resources.profiles_dir() / "data" / made.name
        with unzipped(shipped) as old, unzipped(made) as new:
            assert old.read() == new.read()
    assert sum(path.stat().st_size for path in (resources.profiles_dir() / "data").iterdir()) <= 200_000


def unzipped(path):
    return gzip.open(path, "rt")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_each_example_is_a_profile_with_known_parameters(path):
    profile = load_profile(path, cwd=ROOT)
    known = {parameter.name for card, _ in TAPE_CHECKS for parameter in card.parameters}
    assert set(profile.parameters["integration.market_data"]) <= known
    assert [spec.backend for spec in profile.components.values()] == ["replay"]


def test_every_parameter_belongs_to_a_card():
    assert set(PARAMETERS) == {parameter.name for card, _ in TAPE_CHECKS for parameter in card.parameters}


@pytest.mark.parametrize(
    ("name", "failed"),
    [
        ("iex", set()),
        ("truefx", set()),
        ("taq-per-venue", set()),
        ("taq-nbbo", {"zero_prices", "zero_sizes", "stub_quotes", "crossed", "locked"}),
    ],
)
def test_each_example_says_of_the_shared_recording_what_it_should(shared_data, audited, name, failed):
    profile = load_profile(ROOT / "examples" / "replay" / f"{name}.yaml", cwd=ROOT)
    (plan,) = backend_plans(profile)
    files = [RecordedFile(spec) for spec in read_options(plan.options).files]
    parameters = profile.parameters["integration.market_data"]
    sequenced = all("seq" in file.columns for file in files)
    audit = audited(merged(files), plan.options, **({} if sequenced else {"sequence": "none"}) | parameters)
    assert audit.failed == failed
    if name == "taq-nbbo":
        assert audit.report.finding(Kind.CROSSED).share_of_time == pytest.approx(0.49, abs=0.02)
        assert audit.report.finding(Kind.ZERO_PRICE).count == audit.report.finding(Kind.ZERO_SIZE).count == 96
        assert audit.report.finding(Kind.REPEATED_QUOTE).count == 10_514
