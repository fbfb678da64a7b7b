"""Every request that the client library can write, read to its last field."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from certify.gateway.wire import requests
from certify.gateway.wire.fields import Fields
from certify.gateway.wire.frames import WireError, frame
from certify.gateway.wire.requests import Unknown, message_name, parse_request

STOCK = {"symbol": "AAPL", "sec_type": "STK", "exchange": "SMART", "currency": "USD"}


def _bag(lib):
    bag = lib.Bag(symbol="SPY", exchange="SMART", currency="USD")
    bag.comboLegs = [lib.ComboLeg(conId=1, ratio=2, action="BUY", exchange="ARCA")]
    bag.deltaNeutralContract = lib.DeltaNeutralContract(conId=9, delta=0.5, price=101.5)
    return bag


def _details(lib):
    return lib.Stock(
        "AAPL", "SMART", "USD", includeExpired=True, secIdType="ISIN", secId="US1", issuerId="e1"
    )


STREAM = {"req_id": 5}
CASES = {
    # request: (the client's call, what is read)
    "ReqMktData": (
        lambda c, lib: c.reqMktData(5, lib.Stock("AAPL", "SMART", "USD"), "233", True, False, []),
        {
            "generic_tick_list": "233",
            "snapshot": True,
            "regulatory_snapshot": False,
            "mkt_data_options": "",
            **STREAM,
        },
    ),
    "CancelMktData": (lambda c, _: c.cancelMktData(5), STREAM),
    "CancelOrder": (lambda c, _: c.cancelOrder(41), {"order_id": 41, "manual_cancel_order_time": ""}),
    "ReqOpenOrders": (lambda c, _: c.reqOpenOrders(), {}),
    "ReqAccountUpdates": (
        lambda c, _: c.reqAccountUpdates(True, "DU1"),
        {"subscribe": True, "account": "DU1"},
    ),
    "ReqExecutions": (
        lambda c, lib: c.reqExecutions(
            5, lib.ExecutionFilter(clientId=3, acctCode="DU1", symbol="AAPL", side="BUY")
        ),
        {
            "client_id": 3,
            "acct_code": "DU1",
            "time": "",
            "symbol": "AAPL",
            "sec_type": "",
            "side": "BUY",
            **STREAM,
        },
    ),
    "ReqIds": (lambda c, _: c.reqIds(1), {"num_ids": 1}),
    "ReqContractDetails": (
        lambda c, lib: c.reqContractDetails(5, _details(lib)),
        {"include_expired": True, "sec_id_type": "ISIN", "sec_id": "US1", **STREAM},
    ),
    "ReqMktDepth": (
        lambda c, lib: c.reqMktDepth(5, lib.Stock("AAPL", "SMART", "USD"), 7, True, []),
        {"num_rows": 7, "is_smart_depth": True, "options": "", **STREAM},
    ),
    "CancelMktDepth": (lambda c, _: c.cancelMktDepth(5, True), {"is_smart_depth": True, **STREAM}),
    "ReqNewsBulletins": (lambda c, _: c.reqNewsBulletins(True), {"all_msgs": True}),
    "CancelNewsBulletins": (lambda c, _: c.cancelNewsBulletins(), {}),
    "SetServerLogLevel": (lambda c, _: c.setServerLogLevel(5), {"level": 5}),
    "ReqAutoOpenOrders": (lambda c, _: c.reqAutoOpenOrders(True), {"auto_bind": True}),
    "ReqAllOpenOrders": (lambda c, _: c.reqAllOpenOrders(), {}),
    "ReqManagedAccts": (lambda c, _: c.reqManagedAccts(), {}),
    "RequestFA": (lambda c, _: c.requestFA(1), {"fa_type": 1}),
    "ReplaceFA": (lambda c, _: c.replaceFA(5, 1, "<x/>"), {"fa_type": 1, "xml": "<x/>", "req_id": 5}),
    "ReqHistoricalData": (
        lambda c, lib: c.reqHistoricalData(
            5, lib.Stock("AAPL", "SMART", "USD"), "", "1 D", "5 mins", "TRADES", True, 2, True, []
        ),
        {
            "include_expired": False,
            "end_date_time": "",
            "bar_size": "5 mins",
            "duration": "1 D",
            "use_rth": True,
            "what_to_show": "TRADES",
            "format_date": 2,
            "keep_up_to_date": True,
            "chart_options": "",
            **STREAM,
        },
    ),
    "ReqScannerSubscription": (
        lambda c, lib: c.reqScannerSubscription(5, lib.ScannerSubscription(numberOfRows=10), [], []),
        STREAM,
    ),
    "CancelScannerSubscription": (lambda c, _: c.cancelScannerSubscription(5), STREAM),
    "ReqScannerParameters": (lambda c, _: c.reqScannerParameters(), {}),
    "CancelHistoricalData": (lambda c, _: c.cancelHistoricalData(5), STREAM),
    "ReqCurrentTime": (lambda c, _: c.reqCurrentTime(), {}),
    "ReqRealTimeBars": (
        lambda c, lib: c.reqRealTimeBars(5, lib.Stock("AAPL", "SMART", "USD"), 5, "TRADES", True, []),
        {"bar_size": 5, "what_to_show": "TRADES", "use_rth": True, "options": "", **STREAM},
    ),
    "CancelRealTimeBars": (lambda c, _: c.cancelRealTimeBars(5), STREAM),
    "ReqFundamentalData": (
        lambda c, lib: c.reqFundamentalData(
            5, lib.Stock("AAPL", "SMART", "USD", conId=7), "ReportSnapshot", []
        ),
        {"con_id": 7, "symbol": "AAPL", "exchange": "SMART", "report_type": "ReportSnapshot", **STREAM},
    ),
    "CancelFundamentalData": (lambda c, _: c.cancelFundamentalData(5), STREAM),
    "CalculateImpliedVolatility": (
        lambda c, lib: c.calculateImpliedVolatility(5, lib.Stock("AAPL", "SMART", "USD"), 1.5, 190, []),
        {"option_price": Decimal("1.5"), "under_price": Decimal(190), **STREAM},
    ),
    "CalculateOptionPrice": (
        lambda c, lib: c.calculateOptionPrice(5, lib.Stock("AAPL", "SMART", "USD"), 0.25, 190, []),
        {"volatility": Decimal("0.25"), "under_price": Decimal(190), **STREAM},
    ),
    "CancelCalculateImpliedVolatility": (lambda c, _: c.cancelCalculateImpliedVolatility(5), STREAM),
    "CancelCalculateOptionPrice": (lambda c, _: c.cancelCalculateOptionPrice(5), STREAM),
    "ReqGlobalCancel": (lambda c, _: c.reqGlobalCancel(), {}),
    "ReqMarketDataType": (lambda c, _: c.reqMarketDataType(3), {"market_data_type": 3}),
    "ReqPositions": (lambda c, _: c.reqPositions(), {}),
    "CancelPositions": (lambda c, _: c.cancelPositions(), {}),
    "ReqAccountSummary": (
        lambda c, _: c.reqAccountSummary(5, "All", "NetLiquidation,$LEDGER:ALL"),
        {"group": "All", "tags": "NetLiquidation,$LEDGER:ALL", **STREAM},
    ),
    "CancelAccountSummary": (lambda c, _: c.cancelAccountSummary(5), STREAM),
    "StartApi": (lambda c, _: c.startApi(), {"client_id": -1, "optional_capabilities": ""}),
    "ReqPositionsMulti": (
        lambda c, _: c.reqPositionsMulti(5, "DU1", "m"),
        {"account": "DU1", "model_code": "m", **STREAM},
    ),
    "CancelPositionsMulti": (lambda c, _: c.cancelPositionsMulti(5), STREAM),
    "ReqAccountUpdatesMulti": (
        lambda c, _: c.reqAccountUpdatesMulti(5, "DU1", "m", True),
        {"account": "DU1", "model_code": "m", "ledger_and_nlv": True, **STREAM},
    ),
    "CancelAccountUpdatesMulti": (lambda c, _: c.cancelAccountUpdatesMulti(5), STREAM),
    "ReqSecDefOptParams": (
        lambda c, _: c.reqSecDefOptParams(5, "AAPL", "", "STK", 265598),
        {
            "underlying_symbol": "AAPL",
            "fut_fop_exchange": "",
            "underlying_sec_type": "STK",
            "underlying_con_id": 265598,
            **STREAM,
        },
    ),
    "ReqSoftDollarTiers": (lambda c, _: c.reqSoftDollarTiers(5), STREAM),
    "ReqFamilyCodes": (lambda c, _: c.reqFamilyCodes(), {}),
    "ReqMatchingSymbols": (lambda c, _: c.reqMatchingSymbols(5, "appl"), {"pattern": "appl", **STREAM}),
    "ReqMktDepthExchanges": (lambda c, _: c.reqMktDepthExchanges(), {}),
    "ReqSmartComponents": (lambda c, _: c.reqSmartComponents(5, "9c1"), {"bbo_exchange": "9c1", **STREAM}),
    "ReqNewsArticle": (
        lambda c, _: c.reqNewsArticle(5, "BRFG", "a1", []),
        {"provider_code": "BRFG", "article_id": "a1", **STREAM},
    ),
    "ReqNewsProviders": (lambda c, _: c.reqNewsProviders(), {}),
    "ReqHistoricalNews": (
        lambda c, _: c.reqHistoricalNews(5, 7, "BRFG", "s", "e", 10, []),
        {"con_id": 7, "provider_codes": "BRFG", "total_results": 10, **STREAM},
    ),
    "ReqHeadTimestamp": (
        lambda c, lib: c.reqHeadTimeStamp(5, lib.Stock("AAPL", "SMART", "USD"), "TRADES", True, 1),
        {"use_rth": True, "what_to_show": "TRADES", "format_date": 1, **STREAM},
    ),
    "CancelHeadTimestamp": (lambda c, _: c.cancelHeadTimeStamp(5), STREAM),
    "ReqHistogramData": (
        lambda c, lib: c.reqHistogramData(5, lib.Stock("AAPL", "SMART", "USD"), True, "3 days"),
        {"use_rth": True, "period": "3 days", **STREAM},
    ),
    "CancelHistogramData": (lambda c, _: c.cancelHistogramData(5), STREAM),
    "ReqMarketRule": (lambda c, _: c.reqMarketRule(26), {"market_rule_id": 26}),
    "ReqPnL": (lambda c, _: c.reqPnL(5, "DU1", ""), {"account": "DU1", "model_code": "", **STREAM}),
    "CancelPnL": (lambda c, _: c.cancelPnL(5), STREAM),
    "ReqPnLSingle": (
        lambda c, _: c.reqPnLSingle(5, "DU1", "", 7),
        {"account": "DU1", "model_code": "", "con_id": 7, **STREAM},
    ),
    "CancelPnLSingle": (lambda c, _: c.cancelPnLSingle(5), STREAM),
    "ReqHistoricalTicks": (
        lambda c, lib: c.reqHistoricalTicks(
            5, lib.Stock("AAPL", "SMART", "USD"), "s", "e", 100, "BID_ASK", True, True, []
        ),
        {
            "start": "s",
            "end": "e",
            "count": 100,
            "what_to_show": "BID_ASK",
            "use_rth": True,
            "ignore_size": True,
            "options": "",
            **STREAM,
        },
    ),
    "ReqTickByTick": (
        lambda c, lib: c.reqTickByTickData(5, lib.Stock("AAPL", "SMART", "USD"), "BidAsk", 10, True),
        {"tick_type": "BidAsk", "number_of_ticks": 10, "ignore_size": True, **STREAM},
    ),
    "CancelTickByTick": (lambda c, _: c.cancelTickByTickData(5), STREAM),
    "ReqCompletedOrders": (lambda c, _: c.reqCompletedOrders(True), {"api_only": True}),
    "ReqWshMetaData": (lambda c, _: c.reqWshMetaData(5), STREAM),
    "CancelWshMetaData": (lambda c, _: c.cancelWshMetaData(5), STREAM),
    "ReqWshEventData": (
        lambda c, lib: c.reqWshEventData(5, lib.WshEventData(conId=7)),
        {"con_id": 7, **STREAM},
    ),
    "CancelWshEventData": (lambda c, _: c.cancelWshEventData(5), STREAM),
    "ReqUserInfo": (lambda c, _: c.reqUserInfo(5), STREAM),
}


@pytest.mark.parametrize("version", [157, 163, 166, 169, 171, 173, 176, 178])
@pytest.mark.parametrize("name", sorted(CASES))
def test_what_the_client_writes_is_read_to_the_last_field(name, version, library, speak, monkeypatch):
    readers = []
    monkeypatch.setattr(requests, "Fields", lambda payload: readers.append(Fields(payload)) or readers[-1])
    call, expected = CASES[name]
    client = speak(version)
    call(client, library)
    request = parse_request(client.sent[-1], version)
    assert type(request).__name__ == name
    assert {key: getattr(request, key) for key in expected} == expected
    if hasattr(request, "contract") and request.contract.sec_type == "STK":
        assert {key: getattr(request.contract, key) for key in STOCK} == STOCK
    left_over = readers[0].rest()
    assert all(text in ("", "0") for text in left_over), left_over  # options of calculations, which are none
    assert not left_over or name in {
        "ReqFundamentalData",
        "CalculateImpliedVolatility",
        "CalculateOptionPrice",
    }


def test_every_request_that_is_known_is_tried():
    kinds = {
        name
        for name in requests.__all__
        if dataclasses.is_dataclass(getattr(requests, name))
        and issubclass(getattr(requests, name), requests.Request)
    }
    assert kinds - {"Request", "Unknown", "PlaceOrder"} == set(CASES)


def test_an_issuer_is_asked_for_since_176(library, speak):
    for version, issuer in ((175, ""), (176, "e1")):
        client = speak(version)
        client.reqContractDetails(5, _details(library))
        assert parse_request(client.sent[-1], version).issuer_id == issuer


def test_the_time_of_a_manual_cancel_is_sent_since_169(speak):
    for version, time in ((168, ""), (169, "20300101 10:00:00")):
        client = speak(version)
        client.cancelOrder(41, "20300101 10:00:00")
        assert parse_request(client.sent[-1], version).manual_cancel_order_time == time


def test_combinations_have_legs_and_what_hedges_them(library, speak):
    client = speak(176)
    client.reqMktData(5, _bag(library), "", False, False, [])
    contract = parse_request(client.sent[-1], 176).contract
    (leg,) = contract.legs
    assert (leg.con_id, leg.ratio, leg.action, leg.exchange) == (1, 2, "BUY", "ARCA")
    assert (contract.delta_neutral.con_id, contract.delta_neutral.price) == (9, Decimal("101.5"))
    client.reqHistoricalData(5, _bag(library), "", "1 D", "1 min", "TRADES", True, 1, False, [])
    request = parse_request(client.sent[-1], 176)
    assert (len(request.contract.legs), request.keep_up_to_date) == (1, False)


def test_texts_behind_the_last_field_are_ignored():
    assert parse_request(frame(49, 1, "new", "newer")[4:], 176) == requests.ReqCurrentTime()


def test_a_message_that_nobody_knows_is_named():
    assert parse_request(frame(9999, 1)[4:], 176) == Unknown(message_id=9999)
    assert (message_name(1), message_name(9999)) == ("ReqMktData", "unknown")


def test_empty_numbers_and_booleans_are_unset():
    # As one client writes them: nothing at all for a contract's id and for what is false.
    payload = frame(
        1, 11, 5, "", "AAPL", "STK", "", "", "", "", "SMART", "", "USD", "", "", "", "", "", "", ""
    )[4:]
    request = parse_request(payload, 176)
    assert (request.contract.con_id, request.contract.strike, request.snapshot) == (0, Decimal(0), False)


def test_an_error_says_which_message_and_which_request():
    with pytest.raises(WireError, match=r"ReqMktData: .*too early") as raised:
        parse_request(frame(1, 11, 5, 0, "AAPL")[4:], 176)
    assert (raised.value.message_id, raised.value.req_id) == (1, 5)
