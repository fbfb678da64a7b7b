"""docs/cli.md names every command, and the options of those that operate certificates, as `--help` does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from certify.cli import app

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
ROOT = typer.main.get_command(app)


def section(name: str) -> str:
    found = re.search(rf"^## certify {name}\n(.*?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def options(name: str) -> set[str]:
    return {word for option in ROOT.commands[name].params for word in option.opts if word.startswith("--")}


@pytest.mark.parametrize("name", sorted(ROOT.commands))
def test_every_command_is_listed(name: str) -> None:
    assert re.search(rf"^\| `certify {name}\b", PAGE, re.MULTILINE)


@pytest.mark.parametrize("name", ["status", "recertify", "schedule"])
def test_every_option_is_explained_and_no_other(name: str) -> None:
    said = set(re.findall(r"--[a-z][a-z-]*", section(name)))
    assert said == options(name) - {"--help"}
