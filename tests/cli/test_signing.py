"""The passphrase of a protected key: asked for at a terminal, once, and not where nobody can answer."""

from __future__ import annotations

import os
import pty
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from certify.attest.keys import KeyRefused
from certify.cli import signing

from .conftest import CERTIFY, environment


@pytest.fixture
def key(tmp_path, monkeypatch) -> Path:
    """A protected key that is the user's own."""
    path = tmp_path / "k.pem"
    path.write_bytes(
        Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"open sesame"),
        )
    )
    path.chmod(0o600)
    monkeypatch.setenv("CERTIFY_KEY", str(path))
    monkeypatch.setattr(signing, "_fitted", {})
    return path


def answering(monkeypatch, *answers: str) -> list[str]:
    left, asked = list(answers), []

    def answer(prompt: str, stream: object = None) -> str:
        asked.append(prompt)
        return left.pop(0)

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", answer)
    return asked


def test_it_is_asked_for_once(key, monkeypatch) -> None:
    asked = answering(monkeypatch, "open sesame")
    assert signing.signing_key().public_key == signing.signing_key().public_key
    assert asked == [f"Passphrase of {key}: "]


def test_a_wrong_one_is_not_remembered(key, monkeypatch) -> None:
    asked = answering(monkeypatch, "open barley", "open sesame")
    with pytest.raises(KeyRefused, match="expected the passphrase of this key"):
        signing.signing_key()
    assert signing.signing_key()
    assert len(asked) == 2


def test_nobody_is_asked_without_a_terminal(key, monkeypatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(KeyRefused, match="or at a terminal, was none"):
        signing.signing_key()


def test_at_a_real_terminal_it_is_not_shown(key, tmp_path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:  # the child: becomes the command
        os.chdir(tmp_path)
        os.execve(CERTIFY[0], [*CERTIFY, "doctor"], environment())
    said = b""
    while b"Passphrase of" not in said:
        said += os.read(terminal, 4096)
    os.write(terminal, b"open sesame\n")
    try:
        while more := os.read(terminal, 4096):
            said += more
    except OSError:  # Linux says so when the other side has ended
        pass
    os.waitpid(pid, 0)
    os.close(terminal)
    assert b"open sesame" not in said
    assert any(line.startswith(b"ok    key") for line in said.splitlines()), said.decode()
