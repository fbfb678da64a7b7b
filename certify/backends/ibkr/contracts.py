"""Instrument ids and IB's contracts.

| kind | id | contract |
| --- | --- | --- |
| STK | `AAPL.NASDAQ` | symbol AAPL, exchange SMART, primary exchange NASDAQ |
| CASH | `EUR.USD.IDEALPRO`, `EUR.IDEALPRO` | symbol EUR, exchange IDEALPRO, currency USD or as set |
| FUT | `ESZ6.CME`, `ES-20261218.CME` | local symbol ESZ6, or symbol and last trade date; exchange CME |
| OPT | `AAPL-20261218-C-200.SMART` | symbol, date, right, strike; without dashes the local symbol |
| CRYPTO | `BTC.PAXOS` | symbol BTC, exchange PAXOS |

Symbols are written as at IB, with its blanks (`BRK B.NYSE`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from certify.backends.ibkr.client_library import Contract
from certify.errors import UsageError
from certify.model.trading import Instrument

Key = tuple[str, str, str, str, str, float]


def contract_of(instrument: Instrument) -> Any:
    """Return IB's contract for an instrument.

    Raises:
        UsageError: the id or the kind cannot be translated.
    """
    name, _, venue = instrument.id.rpartition(".")
    if not name:
        raise UsageError(f"expected an instrument id as SYMBOL.EXCHANGE, was {instrument.id}")
    if instrument.kind == "STK":
        return Contract(
            symbol=name,
            secType="STK",
            exchange="SMART",
            primaryExchange="" if venue == "SMART" else venue,
            currency=instrument.currency,
        )
    if instrument.kind == "CASH":
        base, _, quoted = name.partition(".")
        return Contract(symbol=base, secType="CASH", exchange=venue, currency=quoted or instrument.currency)
    if instrument.kind == "CRYPTO":
        return Contract(symbol=name, secType="CRYPTO", exchange=venue, currency=instrument.currency)
    return _derivative(instrument, name.split("-"), venue)


def _derivative(instrument: Instrument, parts: list[str], venue: str) -> Any:
    common = {"secType": instrument.kind, "exchange": venue, "currency": instrument.currency}
    multiplier = format(instrument.multiplier.normalize(), "f")
    if instrument.kind in ("FUT", "OPT") and len(parts) == 1:
        return Contract(localSymbol=parts[0], **common)
    if instrument.kind == "FUT" and len(parts) == 2:
        symbol, date = parts
        return Contract(symbol=symbol, lastTradeDateOrContractMonth=date, multiplier=multiplier, **common)
    if instrument.kind == "OPT" and len(parts) == 4:
        symbol, date, right, strike = parts
        return Contract(
            symbol=symbol,
            lastTradeDateOrContractMonth=date,
            right=right,
            strike=float(strike),
            multiplier=multiplier,
            **common,
        )
    raise UsageError(f"{instrument.id}: kind {instrument.kind} is not known, or its id is written otherwise")


def _key(contract: Any) -> Key:
    right = {"CALL": "C", "PUT": "P", "?": "", "0": ""}.get(contract.right, contract.right)
    return (
        contract.symbol or contract.localSymbol,
        contract.secType,
        contract.currency,
        contract.lastTradeDateOrContractMonth or "",
        right or "",
        float(contract.strike or 0),
    )


class ContractBook:
    """The instruments that are traded, with their contracts."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        """Translate every instrument; raises `UsageError` for one that cannot be."""
        self.instruments = {instrument.id: instrument for instrument in instruments}
        self._contracts = {name: contract_of(each) for name, each in self.instruments.items()}
        self._by_id: dict[int, str] = {}
        self._by_key = {_key(contract): name for name, contract in self._contracts.items()}

    def contract(self, instrument: str) -> Any:
        """Return the contract of an instrument; raises `KeyError` for an unknown one."""
        return self._contracts[instrument]

    def unqualified(self) -> list[str]:
        """Return the instruments whose contract IB has not confirmed yet."""
        return [name for name, contract in self._contracts.items() if not contract.conId]

    def qualify(self, instrument: str, found: Any) -> None:
        """Take over what IB says the contract is."""
        contract = self._contracts[instrument]
        contract.conId = found.conId
        contract.localSymbol, contract.tradingClass = found.localSymbol, found.tradingClass
        self._by_id[found.conId] = instrument

    def instrument_of(self, contract: Any) -> str | None:
        """Return the instrument of a contract in one of IB's messages, or `None`."""
        return self._by_id.get(contract.conId) or self._by_key.get(_key(contract))
