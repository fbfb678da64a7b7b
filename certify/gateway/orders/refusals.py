"""What the venue's codes are at IB: error codes, and texts that begin with the venue's code in words."""

from __future__ import annotations

from certify.venue import Code

ORDER_REJECTED = 201
ORDER_CANCELED = 202
DUPLICATE_ORDER_ID = 103
CANNOT_MODIFY_FILLED = 104
DOES_NOT_MATCH = 105
OFF_TICK = 110
NOT_CANCELLABLE = 161
NO_SECURITY_DEFINITION = 200
VALIDATING = 321
UNSUPPORTED_TYPE = 387
ORDER_MESSAGE = 399
HELD = 404
SIZE_ZERO = 434
MISSING_PARENT = 10006
CANCEL_NOT_FOUND = 10147
CANCEL_WRONG_STATE = 10148
FRACTIONAL = 10243

_WORDS = {
    Code.TICK: "Price off tick",
    Code.LOT: "Size off lot",
    Code.PRICE: "Invalid limit price",
    Code.STOP_PRICE: "Invalid stop price",
    Code.QTY: "Invalid size",
    Code.UNKNOWN_INSTRUMENT: "Unknown instrument",
    Code.CURRENCY: "Wrong currency",
    Code.ACCOUNT: "Invalid account",
    Code.DUPLICATE_ORDER_ID: "Duplicate order id",
    Code.CLOSED: "Exchange is closed",
    Code.HALTED: "Trading halted",
    Code.EXPIRE_TIME: "Invalid expiry",
    Code.VENUE_REJECT: "Rejected by the exchange",
    Code.UNKNOWN_ORDER: "Unknown order",
    Code.TOO_LATE: "Too late",
    Code.NOTHING_TO_CHANGE: "Nothing to change",
    Code.BELOW_CUM_QTY: "Size below filled size",
    Code.NO_LIQUIDITY: "No liquidity",
    Code.IOC: "Immediate or cancel",
    Code.FOK: "Fill or kill",
    Code.SELF_MATCH: "Self match prevented",
    Code.SESSION_END: "End of session",
    Code.GTD_EXPIRED: "Good till date expired",
    Code.BUSTED: "Execution busted",
}

_BY_CODE = {
    Code.TICK: OFF_TICK,
    Code.UNKNOWN_INSTRUMENT: NO_SECURITY_DEFINITION,
    Code.DUPLICATE_ORDER_ID: DUPLICATE_ORDER_ID,
}


def ib_code(code: str | None) -> int:
    """Return the error code of a new order that the venue refused with `code`; 201 for most."""
    return _BY_CODE.get(Code(code), ORDER_REJECTED) if code else ORDER_REJECTED


def words(code: str | None, reason: str | None = None) -> str:
    """Return the reason as a text: the venue's code in stable words, then what the venue said of it.

    ASCII only and one line, as a field of the wire should be.
    """
    first = _WORDS[Code(code)] if code else ""
    text = f"{first}: {reason}" if first and reason else first or reason or ""
    return text.encode("ascii", "replace").decode()
