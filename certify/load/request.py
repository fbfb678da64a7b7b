"""What the generator beside the system is asked to do, as plain data for the pipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from certify.model.trading import TimeInForce
from certify.profile.model import LoadLevel

NS_PER_S = 1_000_000_000
TIMEOUT_S = 5.0
"""A request that is not answered within this is lost, unless a check's parameter says otherwise."""
MAX_LATE_S = 5.0
"""A request that could not be sent within this is not sent any more, and counted as that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTerms:
    """The orders of a level: one lot, one instrument, marketable, the sides in balance."""

    port: str
    prefix: str
    """Of every client order id: prefix, number, and `B` or `S`."""
    instrument: str
    qty: Decimal
    buy_price: Decimal
    sell_price: Decimal
    tif: TimeInForce = TimeInForce.IOC


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteTerms:
    """The quotes of a level: one price, so that the orders stay marketable, at changing sizes."""

    instrument: str
    bid: Decimal
    ask: Decimal
    size: Decimal
    lot: Decimal


def orders_stream(level: LoadLevel, terms: OrderTerms, seed: int) -> dict[str, Any]:
    """Return the stream of orders of a level."""
    return {
        "stream": "orders",
        "rate_per_s": level.orders_per_s,
        "arrival": level.arrival,
        "seed": seed,
        "port": terms.port,
        "prefix": terms.prefix,
        "instrument": terms.instrument,
        "qty": str(terms.qty),
        "buy_price": str(terms.buy_price),
        "sell_price": str(terms.sell_price),
        "tif": terms.tif.value,
    }


def quotes_stream(level: LoadLevel, terms: QuoteTerms, seed: int) -> dict[str, Any]:
    """Return the stream of injected quotes of a level."""
    return {
        "stream": "market_data",
        "rate_per_s": level.market_data_per_s,
        "arrival": level.arrival,
        "seed": seed,
        "instrument": terms.instrument,
        "bid": str(terms.bid),
        "ask": str(terms.ask),
        "size": str(terms.size),
        "lot": str(terms.lot),
    }


def load_request(
    level: LoadLevel, streams: Sequence[Mapping[str, Any]], *, timeout_s: float = TIMEOUT_S
) -> dict[str, Any]:
    """Return the order for one level: warm-up and measured part are driven alike."""
    return {
        "length_ns": int((level.warmup_s + level.duration_s) * NS_PER_S),
        "timeout_ns": int(timeout_s * NS_PER_S),
        "max_late_ns": int(MAX_LATE_S * NS_PER_S),
        "streams": [dict(stream) for stream in streams],
    }


def patience_s(level: LoadLevel, timeout_s: float = TIMEOUT_S) -> float:
    """Return how long to wait for a level before the system is held to be stuck."""
    return level.warmup_s + level.duration_s + MAX_LATE_S + 2 * timeout_s + 5.0
