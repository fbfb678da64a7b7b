"""Who has signed a certificate: whose signatures hold, who is trusted, and whether they are enough."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from securesystemslib.dsse import Envelope

from certify.attest.certificate import Certificate
from certify.attest.envelope import holds, untrusted
from certify.attest.findings import Finding
from certify.attest.signoff import SIGNOFFS_DIR, SignOff, signoffs_of
from certify.attest.trust import Trust
from certify.errors import AttestationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A key whose signature of the certificate holds."""

    keyid: str
    trusted: bool
    name: str = ""
    """What the verifier calls the key."""
    role: str = ""
    """What the signer signed as; empty for the one that issued the certificate."""
    said_name: str = ""
    """What the signer calls itself."""
    at_ns: int | None = None
    """When it signed off, in ns since the epoch, by its own word."""

    def __str__(self) -> str:
        """Return as `alice (0123456789abcdef), head of trading`."""
        name = self.name or (f"“{self.said_name}”" if self.said_name else "")
        known = f"{name} ({self.keyid[:16]})" if name else self.keyid[:16]
        role = f", {self.role}" if self.role else ""
        return f"{known}{role}{'' if self.trusted else ', not trusted'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What there is to say about the signatures of one certificate."""

    signers: tuple[Signer, ...]
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()


def signed_by(certificate: Path, envelope: Envelope, trust: Trust) -> Signed:
    """Return who has signed; at least one of them is trusted, and every signature holds.

    A signature can be checked only by its key. A key that is not known is introduced by its sign-off;
    where nothing introduces it, the signature could be anything, and is a finding.

    Raises:
        UntrustedKey: nobody who is trusted has signed.
        AttestationError: a signature does not hold.
    """
    introduced, findings = signoffs_of(certificate, envelope)
    signers, strange = [], []
    for keyid in envelope.signatures:
        known, signoff = trust.get(keyid), introduced.get(keyid)
        key = known.key if known else signoff.key if signoff else None
        if key is None:
            strange.append(_strange(keyid, certificate.name))
        elif not holds(envelope, key):
            raise AttestationError("expected the signature of the content, was the signature of another")
        else:
            signers.append(_signer(keyid, trust, signoff))
    if not any(trust.get(signer.keyid) for signer in signers):
        raise untrusted(envelope, tuple(known.key for known in trust.keys))
    return Signed(
        signers=tuple(signers),
        findings=(*findings, *strange),
        notes=tuple(_incomplete(envelope, introduced)),
    )


def _signer(keyid: str, trust: Trust, signoff: SignOff | None) -> Signer:
    known = trust.get(keyid)
    return Signer(
        keyid=keyid,
        trusted=known is not None and known.distrusted_ns is None,
        name=known.name if known else "",
        role=signoff.role if signoff else "",
        said_name=signoff.name if signoff else "",
        at_ns=signoff.remark.at_ns if signoff else None,
    )


def _strange(keyid: str, where: str) -> Finding:
    text = f"expected signatures that can be checked, was one by {keyid[:16]}, a key that is not known"
    return Finding(what="signature", where=where, text=text)


def _incomplete(envelope: Envelope, introduced: dict[str, SignOff]) -> Iterator[str]:
    for keyid in introduced:
        if keyid not in envelope.signatures:
            yield f"{SIGNOFFS_DIR}/{keyid[:16]}.json: counts nothing: its key has not signed the certificate"


def windows(signed: Signed, said: Certificate, trust: Trust, where: str) -> Iterator[Finding]:
    """Yield each known signer whose signature does not count at the time when it was made."""
    for signer in signed.signers:
        if trust.get(signer.keyid) and (refusal := _refusal(signer, said, trust)):
            yield Finding(what="key", where=where, text=f"{signer}: {refusal}")


def _refusal(signer: Signer, said: Certificate, trust: Trust) -> str:
    known = trust.get(signer.keyid)
    if known is None:
        return "not trusted"
    return known.refusal(said.valid_from_ns if signer.at_ns is None else signer.at_ns)


def enough(
    signed: Signed, said: Certificate, trust: Trust, count: int, wanted: tuple[str, ...]
) -> Iterator[Finding]:
    """Yield what is missing of `count` trusted signatures, and of those of the `wanted` keys."""
    counting = {signer.keyid for signer in signed.signers if not _refusal(signer, said, trust)}
    if len(counting) < count:
        text = f"expected signatures by {count} trusted keys, was {len(counting)}"
        yield Finding(what="signers", where="signatures", text=text)
    for reference in wanted:
        ids = trust.named(reference)
        if not ids:
            text = f"expected a signature by {reference}, which names no key that is trusted here"
            yield Finding(what="signers", where="signatures", text=text)
        elif not ids & counting:
            text = f"expected a signature by {reference}, was none"
            yield Finding(what="signers", where="signatures", text=text)
