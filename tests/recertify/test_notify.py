"""Notifications and pings: sent where they can be, recorded where not, never fatal, never a secret told."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from certify.recertify.facts import Facts
from certify.recertify.notify import notify, ping

FACTS = Facts(event="failed", profile="staging", subject="acme", reason="three checks failed", version="1.2")


class Listener(HTTPServer):
    """Keeps what it was told."""

    answer = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[tuple[str, str, bytes]] = []

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def _take(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.heard.append((self.command, self.path, body))
        self.send_response(self.server.answer)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = _take  # noqa: N815 - the server calls them so

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_webhook_is_told(listener: Listener) -> None:
    pytest.importorskip("apprise")
    (said,) = notify([f"json://{listener.place}/token-of-ours"], FACTS)
    assert said.endswith(": sent")
    assert "token-of-ours" not in said
    ((_, path, body),) = listener.heard
    told = json.loads(body)
    assert path == "/token-of-ours"
    assert (told["title"], told["type"]) == ("certify: acme could not be certified again", "failure")
    assert "three checks failed" in told["message"]


def test_what_was_not_told_is_recorded(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("apprise")
    listener.answer = 500
    monkeypatch.delenv("NO_SUCH", raising=False)
    said = list(notify([f"json://{listener.place}/x", "nonsense://y", "env:NO_SUCH", "log:"], FACTS))
    assert [": failed" in text for text in said] == [True, True, True, False]
    assert "acme could not be certified" in said[3]


def test_without_apprise_it_is_said_and_nothing_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    (said,) = notify(["json://user:secret@127.0.0.1/x"], FACTS)
    assert "apprise is not installed" in said
    assert "secret" not in said


def test_pings_say_the_moment(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUR_PING", f"http://{listener.place}/uuid")
    assert [ping("env:OUR_PING", moment) for moment in ("start", "", "3")] == [
        "ping env:OUR_PING start: 200",
        "ping env:OUR_PING success: 200",
        "ping env:OUR_PING 3: 200",
    ]
    assert [path for _, path, _ in listener.heard] == ["/uuid/start", "/uuid", "/uuid/3"]


def test_a_ping_that_fails_is_said(listener: Listener) -> None:
    listener.answer = 404
    assert ping(f"http://{listener.place}/secret") == "ping http://127.0.0.1/… success: failed: 404"
    assert "expected an address of http" in ping("file:///etc/passwd")
    assert "failed" in ping("http://127.0.0.1:1/secret", "start", timeout_s=2.0)
    assert ping(None) == ""
