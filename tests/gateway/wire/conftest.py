"""The real client library as the judge of the wire: its own encoder and its own decoder, without a socket."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import logging
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

INSTALLED = [name for name in ("ib_insync", "ib_async") if importlib.util.find_spec(name)]


LAST_VERSION = {"ib_insync": 176, "ib_async": 178}


def _spoken(item: pytest.Item) -> bool:
    """Whether the library of a test speaks the version that it is about."""
    params = item.callspec.params if hasattr(item, "callspec") else {}
    return params.get("version", 0) <= LAST_VERSION.get(params.get("library", ""), 999)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    items[:] = [item for item in items if item.path.parent != here or _spoken(item)]


@pytest.fixture(scope="session", params=INSTALLED)
def library(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    """Each library that is installed: ib_insync, ib_async or both."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # eventkit asks for a loop while it is imported
        module = importlib.import_module(request.param)
    yield module
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture(scope="session")
def max_version(library: ModuleType) -> int:
    return int(library.client.Client.MaxClientVersion)


@pytest.fixture
def speak(library: ModuleType) -> Callable[[int], Any]:
    """A client of a server version; `sent` are the payloads that it would have put on the wire."""

    def make(version: int) -> Any:
        client = library.client.Client(SimpleNamespace())
        client.sent = []
        client.sendMsg = lambda text: client.sent.append(text.encode())
        client.connState = client.CONNECTED
        client._serverVersion = version
        return client

    return make


class Recorder:
    """A wrapper that writes down every call."""

    ib = SimpleNamespace(TimezoneTWS="America/New_York")

    def __init__(self) -> None:
        self.defaultEmptyPrice, self.defaultEmptySize, self.defaultTimezone = -1, 0, UTC
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *arguments: self.calls.append((name, arguments))


@pytest.fixture
def read(
    library: ModuleType, caplog: pytest.LogCaptureFixture
) -> Callable[..., list[tuple[str, tuple[Any, ...]]]]:
    """Decode framed answers as the client does; anything that it logs as an error fails the test."""

    def decode(version: int, *frames: bytes) -> list[tuple[str, tuple[Any, ...]]]:
        recorder = Recorder()
        decoder = library.decoder.Decoder(recorder, version)
        with caplog.at_level(logging.WARNING):
            for frame in frames:
                assert int.from_bytes(frame[:4], "big") == len(frame) - 4
                assert frame.endswith(b"\0")
                decoder.interpret(frame[4:-1].decode("ascii").split("\0"))
        assert not caplog.records, caplog.text
        return recorder.calls

    return decode
