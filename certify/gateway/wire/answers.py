"""Answers about the session and accounts as framed bytes; those about markets and contracts by name too.

Where a field list or a number depends on the server version, it is the first argument.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from certify.gateway.wire.contract import WireContract, c11
from certify.gateway.wire.contract_answers import (
    WireContractDetails,
    WireSymbol,
    contract_data,
    contract_data_end,
    family_codes,
    mkt_depth_exchanges,
    news_providers,
    sec_def_opt_param,
    sec_def_opt_param_end,
    smart_components,
    soft_dollar_tiers,
    symbol_samples,
)
from certify.gateway.wire.frames import UNSET_DOUBLE, frame, joined, number
from certify.gateway.wire.market_answers import (
    HistoricalTick,
    HistoricalTickBidAsk,
    HistoricalTickLast,
    WireBar,
    head_timestamp,
    histogram_data,
    historical_data,
    historical_data_update,
    historical_ticks,
    historical_ticks_bid_ask,
    historical_ticks_last,
    market_data_type,
    market_rule,
    mkt_depth,
    mkt_depth_l2,
    real_time_bar,
    size_text,
    tick_by_tick_bid_ask,
    tick_by_tick_last,
    tick_by_tick_mid_point,
    tick_generic,
    tick_option_computation,
    tick_price,
    tick_price_and_size,
    tick_req_params,
    tick_size,
    tick_snapshot_end,
    tick_string,
)

__all__ = [
    "HistoricalTick",
    "HistoricalTickBidAsk",
    "HistoricalTickLast",
    "WireBar",
    "WireContractDetails",
    "WireSymbol",
    "account_download_end",
    "account_summary",
    "account_summary_end",
    "account_update_multi",
    "account_update_multi_end",
    "account_update_time",
    "account_value",
    "contract_data",
    "contract_data_end",
    "current_time",
    "error",
    "family_codes",
    "handshake",
    "head_timestamp",
    "histogram_data",
    "historical_data",
    "historical_data_update",
    "historical_ticks",
    "historical_ticks_bid_ask",
    "historical_ticks_last",
    "managed_accounts",
    "market_data_type",
    "market_rule",
    "mkt_depth",
    "mkt_depth_exchanges",
    "mkt_depth_l2",
    "news_providers",
    "next_valid_id",
    "pnl",
    "pnl_single",
    "portfolio_value",
    "position",
    "position_end",
    "position_multi",
    "position_multi_end",
    "real_time_bar",
    "sec_def_opt_param",
    "sec_def_opt_param_end",
    "size_text",
    "smart_components",
    "soft_dollar_tiers",
    "symbol_samples",
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
    "user_info",
]


def _amount(value: Decimal | None) -> str:
    return UNSET_DOUBLE if value is None else number(value)


def handshake(*, server_version: int, connection_time: str) -> bytes:
    """Write the answer to the greeting: the version that is spoken from now on, and the time."""
    return frame(server_version, connection_time)


def error(version: int, req_id: int, code: int, text: str, advanced_json: str = "") -> bytes:
    """Write error (4): `req_id` -1 is a notice to everyone, an order's id is about the order."""
    if version >= 166:
        return frame(4, 2, req_id, code, text, advanced_json)
    return frame(4, 2, req_id, code, text)


def managed_accounts(accounts: Iterable[str]) -> bytes:
    """Write managedAccounts (15)."""
    return frame(15, 1, ",".join(accounts))


def next_valid_id(order_id: int) -> bytes:
    """Write nextValidId (9)."""
    return frame(9, 1, order_id)


def current_time(time_s: int) -> bytes:
    """Write currentTime (49)."""
    return frame(49, 1, time_s)


def user_info(*, req_id: int, white_branding_id: str) -> bytes:
    """Write userInfo (107)."""
    return frame(107, req_id, white_branding_id)


def account_value(*, tag: str, value: str, currency: str, account: str) -> bytes:
    """Write accountValue (6)."""
    return frame(6, 2, tag, value, currency, account)


def account_update_time(text: str) -> bytes:
    """Write accountUpdateTime (8), hours and minutes."""
    return frame(8, 1, text)


def account_download_end(account: str) -> bytes:
    """Write accountDownloadEnd (54)."""
    return frame(54, 1, account)


def portfolio_value(  # noqa: PLR0913 - one argument per field of the message
    version: int,
    *,
    contract: WireContract,
    position: Decimal,
    market_price: Decimal,
    average_cost: Decimal,
    unrealized_pnl: Decimal,
    realized_pnl: Decimal,
    account: str,
    market_value: Decimal | None = None,
) -> bytes:
    """Write portfolioValue (7); the market value is position times price unless it is given."""
    value = position * market_price if market_value is None else market_value
    described = c11(contract, exchange=contract.primary_exchange or contract.exchange).split("\0")
    return joined(
        [
            "7",
            "8",
            *described,
            size_text(version, position),
            number(market_price),
            number(value),
            number(average_cost),
            number(unrealized_pnl),
            number(realized_pnl),
            account,
        ]
    )


def account_summary(*, req_id: int, account: str, tag: str, value: str, currency: str) -> bytes:
    """Write accountSummary (63)."""
    return frame(63, 1, req_id, account, tag, value, currency)


def account_summary_end(*, req_id: int) -> bytes:
    """Write accountSummaryEnd (64)."""
    return frame(64, 1, req_id)


def account_update_multi(
    *, req_id: int, account: str, model_code: str, tag: str, value: str, currency: str
) -> bytes:
    """Write accountUpdateMulti (73)."""
    return frame(73, 1, req_id, account, model_code, tag, value, currency)


def account_update_multi_end(*, req_id: int) -> bytes:
    """Write accountUpdateMultiEnd (74)."""
    return frame(74, 1, req_id)


def position(
    version: int, *, account: str, contract: WireContract, position: Decimal, avg_cost: Decimal
) -> bytes:
    """Write position (61)."""
    held = size_text(version, position)
    return joined(["61", "3", account, *c11(contract).split("\0"), held, number(avg_cost)])


def position_end() -> bytes:
    """Write positionEnd (62)."""
    return frame(62, 1)


def position_multi(
    version: int,
    *,
    req_id: int,
    account: str,
    contract: WireContract,
    position: Decimal,
    avg_cost: Decimal,
    model_code: str = "",
) -> bytes:
    """Write positionMulti (71)."""
    held = size_text(version, position)
    described = c11(contract).split("\0")
    return joined(["71", "1", str(req_id), account, *described, held, number(avg_cost), model_code])


def position_multi_end(*, req_id: int) -> bytes:
    """Write positionMultiEnd (72)."""
    return frame(72, 1, req_id)


def pnl(
    *, req_id: int, daily_pnl: Decimal | None, unrealized_pnl: Decimal | None, realized_pnl: Decimal | None
) -> bytes:
    """Write pnl (94); None is written as a TWS writes "not known"."""
    return frame(94, req_id, _amount(daily_pnl), _amount(unrealized_pnl), _amount(realized_pnl))


def pnl_single(
    version: int,
    *,
    req_id: int,
    position: Decimal,
    daily_pnl: Decimal | None,
    unrealized_pnl: Decimal | None,
    realized_pnl: Decimal | None,
    value: Decimal | None,
) -> bytes:
    """Write pnlSingle (95); None is written as a TWS writes "not known"."""
    profits = (_amount(daily_pnl), _amount(unrealized_pnl), _amount(realized_pnl))
    return frame(95, req_id, size_text(version, position), *profits, _amount(value))
