"""Order types and times in force: what each needs, and what it is at the venue."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from certify import clock
from certify.gateway.wire.order import WireOrder
from certify.model.trading import OrderType, Side, TimeInForce

EXCHANGE_ZONE = "US/Eastern"
"""The zone of times that name none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One order type of IB."""

    name: str
    after: OrderType
    """What it is at the venue, once it is there."""
    native: bool = True
    """Whether the venue watches its trigger; else the desk does."""
    limit: bool = False
    """Whether it needs a limit price."""
    trigger: bool = False
    """Whether it has a trigger price, in auxPrice."""
    touched: bool = False
    """Whether it is triggered at a better price than now (if touched) and not at a worse one (stop)."""
    trailing: bool = False
    """Whether its trigger follows the market: auxPrice is the distance, or trailingPercent."""
    derives: str = ""
    """What its limit comes from: `own` (best price of its side), `mid`, `opposite`; empty: the client."""
    follows: bool = False
    """Whether that limit moves with the market; the client's own limit price is how far it may."""
    close: bool = False
    """Whether it waits for the close of the day."""


SHAPES = {
    shape.name: shape
    for shape in (
        Shape(name="MKT", after=OrderType.MARKET),
        Shape(name="LMT", after=OrderType.LIMIT, limit=True),
        Shape(name="STP", after=OrderType.STOP, trigger=True),
        Shape(name="STP LMT", after=OrderType.STOP_LIMIT, limit=True, trigger=True),
        Shape(name="MIT", after=OrderType.MARKET, native=False, trigger=True, touched=True),
        Shape(name="LIT", after=OrderType.LIMIT, native=False, limit=True, trigger=True, touched=True),
        Shape(name="TRAIL", after=OrderType.MARKET, native=False, trailing=True),
        Shape(name="TRAIL LIMIT", after=OrderType.LIMIT, native=False, trailing=True),
        Shape(name="MOC", after=OrderType.MARKET, close=True),
        Shape(name="LOC", after=OrderType.LIMIT, limit=True, close=True),
        Shape(name="MTL", after=OrderType.LIMIT, derives="opposite"),
        Shape(name="REL", after=OrderType.LIMIT, derives="own", follows=True),
        Shape(name="MIDPRICE", after=OrderType.LIMIT, derives="mid", follows=True),
        Shape(name="PEG MID", after=OrderType.LIMIT, derives="mid", follows=True),
    )
}
"""What can be placed; anything else is refused with 387."""

_OTHER_NAMES = {
    "MARKET": "MKT", "LIMIT": "LMT", "STOP": "STP", "STOP LIMIT": "STP LMT", "STPLMT": "STP LMT",
    "TRAILLMT": "TRAIL LIMIT", "TRAIL LMT": "TRAIL LIMIT", "TRAILLIMIT": "TRAIL LIMIT", "PEGMID": "PEG MID",
}  # fmt: skip

TIFS = {
    "": TimeInForce.DAY,
    "DAY": TimeInForce.DAY,
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "GTD": TimeInForce.GTD,
    "OPG": TimeInForce.IOC,
}
"""What a time in force is at the venue; OPG waits for the opening, and takes what is there then."""


def shape_of(order_type: str) -> Shape | None:
    """Return the shape of an order type by any of its names; None for one that is not simulated."""
    shape = SHAPES.get(order_type)
    if shape is None:
        name = order_type.upper()
        shape = SHAPES.get(_OTHER_NAMES.get(name, name))
    return shape


_TIME = re.compile(r"(\d{8})[ -](\d{1,2}:\d{2}(?::\d{2})?)\s*(\S.*)?")


def time_ns(text: str) -> int | None:
    """Read `20260131 15:59:00 US/Eastern` or `20260131-15:59:00` (UTC); None when it is no time.

    The two forms are those of the TWS API for goodTillDate and goodAfterTime; a date alone is its end.
    """
    if re.fullmatch(r"\d{8}", text):
        text += " 23:59:59"
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    day, hour, zone_name = match.groups()
    try:
        zone = UTC if "-" in text[:9] else ZoneInfo(zone_name or EXCHANGE_ZONE)
        pattern = "%Y%m%d %H:%M:%S" if hour.count(":") == 2 else "%Y%m%d %H:%M"
        moment = datetime.strptime(f"{day} {hour}", pattern).replace(tzinfo=zone)
    except (ValueError, ZoneInfoNotFoundError):
        return None
    return int(moment.timestamp()) * clock.NS_PER_S


def trail_stop(order: WireOrder, side: Side, market: Decimal, tick: Decimal) -> Decimal:
    """Return where the trigger of a trailing order stands when the market is at `market`, on the grid."""
    if order.trailing_percent is not None:
        distance = market * order.trailing_percent / 100
    else:
        distance = order.aux_price or Decimal(0)
    raw = market - distance if side is Side.SELL else market + distance
    rounding = ROUND_FLOOR if side is Side.SELL else ROUND_CEILING
    return (raw / tick).to_integral_value(rounding) * tick


def trail_limit(order: WireOrder, side: Side, stop: Decimal) -> Decimal | None:
    """Return the limit price of a TRAIL LIMIT whose trigger stands at `stop`; None when nothing gives it."""
    offset = order.lmt_price_offset
    if offset is None:
        if order.lmt_price is None or order.trail_stop_price is None:
            return order.lmt_price
        offset = (order.lmt_price - order.trail_stop_price) * (-1 if side is Side.SELL else 1)
    return stop - offset if side is Side.SELL else stop + offset
