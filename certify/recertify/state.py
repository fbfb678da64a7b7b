"""What became of the last attempt to renew each certificate: `recertify.json` in the home directory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from certify.errors import EvidenceError
from certify.evidence.files import read_json, write_json

STATE_FILE = "recertify.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The last attempt to renew one certificate."""

    profile: str
    subject: str
    at_ns: int
    exit_code: int
    text: str
    """In words: the grade, or what went wrong."""
    run_id: str = ""
    """Empty where no run was made."""
    took_s: float = 0.0
    told_expiring_ns: int = 0
    """When somebody was last told that the certificate is about to expire."""

    @property
    def failed(self) -> bool:
        """Whether it left no new certificate."""
        return self.exit_code not in (0, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Every last attempt."""

    schema: str = "certify/recertify/1"
    attempts: tuple[Attempt, ...] = field(default_factory=tuple)

    def of(self, profile: str, subject: str) -> Attempt | None:
        """Return the last attempt for an identity."""
        found = (one for one in self.attempts if (one.profile, one.subject) == (profile, subject))
        return next(found, None)

    def with_attempt(self, attempt: Attempt) -> State:
        """Return the state with this attempt in the place of the one before."""
        own = (attempt.profile, attempt.subject)
        rest = (one for one in self.attempts if (one.profile, one.subject) != own)
        return replace(self, attempts=(*rest, attempt))


def read_state(home: Path) -> State:
    """Return what was kept; nothing where there is none, or where it cannot be read any more.

    What is lost with it is only that something failed: the certificates themselves say the rest.
    """
    try:
        return read_json(home / STATE_FILE, State)
    except EvidenceError:
        return State()


def write_state(home: Path, state: State) -> None:
    """Keep it, so that a reader sees the old or the new."""
    write_json(home / STATE_FILE, state)
