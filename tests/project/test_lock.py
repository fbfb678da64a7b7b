"""The development environment is locked: every dependency pinned, with the hashes of its files."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^(?P<name>[a-z0-9-]+)(?:\[[a-z,]+\])?==(?P<version>\S+)(?P<rest>.*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def lock() -> str:
    return (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def normal_name(requirement: str) -> str:
    """Return the normalised name of the distribution that `requirement` asks for (PEP 503)."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match is not None
    return re.sub(r"[-_.]+", "-", match.group()).lower()


def test_everything_asked_for_is_pinned(lock: str, project: dict[str, Any]) -> None:
    asked = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *project["dependency-groups"]["dev"],
        *(one for extra in project["project"]["optional-dependencies"].values() for one in extra),
    ]
    pinned = {match["name"] for match in PIN.finditer(lock)}
    assert {normal_name(requirement) for requirement in asked} - pinned == set()


def test_every_pin_has_hashes(lock: str) -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", lock)[1:]
    assert len(blocks) > 20
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_no_place_to_install_from_is_written_down(lock: str) -> None:
    assert "://" not in lock
