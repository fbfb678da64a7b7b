"""The gateway as a fixture: programs written for IB run against it as they are."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from certify.errors import UsageError
from certify.testing import TestGateway, ib_gateway, running_gateway
from tests.client_library import NAME
from tests.gateway.talk import Talk

__all__ = ["ib_gateway"]

PROGRAM = f'''
"""A program as anybody might have it: nothing in it knows of certify."""
import sys
from {NAME} import IB, Stock, MarketOrder

ib = IB()
ib.connect("127.0.0.1", int(sys.argv[1]), clientId=3)
stock = Stock("MSFT", "SMART", "USD")
ib.qualifyContracts(stock)
trade = ib.placeOrder(stock, MarketOrder("BUY", 10))
while not trade.isDone():
    ib.waitOnUpdate(timeout=5)
print(trade.orderStatus.status, trade.filled(), [p.position for p in ib.positions()])
ib.disconnect()
'''


def test_an_unmodified_program_trades(ib_gateway: TestGateway, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, str(program), str(ib_gateway.port)], capture_output=True, text=True, timeout=30
    )
    assert done.stdout.split() == ["Filled", "10.0", "[10.0]"], done.stderr
    (execution,) = ib_gateway.do("executions")
    assert execution["client_id"] == 3
    assert ib_gateway.do("requests")[3]["PlaceOrder"] == 1


def test_a_fault_is_one_line(ib_gateway: TestGateway, tmp_path: Path) -> None:
    ib_gateway.do("behaviour", name="reject")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, str(program), str(ib_gateway.port)], capture_output=True, text=True, timeout=30
    )
    assert done.stdout.split()[0] in ("Cancelled", "Inactive"), done.stderr
    assert "Error 201" in done.stderr
    assert ib_gateway.do("executions") == []


def test_settings_are_given_by_name() -> None:
    with running_gateway(
        accounts={"DU5": 50_000, "U6": "7.5"}, instruments=["ACME.NASDAQ"], seed=4
    ) as gateway:
        said = gateway.do("describe")
        assert (gateway.account, said["accounts"]) == ("DU5", ["DU5", "U6"])
        assert (said["instruments"], said["seed"]) == (["ACME.NASDAQ"], 4)
        assert said["port"] == gateway.port
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((gateway.host, gateway.port), timeout=5).close()


def test_other_processes_command_it_over_the_control_port(ib_gateway: TestGateway) -> None:
    with socket.create_connection((ib_gateway.host, ib_gateway.control_port), timeout=5) as control:
        lines = control.makefile("rwb")
        lines.write(b'{"do": "describe"}\n{"do": "dance"}\n')
        lines.flush()
        good, bad = (json.loads(lines.readline()) for _ in range(2))
        lines.close()
    assert (good["ok"], good["result"]["port"]) == (True, ib_gateway.port)
    assert not bad["ok"]
    assert "dance" in bad["error"]


def test_nobody_can_take_it_for_the_real_one(ib_gateway: TestGateway) -> None:
    with Talk(ib_gateway) as talk:
        talk.send(104, 5)
        (answer,) = talk.wait(lambda fields: fields[0] == "107", "the user info")
    assert answer == ["107", "5", "certify-simulated-gateway"]


def test_what_makes_no_sense_is_refused(ib_gateway: TestGateway) -> None:
    with pytest.raises(UsageError, match="dance"):
        ib_gateway.do("dance")
    with pytest.raises(UsageError, match="version"), running_gateway(max_version=12):
        pass
