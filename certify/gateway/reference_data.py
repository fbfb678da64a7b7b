"""Computes options, lists what streams, and answers for what is not offered: news, scans, reports.

Nothing stays unanswered: where there is no data there is an empty answer or IB's own error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from certify.gateway.contracts.listing import Listing
from certify.gateway.contracts.options import implied, value, years_left
from certify.gateway.trading_calendar import local
from certify.gateway.wire import answers
from certify.gateway.wire import market_requests as markets
from certify.gateway.wire import other_requests as others
from certify.gateway.wire.frames import frame

if TYPE_CHECKING:
    from certify.gateway.client import ClientSession
    from certify.gateway.house import Gateway

_SCANNER_PARAMETERS = '<?xml version="1.0" encoding="UTF-8"?>\n<ScanParameterResponse/>\n'
_OPTION_CALCULATION = 53
"""The tick type of an option's computation that was asked for."""


class ReferenceDesk:
    """Computations of options, and polite refusals."""

    def __init__(self, gateway: Gateway) -> None:
        """Answer for `gateway`."""
        self._gateway = gateway

    def handlers(self) -> Mapping[type[Any], Callable[[ClientSession, Any], None]]:
        """Return the method for each request."""
        return {
            markets.CalculateImpliedVolatility: self.implied_volatility,
            markets.CalculateOptionPrice: self.option_price,
            markets.CancelCalculateImpliedVolatility: self.nothing,
            markets.CancelCalculateOptionPrice: self.nothing,
            others.ReqNewsArticle: self.news_article,
            others.ReqHistoricalNews: self.historical_news,
            others.ReqScannerParameters: self.scanner_parameters,
            others.ReqScannerSubscription: self.scanner,
            others.ReqFundamentalData: self.fundamental_data,
            others.ReqWshMetaData: self.calendar,
            others.ReqWshEventData: self.calendar,
        }

    def actions(self) -> Mapping[str, Callable[..., Any]]:
        """Return the method for each action."""
        return {"subscriptions": self.list_subscriptions}

    def list_subscriptions(self, client_id: int | None = None) -> list[dict[str, Any]]:
        """List everything that streams: client id, kind, request id and instrument."""
        listed: list[dict[str, Any]] = []
        for desk in self._gateway.desks:
            subscriptions = getattr(desk, "subscriptions", None)
            if subscriptions is not None:
                listed += subscriptions(None if client_id is None else int(client_id))
        return listed

    def nothing(self, _client: ClientSession, _request: object) -> None:
        """Say nothing: what was to be computed is computed already."""

    # -- options

    def implied_volatility(self, client: ClientSession, request: markets.CalculateImpliedVolatility) -> None:
        """Send the volatility at which an option is worth a price."""
        option = self._option(client, request)
        spot, price = request.under_price, request.option_price
        if option is None or option.sec_type != "OPT" or spot is None or price is None or spot <= 0:
            return self._not_computable(client, request.req_id, option)
        years = years_left(option.last_trade_date, self._today())
        found = implied(float(price), float(spot), float(option.strike), years, call=option.right == "C")
        if found is None:
            return self._not_computable(client, request.req_id, option)
        return self._send_computation(client, request.req_id, option, found, float(spot))

    def option_price(self, client: ClientSession, request: markets.CalculateOptionPrice) -> None:
        """Send what an option is worth at a volatility."""
        option = self._option(client, request)
        spot, volatility = request.under_price, request.volatility
        if option is None or spot is None or volatility is None or spot <= 0 or volatility <= 0:
            return self._not_computable(client, request.req_id, option)
        return self._send_computation(client, request.req_id, option, float(volatility), float(spot))

    def _option(
        self,
        client: ClientSession,
        request: markets.CalculateImpliedVolatility | markets.CalculateOptionPrice,
    ) -> Listing | None:
        found: Listing | None = self._gateway.contracts.resolve_or_refuse(
            client, request.req_id, request.contract
        )
        return found

    def _not_computable(self, client: ClientSession, req_id: int, option: Listing | None) -> None:
        """Refuse a computation; an unknown contract was answered already."""
        if option is not None:
            cause = "the option cannot be computed from these values"
            client.error(req_id, 321, f"Error validating request.-'cl' : cause - {cause}")

    def _send_computation(
        self, client: ClientSession, req_id: int, option: Listing, volatility: float, spot: float
    ) -> None:
        if option.sec_type != "OPT":
            self._not_computable(client, req_id, option)
            return
        years = years_left(option.last_trade_date, self._today())
        made = value(spot, float(option.strike), years, volatility, call=option.right == "C")
        numbers = (volatility, made.delta, made.price, 0.0, made.gamma, made.vega, made.theta, spot)
        values = tuple(Decimal(str(round(each, 8))) for each in numbers)
        client.send(
            answers.tick_option_computation(
                req_id=req_id, tick_type=_OPTION_CALCULATION, tick_attrib=0, values=values
            )
        )

    def _today(self) -> date:
        return local(self._gateway.now_ns()).date()

    # -- what is not offered

    def news_article(self, client: ClientSession, request: others.ReqNewsArticle) -> None:
        """Refuse: there is no news."""
        client.error(request.req_id, 10172, "Failed to request news article:No data available")

    def historical_news(self, client: ClientSession, request: others.ReqHistoricalNews) -> None:
        """Send the end of no news (historicalNewsEnd, 87)."""
        client.send(frame(87, request.req_id, False))

    def scanner_parameters(self, client: ClientSession, _request: others.ReqScannerParameters) -> None:
        """Send an empty table of parameters (scannerParameters, 19)."""
        client.send(frame(19, 1, _SCANNER_PARAMETERS))

    def scanner(self, client: ClientSession, request: others.ReqScannerSubscription) -> None:
        """Send a scan that finds nothing (scannerData, 20), and say so (165), as TWS does."""
        client.send(frame(20, 3, request.req_id, 0))
        client.error(request.req_id, 165, reason="no items retrieved")

    def fundamental_data(self, client: ClientSession, request: others.ReqFundamentalData) -> None:
        """Refuse: there are no reports."""
        client.error(
            request.req_id, 430, "We are sorry, but fundamentals data for the security is not available."
        )

    def calendar(
        self, client: ClientSession, request: others.ReqWshMetaData | others.ReqWshEventData
    ) -> None:
        """Refuse: there is no subscription to the calendar."""
        client.error(request.req_id, 10276, "News feed is not allowed.")
