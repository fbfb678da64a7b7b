"""Answers about contracts: details, symbols, option chains, small tables of exchanges and providers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from certify.gateway.wire.contract import WireContract
from certify.gateway.wire.frames import frame, joined, number

__all__ = [
    "WireContractDetails",
    "WireSymbol",
    "contract_data",
    "contract_data_end",
    "family_codes",
    "mkt_depth_exchanges",
    "news_providers",
    "sec_def_opt_param",
    "sec_def_opt_param_end",
    "smart_components",
    "soft_dollar_tiers",
    "symbol_samples",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class WireContractDetails:
    """What IB knows about a contract beside its description; hours and lists as they are written."""

    contract: WireContract
    market_name: str = ""
    min_tick: Decimal = Decimal("0.01")
    order_types: str = ""
    valid_exchanges: str = ""
    price_magnifier: int = 1
    under_con_id: int = 0
    long_name: str = ""
    contract_month: str = ""
    industry: str = ""
    category: str = ""
    subcategory: str = ""
    time_zone_id: str = ""
    trading_hours: str = ""
    liquid_hours: str = ""
    ev_rule: str = ""
    ev_multiplier: str = ""
    sec_ids: tuple[tuple[str, str], ...] = ()
    agg_group: int = 1
    under_symbol: str = ""
    under_sec_type: str = ""
    market_rule_ids: str = ""
    real_expiration_date: str = ""
    stock_type: str = ""
    min_size: Decimal = Decimal("0.0001")
    size_increment: Decimal = Decimal("0.0001")
    suggested_size_increment: Decimal = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class WireSymbol:
    """A row of symbolSamples."""

    contract: WireContract
    derivative_sec_types: tuple[str, ...] = ()
    description: str = ""
    issuer_id: str = ""


def _first_details(version: int, details: WireContractDetails) -> list[str]:
    contract = details.contract
    texts = [
        contract.symbol,
        contract.sec_type,
        contract.last_trade_date,
        number(contract.strike),
        contract.right,
        contract.exchange,
        contract.currency,
        contract.local_symbol,
        details.market_name,
        contract.trading_class,
        str(contract.con_id),
        number(details.min_tick),
    ]
    if version < 164:
        texts.append("1")  # mdSizeMultiplier, which means nothing any more
    return texts


def _last_details(version: int, details: WireContractDetails) -> list[str]:
    texts = [str(len(details.sec_ids)), *(text for pair in details.sec_ids for text in pair)]
    texts += (str(details.agg_group), details.under_symbol, details.under_sec_type, details.market_rule_ids)
    texts += (details.real_expiration_date, details.stock_type)
    if version == 163:
        texts.append(number(details.suggested_size_increment))
    if version >= 164:
        texts += (number(details.min_size), number(details.size_increment))
        texts.append(number(details.suggested_size_increment))
    return texts


def contract_data(version: int, *, req_id: int, details: WireContractDetails) -> bytes:
    r"""Write contractData (10).

    A backslash in the long name is written as `\u005c`, because every client un-escapes this field.
    """
    return joined(
        [
            *(("10", "8") if version < 164 else ("10",)),
            str(req_id),
            *_first_details(version, details),
            details.contract.multiplier,
            details.order_types,
            details.valid_exchanges,
            str(details.price_magnifier),
            str(details.under_con_id),
            details.long_name.replace("\\", "\\u005c"),
            details.contract.primary_exchange,
            details.contract_month,
            details.industry,
            details.category,
            details.subcategory,
            details.time_zone_id,
            details.trading_hours,
            details.liquid_hours,
            details.ev_rule,
            details.ev_multiplier,
            *_last_details(version, details),
        ]
    )


def contract_data_end(*, req_id: int) -> bytes:
    """Write contractDataEnd (52)."""
    return frame(52, 1, req_id)


def symbol_samples(version: int, *, req_id: int, rows: Iterable[WireSymbol]) -> bytes:
    """Write symbolSamples (79)."""
    listed = list(rows)
    texts: list[str] = []
    for row in listed:
        contract = row.contract
        texts += (str(contract.con_id), contract.symbol, contract.sec_type, contract.primary_exchange)
        texts += (contract.currency, str(len(row.derivative_sec_types)), *row.derivative_sec_types)
        if version >= 176:
            texts += (row.description, row.issuer_id)
    return joined(["79", str(req_id), str(len(listed)), *texts])


def sec_def_opt_param(
    *,
    req_id: int,
    exchange: str,
    underlying_con_id: int,
    trading_class: str,
    multiplier: str,
    expirations: Iterable[str],
    strikes: Iterable[Decimal],
) -> bytes:
    """Write secDefOptParam (75): one exchange's option chain."""
    dates, prices = list(expirations), [number(strike) for strike in strikes]
    chain = [str(len(dates)), *dates, str(len(prices)), *prices]
    return joined(["75", str(req_id), exchange, str(underlying_con_id), trading_class, multiplier, *chain])


def sec_def_opt_param_end(*, req_id: int) -> bytes:
    """Write secDefOptParamEnd (76)."""
    return frame(76, req_id)


def _table(head: list[str], rows: Iterable[tuple[str, ...]]) -> bytes:
    listed = list(rows)
    return joined([*head, str(len(listed)), *(text for row in listed for text in row)])


def soft_dollar_tiers(*, req_id: int, rows: Iterable[tuple[str, str, str]] = ()) -> bytes:
    """Write softDollarTiers (77): name, value, display name."""
    return _table(["77", str(req_id)], rows)


def family_codes(rows: Iterable[tuple[str, str]]) -> bytes:
    """Write familyCodes (78): account and code."""
    return _table(["78"], rows)


def mkt_depth_exchanges(rows: Iterable[tuple[str, str, str, str, str]]) -> bytes:
    """Write mktDepthExchanges (80): exchange, security type, listing exchange, service, group (a number)."""
    return _table(["80"], rows)


def smart_components(*, req_id: int, rows: Iterable[tuple[str, str, str]]) -> bytes:
    """Write smartComponents (82): bit (a number), exchange, its letter."""
    return _table(["82", str(req_id)], rows)


def news_providers(rows: Iterable[tuple[str, str]] = ()) -> bytes:
    """Write newsProviders (85): code and name."""
    return _table(["85"], rows)
