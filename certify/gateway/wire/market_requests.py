"""Requests about markets and contracts; fields named as in the protocol, ids first."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from certify.gateway.wire.contract import WireContract

__all__ = [
    "CalculateImpliedVolatility",
    "CalculateOptionPrice",
    "CancelCalculateImpliedVolatility",
    "CancelCalculateOptionPrice",
    "CancelHeadTimestamp",
    "CancelHistogramData",
    "CancelHistoricalData",
    "CancelMktData",
    "CancelMktDepth",
    "CancelRealTimeBars",
    "CancelTickByTick",
    "ReqContractDetails",
    "ReqHeadTimestamp",
    "ReqHistogramData",
    "ReqHistoricalData",
    "ReqHistoricalTicks",
    "ReqMarketDataType",
    "ReqMarketRule",
    "ReqMatchingSymbols",
    "ReqMktData",
    "ReqMktDepth",
    "ReqMktDepthExchanges",
    "ReqRealTimeBars",
    "ReqSecDefOptParams",
    "ReqSmartComponents",
    "ReqTickByTick",
    "Request",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Base of everything that a client asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqMktData(Request):
    """Stream a contract's market, or one snapshot of it."""

    req_id: int
    contract: WireContract
    generic_tick_list: str
    snapshot: bool
    regulatory_snapshot: bool
    mkt_data_options: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelMktData(Request):
    """End a stream; there is no answer."""

    req_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqContractDetails(Request):
    """All contracts that match a description."""

    req_id: int
    contract: WireContract
    include_expired: bool
    sec_id_type: str
    sec_id: str
    issuer_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqMktDepth(Request):
    """Stream a book."""

    req_id: int
    contract: WireContract
    num_rows: int
    is_smart_depth: bool
    options: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelMktDepth(Request):
    """End a book's stream."""

    req_id: int
    is_smart_depth: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqHistoricalData(Request):
    """Bars of the past, and as they go on if `keep_up_to_date`."""

    req_id: int
    contract: WireContract
    include_expired: bool
    end_date_time: str
    bar_size: str
    duration: str
    use_rth: bool
    what_to_show: str
    format_date: int
    keep_up_to_date: bool
    chart_options: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelHistoricalData(Request):
    """End the bars."""

    req_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqRealTimeBars(Request):
    """Bars of five seconds."""

    req_id: int
    contract: WireContract
    bar_size: int
    what_to_show: str
    use_rth: bool
    options: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRealTimeBars(Request):
    """End the bars of five seconds."""

    req_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CalculateImpliedVolatility(Request):
    """An option's volatility from its price."""

    req_id: int
    contract: WireContract
    option_price: Decimal | None
    under_price: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalculateOptionPrice(Request):
    """An option's price from its volatility."""

    req_id: int
    contract: WireContract
    volatility: Decimal | None
    under_price: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelCalculateImpliedVolatility(Request):
    """End it."""

    req_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelCalculateOptionPrice(Request):
    """End it."""

    req_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqMarketDataType(Request):
    """1 live, 2 frozen, 3 delayed, 4 delayed and frozen, for all that is asked after."""

    market_data_type: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqSecDefOptParams(Request):
    """An underlying's option chains."""

    req_id: int
    underlying_symbol: str
    fut_fop_exchange: str
    underlying_sec_type: str
    underlying_con_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqMatchingSymbols(Request):
    """Contracts whose symbol or name begins so."""

    req_id: int
    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqMktDepthExchanges(Request):
    """Exchanges that have a book."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqSmartComponents(Request):
    """The exchanges behind a SMART quote."""

    req_id: int
    bbo_exchange: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqHeadTimestamp(Request):
    """When a contract's history begins."""

    req_id: int
    contract: WireContract
    include_expired: bool
    use_rth: bool
    what_to_show: str
    format_date: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelHeadTimestamp(Request):
    """End it."""

    req_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqHistogramData(Request):
    """How much was traded at which price."""

    req_id: int
    contract: WireContract
    include_expired: bool
    use_rth: bool
    period: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelHistogramData(Request):
    """End it."""

    req_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqMarketRule(Request):
    """A table of price steps."""

    market_rule_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqHistoricalTicks(Request):
    """Ticks of the past, from the start or up to the end, whichever is given."""

    req_id: int
    contract: WireContract
    include_expired: bool
    start: str
    end: str
    count: int
    what_to_show: str
    use_rth: bool
    ignore_size: bool
    options: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqTickByTick(Request):
    """Every tick: Last, AllLast, BidAsk or MidPoint."""

    req_id: int
    contract: WireContract
    tick_type: str
    number_of_ticks: int
    ignore_size: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelTickByTick(Request):
    """End it."""

    req_id: int
