"""The user's signing key, for commands: a passphrase is asked for at a terminal, once a process."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from securesystemslib.signer import CryptoSigner

from certify.attest import keys
from certify.attest.keys import Ask, KeyRefused

T = TypeVar("T")

_fitted: dict[str, str] = {}
"""Passphrases that fitted, by key: a certificate is signed long after the person was asked."""


def signing_key(path: Path | None = None) -> CryptoSigner:
    """Return the signer of the user's private key, or of the one in `path`; made on first use.

    Raises:
        KeyRefused: it cannot be used.
    """
    return asking(lambda ask: keys.signing_key(path, ask=ask))


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


def passphrase(prompt: str) -> str:
    """Ask at the terminal, without showing what is typed; empty where there is no terminal."""
    if not sys.stdin.isatty():
        return ""
    try:
        return getpass.getpass(prompt, stream=sys.stderr)
    except EOFError:
        return ""
