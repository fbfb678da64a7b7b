"""Requests about news, scans, reports and the calendar, which the gateway knows but does not offer."""

from __future__ import annotations

from dataclasses import dataclass

from certify.gateway.wire.market_requests import Request

__all__ = [
    "CancelFundamentalData",
    "CancelNewsBulletins",
    "CancelScannerSubscription",
    "CancelWshEventData",
    "CancelWshMetaData",
    "ReqFundamentalData",
    "ReqHistoricalNews",
    "ReqNewsArticle",
    "ReqNewsBulletins",
    "ReqNewsProviders",
    "ReqScannerParameters",
    "ReqScannerSubscription",
    "ReqWshEventData",
    "ReqWshMetaData",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqNewsBulletins(Request):
    """IB's bulletins."""

    all_msgs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelNewsBulletins(Request):
    """No bulletins any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqScannerSubscription(Request):
    """A market scan; the 21 filters as text."""

    req_id: int
    filters: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelScannerSubscription(Request):
    """End a scan."""

    req_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqScannerParameters(Request):
    """What can be scanned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqFundamentalData(Request):
    """A report about a company."""

    req_id: int
    con_id: int
    symbol: str
    sec_type: str
    exchange: str
    primary_exchange: str
    currency: str
    local_symbol: str
    report_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelFundamentalData(Request):
    """End it."""

    req_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqNewsArticle(Request):
    """The text of an article."""

    req_id: int
    provider_code: str
    article_id: str
    options: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqNewsProviders(Request):
    """Providers of news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqHistoricalNews(Request):
    """Headlines of the past."""

    req_id: int
    con_id: int
    provider_codes: str
    start_date_time: str
    end_date_time: str
    total_results: int
    options: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqWshMetaData(Request):
    """The calendar's kinds of events."""

    req_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelWshMetaData(Request):
    """End it."""

    req_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReqWshEventData(Request):
    """Events of the calendar; the filters as text."""

    req_id: int
    con_id: int
    filters: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelWshEventData(Request):
    """End it."""

    req_id: int
