"""What a plan alone says of the fingerprint, and which of its parts a change is seen in."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from certify.model import codec
from certify.model.fingerprint import Fingerprint, SystemPrint, changes
from certify.model.results import ProfileRef, Subject
from certify.plan import BackendPlan, GatewayPlan, planned_fingerprint, with_installed

SUBJECT = Subject(name="acme", version="1", digest="sha256:" + "a" * 64)
PROFILE = ProfileRef(name="staging", digest="sha256:" + "b" * 64)
MOCK = BackendPlan(key="mock", backend="mock", ports=("broker",), adapter="certify.backends.mock:create")


def printed(*backends: BackendPlan, subject: Subject = SUBJECT, **limits: Decimal) -> Fingerprint:
    return planned_fingerprint(subject=subject, profile=PROFILE, limits=limits, backends=backends)


def parts(was: Fingerprint, now: Fingerprint) -> list[str]:
    return [change.part for change in changes(was, now)]


def test_the_same_is_no_change() -> None:
    assert parts(printed(MOCK), printed(MOCK)) == []


@pytest.mark.parametrize(
    ("now", "part"),
    [
        (printed(MOCK, subject=replace(SUBJECT, digest="sha256:c")), "subject"),
        (printed(MOCK, max_order_qty=Decimal(5)), "limits"),
        (printed(replace(MOCK, adapter_digest="sha256:d", adapter="desk.py:create")), "mock: adapter"),
        (printed(replace(MOCK, gateway=GatewayPlan(kind="embedded"))), "mock: gateway"),
        (printed(replace(MOCK, key="python")), "system mock"),
    ],
)
def test_each_part_is_named(now: Fingerprint, part: str) -> None:
    assert parts(printed(MOCK), now)[0] == part


def test_a_recording_counts_by_its_content(tmp_path: Path) -> None:
    tape = tmp_path / "tape.csv"
    backend = replace(MOCK, options={"quotes": {"path": str(tape)}})
    tape.write_text("one")
    before = printed(backend)
    tape.write_text("two")
    assert parts(before, printed(backend)) == ["mock: files"]


def test_what_is_not_known_is_not_compared() -> None:
    told = {"interpreter": "CPython 3.11.2", "distributions": "sha256:e", "broker_library": ""}
    known = printed(MOCK)
    full = replace(known, systems={"mock": with_installed(known.systems["mock"], told)})
    assert parts(full, known) == []
    other = replace(
        known, systems={"mock": with_installed(known.systems["mock"], {**told, "interpreter": "x"})}
    )
    assert parts(full, other) == ["mock: interpreter"]
    (change,) = changes(full, other)
    assert str(change) == "mock: interpreter has changed (CPython 3.11.2 → x)"


def test_it_is_written_and_read_back() -> None:
    value = Fingerprint(subject="s", systems={"a": SystemPrint(account="paper")})
    assert codec.decode(Fingerprint, codec.encode(value, tag=False)) == value
