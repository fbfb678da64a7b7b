"""Ed25519 keys: one private key file of the user, made on first use, its public half beside it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from platformdirs import user_config_dir
from securesystemslib.signer import CryptoSigner, SSlibKey

from certify.errors import AttestationError
from certify.evidence.files import write_bytes

KEY_VARIABLE = "CERTIFY_KEY"
"""Environment variable that names another private key file."""


def default_key_path() -> Path:
    """Return where the user's private key lies: `$CERTIFY_KEY`, else the configuration directory."""
    named = os.environ.get(KEY_VARIABLE)
    return Path(named) if named else Path(user_config_dir("certify")) / "keys" / "ed25519.pem"


def public_key_path(private: Path) -> Path:
    """Return where the public half of a private key lies: the same name with `.pub`."""
    return private.with_suffix(".pub")


def signing_key(path: Path | None = None) -> CryptoSigner:
    """Return the signer of the private key in `path`, made on first use (file 0600, directory 0700).

    Raises:
        AttestationError: the file is there and holds no Ed25519 private key, or cannot be made.
    """
    path = path or default_key_path()
    try:
        if not path.exists():
            _make_key(path)
        signer = CryptoSigner(_private_key(path))
        _publish(path, signer)
    except OSError as error:
        raise AttestationError(f"{path}: expected a private key, was {error.strerror}") from error
    return signer


def public_key(path: Path) -> SSlibKey:
    """Return the Ed25519 public key of a PEM file.

    Raises:
        AttestationError: there is no such file, or it holds no such key.
    """
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise AttestationError(f"{path}: expected a public key, was {error.strerror}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise AttestationError(f"{path}: expected a public key in PEM, was not one") from error
    if not isinstance(key, Ed25519PublicKey):
        raise AttestationError(f"{path}: expected an Ed25519 public key, was another kind")
    return SSlibKey.from_crypto(key)


def trusted_keys(paths: Iterable[Path] = ()) -> tuple[SSlibKey, ...]:
    """Return the public keys in `paths` or, when none is given, the user's own; verifying makes no key.

    Raises:
        AttestationError: a key cannot be read, or the user has none and named none.
    """
    return tuple(public_key(path) for path in (tuple(paths) or (public_key_path(default_key_path()),)))


def _private_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise AttestationError(
            f"{path}: expected a private key in PEM without a password, was not one"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise AttestationError(f"{path}: expected an Ed25519 private key, was another kind")
    return key


def _make_key(path: Path) -> None:
    """Make the key under another name and link it into place: of two at once, one wins and both use it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    write_bytes(temporary, CryptoSigner.generate_ed25519().private_bytes, mode=0o600)
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


def _publish(path: Path, signer: CryptoSigner) -> None:
    public = public_key_path(path)
    pem = _public_pem(signer)
    if not public.exists() or public.read_bytes() != pem:
        write_bytes(public, pem)


def _public_pem(signer: CryptoSigner) -> bytes:
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signer.public_key.keyval["public"]))
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
