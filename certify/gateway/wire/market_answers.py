"""Answers about markets: quotes, trades, books and history; written as f-strings because they are many.

The first argument is the server version wherever a size is written: sizes are whole numbers below 163 (the
official client 9.81 reads them as such and ends its session at anything else).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from certify.gateway.wire.frames import WireError, frame, framed, joined, number

__all__ = [
    "HistoricalTick",
    "HistoricalTickBidAsk",
    "HistoricalTickLast",
    "WireBar",
    "head_timestamp",
    "histogram_data",
    "historical_data",
    "historical_data_update",
    "historical_ticks",
    "historical_ticks_bid_ask",
    "historical_ticks_last",
    "market_data_type",
    "market_rule",
    "mkt_depth",
    "mkt_depth_l2",
    "real_time_bar",
    "size_text",
    "tick_by_tick_bid_ask",
    "tick_by_tick_last",
    "tick_by_tick_mid_point",
    "tick_generic",
    "tick_option_computation",
    "tick_price",
    "tick_price_and_size",
    "tick_req_params",
    "tick_size",
    "tick_snapshot_end",
    "tick_string",
    "written_price",
    "written_size",
    "written_text",
]

NS_PER_S = 1_000_000_000
_CAN_TRADE = 1
"""The attribute of a bid or ask that can be traded at."""


def size_text(version: int, size: Decimal | int) -> str:
    """Write a size: whole below server version 163 (what is behind the point is cut off)."""
    if isinstance(size, int):
        return str(size)
    return number(size) if version >= 163 else str(int(size))


@dataclass(frozen=True, slots=True, kw_only=True)
class WireBar:
    """A bar; `date` is the text of its beginning (see `times.bar_time`)."""

    date: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    wap: Decimal
    bar_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoricalTick:
    """A midpoint of the past."""

    time_ns: int
    price: Decimal
    size: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoricalTickBidAsk:
    """A quote of the past."""

    time_ns: int
    price_bid: Decimal
    price_ask: Decimal
    size_bid: Decimal
    size_ask: Decimal
    mask: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoricalTickLast:
    """A trade of the past."""

    time_ns: int
    price: Decimal
    size: Decimal
    exchange: str
    special_conditions: str = ""
    mask: int = 0


def tick_price(
    version: int,
    *,
    req_id: int,
    tick_type: int,
    price: Decimal | None,
    size: Decimal | int,
    attr_mask: int = 0,
) -> bytes:
    """Write tickPrice (1); None is "no quote": price -1 and size 0."""
    if price is None:
        return framed(f"1\x006\0{req_id}\0{tick_type}\0-1\x000\0{attr_mask}\0")
    return framed(
        f"1\x006\0{req_id}\0{tick_type}\0{number(price)}\0{size_text(version, size)}\0{attr_mask}\0"
    )


def tick_price_and_size(
    version: int,
    *,
    req_id: int,
    tick_types: tuple[int, int],
    price: Decimal,
    size: Decimal,
    attr_mask: int = 0,
) -> bytes:
    """Write tickPrice and the tickSize that follows it, of these two types: most ticks are such pairs."""
    held = size_text(version, size)
    first = f"1\x006\0{req_id}\0{tick_types[0]}\0{number(price)}\0{held}\0{attr_mask}\0"
    second = f"2\x006\0{req_id}\0{tick_types[1]}\0{held}\0"
    if len(first) > 127:  # no number is so long; the lengths below are written as one character
        return framed(first) + framed(second)
    return f"\0\0\0{chr(len(first))}{first}\0\0\0{chr(len(second))}{second}".encode("ascii")


def written_price(req_id: int, tick_type: int, price: str, size: str, attr_mask: int = _CAN_TRADE) -> str:
    """Write tickPrice with its length as text, which can be put together and encoded as ASCII at once."""
    return _written(f"1\x006\0{req_id}\0{tick_type}\0{price}\0{size}\0{attr_mask}\0")


def written_size(req_id: int, tick_type: int, size: str) -> str:
    """Write tickSize likewise."""
    return _written(f"2\x006\0{req_id}\0{tick_type}\0{size}\0")


def written_text(req_id: int, tick_type: int, value: str) -> str:
    """Write tickString likewise."""
    return _written(f"46\x006\0{req_id}\0{tick_type}\0{value}\0")


def _written(payload: str) -> str:
    """Put the length before a short payload; a character above 127 would not be a byte of ASCII."""
    if len(payload) > 127:
        raise WireError(f"expected at most 127 characters, was {len(payload)}")
    return f"\0\0\0{chr(len(payload))}{payload}"


def tick_size(version: int, *, req_id: int, tick_type: int, size: Decimal | int) -> bytes:
    """Write tickSize (2)."""
    return framed(f"2\x006\0{req_id}\0{tick_type}\0{size_text(version, size)}\0")


def tick_generic(*, req_id: int, tick_type: int, value: Decimal | int) -> bytes:
    """Write tickGeneric (45), for example 49 halted."""
    return frame(45, 6, req_id, tick_type, value)


def tick_string(*, req_id: int, tick_type: int, value: str) -> bytes:
    """Write tickString (46), for example 45 the last trade's second, 48 RTVolume."""
    return frame(46, 6, req_id, tick_type, value)


def tick_req_params(*, req_id: int, min_tick: Decimal, bbo_exchange: str, snapshot_permissions: int) -> bytes:
    """Write tickReqParams (81), the first answer to reqMktData."""
    return frame(81, req_id, min_tick, bbo_exchange, snapshot_permissions)


def market_data_type(*, req_id: int, market_data_type: int) -> bytes:
    """Write marketDataType (58): 1 live, 2 frozen, 3 delayed, 4 delayed and frozen; before the first tick."""
    return frame(58, 1, req_id, market_data_type)


def tick_snapshot_end(*, req_id: int) -> bytes:
    """Write tickSnapshotEnd (57)."""
    return frame(57, 1, req_id)


def tick_option_computation(
    *, req_id: int, tick_type: int, tick_attrib: int, values: tuple[Decimal | None, ...]
) -> bytes:
    """Write tickOptionComputation (21).

    `values`: implied volatility, delta, option price, present value of dividends, gamma, vega, theta, price
    of the underlying; None is written as what "not computed" is for each (-1, or -2 for the greeks).
    """
    if len(values) != 8:
        raise ValueError(f"an option's computation has 8 values, not {len(values)}")
    not_computed = (-1, -2, -1, -1, -2, -2, -2, -1)
    texts = [given if value is None else value for value, given in zip(values, not_computed, strict=True)]
    return frame(21, req_id, tick_type, tick_attrib, *texts)


def tick_by_tick_last(
    version: int,
    *,
    req_id: int,
    time_ns: int,
    price: Decimal,
    size: Decimal | int,
    exchange: str,
    all_last: bool = False,
    conditions: str = "",
) -> bytes:
    """Write tickByTick (99) of a trade, type 1 (Last) or 2 (AllLast)."""
    return framed(
        f"99\0{req_id}\0{2 if all_last else 1}\0{time_ns // NS_PER_S}\0{number(price)}\0"
        f"{size_text(version, size)}\x000\0{exchange}\0{conditions}\0"
    )


def tick_by_tick_bid_ask(
    version: int,
    *,
    req_id: int,
    time_ns: int,
    bid_price: Decimal,
    ask_price: Decimal,
    bid_size: Decimal | int,
    ask_size: Decimal | int,
) -> bytes:
    """Write tickByTick (99) of a quote, type 3."""
    return framed(
        f"99\0{req_id}\x003\0{time_ns // NS_PER_S}\0{number(bid_price)}\0{number(ask_price)}\0"
        f"{size_text(version, bid_size)}\0{size_text(version, ask_size)}\x000\0"
    )


def tick_by_tick_mid_point(*, req_id: int, time_ns: int, mid_point: Decimal) -> bytes:
    """Write tickByTick (99) of a midpoint, type 4."""
    return framed(f"99\0{req_id}\x004\0{time_ns // NS_PER_S}\0{number(mid_point)}\0")


def mkt_depth(
    version: int,
    *,
    req_id: int,
    position: int,
    operation: int,
    side: int,
    price: Decimal,
    size: Decimal | int,
) -> bytes:
    """Write mktDepth (12): operation 0 insert, 1 update, 2 delete; side 0 ask, 1 bid."""
    return framed(
        f"12\x001\0{req_id}\0{position}\0{operation}\0{side}\0{number(price)}\0{size_text(version, size)}\0"
    )


def mkt_depth_l2(  # noqa: PLR0913 - one argument per field of the message
    version: int,
    *,
    req_id: int,
    position: int,
    market_maker: str,
    operation: int,
    side: int,
    price: Decimal,
    size: Decimal | int,
    is_smart_depth: bool,
) -> bytes:
    """Write mktDepthL2 (13): a row of the book with its market maker or, with smart depth, its exchange."""
    return framed(
        f"13\x001\0{req_id}\0{position}\0{market_maker}\0{operation}\0{side}\0{number(price)}\0"
        f"{size_text(version, size)}\0{1 if is_smart_depth else 0}\0"
    )


def historical_data(version: int, *, req_id: int, start: str, end: str, bars: Iterable[WireBar]) -> bytes:
    """Write historicalData (17); the end marker is in it below server version 196."""
    listed = list(bars)
    texts = ["17", str(req_id), start, end, str(len(listed))]
    for bar in listed:
        texts += (bar.date, number(bar.open), number(bar.high), number(bar.low), number(bar.close))
        texts += (size_text(version, bar.volume), number(bar.wap), str(bar.bar_count))
    return joined(texts)


def historical_data_update(version: int, *, req_id: int, bar: WireBar) -> bytes:
    """Write historicalDataUpdate (90): open, close, high, low; the volume last."""
    return frame(
        90,
        req_id,
        bar.bar_count,
        bar.date,
        bar.open,
        bar.close,
        bar.high,
        bar.low,
        bar.wap,
        size_text(version, bar.volume),
    )


def real_time_bar(version: int, *, req_id: int, time_s: int, bar: WireBar) -> bytes:
    """Write realTimeBar (50); the bar's own date is not written."""
    volume = size_text(version, bar.volume)
    return frame(
        50, 3, req_id, time_s, bar.open, bar.high, bar.low, bar.close, volume, bar.wap, bar.bar_count
    )


def head_timestamp(*, req_id: int, text: str) -> bytes:
    """Write headTimestamp (88)."""
    return frame(88, req_id, text)


def histogram_data(version: int, *, req_id: int, rows: Iterable[tuple[Decimal, Decimal]]) -> bytes:
    """Write histogramData (89): rows of price and size."""
    texts = [text for price, size in rows for text in (number(price), size_text(version, size))]
    return joined(["89", str(req_id), str(len(texts) // 2), *texts])


def historical_ticks(version: int, *, req_id: int, ticks: Iterable[HistoricalTick], done: bool) -> bytes:
    """Write historicalTicks (96): midpoints."""
    texts: list[str] = []
    for tick in ticks:
        texts += (str(tick.time_ns // NS_PER_S), "0", number(tick.price), size_text(version, tick.size))
    return joined(["96", str(req_id), str(len(texts) // 4), *texts, "1" if done else "0"])


def historical_ticks_bid_ask(
    version: int, *, req_id: int, ticks: Iterable[HistoricalTickBidAsk], done: bool
) -> bytes:
    """Write historicalTicksBidAsk (97): quotes."""
    texts: list[str] = []
    for tick in ticks:
        texts += (
            str(tick.time_ns // NS_PER_S),
            str(tick.mask),
            number(tick.price_bid),
            number(tick.price_ask),
        )
        texts += (size_text(version, tick.size_bid), size_text(version, tick.size_ask))
    return joined(["97", str(req_id), str(len(texts) // 6), *texts, "1" if done else "0"])


def historical_ticks_last(
    version: int, *, req_id: int, ticks: Iterable[HistoricalTickLast], done: bool
) -> bytes:
    """Write historicalTicksLast (98): trades."""
    texts: list[str] = []
    for tick in ticks:
        texts += (str(tick.time_ns // NS_PER_S), str(tick.mask), number(tick.price))
        texts += (size_text(version, tick.size), tick.exchange, tick.special_conditions)
    return joined(["98", str(req_id), str(len(texts) // 6), *texts, "1" if done else "0"])


def market_rule(*, rule_id: int, rows: Iterable[tuple[Decimal, Decimal]]) -> bytes:
    """Write marketRule (93): rows of the lowest price and the step from there."""
    texts = [number(value) for row in rows for value in row]
    return joined(["93", str(rule_id), str(len(texts) // 2), *texts])
