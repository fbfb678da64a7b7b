"""Whom this machine believes: a file of public keys, checked to its schema, and the user's own key."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from securesystemslib.signer import SSlibKey

from certify import clock
from certify.attest.keys import config_dir, own_public_key, public_key, public_key_in, public_pem
from certify.attest.times import ns_of
from certify.errors import AttestationError
from certify.evidence.files import json_bytes, write_bytes

TRUST_VARIABLE = "CERTIFY_TRUST"
"""Environment variable that names another trust file."""
OWN = "own key"
"""What the user's own key is called where the trust file has no name for it."""

LONGEST_NAME = 100
"""Characters of what a key is called."""
_SHORTEST_ID = 8
"""So many digits of a key id are enough to mean it, where they mean one key only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """A public key, and from when to when its signatures count; times in ns since the epoch."""

    key: SSlibKey
    name: str
    added_ns: int | None = None
    valid_from_ns: int | None = None
    valid_until_ns: int | None = None
    distrusted_ns: int | None = None
    reason: str = ""
    """Why it is no longer trusted."""

    @property
    def keyid(self) -> str:
        """Return its id."""
        return self.key.keyid

    def refusal(self, signed_ns: int) -> str:
        """Return why a signature made at `signed_ns` does not count; empty when it does."""
        if self.distrusted_ns is not None:
            because = f": {self.reason}" if self.reason else ""
            return f"expected a trusted key, was distrusted on {clock.iso(self.distrusted_ns)}{because}"
        was = f"was of {clock.iso(signed_ns)}"
        if self.valid_from_ns is not None and signed_ns < self.valid_from_ns:
            return f"expected a signature since {clock.iso(self.valid_from_ns)}, {was}"
        if self.valid_until_ns is not None and signed_ns > self.valid_until_ns:
            return f"expected a signature until {clock.iso(self.valid_until_ns)}, {was}"
        return ""


@dataclass(frozen=True, slots=True)
class Trust:
    """Every key that is known, trusted or expressly not; each once."""

    keys: tuple[TrustedKey, ...] = ()

    def get(self, keyid: str) -> TrustedKey | None:
        """Return the key of that id."""
        return next((known for known in self.keys if known.keyid == keyid), None)

    def named(self, reference: str) -> frozenset[str]:
        """Return the ids of the keys that a name, an id or the start of an id means."""
        return frozenset(
            known.keyid
            for known in self.keys
            if (known.name == reference != "")
            or (len(reference) >= _SHORTEST_ID and known.keyid.startswith(reference.lower()))
        )

    def with_key(self, known: TrustedKey) -> Trust:
        """Return the same with one key added, or put in the place of what was known of it."""
        rest = tuple(other for other in self.keys if other.keyid != known.keyid)
        return Trust((*rest, known))


def trust_in(keys: Iterable[SSlibKey]) -> Trust:
    """Return the trust in exactly these keys, without limits of time."""
    return Trust(tuple(TrustedKey(key=key, name="") for key in {key.keyid: key for key in keys}.values()))


def trust_path(given: Path | None = None) -> Path:
    """Return where the trust file lies: `given`, else `CERTIFY_TRUST`, else the configuration directory."""
    named = os.environ.get(TRUST_VARIABLE)
    return given or (Path(named) if named else config_dir() / "trust.json")


def trusted(keys: Iterable[Path] = (), file: Path | None = None) -> Trust:
    """Return whom a verifier believes.

    With `keys`, those public key files only. With `file`, its keys. With neither, the user's own key and
    the keys of the trust file. What a trust file distrusts is distrusted in any case.

    Raises:
        AttestationError: a file cannot be read or is damaged, or nobody at all is trusted.
    """
    listed = read_trust(trust_path(file), missing_ok=file is None and TRUST_VARIABLE not in os.environ)
    named = [(public_key(path), path.name) for path in keys]
    if named:
        refused = Trust(tuple(known for known in listed.keys if known.distrusted_ns is not None))
        return _with_own(refused, named, listed)
    if file is not None:
        return listed
    try:
        own = own_public_key()
    except AttestationError:
        if not listed.keys:
            raise
        return listed
    return _with_own(listed, [(own, OWN)], listed)


def _with_own(base: Trust, keys: list[tuple[SSlibKey, str]], listed: Trust) -> Trust:
    """Return `base` and `keys`, which count at any time unless they are distrusted."""
    for key, name in keys:
        known = listed.get(key.keyid)
        if known is None:
            known = TrustedKey(key=key, name=name)
        base = base.with_key(replace(known, valid_from_ns=None, valid_until_ns=None))
    return base


class _Entry(BaseModel):
    """A key in the file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str
    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    public: str = Field(max_length=1000)
    added: str
    valid_from: str | None = None
    valid_until: str | None = None
    distrusted: str | None = None
    reason: str = Field(default="", max_length=1000)

    @field_validator("name", "reason")
    @classmethod
    def _printable(cls, text: str) -> str:
        if not text.isprintable():
            raise ValueError("expected printable characters")
        return text

    @field_validator("added", "valid_from", "valid_until", "distrusted")
    @classmethod
    def _time(cls, text: str | None) -> str | None:
        if text is not None:
            ns_of(text)
        return text

    def trusted_key(self, label: str) -> TrustedKey:
        """Return the key; raises `AttestationError` where the id is another key's."""
        key = public_key_in(self.public.encode(), label)
        if key.keyid != self.id:
            raise AttestationError(f"{label}: expected id {key.keyid} of this public key, was {self.id}")
        return TrustedKey(
            key=key,
            name=self.name,
            added_ns=ns_of(self.added),
            valid_from_ns=_ns(self.valid_from),
            valid_until_ns=_ns(self.valid_until),
            distrusted_ns=_ns(self.distrusted),
            reason=self.reason,
        )


class _File(BaseModel):
    """The trust file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format: Literal["certify/trust/1"]
    keys: list[_Entry]


def _ns(text: str | None) -> int | None:
    return None if text is None else ns_of(text)


def _iso(at_ns: int | None) -> str | None:
    return None if at_ns is None else clock.iso(at_ns)


def read_trust(path: Path, *, missing_ok: bool = False) -> Trust:
    """Return the keys of a trust file.

    Raises:
        AttestationError: it cannot be read, anybody may write it, or it is not to its schema.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            data = file.read()
    except FileNotFoundError:
        if missing_ok:
            return Trust()
        raise AttestationError(f"{path}: expected a trust file, was none") from None
    except OSError as error:
        raise AttestationError(f"{path}: expected a trust file, was {error.strerror}") from error
    if mode & stat.S_IWOTH:
        raise AttestationError(f"{path}: expected a file that not everybody may write: chmod o-w {path}")
    return _parsed(data, path)


def _parsed(data: bytes, path: Path) -> Trust:
    try:
        file = _File.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise AttestationError(f"{path}: {place + ': ' if place else ''}{first['msg']}") from error
    keys = tuple(entry.trusted_key(f"{path}: keys.{number}") for number, entry in enumerate(file.keys))
    if len({known.keyid for known in keys}) != len(keys):
        raise AttestationError(f"{path}: expected each key once")
    return Trust(keys)


def change_trust(path: Path, change: Callable[[Trust], Trust]) -> Trust:
    """Read a trust file, change it and write it whole; of two at once, one waits.

    Raises:
        AttestationError: it is damaged; then it is left as it is.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        found = change(read_trust(path, missing_ok=True))
        data = json_bytes({"format": "certify/trust/1", "keys": [_entry(known) for known in found.keys]})
        _parsed(data, path)
        write_bytes(path, data, mode=0o644)
    return found


def _entry(known: TrustedKey) -> dict[str, str | None]:
    return {
        "id": known.keyid,
        "name": known.name,
        "public": public_pem(known.key).decode(),
        "added": clock.iso(clock.now_ns() if known.added_ns is None else known.added_ns),
        "valid_from": _iso(known.valid_from_ns),
        "valid_until": _iso(known.valid_until_ns),
        "distrusted": _iso(known.distrusted_ns),
        "reason": known.reason,
    }
