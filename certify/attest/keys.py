"""The private key that signs: from a file, from the environment, protected or not; made on first use.

Key ids are those of securesystemslib: SHA-256 over the canonical JSON of type, scheme and value.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from filelock import FileLock
from platformdirs import user_config_dir
from securesystemslib.signer import CryptoSigner, SSlibKey

from certify.errors import AttestationError, UsageError
from certify.evidence.files import write_bytes

KEY_VARIABLE = "CERTIFY_KEY"
"""Environment variable that names another private key file, or holds a private key as PEM text."""
PASSPHRASE_VARIABLE = "CERTIFY_KEY_PASSPHRASE"  # noqa: S105 - its name, not its value
"""Environment variable that holds the passphrase of a protected private key."""
ARCHIVE_DIR = "archive"
"""Beside the private key: where rotation keeps those that were in use before."""

_PEM_MARKS = ("-----BEGIN", "PRIVATE KEY", "\n")
"""Text with one of these is a key, perhaps a spoiled one, and is never shown as if it were a path."""
_PROTECTED = (b"ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO

Ask = Callable[[str], str]
"""Asks a person for the passphrase of the key that is named."""


class KeyRefused(AttestationError, UsageError):
    """A private key cannot be used: missing, open to others, protected, or no key at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySource:
    """Where the private key comes from: a file, or text."""

    path: Path | None = None
    text: str | None = None
    """PEM; then there is no file, and nothing is ever written."""

    @property
    def label(self) -> str:
        """Return what a person calls it."""
        return str(self.path) if self.path is not None else KEY_VARIABLE


def config_dir() -> Path:
    """Return the user's configuration directory."""
    return Path(user_config_dir("certify"))


def key_source(path: Path | None = None) -> KeySource:
    """Return where the private key lies: `path`, else what `CERTIFY_KEY` says, else the default file."""
    if path is not None:
        return KeySource(path=path)
    named = os.environ.get(KEY_VARIABLE)
    if named and any(mark in named for mark in _PEM_MARKS):
        return KeySource(text=named.strip() + "\n")
    return KeySource(path=Path(named) if named else config_dir() / "keys" / "ed25519.pem")


def default_key_path() -> Path:
    """Return the file of the user's private key.

    Raises:
        UsageError: `CERTIFY_KEY` holds the key itself, which then is in no file.
    """
    source = key_source()
    if source.path is None:
        raise UsageError(f"{KEY_VARIABLE}: expected the path of a key, was the key itself: it is in no file")
    return source.path


def public_key_path(private: Path) -> Path:
    """Return where the public half of a private key lies: the same name with `.pub`."""
    return private.with_suffix(".pub")


def signing_key(path: Path | None = None, *, ask: Ask | None = None) -> CryptoSigner:
    """Return the signer of the user's private key, or of the one in `path`.

    A file that is not there is made (file 0600, directory 0700). `ask` is called for a passphrase
    that the environment does not give.

    Raises:
        KeyRefused: the key cannot be read or made, is open to others, or its passphrase is missing or wrong.
    """
    source = key_source(path)
    if source.path is None:
        return CryptoSigner(private_key_in((source.text or "").encode(), source.label, ask))
    try:
        if not source.path.exists():
            make_key(source.path)
        signer = existing_key(source.path, ask=ask)
    except OSError as error:
        raise KeyRefused(f"{source.path}: expected a private key, was {error.strerror}") from error
    _publish(source.path, signer)
    return signer


def existing_key(path: Path, *, ask: Ask | None = None) -> CryptoSigner:
    """Return the signer of a private key that is there; nothing is made or written.

    Raises:
        KeyRefused: as for `signing_key`; also when there is no such file.
    """
    try:
        data = _read_private(path)
    except OSError as error:
        raise KeyRefused(f"{path}: expected a private key, was {error.strerror}") from error
    return CryptoSigner(private_key_in(data, str(path), ask))


def _read_private(path: Path) -> bytes:
    """Return the bytes of a file that nobody else may read; the mode is that of the file that was opened."""
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & _OTHERS:
            raise KeyRefused(
                f"{path}: expected a private key of mode 0600, was {mode:04o}: others can reach it; "
                f"if nobody has read it: chmod 600 {path}"
            )
        return file.read()


def private_key_in(data: bytes, label: str, ask: Ask | None = None) -> Ed25519PrivateKey:
    """Return the private key of a PEM text, which `label` names.

    Raises:
        KeyRefused: it is no Ed25519 private key, or its passphrase is missing or wrong.
    """
    protected = is_protected(data)
    password = _passphrase(label, ask) if protected else None
    try:
        key = serialization.load_pem_private_key(data, password=password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        wanted = "the passphrase of this key" if protected else "a private key in PEM"
        raise KeyRefused(f"{label}: expected {wanted}, was not") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyRefused(f"{label}: expected an Ed25519 private key, was another kind")
    return key


def is_protected(data: bytes) -> bool:
    """Return whether a private key in PEM needs a passphrase."""
    return any(mark in data for mark in _PROTECTED)


def _passphrase(label: str, ask: Ask | None) -> bytes:
    given = os.environ.get(PASSPHRASE_VARIABLE)
    if given is None and ask is not None:
        given = ask(label)
    if not given:
        raise KeyRefused(
            f"{label}: expected a passphrase in {PASSPHRASE_VARIABLE} or at a terminal, was none"
        )
    return given.encode()


def public_key(path: Path) -> SSlibKey:
    """Return the Ed25519 public key of a PEM file.

    Raises:
        AttestationError: there is no such file, or it holds no such key.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AttestationError(f"{path}: expected a public key, was {error.strerror}") from error
    return public_key_in(data, str(path))


def public_key_in(data: bytes, label: str) -> SSlibKey:
    """Return the Ed25519 public key of a PEM text, which `label` names.

    Raises:
        AttestationError: it holds no such key.
    """
    try:
        key = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise AttestationError(f"{label}: expected a public key in PEM, was not one") from error
    if not isinstance(key, Ed25519PublicKey):
        raise AttestationError(f"{label}: expected an Ed25519 public key, was another kind")
    return SSlibKey.from_crypto(key)


def own_public_key() -> SSlibKey:
    """Return the public half of the user's own key; nothing is made.

    Raises:
        AttestationError: the user has no key yet, or it cannot be read.
    """
    source = key_source()
    if source.path is None:
        return CryptoSigner(private_key_in((source.text or "").encode(), source.label)).public_key
    public = public_key_path(source.path)
    if not public.exists() and source.path.exists():  # its directory may be read-only
        return existing_key(source.path).public_key
    return public_key(public)


def trusted_keys(paths: Iterable[Path] = ()) -> tuple[SSlibKey, ...]:
    """Return the public keys in `paths` or, when none is given, the user's own; verifying makes no key.

    Raises:
        AttestationError: a key cannot be read, or the user has none and named none.
    """
    return tuple(public_key(path) for path in paths) or (own_public_key(),)


def public_pem(key: SSlibKey) -> bytes:
    """Return an Ed25519 public key as PEM."""
    raw = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.keyval["public"]))
    return raw.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def make_key(path: Path, passphrase: str | None = None) -> None:
    """Make a key under another name and link it into place: of two at once, one wins and both use it.

    Raises:
        OSError: the place cannot be written.
    """
    temporary = _new_key(path, passphrase)
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


def _new_key(path: Path, passphrase: str | None) -> Path:
    """Write a new private key beside `path` and return where."""
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        protection = serialization.BestAvailableEncryption(passphrase.encode())
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection
    )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    write_bytes(temporary, pem, mode=0o600)
    return temporary


def rotate_key(
    path: Path, *, ask: Ask | None = None, keep: Callable[[SSlibKey], None]
) -> tuple[SSlibKey, SSlibKey]:
    """Put a new key in the place of the one in `path`; return the old one and the new one.

    The old private key goes to `archive/<id>.pem`, its public half beside it; the new one is protected by
    the same passphrase. `keep` is called with the old key before it is replaced, so that at no moment a
    certificate is left that nobody trusts.

    Raises:
        KeyRefused: there is no key that could be read.
    """
    with FileLock(path.with_name(f".{path.name}.lock")):
        old = existing_key(path, ask=ask)
        passphrase = _passphrase(str(path), ask).decode() if is_protected(path.read_bytes()) else None
        keep(old.public_key)
        kept = archived_key_path(path, old.public_key.keyid)
        kept.parent.mkdir(mode=0o700, exist_ok=True)
        if not kept.exists():
            kept.hardlink_to(path)
        _publish(kept, old)
        _new_key(path, passphrase).replace(path)
        new = existing_key(path, ask=ask)
        _publish(path, new)
    return old.public_key, new.public_key


def archived_key_path(path: Path, keyid: str) -> Path:
    """Return where rotation keeps the private key `keyid` that was in `path`."""
    return path.parent / ARCHIVE_DIR / f"{keyid[:16]}.pem"


def _publish(path: Path, signer: CryptoSigner) -> None:
    """Put the public half beside a private key, where that can be written."""
    public = public_key_path(path)
    pem = public_pem(signer.public_key)
    try:
        if not public.exists() or public.read_bytes() != pem:
            write_bytes(public, pem)
    except OSError:
        return  # a key on a read-only disk signs all the same, and is its own public half
