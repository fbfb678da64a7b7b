"""Keys: made once, kept from others, and told apart."""

from __future__ import annotations

import stat
import threading

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from certify.attest.keys import (
    KeyRefused,
    archived_key_path,
    default_key_path,
    existing_key,
    public_key,
    public_key_path,
    rotate_key,
    signing_key,
    trusted_keys,
)
from certify.errors import AttestationError, UsageError


def pem(passphrase: bytes | None = None) -> bytes:
    protection = serialization.NoEncryption()
    if passphrase:
        protection = serialization.BestAvailableEncryption(passphrase)
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection
    )


def write_private(path, data: bytes):
    path.write_bytes(data)
    path.chmod(0o600)
    return path


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
    path.chmod(0o600)
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
    private.chmod(0o600)
    public.write_bytes(
        other.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    with pytest.raises(AttestationError, match="Ed25519 private key"):
        signing_key(private)
    with pytest.raises(AttestationError, match="Ed25519 public key"):
        public_key(public)


@pytest.mark.parametrize("bits", [0o644, 0o640, 0o604, 0o620, 0o601])
def test_a_key_that_others_can_reach_is_refused_with_the_remedy(tmp_path, bits):
    path = tmp_path / "k.pem"
    signing_key(path)
    path.chmod(bits)
    with pytest.raises(KeyRefused, match=rf"was 0{bits:o}: .*chmod 600 {path}"):
        signing_key(path)
    path.chmod(0o400)
    assert signing_key(path)


def test_the_key_may_be_text_in_the_environment(tmp_path, monkeypatch):
    path = tmp_path / "k.pem"
    key = signing_key(path).public_key
    monkeypatch.setenv("CERTIFY_KEY", path.read_text().strip())
    before = sorted(tmp_path.iterdir())
    assert signing_key().public_key == key
    assert trusted_keys() == (key,)
    assert sorted(tmp_path.iterdir()) == before
    with pytest.raises(UsageError, match="in no file"):
        default_key_path()


@pytest.mark.parametrize("spoil", [lambda t: t[5:], lambda t: f'"{t}"'[:-20]])
def test_a_spoiled_key_in_the_environment_is_not_shown(monkeypatch, spoil):
    text = spoil(pem().decode())
    monkeypatch.setenv("CERTIFY_KEY", text)
    with pytest.raises(KeyRefused, match=r"^CERTIFY_KEY: expected a private key in PEM") as refused:
        signing_key()
    assert "MC4C" not in str(refused.value)


def test_a_protected_key_takes_its_passphrase_from_the_environment(tmp_path, monkeypatch):
    path = write_private(tmp_path / "k.pem", pem(b"open sesame"))
    with pytest.raises(KeyRefused, match="expected a passphrase in CERTIFY_KEY_PASSPHRASE or at a terminal"):
        signing_key(path)
    monkeypatch.setenv("CERTIFY_KEY_PASSPHRASE", "wrong")
    with pytest.raises(KeyRefused, match="expected the passphrase of this key, was not") as refused:
        signing_key(path)
    assert "wrong" not in str(refused.value)
    monkeypatch.setenv("CERTIFY_KEY_PASSPHRASE", "open sesame")
    assert signing_key(path).public_key == public_key(public_key_path(path))


def test_a_person_is_asked_only_for_what_is_protected_and_not_given(tmp_path, monkeypatch):
    asked = []

    def ask(label: str) -> str:
        asked.append(label)
        return "open sesame"

    signing_key(tmp_path / "plain.pem", ask=ask)
    assert asked == []
    path = write_private(tmp_path / "k.pem", pem(b"open sesame"))
    signing_key(path, ask=ask)
    assert asked == [str(path)]
    monkeypatch.setenv("CERTIFY_KEY_PASSPHRASE", "open sesame")
    signing_key(path, ask=ask)
    assert asked == [str(path)]


def test_a_protected_key_in_the_environment(monkeypatch):
    monkeypatch.setenv("CERTIFY_KEY", pem(b"p").decode())
    monkeypatch.setenv("CERTIFY_KEY_PASSPHRASE", "p")
    assert trusted_keys() == (signing_key().public_key,)


def test_a_key_without_its_public_half_is_known_all_the_same(tmp_path, monkeypatch):
    path = tmp_path / "k.pem"
    key = signing_key(path).public_key
    public_key_path(path).unlink()
    monkeypatch.setenv("CERTIFY_KEY", str(path))
    assert trusted_keys() == (key,)
    assert not public_key_path(path).exists()


@pytest.mark.parametrize("passphrase", [None, "open sesame"])
def test_rotation_keeps_the_old_key_and_its_protection(tmp_path, monkeypatch, passphrase):
    path = write_private(tmp_path / "k.pem", pem(passphrase.encode() if passphrase else None))
    monkeypatch.setenv("CERTIFY_KEY_PASSPHRASE", "open sesame")
    before, kept = signing_key(path).public_key, []
    old, new = rotate_key(path, keep=lambda key: kept.append((key, signing_key(path).public_key)))
    assert kept == [(before, before)]  # trusted while it is still the one in use
    assert old == before
    assert signing_key(path).public_key == new == public_key(public_key_path(path))
    assert new.keyid != old.keyid
    archived = archived_key_path(path, old.keyid)
    assert existing_key(archived).public_key == old == public_key(public_key_path(archived))
    assert (mode(archived), mode(archived.parent), mode(path)) == (0o600, 0o700, 0o600)
    assert (b"ENCRYPTED" in path.read_bytes()) is bool(passphrase)


def test_a_rotation_that_fails_leaves_the_key(tmp_path):
    path = tmp_path / "k.pem"
    key = signing_key(path).public_key

    def keep(_key) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        rotate_key(path, keep=keep)
    assert signing_key(path).public_key == key
    assert not archived_key_path(path, key.keyid).exists()
