"""Evidence goes only when it is old enough, nobody hangs on it, and a person says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from certify.errors import EvidenceError
from certify.evidence.files import write_bytes
from certify.store.retention import DEFAULT_DAYS, pruning, remove, retention_days, write_retention

from .conftest import DAY_NS, START_NS, result_of, write_run

SECOND_NS = 10**9
"""How long each of these runs took."""


def names(store, day: float, **more) -> list[str]:
    found = pruning(store, at_ns=START_NS + round(day * DAY_NS) + SECOND_NS, **more)
    return [one.run_dir.name for one in found.expendable]


def test_a_run_is_kept_for_seven_years_to_the_day(store) -> None:
    run = write_run(store, result_of())
    assert DEFAULT_DAYS >= 7 * 365.25
    assert names(store, DEFAULT_DAYS - 0.001) == []
    assert names(store, DEFAULT_DAYS) == [run.name]


def test_a_profile_may_ask_for_more_or_less_and_a_person_only_for_more(store) -> None:
    short, long = (write_run(store, result_of(day)) for day in (0, 1))
    write_retention(short, 30)
    write_retention(long, 4000)
    assert names(store, 29.9) == []
    assert names(store, 30) == [short.name]
    assert names(store, 30, least_days=60) == []
    assert names(store, 4000, least_days=1) == [short.name]
    assert names(store, 4001) == [short.name, long.name]


def test_the_evidence_of_a_certificate_in_force_stays(store) -> None:
    runs = [
        write_run(store, result_of(day), valid_days=valid) for day, valid in ((0, 9999), (1, 30), (2, 30))
    ]
    other = write_run(store, result_of(3, subject="other"), valid_days=30)
    later = START_NS + (DEFAULT_DAYS + 10) * DAY_NS
    found = pruning(store, at_ns=later)
    assert [one.run_dir for one in found.expendable] == [runs[1]]
    kept = dict(found.kept)
    assert kept[runs[0].name].startswith("its certificate holds until")
    assert kept[runs[2].name] == "the newest certificate of profile staging and subject acme"
    assert kept[other.name] == "the newest certificate of profile staging and subject other"


@pytest.mark.parametrize("file", ["result.json", "certificate.json", "retention.json"])
@pytest.mark.parametrize("content", [b"{", b"[]", b"null", b'{"retention_days": -1}', b'{"payload": 1}'])
def test_what_cannot_be_read_is_kept(store, file, content) -> None:
    run = write_run(store, result_of())
    write_bytes(run / file, content)
    found = pruning(store, at_ns=START_NS + 99_999 * DAY_NS)
    assert found.expendable == ()
    assert found.kept[0][0] == run.name


def test_a_run_without_an_end_and_a_link_are_kept(store, tmp_path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "plan.json").write_bytes(b"{}")
    store.runs_dir.mkdir(parents=True)
    (store.runs_dir / "link").symlink_to(elsewhere)
    (store.runs_dir / "running").mkdir()
    (store.runs_dir / "running" / "plan.json").write_bytes(b"{}")
    found = pruning(store, at_ns=START_NS + 99_999 * DAY_NS)
    assert found.expendable == ()
    assert {name for name, _ in found.kept} == {"link", "running"}


def test_what_goes_goes_whole_and_nothing_else(store) -> None:
    old, young = write_run(store, result_of(0)), write_run(store, result_of(10))
    found = pruning(store, at_ns=START_NS + (DEFAULT_DAYS + 5) * DAY_NS)
    (one,) = found.expendable
    assert one.size_bytes == sum(path.stat().st_size for path in old.iterdir())
    assert old.is_dir()  # looking deletes nothing
    assert remove(store, found.expendable) == (old,)
    assert store.all() == [young]
    assert sorted(path.name for path in store.home.iterdir()) == ["runs"]


def test_a_retention_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert retention_days(tmp_path) == DEFAULT_DAYS
    write_retention(tmp_path, None)
    assert retention_days(tmp_path) == DEFAULT_DAYS
    write_retention(tmp_path, 3660)
    assert retention_days(tmp_path) == 3660
    (tmp_path / "retention.json").write_bytes(b'{"retention_days": true}')
    with pytest.raises(EvidenceError, match="whole days"):
        retention_days(tmp_path)
