"""Scripts and magic quantities on a gateway that runs, watched through a plain socket's eyes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from certify.errors import ProfileError
from certify.gateway.magic import MAGIC, magic_script
from certify.testing import TestGateway, running_gateway
from tests.gateway.talk import Talk

WAIT_S = 8.0


def until(ask: Callable[[], Any], wanted: Callable[[Any], bool], what: str) -> Any:
    deadline = time.monotonic() + WAIT_S
    while not wanted(found := ask()):
        assert time.monotonic() < deadline, f"waited {WAIT_S:g} s for {what}; last: {found}"
        time.sleep(0.01)
    return found


def script(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "scenario.yaml"
    path.write_text(text)
    return path


def failures(gateway: TestGateway) -> list[str]:
    return gateway._embedded.gateway.failures


def test_steps_come_at_their_times_and_again_after_fresh(tmp_path: Path) -> None:
    steps = script(
        tmp_path,
        "- {at: 50ms, do: open_account, with: {account: DU77}}\n"
        "- {every: 20ms, times: 3, do: notice, with: {code: 2104, text: 'tick'}}\n",
    )
    with running_gateway(script=steps) as gateway:
        accounts = lambda: gateway.do("describe")["accounts"]  # noqa: E731
        until(accounts, lambda found: "DU77" in found, "the account of the script")
        gateway.fresh()
        assert "DU77" not in accounts()
        until(accounts, lambda found: "DU77" in found, "the account once more")
        assert failures(gateway) == []


def test_an_event_does_something_to_the_very_order(tmp_path: Path) -> None:
    steps = script(
        tmp_path,
        "- on: {order: {instrument: AAPL.NASDAQ, side: BUY}}\n"
        "  skip: 1\n"
        "  times: 1\n"
        "  do: behaviour\n"
        "  with: {name: reject, client_id: $client_id}\n",
    )
    with running_gateway(script=steps) as gateway, Talk(gateway, client_id=4) as talk:
        for number in (1, 2, 3):
            talk.place(number, "AAPL", "BUY", 10)
        for number in (1, 3):
            talk.reaches(number, "Filled")
        assert talk.error_about(2) == 201
        assert failures(gateway) == []


def test_a_client_that_comes_and_goes_is_an_event(tmp_path: Path) -> None:
    steps = script(
        tmp_path,
        "- {on: {connect: {client_id: 5}}, do: open_account, with: {account: DUCAME}}\n"
        "- {on: disconnect, after: 10ms, do: open_account, with: {account: DUWENT}}\n",
    )
    with running_gateway(script=steps) as gateway:
        with Talk(gateway, client_id=4):
            assert "DUCAME" not in gateway.do("describe")["accounts"]
        until(lambda: gateway.do("describe")["accounts"], lambda found: "DUWENT" in found, "the parting")
        with Talk(gateway, client_id=5):
            until(lambda: gateway.do("describe")["accounts"], lambda found: "DUCAME" in found, "the coming")


def test_a_step_that_goes_wrong_says_where_and_ends_nothing(tmp_path: Path) -> None:
    steps = script(tmp_path, "- at: 0\n  do: subscribed\n  with: {instrument: X, on: perhaps}\n")
    with running_gateway(script=steps) as gateway:
        (said,) = until(lambda: failures(gateway), bool, "the failure")
        assert "scenario.yaml:1:3" in said
        assert "perhaps" in said
        assert gateway.do("describe")["simulated"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {at: 0, do: conectivity}", "1:3: unknown action 'conectivity': did you mean 'connectivity'?"),
        (
            "- {at: 0, do: farm, with: {kynd: market}}",
            "1:28: unknown argument of farm 'kynd': did you mean 'kind'?",
        ),
    ],
)
def test_an_unknown_name_is_refused_before_anything_runs(tmp_path: Path, text: str, said: str) -> None:
    with (
        pytest.raises(ProfileError, match=r"scenario\.yaml") as caught,
        running_gateway(script=script(tmp_path, text)),
    ):
        pass
    assert str(caught.value).endswith(said)


# -- magic quantities


@pytest.fixture
def magic() -> Any:
    with running_gateway(magic=True, accounts={"DU1": 100_000_000}) as gateway:
        yield gateway
        assert failures(gateway) == []


def test_every_magic_quantity_can_be_carried_out() -> None:
    with running_gateway() as gateway:
        magic_script().check(gateway._embedded.gateway.action_arguments())


def test_without_magic_a_quantity_is_a_quantity() -> None:
    with running_gateway() as gateway, Talk(gateway) as talk:
        talk.place(1, "AAPL", "BUY", 1201)
        talk.reaches(1, "Filled")


@pytest.mark.parametrize(("qty", "code"), [(1201, 201), (1399, 399), (1404, 404), (1321, 321)])
def test_an_order_meets_its_code(magic: TestGateway, qty: int, code: int) -> None:
    with Talk(magic) as talk:
        talk.place(1, "AAPL", "BUY", qty)
        assert talk.error_about(1) == code


@pytest.mark.parametrize(
    ("qty", "first", "then"), [(1101, 1100, 1101), (1102, 1100, 1102), (2103, 2103, 2104)]
)
def test_a_fault_begins_and_ends(magic: TestGateway, qty: int, first: int, then: int) -> None:
    with Talk(magic) as talk:
        talk.place(1, "AAPL", "BUY", qty)
        talk.notice(first)
        talk.notice(then)


def test_executions_are_taken_back_and_corrected(magic: TestGateway) -> None:
    with Talk(magic) as talk:
        talk.place(1, "AAPL", "BUY", 1012)
        corrected = talk.wait(lambda fields: fields[0] == "11" and fields[14].endswith(".02"), "a correction")
        first = talk.wait(lambda fields: fields[14:15] == [f"{corrected[0][14][:-2]}01"], "the execution")
        assert float(first[0][20]) > 100
        assert float(corrected[0][20]) == 1


@pytest.mark.parametrize("qty", [1300, 1301])
def test_the_connection_is_reset(magic: TestGateway, qty: int) -> None:
    with Talk(magic) as talk:
        talk.place(1, "AAPL", "BUY", qty)
        talk.ended()


def test_pieces_and_silence_pass(magic: TestGateway) -> None:
    with Talk(magic) as talk:
        talk.place(1, "AAPL", "BUY", 1303)
        talk.reaches(1, "Filled")


def test_a_change_of_an_order_is_not_a_new_order(magic: TestGateway) -> None:
    with Talk(magic) as talk:
        talk.place(1, "AAPL", "BUY", 10, limit="1.00")
        talk.reaches(1, "Submitted")
        talk.place(1, "AAPL", "BUY", 1201, limit="1.00")
        until(lambda: magic.do("orders"), lambda rows: str(rows[0]["qty"]) == "1201", "the change")


def test_the_table_speaks_of_every_quantity() -> None:
    assert all(entry.says and entry.deeds for entry in MAGIC.values())
