"""`certify gateway` as a user starts it."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys

import pytest

CERTIFY = (sys.executable, "-c", "from certify.cli import main; main()", "gateway")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*CERTIFY, *arguments], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_listens_serves_and_ends_orderly(number):
    with subprocess.Popen(
        [
            *CERTIFY,
            "--port",
            "0",
            "--account",
            "DU5=5000",
            "--account",
            "DU6",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        said = process.stderr.readline()
        assert "SIMULATED" in said
        port = int(re.search(r"127\.0\.0\.1:(\d+)", said)[1])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
            raw.sendall(b"API\0\0\0\0\x09v157..178")
            assert raw.recv(100)[4:8] == b"178\0"
            raw.sendall(b"\0\0\0\x0871\x002\x003\0\0")
            assert b"DU5,DU6" in raw.recv(1000)
            process.send_signal(number)
            out, rest = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == ""
    assert rest == ""


def test_a_port_in_use_is_one_line_and_exit_2():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("--port", str(port))
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert f"127.0.0.1:{port}: the port is in use" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "loopback only"),
        (["--max-version", "200"], "157 to 178"),
        (["--account", "DU1=much"], "the cash of DU1"),
        (["--script", "no-such-file.yaml"], "no-such-file.yaml"),
        (["--pacing", "-1"], "pacing"),
    ],
)
def test_what_cannot_work_is_one_line_and_exit_2(arguments, said):
    ended = run("--port", "0", *arguments)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1
