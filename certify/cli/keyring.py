"""Every key that this user has or knows, as `certify keys` lists them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from securesystemslib.signer import SSlibKey

from certify import clock
from certify.attest.keys import ARCHIVE_DIR, key_source, own_public_key, public_key
from certify.attest.remark import plain
from certify.attest.trust import LONGEST_NAME, OWN, Trust, TrustedKey, change_trust, read_trust
from certify.errors import AttestationError, UsageError

COLUMNS = ("id", "name", "created", "current", "trusted", "state", "where")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A key: what it is called, where it lies, and whether certificates by it are believed."""

    id: str
    name: str = ""
    created: str = ""
    """When its file was made or it was added to the trust file; empty where nothing tells."""
    current: bool = False
    trusted: bool = False
    state: str = ""
    where: str = ""
    public: SSlibKey | None = None


def rows(trust_file: Path) -> tuple[Row, ...]:
    """Return the key in use, those that rotation has archived, and those of the trust file; each once.

    Raises:
        AttestationError: the trust file is damaged.
    """
    trust = read_trust(trust_file, missing_ok=True)
    found: dict[str, Row] = {}
    for row in (*_own(trust), *_archived(trust), *(_listed(known, trust_file) for known in trust.keys)):
        found.setdefault(row.id, row)
    return tuple(found.values())


def _own(trust: Trust) -> Iterator[Row]:
    source = key_source()
    if source.path is not None and not source.path.exists():
        return
    try:
        key = own_public_key()
    except AttestationError as error:
        yield Row(id="?", current=True, state=str(error), where=source.label)
        return
    known = trust.get(key.keyid) or TrustedKey(key=key, name=OWN)
    distrusted = known.distrusted_ns is not None
    yield Row(
        id=key.keyid,
        name=known.name,
        created=_made(source.path),
        current=True,
        trusted=not distrusted,
        state=_state(known) if distrusted else "in use",
        where=source.label,
        public=key,
    )


def _archived(trust: Trust) -> Iterator[Row]:
    source = key_source()
    if source.path is None:
        return
    for path in sorted((source.path.parent / ARCHIVE_DIR).glob("*.pub")):
        try:
            key = public_key(path)
        except AttestationError as error:
            yield Row(id=f"? {path.name}", state=str(error), where=str(path))
            continue
        known = trust.get(key.keyid)
        yield Row(
            id=key.keyid,
            name=known.name if known else "",
            created=_made(path.with_suffix(".pem")),
            trusted=bool(known and known.distrusted_ns is None),
            state=f"archived, {_state(known)}" if known else "archived, not trusted",
            where=str(path.with_suffix(".pem")),
            public=key,
        )


def _listed(known: TrustedKey, trust_file: Path) -> Row:
    return Row(
        id=known.keyid,
        name=known.name,
        created="" if known.added_ns is None else clock.iso(known.added_ns),
        trusted=known.distrusted_ns is None,
        state=_state(known),
        where=str(trust_file),
        public=known.key,
    )


def _state(known: TrustedKey) -> str:
    """Return in words since when and until when its signatures count."""
    if known.distrusted_ns is not None:
        because = f": {known.reason}" if known.reason else ""
        return f"distrusted since {clock.iso(known.distrusted_ns)}{because}"
    since = f" since {clock.iso(known.valid_from_ns)}" if known.valid_from_ns is not None else ""
    until = f" until {clock.iso(known.valid_until_ns)}" if known.valid_until_ns is not None else ""
    return f"trusted for signatures{since}{until}" if since or until else "trusted"


def _made(path: Path | None) -> str:
    return clock.iso(path.stat().st_mtime_ns) if path is not None and path.exists() else ""


def meant(reference: str, trust_file: Path) -> Row:
    """Return the key that a name, an id or the start of an id (8 digits or more) means.

    Raises:
        UsageError: there is none, or more than one.
    """
    known = [row for row in rows(trust_file) if row.public is not None]
    found = [row for row in known if reference in (row.id, row.name)] or [
        row for row in known if len(reference) >= 8 and row.id.startswith(reference.lower())
    ]
    if len(found) != 1:
        names = ", ".join(row.id[:16] for row in found or known) or "none"
        raise UsageError(f"key {reference!r}: expected one key, was {len(found)}; known: {names}")
    return found[0]


def public_given(path: Path) -> SSlibKey:
    """Return the public key of a file that a person named; raises `UsageError` where there is none."""
    try:
        return public_key(path)
    except AttestationError as error:
        raise UsageError(str(error)) from error


def begin_trust(
    trust_file: Path, key: SSlibKey, name: str, *, valid_from_ns: int | None, valid_until_ns: int | None
) -> None:
    """Enter a key, or new limits of one that is known.

    Raises:
        UsageError: the name is not printable, the limits exclude each other, or the key is distrusted.
    """
    if valid_from_ns is not None and valid_until_ns is not None and valid_from_ns >= valid_until_ns:
        raise UsageError("--valid-until: expected a time after --valid-from, was one before")
    new = TrustedKey(
        key=key,
        name=plain(name, "--name", LONGEST_NAME),
        added_ns=clock.now_ns(),
        valid_from_ns=valid_from_ns,
        valid_until_ns=valid_until_ns,
    )

    def change(trust: Trust) -> Trust:
        before = trust.get(key.keyid)
        if before is not None and before.distrusted_ns is not None:
            since = clock.iso(before.distrusted_ns)
            raise UsageError(
                f"{key.keyid[:16]} is distrusted since {since}: take its entry out of {trust_file}"
            )
        return trust.with_key(new)

    change_trust(trust_file, change)


def keep_trust(trust_file: Path, key: SSlibKey, name: str) -> None:
    """Enter a key that is about to be replaced; one that is listed stays as it is."""
    called = name or f"{OWN} until {clock.iso(clock.now_ns())[:10]}"
    new = TrustedKey(key=key, name=called, added_ns=clock.now_ns())
    change_trust(trust_file, lambda trust: trust if trust.get(key.keyid) else trust.with_key(new))


def end_trust(trust_file: Path, key: SSlibKey) -> None:
    """Let the signatures of a key count until now; an earlier end stays."""

    def change(trust: Trust) -> Trust:
        known = trust.get(key.keyid)
        if known is None:
            return trust
        ends = [end for end in (known.valid_until_ns, clock.now_ns()) if end is not None]
        return trust.with_key(replace(known, valid_until_ns=min(ends)))

    change_trust(trust_file, change)


def withdraw_trust(trust_file: Path, row: Row, reason: str) -> None:
    """Distrust a key from now on, whatever it has signed and whenever; the first time stays.

    Raises:
        UsageError: the reason is not printable.
    """
    reason = plain(reason, "--reason") if reason else ""
    public = row.public

    def change(trust: Trust) -> Trust:
        if public is None:
            return trust
        known = trust.get(row.id) or TrustedKey(key=public, name=row.name or OWN, added_ns=clock.now_ns())
        if known.distrusted_ns is not None:
            return trust
        return trust.with_key(replace(known, distrusted_ns=clock.now_ns(), reason=reason))

    change_trust(trust_file, change)
