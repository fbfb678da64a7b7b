"""What a certificate stands on, by digest: when one part differs, it says nothing of what is there today."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal

NONE = ""
"""A part that is known not to be there; `None`: it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemPrint:
    """What one system under certification ran on. `None`: not known."""

    adapter: str | None = None
    """`sha256:…` of the adapter's file; its name where it is found as a module."""
    files: str | None = None
    """`sha256:…` over the files that its options name: recordings, a gateway's script."""
    interpreter: str | None = None
    """Implementation and version: `CPython 3.11.2`."""
    distributions: str | None = None
    """`sha256:…` over name and version of everything that is installed for that interpreter."""
    broker_library: str | None = None
    """Name and version, empty when there is none: `ib_insync 0.9.86`."""
    gateway: str | None = None
    """Newest server version that the broker's gateway speaks; empty when there is no gateway."""
    account: str | None = None
    """What the system said it trades on: simulated, paper, live."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """Everything that was certified, and what it was certified on."""

    subject: str | None = None
    """Digest of the source: the commit and the dirty files, or the files."""
    profile: str | None = None
    """Digest of the profile with everything it extends and includes."""
    limits: str | None = None
    """Digest of the risk limits."""
    platform: str | None = None
    """Operating system and machine: `Linux x86_64`."""
    systems: dict[str, SystemPrint] = field(default_factory=dict)
    """Key of a backend → what it ran on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One part that is not what it was."""

    part: str
    """`subject`, `mock: interpreter`."""
    was: str
    now: str

    def __str__(self) -> str:
        """Return as `subject has changed (sha256:1234… → sha256:5678…)`."""
        return f"{self.part} has changed ({_short(self.was)} → {_short(self.now)})"


def changes(was: Fingerprint, now: Fingerprint) -> Iterator[Change]:
    """Yield each part of `was` that differs in `now`; what either does not know is not compared."""
    yield from _fields("", was, now)
    for key in dict.fromkeys((*was.systems, *now.systems)):
        before, after = was.systems.get(key), now.systems.get(key)
        if before is None or after is None:
            yield Change(part=f"system {key}", was=_there(before), now=_there(after))
        else:
            yield from _fields(f"{key}: ", before, after)


def _fields(prefix: str, was: Fingerprint | SystemPrint, now: Fingerprint | SystemPrint) -> Iterator[Change]:
    for one in fields(was):
        before, after = getattr(was, one.name), getattr(now, one.name)
        if isinstance(before, str) and isinstance(after, str) and before != after:
            yield Change(part=f"{prefix}{one.name.replace('_', ' ')}", was=before, now=after)


def _there(system: SystemPrint | None) -> str:
    return "not there" if system is None else "there"


def _short(text: str) -> str:
    return f"{text[:15]}…" if text.startswith("sha256:") else text or "none"


def limits_digest(limits: Mapping[str, Decimal]) -> str:
    """Return `sha256:…` of risk limits, in whatever order they were written."""
    text = json.dumps({name: str(value) for name, value in limits.items()}, sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
