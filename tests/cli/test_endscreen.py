"""The end screen folds what is long under its own text and leaves commands whole."""

from __future__ import annotations

import io

import pytest
from rich.text import Text

from certify.cli.console import PlainConsole
from certify.cli.endscreen import _fitted

WORDS = "word " * 30


@pytest.mark.parametrize(
    ("start", "inset"),
    [("", 0), ("subject      ", 13), ("  ✗ ", 4), ("    → ", 6), ("    ", 4), ("  - ", 4)],
)
def test_a_long_line_is_folded_under_its_text(start, inset) -> None:
    parts = _fitted(Text(start + WORDS.strip()), PlainConsole(io.StringIO()), 60)
    assert len(parts) > 1
    assert all(part.cell_len <= 60 for part in parts)
    assert parts[0].plain.startswith(start + "word")
    assert all(part.plain.startswith(" " * inset + "word") for part in parts[1:])
    assert sum(part.plain.count("word") for part in parts) == 30


@pytest.mark.parametrize("start", ["next         certify run ", "             certify report "])
def test_a_command_stays_on_one_line(start) -> None:
    line = Text(start + WORDS)
    assert _fitted(line, PlainConsole(io.StringIO()), 60) == [line]


def test_off_a_terminal_nothing_is_folded() -> None:
    line = Text(WORDS)
    assert _fitted(line, PlainConsole(io.StringIO()), None) == [line]
