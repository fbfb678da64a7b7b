"""The account values of TWS: tags, values and currencies out of an account's worth."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from certify.gateway.accounts.money import DAY_TRADE_LEVERAGE, Worth, cents

Value = tuple[str, str, str]
"""Tag, value, currency (empty where it is no money)."""

SUMMARY_TAGS = (
    "AccountType", "NetLiquidation", "TotalCashValue", "SettledCash", "AccruedCash", "BuyingPower",
    "EquityWithLoanValue", "PreviousDayEquityWithLoanValue", "GrossPositionValue", "RegTEquity", "RegTMargin",
    "SMA", "InitMarginReq", "MaintMarginReq", "AvailableFunds", "ExcessLiquidity", "Cushion",
    "FullInitMarginReq", "FullMaintMarginReq", "FullAvailableFunds", "FullExcessLiquidity",
    "LookAheadNextChange", "LookAheadInitMarginReq", "LookAheadMaintMarginReq", "LookAheadAvailableFunds",
    "LookAheadExcessLiquidity", "HighestSeverity", "DayTradesRemaining", "Leverage",
)  # fmt: skip
"""Every tag of the account summary but the ledger; older names (`ReqTEquity`) are understood too."""
OLD_TAGS = {
    "ReqTEquity": "RegTEquity",
    "ReqTMargin": "RegTMargin",
    "PreviousEquityWithLoanValue": "PreviousDayEquityWithLoanValue",
}
BASE = "BASE"
"""The currency of sums over all currencies."""


def account_values(account: str, worth: Worth) -> list[Value]:
    """Return everything that `reqAccountUpdates` streams, in alphabetical order of the tags."""
    money = worth.state.currency
    values = [
        ("AccountCode", account, ""),
        ("AccountReady", "true", ""),
        *((tag, value, money if _is_money(tag) else "") for tag, value in _summary(worth)),
        *ledger(worth, money),
        *ledger(worth, BASE),
    ]
    return sorted(set(values), key=lambda value: (value[0], value[2]))


def summary(worth: Worth, tags: list[str]) -> Iterator[Value]:
    """Yield the values of an account summary: for each tag, and for `$LEDGER…` the whole ledger."""
    known, money = dict(_summary(worth)), worth.state.currency
    for asked in tags:
        tag = OLD_TAGS.get(asked, asked)
        if tag in known:
            yield asked, known[tag], money if _is_money(tag) else ""
        elif tag.startswith("$LEDGER"):
            currency = tag.partition(":")[2]
            if currency in ("", BASE, "ALL"):
                yield from ledger(worth, BASE)
            if currency in (money, "ALL"):
                yield from ledger(worth, money)


def ledger(worth: Worth, currency: str) -> Iterator[Value]:
    """Yield the ledger in one currency; there is one, so that the sums (`BASE`) are the same."""
    state = worth.state
    amounts = {
        "CashBalance": state.cash,
        "TotalCashBalance": state.cash,
        "AccruedCash": Decimal(0),
        "StockMarketValue": worth.value_of("STK"),
        "OptionMarketValue": worth.value_of("OPT"),
        "FutureOptionValue": Decimal(0),
        "FuturesPNL": sum(
            (each.unrealized for each in worth.holdings if each.listing.sec_type == "FUT"), Decimal(0)
        ),
        "NetLiquidationByCurrency": state.equity,
        "UnrealizedPnL": worth.unrealized,
        "RealizedPnL": worth.realized,
        "FxCashBalance": Decimal(0),
        "NetDividend": Decimal(0),
        "Cryptocurrency": worth.value_of("CRYPTO"),
    }
    yield "Currency", currency, currency
    yield "RealCurrency", currency, currency
    yield "ExchangeRate", "1.00", currency
    for tag, amount in amounts.items():
        yield tag, cents(amount), currency


def _summary(worth: Worth) -> Iterator[tuple[str, str]]:
    state = worth.state
    available, excess = state.equity - worth.initial_margin, state.equity - worth.maintenance_margin
    cushion = excess / state.equity if state.equity > 0 else Decimal(0)
    leverage = worth.gross / state.equity if state.equity > 0 else Decimal(0)
    amounts = {
        "AccruedCash": Decimal(0),
        "BuyingPower": max(Decimal(0), available * DAY_TRADE_LEVERAGE),
        "EquityWithLoanValue": state.equity,
        "GrossPositionValue": worth.gross,
        "NetLiquidation": state.equity,
        "PreviousDayEquityWithLoanValue": state.equity - worth.daily,
        "RegTEquity": state.equity,
        "RegTMargin": worth.initial_margin,
        "SMA": available,
        "SettledCash": state.cash,
        "TotalCashValue": state.cash,
    }
    for ahead in ("", "Full", "LookAhead"):
        amounts[f"{ahead}InitMarginReq"] = worth.initial_margin
        amounts[f"{ahead}MaintMarginReq"] = worth.maintenance_margin
        amounts[f"{ahead}AvailableFunds"] = available
        amounts[f"{ahead}ExcessLiquidity"] = excess
    yield from ((tag, cents(amount)) for tag, amount in amounts.items())
    yield "AccountType", "INDIVIDUAL"
    yield "Cushion", f"{cushion:.6f}".rstrip("0").rstrip(".")
    yield "DayTradesRemaining", "-1"
    yield "HighestSeverity", "0"
    yield "Leverage", f"{leverage:.2f}"
    yield "LookAheadNextChange", "0"


def _is_money(tag: str) -> bool:
    return tag not in (
        "AccountType", "Cushion", "DayTradesRemaining", "HighestSeverity", "Leverage", "LookAheadNextChange",
    )  # fmt: skip
