"""The description of a contract as it travels: twelve fields from clients, eleven to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from certify.gateway.wire.fields import Fields
from certify.gateway.wire.frames import number

__all__ = [
    "DeltaNeutral",
    "WireContract",
    "WireLeg",
    "c11",
    "read_contract",
    "read_legs",
    "read_market_contract",
]

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class WireLeg:
    """A leg of a combination; the last four only in orders."""

    con_id: int
    ratio: int
    action: str
    exchange: str
    open_close: int = 0
    short_sale_slot: int = 0
    designated_location: str = ""
    exempt_code: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaNeutral:
    """The contract that hedges another's delta."""

    con_id: int
    delta: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class WireContract:
    """A contract as a client describes it (any part may be empty) or as the gateway answers it."""

    con_id: int = 0
    symbol: str = ""
    sec_type: str = ""
    last_trade_date: str = ""
    strike: Decimal = ZERO
    right: str = ""
    multiplier: str = ""
    exchange: str = ""
    primary_exchange: str = ""
    currency: str = ""
    local_symbol: str = ""
    trading_class: str = ""
    sec_id_type: str = ""
    sec_id: str = ""
    legs: tuple[WireLeg, ...] = ()
    delta_neutral: DeltaNeutral | None = None


def c11(contract: WireContract, *, right: str | None = None, exchange: str | None = None) -> str:
    """Write the eleven fields of most answers, separated by NUL, without one at the end.

    `right` and `exchange` replace the contract's own (openOrder has `?` for a stock's right).
    """
    return (
        f"{contract.con_id}\0{contract.symbol}\0{contract.sec_type}\0{contract.last_trade_date}\0"
        f"{number(contract.strike)}\0{contract.right if right is None else right}\0{contract.multiplier}\0"
        f"{contract.exchange if exchange is None else exchange}\0{contract.currency}\0"
        f"{contract.local_symbol}\0{contract.trading_class}"
    )


def read_contract(fields: Fields, _version: int = 0) -> WireContract:
    """Read the twelve fields of a request.

    Raises:
        WireError: a number is none, or the message ends.
    """
    con_id = fields.integer()
    symbol, sec_type, last_trade_date = fields.take(3)
    strike = fields.decimal()
    right, multiplier, exchange, primary, currency, local_symbol, trading_class = fields.take(7)
    return WireContract(
        con_id=con_id,
        symbol=symbol,
        sec_type=sec_type,
        last_trade_date=last_trade_date,
        strike=ZERO if strike is None else strike,
        right=right,
        multiplier=multiplier,
        exchange=exchange,
        primary_exchange=primary,
        currency=currency,
        local_symbol=local_symbol,
        trading_class=trading_class,
    )


def read_legs(fields: Fields, contract: WireContract) -> WireContract:
    """Read the legs of four fields each that follow in requests for data, if the contract is a combination.

    Raises:
        WireError: a number is none, or the message ends.
    """
    if contract.sec_type != "BAG":
        return contract
    legs = tuple(
        WireLeg(con_id=fields.integer(), ratio=fields.integer(), action=fields.text(), exchange=fields.text())
        for _ in range(fields.count(4))
    )
    return replace(contract, legs=legs)


def read_delta_neutral(fields: Fields, contract: WireContract) -> WireContract:
    """Read whether a delta-neutral contract is given, and it.

    Raises:
        WireError: a number is none, or the message ends.
    """
    if not fields.boolean():
        return contract
    given = DeltaNeutral(
        con_id=fields.integer(), delta=fields.decimal() or ZERO, price=fields.decimal() or ZERO
    )
    return replace(contract, delta_neutral=given)


def read_market_contract(fields: Fields, version: int = 0) -> WireContract:
    """Read the contract of reqMktData: twelve fields, legs of a combination, the delta-neutral contract.

    Raises:
        WireError: a number is none, or the message ends.
    """
    return read_delta_neutral(fields, read_legs(fields, read_contract(fields, version)))
