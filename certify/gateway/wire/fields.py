"""Reads the texts of one message as what they mean; every client's way of saying "not set" is understood.

ib_insync and ib_async send an empty text, the official clients `1.7976931348623157e+308`, `2147483647` or
`170141183460469231731687303715884105727`; infinity is `Infinite` (ib_*) or `Infinity` (official).
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from certify.gateway.wire.frames import WireError

__all__ = ["MAX_FIELDS", "Fields", "decimal_of", "integer_of", "is_set"]

MAX_FIELDS = 10_000
"""A message of more texts than this is refused before it is split: no client sends a tenth."""

MAX_NUMBER_CHARACTERS = 64
MAX_EXPONENT = 30
INFINITY = Decimal("Infinity")

_UNSET_INTEGERS = frozenset({"", "2147483647", "-2147483648", "9223372036854775807"})
_UNSET_DECIMALS = frozenset(
    {
        "",
        "1.7976931348623157e+308",
        "1.7976931348623157E308",
        "1.7976931348623157E+308",
        "1.7976931348623157e308",
        "2147483647",
        "9223372036854775807",
        "-9223372036854775808",
        "170141183460469231731687303715884105727",
    }
)
_INFINITE = frozenset({"Infinite", "Infinity", "inf", "Inf", "+Infinity"})


def is_set(text: str) -> bool:
    """Whether a number's text says a value: not empty and none of the forms of "not set"."""
    return text not in _UNSET_DECIMALS


def integer_of(text: str, default: int = 0) -> int:
    """Read a whole number; a form of "not set" gives the default.

    Raises:
        WireError: not a whole number, or beyond 64 bits.
    """
    if text in _UNSET_INTEGERS:
        return default
    digits = text[1:] if text[0] in "-+" else text
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 19:
        raise WireError(f"{text[:40]!r} is not a whole number")
    return int(text)


def decimal_of(text: str) -> Decimal | None:
    """Read a number; a form of "not set" gives None, positive infinity `Decimal("Infinity")`.

    Raises:
        WireError: not a number, or one that no price or quantity can be (beyond 30 digits either way).
    """
    if text in _UNSET_DECIMALS:
        return None
    if text in _INFINITE:
        return INFINITY
    if len(text) > MAX_NUMBER_CHARACTERS or "_" in text or not text.isascii():
        raise WireError(f"{text[:40]!r} is not a number")
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise WireError(f"{text[:40]!r} is not a number") from None
    if not value.is_finite() or not -MAX_EXPONENT <= value.adjusted() <= MAX_EXPONENT:
        raise WireError(f"{text!r} is beyond every price and quantity")
    return value


class Fields:
    """A cursor over the texts of one payload; remembers the request id that was read, for an error."""

    __slots__ = ("_at", "_texts", "req_id")

    def __init__(self, payload: bytes) -> None:
        """Split a payload.

        Raises:
            WireError: it does not end in NUL, is not UTF-8 or holds more than `MAX_FIELDS` texts.
        """
        if not payload.endswith(b"\0"):
            raise WireError("the message does not end in NUL")
        if payload.count(0) > MAX_FIELDS:
            raise WireError(f"the message holds more than {MAX_FIELDS} fields")
        try:
            self._texts = payload.decode().split("\0")
        except UnicodeDecodeError:
            raise WireError("the message is not UTF-8 text") from None
        self._texts.pop()
        self._at = 0
        self.req_id = -1

    @property
    def at_end(self) -> bool:
        """Whether every text was read."""
        return self._at >= len(self._texts)

    def text(self) -> str:
        """Read the next text.

        Raises:
            WireError: there is none.
        """
        try:
            text = self._texts[self._at]
        except IndexError:
            raise WireError("the message ends too early") from None
        self._at += 1
        return text

    def take(self, count: int) -> list[str]:
        """Read the next `count` texts.

        Raises:
            WireError: there are fewer.
        """
        texts = self._texts[self._at : self._at + count]
        if len(texts) < count:
            raise WireError("the message ends too early")
        self._at += count
        return texts

    def integer(self, default: int = 0) -> int:
        """Read a whole number; "not set" gives the default.

        Raises:
            WireError: not a whole number.
        """
        return integer_of(self.text(), default)

    def decimal(self) -> Decimal | None:
        """Read a number; "not set" gives None.

        Raises:
            WireError: not a number.
        """
        return decimal_of(self.text())

    def boolean(self, default: bool = False) -> bool:
        """Read 0 or 1; "not set" gives the default.

        Raises:
            WireError: not a whole number.
        """
        return bool(integer_of(self.text(), int(default)))

    def request_id(self) -> int:
        """Read the id that the answers will carry, and remember it.

        Raises:
            WireError: not a whole number.
        """
        self.req_id = integer_of(self.text(), -1)
        return self.req_id

    def count(self, width: int = 1) -> int:
        """Read how many rows of `width` texts follow.

        Raises:
            WireError: negative, or more than the message holds.
        """
        rows = integer_of(self.text())
        if rows < 0 or rows * width > len(self._texts) - self._at:
            raise WireError(f"{rows} rows are announced; the message does not hold them")
        return rows

    def rest(self) -> list[str]:
        """Read everything that is left."""
        texts = self._texts[self._at :]
        self._at = len(self._texts)
        return texts
