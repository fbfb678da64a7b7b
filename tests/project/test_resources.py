"""Shipped files are found in the checkout and in an installed wheel."""

from __future__ import annotations

from pathlib import Path

import pytest

from certify import resources

ROOT = Path(__file__).parents[2]


def test_the_checkout_lies_beside_the_package() -> None:
    assert resources.profiles_dir() == ROOT / "profiles"
    assert resources.templates_dir() == ROOT / "templates"


def test_what_the_wheel_carries_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "certify"
    (package / "_data" / "profiles").mkdir(parents=True)
    (tmp_path / "profiles").mkdir()
    monkeypatch.setattr(resources, "_PACKAGE", package)
    assert resources.profiles_dir() == package / "_data" / "profiles"


def test_a_damaged_installation_says_where_it_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "certify")
    with pytest.raises(FileNotFoundError, match=r"templates.*_data"):
        resources.templates_dir()
