"""The first words of a connection: `API`, NUL, then one frame `v157..178 [options]`.

Source: Interactive Brokers' published clients: the version frame has no closing NUL; the answer has two
fields, the server's version and the time. Clients take the first message of two fields for that answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from certify import clock
from certify.errors import CertifyError
from certify.gateway.settings import LOWEST_VERSION
from certify.gateway.wire import answers

GREETING = b"API\0"
"""What every client since server version 100 sends first, without a length."""

_VERSIONS = re.compile(rb"v(\d{1,9})(?:\.\.(\d{1,9}))?(?: ([^\0]{0,1000}))?\0?")


class HandshakeError(CertifyError):
    """A connection does not begin as the API does; it is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a client can speak."""

    least: int
    most: int
    options: str = ""
    """Connect options, as `+PACEAPI`."""

    @property
    def paced(self) -> bool:
        """Whether the client asks to be slowed down instead of being told off."""
        return "+PACEAPI" in self.options.split()


def offer(payload: bytes) -> Offer:
    """Read the version frame; raises `HandshakeError`."""
    found = _VERSIONS.fullmatch(payload)
    if found is None:
        raise HandshakeError("expected a version such as v157..178")
    least = int(found[1])
    return Offer(
        least=least, most=int(found[2] or least), options=(found[3] or b"").decode("ascii", "replace").strip()
    )


def agree(offered: Offer, max_version: int) -> int:
    """Return the version both speak, the highest there is; raises `HandshakeError` if there is none."""
    version = min(offered.most, max_version)
    if version < LOWEST_VERSION or version < offered.least:
        here = f"{LOWEST_VERSION} to {max_version}"
        raise HandshakeError(f"the client speaks {offered.least} to {offered.most}, this gateway {here}")
    return version


def answer(version: int, now_ns: int) -> bytes:
    """Return the frame that tells the version, and the gateway's time at `now_ns` UTC."""
    time = clock.utc(now_ns).strftime("%Y%m%d %H:%M:%S GMT")
    return answers.handshake(server_version=version, connection_time=time)
