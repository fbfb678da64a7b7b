"""Finds the files that ship beside the code: `profiles/` and `templates/`.

A wheel carries them as `certify/_data/…`; in a checkout they lie beside the package.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def profiles_dir() -> Path:
    """Return the directory of the shipped profiles; FileNotFoundError when the installation is damaged."""
    return _find("profiles")


def templates_dir() -> Path:
    """Return the directory of the shipped templates; FileNotFoundError when the installation is damaged."""
    return _find("templates")


def _find(name: str) -> Path:
    """Return the installed directory, else the checkout's."""
    places = (_PACKAGE / "_data" / name, _PACKAGE.parent / name)
    for place in places:
        if place.is_dir():
            return place
    raise FileNotFoundError(f"expected the directory {name!r} at {places[0]} or {places[1]}, found neither")
