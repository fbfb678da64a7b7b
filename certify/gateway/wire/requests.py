"""Parses what clients send: one frozen dataclass per request, in the field order of versions 157 to 178.

`_LAYOUT` reads as the protocol's own table: the words are the fields after the message id, in order. A field
is text unless `_READERS` says otherwise; `>=176:name` is there from that server version on; `version` is a
number that means nothing any more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from certify.gateway.wire.account_requests import (
    CancelAccountSummary,
    CancelAccountUpdatesMulti,
    CancelOrder,
    CancelPnL,
    CancelPnLSingle,
    CancelPositions,
    CancelPositionsMulti,
    PlaceOrder,
    ReplaceFA,
    ReqAccountSummary,
    ReqAccountUpdates,
    ReqAccountUpdatesMulti,
    ReqAllOpenOrders,
    ReqAutoOpenOrders,
    ReqCompletedOrders,
    ReqCurrentTime,
    ReqExecutions,
    ReqFamilyCodes,
    ReqGlobalCancel,
    ReqIds,
    ReqManagedAccts,
    ReqOpenOrders,
    ReqPnL,
    ReqPnLSingle,
    ReqPositions,
    ReqPositionsMulti,
    ReqSoftDollarTiers,
    RequestFA,
    ReqUserInfo,
    SetServerLogLevel,
    StartApi,
    Unknown,
)
from certify.gateway.wire.contract import read_contract, read_legs, read_market_contract
from certify.gateway.wire.fields import Fields
from certify.gateway.wire.frames import WireError
from certify.gateway.wire.market_requests import (
    CalculateImpliedVolatility,
    CalculateOptionPrice,
    CancelCalculateImpliedVolatility,
    CancelCalculateOptionPrice,
    CancelHeadTimestamp,
    CancelHistogramData,
    CancelHistoricalData,
    CancelMktData,
    CancelMktDepth,
    CancelRealTimeBars,
    CancelTickByTick,
    ReqContractDetails,
    ReqHeadTimestamp,
    ReqHistogramData,
    ReqHistoricalData,
    ReqHistoricalTicks,
    ReqMarketDataType,
    ReqMarketRule,
    ReqMatchingSymbols,
    ReqMktData,
    ReqMktDepth,
    ReqMktDepthExchanges,
    ReqRealTimeBars,
    ReqSecDefOptParams,
    ReqSmartComponents,
    ReqTickByTick,
    Request,
)
from certify.gateway.wire.order import WireOrder, parse_place_order
from certify.gateway.wire.other_requests import (
    CancelFundamentalData,
    CancelNewsBulletins,
    CancelScannerSubscription,
    CancelWshEventData,
    CancelWshMetaData,
    ReqFundamentalData,
    ReqHistoricalNews,
    ReqNewsArticle,
    ReqNewsBulletins,
    ReqNewsProviders,
    ReqScannerParameters,
    ReqScannerSubscription,
    ReqWshEventData,
    ReqWshMetaData,
)

__all__ = [
    "CalculateImpliedVolatility",
    "CalculateOptionPrice",
    "CancelAccountSummary",
    "CancelAccountUpdatesMulti",
    "CancelCalculateImpliedVolatility",
    "CancelCalculateOptionPrice",
    "CancelFundamentalData",
    "CancelHeadTimestamp",
    "CancelHistogramData",
    "CancelHistoricalData",
    "CancelMktData",
    "CancelMktDepth",
    "CancelNewsBulletins",
    "CancelOrder",
    "CancelPnL",
    "CancelPnLSingle",
    "CancelPositions",
    "CancelPositionsMulti",
    "CancelRealTimeBars",
    "CancelScannerSubscription",
    "CancelTickByTick",
    "CancelWshEventData",
    "CancelWshMetaData",
    "PlaceOrder",
    "ReplaceFA",
    "ReqAccountSummary",
    "ReqAccountUpdates",
    "ReqAccountUpdatesMulti",
    "ReqAllOpenOrders",
    "ReqAutoOpenOrders",
    "ReqCompletedOrders",
    "ReqContractDetails",
    "ReqCurrentTime",
    "ReqExecutions",
    "ReqFamilyCodes",
    "ReqFundamentalData",
    "ReqGlobalCancel",
    "ReqHeadTimestamp",
    "ReqHistogramData",
    "ReqHistoricalData",
    "ReqHistoricalNews",
    "ReqHistoricalTicks",
    "ReqIds",
    "ReqManagedAccts",
    "ReqMarketDataType",
    "ReqMarketRule",
    "ReqMatchingSymbols",
    "ReqMktData",
    "ReqMktDepth",
    "ReqMktDepthExchanges",
    "ReqNewsArticle",
    "ReqNewsBulletins",
    "ReqNewsProviders",
    "ReqOpenOrders",
    "ReqPnL",
    "ReqPnLSingle",
    "ReqPositions",
    "ReqPositionsMulti",
    "ReqRealTimeBars",
    "ReqScannerParameters",
    "ReqScannerSubscription",
    "ReqSecDefOptParams",
    "ReqSmartComponents",
    "ReqSoftDollarTiers",
    "ReqTickByTick",
    "ReqUserInfo",
    "ReqWshEventData",
    "ReqWshMetaData",
    "Request",
    "RequestFA",
    "SetServerLogLevel",
    "StartApi",
    "Unknown",
    "WireOrder",
    "message_name",
    "parse_request",
]

_LAYOUT: dict[int, tuple[type[Request], str]] = {
    1: (
        ReqMktData,
        "version req_id contract+ generic_tick_list snapshot regulatory_snapshot mkt_data_options",
    ),
    2: (CancelMktData, "version req_id"),
    3: (PlaceOrder, "order"),
    4: (CancelOrder, "version order_id >=169:manual_cancel_order_time"),
    5: (ReqOpenOrders, "version"),
    6: (ReqAccountUpdates, "version subscribe account"),
    7: (ReqExecutions, "version req_id client_id acct_code time symbol sec_type exchange side"),
    8: (ReqIds, "version num_ids"),
    9: (ReqContractDetails, "version req_id contract include_expired sec_id_type sec_id >=176:issuer_id"),
    10: (ReqMktDepth, "version req_id contract num_rows is_smart_depth options"),
    11: (CancelMktDepth, "version req_id is_smart_depth"),
    12: (ReqNewsBulletins, "version all_msgs"),
    13: (CancelNewsBulletins, "version"),
    14: (SetServerLogLevel, "version level"),
    15: (ReqAutoOpenOrders, "version auto_bind"),
    16: (ReqAllOpenOrders, "version"),
    17: (ReqManagedAccts, "version"),
    18: (RequestFA, "version fa_type"),
    19: (ReplaceFA, "version fa_type xml req_id"),
    20: (
        ReqHistoricalData,
        "req_id contract include_expired end_date_time bar_size duration use_rth what_to_show format_date"
        " +legs keep_up_to_date chart_options",
    ),
    22: (ReqScannerSubscription, "req_id filters"),
    23: (CancelScannerSubscription, "version req_id"),
    24: (ReqScannerParameters, "version"),
    25: (CancelHistoricalData, "version req_id"),
    49: (ReqCurrentTime, "version"),
    50: (ReqRealTimeBars, "version req_id contract bar_size:int what_to_show use_rth options"),
    51: (CancelRealTimeBars, "version req_id"),
    52: (
        ReqFundamentalData,
        "version req_id con_id symbol sec_type exchange primary_exchange currency local_symbol report_type",
    ),
    53: (CancelFundamentalData, "version req_id"),
    54: (CalculateImpliedVolatility, "version req_id contract option_price under_price"),
    55: (CalculateOptionPrice, "version req_id contract volatility under_price"),
    56: (CancelCalculateImpliedVolatility, "version req_id"),
    57: (CancelCalculateOptionPrice, "version req_id"),
    58: (ReqGlobalCancel, "version"),
    59: (ReqMarketDataType, "version market_data_type"),
    61: (ReqPositions, "version"),
    62: (ReqAccountSummary, "version req_id group tags"),
    63: (CancelAccountSummary, "version req_id"),
    64: (CancelPositions, "version"),
    71: (StartApi, "version client_id optional_capabilities"),
    74: (ReqPositionsMulti, "version req_id account model_code"),
    75: (CancelPositionsMulti, "version req_id"),
    76: (ReqAccountUpdatesMulti, "version req_id account model_code ledger_and_nlv"),
    77: (CancelAccountUpdatesMulti, "version req_id"),
    78: (
        ReqSecDefOptParams,
        "req_id underlying_symbol fut_fop_exchange underlying_sec_type underlying_con_id",
    ),
    79: (ReqSoftDollarTiers, "req_id"),
    80: (ReqFamilyCodes, ""),
    81: (ReqMatchingSymbols, "req_id pattern"),
    82: (ReqMktDepthExchanges, ""),
    83: (ReqSmartComponents, "req_id bbo_exchange"),
    84: (ReqNewsArticle, "req_id provider_code article_id options"),
    85: (ReqNewsProviders, ""),
    86: (
        ReqHistoricalNews,
        "req_id con_id provider_codes start_date_time end_date_time total_results options",
    ),
    87: (ReqHeadTimestamp, "req_id contract include_expired use_rth what_to_show format_date"),
    88: (ReqHistogramData, "req_id contract include_expired use_rth period"),
    89: (CancelHistogramData, "req_id"),
    90: (CancelHeadTimestamp, "req_id"),
    91: (ReqMarketRule, "market_rule_id"),
    92: (ReqPnL, "req_id account model_code"),
    93: (CancelPnL, "req_id"),
    94: (ReqPnLSingle, "req_id account model_code con_id"),
    95: (CancelPnLSingle, "req_id"),
    96: (
        ReqHistoricalTicks,
        "req_id contract include_expired start end count what_to_show use_rth ignore_size options",
    ),
    97: (ReqTickByTick, "req_id contract tick_type number_of_ticks ignore_size"),
    98: (CancelTickByTick, "req_id"),
    99: (ReqCompletedOrders, "api_only"),
    100: (ReqWshMetaData, "req_id"),
    101: (CancelWshMetaData, "req_id"),
    102: (ReqWshEventData, "req_id con_id filters"),
    103: (CancelWshEventData, "req_id"),
    104: (ReqUserInfo, "req_id"),
}

Reader = Callable[[Fields], Any]

_INTEGERS = (
    "client_id num_rows format_date underlying_con_id con_id total_results market_rule_id  count"
    " number_of_ticks market_data_type level fa_type num_ids"
)
_BOOLEANS = (
    "snapshot regulatory_snapshot include_expired is_smart_depth all_msgs auto_bind subscribe use_rth"
    " keep_up_to_date ledger_and_nlv ignore_size api_only"
)
_READERS: dict[str, Reader] = {
    "version": Fields.text,
    "req_id": Fields.request_id,
    "order_id": Fields.request_id,
    "contract": read_contract,
    "contract+": read_market_contract,
    "bar_size:int": Fields.integer,
    "option_price": Fields.decimal,
    "under_price": Fields.decimal,
    "volatility": Fields.decimal,
    "filters": lambda fields: tuple(fields.rest()),
    **dict.fromkeys(_INTEGERS.split(), Fields.integer),
    **dict.fromkeys(_BOOLEANS.split(), Fields.boolean),
}

_Step = tuple[str, Reader, int]


def _steps(layout: str) -> tuple[_Step, ...]:
    """Compile a layout: (attribute, reader, first version that has it)."""
    steps = []
    for word in layout.split():
        gate, _, name = word.rpartition(":") if word.startswith(">=") else ("", "", word)
        attribute = name.removesuffix("+").removesuffix(":int")
        steps.append((attribute, _READERS.get(name, Fields.text), int(gate[2:] or 0)))
    return tuple(steps)


_COMPILED = {
    message_id: (kind, _steps(layout)) for message_id, (kind, layout) in _LAYOUT.items() if message_id != 3
}


def message_name(message_id: int) -> str:
    """Name the request with this id, `unknown` if there is none."""
    return _LAYOUT[message_id][0].__name__ if message_id in _LAYOUT else "unknown"


def parse_request(payload: bytes, version: int) -> Request:
    """Parse one payload of a client that was answered this server version.

    Texts behind the last field that is known are ignored, as a TWS does, except in orders, where they mean
    that client and server do not speak the same version.

    Raises:
        WireError: it is not what the protocol says; with the ids of message and request as far as read.
    """
    fields = Fields(payload)
    message_id = fields.integer(-1)
    try:
        return _parse(fields, message_id, version)
    except WireError as error:
        raise WireError(
            f"{message_name(message_id)}: {error}", message_id=message_id, req_id=fields.req_id
        ) from None


def _parse(fields: Fields, message_id: int, version: int) -> Request:
    if message_id == 3:
        return PlaceOrder(order=parse_place_order(fields, version))
    if message_id not in _COMPILED:
        return Unknown(message_id=message_id)
    kind, steps = _COMPILED[message_id]
    values: dict[str, Any] = {}
    for attribute, reader, since in steps:
        if version < since:
            continue
        if attribute == "+legs":
            values["contract"] = read_legs(fields, values["contract"])
        else:
            values[attribute] = reader(fields)
    values.pop("version", None)
    return cast("Callable[..., Request]", kind)(**values)
