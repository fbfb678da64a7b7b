"""Frames of the TWS API: a length of four bytes, big-endian, then texts that each end in NUL.

Source: Interactive Brokers' published clients (`comm.py`, `reader.py`): the length counts the payload
only, the last text ends in NUL too, booleans are 0 or 1, an empty text is an unset value.
"""

from __future__ import annotations

import math
import sys
from decimal import Decimal

from certify.errors import CertifyError

__all__ = [
    "MAX_PAYLOAD_BYTES",
    "Deframer",
    "Field",
    "FrameError",
    "WireError",
    "escaped",
    "frame",
    "framed",
    "joined",
    "number",
]

MAX_PAYLOAD_BYTES = 1024 * 1024
"""No client sends a message of this size; the official ones accept 16 MiB - 1."""

UNSET_DOUBLE = "1.7976931348623157E308"
"""What a TWS writes for a price that is not set."""

UNSET_INTEGER = "2147483647"
"""What a TWS writes for a whole number that is not set."""

Field = str | int | float | Decimal | None
"""What may be put into a message (a bool is an int)."""


class WireError(CertifyError):
    """A message is not what the protocol says; keeps the ids of message and request, as far as known."""

    def __init__(self, text: str, *, message_id: int = 0, req_id: int = -1) -> None:
        """Keep the ids: `message_id` 0 and `req_id` -1 mean unknown."""
        self.message_id, self.req_id = message_id, req_id
        super().__init__(text)


class FrameError(CertifyError):
    """The stream cannot be cut into frames any more; `complete` holds the payloads that came before."""

    def __init__(self, text: str, *, complete: tuple[bytes, ...] = ()) -> None:
        """Keep the payloads that were complete."""
        self.complete = complete
        super().__init__(text)


def number(value: Decimal) -> str:
    """Write a decimal in plain digits: no exponent, no trailing zeros, no point when integral."""
    text = str(value)
    if "E" in text:
        text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _float(value: float) -> str:
    if math.isnan(value):
        return ""
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return UNSET_DOUBLE if value == sys.float_info.max else number(Decimal(repr(value)))


def _text(field: Field) -> str:
    if field is None:
        return ""
    if isinstance(field, Decimal):
        return number(field)
    if isinstance(field, float):
        return _float(field)
    if isinstance(field, bool):
        return "1" if field else "0"
    return str(field)


def escaped(text: str) -> str:
    r"""Write every character beyond ASCII as `\uXXXX`, as a TWS does since server version 153."""
    if text.isascii():
        return text
    return "".join(char if char < "\x80" else _escape(ord(char)) for char in text)


def _escape(code: int) -> str:
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000  # beyond the basic plane: a surrogate pair, as Java writes it
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def framed(text: str) -> bytes:
    """Put the length before texts that each end in NUL already (for fields that cannot hold a NUL)."""
    payload = (text if text.isascii() else escaped(text)).encode("ascii")
    return len(payload).to_bytes(4, "big") + payload


def joined(texts: list[str]) -> bytes:
    """Frame a list of texts.

    Raises:
        WireError: a text holds a NUL.
    """
    text = "\0".join(texts) + "\0"
    if text.count("\0") != len(texts):
        raise WireError("a text holds a NUL, which ends a field")
    return framed(text)


def frame(*fields: Field) -> bytes:
    """Frame a message: None becomes empty, a bool 0 or 1, a number plain text without a needless point.

    Raises:
        WireError: a text holds a NUL.
    """
    return joined([field if type(field) is str else _text(field) for field in fields])


class Deframer:
    """Cuts a stream of bytes into payloads, whatever pieces it comes in.

    Holds at most one unfinished frame of `max_payload` bytes beside the piece that was fed last.
    """

    __slots__ = ("_buffer", "_max_payload", "_refused")

    def __init__(self, max_payload: int = MAX_PAYLOAD_BYTES) -> None:
        """Refuse payloads above `max_payload` bytes."""
        self._buffer = bytearray()
        self._max_payload = max_payload
        self._refused = ""

    @property
    def pending_bytes(self) -> int:
        """Bytes of a frame that is not complete yet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """Take a piece of the stream; return the payloads that are complete with it.

        Raises:
            FrameError: a frame is announced longer than allowed; nothing is read after it.
        """
        if self._refused:
            raise FrameError(self._refused)
        buffer = self._buffer
        buffer += data
        payloads: list[bytes] = []
        at, have = 0, len(buffer)
        while have - at >= 4:
            length = int.from_bytes(buffer[at : at + 4], "big")
            if length > self._max_payload:
                self._refuse(length, payloads)
            if have - at - 4 < length:
                break
            payloads.append(bytes(buffer[at + 4 : at + 4 + length]))
            at += 4 + length
        del buffer[:at]
        return payloads

    def _refuse(self, length: int, payloads: list[bytes]) -> None:
        self._refused = f"a frame of {length} bytes is announced; at most {self._max_payload} are read"
        self._buffer.clear()
        raise FrameError(self._refused, complete=tuple(payloads))
