"""Answers questions about contracts, and tells the other desks which contract a client means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from certify.errors import UsageError
from certify.gateway.contracts.book import ContractBook, Refusal
from certify.gateway.contracts.details import details_of
from certify.gateway.contracts.listing import Listing, steps_of_rule
from certify.gateway.trading_calendar import local
from certify.gateway.wire import answers, market_answers
from certify.gateway.wire.answers import WireSymbol
from certify.gateway.wire.contract import WireContract
from certify.gateway.wire.market_requests import (
    ReqContractDetails,
    ReqMarketRule,
    ReqMatchingSymbols,
    ReqSecDefOptParams,
)
from certify.venue import CommissionSchedule

if TYPE_CHECKING:
    from certify.gateway.client import ClientSession
    from certify.gateway.house import Gateway

COMMISSIONS = {
    "OPT": CommissionSchedule(per_unit=Decimal("0.65"), minimum_per_order=Decimal("1.00")),
    "FUT": CommissionSchedule(per_unit=Decimal("2.25"), minimum_per_order=Decimal("2.25")),
    "CASH": CommissionSchedule(per_unit=Decimal("0.00002"), minimum_per_order=Decimal("2.00")),
    "CRYPTO": CommissionSchedule(per_unit=Decimal(0), minimum_per_order=Decimal("1.75")),
}
"""What a fill costs by security type, of IB's order of magnitude; stocks cost what the venue asks."""


class ContractDesk:
    """Contract details, symbol search, option chains, price steps; `resolve` is for the other desks."""

    def __init__(self, gateway: Gateway) -> None:
        """List the profile's instruments and the built-in universe, as of today."""
        self._gateway = gateway
        self.book = ContractBook(gateway.settings.instruments, local(gateway.now_ns()).date())
        self._trading: set[str] = set()

    def handlers(self) -> Mapping[type[Any], Callable[[ClientSession, Any], None]]:
        """Return the method for each request."""
        return {
            ReqContractDetails: self.contract_details,
            ReqMatchingSymbols: self.matching_symbols,
            ReqSecDefOptParams: self.option_parameters,
            ReqMarketRule: self.market_rule,
        }

    def actions(self) -> Mapping[str, Callable[..., Any]]:
        """Return no action."""
        return {}

    # -- for the other desks

    def resolve(self, contract: WireContract) -> Listing | None:
        """Return the one contract that is meant, which trades from now on; `None` when it is not one."""
        found = self.find(contract)
        return found if isinstance(found, Listing) else None

    def find(self, contract: WireContract) -> Listing | Refusal:
        """Return the one contract that is meant, which trades from now on, or the error to answer with."""
        found = self.book.find(contract)
        if isinstance(found, Listing):
            self.trade(found)
        return found

    def resolve_or_refuse(self, client: ClientSession, req_id: int, contract: WireContract) -> Listing | None:
        """Return the contract that is meant, or answer with the error and return `None`."""
        found = self.find(contract)
        if isinstance(found, Listing):
            return found
        client.error(req_id, found.code, found.text)
        return None

    def listing(self, instrument: str) -> Listing | None:
        """Return the contract of a certify instrument id, as `AAPL.NASDAQ`."""
        return self.book.listing(instrument)

    def by_con_id(self, con_id: int) -> Listing | None:
        """Return the contract of a contract id."""
        return self.book.by_con_id(con_id)

    def known(self, instrument: str) -> Listing:
        """Return the contract of an instrument; raises `UsageError` when there is none."""
        listing = self.book.listing(instrument)
        if listing is None:
            raise UsageError(f"{instrument} is not known here")
        return listing

    def trade(self, listing: Listing) -> None:
        """Let the venue trade `listing` and a market move in it; to be called freely."""
        instrument = listing.instrument
        if instrument.id in self._trading:
            return
        self._gateway.venue.list_instrument(instrument, COMMISSIONS.get(listing.sec_type))
        self._gateway.market.touch(instrument.id)
        self._trading.add(instrument.id)

    # -- requests

    def contract_details(self, client: ClientSession, request: ReqContractDetails) -> None:
        """Answer with every contract that fits, then the end; error 200 when there is none."""
        problem = self.book.malformed(request.contract)
        if problem is not None:
            client.error(request.req_id, problem.code, problem.text)
            return
        matches = [] if request.sec_id_type or request.issuer_id else self.book.search(request.contract)
        if not matches:
            client.error(request.req_id, 200, "No security definition has been found for the request")
            return
        for listing in matches:
            self.send_details(client, request, listing)
        client.send(answers.contract_data_end(req_id=request.req_id))

    def send_details(self, client: ClientSession, request: ReqContractDetails, listing: Listing) -> None:
        """Send one contractData."""
        today = local(self._gateway.now_ns()).date()
        wire = listing.wire(request.contract.exchange or None)
        details = details_of(listing, wire, today)
        client.send(answers.contract_data(client.version, req_id=request.req_id, details=details))

    def matching_symbols(self, client: ClientSession, request: ReqMatchingSymbols) -> None:
        """Answer with up to 16 contracts whose symbol or name is like the pattern."""
        rows = [
            WireSymbol(
                contract=each.wire(""),
                derivative_sec_types=self._derivatives(each),
                description=each.long_name,
            )
            for each in self.book.like(request.pattern)
        ]
        client.send(answers.symbol_samples(client.version, req_id=request.req_id, rows=rows))

    def _derivatives(self, listing: Listing) -> tuple[str, ...]:
        chain = listing.sec_type in ("STK", "IND") and self.book.chain(listing.symbol)
        return ("OPT",) if chain else ()

    def option_parameters(self, client: ClientSession, request: ReqSecDefOptParams) -> None:
        """Answer with expirations and strikes on each exchange of a chain; just the end without one."""
        chain = self.book.chain(request.underlying_symbol)
        if chain is not None and _asked_for(request, chain.underlying):
            rows = [(name, where) for name in chain.classes() for where in chain.exchanges]
            for trading_class, exchange in rows:
                client.send(
                    answers.sec_def_opt_param(
                        req_id=request.req_id,
                        exchange=exchange,
                        underlying_con_id=chain.underlying.con_id,
                        trading_class=trading_class,
                        multiplier="100",
                        expirations=chain.classes()[trading_class],
                        strikes=chain.strikes,
                    )
                )
        client.send(answers.sec_def_opt_param_end(req_id=request.req_id))

    def market_rule(self, client: ClientSession, request: ReqMarketRule) -> None:
        """Answer with the price steps of a rule, which here is one step for all prices."""
        step = steps_of_rule(request.market_rule_id)
        if step is None:
            client.error(-1, 321, "Error validating request.-'cx' : cause - Invalid market rule id")
            return
        rows = [(Decimal(0), step)]
        client.send(market_answers.market_rule(rule_id=request.market_rule_id, rows=rows))


def _asked_for(request: ReqSecDefOptParams, underlying: Listing) -> bool:
    """Whether a chain is that of the underlying asked for; options on futures there are none."""
    return (
        request.underlying_sec_type == underlying.sec_type
        and not request.fut_fop_exchange
        and request.underlying_con_id in (0, underlying.con_id)
    )
