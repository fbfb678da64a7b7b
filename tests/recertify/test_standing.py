"""How certificates stand: the table of states, what is not known, and what is renewed because of it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify import clock
from certify.attest.findings import Finding
from certify.attest.verify import Certificate, Verification
from certify.errors import UsageError
from certify.model.fingerprint import Fingerprint
from certify.model.ids import Assurance
from certify.recertify.due import share, why_renew
from certify.recertify.gate import needed, refused
from certify.recertify.standing import Known, Standing, State, Today, current, survey
from certify.recertify.state import Attempt

START_NS = 1_767_225_600_000_000_000
DAY_NS = 86_400 * 10**9
SAME = Today(fingerprint=Fingerprint(subject="a"), was=Fingerprint(subject="a"))
OTHER = Today(fingerprint=Fingerprint(subject="b"), was=Fingerprint(subject="a"))


def certificate(day: float, life_days: int = 90) -> Certificate:
    issued_ns = START_NS + int(day * DAY_NS)
    return Certificate(
        summary="",
        run_id="r",
        grade="CERTIFIED",
        assurance=Assurance.PAPER,
        subject="desk",
        subject_version="1",
        subject_digest="sha256:1",
        profile="staging",
        profile_digest="sha256:2",
        plan_digest="sha256:3",
        valid_from=clock.iso(issued_ns),
        expires_at=clock.iso(issued_ns + life_days * DAY_NS),
        conditions=(),
        statement={},
    )


def known(day: float, *against: str) -> Known:
    findings = tuple(Finding(what=what, where="certificate.json", text=f"{what}!") for what in against)
    said = None if "signature" in against else certificate(day)
    found = Verification(ok=not findings, findings=findings, certificate=said)
    return Known(run_dir=Path(f"/runs/{day}"), verification=found, profile="staging", subject="desk")


def states(*certificates: Known, day: float, today: Today = SAME) -> list[State]:
    found = survey(certificates, lambda _: today, at_ns=START_NS + int(day * DAY_NS))
    return [standing.state for standing in found]


@pytest.mark.parametrize(
    ("day", "today", "state"),
    [
        (0, SAME, State.VALID),
        (59.9, SAME, State.VALID),
        (60, SAME, State.DUE),
        (89.9, SAME, State.DUE),
        (90, SAME, State.EXPIRED),
        (1, OTHER, State.STALE),
        (70, OTHER, State.STALE),
        (91, OTHER, State.EXPIRED),
        (1, Today(broken="its profile is gone"), State.STALE),
        (1, Today(unknown="from before"), State.VALID),
        (61, Today(unknown="from before", fingerprint=Fingerprint(subject="b")), State.DUE),
    ],
)
def test_by_its_dates_and_by_what_is_there(day: float, today: Today, state: State) -> None:
    assert states(known(0), day=day, today=today) == [state]


def test_what_is_not_known_is_said() -> None:
    (standing,) = survey([known(0)], lambda _: Today(unknown="from before"), at_ns=START_NS)
    assert (standing.state.acceptable, standing.reason) == (True, "from before")


def test_the_newest_that_holds_is_in_force() -> None:
    assert states(known(0), known(10), day=20) == [State.VALID, State.SUPERSEDED]
    assert states(known(0), known(10, "signature"), day=20) == [State.VALID, State.INVALID]
    assert states(known(0), known(10, "key"), day=20) == [State.VALID, State.INVALID]


def test_an_older_one_does_not_come_back() -> None:
    assert states(known(0), known(10, "revoked"), day=20) == [State.REVOKED, State.SUPERSEDED]


@pytest.mark.parametrize("against", ["clock", "not_yet_valid", "revocation", "key"])
def test_whatever_else_speaks_against_it_makes_it_invalid(against: str) -> None:
    (standing,) = survey([known(0, against)], lambda _: SAME, at_ns=START_NS + DAY_NS)
    assert (standing.state, standing.reason) == (State.INVALID, f"{against}!")


@given(st.integers(0, 200 * DAY_NS), st.fractions(0, 1))
def test_due_is_only_valid_and_late(age_ns: int, within: Fraction) -> None:
    (one,) = survey([known(0)], lambda _: SAME, at_ns=START_NS + age_ns, within=within)
    left_ns = 90 * DAY_NS - age_ns
    late = State.DUE if left_ns <= int(90 * DAY_NS * within) else State.VALID
    assert one.state is (late if left_ns > 0 else State.EXPIRED)
    assert one.left_ns == left_ns


def attempt(exit_code: int) -> Attempt:
    return Attempt(profile="staging", subject="desk", at_ns=0, exit_code=exit_code, text="why")


@pytest.mark.parametrize(
    ("state", "exit_code", "renewed"),
    [
        (State.VALID, None, False),
        (State.VALID, 0, False),
        (State.VALID, 5, False),
        (State.VALID, 1, True),
        (State.VALID, 130, True),
        (State.DUE, 0, True),
        (State.STALE, 0, True),
        (State.EXPIRED, None, True),
        (State.INVALID, None, True),
        (State.MISSING, None, True),
        (State.REVOKED, 1, False),
    ],
)
def test_what_is_renewed(state: State, exit_code: int | None, renewed: bool) -> None:
    standing = Standing(profile="staging", subject="desk", state=state, reason="so")
    last = None if exit_code is None else attempt(exit_code)
    assert bool(why_renew(standing, last)) is renewed
    assert why_renew(standing, last, force=True)


@pytest.mark.parametrize(("text", "value"), [("1/3", "1/3"), ("0.25", "1/4"), ("30%", "3/10"), ("1", "1")])
def test_a_share(text: str, value: str) -> None:
    assert share(text) == Fraction(value)


@pytest.mark.parametrize("text", ["", "2", "-1/3", "1/0", "a third", "nan"])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(UsageError, match="--within"):
        share(text)


def test_a_gate_asks_for_what_it_needs() -> None:
    found = current(survey([known(0)], lambda _: SAME, at_ns=START_NS))
    for name in ("staging", "desk", "desk/staging"):
        assert refused(needed(found, [name])) == ()
    assert refused(needed(found, ["staging"]), Assurance.LIVE) == (
        "desk by staging: expected assurance live or better, was paper",
    )
    (missing,) = refused(needed(found, ["production"]))
    assert missing.startswith("production: missing")
    assert refused(needed((), ())) == ()
