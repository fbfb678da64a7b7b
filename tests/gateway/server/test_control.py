"""The control port: every action, one line each way."""

from __future__ import annotations

import json
import socket


def test_an_action_is_done_and_answered_in_one_line(gateway, control, connect):
    commander = control(gateway)
    assert commander.do("describe")["result"] == {
        "simulated": True,
        "accounts": ["DU1000001"],
        "instruments": gateway.do("describe")["instruments"],
        "max_version": 178,
        "port": gateway.port,
        "seed": 0,
    }
    client = connect(gateway)
    client.start(1)
    assert commander.do("connectivity", state="lost") == {"ok": True, "result": None}
    client.error(1100)


def test_what_makes_no_sense_is_refused_in_one_line_and_the_next_is_done(gateway, control):
    commander = control(gateway)
    for line in (b"{", b"[]", b'"do"', b'{"do": 3}', b"\xff\xfe", b"[" * 5000, b"{}"):
        answer = commander.line(line)
        assert answer["ok"] is False
        assert answer["error"]
    assert "no action fly" in commander.do("fly")["error"]
    assert "high" in commander.do("connectivity", state="lost", high=3)["error"]
    assert commander.do("pacing") == {"ok": True, "result": {}}


def test_a_line_without_end_is_refused_and_closed(gateway):
    with socket.create_connection(("127.0.0.1", gateway.address.control_port), timeout=5) as raw:
        raw.sendall(b"x" * 100_000 + b"\n")
        told = b""
        while data := _read(raw):
            told += data
    assert json.loads(told or b'{"ok": false}')["ok"] is False


def _read(raw: socket.socket) -> bytes:
    try:
        return raw.recv(65_536)
    except ConnectionResetError:
        return b""


def test_no_more_than_sixteen_commanders(gateway, control):
    commanders = [control(gateway) for _ in range(16)]
    for each in commanders:
        assert each.do("describe")["ok"]
    with socket.create_connection(("127.0.0.1", gateway.address.control_port), timeout=5) as raw:
        assert _read(raw) == b""
    assert commanders[0].do("describe")["ok"]


def test_without_a_control_port_there_is_none(gateway_with):
    assert gateway_with(control_port=None).address.control_port is None


def test_a_fresh_gateway_keeps_its_control_connections(gateway, control):
    commander = control(gateway)
    assert commander.do("fresh") == {"ok": True, "result": None}
    assert commander.do("describe")["ok"]
