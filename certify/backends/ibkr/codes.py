"""What IB's error numbers mean for an order.

Not what the client libraries make of them: those take most errors for the end of the order
(`tws-protocol`, "Error codes on an order"). Facts: IB's list of API message codes,
https://ibkrcampus.com/campus/ibkr-api-page/twsapi-doc/#api-error-codes.
"""

from __future__ import annotations

from enum import Enum


class Meaning(Enum):
    """What an error says about the order whose id it carries."""

    NOTICE = "the order lives as before"
    REFUSED = "what was sent last, a new order or a change, is refused; an order that was working works on"
    NO_CANCEL = "the cancel is refused; the order is as it was"
    NO_CHANGE = "the change is refused; the order is as it was"
    CANCELED = "the order is canceled"
    UNCLEAR = "not known; the gateway is asked how the order stands"


_REFUSED = {
    103,  # duplicate order id
    106, 107, 109, 110, 111, 113, 116, 117, 118, 119, 120, 121, 122, 125, 126, 131, 132, 133, 134,
    152, 154, 157, 158, 159, 163, 164,
    200, 201, 203, 321, 322, 325, 328, 329, 354, 355, 361, 362, 363, 367, 370, 377, 378, 379, 380, 381,
    382, 383, 387, 388, 389, 391, 392, 393, 394, 395, 396, 397, 398, 400, 401, 402, 403, 405, 406, 407, 408,
    409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 419, 421, 422, 423, 424, 425, 426, 427, 428, 429,
    430, 431, 432, 433, 434, 435, 436, 437, 440, 441, 442, 443, 444, 445, 446, 447, 448, 449, 451, 452, 453,
    454, 455, 460, 461, 463, 478, 512, 513, 514,
    10006, 10007, 10012, 10013, 10014, 10015, 10016, 10020, 10021, 10043, 10052, 10141, 10243, 10268, 10269,
    10270,
}  # fmt: skip
_NOTICES = {
    0,  # pacing is near its limit
    399,  # order message: when the order will be placed
    404,  # held while shares are located
    492,
    10167,
    10311,  # direct routing costs more
    10349,  # the time in force was set by a preset
}
_NO_CHANGE = {104, 105}
_NO_CANCEL = {135, 136, 161, 10147, 10148}
VENUE_CODES = frozenset({"201", "202"})
"""Said by an exchange or by IB's credit check; every other code is IB's validation."""


def meaning(code: int) -> Meaning:
    """Return what an error with this code says about an order."""
    if code in _NOTICES or 2100 <= code < 2200:
        return Meaning.NOTICE
    if code == 202:
        return Meaning.CANCELED
    if code in _NO_CHANGE:
        return Meaning.NO_CHANGE
    if code in _NO_CANCEL:
        return Meaning.NO_CANCEL
    return Meaning.REFUSED if code in _REFUSED else Meaning.UNCLEAR


CONNECTIVITY_LOST, DATA_LOST, DATA_KEPT = 1100, 1101, 1102
ID_IN_USE = 326
NOT_SUBSCRIBED = frozenset({354, 10089, 10090, 10168, 10186})
DELAYED_INSTEAD = 10167
DEPTH_RESET = 317
