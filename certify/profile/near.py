"""Words for a mistake: what was found, what is known, which known name is nearest."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from certify.errors import ProfileError

_LONGEST_SHOWN = 60
_MOST_LISTED = 12


def shown(value: object) -> str:
    """Return `value` in quotes on one line, cut where it is long."""
    text = str(value)
    return repr(text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` was most likely meant to be, if any is near."""
    names = [str(candidate) for candidate in known]
    close = difflib.get_close_matches(name[:_LONGEST_SHOWN], names, n=1, cutoff=0.6)
    begun = [candidate for candidate in names if name and candidate.startswith(name)]
    return close[0] if close else begun[0] if len(begun) == 1 else None


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Return `unknown WHAT 'NAME'`, followed by the nearest known name, or else by what is known."""
    names = [str(candidate) for candidate in known]
    near = nearest(name, names)
    if near is not None:
        return f"unknown {what} {shown(name)}: did you mean {near!r}?"
    listed = ", ".join(names[:_MOST_LISTED]) + (", …" if len(names) > _MOST_LISTED else "")
    return (
        f"unknown {what} {shown(name)}: expected one of {listed}"
        if names
        else f"unknown {what} {shown(name)}"
    )


def one_line(text: str) -> str:
    """Return `text` without line breaks and control characters."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def profile_error(text: str, *, file: str = "", line: int = 0, column: int = 0) -> ProfileError:
    """Return the error with its text and file brought onto one line."""
    return ProfileError(one_line(text), file=one_line(file), line=line, column=column)
