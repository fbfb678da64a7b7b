"""Unmodified client libraries go through a whole session with the simulated gateway."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients.running import TROUBLE, certify_gateway, command_of, interpreter, run_client

HIGHEST = {"ib_insync": 176, "ib_async": 178, "ibapi_981": 157, "ibapi_1046": 178, "node": 178}
SESSIONS = [
    (client, version)
    for client, highest in HIGHEST.items()
    for version in (157, 176, 178)
    if version <= highest or version == 178
]
NOTICES = {0, 202, 2104, 2106, 2107, 2108, 2119, 2158}
"""Codes of errors that tell of nothing wrong."""


@pytest.fixture(params=SESSIONS, ids=lambda session: f"{session[0]}-{session[1]}")
def session(request: pytest.FixtureRequest) -> tuple[str, int]:
    return request.param


def test_a_whole_session(session: tuple[str, int]) -> None:
    client, version = session
    command = command_of(client)
    with certify_gateway("--max-version", str(version)) as port:
        seen, talk = run_client(command, port)
    old_node = client == "node" and version < 177  # its decoder forgets faProfile in completedOrder
    assert old_node or not TROUBLE.search(talk), talk
    wrong = [error for error in seen["errors"] if error[1] not in NOTICES]
    assert wrong == [] or (old_node and all("COMPLETED_ORDER" in error[2] for error in wrong))
    assert seen["version"] == min(version, HIGHEST[client])
    for look in (account, contract, quotes, market_order, limit_order, *([] if old_node else [completed])):
        look(seen)


def account(seen: dict[str, Any]) -> None:
    assert all(name.startswith("DU") for name in seen["accounts"])
    assert len(seen["accounts"]) == 1
    assert float(seen["summary"]["NetLiquidation"]) == 1_000_000
    assert float(seen["summary"]["BuyingPower"]) > 0


def contract(seen: dict[str, Any]) -> None:
    details = seen["details"]
    assert details["con_id"] == 265598
    assert (details["symbol"], details["primary_exchange"], details["min_tick"]) == ("AAPL", "NASDAQ", 0.01)
    assert re.fullmatch("APPLE INC", details["long_name"], re.IGNORECASE)


def quotes(seen: dict[str, Any]) -> None:
    assert seen["ticks"] >= 5
    assert 0 < seen["quote"]["bid"] < seen["quote"]["ask"]
    assert seen["quote"]["bid_size"] > 0


def market_order(seen: dict[str, Any]) -> None:
    order = seen["market_order"]
    assert (order["status"], order["filled"], sum(order["shares"])) == ("Filled", 100, 100)
    assert order["sides"] == ["BOT"]
    assert order["perm_id"] > 0
    assert order["avg_price"] == pytest.approx(seen["quote"]["ask"], rel=0.05)
    assert sum(order["commissions"]) >= 1
    (position,) = seen["positions"]
    assert (position["symbol"], position["position"]) == ("AAPL", 100)
    cost = order["avg_price"] * 100 + sum(order["commissions"])
    assert position["avg_cost"] * 100 == pytest.approx(cost, abs=0.05)
    assert len(seen["executions"]) == len(order["shares"])


def limit_order(seen: dict[str, Any]) -> None:
    order = seen["limit_order"]
    assert order["changed"] == {"limit": order["asked"], "remaining": 50}
    assert order["final"] == "Cancelled"
    assert "Submitted" in order["statuses"]


def completed(seen: dict[str, Any]) -> None:
    rows = sorted((row["type"], row["status"], row["symbol"]) for row in seen["completed"])
    assert rows == [("LMT", "Cancelled", "AAPL"), ("MKT", "Filled", "AAPL")]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("version", [157, 178])
@pytest.mark.parametrize("client", ["ib_insync", "ib_async"])
def test_everything_else_that_programs_ask_for(client: str, version: int) -> None:
    script = str(Path(__file__).parent / "ib_everything.py")
    command = [interpreter(client), script, client]
    with certify_gateway("--max-version", str(version)) as port:
        seen, talk = run_client(command, port, timeout_s=200)
    assert seen["failed"] == {}
    assert not TROUBLE.search(talk), talk
    for name, holds in EXPECTED.items():
        assert holds(seen["seen"][name]), (name, seen["seen"][name])


EXPECTED: dict[str, Callable[[Any], bool]] = {
    "several_snapshots": all,
    "daily_bars": lambda bars: 5 <= bars <= 11,
    "minute_bars_as_epoch": lambda bars: bars > 10,
    "historical_ticks": all,
    "symbol_search": lambda symbols: "AAPL" in symbols,
    "unknown_contract": lambda found: found in ([], [None]),
    "bracket_takes_profit": lambda states: states == ["Filled", "Cancelled", "Cancelled"],
    "bracket_cancelled_by_its_parent": lambda states: states == ["Cancelled"] * 3,
    "one_cancels_all": lambda states: states == ["Cancelled", "Filled"],
    "order_types": lambda states: set(states) == {"Cancelled"},
    "global_cancel": lambda states: states == ["Cancelled"] * 3,
}
