"""Whatever a profile holds, it is loaded or refused with a ProfileError in one line."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certify import resources
from certify.errors import ProfileError
from certify.profile import load_profile
from certify.profile.vocabulary import Vocabulary

SOURCES = [path.read_text() for path in sorted(resources.profiles_dir().glob("*.yaml"))]
WORDS = sorted(
    {word for source in SOURCES for word in source.replace(":", " : ").replace(",", " , ").split()}
)
PIECES = [
    *WORDS, "*a", "&a", "!!python/none", "|", ">", "? ", "- ", "\n", "\n  ", "\t",
    "{", "}", "[", "]", "null", "~",
    "10:30", "1e400", "0x", "\x00", "\ufeff", "é", "\u2028", "'", '"', "%YAML 1.1\n---\n", "<<", "..", "../x",
]  # fmt: skip
KNOWN = Vocabulary(checks={"a.b": {"t": "5s"}}, parameters={"risk.risk": {"t": "5s"}})


def harmless(data: bytes, overrides: tuple[str, ...] = ()) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "p.yaml"
        path.write_bytes(data)
        message = "loaded"
        try:
            load_profile("./p.yaml", overrides, cwd=Path(directory), known=KNOWN, today=date(2026, 6, 1))
        except ProfileError as error:
            message = str(error)
    assert message
    assert "\n" not in message


@given(st.binary(max_size=200))
def test_bytes(data: bytes) -> None:
    harmless(data)


@given(st.text(max_size=200))
def test_text(text: str) -> None:
    harmless(text.encode("utf-8", "surrogatepass"))


@settings(max_examples=200)
@given(st.lists(st.sampled_from(PIECES), max_size=30), st.sampled_from(("", " ")))
def test_words_in_any_order(pieces: list[str], between: str) -> None:
    harmless(("version: 1\nbackend: mock\n" + between.join(pieces)).encode())


@settings(max_examples=200)
@given(st.data())
def test_a_shipped_profile_with_something_wrong(data: st.DataObject) -> None:
    source = data.draw(st.sampled_from(SOURCES))
    start = data.draw(st.integers(0, len(source)))
    end = data.draw(st.integers(start, min(start + 12, len(source))))
    piece = data.draw(st.sampled_from(PIECES) | st.text(max_size=5))
    harmless((source[:start] + piece + source[end:]).encode("utf-8", "surrogatepass"))


@given(st.text(max_size=40) | st.lists(st.sampled_from([*PIECES, ".", "="]), max_size=10).map("".join))
def test_overrides(text: str) -> None:
    harmless(b"version: 1\nbackend: mock\n", (text,))


@given(st.text(max_size=30))
def test_names(name: str) -> None:
    with tempfile.TemporaryDirectory() as directory, pytest.raises(ProfileError) as caught:
        load_profile(name + "-there-is-none", cwd=Path(directory))
    assert "\n" not in str(caught.value)
