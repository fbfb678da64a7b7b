"""The user's signing key, for commands: a passphrase is asked for at a terminal, once a process."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from securesystemslib.signer import CryptoSigner

from certify.attest import keys
from certify.attest.keys import Ask, KeyRefused
from certify.errors import UsageError

T = TypeVar("T")

_fitted: dict[str, str] = {}
"""Passphrases that fitted, by key: a certificate is signed long after the person was asked."""


def signing_key(path: Path | None = None) -> CryptoSigner:
    """Return the signer of the user's private key, or of the one in `path`; made on first use.

    Raises:
        KeyRefused: it cannot be used.
    """
    return asking(lambda ask: keys.signing_key(path, ask=ask))


def existing_signer(path: Path | None = None) -> CryptoSigner:
    """Return the signer of a private key that is there: who revokes or signs off has a key by then.

    Raises:
        KeyRefused: there is none, or it cannot be used.
    """
    source = keys.key_source(path)
    if source.path is None:
        return signing_key()
    place = source.path
    return asking(lambda ask: keys.existing_key(place, ask=ask))


def asking(use: Callable[[Ask], T]) -> T:
    """Return what `use` makes of a key; a passphrase is remembered once it has fitted.

    Raises:
        KeyRefused: the key cannot be used.
    """
    answered: dict[str, str] = {}

    def ask(label: str) -> str:
        answered[label] = _fitted.get(label) or answered.get(label) or passphrase(f"Passphrase of {label}: ")
        return answered[label]

    try:
        found = use(ask)
    except KeyRefused:
        for label in answered:
            _fitted.pop(label, None)
        raise
    _fitted.update(answered)
    return found


def chosen_passphrase(label: str) -> str:
    """Return the passphrase of a key to be made: from the environment, or typed twice at a terminal.

    Raises:
        UsageError: there is none, or the second one is another.
    """
    given = os.environ.get(keys.PASSPHRASE_VARIABLE) or passphrase(f"Passphrase for {label}: ")
    if not given:
        raise UsageError(
            f"--passphrase: expected one in {keys.PASSPHRASE_VARIABLE} or at a terminal, was none"
        )
    if not os.environ.get(keys.PASSPHRASE_VARIABLE) and passphrase("The same again: ") != given:
        raise UsageError("--passphrase: expected the same twice, was another")
    _fitted[label] = given
    return given


def passphrase(prompt: str) -> str:
    """Ask at the terminal, without showing what is typed; empty where there is no terminal."""
    if not sys.stdin.isatty():
        return ""
    try:
        return getpass.getpass(prompt, stream=sys.stderr)
    except EOFError:
        return ""
