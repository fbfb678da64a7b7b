"""What a request for history asks for: size of bars, duration, end; `Unacceptable` has IB's code and text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from certify.gateway.trading_calendar import ZONE

_MINUTE, _HOUR, DAY_S = 60, 3600, 86_400
BAR_SIZES = {
    "1 secs": 1, "1 sec": 1, "5 secs": 5, "10 secs": 10, "15 secs": 15, "30 secs": 30, "1 min": _MINUTE,
    "2 mins": 120, "3 mins": 180, "4 mins": 240, "5 mins": 300, "10 mins": 600, "15 mins": 900,
    "20 mins": 1200, "30 mins": 1800, "1 hour": _HOUR, "2 hours": 7200, "3 hours": 10_800,
    "4 hours": 14_400, "8 hours": 28_800, "1 day": DAY_S, "1 week": 7 * DAY_S, "1 month": 30 * DAY_S,
    "1W": 7 * DAY_S, "1M": 30 * DAY_S, "1 secs.": 1, "1 day.": DAY_S,
}  # fmt: skip
"""Seconds by the text of a bar size."""
SMALL_S = 30
"""Bars up to this size are paced."""
_UNITS = {"S": 1, "D": DAY_S, "W": 7 * DAY_S, "M": 30 * DAY_S, "Y": 365 * DAY_S}
_PERIODS = {"sec": "S", "min": "S", "hour": "S", "day": "D", "week": "W", "month": "M"}
_PERIOD_S = {"min": _MINUTE, "hour": _HOUR}
_DURATION = re.compile(r"(\d{1,6}) ?([SDWMY])")
_PERIOD = re.compile(r"(\d{1,4}) ?(sec|min|hour|day|week|month)s?")
_MOMENT = re.compile(r"(\d{8})(?:(-| +)(\d{2}:\d{2}:\d{2}))?(?: +([A-Za-z_]+(?:/[A-Za-z_+\-0-9]+)*))?")
_BAD_TIME = (
    "End Date/Time: The date, time, or time-zone entered is invalid. The correct format is yyyymmdd hh:mm:ss"
    " xx/xxxx where yyyymmdd and xx/xxxx are optional. E.g.: 20031126 15:59:00 US/Eastern  Note that there"
    " is a space between the date and time, and between the time and time-zone."
)


class Unacceptable(Exception):
    """A request cannot be answered; becomes an error message, never leaves the gateway."""

    def __init__(self, code: int, text: str) -> None:
        """Keep the code beside the text."""
        self.code, self.text = code, text
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Duration:
    """How far back: so many of a unit (`S`, `D`, `W`, `M`, `Y`)."""

    count: int
    unit: str

    @property
    def seconds(self) -> int:
        """The length in seconds of calendar time."""
        return self.count * _UNITS[self.unit]


def invalid(cause: str) -> Unacceptable:
    """Return error 321 with its cause."""
    return Unacceptable(321, f"Error validating request.-'bQ' : cause - {cause}")


def bar_size(text: str) -> int:
    """Return the seconds of a bar; raises `Unacceptable`."""
    size = BAR_SIZES.get(text.strip())
    if size is None:
        legal = ", ".join(dict.fromkeys(each for each in BAR_SIZES if not each.endswith(".")))
        raise invalid(f"Historical data bar size setting is invalid. Legal ones are: {legal}")
    return size


def duration(text: str) -> Duration:
    """Return a duration; raises `Unacceptable`."""
    match = _DURATION.fullmatch(text.strip().upper())
    if match is None or not int(match[1]):
        raise invalid("Historical data request duration is invalid: expected integer{SPACE}unit (S|D|W|M|Y)")
    made = Duration(int(match[1]), match[2])
    if made.unit == "D" and made.count > 365:
        raise invalid("Historical data requests for durations longer than 365 days must be made in years.")
    if made.unit == "M" and made.count > 12:
        raise invalid("Historical data requests for durations longer than 12 months must be made in years.")
    if made.unit == "Y" and made.count > 50:
        raise invalid("Historical data requests for durations longer than 50 years are rejected.")
    return made


def period(text: str) -> Duration:
    """Return a histogram's period, as `3 days`; raises `Unacceptable`."""
    match = _PERIOD.fullmatch(text.strip().lower())
    if match is None or not int(match[1]):
        raise invalid(f"Invalid histogram period: {text}")
    return Duration(int(match[1]) * _PERIOD_S.get(match[2], 1), _PERIODS[match[2]])


def moment(text: str) -> int | None:
    """Return the seconds since the epoch; `None` for an empty text; raises `Unacceptable`.

    `20261123 15:59:00 US/Eastern`; with a dash between date and time it is UTC; without a zone New York;
    a date alone ends at midnight.
    """
    text = text.strip()
    if not text:
        return None
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise Unacceptable(10314, _BAD_TIME)
    day, dash, clock, zone = match.groups()
    try:
        where = ZoneInfo(zone) if zone else UTC if dash == "-" else ZONE
        parsed = datetime.strptime(f"{day} {clock or '23:59:59'}", "%Y%m%d %H:%M:%S").replace(tzinfo=where)
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise Unacceptable(10314, _BAD_TIME) from error
    return int(parsed.timestamp())
