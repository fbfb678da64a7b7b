"""Sign-offs: a further key signs the certificate, and a signed statement says in which role.

A DSSE signature has a key id and nothing else, so the role stands in a statement of its own:
`signoffs/<key id>.json` beside the certificate, signed by the same key, which it brings along.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner, SSlibKey

from certify import clock
from certify.attest.certificate import read_envelope
from certify.attest.envelope import countersigned, holds, opened, payload_digest
from certify.attest.findings import Finding
from certify.attest.keys import public_key_in, public_pem
from certify.attest.remark import Remark, plain, remark_bytes, remark_in
from certify.errors import AttestationError, UsageError
from certify.evidence.files import write_bytes

SIGNOFFS_DIR = "signoffs"
SIGNOFF_TYPE = "urn:certify:sign-off:v1"

_TEXTS = ("role", "name", "public")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOff:
    """A statement in which role a key has signed; its own signature holds."""

    remark: Remark
    key: SSlibKey
    """As the statement brings it along: it introduces itself, and is not trusted for that."""

    @property
    def role(self) -> str:
        """Return the role, by the word of the signer."""
        return str(self.remark.said["role"])

    @property
    def name(self) -> str:
        """Return the name, by the word of the signer."""
        return str(self.remark.said["name"])


def signoff_path(certificate: Path, keyid: str) -> Path:
    """Return where the sign-off of a key lies."""
    return certificate.parent / SIGNOFFS_DIR / f"{keyid[:16]}.json"


def sign_off(certificate: Path, *, role: str, name: str = "", signer: CryptoSigner) -> tuple[SignOff, bool]:
    """Sign a certificate further and say in which role; return the sign-off and whether it is new.

    The caller has verified the certificate. The statement is written first: without its signature it is
    worth nothing, and one more call completes it.

    Raises:
        UsageError: role or name are not printable, or the key is the one that issued the certificate.
        AttestationError: there is no certificate, or it cannot be written.
    """
    role, name = plain(role, "--as"), plain(name, "--name") if name else ""
    keyid = signer.public_key.keyid
    try:
        (certificate.parent / SIGNOFFS_DIR).mkdir(exist_ok=True)
        with FileLock(certificate.parent / SIGNOFFS_DIR / ".lock"):
            envelope = read_envelope(certificate)
            path = signoff_path(certificate, keyid)
            known = read_signoff(path, payload_digest(envelope)) if path.exists() else None
            if known is None and keyid in envelope.signatures:
                raise UsageError(f"expected a key of its own for a sign-off, was the issuer's: {keyid[:16]}")
            found = known or _state(path, envelope, {"role": role, "name": name}, signer)
            if keyid in envelope.signatures:
                return found, False
            write_bytes(certificate, countersigned(envelope, signer))
    except OSError as error:
        raise AttestationError(f"{certificate}: cannot be signed: {error.strerror}") from error
    opened(read_envelope(certificate), (signer.public_key,))
    return found, True


def _state(path: Path, envelope: Envelope, said: dict[str, str], signer: CryptoSigner) -> SignOff:
    said = {**said, "public": public_pem(signer.public_key).decode()}
    write_bytes(path, remark_bytes(envelope, SIGNOFF_TYPE, said, clock.iso(clock.now_ns()), signer))
    return read_signoff(path, payload_digest(envelope))


def read_signoff(path: Path, digest: str) -> SignOff:
    """Return a sign-off of the certificate with the payload `digest`; its own signature holds.

    Raises:
        AttestationError: it is damaged, or about another certificate, or not by the key it brings along.
    """
    envelope = read_envelope(path, "a sign-off")
    remark = remark_in(envelope, SIGNOFF_TYPE, _TEXTS)
    key = public_key_in(remark.said["public"].encode(), "the key of the sign-off")
    if key.keyid != remark.keyid or not path.stem or not key.keyid.startswith(path.stem):
        raise AttestationError(f"expected the sign-off of {path.stem}, was of {key.keyid[:16]}")
    if not holds(envelope, key):
        raise AttestationError("expected the sign-off as it was signed, was changed")
    if remark.certificate != digest:
        raise AttestationError(f"expected a sign-off of {digest}, was of {remark.certificate}")
    return SignOff(remark=remark, key=key)


def signoffs_of(certificate: Path, envelope: Envelope) -> tuple[dict[str, SignOff], tuple[Finding, ...]]:
    """Return the sign-offs beside a certificate by key id, and each that is not what it says."""
    found: dict[str, SignOff] = {}
    findings: list[Finding] = []
    for path in _files(certificate):
        try:
            signoff = read_signoff(path, payload_digest(envelope))
        except AttestationError as error:
            where = f"{SIGNOFFS_DIR}/{path.name}"
            findings.append(Finding(what="sign-off", where=where, text=str(error)))
        else:
            found[signoff.key.keyid] = signoff
    return found, tuple(findings)


def _files(certificate: Path) -> Iterator[Path]:
    directory = certificate.parent / SIGNOFFS_DIR
    if directory.is_dir():
        yield from sorted(path for path in directory.glob("*.json") if not path.name.startswith("."))
