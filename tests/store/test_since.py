"""What a run is compared with when it ends: the last certificate of its profile and subject."""

from __future__ import annotations

from certify.evidence.files import read_json, write_bytes
from certify.model.comparison import Comparison
from certify.model.ids import Outcome
from certify.plan import plan_bytes
from certify.store.since import last_certified, write_comparison

from .conftest import check, result_of, write_run
from .test_compare import compared


def test_the_last_certificate_is_of_the_same_profile_and_subject(store) -> None:
    first = write_run(store, result_of(0), valid_days=30)
    write_run(store, result_of(1))
    write_run(store, result_of(2, subject="other"), valid_days=30)
    now = write_run(store, result_of(3), valid_days=30)
    write_run(store, result_of(4), valid_days=30)
    assert last_certified(store, now) == first
    assert last_certified(store, first) is None


def test_the_comparison_is_written_or_there_is_none(store) -> None:
    runs = [
        write_run(store, result_of(day, [check("a", outcome)]), valid_days=30)
        for day, outcome in enumerate((Outcome.PASSED, Outcome.FAILED))
    ]
    assert write_comparison(store, runs[1]) is None  # a plan that is none
    for run in runs:
        write_bytes(run / "plan.json", plan_bytes(compared([check("a")]).plan))
    path = write_comparison(store, runs[1])
    found = read_json(path, Comparison)
    assert [change.id for change in found.newly_failing] == ["a"]
    assert found.before.run_id == runs[0].name
    (runs[0] / "certificate.json").unlink()
    assert write_comparison(store, runs[1]) is None
    assert not path.exists()
