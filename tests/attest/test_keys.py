"""Keys: made once, kept from others, and told apart."""

from __future__ import annotations

import stat
import threading

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from certify.attest.keys import default_key_path, public_key, public_key_path, signing_key, trusted_keys
from certify.errors import AttestationError


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_key_is_made_on_first_use_and_kept(tmp_path):
    path = tmp_path / "keys" / "ed25519.pem"
    first = signing_key(path)
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    assert signing_key(path).public_key == first.public_key
    assert public_key(public_key_path(path)) == first.public_key
    assert sorted(file.name for file in path.parent.iterdir()) == ["ed25519.pem", "ed25519.pub"]


def test_two_at_once_end_with_one_key(tmp_path):
    path = tmp_path / "keys" / "ed25519.pem"
    gate, ids = threading.Barrier(4), []

    def make() -> None:
        gate.wait()
        ids.append(signing_key(path).public_key.keyid)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 4
    assert len(set(ids)) == 1


def test_the_default_place_can_be_named(tmp_path, monkeypatch):
    monkeypatch.setenv("CERTIFY_KEY", str(tmp_path / "other.pem"))
    assert default_key_path() == tmp_path / "other.pem"
    key = signing_key().public_key
    assert trusted_keys() == (key,)
    monkeypatch.delenv("CERTIFY_KEY")
    assert default_key_path().parts[-3:] == ("certify", "keys", "ed25519.pem")


def test_verifying_makes_no_key(tmp_path, monkeypatch):
    monkeypatch.setenv("CERTIFY_KEY", str(tmp_path / "none.pem"))
    with pytest.raises(AttestationError, match="expected a public key, was No such file"):
        trusted_keys()
    assert list(tmp_path.iterdir()) == []


def test_only_the_named_keys_are_trusted(tmp_path):
    one, other = signing_key(tmp_path / "a" / "k.pem"), signing_key(tmp_path / "b" / "k.pem")
    assert trusted_keys([tmp_path / "a" / "k.pub"]) == (one.public_key,)
    assert one.public_key.keyid != other.public_key.keyid


def test_the_public_half_is_mended(tmp_path):
    path = tmp_path / "k.pem"
    key = signing_key(path).public_key
    public_key_path(path).write_bytes(b"gone")
    assert signing_key(path).public_key == key
    assert public_key(public_key_path(path)) == key


@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_what_is_no_key_is_refused(tmp_path, content):
    path = tmp_path / "k.pem"
    path.write_bytes(content)
    with pytest.raises(AttestationError, match="expected a private key in PEM"):
        signing_key(path)
    with pytest.raises(AttestationError, match="expected a public key in PEM"):
        public_key(path)
    assert path.read_bytes() == content


def test_another_kind_of_key_is_refused(tmp_path):
    other = generate_private_key(SECP256R1())
    private, public = tmp_path / "k.pem", tmp_path / "k.pub"
    private.write_bytes(
        other.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    public.write_bytes(
        other.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    with pytest.raises(AttestationError, match="Ed25519 private key"):
        signing_key(private)
    with pytest.raises(AttestationError, match="Ed25519 public key"):
        public_key(public)
