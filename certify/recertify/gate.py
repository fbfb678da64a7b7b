"""May a deployment go on? The certificates that it needs, and what speaks against them."""

from __future__ import annotations

from collections.abc import Sequence

from certify.model.ids import Assurance
from certify.recertify.standing import Standing, State


def needed(found: Sequence[Standing], names: Sequence[str]) -> tuple[Standing, ...]:
    """Return the certificates that are needed: those of the profiles or subjects named, else all.

    A name that nobody has stands as a missing one.
    """
    if not names:
        return tuple(found)
    wanted: dict[tuple[str, str], Standing] = {}
    for name in names:
        fits = [one for one in found if name in (one.profile, one.subject, f"{one.subject}/{one.profile}")]
        for one in fits or [_missing(name)]:
            wanted.setdefault((one.profile, one.subject), one)
    return tuple(wanted.values())


def refused(wanted: Sequence[Standing], min_assurance: Assurance | None = None) -> tuple[str, ...]:
    """Return in words what speaks against each certificate that is needed."""
    return tuple(text for one in wanted if (text := _against(one, min_assurance)))


def _against(one: Standing, level: Assurance | None) -> str:
    if not one.state.acceptable:
        return f"{one.name}: {one.state}: {one.reason}"
    if level is not None and (one.assurance is None or one.assurance.rank < level.rank):
        return f"{one.name}: expected assurance {level} or better, was {one.assurance}"
    return ""


def _missing(name: str) -> Standing:
    reason = "no certificate of a profile or subject of that name is known here"
    return Standing(profile=name, subject=name, state=State.MISSING, reason=reason)
