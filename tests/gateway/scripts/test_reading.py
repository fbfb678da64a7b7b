"""Scripts are read strictly: every mistake has a place, and the nearest known name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.errors import ProfileError, UsageError
from certify.gateway.script import Event, load_script, read_script

ACTIONS = {"connectivity": ("state",), "behaviour": ("name", "count", "order_ref"), "read_only": ("on",)}


def test_a_step_says_what_when_and_with_which_arguments() -> None:
    script = read_script(
        "- at: 5s\n  do: connectivity\n  with: {state: lost}\n"
        "- every: 250ms\n  times: 3\n  do: notice\n  with: {code: 2104, text: '2104', req_id: -1}\n"
        "- on: {order: {instrument: AAPL.NASDAQ, side: BUY}}\n  after: 1m\n  skip: 2\n  do: read_only\n"
        "  with: {on: off}\n"
        "- on: connect\n  do: fresh\n"
    )
    first, second, third, fourth = script.steps
    assert (first.at_s, first.action, first.arguments) == (5.0, "connectivity", {"state": "lost"})
    assert (second.every_s, second.times) == (0.25, 3)
    assert second.arguments == {"code": 2104, "text": "2104", "req_id": -1}
    assert third.event == Event(kind="order", only={"instrument": "AAPL.NASDAQ", "side": "BUY"})
    assert (third.after_s, third.skip, third.arguments) == (60.0, 2, {"on": "off"})
    assert fourth.event == Event(kind="connect")


def test_prices_stay_as_written() -> None:
    (step,) = read_script("- {at: 0, do: set_market, with: {bid: 9.990, on: true, name: }}").steps
    assert step.arguments == {"bid": "9.990", "on": True, "name": None}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "s.yaml:1:1: expected a list of steps, was nothing"),
        ("at: 5s", "s.yaml:1:1: expected a list of steps, was a mapping"),
        ("- 5s", "s.yaml:1:3: expected a step, was '5s'"),
        ("- at: 5s", "s.yaml:1:3: nothing to do: expected do: and the name of an action"),
        ("- do: fresh", "s.yaml:1:3: no time: expected at:, every: or on:"),
        ("- at: soon\n  do: fresh", "s.yaml:1:7: expected a time such as 5s or 250ms, was 'soon'"),
        ("- every: 1ms\n  do: fresh", "s.yaml:1:10: expected 10ms or more"),
        ("- at: 5s\n  tims: 2", "s.yaml:2:3: unknown key of a step 'tims': did you mean 'times'?"),
        ("- at: 5s\n  at: 6s", "s.yaml:2:3: 'at' is there twice"),
        ("- at: 5s\n  on: connect\n  do: fresh", "s.yaml:1:3: on: stands for itself, without at: and every:"),
        ("- at: 5s\n  after: 1s\n  do: fresh", "s.yaml:1:3: after: and skip: go with on: only"),
        ("- on: ordr\n  do: fresh", "s.yaml:1:7: unknown event 'ordr': did you mean 'order'?"),
        (
            "- on: {order: {sied: BUY}}\n  do: fresh",
            "s.yaml:1:16: unknown filter of order 'sied': did you mean 'side'?",
        ),
        ("- on: {order: , cancel: }\n  do: fresh", "s.yaml:1:7: expected one event, were 2"),
        ("- on: connect\n  skip: few\n  do: fresh", "s.yaml:2:9: expected a whole number, was 'few'"),
        (
            "- on: order\n  do: bust\n  with: {exec_id: $exec}",
            "s.yaml:3:10: unknown reference '$exec': did you mean '$exec_id'?",
        ),
        (
            "- at: 1s\n  do: bust\n  with: {exec_id: $exec_id}",
            "s.yaml:3:10: unknown reference '$exec_id': expected one of none at all",
        ),
        ("- at: 1s\n  do: bust\n  with: {exec_id: {a: b}}", "s.yaml:3:19: expected a value, was a mapping"),
        ("- at: [1", "s.yaml:1:9: not YAML: expected ',' or ']', but got '<stream end>'"),
        ("- at: 1s\n\tdo: x", "s.yaml:2:1: not YAML: found character '\\t' that cannot start any token"),
    ],
)  # fmt: skip
def test_a_mistake_has_its_place(text: str, said: str) -> None:
    with pytest.raises(ProfileError) as caught:
        read_script(text, "s.yaml")
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("do: conectivity", "s:1:3: unknown action 'conectivity': did you mean 'connectivity'?"),
        (
            "do: behaviour\n  with: {nam: reject}",
            "s:3:10: unknown argument of behaviour 'nam': did you mean 'name'?",
        ),
        ("do: dance", "s:1:3: unknown action 'dance': expected one of behaviour, connectivity, read_only"),
    ],
)
def test_what_the_gateway_does_not_have_is_refused(step: str, said: str) -> None:
    script = read_script(f"- at: 1s\n  {step}", "s")
    with pytest.raises(ProfileError) as caught:
        script.check(ACTIONS)
    assert str(caught.value) == said


def test_a_file_that_cannot_be_read_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read the script .*absent\.yaml: No such file"):
        load_script(tmp_path / "absent.yaml")
    bad = tmp_path / "bad.yaml"
    bad.write_bytes(b"- at: \xff")
    with pytest.raises(ProfileError, match=r"bad\.yaml: not UTF-8"):
        load_script(bad)


@given(st.one_of(st.binary(max_size=200), st.text(alphabet="-:{}[]$&*!|> \nadtonwihs15'\"", max_size=80)))
def test_nothing_but_a_mistake_with_a_place_comes_of_garbage(data: bytes | str) -> None:
    said = "s:"
    try:
        read_script(data, "s")
    except ProfileError as error:
        said = str(error)
    assert said.startswith("s:")


def test_a_bomb_of_aliases_is_refused() -> None:
    lines = ["- &a0 [x]"] + [f"- &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    with pytest.raises(ProfileError, match="expected a step"):
        read_script("\n".join(lines), "s")
    with pytest.raises(ProfileError):
        read_script("[" * 1200, "s")
