"""Which profile shows which defect, and what is left out with which reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from certify.cli.pipeline import load
from certify.cli.request import Selection
from certify.cli.selftest.matrix import Case, LeftOut, Matrix, as_json
from certify.cli.selftest.show import print_matrix
from certify.cli.selftest.stages import CARRIED, NEEDS, Stage, carried, share_out
from certify.errors import UsageError
from certify.profile.model import GatewaySpec

MOCK = Stage(name="staging", carries=CARRIED["mock"], out={})
IBKR = Stage(name="ibkr-sim", carries=CARRIED["ibkr"], out={"x.stop": "the system declares orders.stop: no"})
SCOPES = {
    "staging": frozenset({"x.fill", "x.stop"}),
    "ibkr-sim": frozenset({"x.fill", "x.stop", "ib.link"}),
}


def case(where: str, *claims: str) -> Case:
    return Case(defect=f"{where}_broken", text="", where=where, claimed_by=claims)


def places(*cases: Case, stages: tuple[Stage, ...] = (MOCK, IBKR)) -> list[tuple[str, str, tuple[str, ...]]]:
    placed, _ = share_out(cases, stages, SCOPES)
    return [(one.defect, one.profile, one.claimed_by) for one in placed]


def test_the_first_profile_that_can_carry_it_shows_it() -> None:
    assert places(case("ib", "ib.link"), case("system", "x.fill"), case("venue", "x.fill")) == [
        ("system_broken", "staging", ("x.fill",)),
        ("venue_broken", "staging", ("x.fill",)),
        ("ib_broken", "ibkr-sim", ("ib.link",)),
    ]


def test_claims_are_shared_out_so_that_each_is_tried_once() -> None:
    assert places(case("system", "x.fill", "ib.link")) == [
        ("system_broken", "staging", ("x.fill",)),
        ("system_broken", "ibkr-sim", ("ib.link",)),
    ]


def test_an_unclaimed_defect_is_placed_all_the_same() -> None:
    assert places(case("gateway")) == [("gateway_broken", "ibkr-sim", ())]


def test_what_a_profile_cannot_show_is_said() -> None:
    cases = (case("venue", "x.fill"), case("system", "x.stop", "x.fill"), case("ib", "x.gone"))
    placed, left = share_out(cases, (IBKR,), SCOPES)
    assert [(one.defect, one.claimed_by) for one in placed] == [("system_broken", ("x.fill",))]
    assert left == (
        LeftOut(defect="venue_broken", why=f"needs {NEEDS['venue']}", checks=("x.fill",)),
        LeftOut(
            defect="system_broken",
            why="x.stop: the system declares orders.stop: no",
            checks=("x.stop",),
        ),
        LeftOut(defect="ib_broken", why="x.gone: not in scope", checks=("x.gone",)),
    )


def test_left_out_is_shown_and_spoils_only_the_whole(capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    matrix = Matrix(left_out=(LeftOut(defect="late", why="needs backend ibkr", checks=("x.a",)),))
    print_matrix(matrix, sys.stdout)
    shown = capsys.readouterr().out
    assert "LEFT OUT   late" in shown
    assert "1 defects left out" in shown
    assert as_json(matrix)["left_out"] == [{"defect": "late", "why": "needs backend ibkr", "checks": ["x.a"]}]
    assert matrix.ok
    assert not replace(matrix, whole=True).ok


def test_what_the_shipped_profiles_carry() -> None:
    assert carried(load(Selection(profile="staging"))) == CARRIED["mock"]
    assert carried(load(Selection(profile="ibkr-sim"))) == CARRIED["ibkr"]


@pytest.mark.parametrize("name", ["ibkr-paper", "replay"])
def test_a_profile_that_carries_nothing_is_refused(name: str) -> None:
    with pytest.raises(
        UsageError, match="expected backend mock alone, or ibkr with an embedded gateway alone"
    ):
        carried(load(Selection(profile=name)))


def test_a_mixture_is_refused() -> None:
    profile = load(Selection(profile="ibkr-sim"))
    mixed = {**profile.components, "risk": replace(profile.components["risk"], backend="mock", gateway=None)}
    with pytest.raises(UsageError, match="was ibkr, mock"):
        carried(replace(profile, components=mixed))
    other = {
        port: replace(spec, gateway=GatewaySpec(script="s")) for port, spec in profile.components.items()
    }
    assert carried(replace(profile, components=other)) == CARRIED["ibkr"]
