"""How every certificate that is known stands today, with the reason in words.

The identity of a certificate is its profile's and its subject's name. In force is the newest one of an
identity whose signature holds; older ones are superseded, and do not come back when it is revoked: else
whoever revokes the newest certificate would put the one before it into force.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

from certify import clock
from certify.attest.verify import Certificate, Verification
from certify.model.fingerprint import Change, Fingerprint, changes
from certify.model.ids import Assurance

NS_PER_DAY = 86_400 * clock.NS_PER_S
WITHIN = Fraction(1, 3)
"""The share of its life, at its end, in which a certificate is due."""
_DATED = ("expired", "revoked")


class State(StrEnum):
    """How a certificate stands."""

    VALID = "valid"
    DUE = "due"
    """Valid, and in the last part of its life."""
    STALE = "stale"
    """What was certified is not what is there today."""
    EXPIRED = "expired"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"
    INVALID = "invalid"
    """Its signature does not hold, or nobody knows its key: it says nothing."""
    MISSING = "missing"
    """There is none."""

    @property
    def acceptable(self) -> bool:
        """Whether a deployment may rely on it."""
        return self in (State.VALID, State.DUE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A certificate in a run directory, as it was verified."""

    run_dir: Path
    verification: Verification
    profile: str
    """Its name; by the plan beside it where the signature is not to be trusted."""
    subject: str

    @property
    def identity(self) -> tuple[str, str]:
        """Return what its renewals have in common with it."""
        return self.profile, self.subject

    @property
    def revoked(self) -> bool:
        """Whether somebody trusted has revoked it."""
        return any(finding.what == "revoked" for finding in self.verification.findings)

    @property
    def holds(self) -> bool:
        """Whether it may be in force: signed by a trusted key, and nothing but its dates against it."""
        against = (finding.what for finding in self.verification.findings)
        return self.verification.certificate is not None and all(what in _DATED for what in against)


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """What is there today in the place of what a run stood on."""

    fingerprint: Fingerprint | None = None
    """`None`: it cannot be told."""
    was: Fingerprint | None = None
    """What the certificate recorded; `None` in those of versions that did not."""
    unknown: str = ""
    """Why it cannot be told, or was not recorded."""
    broken: str = ""
    """What is there cannot be certified as it was: its profile is gone, or wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one certificate stands."""

    profile: str
    subject: str
    state: State
    reason: str
    """In plain words."""
    run_dir: Path | None = None
    grade: str = ""
    assurance: Assurance | None = None
    version: str = ""
    """The subject's."""
    issued: str = ""
    expires: str = ""
    renew_at: str = ""
    """From when it is due."""
    left_ns: int | None = None
    """Until it expires; negative when it has."""
    changes: tuple[Change, ...] = ()

    @property
    def name(self) -> str:
        """Return what a person calls it."""
        return f"{self.subject} by {self.profile}" if self.subject != self.profile else self.profile

    @property
    def days_left(self) -> float | None:
        """Return the days until it expires."""
        return None if self.left_ns is None else round(self.left_ns / NS_PER_DAY, 2)


Look = Callable[[Known], Today]


def survey(
    known: Iterable[Known], look: Look, *, at_ns: int, within: Fraction = WITHIN
) -> tuple[Standing, ...]:
    """Return how each certificate stands, by identity, the one in force first, then the newest.

    `look` tells what is there today; it is asked only of a certificate that would be valid.
    """
    groups: dict[tuple[str, str], list[Known]] = {}
    for one in known:
        groups.setdefault(one.identity, []).append(one)
    return tuple(
        standing
        for identity in sorted(groups)
        for standing in _group(groups[identity], look, at_ns=at_ns, within=within)
    )


def current(standings: Iterable[Standing]) -> tuple[Standing, ...]:
    """Return the first of each identity: the one in force, else the newest."""
    found: dict[tuple[str, str], Standing] = {}
    for standing in standings:
        found.setdefault((standing.profile, standing.subject), standing)
    return tuple(found.values())


def _group(known: list[Known], look: Look, *, at_ns: int, within: Fraction) -> Iterator[Standing]:
    newest_first = sorted(known, key=_issued_ns, reverse=True)
    in_force = next((one for one in newest_first if one.holds), None)
    first = in_force or newest_first[0]
    rest = [one for one in newest_first if one is not first]
    for one in (first, *rest):
        state, reason, changes = _state(one, in_force, look, at_ns=at_ns, within=within)
        yield _standing(one, state, reason, changes=changes, at_ns=at_ns, within=within)


def _issued_ns(one: Known) -> tuple[int, str]:
    said = one.verification.certificate
    return (said.valid_from_ns if said else 0, one.run_dir.name)


Judged = tuple[State, str, tuple[Change, ...]]


def _state(one: Known, in_force: Known | None, look: Look, *, at_ns: int, within: Fraction) -> Judged:
    said = one.verification.certificate
    if said is None or not one.holds:
        other = next((f for f in one.verification.findings if f.what not in _DATED), None)
        return State.INVALID, other.text if other else "it cannot be read", ()
    if one.revoked:
        return State.REVOKED, _text(one, "revoked"), ()
    if in_force is not None and one is not in_force:
        return State.SUPERSEDED, f"a newer one is in force: {in_force.run_dir.name}", ()
    if at_ns >= said.expires_ns:
        return State.EXPIRED, _text(one, "expired") or f"expired on {said.expires_at}", ()
    return _alive(look(one), said, at_ns=at_ns, within=within)


def _alive(today: Today, said: Certificate, *, at_ns: int, within: Fraction) -> Judged:
    if today.broken:
        return State.STALE, today.broken, ()
    found = tuple(changes_between(today))
    if found:
        return State.STALE, "; ".join(map(str, found)), found
    noted = f"; {today.unknown}" if today.unknown else ""
    if at_ns >= renew_at_ns(said, within):
        return State.DUE, f"in the last {within} of its life{noted}", ()
    return State.VALID, f"nothing has changed{noted}" if not noted else today.unknown, ()


def changes_between(today: Today) -> Iterator[Change]:
    """Yield what is not as it was; nothing where either is unknown."""
    if today.was is not None and today.fingerprint is not None:
        yield from changes(today.was, today.fingerprint)


def renew_at_ns(said: Certificate, within: Fraction) -> int:
    """Return from when a certificate is due, in ns since the epoch."""
    life_ns = said.expires_ns - said.valid_from_ns
    return said.expires_ns - int(life_ns * within)


def _text(one: Known, what: str) -> str:
    return next((f.text for f in one.verification.findings if f.what == what), "")


def _standing(
    one: Known,
    state: State,
    reason: str,
    *,
    changes: tuple[Change, ...],
    at_ns: int,
    within: Fraction,
) -> Standing:
    said = one.verification.certificate
    if said is None:
        return Standing(
            profile=one.profile, subject=one.subject, state=state, reason=reason, run_dir=one.run_dir
        )
    return Standing(
        profile=one.profile,
        subject=one.subject,
        state=state,
        reason=reason,
        run_dir=one.run_dir,
        grade=said.grade,
        assurance=said.assurance,
        version=said.subject_version,
        issued=said.valid_from,
        expires=said.expires_at,
        renew_at=clock.iso(renew_at_ns(said, within)),
        left_ns=said.expires_ns - at_ns,
        changes=changes,
    )
